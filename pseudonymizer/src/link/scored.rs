//! The scored tier: pairs of atoms that the strong tier has left apart, by the composites that they share in one run
//! (`research/pseudonymization-anchors.md`, part 3). Run tokens are read once and never kept: what does not fit into memory lies
//! under a key of this process in the run's partial folder, and goes with it.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use policies::LinkagePolicy;
use policies::keys::KeyFolder;

mod attributes;
mod chance;
mod contradictions;
mod handed;
mod learn;
mod model;
mod pairs;
mod report;
mod tokens;

pub(crate) use model::Model;
pub use report::{Bin, ScoredReport};

use super::atoms::{Atoms, Kind};
use super::error::LinkError;
use super::evidence::{Pattern, ScoredPair};
use super::tokens::Agreed;
use attributes::bit;
use contradictions::{Bands, Contradictions};
use handed::Desk;
use learn::Evidence;
use pairs::{Ground, Pairs, SourcePair};
use report::Tally;
use tokens::Tokens;

/// What a pass found.
pub(crate) struct Scored {
    /// Pairs from the policy's grey band upwards, by their atoms.
    pub(crate) pairs: Vec<ScoredPair>,
    /// The model, learnt by a full pass or as it was.
    pub(crate) model: Model,
    pub(crate) report: ScoredReport,
}

/// What is scored.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'a> {
    /// Folders of the holders' tokens of this run.
    pub(crate) run_tokens: &'a [PathBuf],
    /// The linkage zone's keys.
    pub(crate) keys: &'a KeyFolder,
    pub(crate) atoms: &'a Atoms,
    /// The component of each atom, by the strong tier.
    pub(crate) roots: &'a [u32],
    /// Names by the places that atoms have.
    pub(crate) sources: &'a [String],
    /// What the tokens at rest agree in.
    pub(crate) agreed: &'a Agreed,
    pub(crate) policy: &'a LinkagePolicy,
    /// The run's partial folder.
    pub(crate) scratch: &'a Path,
}

/// A full pass: all pairs, and a model learnt from them.
pub(crate) fn pass(scope: &Scope<'_>) -> Result<Scored, LinkError> {
    let tokens = read(scope, false)?;
    let pairs = ground(scope, &tokens, None).pairs()?;
    let evidence = Evidence {
        counts: &pairs.counts,
        having: having(&tokens),
        banded: banded(scope.atoms, &tokens),
        pairs: all_pairs(scope.atoms, scope.roots),
        course: course(scope.atoms, scope.policy),
        names: scope.sources,
        policy: scope.policy,
    };
    let model = learn::learn(&evidence);
    score(scope, &pairs, model)
}

/// Pairs with at least one of the atoms `new`, by the model of the last full pass.
pub(crate) fn score_new(scope: &Scope<'_>, model: Model, new: &HashSet<u32>) -> Result<Scored, LinkError> {
    let tokens = read(scope, true)?;
    let pairs = ground(scope, &tokens, Some(new)).pairs()?;
    score(scope, &pairs, model)
}

fn read(scope: &Scope<'_>, partial: bool) -> Result<Tokens, LinkError> {
    let desk = Desk {
        keys: scope.keys,
        identity: scope.keys.seal().map_err(LinkError::keys)?,
        atoms: scope.atoms,
        sources: scope.sources,
        agreed: scope.agreed,
        partial,
    };
    let mut tokens = Tokens::read(&desk, &desk.check(scope.run_tokens)?, scope.scratch)?;
    tokens.add_at_rest(scope.atoms, scope.policy);
    Ok(tokens)
}

fn ground<'a>(scope: &Scope<'a>, tokens: &'a Tokens, only: Option<&'a HashSet<u32>>) -> Ground<'a> {
    Ground { atoms: scope.atoms, roots: scope.roots, policy: scope.policy, tokens, only, scratch: scope.scratch }
}

