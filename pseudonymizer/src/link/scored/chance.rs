//! How often two different persons agree by chance. Composites are counted; what a single attribute's agreement is worth follows from
//! them, because a composite's chance is the product of its attributes' (a log-linear model, solved by least squares). No attribute
//! is ever counted alone.

use crate::link::atoms::Kind;
use crate::tokens::Input;

/// Chances of an agreement; the logarithms are unknowns of the equations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chance {
    Family,
    Given,
    Birth,
    Sex,
    Insurer,
    /// The number where the insurer is the same.
    Number,
    District,
    Postcode,
    Facility,
    FamilyNear,
    GivenNear,
    BirthNear,
    ChartNear,
    WholeNear,
    Sound,
    Address,
    AddressNear,
    PostcodeNear,
}

const UNKNOWNS: usize = 18;

/// What is taken where nothing was counted: shares of Japanese names, birth dates and insurers
/// (`research/pseudonymization-anchors.md`, part 2, the arithmetic). In the order of [`Chance`].
const USUAL: [f64; UNKNOWNS] =
    [0.002, 0.004, 5e-5, 0.5, 0.01, 1e-5, 0.01, 2e-4, 1e-3, 0.005, 0.012, 0.005, 1e-5, 1e-4, 3e-5, 1e-4, 2e-4, 5e-4];

/// Pairs that what is usual counts for.
const USUAL_PAIRS: f64 = 5.0;

/// Chances by attribute.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Chances([f64; UNKNOWNS]);

/// Of one kind: pairs of different persons that share a token, and pairs that could.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counted {
    pub(super) kind: Kind,
    pub(super) shared: f64,
    pub(super) of: f64,
}

impl Chances {
    pub(super) fn usual() -> Self {
        Self(USUAL)
    }

    pub(super) fn of(&self, chance: Chance) -> f64 {
        self.0.get(chance as usize).copied().unwrap_or(1.0)
    }

    /// Solves the equations. A kind of which much was counted weighs more; what no kind says stays as is usual.
    pub(super) fn solve(counted: &[Counted]) -> Self {
        let mut system = [[0.0_f64; UNKNOWNS + 1]; UNKNOWNS];
        for (place, (row, usual)) in system.iter_mut().zip(USUAL).enumerate() {
            let weight = USUAL_PAIRS / 1000.0;
            add(row, place, weight);
            add(row, UNKNOWNS, weight * usual.ln());
        }
        for one in counted.iter().filter(|one| one.of > 0.0) {
            let terms: Vec<usize> = one.kind.inputs().iter().filter_map(|input| unknown(one.kind, *input)).collect();
            let weight = (one.shared + 0.1) / (one.shared + USUAL_PAIRS);
            let share = ((one.shared + 0.5) / (one.of + 1.0)).ln();
            for term in &terms {
                let Some(row) = system.get_mut(*term) else { continue };
                for other in &terms {
                    add(row, *other, weight);
                }
                add(row, UNKNOWNS, weight * share);
            }
        }
        let solved = eliminate(system);
        let mut chances = Self(solved.map(|log| log.exp().clamp(1e-12, 0.9)));
        chances.order();
        chances
    }

    /// What is near is at least as likely as what is the same, whatever few pairs say.
    fn order(&mut self) {
        let pairs = [
            (Chance::FamilyNear, Chance::Family, 1.2),
            (Chance::GivenNear, Chance::Given, 1.2),
            (Chance::BirthNear, Chance::Birth, 3.0),
            (Chance::District, Chance::Postcode, 1.5),
            (Chance::AddressNear, Chance::Address, 1.1),
            (Chance::PostcodeNear, Chance::Postcode, 1.2),
        ];
        for (near, exact, times) in pairs {
            let least = (self.of(exact) * times).min(0.95);
            if let Some(place) = self.0.get_mut(near as usize) {
                *place = place.max(least);
            }
        }
    }
}

fn add(row: &mut [f64; UNKNOWNS + 1], place: usize, value: f64) {
    if let Some(cell) = row.get_mut(place) {
        *cell += value;
    }
}

