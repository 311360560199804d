//! Health insurance: who is insured where, since when, and under which numbers.

use crate::calendar::Month;
use crate::digits;
use crate::places;
use crate::random::{self, Dice};

/// A kind of insurer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// 生活保護: no insurer, public expense alone.
    Assistance,
    /// 協会けんぽ.
    Kyokai,
    /// 後期高齢者医療.
    LateElderly,
    /// 共済.
    Mutual,
    /// 国民健康保険.
    National,
    /// 健康保険組合.
    Union,
}

/// One person's insurance from a month on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Coverage {
    pub(crate) from: Month,
    pub(crate) scheme: Scheme,
    /// 8 digits, padded with zeros; the payer's number (負担者番号) for public assistance.
    pub(crate) insurer: String,
    /// Empty where there is none.
    pub(crate) symbol: String,
    /// The recipient's number (受給者番号, 7 digits) for public assistance.
    pub(crate) number: String,
    /// 2 digits; none for the late elderly and public assistance.
    pub(crate) branch: Option<String>,
    /// 家族.
    pub(crate) dependent: bool,
}

/// The scheme of a household whose head is so old.
pub(crate) fn draw_scheme(dice: &mut Dice, head_age: i32) -> Scheme {
    let weights = if head_age >= 65 { [2.5, 12.0, 3.0, 76.0, 6.5] } else { [1.5, 38.0, 9.0, 24.0, 27.5] };
    match dice.weighted(weights) {
        0 => Scheme::Assistance,
        1 => Scheme::Kyokai,
        2 => Scheme::Mutual,
        3 => Scheme::National,
        _ => Scheme::Union,
    }
}

/// What numbers a family gets: `household` and `change` (0 for its first insurer, 1 for the next …) decide them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Family {
    pub(crate) household: u64,
    pub(crate) change: u64,
    pub(crate) home: usize,
}

/// The insurance of the household's member at `place` (0 the head) from a month on.
pub(crate) fn cover(family: Family, scheme: Scheme, member: usize, person: u64, from: Month) -> Coverage {
    let town = places::at(family.home);
    let prefecture = town.prefecture();
    let serial = family.household * 8 + family.change % 8;
    let code = random::permute(serial, 11, 5);
    let (office, inner) = (code / 1_000_000 + 1, code % 1_000_000 + 1);
    let body = match scheme {
        Scheme::Assistance => format!("12{prefecture}{:03}", town.district),
        Scheme::Kyokai => format!("01{prefecture}001"),
        Scheme::LateElderly => format!("39{}", town.code),
        Scheme::Mutual => format!("{}{prefecture}{:03}", 31 + serial % 4, 1),
        Scheme::National => format!("00{prefecture}{:03}", town.district),
        Scheme::Union => format!("06{prefecture}{:03}", 1 + random::mix(family.household) % 4),
    };
    // The check digit of a 6-digit 国保 number is the same with zeros before it.
    let insurer = digits::checked(&body);
    let (symbol, number) = match scheme {
        Scheme::Assistance => (String::new(), format!("{:07}", random::permute(person, 7, 11))),
        Scheme::LateElderly => (String::new(), format!("{:08}", random::permute(person, 8, 7))),
        Scheme::National => (national_symbol(prefecture, office), format!("{inner:07}")),
        Scheme::Kyokai | Scheme::Mutual | Scheme::Union => (office.to_string(), inner.to_string()),
    };
    // Both full-width or both half-width, never mixed; a symbol with kanji leaves no choice (formats.md, 10.1).
    let wide = (random::mix(serial).is_multiple_of(2) && scheme != Scheme::Assistance) || !symbol.is_ascii();
    let width = |text: String| if wide { digits::full_width(&text) } else { text };
    let branch = !matches!(scheme, Scheme::Assistance | Scheme::LateElderly);
    Coverage {
        from,
        scheme,
        insurer,
        symbol: width(symbol),
        number: width(number),
        branch: branch.then(|| format!("{member:02}")),
        dependent: member > 0 && !matches!(scheme, Scheme::LateElderly | Scheme::National),
    }
}

/// Symbols of the national scheme often begin with a kanji; then all of symbol and number are full-width.
fn national_symbol(prefecture: &str, office: u64) -> String {
    match prefecture {
        "11" => format!("埼{office}"),
        "27" => format!("大{office}"),
        _ => office.to_string(),
    }
}
