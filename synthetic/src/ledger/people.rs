//! Households of a population, or single persons of a few birth dates.

use jiff::civil::Date;

use super::family::{Role, Sketch};
use super::{LedgerOptions, Shape, sketching};
use crate::calendar::{self, Month};
use crate::population::{self, Head};
use crate::random::{Dice, whole};

pub(super) struct Household {
    pub(super) members: Vec<Sketch>,
    /// Of whoever the first card is of, member or not.
    pub(super) head_birth: Date,
}

/// All households, as long as there are persons to make.
pub(super) struct Households {
    seed: u64,
    left: u64,
    next: u64,
    start: Date,
    window: (i32, i32),
    cells: Vec<(Date, u8)>,
}

/// Inhabitants of Japan in millions by five years of age (formats.md, 14).
const PYRAMID: [f64; 19] =
    [4.1, 4.8, 5.3, 5.5, 6.3, 6.5, 6.4, 7.0, 7.8, 9.1, 9.5, 8.2, 7.5, 7.3, 8.7, 7.4, 5.9, 4.0, 2.7];
/// Deliveries of two of the same sex, since 1985 and before (part 6: 1.0 % of deliveries are twins, 70 % of them of one sex).
const TWINS: (f64, f64) = (0.007, 0.004);

impl Households {
    pub(super) fn new(options: &LedgerOptions, window: (i32, i32)) -> Self {
        let start = Month(window.0).first();
        let cells = match options.shape {
            Shape::Population => Vec::new(),
            Shape::Slices { cells } => cells_of(cells.max(1), options.seed, start),
        };
        Self { seed: options.seed, left: options.persons, next: 1, start, window, cells }
    }
}

/// Birth dates and sexes over the ages of Japan: by fours, two days behind one another and both sexes, so that wrong birth dates and
/// sexes meet strangers too.
fn cells_of(cells: u32, seed: u64, start: Date) -> Vec<(Date, u8)> {
    let mut dice = sketching(seed, 0);
    let groups = cells.div_ceil(4);
    let mut made = Vec::new();
    for group in 0..groups {
        let at = (f64::from(group) + dice.unit()) / f64::from(groups) * PYRAMID.iter().sum::<f64>();
        let birth = calendar::plus_days(start, 365 - of_pyramid(&mut dice, at));
        for day in [0, 1] {
            for sex in [1, 2] {
                made.push((calendar::plus_days(birth, day), sex));
            }
        }
    }
    made.truncate(cells as usize);
    made
}

/// Days of age of somebody that far up in the pyramid.
fn of_pyramid(dice: &mut Dice, mut at: f64) -> i32 {
    for (band, share) in (0..).zip(PYRAMID) {
        if at < share {
            let years = f64::from(band * 5) + 5.0 * at / share + if band == 18 { 4.0 * dice.unit() } else { 0.0 };
            return whole(years * 365.25);
        }
        at -= share;
    }
    whole(50.0 * 365.25)
}

impl Iterator for Households {
    type Item = Household;

    fn next(&mut self) -> Option<Household> {
        if self.left == 0 {
            return None;
        }
        let dice = &mut sketching(self.seed, self.next);
        let mut household = if self.cells.is_empty() { self.family(dice) } else { self.single(dice)? };
        self.next += 1;
        household.members.truncate(usize::try_from(self.left).unwrap_or(usize::MAX));
        self.left -= household.members.len() as u64;
        Some(household)
    }
}

fn twins(dice: &mut Dice, sketch: Sketch) -> Vec<Sketch> {
    let share = if sketch.birth.year() >= 1985 { TWINS.0 } else { TWINS.1 };
    if dice.chance(share) { vec![Sketch { twin: true, ..sketch }; 2] } else { vec![sketch] }
}

impl Households {
    /// Somebody of one of the cells, and a twin.
    fn single(&self, dice: &mut Dice) -> Option<Household> {
        let at = usize::try_from(self.next).unwrap_or(0) % self.cells.len().max(1);
        let (birth, sex) = *self.cells.get(at)?;
        let age = calendar::age_on(birth, self.start);
        let grown = i32::from(self.start.year()) - i32::from(birth.year()) >= 22;
        let (role, head) = match age {
            _ if !grown => (Role::Child, dice.between(22, 40)),
            // Wives on their husbands' cards.
            _ if sex == 2 && age < 75 && dice.chance(0.35) => (Role::Dependent, dice.between(-3, 6)),
            _ => (Role::Own, 0),
        };
        let head_birth = if role == Role::Own { birth } else { calendar::plus_days(birth, -head * 365) };
        let mut members = twins(dice, Sketch { sex, birth, twin: false, role });
        if grown {
            // Grown twins have a card each.
            for (place, member) in members.iter_mut().enumerate() {
                member.role = if place == 0 { role } else { Role::Own };
            }
        }
        Some(Household { members, head_birth })
    }

    fn family(&self, dice: &mut Dice) -> Household {
        let Head { kind, age: head, sex } = population::head(dice);
        let born =
            |dice: &mut Dice, age: i32| calendar::plus_days(self.start, -(age * 36525 / 100 + dice.between(1, 364)));
        let head_birth = born(dice, head);
        let one = |sex, birth, role| Sketch { sex, birth, twin: false, role };
        let mut members = vec![one(sex, head_birth, Role::Own)];
        if matches!(kind, 1 | 2 | 4) {
            let age = head - dice.between(-2, 5);
            let role = if dice.chance(0.45) { Role::Dependent } else { Role::Own };
            let birth = born(dice, age);
            members.push(one(3 - sex, birth, role));
        }
        if kind >= 2 {
            self.children(dice, &mut members, head);
        }
        if kind == 4 {
            let parent = head + dice.between(24, 32);
            let birth = born(dice, parent);
            members.push(one(2, birth, if parent < 75 { Role::Dependent } else { Role::Own }));
        }
        Household { members, head_birth }
    }

    fn children(&self, dice: &mut Dice, members: &mut Vec<Sketch>, head: i32) {
        let mut age = head - dice.between(25, 34);
        for _ in 0..=dice.weighted([42.0, 44.0, 14.0]) {
            // Some are born within the window.
            if !(-8..36).contains(&age) {
                break;
            }
            let sex = if dice.chance(0.513) { 1 } else { 2 };
            let birth = calendar::plus_days(self.start, -(age * 36525 / 100 + dice.between(1, 364)));
            let role = if age >= 22 { Role::Own } else { Role::Child };
            let last = Month(self.window.1 - 2).first();
            members.extend(twins(dice, Sketch { sex, birth: birth.min(last), twin: false, role }));
            age -= dice.between(1, 4);
        }
    }
}
