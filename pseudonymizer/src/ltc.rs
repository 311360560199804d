//! 介護DB: claims and certifications of long-term care, and the forms of LIFE.

use crate::cell;

pub(crate) mod certification;
pub(crate) mod claims;
mod header;
pub(crate) mod life;

/// `care_level` of an 要介護状態区分コード. `None` for a code that is none.
pub(crate) fn care_level(code: &[u8]) -> Option<&'static str> {
    Some(match code {
        b"01" => "none",
        b"06" => "p",
        b"11" => "k",
        b"12" => "s1",
        b"13" => "s2",
        b"21" => "c1",
        b"22" => "c2",
        b"23" => "c3",
        b"24" => "c4",
        b"25" => "c5",
        _ => return None,
    })
}

/// A provider: 10 characters that begin with a prefecture.
fn provider(cell: &[u8]) -> Option<&str> {
    let code = cell::code(cell, 10)?;
    let known = code.get(..2)?.parse::<u8>().is_ok_and(|prefecture| (1..=47).contains(&prefecture));
    known.then_some(code)
}
