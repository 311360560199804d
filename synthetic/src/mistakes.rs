//! Mistakes in what records state about people. They cluster as in practice: some institutions always write a thing their way
//! (their software's), an institution that has a person wrong goes on having that person wrong, some names are hard, and the very
//! young and the very old are written down by others. Independent mistakes would flatter every way of linking
//! (`research/pseudonymization-anchors.md`, part 6). The truth stays beside them.

use crate::calendar::Month;
use crate::random::{self, Dice};
use crate::records::Stated;

mod forms;
mod software;

pub(crate) use forms::large;
#[cfg(test)]
use software::FAMILIES;
pub(crate) use software::{Site, Software};

/// Makes mistakes, or none.
pub(crate) struct Mistakes {
    rates: Option<Rates>,
    seed: u64,
}

/// One kind of mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slip {
    /// A wrong birth date.
    Birth,
    /// No branch number where one is known.
    Branch,
    /// A kana name written otherwise than in the register: small kana, long vowels, voiced marks.
    Kana,
    /// A kanji name with another form of a character, one that could not be written, or none at all.
    Kanji,
    /// Another insured number: a digit, or the branch.
    Number,
    /// Given name first.
    Order,
    /// The other sex.
    Sex,
    /// A letter of the kana name, wrong or left out.
    Typo,
    /// Symbol and number in the other width.
    Width,
    /// Zeros in front of a number lost on the way.
    Zeros,
}

/// All kinds, with their letter in truth files.
const SLIPS: [(Slip, char); 10] = [
    (Slip::Birth, 'b'),
    (Slip::Branch, 'r'),
    (Slip::Kana, 'k'),
    (Slip::Kanji, 'n'),
    (Slip::Number, 'i'),
    (Slip::Order, 'o'),
    (Slip::Sex, 's'),
    (Slip::Typo, 'y'),
    (Slip::Width, 'w'),
    (Slip::Zeros, 'z'),
];

/// The mistakes of one statement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Slips(u16);

impl Slips {
    fn add(&mut self, slip: Slip) {
        self.0 |= 1 << slip as u16;
    }

    pub(crate) fn has(self, slip: Slip) -> bool {
        self.0 & 1 << slip as u16 != 0
    }

    /// A letter each.
    pub(crate) fn letters(self) -> impl Iterator<Item = char> {
        SLIPS.into_iter().filter(move |(slip, _)| self.has(*slip)).map(|(_, letter)| letter)
    }
}

/// How often each kind happens, as a share of statements.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rates {
    pub(crate) birth: f64,
    pub(crate) branch: f64,
    pub(crate) kana: f64,
    pub(crate) kanji: f64,
    pub(crate) number: f64,
    pub(crate) order: f64,
    pub(crate) sex: f64,
    pub(crate) typo: f64,
    pub(crate) width: f64,
    pub(crate) zeros: f64,
    /// Whether birth dates slip by whole eras and by day and month too, not by some days alone.
    pub(crate) eras: bool,
}

/// Of the official files: formats.md, 14.
pub(crate) const OFFICIAL: Rates = Rates {
    birth: 0.0015,
    branch: 0.03,
    kana: 0.009,
    kanji: 0.025,
    number: 0.0,
    order: 0.0,
    sex: 0.0015,
    typo: 0.0,
    width: 0.02,
    zeros: 0.003,
    eras: false,
};

/// A receipt sent twice.
const TWICE: f64 = 0.015;

impl Rates {
    fn of(&self, slip: Slip) -> f64 {
        match slip {
            Slip::Birth => self.birth,
            Slip::Branch => self.branch,
            Slip::Kana => self.kana,
            Slip::Kanji => self.kanji,
            Slip::Number => self.number,
            Slip::Order => self.order,
            Slip::Sex => self.sex,
            Slip::Typo => self.typo,
            Slip::Width => self.width,
            Slip::Zeros => self.zeros,
        }
    }
}

/// Where the mistakes of a kind come from: institutions that always make it, an institution's file of one person, a single record.
/// Shares of one.
fn sources(slip: Slip) -> (f64, f64) {
    match slip {
        Slip::Birth | Slip::Sex => (0.0, 0.85),
        Slip::Branch | Slip::Width => (0.6, 0.2),
        Slip::Kana => (0.25, 0.65),
        Slip::Kanji => (0.2, 0.75),
        Slip::Number => (0.0, 0.7),
        Slip::Order | Slip::Typo => (0.0, 0.9),
        Slip::Zeros => (0.7, 0.2),
    }
}

