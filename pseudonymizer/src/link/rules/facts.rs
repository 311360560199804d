//! What atoms say, without placeholders: a token that too many share says nothing of anybody.

use std::collections::HashSet;

use policies::LinkagePolicy;

use super::super::atoms::{Atoms, KINDS, Kind, Months};
use super::apart::{Apart, Mark};

/// Atoms, tokens that say nothing, and who must stay apart.
pub(super) struct Facts<'a> {
    pub(super) atoms: &'a Atoms,
    pub(super) policy: &'a LinkagePolicy,
    pub(super) apart: Apart,
    /// By kind at rest, ascending.
    crowds: Vec<Vec<u32>>,
}

impl<'a> Facts<'a> {
    pub(super) fn new(atoms: &'a Atoms, policy: &'a LinkagePolicy, apart: Apart) -> Self {
        let crowds = Kind::AT_REST.iter().map(|kind| crowds(atoms, *kind, policy.hubs.atoms)).collect();
        Self { atoms, policy, apart, crowds }
    }

    /// A token of an atom, unless it says nothing.
    pub(super) fn token(&self, atom: u32, kind: Kind) -> Option<u32> {
        let crowds = self.crowds.get(kind.place()).map(Vec::as_slice).unwrap_or_default();
        self.atoms.token(atom, kind).filter(|token| crowds.is_empty() || crowds.binary_search(token).is_err())
    }

    /// The tokens of an atom that say something, by the places of their kinds.
    pub(super) fn tokens(&self, atom: u32) -> Tokens {
        let mut tokens = self.atoms.tokens(atom);
        for (token, crowds) in tokens.iter_mut().zip(&self.crowds).filter(|(_, crowds)| !crowds.is_empty()) {
            *token = token.filter(|token| crowds.binary_search(token).is_err());
        }
        Tokens(tokens)
    }

    pub(super) fn months(&self, atom: u32) -> Option<Months> {
        self.atoms.months(atom)
    }

    pub(super) fn marks(&self, atom: u32) -> impl Iterator<Item = Mark> {
        self.apart.of(atom)
    }

    /// Whether a token of a number that these atoms share is a placeholder or a leak: more atoms than one token has, or atoms of
    /// more different persons.
    pub(super) fn is_hub(&self, group: &[u32]) -> bool {
        let hubs = self.policy.hubs;
        let many = |kind| {
            let distinct: HashSet<u32> = group.iter().filter_map(|atom| self.token(*atom, kind)).collect();
            distinct.len() > hubs.identities
        };
        group.len() > hubs.atoms || (group.len() > hubs.identities && [Kind::A3, Kind::B1].into_iter().any(many))
    }
}

/// Tokens of one atom.
pub(super) struct Tokens([Option<u32>; KINDS]);

impl Tokens {
    pub(super) fn of(&self, kind: Kind) -> Option<u32> {
        self.0.get(kind.place()).copied().flatten()
    }
}

/// Tokens that more atoms than `most` have.
fn crowds(atoms: &Atoms, kind: Kind, most: usize) -> Vec<u32> {
    let counts = (0..).zip(atoms.multiplicities(kind));
    counts.filter(|(_, count)| *count as usize > most).map(|(token, _)| token).collect()
}