fn score(scope: &Scope<'_>, pairs: &Pairs, model: Model) -> Result<Scored, LinkError> {
    let mut weights: BTreeMap<(SourcePair, Pattern), i32> = BTreeMap::new();
    let mut tally = Tally::new(scope.policy);
    for ((sources, pattern), count) in &pairs.counts.cells {
        let weight = model.weight(model.of(*sources, scope.sources), *pattern);
        weights.insert((*sources, *pattern), weight);
        tally.add(weight, *count);
    }
    let [accept, grey, apart] =
        [scope.policy.score.accept, scope.policy.score.grey, scope.policy.scored.apart].map(ScoredPair::weight_of);
    let rival = i32::from(scope.policy.scored.rival_bits) * 1000;
    let source = |atom: u32| scope.atoms.sources().get(atom as usize).copied().unwrap_or(0);
    let root = |atom: u32| scope.roots.get(atom as usize).copied().unwrap_or(atom);
    let weight = |a: u32, b: u32, pattern: Pattern| {
        let sources = u16::from_be_bytes([source(a).min(source(b)), source(a).max(source(b))]);
        weights.get(&(sources, pattern)).copied()
    };
    let mut found = Vec::new();
    pairs.each(|a, b, pattern| {
        let weight = weight(a, b, pattern).filter(|weight| *weight >= grey);
        found.extend(weight.map(|weight| ScoredPair { a, b, weight, pattern }));
    })?;
    let accepted = found.iter().filter(|pair: &&ScoredPair| pair.weight >= accept);
    let mut contradictions = Contradictions::of(accepted.map(|pair| (root(pair.a), root(pair.b))));
    pairs.each(|a, b, pattern| {
        if weight(a, b, pattern).is_some_and(|weight| weight <= apart) {
            contradictions.add(root(a), root(b));
        }
    })?;
    let contradicted = contradictions.lower(&mut found, root, Bands { accept, asked: accept - 1, rival });
    found.sort_unstable_by_key(|pair| (pair.a, pair.b));
    Ok(Scored { pairs: found, report: ScoredReport { contradicted, ..tally.finish(&pairs.counts) }, model })
}

fn having(tokens: &Tokens) -> Vec<f64> {
    let count = |kind: Kind| tokens.present.iter().filter(|present| **present & bit(kind) != 0).count();
    Kind::all().map(|kind| real(count(kind))).collect()
}

fn banded(atoms: &Atoms, tokens: &Tokens) -> [[f64; 8]; 2] {
    let mut counts = [[0.0; 8]; 2];
    for atom in (0_u32..).take(atoms.len()) {
        for (counts, band) in counts.iter_mut().zip(tokens.bands(atom)) {
            if let Some(count) = band.and_then(|band| counts.get_mut(usize::from(band))) {
                *count += 1.0;
            }
        }
    }
    counts
}

/// Pairs of atoms of different components, by sources.
fn all_pairs(atoms: &Atoms, roots: &[u32]) -> BTreeMap<SourcePair, f64> {
    let mut of: BTreeMap<u8, f64> = BTreeMap::new();
    let mut own: BTreeMap<(u32, u8), f64> = BTreeMap::new();
    for (source, root) in atoms.sources().iter().zip(roots) {
        *of.entry(*source).or_default() += 1.0;
        *own.entry((*root, *source)).or_default() += 1.0;
    }
    let mut pairs = BTreeMap::new();
    for (a, many) in &of {
        for (b, others) in of.range(a..) {
            let all = if a == b { many * (many - 1.0) / 2.0 } else { many * others };
            pairs.insert(u16::from_be_bytes([*a, *b]), all);
        }
    }
    // Pairs inside a component matter where components are large; those of one source do for the others' order of size.
    for ((_, source), many) in own {
        if let Some(all) = pairs.get_mut(&u16::from_be_bytes([source, source])) {
            *all = (*all - many * (many - 1.0) / 2.0).max(0.0);
        }
    }
    pairs
}

/// Of two atoms with insurer lines, how often one follows the other: over pairs at a fixed distance in the order of random ids.
fn course(atoms: &Atoms, policy: &LinkagePolicy) -> f64 {
    const PAIRS: usize = 200_000;
    let lined = (0_u32..).take(atoms.len()).filter(|atom| atoms.token(*atom, Kind::A3).is_some());
    let months: Vec<_> = lined.filter_map(|atom| atoms.months(atom)).take(PAIRS).collect();
    let half = months.len() / 2;
    let follows =
        months.iter().zip(months.iter().skip(half)).filter(|(a, b)| a.overlap(**b) <= policy.overlap_months_max);
    // As if ten of twenty had been seen before.
    (real(follows.count()) + 10.0) / (real(months.len().saturating_sub(half)) + 20.0)
}

#[expect(clippy::cast_precision_loss, reason = "atoms of a run are far fewer than 2^52")]
fn real(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests;
