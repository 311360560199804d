//! A cell to a stored value, as its field says. What has another form than the field's type is no value.

use std::borrow::Cow;
use std::str;

use jiff::civil::Date;

use crate::cell;
use crate::intake::home_of_postcode;
use crate::layout::{By, Encoding, Field, Kind};
use crate::normalise::date::{self, Birth};
use crate::normalise::insurer::Insurer;
use crate::normalise::text as letters;
use crate::rows::Value;

/// Longest code, in letters ([`Kind::Code`]).
const CODE_MAX: usize = 20;

/// A cell as text. `None` if a byte has no character in the file's encoding.
pub(crate) fn text(encoding: Encoding, cell: &[u8]) -> Option<Cow<'_, str>> {
    match encoding {
        Encoding::Cp932 => letters::cp932(cell),
        Encoding::Utf8 => str::from_utf8(cell).ok().map(Cow::Borrowed),
    }
}

/// The stored word of a cell: what `values` says, or the cell itself. `None` if `values` does not name it.
pub(super) fn word<'c>(field: &'c Field, encoding: Encoding, cell: &'c [u8]) -> Option<Cow<'c, str>> {
    let written = text(encoding, cell)?;
    if field.values.is_empty() {
        return Some(written);
    }
    field.values.get(&*written).map(|stored| Cow::Borrowed(stored.as_str()))
}

/// The value of a cell. `on`: date of the record, for ages.
pub(super) fn value<'c>(field: &'c Field, encoding: Encoding, cell: &'c [u8], on: Option<Date>) -> Option<Value<'c>> {
    if cell.is_empty() {
        return None;
    }
    let word = word(field, encoding, cell)?;
    match &field.by {
        Some(by) => coarse(by, field.kind, word, on),
        None => plain(field, word),
    }
}

fn plain<'c>(field: &'c Field, word: Cow<'c, str>) -> Option<Value<'c>> {
    Some(match field.kind? {
        Kind::Code if field.codes.as_deref() == Some("icd10") => Value::Text(cell::icd10(word.as_bytes())?.into()),
        Kind::Code => Value::Text(code(word)?),
        Kind::Date => Value::Date(day(&word)?),
        Kind::Decimal => Value::Double(cell::decimal(word.as_bytes())?),
        Kind::Flag => Value::Bool(match &*word {
            "0" => false,
            "1" => true,
            _ => return None,
        }),
        Kind::Int => Value::Int(cell::int(word.as_bytes())?),
        Kind::Month => Value::Date(month(&word)?),
    })
}

fn coarse<'c>(by: &By, kind: Option<Kind>, word: Cow<'c, str>, on: Option<Date>) -> Option<Value<'c>> {
    Some(match by {
        By::Age => Value::Int(date::years(birth(&word)?.day?, on?)?),
        By::Band(width) if kind == Some(Kind::Decimal) => {
            let width = f64::from(*width);
            Value::Double((cell::decimal(word.as_bytes())? / width).floor() * width)
        }
        By::Band(width) => {
            let width = i32::try_from(*width).ok().filter(|width| *width > 0)?;
            Value::Int(cell::int(word.as_bytes())?.checked_div_euclid(width)?.checked_mul(width)?)
        }
        By::Institution => {
            let fits = word.len() == 10 && word.bytes().all(|byte| byte.is_ascii_digit());
            fits.then_some(Value::Text(word))?
        }
        By::Insurer => Value::Text(Insurer::read(&word)?.digits().to_owned().into()),
        By::Month => Value::Date(birth(&word)?.month),
        By::Municipality => Value::Text(format!("{:05}", home_of_postcode(&word)?.municipality?).into()),
        By::Prefix(length) => Value::Text(code(word)?.chars().take(usize::from(*length)).collect::<String>().into()),
        By::Year => Value::Int(i32::from(birth(&word)?.month.year())),
    })
}

fn code(word: Cow<'_, str>) -> Option<Cow<'_, str>> {
    let within = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'+' | b'-');
    (word.len() <= CODE_MAX && word.bytes().all(within)).then_some(word)
}

/// A day: `YYYYMMDD`, `YYYY-MM-DD`, `YYYY/MM/DD`, or `GYYMMDD` with the era's number.
pub(super) fn day(word: &str) -> Option<Date> {
    date::day(&digits(word)?)
}

/// A month: `YYYYMM`, `YYYY-MM`, `YYYY/MM`, or `GYYMM`.
fn month(word: &str) -> Option<Date> {
    date::month(&digits(word)?)
}

/// A birth date in the forms of a day; day `00` leaves the month.
pub(crate) fn birth(word: &str) -> Option<Birth> {
    date::birth(&digits(word)?)
}

/// A date's digits, its signs taken out where they stand at the right places and are alike.
fn digits(word: &str) -> Option<Vec<u8>> {
    let bytes = word.as_bytes();
    let sign = bytes.get(4).copied().filter(|sign| matches!(sign, b'-' | b'/'));
    let Some(sign) = sign else { return Some(bytes.to_vec()) };
    let fits = matches!(bytes.len(), 7 | 10) && bytes.get(7).is_none_or(|second| *second == sign);
    fits.then(|| bytes.iter().enumerate().filter(|(at, _)| !matches!(at, 4 | 7)).map(|(_, byte)| *byte).collect())
}
