//! What a field lets through of a written value, for the readers of documents: a value of another form is none, and what the
//! layout's list of values does not name is none. `*` in a listed value stands for any characters.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash, Hasher};

use jiff::civil::Date;

use super::{Action, By, Field, Kind};
use crate::cell;
use crate::normalise::{date, postcode};

/// A value in the form of its type.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Scalar<'v> {
    /// A day; times of day are left out.
    Day(Date),
    /// Yes or no.
    Flag(bool),
    /// A reference: only equality with another one of the same document is known.
    Link(u64),
    /// A number.
    Number(f64),
    /// A code, or for tokens the words as they stand.
    Text(Cow<'v, str>),
}

/// What came of a written value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Seen<'v> {
    /// Of another form.
    Malformed,
    /// Blank, or not one of the listed values.
    Nothing,
    /// A value.
    Value(Scalar<'v>),
}

/// How values of a field are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    Code,
    Day,
    Flag,
    Institution,
    Int,
    Link,
    MonthOfDay,
    Municipality,
    Number,
    Raw,
    Unit,
}

/// A field's form, made once a file.
#[derive(Clone, Debug)]
pub(crate) struct Form {
    how: How,
    /// Values without stars, and what is stored for them.
    exact: Vec<(Box<str>, Box<str>)>,
    /// Values with stars, in their order.
    starred: Vec<(Starred, Box<str>)>,
}

/// A listed value with stars: what stands in front of the first, between them, and behind the last.
#[derive(Clone, Debug)]
struct Starred {
    front: Box<str>,
    between: Vec<Box<str>>,
    end: Box<str>,
}

impl Starred {
    fn of(listed: &str) -> Option<Self> {
        let (front, rest) = listed.split_once('*')?;
        let (between, end) = rest.rsplit_once('*').map_or((None, rest), |(between, end)| (Some(between), end));
        let between = between.into_iter().flat_map(|parts| parts.split('*')).map(Into::into).collect();
        Some(Self { front: front.into(), between, end: end.into() })
    }

    /// What the last star stands for.
    fn rest<'w>(&self, written: &'w str) -> Option<&'w str> {
        let mut rest = written.strip_prefix(&*self.front)?.strip_suffix(&*self.end)?;
        for part in &self.between {
            let at = memchr::memmem::find(rest.as_bytes(), part.as_bytes())?;
            rest = rest.get(at.checked_add(part.len())?..)?;
        }
        Some(rest)
    }
}

impl Form {
    /// For content: none if the field does not leave.
    pub(crate) fn content(field: &Field) -> Option<Self> {
        let how = match (field.action, field.kind, field.codes.as_deref(), &field.by) {
            (Action::Keep, Some(Kind::Code), Some("reference"), _) => How::Link,
            (Action::Keep, Some(Kind::Code), Some("ucum"), _) => How::Unit,
            (Action::Keep, Some(Kind::Code), _, _) => How::Code,
            (Action::Keep, Some(Kind::Date), _, _) => How::Day,
            (Action::Keep, Some(Kind::Decimal), _, _) => How::Number,
            (Action::Keep, Some(Kind::Flag), _, _) => How::Flag,
            (Action::Keep, Some(Kind::Int), _, _) => How::Int,
            (Action::Generalise, _, _, Some(By::Institution)) => How::Institution,
            (Action::Generalise, _, _, Some(By::Month)) => How::MonthOfDay,
            (Action::Generalise, _, _, Some(By::Municipality)) => How::Municipality,
            _ => return None,
        };
        Some(Self::new(how, field))
    }

    /// For tokens: none if the field says nothing of the person.
    pub(crate) fn identity(field: &Field) -> Option<Self> {
        (!field.identity.is_empty()).then(|| Self::new(How::Raw, field))
    }

