//! Which software an institution uses. The families are made up; no product is meant.

use super::Slip;
use crate::random;

/// A family of software.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Software {
    /// Careful.
    A,
    /// Half-width kana.
    B,
    /// Names without a space.
    C,
    /// Kanji first.
    D,
    /// Old: no small kana, numbers as numbers.
    E,
    /// A small font: characters that it does not have.
    F,
}

/// All families, with their letters and shares of institutions.
pub(crate) const FAMILIES: [(Software, char, f64); 6] = [
    (Software::A, 'A', 0.30),
    (Software::B, 'B', 0.20),
    (Software::C, 'C', 0.15),
    (Software::D, 'D', 0.15),
    (Software::E, 'E', 0.12),
    (Software::F, 'F', 0.08),
];

impl Software {
    pub(crate) fn letter(self) -> char {
        FAMILIES.iter().find(|(family, ..)| *family == self).map_or('A', |(_, letter, _)| *letter)
    }

    /// How much likelier than the average it is that an institution with this software always makes a mistake of a kind. The mean
    /// over [`FAMILIES`] is one.
    pub(super) fn weight(self, slip: Slip) -> f64 {
        let inclined = match slip {
            Slip::Kana | Slip::Zeros => Self::E,
            Slip::Kanji => Self::F,
            Slip::Branch => Self::D,
            Slip::Width => Self::B,
            Slip::Birth | Slip::Number | Slip::Order | Slip::Sex | Slip::Typo => return 1.0,
        };
        let share = FAMILIES.iter().find(|(family, ..)| *family == inclined).map_or(1.0, |(_, _, share)| *share);
        // Seven in ten of the institutions that always do it have the software that is inclined to it.
        if self == inclined { 0.7 / share } else { 0.3 / (1.0 - share) }
    }
}

/// An institution, or whoever else writes a record: a municipality, an insurer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Site {
    pub(crate) software: Software,
    /// Its number among numbers.
    pub(crate) spot: u64,
}

impl Site {
    /// By its code.
    pub(crate) fn of(code: &str) -> Self {
        let spot = code.bytes().fold(0x5157, |spot, byte| random::mix(spot ^ u64::from(byte)));
        let mut rest = random::share(random::mix(spot));
        for (software, _, share) in FAMILIES {
            if rest < share {
                return Self { software, spot };
            }
            rest -= share;
        }
        Self { software: Software::A, spot }
    }
}
