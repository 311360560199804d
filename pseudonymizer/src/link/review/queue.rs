//! From the pairs that a pass leaves open to the queue: one case for two components, nothing that was decided, the most telling first.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use sha2::{Digest, Sha256};

use super::dossier::{self, Dossier};
use super::ledger::{self, Askable, AtomId, Case, Evidence, Ledger, PairKey};
use super::{CaseNumber, Pass};
use crate::link::atoms::{Atoms, Kind};
use crate::link::evidence::{Pattern, ScoredPair};

/// Dossiers that are kept: more than all clerks of a year decide. What lies behind them is counted.
const QUEUE_MAX: usize = 20_000;

/// The ledger with the queue of this pass. Numbers alone are random, and a case keeps its number as long as it stands.
pub(super) fn renewed(earlier: Ledger, pass: &Pass<'_>, draw: &mut dyn FnMut() -> u64) -> Ledger {
    let mut taken = earlier.numbers();
    let asked = earlier.sheets.iter().flat_map(|sheet| &sheet.questions).map(|it| (it.subject.pairs.clone(), it.case));
    let waiting = earlier.queue.iter().map(|case| (case.pairs(), case.number()));
    let numbered = asked.chain(waiting).flat_map(|(pairs, number)| pairs.into_iter().map(move |pair| (pair, number)));
    let known: HashMap<PairKey, CaseNumber> = numbered.collect();
    let places = Places { atoms: pass.atoms, roots: &pass.partition.roots };
    let grouped = places.group(evidence(&earlier, pass, &places));
    let components = places.components(&grouped);
    let decided = places.decided(&earlier);
    let seen: HashSet<(&str, u64)> = earlier
        .decided
        .iter()
        .flat_map(|it| it.subject.pairs.iter().map(|pair| (&*it.subject.sides, pair.pattern)))
        .collect();
    let mut queue: Vec<Case> = places.elsewhere(&earlier, pass.whole).cloned().collect();
    for (roots, mut evidence) in grouped {
        let (Some(a), Some(b)) = (components.get(&roots.0), components.get(&roots.1)) else { continue };
        let sides = places.digest([a, b]);
        evidence.retain(|it| !seen.contains(&(&*sides, it.pair.pattern)));
        if evidence.is_empty() {
            continue;
        }
        let mut case = Builder { pass, places: &places, sides: [a, b] }.case(evidence);
        case.sides = sides;
        case.supersedes = decided.get(&roots).cloned().unwrap_or_default();
        queue.push(case);
    }
    queue.sort_by_cached_key(|case| (Reverse(case.dossier.priority), case.pairs()));
    let beyond = queue.len().saturating_sub(QUEUE_MAX) as u64;
    queue.truncate(QUEUE_MAX);
    let mut kept: BTreeSet<CaseNumber> = BTreeSet::new();
    for case in &mut queue {
        let earlier = case.evidence.iter().filter_map(|it| known.get(&it.pair)).find(|number| !kept.contains(number));
        let number = earlier.copied().unwrap_or_else(|| ledger::fresh(&mut taken, draw));
        kept.insert(number);
        case.dossier.number = number;
    }
    Ledger { run: pass.run, queue, beyond, ..earlier }
}

/// What this pass leaves open, and what earlier ones did of atoms that it did not look at; without what was decided.
fn evidence(earlier: &Ledger, pass: &Pass<'_>, places: &Places<'_>) -> Vec<Evidence> {
    let decided: HashSet<PairKey> = earlier.decided.iter().flat_map(|it| it.subject.pairs.iter().copied()).collect();
    let id = |atom: u32| pass.atoms.ids().get(atom as usize).copied().map(AtomId);
    let found = pass.partition.grey.iter().filter_map(|grey| {
        Some(Evidence {
            pair: PairKey { a: id(grey.pair.a)?, b: id(grey.pair.b)?, pattern: grey.pair.pattern.0 },
            weight: grey.pair.weight,
            against: grey.against.map(|veto| veto.name().to_owned()),
        })
    });
    let unseen = |pair: &PairKey| {
        let places = places.place(pair.a).zip(places.place(pair.b));
        places.is_some_and(|(a, b)| !(pass.scored)(a) && !(pass.scored)(b))
    };
    let stood = earlier.queue.iter().flat_map(|case| &case.evidence).filter(|it| unseen(&it.pair)).cloned();
    found.chain(stood).filter(|it| !decided.contains(&it.pair)).collect()
}

