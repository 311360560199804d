//! Cells of known form. A cell of another form is no value: free text cannot slip through a code's column.

use std::str;

use crate::normalise::text;

/// A cell's reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading<T> {
    /// Nothing recorded.
    Blank,
    /// Something of another form.
    Malformed,
    /// A value.
    Value(T),
}

impl<T> Reading<T> {
    /// The value, and whether the cell must be counted as malformed.
    pub(crate) fn split(self) -> (Option<T>, bool) {
        match self {
            Self::Blank => (None, false),
            Self::Malformed => (None, true),
            Self::Value(value) => (Some(value), false),
        }
    }

    /// Whether something stands there.
    pub(crate) fn of(cell: &[u8], value: Option<T>) -> Self {
        match value {
            Some(value) => Self::Value(value),
            None if cell.iter().all(|byte| *byte == b' ') => Self::Blank,
            None => Self::Malformed,
        }
    }
}

/// The cell at a 1-based position, as the layouts count.
pub(crate) fn at<'a>(cells: &[&'a [u8]], position: usize) -> &'a [u8] {
    position.checked_sub(1).and_then(|index| cells.get(index)).copied().unwrap_or_default()
}

/// Exactly so many digits.
pub(crate) fn digits(cell: &[u8], width: usize) -> Option<&str> {
    (cell.len() == width && cell.iter().all(u8::is_ascii_digit)).then(|| str::from_utf8(cell).ok()).flatten()
}

/// Exactly so many half-width letters and digits, capital letters only.
pub(crate) fn code(cell: &[u8], width: usize) -> Option<&str> {
    let fits = cell.len() == width && cell.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    fits.then(|| str::from_utf8(cell).ok()).flatten()
}

/// An ICD-10 code: a letter, then 2 to 4 digits (or X in the place of one), a dot left out.
pub(crate) fn icd10(cell: &[u8]) -> Option<String> {
    let code: Vec<u8> = cell.iter().copied().filter(|byte| *byte != b'.').collect();
    let (letter, rest) = code.split_first()?;
    let fits = letter.is_ascii_uppercase()
        && (2..=4).contains(&rest.len())
        && rest.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b'X' | b'x'));
    fits.then(|| String::from_utf8(code).ok()).flatten()
}

/// A whole number in digits, blanks around it allowed, a minus in front allowed.
pub(crate) fn int(cell: &[u8]) -> Option<i32> {
    str::from_utf8(cell).ok()?.trim_matches(' ').parse().ok()
}

/// A decimal number in digits; no exponents, no words.
pub(crate) fn decimal(cell: &[u8]) -> Option<f64> {
    let plain = str::from_utf8(cell).ok()?.trim_matches(' ');
    let fits = plain.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+'));
    fits.then(|| plain.parse().ok()).flatten()
}

/// A text cell of a CP932 file, for identifiers only. `None` if a byte has no character.
pub(crate) fn cp932(cell: &[u8]) -> Option<String> {
    text::cp932(cell).map(std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_form_passes() {
        assert_eq!(digits(b"8833421", 7), Some("8833421"));
        assert_eq!(digits(b"883342", 7), None);
        assert_eq!(digits("山田山".as_bytes(), 9), None);
        assert_eq!(code(b"2A", 2), Some("2A"));
        assert_eq!(code(b"2a", 2), None);
        assert_eq!(icd10(b"E11.9").as_deref(), Some("E119"));
        assert_eq!(icd10(b"I10").as_deref(), Some("I10"));
        assert_eq!(icd10(b"YAMADA"), None);
        assert_eq!(int(b" 12"), Some(12));
        assert_eq!(int(b"0900000000000"), None);
        assert_eq!(decimal(b"0000001.500"), Some(1.5));
        assert_eq!(decimal(b"inf"), None);
        assert_eq!(Reading::of(b"  ", None::<i32>), Reading::Blank);
        assert_eq!(Reading::of(b"x", None::<i32>), Reading::Malformed);
    }
}
