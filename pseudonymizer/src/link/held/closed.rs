//! Which atoms share a block, and in which order: closed under everything that could make two atoms one person.

use std::convert::Infallible;
use std::sync::{Mutex, PoisonError};

use super::fill::Marked;
use crate::link::atoms::Kind;
use crate::link::components::Components;
use crate::link::keys::NONE;
use crate::link::parallel;
use crate::link::pass::Pass;

/// All blocks of a pass.
pub(super) struct Closed {
    /// The least atom of each atom's block.
    pub(super) roots: Vec<u32>,
    /// Atoms in the order of their blocks, ascending in each.
    order: Vec<u32>,
    /// Where each block ends among them.
    ends: Vec<u32>,
}

impl Closed {
    /// `apart`: tokens that hold nothing together.
    pub(super) fn of(pass: &Pass, apart: &Marked) -> Self {
        let roots = close(pass, apart);
        let mut places = vec![0_u32; roots.len()];
        for block in &roots {
            places.get_mut(*block as usize).into_iter().for_each(|count| *count += 1);
        }
        let (mut at, mut ends) = (0, Vec::new());
        for place in &mut places {
            let count = *place;
            *place = at;
            at += count;
            ends.extend((count > 0).then_some(at));
        }
        let mut order = vec![0; roots.len()];
        for (atom, block) in (0..).zip(&roots) {
            let Some(place) = places.get_mut(*block as usize) else { continue };
            order.get_mut(*place as usize).into_iter().for_each(|free| *free = atom);
            *place += 1;
        }
        Self { roots, order, ends }
    }

    /// So many blocks at a time: the atoms of all, and the number of each one's.
    pub(super) fn some(&self, blocks: usize) -> impl Iterator<Item = (&[u32], impl Iterator<Item = usize>)> {
        let mut begun = 0;
        self.ends.chunks(blocks).map(move |ends| {
            let first = begun;
            begun = ends.last().copied().unwrap_or(begun);
            let members = self.order.get(first as usize..begun as usize).unwrap_or_default();
            let begins = std::iter::once(first).chain(ends.iter().copied());
            (members, begins.zip(ends).map(|(begin, end)| (end - begin) as usize))
        })
    }
}

/// The least atom of each atom's block.
fn close(pass: &Pass, apart: &Marked) -> Vec<u32> {
    let (atoms, roots) = (&pass.atoms, &pass.partition.roots);
    let across = Mutex::new(Vec::new());
    let Ok(()) = parallel::each(parallel::threads(), Kind::AT_REST.into_iter(), |kind| -> Result<(), Infallible> {
        let mut joined = Vec::new();
        // The person of the first atom that has the token: most others are the same person's.
        let mut first: Vec<u32> = vec![NONE; atoms.distinct(kind) as usize + 1];
        atoms.of_kind(kind).for_each(|(atom, dense)| {
            let (Some(known), Some(root)) = (first.get_mut(dense as usize), roots.get(atom as usize)) else { return };
            if *known == NONE {
                *known = *root;
            } else if *known != *root && !apart.has(kind.place(), dense) {
                joined.push((*known, *root));
            }
        });
        across.lock().unwrap_or_else(PoisonError::into_inner).append(&mut joined);
        Ok(())
    });
    let mut blocks = Components::of(roots);
    for (a, b) in across.into_inner().unwrap_or_else(PoisonError::into_inner) {
        blocks.union(a, b);
    }
    for pair in &pass.pairs {
        blocks.union(pair.a, pair.b);
    }
    for verdict in &pass.verdicts {
        blocks.union(verdict.a, verdict.b);
    }
    blocks.roots()
}
