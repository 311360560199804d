//! Tiers of token kinds over the components: each tier joins, and what it made too large is taken apart again.

use std::collections::BTreeMap;

use super::super::atoms::Kind;
use super::super::components::{Components, Veto};
use super::Aside;
use super::caps::Census;
use super::facts::Facts;
use super::rivals::{Conflict, Nearness, Rivals, Rule};
use super::summary::Summary;

/// Counts by name.
pub(super) type Counts = BTreeMap<&'static str, u64>;

/// A partition in the making.
pub(super) struct Run<'a> {
    pub(super) facts: Facts<'a>,
    pub(super) components: Components,
    pub(super) joined: Counts,
    pub(super) vetoes: Counts,
    pub(super) hubs: Counts,
    pub(super) aside: Vec<Aside>,
    /// Least atoms of what this tier has joined.
    formed: Vec<u32>,
    /// Components that a refusal for their size has shown to be too large.
    overgrown: Vec<u32>,
    /// Room for components, kept from one group to the next.
    roots: Vec<u32>,
    /// Room for summaries, kept from one to the next.
    spare: Vec<Summary>,
}

impl<'a> Run<'a> {
    pub(super) fn new(facts: Facts<'a>) -> Self {
        let components = Components::new(facts.atoms.len());
        let (joined, vetoes, hubs) = Default::default();
        let (aside, formed, overgrown, roots, spare) = Default::default();
        Self { facts, components, joined, vetoes, hubs, aside, formed, overgrown, roots, spare }
    }

    /// Does what joins by a kind of evidence, then takes apart what no person can be, and keeps the parts apart for good.
    pub(super) fn tier(&mut self, name: &'static str, join: impl FnOnce(&mut Self)) {
        let mut before = self.components.before();
        join(self);
        let mut broken: Vec<(u32, Veto)> = Vec::new();
        let mut overgrown = std::mem::take(&mut self.overgrown);
        let mut formed = std::mem::take(&mut self.formed);
        for roots in [&mut overgrown, &mut formed] {
            for root in roots.iter_mut() {
                *root = self.components.find(*root);
            }
            roots.sort_unstable();
            roots.dedup();
        }
        let mut census = Census::default();
        for root in &formed {
            let large = overgrown.binary_search(root).is_ok().then_some(Veto::TooManyAtoms);
            let over = large.or_else(|| census.over(&self.facts, || self.components.members(*root)));
            broken.extend(over.map(|over| (*root, over)));
        }
        for (root, over) in broken {
            count(&mut self.vetoes, over.name());
            let parts = self.components.restore(root, &mut before);
            let distinct = parts.iter().filter(|(member, root)| member == root).count() as u64;
            if let Some(joined) = self.joined.get_mut(name) {
                *joined = joined.saturating_sub(distinct.saturating_sub(1));
            }
            self.facts.apart.quarantine(parts);
        }
        formed.clear();
        overgrown.clear();
        (self.formed, self.overgrown) = (formed, overgrown);
    }

    /// Atoms that share a number.
    pub(super) fn numbers(&mut self, kind: Kind, rule: Rule) {
        self.tier(kind.name(), |run| {
            for group in &run.facts.atoms.groups(kind) {
                if run.facts.is_hub(group) {
                    run.set_aside(kind, group, group.len());
                } else {
                    run.under_number(kind, group, rule);
                }
            }
        });
    }

    /// The same by another rule, once other tiers have joined what they can.
    pub(super) fn numbers_again(&mut self, kind: Kind, rule: Rule) {
        let (hubs, aside) = (self.hubs.clone(), self.aside.len());
        self.numbers(kind, rule);
        self.hubs = hubs;
        self.aside.truncate(aside);
    }

    /// Joins what is left of a number to the one component that lasts, where it is a slip in what that one says.
    pub(super) fn slips(&mut self, kind: Kind) {
        self.tier(kind.name(), |run| {
            for group in &run.facts.atoms.groups(kind) {
                if !run.facts.is_hub(group) {
                    let components = run.distinct(group.iter().copied());
                    run.slips_of_one(kind.name(), &components);
                    run.roots = components;
                }
            }
        });
    }

