//! Insurance cards: who insures, under which numbers, and how they follow upon each other.

use super::life::Home;
use crate::digits;
use crate::places;
use crate::population::Scheme;
use crate::random::{self, Dice};

/// What stands on a card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Card {
    pub(super) scheme: Scheme,
    pub(super) insurer: String,
    pub(super) symbol: String,
    pub(super) number: String,
    /// Place in the family; none for the late elderly and public assistance.
    pub(super) branch: Option<u8>,
}

/// Unions and mutual societies: about 1,400 and 85.
const UNIONS: f64 = 1_400.0;
const MUTUALS: f64 = 85.0;

/// The scheme of somebody of that age who is insured in their own right (national shares, rounded).
pub(super) fn draw(dice: &mut Dice, age: i32) -> Scheme {
    let weights = match age {
        ..60 => [1.0, 40.0, 9.0, 19.0, 31.0],
        60..65 => [2.0, 34.0, 5.0, 37.0, 22.0],
        65.. => [3.0, 14.0, 1.0, 76.0, 6.0],
    };
    match dice.weighted(weights) {
        0 => Scheme::Assistance,
        1 => Scheme::Kyokai,
        2 => Scheme::Mutual,
        3 => Scheme::National,
        _ => Scheme::Union,
    }
}

/// Numbers for a family: different for each `serial`.
pub(super) fn issue(scheme: Scheme, serial: u64, home: Home) -> Card {
    let town = places::at(home.place);
    let prefecture = town.prefecture();
    let skew = random::share(random::mix(serial ^ 0x4d));
    let part = |of: f64| random::whole(of * skew * skew) + 1;
    let body = match scheme {
        Scheme::Assistance => String::new(),
        Scheme::Kyokai => format!("01{prefecture}001"),
        Scheme::LateElderly => format!("39{prefecture}{:03}", town.district),
        Scheme::Mutual => format!("{}{prefecture}{:03}", 31 + part(MUTUALS) % 4, part(MUTUALS)),
        Scheme::National => format!("00{prefecture}{:03}", town.district),
        // Unions are somewhere; their prefecture follows from which one it is.
        Scheme::Union => {
            let union = part(UNIONS);
            format!("06{:02}{:03}", 1 + union % 47, union % 1000)
        }
    };
    let code = random::permute(serial, 11, 5);
    let (office, inner) = (code / 100_000 + 1, code % 100_000 + 1);
    let (symbol, number) = match scheme {
        Scheme::Assistance => (String::new(), String::new()),
        Scheme::LateElderly => (String::new(), format!("{:08}", random::permute(serial, 8, 7))),
        Scheme::National => (format!("{:02}", office % 40 + 1), format!("{:07}", random::permute(serial, 7, 9))),
        Scheme::Kyokai => (format!("{:08}", office * 10), inner.to_string()),
        Scheme::Mutual | Scheme::Union => {
            ((office % 5_000 + 1).to_string(), format!("{:06}", random::permute(serial, 6, 3)))
        }
    };
    let insurer = if body.is_empty() { body } else { digits::checked(&body) };
    let branch = !matches!(scheme, Scheme::Assistance | Scheme::LateElderly);
    Card { scheme, insurer, symbol, number, branch: branch.then_some(0) }
}

/// Share that changes insurer in a year, beyond what moves and birthdays bring (part 6).
pub(super) fn yearly_change(age: i32) -> f64 {
    match age {
        ..20 => 0.05,
        20..35 => 0.205,
        35..60 => 0.098,
        60..66 => 0.18,
        66..75 => 0.03,
        _ => 0.0,
    }
}

/// Share that moves house in a year (part 6).
pub(super) fn yearly_move(age: i32) -> f64 {
    match age {
        20..30 => 0.12,
        30..40 => 0.085,
        ..20 | 40..60 => 0.035,
        _ => 0.02,
    }
}

/// How much of a year's changes falls on a month: April has three times as many as any other.
pub(super) fn season(month: i32) -> f64 {
    if month.rem_euclid(12) == 3 { 3.0 / 14.0 } else { 1.0 / 14.0 }
}
