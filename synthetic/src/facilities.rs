//! The institutions: hospitals, clinics, dental clinics, pharmacies and long-term care providers, with their codes.

use crate::digits;
use crate::places;
use crate::random::{self, Dice};

/// What an institution is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// 診療所.
    Clinic,
    /// 歯科診療所.
    Dental,
    /// 病院.
    Hospital,
    /// 介護事業所.
    LongTerm,
    /// 薬局.
    Pharmacy,
}

/// An institution.
#[derive(Clone, Debug)]
pub(crate) struct Facility {
    /// 10 digits: prefecture, fee table, district, number, check digit.
    pub(crate) code: String,
    pub(crate) kind: Kind,
    /// Beds; 0 for all but hospitals.
    pub(crate) beds: u32,
    /// Takes part in DPC.
    pub(crate) dpc: bool,
    /// Hands out drugs itself.
    pub(crate) in_house: bool,
    pub(crate) name: String,
    pub(crate) phone: String,
}

impl Facility {
    /// The 7 digits of receipts.
    pub(crate) fn short_code(&self) -> &str {
        self.code.get(3..).unwrap_or_default()
    }

    /// The 9 digits of the DPC survey: no fee table.
    pub(crate) fn survey_code(&self) -> String {
        format!("{}{}", self.prefecture(), self.short_code())
    }

    /// 2 digits.
    pub(crate) fn prefecture(&self) -> &str {
        self.code.get(..2).unwrap_or_default()
    }
}

/// All institutions of a population.
pub(crate) struct Facilities {
    all: Vec<Facility>,
    /// By prefecture (1 to 47, in order of code), then by kind.
    near: Vec<[Vec<usize>; 5]>,
}

/// Institutions for 20,000 persons.
const PER_20000: u64 = 185;
/// At least so many, however few the persons.
const LEAST: u64 = 60;
/// At most so many, so that memory does not grow with the persons.
const MOST: u64 = 6_000;

/// What a prefecture gets first, second …: three of each kind early, so that its cells can pass the institution rule.
const ORDER: [Kind; 14] = [
    Kind::Hospital,
    Kind::Clinic,
    Kind::LongTerm,
    Kind::Pharmacy,
    Kind::Hospital,
    Kind::Clinic,
    Kind::LongTerm,
    Kind::Pharmacy,
    Kind::Hospital,
    Kind::Clinic,
    Kind::LongTerm,
    Kind::Pharmacy,
    Kind::Clinic,
    Kind::Clinic,
];

impl Facilities {
    /// Institutions for so many persons.
    pub(crate) fn new(persons: u64, seed: u64) -> Self {
        let mut dice = Dice::new(seed, u64::MAX);
        let total = (persons.saturating_mul(PER_20000) / 20_000).clamp(LEAST, MOST);
        let outside = if total < 100 { 0 } else { (total * 12 / 100 / 35).max(1) };
        let inside = (total - outside * 35) / 12;
        let mut made = Self { all: Vec::new(), near: vec![Default::default(); 48] };
        for prefecture in 1..=47_usize {
            let code = format!("{prefecture:02}");
            let centre = places::CENTRES.contains(&code.as_str());
            let (count, start) = if centre { (inside, 0) } else { (outside, 1) };
            for number in 0..usize::try_from(count).unwrap_or(0) {
                let kind = ORDER.get((start + number) % ORDER.len()).copied().unwrap_or(Kind::Clinic);
                made.add(&mut dice, &code, prefecture, kind);
            }
        }
        for prefecture in 1..=47_usize {
            let code = format!("{prefecture:02}");
            if places::CENTRES.contains(&code.as_str()) {
                for _ in 0..(inside / 4).max(1) {
                    made.add(&mut dice, &code, prefecture, Kind::Dental);
                }
            }
        }
        made
    }

