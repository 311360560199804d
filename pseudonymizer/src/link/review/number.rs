//! Numbers of dossiers and questions: random, and safe to type. Seven random digits and a check digit (Damm 2004, a quasigroup of
//! order 10): every wrong digit and every swap of neighbours is noticed.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Random digits before the check digit.
const DIGITS: u32 = 7;

/// Damm's quasigroup: row by what was read so far, column by the next digit.
const QUASIGROUP: [[u32; 10]; 10] = [
    [0, 3, 1, 7, 5, 9, 8, 6, 4, 2],
    [7, 0, 9, 2, 1, 5, 4, 8, 6, 3],
    [4, 2, 0, 6, 8, 7, 1, 3, 5, 9],
    [1, 7, 5, 0, 9, 8, 3, 4, 2, 6],
    [6, 1, 2, 3, 0, 4, 5, 9, 7, 8],
    [3, 6, 7, 4, 2, 0, 9, 5, 8, 1],
    [5, 8, 6, 9, 7, 2, 0, 1, 3, 4],
    [8, 9, 4, 5, 3, 6, 2, 0, 1, 7],
    [9, 4, 3, 8, 6, 1, 7, 2, 0, 5],
    [2, 5, 8, 1, 4, 3, 6, 7, 9, 0],
];

/// The random number of a dossier or a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct CaseNumber(u32);

/// The text is no such number.
#[derive(Debug, thiserror::Error)]
#[error("this is no number of a dossier or a question: eight digits, the last of which checks the others")]
pub struct InvalidCaseNumber;

impl CaseNumber {
    /// The number of seven random digits; more of `random` is not looked at.
    pub(crate) fn of(random: u64) -> Self {
        let digits = u32::try_from(random % 10_u64.pow(DIGITS)).unwrap_or_default();
        Self(digits * 10 + check(digits))
    }
}

fn check(digits: u32) -> u32 {
    let step = |read: u32, place: u32| {
        let digit = digits / 10_u32.pow(place) % 10;
        let row = QUASIGROUP.get(usize::try_from(read).unwrap_or_default());
        row.and_then(|row| row.get(usize::try_from(digit).unwrap_or_default())).copied().unwrap_or_default()
    };
    (0..DIGITS).rev().fold(0, step)
}

impl fmt::Display for CaseNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08}", self.0)
    }
}

impl From<CaseNumber> for String {
    fn from(number: CaseNumber) -> Self {
        number.to_string()
    }
}

impl FromStr for CaseNumber {
    type Err = InvalidCaseNumber;
    fn from_str(text: &str) -> Result<Self, InvalidCaseNumber> {
        let digits = text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit());
        let number: u32 = digits.then(|| text.parse().ok()).flatten().ok_or(InvalidCaseNumber)?;
        if check(number / 10) == number % 10 { Ok(Self(number)) } else { Err(InvalidCaseNumber) }
    }
}

impl TryFrom<String> for CaseNumber {
    type Error = InvalidCaseNumber;
    fn try_from(text: String) -> Result<Self, InvalidCaseNumber> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn damm_s_own_example_and_what_is_no_number() {
        assert_eq!(check(572), 4, "Damm 2004: 572 takes the check digit 4");
        for text in ["", "1", "1234567", "123456789", "abcdefgh", "１２３４５６７８", "-1234567", " 0000000"] {
            assert!(text.parse::<CaseNumber>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_slip_of_the_fingers_is_no_other_number(random in any::<u64>(), place in 0..8_usize, digit in b'0'..=b'9') {
            let text = CaseNumber::of(random).to_string();
            prop_assert_eq!(text.parse::<CaseNumber>().unwrap(), CaseNumber::of(random));
            let mut wrong = text.clone().into_bytes();
            wrong[place] = digit;
            let wrong = String::from_utf8(wrong).unwrap();
            prop_assert!(wrong == text || wrong.parse::<CaseNumber>().is_err());
            let mut swapped = text.clone().into_bytes();
            swapped.swap(place, (place + 1).min(7));
            let swapped = String::from_utf8(swapped).unwrap();
            prop_assert!(swapped == text || swapped.parse::<CaseNumber>().is_err());
        }
    }
}
