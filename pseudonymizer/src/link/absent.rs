//! Persons who stay out of a source: whose tokens its holder's newest list has, found in the components that any of them touches.
//! Only that source's atoms of the person stay out, since the say is one source's; keys are kept for the day on which an
//! objection is taken back.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use arrow::array::AsArray;
use arrow::datatypes::DataType;
use jiff::Timestamp;
use policies::keys::SealIdentity;

use super::atoms::{Atom, Atoms, Kind};
use super::error::LinkError;
use super::permutation::Permutation;
use super::rules::Partition;
use crate::absent::{Tokens, each, tokens_at};
use crate::seal::BatchReader;
use crate::tokens::Token;

/// Beside a holder's token file: tokens of those who stay out.
pub(crate) const FILE: &str = "absent.arrow.age";
/// In the token file's metadata, under its signature: SHA-256 (hexadecimal) of the file beside it.
pub(crate) const DIGEST: &str = "sudare.absent";
/// In the token file's metadata: when the holder's list was last changed.
pub(crate) const CHANGED: &str = "sudare.absent_at";

/// What a holder says with a batch of the persons who stay out of its source.
#[derive(Clone)]
pub(crate) struct Said {
    pub(crate) at: Timestamp,
    pub(crate) persons: Vec<Tokens>,
}

/// Tokens that mark whom they touch, with their kinds' places.
#[derive(Default, PartialEq, Eq)]
pub(crate) struct Standing(pub(crate) HashSet<(u8, Token)>);

impl Said {
    /// Reads the file beside `tokens`, if that file's metadata speak of it; one that is missing or changed then is refused. A file
    /// that nobody signed for says nothing: tokens that were renewed for an epoch leave one of the old epoch behind.
    pub(crate) fn beside(
        tokens: &Path,
        metadata: &HashMap<String, String>,
        identity: &SealIdentity,
        permutation: &Permutation,
    ) -> Result<Option<Self>, LinkError> {
        let path = tokens.with_file_name(FILE);
        let unsigned = || LinkError::Signature { path: path.clone() };
        let Some(digest) = metadata.get(DIGEST) else { return Ok(None) };
        if !catalog::manifest::digest(&path).is_ok_and(|(_, found)| found == *digest) {
            return Err(unsigned());
        }
        let lacks = |what| LinkError::Form { path: path.clone(), what };
        let at = metadata.get(CHANGED).and_then(|at| at.parse().ok()).ok_or_else(|| lacks(CHANGED))?;
        let mut said = Self { at, persons: Vec::new() };
        for batch in BatchReader::open(&path, identity).map_err(LinkError::seal)? {
            let batch = batch.map_err(LinkError::seal)?;
            let column = |kind: &Kind| {
                let column = batch.column_by_name(kind.name())?;
                column.as_fixed_size_binary_opt().filter(|_| *column.data_type() == DataType::FixedSizeBinary(16))
            };
            let columns = Kind::AT_REST.iter().map(|kind| column(kind).ok_or_else(|| lacks(kind.name())));
            let columns = columns.collect::<Result<Vec<_>, _>>()?;
            for row in 0..batch.num_rows() {
                said.persons.push(tokens_at(&columns, row).map(|token| token.map(|token| permutation.apply(token))));
            }
        }
        Ok(Some(said))
    }
}

impl Standing {
    /// What stands of all that batches of one source say. The newest list decides: an objection that was taken back is not in it.
    /// Of the others those rows count that share a token with it: records that were left out for an objection that still stands.
    pub(crate) fn of(said: &[&Said]) -> Self {
        let newest = said.iter().map(|said| said.at).max();
        let (last, earlier): (Vec<&Said>, Vec<&Said>) = said.iter().copied().partition(|said| Some(said.at) == newest);
        let now: HashSet<(u8, Token)> = last.iter().flat_map(|said| said.persons.iter().flat_map(each)).collect();
        let still = |tokens: &&Tokens| each(tokens).any(|token| now.contains(&token));
        let still: Vec<_> = earlier.iter().flat_map(|said| &said.persons).filter(still).flat_map(each).collect();
        Self(now.into_iter().chain(still).collect())
    }

