//! Who an atom was after a run, as long as what that run wrote is held.

use std::path::Path;

use policies::Zone;
use policies::keys::KeyFolder;

use super::{Held, folder, meta};
use crate::link::{LinkError, Marker};

/// All atoms after a run (the last one, if none is named) with person key and place of their source, sorted by id. Those of persons
/// who stay out are among them, since they keep their keys. What a rebuild or a compaction took the place of is no longer held.
pub(crate) fn keyed_at(keys: &KeyFolder, out: &Path, run: Option<u32>) -> Result<Vec<([u8; 16], u64, u8)>, LinkError> {
    let held = open(keys, out, run)?;
    let mut rows = Vec::new();
    held.each(held.live(), &held.meta.sources, |_, block| {
        let key = |person: u32| block.persons.get(person as usize).map_or(0, |person| person.key);
        rows.extend(block.atoms.iter().map(|held| (held.id, key(held.person), held.source)));
        Ok(())
    })?;
    rows.sort_unstable();
    Ok(rows)
}

/// Names of the sources by the places that [`keyed_at`] gives.
pub(crate) fn sources_of(keys: &KeyFolder, out: &Path, run: Option<u32>) -> Result<Vec<String>, LinkError> {
    let keys = KeyFolder::open(keys.path(), Zone::Linkage).map_err(LinkError::keys)?;
    let newest = runs(out, run)?.pop().ok_or(LinkError::Nothing)?;
    Ok(meta(&folder(out, newest), &keys.seal().map_err(LinkError::keys)?)?.sources)
}

fn open(keys: &KeyFolder, out: &Path, run: Option<u32>) -> Result<Held, LinkError> {
    let keys = KeyFolder::open(keys.path(), Zone::Linkage).map_err(LinkError::keys)?;
    let folders = runs(out, run)?.into_iter().map(|run| folder(out, run)).collect();
    Held::open(folders, keys.seal().map_err(LinkError::keys)?)?.ok_or(LinkError::Nothing)
}

/// The runs up to one, the base first.
fn runs(out: &Path, run: Option<u32>) -> Result<Vec<u32>, LinkError> {
    let lost = |run| LinkError::Gone { path: out.to_owned(), run };
    let (_, marker) = Marker::beside(out).ok_or_else(|| lost(run.unwrap_or(0)))?;
    let wanted = run.unwrap_or(marker.run);
    let runs: Vec<u32> = marker.files.iter().map(|file| file.run).take_while(|run| *run <= wanted).collect();
    if runs.last() == Some(&wanted) { Ok(runs) } else { Err(lost(wanted)) }
}
