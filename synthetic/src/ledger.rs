//! Ten years of who stated what where, in four databases, with the truth beside them: material to measure linkage with. Not official
//! formats, but one CSV a database, read through layouts (`benches/linkage.rs`).
//!
//! The population is one of Japan's kind, or slices of it: a few birth dates and sexes at full national density, so that strangers
//! with one name, birth date and sex are as many as among 124 million (`research/pseudonymization-anchors.md`, parts 2 and 6).

mod card;
mod care;
mod events;
mod family;
mod file;
mod life;
mod names;
mod people;
mod sites;
mod visits;

use std::path::Path;

use crate::SyntheticError;
use crate::random::Dice;
use family::{Families, Past};
use file::Files;
use names::Names;
use people::{Household, Households};
use sites::Country;
use visits::Visits;

/// Whom to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Households of all ages.
    Population,
    /// Persons of a few birth dates and one sex each, as many as Japan has of each if there are 2,000 persons for each cell.
    Slices {
        /// Birth dates times sexes.
        cells: u32,
    },
}

/// What to make.
#[derive(Clone, Copy, Debug)]
pub struct LedgerOptions {
    /// Persons, at least one.
    pub persons: u64,
    /// Same seed, same bytes.
    pub seed: u64,
    /// Years of history, from April 2016 on.
    pub years: u8,
    /// Whom.
    pub shape: Shape,
}

/// What has been made.
#[derive(Clone, Copy, Debug)]
pub struct LedgerSummary {
    /// Persons, with or without rows.
    pub persons: u64,
    /// Rows of `claims.csv`, `care.csv`, `hospital.csv` and `record.csv`.
    pub rows: [u64; 4],
    /// Of persons with claims in a year, the share whose card or name changes in it; Kubo 2017 finds about 11 %.
    pub changes_in_a_year: f64,
}

/// The first month, April 2016.
const FIRST: i32 = 2016 * 12 + 3;
/// Persons between two calls of `progress`.
const PROGRESS_EVERY: u64 = 5_000;
/// Inhabitants of Japan, whose density slices have.
const JAPAN: f64 = 124_000_000.0;

/// Writes the four databases, `truth.csv` and `facility_software.csv` into the folder `out`.
///
/// `progress` is called with the number of persons done.
pub fn ledger(
    options: &LedgerOptions,
    out: &Path,
    progress: &mut dyn FnMut(u64),
) -> Result<LedgerSummary, SyntheticError> {
    if options.persons == 0 {
        return Err(SyntheticError::NoPersons);
    }
    let names = Names::new();
    #[expect(clippy::cast_precision_loss, reason = "a population is far below 2^52")]
    let inhabitants = if options.shape == Shape::Population { options.persons as f64 } else { JAPAN };
    let country = Country::new(inhabitants);
    let window = (FIRST, FIRST + i32::from(options.years.max(1)) * 12);
    let mut families = Families {
        names: &names,
        country: &country,
        seed: options.seed,
        window,
        past: Past::new(),
        alone: options.shape != Shape::Population,
    };
    let mut visits = Visits::new(&country, options.seed, Files::create(out)?);
    let mut done = 0;
    for (number, household) in (1..).zip(Households::new(options, window)) {
        let Household { members, head_birth } = household;
        for life in families.build(number, done + 1, &members, head_birth) {
            visits.write(&life)?;
            done += 1;
            if done % PROGRESS_EVERY == 0 {
                progress(done);
            }
        }
    }
    let (years, changed) = visits.years;
    let rows = visits.files.finish()?;
    #[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
    let changes_in_a_year = changed as f64 / years.max(1) as f64;
    Ok(LedgerSummary { persons: done, rows, changes_in_a_year })
}

/// The dice of what households are made of, apart from what happens to them.
fn sketching(seed: u64, household: u64) -> Dice {
    Dice::new(seed ^ 0x686f_7573, household)
}

#[cfg(test)]
mod tests;
