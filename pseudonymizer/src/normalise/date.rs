//! Dates in both dialects, told apart by their length alone: western `YYYYMMDD`/`YYYYMM`, era `GYYMMDD`/`GYYMM` (formats.md 13.7).

use jiff::civil::Date;

use super::{placeholder, text};

/// A birth: the day, or in old records just the month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Birth {
    /// The day, where recorded.
    pub(crate) day: Option<Date>,
    /// First of the month.
    pub(crate) month: Date,
}

/// A day, 8 digits western or 7 era. `None` for blank, for `00000000`, for days that do not exist or are before their era.
pub(crate) fn day(digits: &[u8]) -> Option<Date> {
    let (year, era, rest) = split(digits, 8)?;
    let day = build(year, number(rest.get(..2)?)?, number(rest.get(2..)?)?)?;
    era.is_none_or(|first| day >= first).then_some(day)
}

/// A month, 6 digits western or 5 era, as its first day.
pub(crate) fn month(digits: &[u8]) -> Option<Date> {
    let (year, era, rest) = split(digits, 6)?;
    let month = build(year, number(rest)?, 1)?;
    era.is_none_or(|first| month >= first.first_of_month()).then_some(month)
}

/// A birth date; day `00` leaves the month alone. Placeholders are absent.
pub(crate) fn birth(digits: &[u8]) -> Option<Birth> {
    if !digits.is_ascii() {
        let half_width = text::fold_closed(std::str::from_utf8(digits).ok()?);
        return half_width.is_ascii().then(|| birth(half_width.as_bytes())).flatten();
    }
    if placeholder::is_birth(digits) {
        return None;
    }
    if let Some(day) = day(digits) {
        return Some(Birth { day: Some(day), month: first_of_month(day) });
    }
    let (front, back) = digits.split_at_checked(digits.len().checked_sub(2)?)?;
    (back == b"00").then(|| month(front)).flatten().map(|month| Birth { day: None, month })
}

/// A date of FHIR: `YYYY-MM-DD` with or without a time behind it.
pub(crate) fn iso(written: &str) -> Option<Date> {
    let date: Date = written.get(..10)?.parse().ok()?;
    let rest = written.get(10..)?;
    ((rest.is_empty() || rest.starts_with('T')) && PLAUSIBLE.contains(&date.year())).then_some(date)
}

/// First day of a day's month.
pub(crate) fn first_of_month(day: Date) -> Date {
    day.first_of_month()
}

/// Completed years between two days. `None` before the birth.
pub(crate) fn years(birth: Date, on: Date) -> Option<i32> {
    let before_birthday = (on.month(), on.day()) < (birth.month(), birth.day());
    let years = i32::from(on.year()) - i32::from(birth.year()) - i32::from(before_birthday);
    (years >= 0).then_some(years)
}

/// From the first year of 明治 on.
const PLAUSIBLE: std::ops::RangeInclusive<i16> = 1868..=2199;

fn build(year: i16, month: i16, day: i16) -> Option<Date> {
    PLAUSIBLE.contains(&year).then_some(())?;
    Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

/// Year, the first day of its era if there is one, and the digits behind; `western` is the length of a western date.
fn split(digits: &[u8], western: usize) -> Option<(i16, Option<Date>, &[u8])> {
    if digits.len() == western {
        return Some((number(digits.get(..4)?)?, None, digits.get(4..)?));
    }
    (digits.len().checked_add(1)? == western).then_some(())?;
    let (era, rest) = digits.split_first()?;
    let first = first_day(*era)?;
    let year = number(rest.get(..2)?).filter(|year| *year > 0)?.checked_add(first.year())?.checked_sub(1)?;
    Some((year, Some(first), rest.get(2..)?))
}

/// First day of an era. Years past an era's end are read on (昭和64, 平成32), systems write them; before its beginning nothing is.
fn first_day(era: u8) -> Option<Date> {
    Some(match era {
        b'1' => Date::constant(1868, 1, 25),
        b'2' => Date::constant(1912, 7, 30),
        b'3' => Date::constant(1926, 12, 25),
        b'4' => Date::constant(1989, 1, 8),
        b'5' => Date::constant(2019, 5, 1),
        _ => return None,
    })
}

fn number(digits: &[u8]) -> Option<i16> {
    digits.iter().try_fold(0_i16, |sum, digit| {
        digit.is_ascii_digit().then_some(())?;
        sum.checked_mul(10)?.checked_add(i16::from(digit - b'0'))
    })
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn years_are_completed_years() {
        assert_eq!(years(date(1958, 3, 14), date(2022, 3, 1)), Some(63));
        assert_eq!(years(date(1958, 3, 1), date(2022, 3, 1)), Some(64));
        assert_eq!(years(date(2022, 3, 2), date(2022, 3, 1)), None);
    }

    proptest! {
        #[test]
        fn both_dialects_name_the_same_day(year in 1927_i16..2030, month in 1_i8..=12, on in 1_i8..=28) {
            let era = if year > 2019 { (5, 2018) } else if year > 1989 { (4, 1988) } else { (3, 1925) };
            let western = format!("{year:04}{month:02}{on:02}");
            let own = format!("{}{:02}{month:02}{on:02}", era.0, year - era.1);
            prop_assert_eq!(day(western.as_bytes()), Some(date(year, month, on)));
            prop_assert_eq!(day(own.as_bytes()), Some(date(year, month, on)));
        }

        #[test]
        fn random_bytes_never_panic(digits in proptest::collection::vec(any::<u8>(), 0..10)) {
            let _read = (day(&digits), month(&digits), birth(&digits));
        }

        #[test]
        fn random_text_never_panics(written in any::<String>()) {
            let _read = iso(&written);
        }
    }
}