/// Who a statement is about, as far as it makes mistakes likelier.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patient {
    pub(crate) number: u64,
    /// A foreign, long or double name.
    pub(crate) hard: bool,
    pub(crate) age: i32,
}

/// Hard names go wrong so many times as often (part 6).
const HARD: f64 = 5.0;
/// Their share.
pub(crate) const HARD_SHARE: f64 = 0.03;

impl Patient {
    /// How much likelier than the average.
    fn weight(self, slip: Slip) -> f64 {
        let named = matches!(slip, Slip::Kana | Slip::Kanji | Slip::Order | Slip::Typo);
        let hard = if named { (if self.hard { HARD } else { 1.0 }) / (1.0 + HARD_SHARE * (HARD - 1.0)) } else { 1.0 };
        // The mean over the ages of Japan is one.
        let age = match self.age {
            ..3 => 2.0,
            3..75 => 0.87,
            75..85 => 1.3,
            _ => 1.9,
        };
        hard * age
    }
}

impl Mistakes {
    pub(crate) fn none() -> Self {
        Self { rates: None, seed: 0 }
    }

    pub(crate) fn at(rates: Rates, seed: u64) -> Self {
        Self { rates: Some(rates), seed }
    }

    /// Whether a receipt is sent a second time.
    pub(crate) fn sends_twice(&self, dice: &mut Dice) -> bool {
        self.rates.is_some() && dice.chance(TWICE)
    }

    /// Changes the statement into what will be recorded, and tells what went wrong.
    pub(crate) fn spoil(&self, dice: &mut Dice, site: Site, patient: Patient, stated: &mut Stated) -> Slips {
        let mut slips = Slips::default();
        let Some(rates) = &self.rates else { return slips };
        for (slip, _) in SLIPS {
            if let Some(spot) = self.happens(slip, rates.of(slip), (site, patient), dice)
                && apply(slip, rates.eras, &mut Dice::new(spot, 6), stated)
            {
                slips.add(slip);
            }
        }
        slips
    }

    /// Whether it happens; then the number that decides how, the same wherever the mistake has the same source.
    fn happens(&self, slip: Slip, rate: f64, (site, patient): (Site, Patient), dice: &mut Dice) -> Option<u64> {
        let (by_site, by_file) = sources(slip);
        let spot = |what: u64| random::mix(what ^ random::mix(self.seed.wrapping_mul(131) + slip as u64));
        let here = spot(site.spot);
        if random::share(here) < rate * by_site * site.software.weight(slip) {
            return Some(here);
        }
        let weight = patient.weight(slip);
        let file = spot(site.spot ^ random::mix(patient.number));
        if random::share(file) < rate * by_file * weight {
            return Some(file);
        }
        dice.chance(rate * (1.0 - by_site - by_file) * weight).then(|| spot(patient.number ^ site.spot.rotate_left(7)))
    }
}

/// Makes the mistake; false if the statement gives no occasion to it.
fn apply(slip: Slip, eras: bool, dice: &mut Dice, stated: &mut Stated) -> bool {
    let before = stated.clone();
    match slip {
        Slip::Birth if eras => stated.birth = forms::another_date(dice, stated.birth),
        Slip::Birth => {
            let day = i32::from(stated.birth.day());
            stated.birth = Month::of(stated.birth).day(if day > 20 { day - 10 } else { day + 1 });
        }
        Slip::Branch => stated.branch = None,
        Slip::Kana => forms::misread(dice, stated),
        Slip::Kanji => stated.kanji = forms::miswritten(dice, &stated.kanji),
        Slip::Number => forms::misnumbered(dice, stated),
        Slip::Order => std::mem::swap(&mut stated.family_kana, &mut stated.given_kana),
        Slip::Sex => stated.sex = 3 - stated.sex,
        Slip::Typo => forms::mistyped(dice, stated),
        Slip::Width => {
            stated.symbol = forms::other_width(&stated.symbol);
            stated.number = forms::other_width(&stated.number);
        }
        Slip::Zeros => stated.number = stated.number.trim_start_matches(['0', '０']).to_owned(),
    }
    before != *stated
}

#[cfg(test)]
mod tests;
