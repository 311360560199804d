//! What happens to people: the 75th birthday, marriage and divorce, old and second cards, national numbers that are another's.

use super::card::{self, Card};
use super::family::{Families, NAMESAKES, REUSED, Serial};
use super::life::{Event, Held, Home, Life};
use crate::calendar::Month;
use crate::population::Scheme;
use crate::random::{self, Dice};

/// Old cards used for one to three months, and for longer.
const OLD_CARD: f64 = 0.05;
const OLD_CARD_LONG: f64 = 0.003;
/// Dependents with two cards for some months or years.
const TWO_CARDS: f64 = 0.005;
/// Chance of a namesake of the same birth date and sex to be bound to the other's insurance: 0.007 % of all (part 6) over 1.5 % who
/// have a namesake, of whom the last one is remembered.
const WRONG_BOUND: f64 = 0.012;
/// A second id5, and one that somebody else has (Imamura 2024: 0.1 % and 0.26 % of cases).
const SECOND_ID: f64 = 0.001;
const SHARED_ID: f64 = 0.0013;
/// Of marriages, those with another insurer in the same quarter: 0.7 % a year over 4 % at 25 to 34.
const JOINT: f64 = 0.17;

impl Families<'_> {
    /// From the 75th birthday on, a number of one's own.
    pub(super) fn late_elderly(&mut self, dice: &mut Dice, life: &mut Life) {
        let old = Month::of(life.birth).0 + 75 * 12;
        let (first, until) = self.window;
        if old >= until || life.cards.last().is_some_and(|held| held.card.scheme == Scheme::Assistance) {
            return;
        }
        let from = old.max(first);
        life.cards.retain(|held| held.from < from);
        if let Some(last) = life.cards.last_mut() {
            (last.until, last.shown_until) = (from, from);
        }
        let mut current: Option<(i32, Home)> = None;
        let homes: Vec<(i32, Home)> = life.homes.clone();
        let mut serial = Serial { household: (1 << 40) + life.number, next: 0 };
        for month in std::iter::once(from).chain(homes.iter().map(|(at, _)| *at).filter(|at| *at > from)) {
            let Some(home) = life.home(month) else { continue };
            let prefecture = |home: Home| crate::places::at(home.place).prefecture();
            if current.is_some_and(|(_, before)| before.place == home.place) {
                continue;
            }
            // Within a prefecture the number stays and the municipality in the insurer's changes.
            let stays = current.is_some_and(|(_, before)| prefecture(before) == prefecture(home));
            let mut card = self.issue(dice, Scheme::LateElderly, &mut serial, home);
            if let Some(last) = life.cards.last_mut() {
                (last.until, last.shown_until) = (month, month);
                if stays {
                    card.number.clone_from(&last.card.number);
                }
            }
            if !stays {
                // Unique in the country, unless it is given out again.
                let whose = if dice.chance(REUSED) { life.number.saturating_sub(7) } else { life.number };
                card.number = format!("{:08}", random::permute(whose * 4 + life.cards.len() as u64 % 4, 8, 7));
                if whose != life.number {
                    life.events.push(Event::Reused);
                }
            }
            life.cards.push(Held { card, from: month, until, shown_until: until });
            current = Some((month, home));
        }
    }

    pub(super) fn marry(&mut self, dice: &mut Dice, serial: &mut Serial, life: &mut Life) {
        let (first, until) = self.window;
        let born = Month::of(life.birth).0;
        // So that 3.8 of 1,000 change their name in a year: nobody marries whose spouse is on the same card.
        let single = if self.alone { 1.75 } else { 1.2 };
        for month in (first.max(life.seen.0)..until).step_by(12) {
            let age = (month - born) / 12;
            let yearly = match age {
                20..25 => 0.020,
                25..35 => 0.040,
                35..40 => 0.013,
                40..50 => 0.004,
                50..70 => 0.0005,
                _ => 0.0,
            };
            // The wife changes her name in 94.7 % of marriages.
            let share = if life.sex == 2 { 1.0 } else { 0.056 };
            if !dice.chance(yearly * single * share) {
                continue;
            }
            let at = month + dice.between(0, 11);
            let surname = self.names.surname(dice);
            life.surnames.push((at, surname));
            life.events.push(Event::Married);
            if dice.chance(0.7)
                && let Some(home) = life.home(at)
            {
                let next = self.country.next_home(dice, home);
                life.homes.retain(|(from, _)| *from < at);
                life.homes.push((at, next));
            }
            if dice.chance(JOINT) {
                life.events.push(Event::Joint);
                let moved = at + dice.between(-1, 1);
                self.another_card(dice, serial, life, moved);
            }
            return;
        }
    }

    /// A new card from a month on, to the end of what was right then.
    fn another_card(&mut self, dice: &mut Dice, serial: &mut Serial, life: &mut Life, at: i32) {
        let (Some(place), Some(home)) = (life.right_card(at), life.home(at)) else { return };
        let scheme = card::draw(dice, (at - Month::of(life.birth).0) / 12);
        let mut card = self.issue(dice, scheme, serial, home);
        card.branch = card.branch.map(|_| u8::from(dice.chance(0.4)));
        let Some(held) = life.cards.get_mut(place) else { return };
        let until = held.until;
        if held.from < at {
            (held.until, held.shown_until) = (at, at);
            life.cards.insert(place + 1, Held { card, from: at, until, shown_until: until });
        }
    }

    /// Old cards still shown, two cards, national numbers and their anomalies, a namesake's insurance.
    pub(super) fn oddities(&mut self, dice: &mut Dice, life: &mut Life, others: &[Life]) {
        let (first, until) = self.window;
        let last = life.cards.len().saturating_sub(1);
        for held in life.cards.iter_mut().take(last) {
            if dice.chance(OLD_CARD) {
                held.shown_until = (held.until + dice.between(1, 3)).min(until);
            } else if dice.chance(OLD_CARD_LONG) {
                held.shown_until = (held.until + dice.between(4, 14)).min(until);
            }
        }
        let dependent = life.cards.iter().any(|held| held.card.branch.is_some_and(|branch| branch > 0));
        if dependent
            && dice.chance(TWO_CARDS)
            && let Some(home) = life.home(first)
        {
            let from = dice.between(first, until - 3);
            let scheme = card::draw(dice, 40);
            let mut serial = Serial { household: (1 << 41) + life.number, next: 0 };
            let card = Card { branch: Some(1), ..self.issue(dice, scheme, &mut serial, home) };
            let until = (from + dice.between(3, 24)).min(until);
            life.cards.push(Held { card, from, until: from, shown_until: until });
            life.events.push(Event::TwoCards);
        }
        life.ids = vec![(i32::MIN, random::mix(life.number ^ self.seed.rotate_left(17)))];
        if dice.chance(SECOND_ID) {
            life.ids.push((dice.between(first, until), random::mix(life.number ^ self.seed.rotate_left(18))));
            life.events.push(Event::Anomaly);
        } else if dice.chance(SHARED_ID) {
            let other = others.last().map_or_else(|| life.number.saturating_sub(1), |other| other.number);
            life.ids = vec![(i32::MIN, random::mix(other ^ self.seed.rotate_left(17)))];
            life.events.push(Event::Anomaly);
        }
        self.bind(dice, life);
    }

    fn bind(&mut self, dice: &mut Dice, life: &mut Life) {
        let (first, until) = self.window;
        let Some(surname) = life.surname(first) else { return };
        let spot = surname.kana.bytes().chain(life.given.kana.bytes());
        let spot = spot.fold(u64::from(life.sex), |spot, byte| random::mix(spot ^ u64::from(byte)));
        let spot = random::mix(spot ^ u64::from(catalog::codes::days(life.birth).unsigned_abs()));
        let Some(slot) = self.past.namesakes.get_mut(random::place(spot, NAMESAKES)) else { return };
        let own = life.cards.last().map(|held| (spot, held.card.clone(), life.number));
        let other = std::mem::replace(slot, own);
        let Some((_, card, _)) = other.filter(|(of, ..)| *of == spot) else { return };
        if dice.chance(WRONG_BOUND) {
            let from = dice.between(first, until - 6);
            life.cards.push(Held { card, from, until: from, shown_until: from + dice.between(2, 18) });
            life.events.push(Event::WrongBound);
        }
    }

    /// 60 % of divorced wives take their former name back; children follow in part.
    pub(super) fn divorce(&mut self, dice: &mut Dice, lives: &mut [Life]) {
        let (first, until) = self.window;
        let alone = self.alone;
        let wife = lives.iter().position(|life| {
            let age = (first - Month::of(life.birth).0) / 12;
            life.sex == 2 && (18..55).contains(&age) && (alone || lives.len() > 1)
        });
        let Some(wife) = wife else { return };
        // 1.5 divorces a year for 1,000 persons are about 8 for 1,000 wives of that age.
        if !dice.chance(0.008 * f64::from((until - first) / 12) * 0.6) {
            return;
        }
        let at = dice.between(first + 1, until - 1);
        let surname = self.names.surname(dice);
        for (place, life) in lives.iter_mut().enumerate() {
            let child = (at - Month::of(life.birth).0) / 12 < 20;
            if (place == wife || (child && dice.chance(0.4))) && !life.has(Event::Married) {
                life.surnames.push((at, surname.clone()));
                life.events.push(Event::Divorced);
            }
        }
    }
}
