//! Scored pairs and answers, to go into the blocks of their atoms.

use std::collections::HashMap;

use super::block::{Block, HeldPair};
use crate::link::keys::NONE;
use crate::link::pass::Pass;

/// Scored pairs and answers in the order of the blocks.
pub(super) struct Evidence<'a> {
    pass: &'a Pass,
    pairs: HashMap<u32, Vec<usize>>,
    verdicts: HashMap<u32, Vec<usize>>,
}

impl<'a> Evidence<'a> {
    /// `closed`: the least atom of each atom's block.
    pub(super) fn of(pass: &'a Pass, closed: &[u32]) -> Self {
        let by_block = |atoms: &mut dyn Iterator<Item = u32>| {
            let mut by_block: HashMap<u32, Vec<usize>> = HashMap::new();
            for (at, atom) in atoms.enumerate() {
                by_block.entry(closed.get(atom as usize).copied().unwrap_or(NONE)).or_default().push(at);
            }
            by_block
        };
        let pairs = by_block(&mut pass.pairs.iter().map(|pair| pair.a));
        Self { pass, pairs, verdicts: by_block(&mut pass.verdicts.iter().map(|verdict| verdict.a)) }
    }

    /// Puts in what is of the block of these atoms.
    pub(super) fn fill(&mut self, block: &mut Block, members: &[u32]) {
        let Some(root) = members.first() else { return };
        let place = |atom: u32| members.binary_search(&atom).ok().and_then(|at| u32::try_from(at).ok());
        for pair in self.pairs.remove(root).unwrap_or_default().into_iter().filter_map(|at| self.pass.pairs.get(at)) {
            let places = place(pair.a).zip(place(pair.b));
            block.pairs.extend(places.map(|(a, b)| HeldPair { a, b, weight: pair.weight, pattern: pair.pattern.0 }));
        }
        let verdicts = self.verdicts.remove(root).unwrap_or_default();
        for verdict in verdicts.into_iter().filter_map(|at| self.pass.verdicts.get(at)) {
            let places = place(verdict.a).zip(place(verdict.b));
            block.verdicts.extend(places.map(|(a, b)| (a, b, verdict.same)));
        }
    }
}
