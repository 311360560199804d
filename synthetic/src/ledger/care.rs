//! Long-term care: certifications with name and address, claims with neither.

use super::file::{Database, Row, Truth};
use super::life::{Home, Life};
use super::sites::Style;
use super::visits::{ID5, Visits, age, row, stated};
use crate::SyntheticError;
use crate::calendar::{self, Month};
use crate::digits;
use crate::mistakes::{Patient, Site};
use crate::places;
use crate::random::{self, Dice};

/// The time that a certification holds, at one address.
struct Term {
    home: Home,
    /// Insurers before this one.
    moves: u64,
    from: i32,
    until: i32,
    /// The first at this address.
    new: bool,
}

impl Visits<'_> {
    /// Long-term care: certifications with name and address, claims with neither.
    pub(super) fn care(&mut self, dice: &mut Dice, life: &Life) -> Result<(), SyntheticError> {
        // The age from on which somebody is certified: shares by age as in formats.md, 14.
        let unit = dice.unit();
        let from_age = match unit {
            ..0.028 => 65 + dice.between(0, 4),
            ..0.057 => 70 + dice.between(0, 4),
            ..0.115 => 75 + dice.between(0, 4),
            ..0.26 => 80 + dice.between(0, 4),
            ..0.48 => 85 + dice.between(0, 4),
            ..0.76 => 90 + dice.between(0, 4),
            _ => return Ok(()),
        };
        let start = (Month::of(life.birth).0 + from_age * 12 + dice.between(0, 11)).max(life.seen.0);
        let mut month = start;
        let mut last: Option<(usize, Home)> = None;
        let mut moves = 0;
        while month <= life.seen.1 {
            let Some(home) = life.home(month) else { return Ok(()) };
            if last.is_some_and(|(place, _)| place != home.place) {
                moves += 1;
            }
            let new = last.is_none_or(|(_, before)| before != home);
            last = Some((home.place, home));
            let next = life.homes.iter().map(|(from, _)| *from).find(|from| *from > month).unwrap_or(i32::MAX);
            let until = (month + dice.between(11, 23)).min(next - 1).min(life.seen.1);
            self.certified(dice, life, &Term { home, moves, from: month, until, new })?;
            month = until + 1;
        }
        Ok(())
    }

    fn certified(&mut self, dice: &mut Dice, life: &Life, term: &Term) -> Result<(), SyntheticError> {
        let Term { home, moves, from, until, new } = *term;
        let town = places::at(home.place);
        let site = Site::of(town.code);
        let patient = Patient { number: life.number, hard: life.hard, age: age(life, from) };
        let care_insurer = digits::municipality6(town.code);
        let care_number = format!("{:010}", random::permute(life.number * 4 + moves % 4, 10, 31));
        let Some((_, held)) = life.card(from, site.spot) else { return Ok(()) };
        let mut stated = stated(life, held, home, from, 0);
        let slips = self.mistakes.spoil(dice, site, patient, &mut stated);
        let truth =
            Truth { life, age: patient.age, prefecture: town.prefecture(), software: site.software, slips, marks: "" };
        // Certifications are of one format: half-width kana with a space, and kanji (formats.md, 6).
        let style = Style { kana: true, kanji: true, half: true, gap: " ", large: false, ..Style::of(site) };
        let certified = Row {
            care_insurer: care_insurer.clone(),
            care_number: care_number.clone(),
            ..row(&stated, style, from, 1, "")
        };
        if new || dice.chance(0.6) {
            self.files.row(Database::Care, &certified, &truth)?;
        }
        for (month, weight) in [(from, until - from), (until, 1)] {
            if weight <= 0 || (month == until && until == from) {
                continue;
            }
            let spot = random::mix(random::mix(life.number ^ 0x6964) ^ site.spot);
            let id5 = life.id(month).filter(|_| month >= ID5 && random::share(spot) >= 0.08);
            let claim = Row {
                month,
                weight: weight.unsigned_abs(),
                care_insurer: care_insurer.clone(),
                care_number: care_number.clone(),
                birth: calendar::compact(stated.birth),
                sex: stated.sex,
                id5: id5.map_or_else(String::new, |id| format!("{id:016X}")),
                ..Row::default()
            };
            self.files.row(Database::Care, &claim, &truth)?;
        }
        Ok(())
    }
}
