//! Forms of 様式1's values: what has another form is no value.

use crate::cell;

/// A code of up to eight half-width letters and digits: shorter than any number of a person.
pub(super) fn short_code(cell: &[u8]) -> Option<String> {
    let fits = (1..=8).contains(&cell.len()) && cell.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'.');
    fits.then(|| String::from_utf8(cell.to_vec()).ok()).flatten()
}

/// 予定・救急医療入院: 1xx planned, 2xx unplanned, 3xx emergency.
pub(super) fn emergency(cell: &[u8]) -> Option<bool> {
    let code = cell::digits(cell, 3)?;
    Some(!code.starts_with('1'))
}

/// 0 or 1.
pub(super) fn flag(cell: &[u8]) -> Option<bool> {
    match cell {
        b"0" => Some(false),
        b"1" => Some(true),
        _ => None,
    }
}

/// Barthel index by 5: the sum of ten digits, 0 to 3 each; 9 is unknown.
pub(super) fn adl(cell: &[u8]) -> Option<i32> {
    let digits = cell::digits(cell, 10)?;
    let parts: Option<Vec<i32>> =
        digits.bytes().map(|digit| (digit <= b'3').then(|| i32::from(digit - b'0'))).collect();
    Some(parts?.iter().sum())
}

/// Japan Coma Scale: up to three digits, a letter behind them allowed.
pub(super) fn coma(cell: &[u8]) -> Option<String> {
    let fits = (1..=6).contains(&cell.len())
        && cell.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b'R' | b'I' | b'A'));
    fits.then(|| String::from_utf8(cell.to_vec()).ok()).flatten()
}

/// K code of the fee table: `K` and digits, with branches (`K552-2`, `K9202`).
pub(super) fn procedure_code(cell: &[u8]) -> Option<String> {
    let fits = cell.first() == Some(&b'K')
        && (2..=12).contains(&cell.len())
        && cell.iter().skip(1).all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-');
    fits.then(|| String::from_utf8(cell.to_vec()).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_form_passes() {
        assert_eq!(short_code(b"8.2").as_deref(), Some("8.2"));
        assert_eq!((short_code(b"0000001001"), short_code("山".as_bytes()), short_code(b"")), (None, None, None));
        assert_eq!((emergency(b"100"), emergency(b"301"), emergency(b"1")), (Some(false), Some(true), None));
        assert_eq!((flag(b"0"), flag(b"1"), flag(b"2")), (Some(false), Some(true), None));
        assert_eq!((adl(b"0123012301"), adl(b"9999999999"), adl(b"012")), (Some(13), None, None));
        assert_eq!((coma(b"30R").as_deref(), coma(b"YAMADA")), (Some("30R"), None));
        assert_eq!(procedure_code(b"K552-2").as_deref(), Some("K552-2"));
        assert_eq!(
            (procedure_code(b"K"), procedure_code(b"YAMADA"), procedure_code(b"K9999999999999")),
            (None, None, None)
        );
    }
}
