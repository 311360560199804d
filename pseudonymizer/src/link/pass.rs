//! One pass over atoms: who is one person, who stays out, and how each person was put together.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

use policies::LinkagePolicy;
use policies::keys::KeyFolder;

use super::absent::{Absent, Turns};
use super::atoms::{Atoms, KINDS, Kind};
use super::crosswalk::Grade;
use super::error::LinkError;
use super::evidence::{Pattern, ScoredPair, Verdict};
use super::held::block::number_in;
use super::held::gather::{Old, Scored};
use super::held::meta::Hub;
use super::keys::NONE;
use super::rules::{self, Partition};
use super::scored::{self, Model, ScoredReport};
use super::tokens::Agreed;

/// What a pass is made of beside the atoms.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    /// Atoms that were held before, sorted by id.
    pub(super) olds: &'a [Old],
    pub(super) pairs: &'a [Scored],
    pub(super) verdicts: &'a [([u8; 16], [u8; 16], bool)],
    /// Tokens that join nothing.
    pub(super) aside: &'a BTreeMap<u32, Hub>,
    /// Whether some tokens stand for numbers.
    pub(super) stood_in: bool,
}

/// What pairs are scored from.
pub(super) struct Scoring<'a> {
    pub(super) run_tokens: &'a [PathBuf],
    pub(super) keys: &'a KeyFolder,
    pub(super) sources: &'a [String],
    pub(super) agreed: &'a Agreed,
    /// The run's partial folder.
    pub(super) scratch: &'a Path,
    /// The model of the last full pass, by which pairs with new atoms are scored. None: all pairs are scored, and a model is learnt.
    pub(super) model: Option<Model>,
}

impl Scoring<'_> {
    fn score(
        &self,
        atoms: &Atoms,
        roots: &[u32],
        old_of: &[u32],
        policy: &LinkagePolicy,
    ) -> Result<scored::Scored, LinkError> {
        let Self { run_tokens, keys, sources, agreed, scratch, .. } = *self;
        let scope = scored::Scope { run_tokens, keys, atoms, roots, sources, agreed, policy, scratch };
        let Some(model) = &self.model else { return scored::pass(&scope) };
        let is_new = |atom: &u32| old_of.get(*atom as usize).is_none_or(|old| *old == NONE);
        let new: HashSet<u32> = (0..).take(atoms.len()).filter(is_new).collect();
        scored::score_new(&scope, model.clone(), &new)
    }
}

/// Atoms and who they are.
pub(super) struct Pass {
    pub(super) atoms: Atoms,
    pub(super) partition: Partition,
    /// Components before scored pairs, if there were any.
    strong: Option<Vec<u32>>,
    /// By atom, its place among the olds; [`NONE`] for a new one. Empty if all are new.
    pub(super) old_of: Vec<u32>,
    pub(super) pairs: Vec<ScoredPair>,
    pub(super) verdicts: Vec<Verdict>,
    /// The model that pairs were scored by in this pass, and what it found.
    pub(super) scored: Option<(Model, ScoredReport)>,
    /// Tokens that join nothing, those found in this pass too.
    pub(super) apart: HashSet<(Kind, u32)>,
    /// By kind and dense number, the numbers of tokens that are known; [`NONE`] of others. Empty if none can be.
    pub(super) numbers: [Vec<u32>; KINDS],
}

impl Pass {
    /// `scoring`: how pairs are scored, if composites were handed over.
    pub(super) fn of(
        mut atoms: Atoms,
        known: Known<'_>,
        policy: &LinkagePolicy,
        scoring: Option<&Scoring<'_>>,
    ) -> Result<Self, LinkError> {
        let mut apart = HashSet::new();
        let numbers = numbers(&atoms, known.stood_in)?;
        for (kind, of_kind) in Kind::AT_REST.into_iter().zip(&numbers).filter(|_| !known.aside.is_empty()) {
            let aside = (0..).zip(of_kind).filter_map(|(dense, number)| Some((dense, known.aside.get(number)?)));
            for (dense, hub) in aside {
                atoms.set_apart(kind, dense, hub.atoms);
                apart.insert((kind, dense));
            }
        }
        let place = |id: &[u8; 16]| u32::try_from(atoms.ids().binary_search(id).ok()?).ok();
        let ordered = |a: &[u8; 16], b: &[u8; 16]| place(a).zip(place(b)).map(|(a, b)| (a.min(b), a.max(b)));
        let pair = |of: &Scored| {
            let (a, b) = ordered(&of.a, &of.b)?;
            Some(ScoredPair { a, b, weight: of.weight, pattern: Pattern(of.pattern) })
        };
        let mut pairs: Vec<ScoredPair> = known.pairs.iter().filter_map(pair).collect();
        let verdict = |(a, b, same): &([u8; 16], [u8; 16], bool)| {
            let (a, b) = ordered(a, b)?;
            Some(Verdict { a, b, same: *same })
        };
        let mut verdicts: Vec<Verdict> = known.verdicts.iter().filter_map(verdict).collect();
        verdicts.sort_unstable();
        let mut strong = rules::strong(&atoms, policy, &verdicts);
        let old_of = places(&atoms, known.olds);
        let roots = (scoring.is_some() || !pairs.is_empty()).then(|| strong.roots());
        let scored = match (scoring, &roots) {
            (Some(scoring), Some(roots)) => Some(scoring.score(&atoms, roots, &old_of, policy)?),
            _ => None,
        };
        pairs.extend(scored.iter().flat_map(|scored| &scored.pairs));
        let partition = strong.scored(&pairs);
        for aside in &partition.aside {
            apart.extend(atoms.token(aside.atom, aside.kind).map(|dense| (aside.kind, dense)));
        }
        let scored = scored.map(|scored| (scored.model, scored.report));
        Ok(Self { atoms, partition, strong: roots, old_of, pairs, verdicts, scored, apart, numbers })
    }

