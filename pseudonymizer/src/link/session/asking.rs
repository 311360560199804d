//! What a run would link, without linking it: for requests to the holders.

use std::path::PathBuf;

use super::{Said, Session};
use crate::link::ask::Wanted;
use crate::link::error::LinkError;
use crate::link::review::{self, AtomId};

impl Session<'_> {
    /// The atoms of the pass that adding these batches would be, by the same checks and the same blocks.
    pub(in crate::link) fn wanted(mut self, tokens: &[PathBuf]) -> Result<Wanted, LinkError> {
        let out = self.store.out().to_owned();
        // By a model that cannot be read nothing could be scored: better said before holders work.
        self.model()?;
        self.job = Said { verdicts: review::said(&self.keys, &out, &[])?, ..Said::default() };
        let handed = self.check(tokens, false)?;
        let held = self.held.as_ref().ok_or_else(|| LinkError::Unscored { path: out.clone() })?;
        let mut wanted = Wanted { held: held.meta.report.atoms, ..Wanted::default() };
        if handed.batches.is_empty() {
            wanted.held_already = handed.skipped;
            return if wanted.held_already.is_empty() { Err(LinkError::Nothing) } else { Ok(wanted) };
        }
        let (work, next, _) = self.prepare(held, handed, |_| {})?;
        for atom in &work.atoms {
            let place = usize::try_from(atom.batch).unwrap_or(usize::MAX);
            let batch = next.batches.get(place).and_then(Option::as_ref);
            let Some((source, batch)) = next.sources.get(usize::from(atom.source)).zip(batch) else {
                return Err(LinkError::Form { path: out, what: "batches" });
            };
            let of = wanted.by_source.entry(source.clone()).or_default();
            of.held = held.meta.report.atoms_by_source.get(source).copied().unwrap_or(0);
            let old = work.olds.binary_search_by_key(&atom.id, |old| old.id).is_ok();
            *(if old { &mut of.old } else { &mut of.new }) += 1;
            of.batches.entry(batch.name.clone()).or_default().insert(AtomId(atom.id));
        }
        wanted.held_already = next.held_already;
        Ok(wanted)
    }
}