    fn new(how: How, field: &Field) -> Self {
        let mut form = Self { how, exact: Vec::new(), starred: Vec::new() };
        for (listed, stored) in &field.values {
            match Starred::of(listed) {
                Some(starred) => form.starred.push((starred, stored.as_str().into())),
                None => form.exact.push((listed.as_str().into(), stored.as_str().into())),
            }
        }
        form
    }

    /// Reads text.
    pub(crate) fn text<'v>(&'v self, written: Cow<'v, str>) -> Seen<'v> {
        if written.trim().is_empty() {
            return Seen::Nothing;
        }
        if !(self.exact.is_empty() && self.starred.is_empty()) {
            return match self.stored(written.trim()) {
                Some(stored) if matches!(self.how, How::Code | How::Raw) => Seen::Value(Scalar::Text(stored)),
                Some(stored) => self.typed(stored),
                None => Seen::Nothing,
            };
        }
        self.typed(written)
    }

    /// Reads a number.
    pub(crate) fn number(&self, number: f64) -> Seen<'static> {
        let whole = number.fract() == 0.0 && number.abs() < f64::from(i32::MAX);
        let fits = self.how == How::Number && number.is_finite() || self.how == How::Int && whole;
        if fits { Seen::Value(Scalar::Number(number)) } else { Seen::Malformed }
    }

    /// Reads yes or no.
    pub(crate) fn flag(&self, flag: bool) -> Seen<'static> {
        if self.how == How::Flag { Seen::Value(Scalar::Flag(flag)) } else { Seen::Malformed }
    }

    /// The stored value of a listed one. A star at the end of both passes on what it stands for, to tokens alone.
    fn stored(&self, written: &str) -> Option<Cow<'_, str>> {
        if let Some((_, stored)) = self.exact.iter().find(|(listed, _)| **listed == *written) {
            return Some(Cow::Borrowed(stored));
        }
        let found = |(starred, stored)| Starred::rest(starred, written).map(|rest| (starred, stored, rest));
        let (starred, stored, rest) = self.starred.iter().map(|(starred, stored)| (starred, stored)).find_map(found)?;
        Some(match stored.strip_suffix('*') {
            Some(word) if self.how == How::Raw && starred.end.is_empty() => Cow::Owned(format!("{word}{rest}")),
            _ => Cow::Borrowed(stored),
        })
    }

    fn typed<'v>(&self, written: Cow<'v, str>) -> Seen<'v> {
        // A year or a month alone is well formed, and no day.
        let has_hyphen = written.as_bytes().get(4) == Some(&b'-');
        let is_part_of_date = (written.len() == 4 || written.len() == 7 && has_hyphen)
            && written.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
        let value = match self.how {
            How::Code => code(&written).then_some(Scalar::Text(written)),
            How::Unit => unit(&written).then_some(Scalar::Text(written)),
            How::Raw => Some(Scalar::Text(written)),
            How::Day => day(&written).map(Scalar::Day),
            How::MonthOfDay => day(&written).map(date::first_of_month).map(Scalar::Day),
            How::Number => cell::decimal(written.as_bytes()).map(Scalar::Number),
            How::Int => cell::int(written.as_bytes()).map(f64::from).map(Scalar::Number),
            How::Flag => match written.trim() {
                "1" => Some(Scalar::Flag(true)),
                "0" => Some(Scalar::Flag(false)),
                _ => None,
            },
            How::Institution => {
                return institution(&written).map_or(Seen::Nothing, |code| Seen::Value(Scalar::Text(Cow::Owned(code))));
            }
            // A postcode of no known place is no error of the record.
            How::Municipality => {
                let code = postcode::municipality(&written);
                return code.map_or(Seen::Nothing, |code| Seen::Value(Scalar::Text(Cow::Borrowed(code))));
            }
            How::Link => {
                let mut hasher = DefaultHasher::new();
                written.hash(&mut hasher);
                Some(Scalar::Link(hasher.finish()))
            }
        };
        let is_part = matches!(self.how, How::Day | How::MonthOfDay) && value.is_none() && is_part_of_date;
        value.map_or(if is_part { Seen::Nothing } else { Seen::Malformed }, Seen::Value)
    }
}

