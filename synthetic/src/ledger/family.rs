//! Families: who is born when, who is insured with whom, and what ten years do to it. Rates of
//! `research/pseudonymization-anchors.md`, part 6.

use jiff::civil::Date;

use super::card::{self, Card};
use super::life::{Event, Held, Home, Life};
use super::names::Names;
use super::sites::Country;
use crate::calendar::Month;
use crate::population::Scheme;
use crate::random::{self, Dice};

/// A member before anything is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sketch {
    pub(super) sex: u8,
    pub(super) birth: Date,
    pub(super) twin: bool,
    pub(super) role: Role,
}

/// Whose card a member is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// On a card of one's own.
    Own,
    /// On the head's, until one earns.
    Child,
    /// On the head's.
    Dependent,
}

/// Makes families one after the other.
pub(super) struct Families<'a> {
    pub(super) names: &'a Names,
    pub(super) country: &'a Country,
    pub(super) seed: u64,
    /// First month, and the month after the last.
    pub(super) window: (i32, i32),
    pub(super) past: Past,
    /// Whether marriage is drawn for everybody, as where nobody's spouse is known.
    pub(super) alone: bool,
}

/// What is remembered of others, so that numbers can be theirs: a fixed amount of memory.
pub(super) struct Past {
    cards: Vec<Option<Card>>,
    pub(super) namesakes: Vec<Option<(u64, Card, u64)>>,
}

const CARDS: usize = 1 << 14;
pub(super) const NAMESAKES: usize = 1 << 17;

impl Past {
    pub(super) fn new() -> Self {
        Self { cards: vec![None; CARDS], namesakes: vec![None; NAMESAKES] }
    }
}

/// What a family has in common: cards and homes, each from a month on.
struct Track {
    cards: Vec<(i32, Card)>,
    homes: Vec<(i32, Home)>,
}