    fn slips_of_one(&mut self, name: &'static str, components: &[u32]) {
        if components.len() < 2 || components.len() > self.facts.policy.hubs.identities {
            return;
        }
        let mut summaries: Vec<Summary> = components.iter().map(|root| self.summary(*root)).collect();
        let mut lasting = summaries.iter().zip(components).filter(|(summary, _)| summary.lasts());
        let joined: Vec<(u32, u32)> = match (lasting.next(), lasting.next()) {
            (Some((whole, root)), None) => {
                let slips = summaries.iter().zip(components).filter(|(summary, _)| summary.is_slip_of(whole));
                slips.map(|(_, slip)| (*root, *slip)).collect()
            }
            _ => Vec::new(),
        };
        self.spare.append(&mut summaries);
        for (whole, slip) in joined {
            self.join(name, whole, slip, Summary::hard);
        }
    }

    /// Joins all atoms of a number if nothing speaks against any two. Otherwise those that have the same name, then what fits.
    fn under_number(&mut self, kind: Kind, group: &[u32], rule: Rule) {
        let components = self.distinct(group.iter().copied());
        if components.len() < 3 {
            self.settle(kind.name(), &components, rule);
        } else if !self.agree(kind.name(), &components, rule) {
            self.under_contested(kind, group, rule);
        }
        self.roots = components;
    }

    fn under_contested(&mut self, kind: Kind, group: &[u32], rule: Rule) {
        for name in [Kind::B1, Kind::B3, Kind::B2] {
            let mut named: Vec<(u32, u32)> =
                group.iter().filter_map(|atom| Some((self.facts.token(*atom, name)?, *atom))).collect();
            named.sort_unstable();
            for same in named.chunk_by(|a, b| a.0 == b.0) {
                let components = self.distinct(same.iter().map(|(_, atom)| *atom));
                self.settle(kind.name(), &components, Rule { conflict: Summary::hard, ..rule });
                self.roots = components;
            }
        }
        let components = self.distinct(group.iter().copied());
        if components.len() > self.facts.policy.hubs.identities {
            count(&mut self.vetoes, Veto::Ambiguous.name());
        } else {
            self.settle(kind.name(), &components, rule);
        }
        self.roots = components;
    }

    /// Joins components if nothing speaks against any two of them, nor against all. `false` if something does.
    fn agree(&mut self, name: &'static str, components: &[u32], rule: Rule) -> bool {
        let summaries: Vec<Summary> = components.iter().map(|root| self.summary(*root)).collect();
        let atoms: usize = summaries.iter().map(Summary::atoms).sum();
        let policy = self.facts.policy;
        let mut rest = summaries.as_slice();
        let mut agree = atoms <= policy.caps.atoms;
        while let ([first, others @ ..], true) = (rest, agree) {
            // Two names are told apart once each has all that is of it: two of one name may have another's months between them.
            let fits = |other: &Summary| !first.names_differ(other) && (rule.conflict)(first, other, policy).is_none();
            agree = others.iter().all(fits);
            rest = others;
        }
        self.spare.extend(summaries);
        if let ([first, others @ ..], true) = (components, agree) {
            for other in others {
                self.union(name, *first, *other);
            }
        }
        agree
    }

    /// Atoms that share a name, birth date and sex, where at most so many components do.
    pub(super) fn names(&mut self, kind: Kind, most: usize) {
        let rule = Rule { nearness: Nearness::Counts, conflict: Summary::of_one_name };
        self.tier(kind.name(), |run| {
            for group in &run.facts.atoms.groups(kind) {
                let components = run.distinct(group.iter().copied());
                if components.len() > run.facts.policy.hubs.components || group.len() > run.facts.policy.hubs.atoms {
                    run.set_aside(kind, group, components.len());
                } else if components.len() > most {
                    count(&mut run.vetoes, Veto::Ambiguous.name());
                } else {
                    run.settle(kind.name(), &components, rule);
                }
                run.roots = components;
            }
        });
    }