    /// Place of the atom among the olds.
    pub(super) fn old(&self, atom: u32) -> Option<usize> {
        self.old_of.get(atom as usize).filter(|place| **place != NONE).and_then(|place| usize::try_from(*place).ok())
    }

    /// Place of each atom's earlier person.
    pub(super) fn prior(&self, olds: &[Old]) -> Vec<u32> {
        let person = |place: &u32| olds.get(*place as usize).map_or(NONE, |old| old.person);
        self.old_of.iter().map(person).collect()
    }

    /// Who stays out: `sources` have lists if `has_list` says so.
    pub(super) fn absent(
        &self,
        olds: &[Old],
        listed: &HashMap<[u8; 16], u128>,
        sources: &[String],
        has_list: impl Fn(&String) -> bool,
    ) -> Absence {
        let with = (0_u8..).zip(sources).filter(|(_, source)| has_list(source));
        let touched: Vec<(u8, Vec<[u8; 16]>)> = with
            .map(|(place, _)| {
                let bit = 1_u128.wrapping_shl(u32::from(place));
                (place, listed.iter().filter(|(_, mask)| **mask & bit != 0).map(|(id, _)| *id).collect())
            })
            .collect();
        let before: HashSet<[u8; 16]> = olds.iter().filter(|old| old.out).map(|old| old.id).collect();
        let known = |id: &[u8; 16]| olds.binary_search_by_key(id, |old| old.id).is_ok();
        let absent = Absent::of(&self.atoms, &self.partition, &touched, sources, &before);
        let turns = absent.turns(&self.atoms, &self.partition, sources, known, &before);
        let out = absent.places(&self.atoms, &self.partition).collect();
        Absence { by_source: absent.by_source, turns, out }
    }

    /// How each person was put together, by its least atom.
    pub(super) fn grades(&self, out: &HashSet<u32>) -> Vec<Grade> {
        let mut sizes = vec![0_u32; self.atoms.len()];
        let mut grades = vec![Grade::Strong; self.atoms.len()];
        for (atom, root) in (0..).zip(&self.partition.roots) {
            if let Some(size) = sizes.get_mut(*root as usize) {
                *size += u32::from(!out.contains(&atom));
            }
            let strong = self.strong.as_ref().and_then(|strong| strong.get(atom as usize));
            if let (Some(strong), Some(grade)) = (strong, grades.get_mut(*root as usize))
                && strong != root
            {
                *grade = Grade::Scored;
            }
        }
        for (grade, size) in grades.iter_mut().zip(sizes) {
            if size == 1 {
                *grade = Grade::Single;
            }
        }
        grades
    }
}

/// Who stays out, and since when.
pub(super) struct Absence {
    pub(super) by_source: BTreeMap<String, u64>,
    pub(super) turns: Turns,
    /// Atoms.
    pub(super) out: HashSet<u32>,
}

/// Of the tokens that stand for numbers, those.
fn numbers(atoms: &Atoms, stood_in: bool) -> Result<[Vec<u32>; KINDS], LinkError> {
    if !stood_in {
        return Ok(std::array::from_fn(|_| Vec::new()));
    }
    let mut numbers = Kind::AT_REST.map(|kind| vec![NONE; atoms.distinct(kind) as usize + 1]);
    for (kind, of_kind) in Kind::AT_REST.into_iter().zip(&mut numbers) {
        for some in atoms.spelled(kind) {
            for name in some.map_err(LinkError::io(Path::new(kind.name())))? {
                if let (Some(number), Some(place)) = (number_in(&name.token()), of_kind.get_mut(name.number() as usize))
                {
                    *place = number;
                }
            }
        }
    }
    Ok(numbers)
}

/// Both are sorted by id.
fn places(atoms: &Atoms, olds: &[Old]) -> Vec<u32> {
    if olds.is_empty() {
        return Vec::new();
    }
    let mut left = (0_u32..).zip(olds).peekable();
    let place = |id: &[u8; 16]| {
        while left.next_if(|(_, old)| old.id < *id).is_some() {}
        left.next_if(|(_, old)| old.id == *id).map_or(NONE, |(place, _)| place)
    };
    atoms.ids().iter().map(place).collect()
}