    fn add(&mut self, dice: &mut Dice, code: &str, prefecture: usize, kind: Kind) {
        let number = self.all.len();
        let homes: Vec<usize> = places::all()
            .iter()
            .enumerate()
            .filter(|(_, place)| place.prefecture() == code)
            .map(|(at, _)| at)
            .collect();
        let weights: Vec<f64> = homes.iter().map(|home| places::at(*home).population).collect();
        let home = homes.get(dice.weighted(weights.iter().copied())).copied().unwrap_or(0);
        let (fee, word) = match kind {
            Kind::Clinic => ('1', "クリニック"),
            Kind::Dental => ('3', "歯科医院"),
            Kind::Hospital => ('1', "総合病院"),
            Kind::LongTerm => ('7', "介護事業所"),
            Kind::Pharmacy => ('4', "薬局"),
        };
        let place = places::at(home);
        let body = format!("{:02}{number:04}", place.district);
        let beds = if kind == Kind::Hospital {
            random::whole(dice.log_normal(180.0, 0.6).clamp(20.0, 900.0)).unsigned_abs()
        } else {
            0
        };
        self.all.push(Facility {
            code: format!("{code}{fee}{}", digits::checked(&body)),
            kind,
            beds,
            dpc: kind == Kind::Hospital && (beds >= 120 || dice.chance(0.3)),
            in_house: kind == Kind::Clinic && dice.chance(0.4),
            name: format!("架空{}{word}{}", place.name, digits::full_width(&number.to_string())),
            phone: format!("0{}-0000-{number:04}", prefecture % 90 + 1),
        });
        if let Some(list) = self.near.get_mut(prefecture).and_then(|kinds| kinds.get_mut(kind as usize)) {
            list.push(number);
        }
    }

    /// All of them.
    pub(crate) fn all(&self) -> &[Facility] {
        &self.all
    }

    /// The institution at a place of [`Self::all`].
    pub(crate) fn at(&self, place: usize) -> Option<&Facility> {
        self.all.get(place)
    }

    /// An institution of that kind near a home, larger ones more often. Where a prefecture has none, the same centre always.
    pub(crate) fn near(&self, dice: &mut Dice, home: usize, kind: Kind) -> usize {
        let list = self.of_kind(home, kind);
        // The least of two draws: the first is the largest.
        let at = dice.below(list.len()).min(dice.below(list.len()));
        list.get(at).or_else(|| list.last()).copied().unwrap_or(0)
    }

    /// All institutions of that kind in a home's prefecture, else in the centre that serves it.
    pub(crate) fn of_kind(&self, home: usize, kind: Kind) -> &[usize] {
        let own: usize = places::at(home).prefecture().parse().unwrap_or(13);
        let centre = (random::mix(own as u64) % 12) as usize;
        let centre: usize = places::CENTRES.get(centre).and_then(|code| code.parse().ok()).unwrap_or(13);
        let of = |prefecture: usize| {
            self.near.get(prefecture).and_then(|kinds| kinds.get(kind as usize)).filter(|list| !list.is_empty())
        };
        of(own).or_else(|| of(centre)).or_else(|| of(13)).map(Vec::as_slice).unwrap_or_default()
    }

    /// A DPC hospital near a home if there is one, else any hospital.
    pub(crate) fn acute_hospital(&self, dice: &mut Dice, home: usize) -> usize {
        let mut best = self.near(dice, home, Kind::Hospital);
        for _ in 0..4 {
            if self.at(best).is_some_and(|facility| facility.dpc) {
                break;
            }
            best = self.near(dice, home, Kind::Hospital);
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_lead_to_their_place() {
        let facilities = Facilities::new(20_000, 1);
        assert!((200..=230).contains(&facilities.all().len()));
        let codes: std::collections::HashSet<&str> = facilities.all().iter().map(|one| one.code.as_str()).collect();
        assert_eq!(codes.len(), facilities.all().len());
        for facility in facilities.all() {
            let place = catalog::facility::place(&facility.code).unwrap();
            assert_eq!(place.prefecture, facility.prefecture());
            assert!(place.medical_area.is_some());
        }
        assert!(Facilities::new(500, 1).all().len() >= 56);
    }
}
