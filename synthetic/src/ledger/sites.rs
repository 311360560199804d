//! Where people live and which institutions they have there: wards of about 60,000 persons with clinics, hospitals and pharmacies at
//! the density of Japan, so that two patients of one institution with one birth date are as rare as there.

use super::life::Home;
use crate::digits;
use crate::mistakes::{Site, Software};
use crate::places;
use crate::random::{self, Dice};

/// Wards by place, and how people are spread over places.
pub(super) struct Country {
    upto: Vec<f64>,
    wards: Vec<u32>,
    /// Institutions of a kind in a ward.
    clinics: u32,
    hospitals: u32,
    pharmacies: u32,
}

/// A kind of institution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Clinic,
    Hospital,
    Pharmacy,
}

/// Persons in a ward.
const WARD: f64 = 60_000.0;

/// How an institution writes people down, apart from mistakes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "habits that do not depend on each other")]
pub(super) struct Style {
    pub(super) kana: bool,
    pub(super) kanji: bool,
    /// Between family and given name.
    pub(super) gap: &'static str,
    pub(super) half: bool,
    /// No small kana.
    pub(super) large: bool,
    /// Whether claims carry the chart number.
    pub(super) chart: bool,
    /// Whether numbers lose their zeros.
    pub(super) bare: bool,
    /// Whether id5 comes with claims.
    pub(super) id: bool,
}

impl Country {
    /// For so many persons in the country, whether or not all of them are made.
    #[expect(clippy::cast_sign_loss, clippy::cast_possible_truncation, reason = "small positive numbers")]
    pub(super) fn new(inhabitants: f64) -> Self {
        let all: f64 = places::all().iter().map(|place| place.population).sum();
        let mut sum = 0.0;
        let upto = places::all().iter().map(|place| {
            sum += place.population / all;
            sum
        });
        let upto: Vec<f64> = upto.collect();
        let of = |place: &places::Municipality| place.population / all * inhabitants / WARD;
        let wards: Vec<u32> = places::all().iter().map(|place| of(place).round().clamp(1.0, 999.0) as u32).collect();
        let density = (inhabitants / f64::from(wards.iter().sum::<u32>()) / WARD).min(1.0);
        let least = |count: f64, least: f64| (count * density).round().max(least) as u32;
        Self { upto, wards, clinics: least(50.0, 3.0), hospitals: least(4.0, 1.0), pharmacies: least(28.0, 2.0) }
    }

    pub(super) fn home(&self, dice: &mut Dice) -> Home {
        let unit = dice.unit();
        let place = self.upto.partition_point(|upto| *upto <= unit).min(self.upto.len().saturating_sub(1));
        self.home_in(dice, place)
    }

    fn home_in(&self, dice: &mut Dice, place: usize) -> Home {
        let wards = self.wards.get(place).copied().unwrap_or(1);
        let ward = u32::try_from(dice.below(wards as usize)).unwrap_or(0);
        let end = u32::try_from(dice.below(200)).unwrap_or(0);
        Home { place, ward, end }
    }

    /// After a move: seven in ten stay in the municipality.
    pub(super) fn next_home(&self, dice: &mut Dice, home: Home) -> Home {
        if dice.chance(0.7) { self.home_in(dice, home.place) } else { self.home(dice) }
    }

    /// The code of the `at`th institution of a kind in a ward; larger ones come first and are drawn more often.
    pub(super) fn institution(&self, dice: &mut Dice, home: Home, kind: Kind) -> String {
        let count = match kind {
            Kind::Clinic => self.clinics,
            Kind::Hospital => self.hospitals,
            Kind::Pharmacy => self.pharmacies,
        } as usize;
        let at = dice.below(count).min(dice.below(count));
        let (fee, offset) = match kind {
            Kind::Clinic => ('1', 10),
            Kind::Hospital => ('1', 0),
            Kind::Pharmacy => ('4', 0),
        };
        let town = places::at(home.place);
        let body = format!("{}{:03}{:02}", town.district % 10, home.ward % 1000, (at + offset) % 100);
        format!("{}{fee}{}", town.prefecture(), digits::checked(&body))
    }
}

/// Seven digits; the third is the ward's.
pub(super) fn postcode(home: Home) -> String {
    let front = places::at(home.place).postcode.get(..2).unwrap_or("10");
    format!("{front}{}{:02}{:02}", home.ward % 10, home.ward / 10 % 50 + home.end / 100, home.end % 100)
}

impl Style {
    /// Follows from the institution, and from its software above all.
    pub(super) fn of(site: Site) -> Self {
        let draw = |what: u64| random::share(random::mix(site.spot ^ random::mix(what)));
        let plain = Self {
            kana: true,
            kanji: true,
            gap: "　",
            half: false,
            large: false,
            chart: draw(1) < 0.97,
            bare: false,
            id: draw(2) < 0.995,
        };
        let some = match site.software {
            Software::A => plain,
            Software::B => Self { half: true, gap: " ", kanji: draw(3) < 0.5, ..plain },
            Software::C => Self { gap: "", ..plain },
            Software::D => Self { kana: draw(3) < 0.1, ..plain },
            Software::E => Self { large: true, bare: draw(4) < 0.5, chart: draw(1) < 0.9, ..plain },
            Software::F => Self { kanji: draw(3) < 0.6, half: draw(5) < 0.5, id: draw(2) < 0.97, ..plain },
        };
        // Others write kanji alone too, so that a quarter of all do (Kubo 2017).
        if some.kanji && some.kana && draw(6) < 0.15 { Self { kana: false, ..some } } else { some }
    }
}
