//! Writes what a pass found: its atoms in blocks, the names that were not known before, and what is held now beside them.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use policies::keys::SealRecipient;

use super::fill::Writing;
use super::gather::{Old, Work};
use super::index::IndexWriter;
use super::lists::Lists;
use super::meta::{Directory, Meta};
use super::numbers::Numbers;
use super::sealed::Writer;
use super::{DIRECTORY, INDEX, LISTS, META};
use crate::link::LinkError;
use crate::link::crosswalk::Grade;
use crate::link::keys::Keys;
use crate::link::pass::Pass;

/// What a pass found.
pub(crate) struct Found<'a> {
    pub(crate) pass: &'a Pass,
    /// What it was made of; atoms and persons are not looked at.
    pub(crate) work: &'a Work,
    pub(crate) keyed: &'a Keys,
    /// By the least atom of each person.
    pub(crate) grades: &'a [Grade],
    /// Atoms that stay out.
    pub(crate) out: &'a HashSet<u32>,
}

impl Found<'_> {
    pub(crate) fn old(&self, atom: u32) -> Option<&Old> {
        self.work.olds.get(self.pass.old(atom)?)
    }
}

/// Where a run's files go.
pub(crate) struct Place<'a> {
    pub(crate) folder: &'a Path,
    pub(crate) to: &'a SealRecipient,
}

/// Writes the run of `meta`, whose `first` says where it begins, and completes `meta`. `keys` are to be remembered as given, `lists`
/// those of the batches that are new. Returns how many bytes the blocks take.
pub(crate) fn write(
    place: &Place<'_>,
    found: &Found<'_>,
    meta: &mut Meta,
    keys: Vec<u64>,
    lists: (&Lists, &dyn Fn(u32) -> bool),
) -> Result<u64, LinkError> {
    fs::create_dir(place.folder).map_err(LinkError::io(place.folder))?;
    let mut numbers = Numbers::of(found, meta.first.1);
    let mut writing = Writing::new(found);
    writing.blocks(place, &mut numbers, meta)?;
    let mut directory = writing.directory;
    directory.carriers.sort_unstable();
    let hubs = numbers.hubs(found, &directory.carriers);
    directory.carriers.dedup();
    directory.dead = found.work.touched.difference(&writing.replaced).copied().collect();
    meta.homes.extend(writing.homes);
    meta.hubs.retain(|number, _| !found.work.unsettled.contains(number));
    meta.hubs.extend(&found.work.aside);
    meta.hubs.extend(hubs);
    let blocks = u32::try_from(directory.blocks.len()).unwrap_or(u32::MAX);
    meta.next = (meta.first.0.saturating_add(blocks), numbers.next);

    let index = IndexWriter::create(&place.folder.join(INDEX), place.to)?;
    directory.fences = numbers.index(&found.pass.atoms, index, keys)?;
    finish(place, &directory, meta, lists)?;
    Ok(directory.blocks.iter().map(|(length, _, _)| u64::from(*length)).sum())
}

/// Writes what comes last.
pub(super) fn finish(
    place: &Place<'_>,
    directory: &Directory,
    meta: &Meta,
    (lists, which): (&Lists, &dyn Fn(u32) -> bool),
) -> Result<(), LinkError> {
    lists.write(&place.folder.join(LISTS), place.to, which)?;
    let mut file = Writer::create(&place.folder.join(DIRECTORY), place.to)?;
    file.write(&directory.encode())?;
    file.finish()?;
    let path = place.folder.join(META);
    let text = serde_json::to_vec(meta).map_err(|cause| LinkError::io(&path)(cause.into()))?;
    let mut file = Writer::create(&path, place.to)?;
    file.write(&text)?;
    file.finish()
}
