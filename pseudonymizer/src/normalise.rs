//! Identifiers in the one form that two records of a person share. A change here, or of a table beside it, is a new version, and
//! tokens of two versions never meet. Rules: formats.md, part 13.

pub(crate) mod address;
pub(crate) mod branch;
pub(crate) mod chart;
pub(crate) mod date;
pub(crate) mod insurer;
pub(crate) mod kana;
pub(crate) mod kanji;
pub(crate) mod placeholder;
pub(crate) mod postcode;
pub(crate) mod sex;
pub(crate) mod symbol;
pub(crate) mod text;

/// Version of the rules, part of every token key.
///
/// "2" against "1": placeholders, test names and fillers are absent; 436 forms of kanji instead of 57, and 々 is written out;
/// voiced and iteration marks of kana compose; a date before its era's first day is no date; cores forget zeros after a hyphen.
pub const VERSION: &str = "2";

#[cfg(test)]
mod golden;
