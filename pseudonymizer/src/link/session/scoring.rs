//! What composites and answers add to a run: how pairs are scored, the queue of doubtful ones, and what became of earlier persons.

use std::fs;
use std::path::Path;

use super::{Next, Session};
use crate::link::error::LinkError;
use crate::link::held::gather::Work;
use crate::link::keys::Assignment;
use crate::link::pass::{Pass, Scoring};
use crate::link::report::Churn;
use crate::link::scored::Model;
use crate::link::{review, store};

impl Session<'_> {
    /// What became of the atoms that an earlier run knew; those that this one does not touch keep their persons.
    pub(super) fn churn(&self, pass: &Pass, work: &Work, assigned: &Assignment, next: &Next) -> Churn {
        let before = |atom: u32| {
            let old = work.olds.get(pass.old(atom)?)?;
            work.persons.get(usize::try_from(old.person).ok()?).map(|person| person.key)
        };
        let keys = (0..).zip(&pass.partition.roots);
        let churn = Churn::of(keys.filter_map(|(atom, root)| Some((before(atom), assigned.keys.get(*root)?.key))));
        let untouched = self
            .held
            .as_ref()
            .filter(|_| !next.is_base)
            .map_or(0, |held| held.meta.report.atoms.saturating_sub(work.atoms_before.iter().sum()));
        Churn { atoms_known: churn.atoms_known.saturating_add(untouched), ..churn }
    }

    /// How pairs are scored: anew in a full pass, and by the model of the last one otherwise.
    pub(super) fn scoring<'s>(&'s self, next: &'s Next, scratch: &'s Path) -> Result<Option<Scoring<'s>>, LinkError> {
        if self.job.run_tokens.is_empty() {
            return Ok(None);
        }
        let model = if next.is_base { None } else { Some(self.model()?) };
        let (keys, sources, agreed) = (&self.keys, next.sources.as_slice(), &next.agreed);
        Ok(Some(Scoring { run_tokens: self.job.run_tokens, keys, sources, agreed, scratch, model }))
    }

    pub(super) fn model(&self) -> Result<Model, LinkError> {
        let path = self.store.last(store::MODEL);
        let text = fs::read(&path).map_err(|_| LinkError::Unscored { path: self.store.out().to_owned() })?;
        serde_json::from_slice(&text).map_err(|_| LinkError::Form { path, what: "a model of scores" })
    }

    /// Writes the queue of doubtful pairs, and what scoring found.
    pub(super) fn renew_queue(&self, pass: &Pass, next: &Next) -> Result<(), LinkError> {
        let has_composites = |atom: u32| pass.scored.is_some() && (next.is_base || pass.old(atom).is_none());
        let found = review::Pass {
            atoms: &pass.atoms,
            sources: &next.sources,
            partition: &pass.partition,
            scored: &has_composites,
            whole: next.is_base,
            run: self.run,
        };
        review::renew(&self.keys, &self.store, self.job.answers, &found)?;
        let Some((model, report)) = &pass.scored else { return Ok(()) };
        if next.is_base {
            self.store.write_json(store::MODEL, model)?;
        }
        self.store.write_json(store::SCORED, report)
    }
}
