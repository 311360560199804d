//! A person's ten years as far as identifiers know of them: names, homes and insurance cards, each from a month on.

use jiff::civil::Date;

use super::card::Card;
use super::names::Drawn;
use crate::random;

/// Where somebody lives: a place of `places`, a ward of it, the last four digits of the postcode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Home {
    pub(super) place: usize,
    pub(super) ward: u32,
    pub(super) end: u32,
}

/// A card and how long it is used.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) card: Card,
    pub(super) from: i32,
    /// The month in which it is no longer right.
    pub(super) until: i32,
    /// The month in which nobody shows it any more: later, if the old card is still used.
    pub(super) shown_until: i32,
}

/// What happened to a person, as letters of the truth file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// An id5 that is somebody else's, or a second one.
    Anomaly,
    Divorced,
    /// Marriage and another insurer in one quarter.
    Joint,
    Married,
    Moved,
    /// A number that was somebody else's before.
    Reused,
    /// Two cards side by side.
    TwoCards,
    /// Bound to the insurance of a namesake for a while.
    WrongBound,
}

/// All events with their letters.
pub(super) const EVENTS: [(Event, char); 8] = [
    (Event::Anomaly, 't'),
    (Event::Divorced, 'd'),
    (Event::Joint, 'j'),
    (Event::Married, 'm'),
    (Event::Moved, 'h'),
    (Event::Reused, 'u'),
    (Event::TwoCards, '2'),
    (Event::WrongBound, 'p'),
];

/// A person.
#[derive(Clone, Debug)]
pub(super) struct Life {
    pub(super) number: u64,
    pub(super) household: u64,
    pub(super) sex: u8,
    pub(super) birth: Date,
    /// First and last month in which there is anything to see of them.
    pub(super) seen: (i32, i32),
    pub(super) twin: bool,
    /// A foreign, long or double name.
    pub(super) hard: bool,
    pub(super) surnames: Vec<(i32, Drawn)>,
    pub(super) given: Drawn,
    pub(super) homes: Vec<(i32, Home)>,
    pub(super) cards: Vec<Held>,
    /// National numbers, from a month on.
    pub(super) ids: Vec<(i32, u64)>,
    pub(super) events: Vec<Event>,
}

fn current<T>(list: &[(i32, T)], month: i32) -> Option<&T> {
    list.iter().rev().find(|(from, _)| *from <= month).or_else(|| list.first()).map(|(_, one)| one)
}

impl Life {
    pub(super) fn surname(&self, month: i32) -> Option<&Drawn> {
        current(&self.surnames, month)
    }

    pub(super) fn home(&self, month: i32) -> Option<Home> {
        current(&self.homes, month).copied()
    }

    pub(super) fn id(&self, month: i32) -> Option<u64> {
        current(&self.ids, month).copied()
    }

    /// The card that is shown at an institution: where several could be, the institution has one of them on file.
    pub(super) fn card(&self, month: i32, site: u64) -> Option<(usize, &Held)> {
        let shown = || self.cards.iter().enumerate().filter(|(_, held)| (held.from..held.shown_until).contains(&month));
        let count = shown().count();
        let at = if count > 1 { random::place(random::mix(site ^ self.number.rotate_left(20)), count) } else { 0 };
        shown().nth(at)
    }

    /// The right card.
    pub(super) fn right_card(&self, month: i32) -> Option<usize> {
        self.cards.iter().position(|held| (held.from..held.until).contains(&month))
    }

    pub(super) fn has(&self, event: Event) -> bool {
        self.events.contains(&event)
    }

    /// All months at which something about the identifiers changes.
    pub(super) fn changes(&self) -> Vec<i32> {
        let mut all: Vec<i32> = self.cards.iter().flat_map(|held| [held.from, held.until, held.shown_until]).collect();
        all.extend(self.surnames.iter().map(|(from, _)| *from));
        all.extend(self.homes.iter().map(|(from, _)| *from));
        all.extend(self.ids.iter().map(|(from, _)| *from));
        all.sort_unstable();
        all.dedup();
        all
    }
}
