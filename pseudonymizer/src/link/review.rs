//! Doubtful pairs: a queue of dossiers for clerks, questions to holders, and what both say, as verdicts for the next run. A dossier
//! holds no token, no name, no atom and no person (`research/pseudonymization-anchors.md`, part 4, clerical review without names).

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use policies::keys::KeyFolder;
use rand::Rng;

use super::LinkError;
use super::atoms::Atoms;
use super::rules::Partition;
use super::store::Store;

mod answers;
mod clerk;
mod dossier;
mod error;
mod ledger;
mod number;
mod queue;
pub(crate) mod sheet;

pub use clerk::{Asked, Decide, Review, Standing, Waiting, ask, decide};
pub use dossier::{Agreement, Dossier, InvalidMonth, Level, Line, LineKind, Month, Side};
pub use error::ReviewError;
pub use ledger::Decision;
pub use number::{CaseNumber, InvalidCaseNumber};
pub use sheet::Answer;

pub(crate) use ledger::{AtomId, FILE};

use ledger::Ledger;

/// What one pass of link found, as far as the queue needs it.
#[derive(Clone, Copy)]
pub(crate) struct Pass<'a> {
    /// All atoms.
    pub(crate) atoms: &'a Atoms,
    /// Names of the sources by the places that atoms have.
    pub(crate) sources: &'a [String],
    /// Who belongs together, and the pairs to be asked about.
    pub(crate) partition: &'a Partition,
    /// Whether pairs of this atom were scored in this pass. Pairs of which neither atom was stay in the queue as they are: all of them,
    /// where no composites were handed over.
    pub(crate) scored: &'a dyn Fn(u32) -> bool,
    /// Whether these are all atoms of the folder. If not, cases of others stay in the queue as they are.
    pub(crate) whole: bool,
    /// Number of the run.
    pub(crate) run: u32,
}

/// Two atoms by their ids, and whether they are one person.
pub(crate) type Said = ([u8; 16], [u8; 16], bool);

/// All verdicts that stand, by the ids of two atoms: what the folder `out` holds, and what the files of `answers` say. The later word on
/// a pair wins; an answer that nobody asked for is refused. Nothing is written: [`renew`] keeps what was taken.
pub(crate) fn said(keys: &KeyFolder, out: &Path, answers: &[PathBuf]) -> Result<Vec<Said>, LinkError> {
    let mut ledger = Ledger::read(keys, &out.join(FILE))?;
    answers::take(&mut ledger, keys, answers)?;
    Ok(ledger.said().into_iter().map(|((a, b), same)| (a.0, b.0, same)).collect())
}

/// Writes the queue of this pass, with the answers that were taken, among the results of the run: they appear together.
pub(crate) fn renew(keys: &KeyFolder, store: &Store, answers: &[PathBuf], pass: &Pass<'_>) -> Result<(), LinkError> {
    let mut ledger = Ledger::read(keys, &store.last(FILE))?;
    answers::take(&mut ledger, keys, answers)?;
    let mut rng = rand::rng();
    let ledger = queue::renewed(ledger, pass, &mut || rng.next_u64());
    ledger.write(keys, store)
}

/// The day of a time, in Japan: what clerks call the day on which they asked.
fn day(at: Timestamp) -> jiff::civil::Date {
    at.to_zoned(jiff::tz::TimeZone::fixed(jiff::tz::Offset::constant(9))).date()
}

#[cfg(test)]
mod tests;