/// Whether a listed value, with stars or without, stands for what is written.
pub(crate) fn matches(listed: &str, written: &str) -> bool {
    Starred::of(listed).map_or(listed == written, |starred| starred.rest(written).is_some())
}

/// Letters, digits and `.+-`, at most 20: no words, no names in Japanese.
fn code(written: &str) -> bool {
    (1..=20).contains(&written.len())
        && written.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'+' | b'-'))
}

/// Half-width letters, digits and signs of UCUM units; a text is none.
fn unit(written: &str) -> bool {
    let sign = |letter: char| {
        letter.is_ascii_alphanumeric() || "/%.*^[](){}_'+-".contains(letter) || matches!(letter, 'μ' | 'µ' | '℃')
    };
    (1..=20).contains(&written.chars().count()) && written.chars().all(sign)
}

/// A day: ISO 8601 with or without a time, `YYYYMMDD` with or without a time, `YYYY/MM/DD`, or a day of an era by its length.
fn day(written: &str) -> Option<Date> {
    if let Some(day) = date::iso(written) {
        return Some(day);
    }
    let written = written.trim();
    if written.len() > 8 && written.bytes().take(14).all(|byte| byte.is_ascii_digit()) {
        return date::day(written.get(..8)?.as_bytes());
    }
    let mut digits = [0; 8];
    let mut length = 0_usize;
    for byte in written.bytes().filter(|byte| !matches!(byte, b'/' | b'.')) {
        *digits.get_mut(length)? = byte;
        length = length.saturating_add(1);
    }
    date::day(digits.get(..length)?)
}

/// The ten digits of an institution, alone or in front of `^`: they begin with a prefecture.
pub(crate) fn institution(written: &str) -> Option<String> {
    let code = written.split('^').next()?.trim();
    let digits = cell::digits(code.as_bytes(), 10)?;
    let known = digits.get(..2)?.parse::<u8>().is_ok_and(|prefecture| (1..=47).contains(&prefecture));
    known.then(|| digits.to_owned())
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn stars_stand_for_any_characters() {
        for (listed, written, fits) in [
            ("abc", "abc", true),
            ("abc", "abcd", false),
            ("*/YJ-code", "http://x/YJ-code", true),
            ("*/YJ-code", "http://x/YJ-code2", false),
            ("*/JLAC10/*Infection*", "http://x/JLAC10/JP_Infection_CS", true),
            ("*/JLAC10/*Infection*", "http://x/JLAC11/JP_Infection_CS", false),
            ("urn:oid:1.*", "urn:oid:1.2", true),
            ("*", "", true),
            ("a*a", "a", false),
        ] {
            assert_eq!(matches(listed, written), fits, "{listed} {written}");
        }
    }

    #[test]
    fn days_of_all_dialects_and_nothing_else() {
        for written in
            ["2022-07-15", "2022-07-15T09:00:00+09:00", "20220715", "20220715093000", "2022/07/15", "5040715"]
        {
            assert_eq!(day(written), Some(date(2022, 7, 15)), "{written}");
        }
        for written in ["2022-07", "2022", "20220230", "山田", "2022-07-15 山田", "2022071", "123456789"] {
            assert_eq!(day(written), None, "{written}");
        }
    }

    #[test]
    fn institutions_begin_with_a_prefecture() {
        assert_eq!(institution("1311234566^2023^1").as_deref(), Some("1311234566"));
        assert_eq!(institution("06131239"), None);
        assert_eq!(institution("9911234566"), None);
    }

    proptest! {
        #[test]
        fn codes_and_units_never_carry_japanese(written in "\\PC{0,30}") {
            if code(&written) || unit(&written) {
                prop_assert!(written.chars().all(|letter| letter.is_ascii() || "μµ℃".contains(letter)));
                prop_assert!(written.chars().count() <= 20);
            }
            let _fits = matches(&written, &written);
            let _day = day(&written);
        }
    }
}