/// Where atoms are, by their ids.
struct Places<'a> {
    atoms: &'a Atoms,
    roots: &'a [u32],
}

impl Places<'_> {
    fn place(&self, id: AtomId) -> Option<u32> {
        self.atoms.ids().binary_search(&id.0).ok().and_then(|at| u32::try_from(at).ok())
    }

    fn root(&self, id: AtomId) -> Option<u32> {
        self.roots.get(self.place(id)? as usize).copied()
    }

    /// Earlier cases of atoms that this pass is not about.
    fn elsewhere<'l>(&self, earlier: &'l Ledger, whole: bool) -> impl Iterator<Item = &'l Case> {
        let here = |pair: &PairKey| self.place(pair.a).is_some() || self.place(pair.b).is_some();
        earlier.queue.iter().filter(move |case| !whole && !case.evidence.iter().any(|it| here(&it.pair)))
    }

    /// SHA-256 over the atoms of both sides.
    fn digest(&self, sides: [&[u32]; 2]) -> String {
        let mut hash = Sha256::new();
        for side in sides {
            hash.update((side.len() as u64).to_le_bytes());
            for atom in side {
                hash.update(self.atoms.ids().get(*atom as usize).copied().unwrap_or_default());
            }
        }
        hex::encode(hash.finalize())
    }

    /// The components of two atoms, the lesser first; none where they are one.
    fn between(&self, a: AtomId, b: AtomId) -> Option<(u32, u32)> {
        let (a, b) = (self.root(a)?, self.root(b)?);
        (a != b).then_some((a.min(b), a.max(b)))
    }

    /// Evidence by the two components that it is about, the heaviest first.
    fn group(&self, evidence: Vec<Evidence>) -> BTreeMap<(u32, u32), Vec<Evidence>> {
        let mut grouped: BTreeMap<(u32, u32), Vec<Evidence>> = BTreeMap::new();
        for it in evidence {
            if let Some(roots) = self.between(it.pair.a, it.pair.b) {
                grouped.entry(roots).or_default().push(it);
            }
        }
        for evidence in grouped.values_mut() {
            evidence.sort_by_key(|it| (Reverse(it.weight), it.pair));
            evidence.dedup_by_key(|it| it.pair);
        }
        grouped
    }

    /// Atoms of the components that are named.
    fn components(&self, grouped: &BTreeMap<(u32, u32), Vec<Evidence>>) -> HashMap<u32, Vec<u32>> {
        let mut components: HashMap<u32, Vec<u32>> = HashMap::new();
        for (a, b) in grouped.keys() {
            components.entry(*a).or_default();
            components.entry(*b).or_default();
        }
        for (atom, root) in (0..).zip(self.roots) {
            if let Some(members) = components.get_mut(root) {
                members.push(atom);
            }
        }
        components
    }

    /// Cases that were decided, by the two components that their atoms are in now.
    fn decided(&self, earlier: &Ledger) -> BTreeMap<(u32, u32), Vec<CaseNumber>> {
        let mut decided: BTreeMap<(u32, u32), Vec<CaseNumber>> = BTreeMap::new();
        for (number, it) in earlier.standing() {
            if let Some(roots) = self.between(it.x, it.y) {
                decided.entry(roots).or_default().push(number);
            }
        }
        decided
    }
}

struct Builder<'a> {
    pass: &'a Pass<'a>,
    places: &'a Places<'a>,
    sides: [&'a [u32]; 2],
}