fn unknown(kind: Kind, input: Input) -> Option<usize> {
    let chance = match input {
        Input::Address => Chance::Address,
        Input::AddressNear => Chance::AddressNear,
        Input::Born => Chance::Birth,
        Input::BornPart => Chance::BirthNear,
        Input::ChartNear => Chance::ChartNear,
        Input::District => Chance::District,
        // A register's own number comes with its issuer: the two are one.
        Input::Facility => return (!kind.inputs().contains(&Input::ChartNear)).then_some(Chance::Facility as usize),
        Input::FamilyNear => Chance::FamilyNear,
        Input::GivenKana => Chance::Given,
        Input::GivenNear => Chance::GivenNear,
        Input::Insurer => Chance::Insurer,
        Input::KanaNear => Chance::WholeNear,
        Input::KanaSound => Chance::Sound,
        Input::NumberCore => Chance::Number,
        Input::Postcode => Chance::Postcode,
        Input::PostcodeNear => Chance::PostcodeNear,
        Input::Sex => Chance::Sex,
        Input::FamilyKana => Chance::Family,
        // The whole name is left to the kinds that divide it; the others are no kinds of a run.
        Input::BirthMonth
        | Input::BothNames
        | Input::Branch
        | Input::Chart
        | Input::KanaLoose
        | Input::KanaStrict
        | Input::Kanji
        | Input::LateElderlyInsurer
        | Input::LtcInsurer
        | Input::LtcNumber
        | Input::NationalId
        | Input::NumberExact
        | Input::SymbolCore
        | Input::SymbolExact => return None,
    };
    Some(chance as usize)
}

/// Whether all of a kind's inputs have a chance of their own.
pub(super) fn is_counted(kind: Kind) -> bool {
    let whole = [Input::BothNames, Input::KanaStrict, Input::Kanji, Input::KanaLoose];
    !kind.inputs().iter().any(|input| whole.contains(input))
}

/// Gauss's elimination with the greatest pivot; the matrix is positive definite, since what is usual is part of it.
fn eliminate(mut system: [[f64; UNKNOWNS + 1]; UNKNOWNS]) -> [f64; UNKNOWNS] {
    for at in 0..UNKNOWNS {
        let size = |row: &[f64; UNKNOWNS + 1]| row.get(at).copied().unwrap_or(0.0).abs();
        let pivot = (at..UNKNOWNS).max_by(|a, b| {
            let of = |row: &usize| system.get(*row).map_or(0.0, size);
            of(a).total_cmp(&of(b)).then(b.cmp(a))
        });
        system.swap(at, pivot.unwrap_or(at));
        let Some(pivot) = system.get(at).copied() else { continue };
        let divisor = pivot.get(at).copied().unwrap_or(1.0);
        for (place, row) in system.iter_mut().enumerate() {
            if place == at || divisor.abs() < 1e-300 {
                continue;
            }
            let times = row.get(at).copied().unwrap_or(0.0) / divisor;
            row.iter_mut().zip(pivot).for_each(|(cell, of_pivot)| *cell -= times * of_pivot);
        }
    }
    let mut solved = [0.0; UNKNOWNS];
    for (place, (row, value)) in system.iter().zip(&mut solved).enumerate() {
        let divisor = row.get(place).copied().unwrap_or(1.0);
        *value = row.last().copied().unwrap_or(0.0) / divisor;
    }
    solved
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> Kind {
        Kind::all().find(|kind| kind.name() == name).unwrap()
    }

    #[test]
    fn attributes_follow_from_composites() {
        let (family, given, birth, postcode) = (0.004_f64, 0.001, 3e-5, 6e-4);
        let of = 1e12;
        let counted = |name, share: f64| Counted { kind: named(name), shared: share * of, of };
        let all = [
            counted("p1", family * birth),
            counted("p2", given * birth),
            counted("p3", family * given * 0.5),
            counted("h1", family * postcode),
            counted("h2", given * postcode),
            counted("h3", birth * postcode),
            counted("w2", 0.02 * birth),
        ];
        let found = Chances::solve(&all);
        let near = |chance: Chance, expected: f64| {
            let found = found.of(chance);
            assert!((found / expected).ln().abs() < 0.15, "{chance:?} {found} for {expected}");
        };
        near(Chance::Family, family);
        near(Chance::Given, given);
        near(Chance::Birth, birth);
        near(Chance::Postcode, postcode);
        near(Chance::GivenNear, 0.02);
        near(Chance::Insurer, 0.01);
    }

    #[test]
    fn nothing_counted_is_as_usual() {
        let found = Chances::solve(&[]);
        for (found, usual) in found.0.iter().zip(USUAL) {
            assert!((found / usual).ln().abs() < 1e-9);
        }
    }

    #[test]
    fn every_kind_of_a_run_is_counted_or_left_out_as_a_whole() {
        for kind in Kind::of_run().filter(|kind| is_counted(*kind)) {
            let terms = kind.inputs().iter().filter(|input| unknown(kind, **input).is_some()).count();
            assert!(terms >= 2, "{}", kind.name());
        }
    }
}