    /// Joins what fits among the components that share a token, nearest in time first. Where some do not fit, a component
    /// that fits two rivals equally well stays alone: a wrong person is worse than a divided one.
    fn settle(&mut self, name: &'static str, components: &[u32], rule: Rule) {
        if let [a, b] = components {
            self.join(name, *a, *b, rule.conflict);
            return;
        }
        if components.len() < 2 {
            return;
        }
        let mut summaries: Vec<Summary> = components.iter().map(|root| self.summary(*root)).collect();
        let table = Rivals::new(&summaries, rule, self.facts.policy);
        // Which summary speaks for each of them, as they come together.
        let mut speakers: Vec<usize> = (0..components.len()).collect();
        for pair in table.nearest_first() {
            let (Some(&a), Some(&b)) = (speakers.get(pair.0), speakers.get(pair.1)) else { continue };
            if a == b {
                continue;
            }
            let merged = || (rule.conflict)(summaries.get(a)?, summaries.get(b)?, self.facts.policy);
            if let Some(veto) = table.veto(pair).or_else(merged) {
                self.note(veto, [a, b].into_iter().filter_map(|at| components.get(at).copied()));
                continue;
            }
            if let (Some(&one), Some(&other)) = (components.get(a), components.get(b)) {
                self.union(name, one, other);
            }
            absorb(&mut summaries, a, b);
            speakers.iter_mut().filter(|speaker| **speaker == b).for_each(|speaker| *speaker = a);
        }
        self.spare.append(&mut summaries);
    }

    /// Joins two components unless something speaks against it. What does is returned.
    pub(super) fn join(&mut self, name: &'static str, a: u32, b: u32, conflict: Conflict) -> Option<Veto> {
        let (a, b) = (self.components.find(a), self.components.find(b));
        if a == b {
            return None;
        }
        let against = self.conflict(a, b, conflict);
        match against {
            Some(veto) => self.note(veto, [a, b]),
            None => self.union(name, a, b),
        }
        against
    }

    /// Joins nothing, for what speaks against it or else for the reason given, which is returned.
    pub(super) fn refuse(&mut self, a: u32, b: u32, conflict: Conflict, otherwise: Veto) -> Option<Veto> {
        let (a, b) = (self.components.find(a), self.components.find(b));
        if a == b {
            return None;
        }
        let veto = self.conflict(a, b, conflict).unwrap_or(otherwise);
        self.note(veto, [a, b]);
        Some(veto)
    }

    /// What speaks against two components being one.
    pub(super) fn conflict(&mut self, a: u32, b: u32, conflict: Conflict) -> Option<Veto> {
        let (one, other) = (self.summary(a), self.summary(b));
        let against = conflict(&one, &other, self.facts.policy);
        self.spare.extend([one, other]);
        against
    }

    fn note(&mut self, veto: Veto, of: impl IntoIterator<Item = u32>) {
        count(&mut self.vetoes, veto.name());
        if veto == Veto::TooManyAtoms {
            self.overgrown.extend(of);
        }
    }

    fn set_aside(&mut self, kind: Kind, group: &[u32], among: usize) {
        count(&mut self.hubs, kind.name());
        let count = u32::try_from(among).unwrap_or(u32::MAX);
        self.aside.extend(group.first().map(|atom| Aside { kind, atom: *atom, count }));
    }

    fn summary(&mut self, atom: u32) -> Summary {
        let mut summary = self.spare.pop().unwrap_or_default();
        summary.clear();
        for member in self.components.members(atom) {
            summary.add(&self.facts, member);
        }
        summary
    }

    /// The components of atoms, in room that is to be given back.
    fn distinct(&mut self, group: impl Iterator<Item = u32>) -> Vec<u32> {
        let mut roots = std::mem::take(&mut self.roots);
        roots.clear();
        roots.extend(group.map(|atom| self.components.find(atom)));
        roots.sort_unstable();
        roots.dedup();
        roots
    }

    fn union(&mut self, name: &'static str, a: u32, b: u32) {
        if self.components.union(a, b) {
            count(&mut self.joined, name);
            self.formed.push(a.min(b));
        }
    }
}

fn absorb(summaries: &mut [Summary], to: usize, from: usize) {
    let taken = summaries.get_mut(from).map(std::mem::take).unwrap_or_default();
    if let Some(summary) = summaries.get_mut(to) {
        summary.absorb(&taken);
    }
    if let Some(place) = summaries.get_mut(from) {
        *place = taken;
    }
}

pub(super) fn count(counts: &mut Counts, name: &'static str) {
    *counts.entry(name).or_default() += 1;
}