impl Builder<'_> {
    fn case(&self, evidence: Vec<Evidence>) -> Case {
        let (atoms, sources) = (self.pass.atoms, self.pass.sources);
        let tokens = dossier::tokens(atoms, self.sides);
        let against: BTreeSet<String> = evidence.iter().filter_map(|it| it.against.clone()).collect();
        let conflicts: Vec<String> = against.into_iter().collect();
        let lead = evidence.first();
        let weight = lead.map_or(0, |it| it.weight);
        let pattern = Pattern(lead.map_or(0, |it| it.pair.pattern));
        let mut compared = lead.map(|it| [it.pair.a, it.pair.b]).map_or_else(Default::default, |ids| {
            ids.map(|id| self.places.place(id).map(|atom| dossier::source(atoms, sources, atom)).unwrap_or_default())
        });
        compared.sort_unstable();
        let sides = dossier::sides(atoms, sources, self.sides);
        let dossier = Dossier {
            number: CaseNumber::of(0),
            class: dossier::class(&tokens, &conflicts),
            priority: priority(weight, !conflicts.is_empty(), &sides),
            tokens,
            composites: dossier::composites(pattern),
            bands: pattern.bands(),
            conflicts,
            weight,
            sources: compared,
            sides,
        };
        let askable = self.askable(&evidence);
        Case { dossier, evidence, askable, sides: String::new(), supersedes: Vec::new() }
    }

    /// Holders with atoms on both sides; whoever has most on the lesser side first, then in the order of the sources.
    fn askable(&self, evidence: &[Evidence]) -> Vec<Askable> {
        let compared: BTreeSet<u32> =
            evidence.iter().flat_map(|it| [it.pair.a, it.pair.b]).filter_map(|id| self.places.place(id)).collect();
        let of = |side: &[u32], place: u8| -> Vec<u32> {
            let own = |atom: &&u32| self.pass.atoms.sources().get(**atom as usize) == Some(&place);
            side.iter().filter(own).copied().collect()
        };
        let id = |atom: u32| self.pass.atoms.ids().get(atom as usize).copied().map(AtomId);
        let mut found = Vec::new();
        for (place, source) in (0..=u8::MAX).zip(self.pass.sources) {
            let [a, b] = self.sides.map(|side| of(side, place));
            let (Some(x), Some(y)) = (self.telling(&a, &compared), self.telling(&b, &compared)) else { continue };
            let (Some(x), Some(y)) = (id(x), id(y)) else { continue };
            found.push((Reverse(a.len().min(b.len())), Askable { source: source.clone(), x, y }));
        }
        found.sort_by_key(|(order, _)| *order);
        found.into_iter().map(|(_, askable)| askable).collect()
    }

    /// The atom that says most: one that was compared, else the one with most tokens, the latest, the least.
    fn telling(&self, of: &[u32], compared: &BTreeSet<u32>) -> Option<u32> {
        let atoms = self.pass.atoms;
        let tokens = |atom| Kind::AT_REST.into_iter().filter(|kind| atoms.token(atom, *kind).is_some()).count();
        let last = |atom| atoms.months(atom).map(|months| months.last);
        of.iter().copied().max_by_key(|atom| (compared.contains(atom), tokens(*atom), last(*atom), Reverse(*atom)))
    }
}

/// How much an answer tells: most where the weight is nearest to the middle, or where something speaks against it and the weight is
/// thereby in doubt; the more so, the more pairs of atoms hang on it, and twice where it joins two sources.
fn priority(weight: i32, conflict: bool, sides: &[dossier::Side; 2]) -> u64 {
    let probability = if conflict { 0.5 } else { ScoredPair::probability_of(weight) };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 1000")]
    let information = (4000.0 * probability * (1.0 - probability)).round() as u64;
    let [a, b] = sides;
    let apart = a.sources.keys().all(|source| !b.sources.contains_key(source));
    information.saturating_mul(a.atoms()).saturating_mul(b.atoms()).saturating_mul(if apart { 2 } else { 1 })
}