    /// Whether the atom has one of the tokens.
    pub(crate) fn touches(&self, atom: &Atom) -> bool {
        each(&atom.tokens).any(|token| self.0.contains(&token))
    }
}

/// Which persons stay out of which source.
pub(crate) struct Absent {
    /// Component and place of the source.
    marked: HashSet<(u32, u8)>,
    /// Persons with an atom of the source, for each source that has a list.
    pub(crate) by_source: BTreeMap<String, u64>,
}

/// What happened to persons of a source since the last run.
pub(crate) struct Turns {
    /// Persons who stay out now and did not before, by source.
    pub(crate) retired: BTreeMap<String, u64>,
    /// Persons who are back.
    pub(crate) restored: BTreeMap<String, u64>,
}

impl Absent {
    /// `touched`: by place of the source that has a list, the ids of the atoms of any source that it touches. `before`: the atoms
    /// that stayed out in the last run; of a source that says nothing this time, they still do.
    pub(crate) fn of(
        atoms: &Atoms,
        partition: &Partition,
        touched: &[(u8, Vec<[u8; 16]>)],
        sources: &[String],
        before: &HashSet<[u8; 16]>,
    ) -> Self {
        let root = |id: &[u8; 16]| partition.roots.get(atoms.ids().binary_search(id).ok()?).copied();
        let told = touched.iter().flat_map(|(source, ids)| ids.iter().filter_map(|id| Some((root(id)?, *source))));
        let silent = |source: u8| touched.iter().all(|(told, _)| *told != source);
        let still = atoms.ids().iter().zip(components(atoms, partition));
        let still = still.filter(|(id, (_, of))| before.contains(*id) && silent(*of)).map(|(_, one)| one);
        let marked: HashSet<(u32, u8)> = told.chain(still).collect();
        let present: HashSet<(u32, u8)> = components(atoms, partition).filter(|one| marked.contains(one)).collect();
        let mut by_source: BTreeMap<String, u64> =
            touched.iter().map(|(source, _)| (name(sources, *source), 0)).collect();
        for (_, source) in &present {
            *by_source.entry(name(sources, *source)).or_default() += 1;
        }
        Self { marked, by_source }
    }

    /// The atoms that stay out, by their places.
    pub(crate) fn places<'a>(&'a self, atoms: &'a Atoms, partition: &'a Partition) -> impl Iterator<Item = u32> + 'a {
        (0..).zip(components(atoms, partition)).filter(|(_, one)| self.marked.contains(one)).map(|(atom, _)| atom)
    }

    /// Compares with the last run: `known` are the atoms that it had, `before` those of them that stayed out.
    pub(crate) fn turns(
        &self,
        atoms: &Atoms,
        partition: &Partition,
        sources: &[String],
        known: impl Fn(&[u8; 16]) -> bool,
        before: &HashSet<[u8; 16]>,
    ) -> Turns {
        let (mut seen, mut out) = (HashSet::new(), HashSet::new());
        for (id, one) in atoms.ids().iter().zip(components(atoms, partition)) {
            if before.contains(id) {
                out.insert(one);
            } else if self.marked.contains(&one) && known(id) {
                seen.insert(one);
            }
        }
        let count = |of: &mut dyn Iterator<Item = &(u32, u8)>| {
            let mut persons: BTreeMap<String, u64> = BTreeMap::new();
            of.for_each(|(_, source)| *persons.entry(name(sources, *source)).or_default() += 1);
            persons
        };
        Turns {
            retired: count(&mut seen.difference(&out)),
            restored: count(&mut out.iter().filter(|one| !self.marked.contains(*one))),
        }
    }
}

/// Component and source of each atom.
fn components<'a>(atoms: &'a Atoms, partition: &'a Partition) -> impl Iterator<Item = (u32, u8)> + 'a {
    partition.roots.iter().copied().zip(atoms.sources().iter().copied())
}

fn name(sources: &[String], place: u8) -> String {
    sources.get(usize::from(place)).cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests;
