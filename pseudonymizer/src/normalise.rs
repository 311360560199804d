//! Identifiers in the one form that two records of a person share. Version 1: a change here is a new version, and tokens of
//! two versions never meet. Rules: formats.md, part 13.

pub(crate) mod branch;
pub(crate) mod chart;
pub(crate) mod date;
pub(crate) mod insurer;
pub(crate) mod kana;
pub(crate) mod kanji;
pub(crate) mod postcode;
pub(crate) mod sex;
pub(crate) mod symbol;
pub(crate) mod text;

/// Version of the rules, part of every token key.
pub const VERSION: &str = "1";