/// A number given out again (part 2: about 1e-5 of numbers; more here, to see it).
pub(super) const REUSED: f64 = 2e-4;
impl Families<'_> {
    /// The family numbered `household`, its members numbered from `first`.
    pub(super) fn build(&mut self, household: u64, first: u64, sketches: &[Sketch], head_birth: Date) -> Vec<Life> {
        let dice = &mut Dice::new(self.seed, household);
        let home = self.country.home(dice);
        let mut serial = Serial { household, next: 0 };
        let track = self.track(dice, &mut serial, head_birth, (self.window.0, home), None);
        let surname = self.names.surname(dice);
        let mut lives: Vec<Life> = Vec::new();
        for (at, (sketch, number)) in sketches.iter().zip(first..).enumerate() {
            let mut life = self.born(dice, *sketch, number, household);
            life.surnames = vec![(i32::MIN, surname.clone())];
            self.insure(dice, &mut serial, &mut life, (sketch.role, at), &track);
            self.late_elderly(dice, &mut life);
            if sketch.role != Role::Dependent {
                self.marry(dice, &mut serial, &mut life);
            }
            self.oddities(dice, &mut life, &lives);
            lives.push(life);
        }
        self.divorce(dice, &mut lives);
        lives
    }

    fn born(&mut self, dice: &mut Dice, sketch: Sketch, number: u64, household: u64) -> Life {
        let hard = dice.chance(crate::mistakes::HARD_SHARE);
        let mut given = self.names.given(dice, sketch.sex, sketch.birth.year());
        if hard {
            // Double and foreign names: two words, no kanji for the second.
            let second = self.names.given(dice, sketch.sex, sketch.birth.year());
            given.kana = format!("{}　{}", given.kana, second.kana);
            given.kanji =
                if dice.chance(0.5) { given.kana.clone() } else { format!("{}{}", given.kanji, second.kanji) };
        }
        let (from, until) = self.window;
        let start = Month::of(sketch.birth).0.max(from);
        let mut end = until - 1;
        for month in (start..until).step_by(12) {
            let age = f64::from(month - Month::of(sketch.birth).0) / 12.0;
            let woman = if sketch.sex == 2 { 0.6 } else { 1.15 };
            // Gompertz, about 1.2 % of all a year; 0.1 % emigrate.
            let dying = woman * (0.0002 + (-10.55 + 0.096 * age).exp());
            if dice.chance(dying.min(0.6) + 0.001) {
                end = (month + dice.between(0, 11)).min(until - 1);
                break;
            }
        }
        Life {
            number,
            household,
            sex: sketch.sex,
            birth: sketch.birth,
            seen: (start, end),
            twin: sketch.twin,
            hard,
            surnames: Vec::new(),
            given,
            homes: Vec::new(),
            cards: Vec::new(),
            ids: Vec::new(),
            events: Vec::new(),
        }
    }

    /// Cards and homes of somebody of that age from a month on, month by month; `homes` are those of the family if it moves together.
    fn track(
        &mut self,
        dice: &mut Dice,
        serial: &mut Serial,
        birth: Date,
        (start, home): (i32, Home),
        homes: Option<&[(i32, Home)]>,
    ) -> Track {
        let until = self.window.1;
        let age = |month: i32| (month - Month::of(birth).0) / 12;
        let mut home = home;
        let mut scheme = card::draw(dice, age(start));
        let mut track =
            Track { cards: vec![(start, self.issue(dice, scheme, serial, home))], homes: vec![(start, home)] };
        for month in start + 1..until {
            let years = age(month);
            if years >= 75 {
                // Whoever depends on the head goes to the municipality's insurance.
                if !matches!(scheme, Scheme::National | Scheme::Assistance) {
                    scheme = Scheme::National;
                    track.cards.push((month, self.issue(dice, scheme, serial, home)));
                }
            } else if dice.chance(card::yearly_change(years) * card::season(month)) {
                scheme = card::draw(dice, years);
                track.cards.push((month, self.issue(dice, scheme, serial, home)));
            }
            let moved = match homes {
                Some(homes) => homes.iter().find(|(at, _)| *at == month).map(|(_, home)| *home),
                None if dice.chance(card::yearly_move(years) * card::season(month)) => {
                    Some(self.country.next_home(dice, home))
                }
                None => None,
            };
            if let Some(next) = moved {
                let elsewhere = next.place != home.place;
                home = next;
                track.homes.push((month, home));
                if elsewhere && scheme == Scheme::National && track.cards.last().is_some_and(|(at, _)| *at < month) {
                    track.cards.push((month, self.issue(dice, scheme, serial, home)));
                }
            }
        }
        track
    }

    pub(super) fn issue(&mut self, dice: &mut Dice, scheme: Scheme, serial: &mut Serial, home: Home) -> Card {
        let card = card::issue(scheme, serial.draw(), home);
        if scheme == Scheme::Assistance {
            return card;
        }
        let place = dice.below(CARDS);
        let Some(slot) = self.past.cards.get_mut(place) else { return card };
        match slot.take() {
            Some(old) if old.scheme == scheme && dice.chance(REUSED * 5.0) => old,
            _ => {
                *slot = Some(card.clone());
                card
            }
        }
    }

    /// The member's cards and homes: the family's, one's own, or first the one and then the other.
    fn insure(
        &mut self,
        dice: &mut Dice,
        serial: &mut Serial,
        life: &mut Life,
        (role, at): (Role, usize),
        family: &Track,
    ) {
        let (first, until) = self.window;
        // Whoever depends on somebody who is not made has a place behind them.
        let behind = if self.alone && role != Role::Own { 1 + dice.below(3) } else { 0 };
        let branch = u8::try_from(at + behind).unwrap_or(9);
        let born = Month::of(life.birth).0;
        // Children earn from 18, 20 or 22 on, in April.
        let leaves = match role {
            Role::Child => {
                let years = dice.pick(&[18, 20, 22, 22]).copied().unwrap_or(22);
                born + years * 12 + (3 - born).rem_euclid(12)
            }
            Role::Own if at == 0 => until,
            Role::Own => first,
            Role::Dependent => until,
        };
        let mut cards: Vec<(i32, Card)> = Vec::new();
        if leaves > first {
            let with = family.cards.iter().filter(|(from, _)| *from < leaves);
            cards.extend(with.map(|(from, card)| {
                let branch = card.branch.map(|_| branch);
                (*from, Card { branch, ..card.clone() })
            }));
            life.homes.extend(family.homes.iter().filter(|(from, _)| *from < leaves).copied());
        }
        if leaves < until {
            let start = leaves.max(first);
            let home = family.homes.iter().rev().find(|(from, _)| *from <= start).or_else(|| family.homes.first());
            let mut home = home.map_or(Home { place: 0, ward: 0, end: 1 }, |(_, home)| *home);
            if leaves > first && dice.chance(0.5) {
                home = self.country.next_home(dice, home);
            }
            let together = (role == Role::Own).then_some(family.homes.as_slice());
            let own = self.track(dice, serial, life.birth, (start, home), together);
            cards.extend(own.cards);
            if role == Role::Own {
                life.homes.clone_from(&family.homes);
            } else {
                life.homes.extend(own.homes);
            }
        }
        for (place, (from, card)) in cards.iter().enumerate() {
            let next = cards.get(place + 1).map_or(until, |(from, _)| *from);
            life.cards.push(Held { card: card.clone(), from: *from, until: next, shown_until: next });
        }
        life.homes.dedup_by(|later, earlier| later.1 == earlier.1);
        if life.homes.len() > 1 {
            life.events.push(Event::Moved);
        }
    }
}

/// Numbers for cards, different for each family and change.
pub(super) struct Serial {
    pub(super) household: u64,
    pub(super) next: u64,
}

impl Serial {
    fn draw(&mut self) -> u64 {
        self.next += 1;
        random::mix(self.household.wrapping_mul(64) + self.next % 64) >> 8
    }
}
