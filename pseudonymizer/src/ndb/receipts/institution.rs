//! The institution that sent the receipts, and its code.

use jiff::civil::Date;

use super::buffer::Line;
use super::dialect::Dialect;
use crate::cell;
use crate::normalise::date;

/// The 10-digit key of an institution: prefecture (2), fee table (1), number (7).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct FacilityCode([u8; 10]);

impl FacilityCode {
    /// Puts the three cells together. A zero that got lost in front of the number comes back; a number with fewer digits is none.
    pub(super) fn read(prefecture: &[u8], fee_table: &[u8], number: &[u8]) -> Option<Self> {
        let prefecture = cell::digits(prefecture, 2)?;
        let fee_table = cell::digits(fee_table, 1)?;
        prefecture.parse::<u8>().ok().filter(|code| (1..=47).contains(code))?;
        let lost: &[u8] = match number.len() {
            7 => b"",
            6 => b"0",
            _ => return None,
        };
        number.iter().all(u8::is_ascii_digit).then_some(())?;
        let mut code = [0; 10];
        let digits =
            prefecture.bytes().chain(fee_table.bytes()).chain(lost.iter().copied()).chain(number.iter().copied());
        code.iter_mut().zip(digits).for_each(|(to, digit)| *to = digit);
        Some(Self(code))
    }

    pub(super) fn as_str(&self) -> &str {
        // INVARIANT: ten ASCII digits.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// What IR or YK says.
pub(super) struct Institution {
    pub(super) code: FacilityCode,
    pub(super) place: Option<catalog::facility::Place>,
    /// Month in which the receipts were claimed.
    pub(super) claimed: Option<Date>,
    /// Whether its code may stand beside a chart number.
    pub(super) charts: bool,
}

impl Institution {
    /// Nothing if the code has another form.
    pub(super) fn read(line: Line<'_>, dialect: &Dialect) -> Option<Self> {
        let cells = dialect.institution.cells(line);
        let code = FacilityCode::read(cells.prefecture, cells.fee_table, cells.number)?;
        Some(Self {
            code,
            place: catalog::facility::place(code.as_str()),
            claimed: date::month(cells.claim_month),
            charts: !line.cell(dialect.institution_who.facility_code).is_empty(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_ten_digits() {
        let read = |a: &[u8], b: &[u8], c: &[u8]| FacilityCode::read(a, b, c).map(|code| code.as_str().to_owned());
        assert_eq!(read(b"13", b"1", b"1234566").as_deref(), Some("1311234566"));
        assert_eq!(read(b"13", b"3", b"123456").as_deref(), Some("1330123456"));
        let none: [(&[u8], &[u8], &[u8]); 6] = [
            (b"13", b"3", b"12345"),
            (b"48", b"1", b"1234566"),
            (b"00", b"1", b"1234566"),
            (b"1", b"1", b"1234566"),
            (b"13", b"", b"1234566"),
            (b"13", b"1", b"12345A6"),
        ];
        for (prefecture, fee_table, number) in none {
            assert!(read(prefecture, fee_table, number).is_none());
        }
    }
}
