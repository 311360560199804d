//! Pairs that would bring together what other pairs tell apart: twins under one number, of whom one is written like the other
//! somewhere. Such a pair is not joined but asked about.

use std::collections::{HashMap, HashSet};

use crate::link::evidence::ScoredPair;

/// Weights, in thousandths.
#[derive(Clone, Copy)]
pub(super) struct Bands {
    /// From here on a pair is joined.
    pub(super) accept: i32,
    /// What it is lowered to.
    pub(super) asked: i32,
    /// A rival this much lighter is none.
    pub(super) rival: i32,
}

/// Accepted pairs, by components of the strong tier, with what speaks against them.
#[derive(Default)]
pub(super) struct Contradictions {
    /// Components that an accepted pair would join to another.
    joining: HashSet<u32>,
    apart: HashSet<(u32, u32)>,
}

impl Contradictions {
    /// Of accepted pairs.
    pub(super) fn of(accepted: impl Iterator<Item = (u32, u32)>) -> Self {
        Self { joining: accepted.flat_map(|(a, b)| [a, b]).collect(), apart: HashSet::new() }
    }

    /// Two components of which a pair of atoms says that they are two persons.
    pub(super) fn add(&mut self, a: u32, b: u32) {
        if self.joining.contains(&a) && self.joining.contains(&b) {
            self.apart.insert((a.min(b), a.max(b)));
        }
    }

    /// Goes through the accepted pairs, the heaviest first, then by their atoms, as the rules will join them (Kruskal 1956), and
    /// lowers to `asked` what would bring contradictions together; how many. A function of the set of pairs.
    /// So does a pair with a rival about as heavy: who is like both twins may be either.
    pub(super) fn lower(self, pairs: &mut [ScoredPair], root: impl Fn(u32) -> u32, bands: Bands) -> u64 {
        let Bands { accept, asked, rival } = bands;
        let mut near: HashMap<u32, Vec<(u32, i32)>> = HashMap::new();
        for pair in pairs.iter().filter(|pair| pair.weight >= accept && !self.apart.is_empty()) {
            let (a, b) = (root(pair.a), root(pair.b));
            near.entry(a).or_default().push((b, pair.weight));
            near.entry(b).or_default().push((a, pair.weight));
        }
        let has_rival = |of: u32, other: u32, weight: i32| {
            near.get(&of).into_iter().flatten().any(|(third, theirs)| {
                *theirs >= weight - rival && self.apart.contains(&((*third).min(other), (*third).max(other)))
            })
        };
        let mut lowered = 0;
        let mut order: Vec<usize> = (0..pairs.len()).collect();
        order.sort_by_key(|at| pairs.get(*at).map(|pair| (std::cmp::Reverse(pair.weight), pair.a, pair.b)));
        let mut groups = Groups::new(&self.apart);
        for at in order {
            let Some(pair) = pairs.get_mut(at).filter(|pair| pair.weight >= accept) else { continue };
            let (a, b) = (root(pair.a), root(pair.b));
            if has_rival(a, b, pair.weight) || has_rival(b, a, pair.weight) || !groups.join(a, b) {
                pair.weight = asked;
                lowered += 1;
            }
        }
        lowered
    }
}

/// Components joined so far, and for each group the components that it may not meet.
struct Groups {
    parent: HashMap<u32, u32>,
    apart: HashMap<u32, Vec<u32>>,
}

impl Groups {
    fn new(pairs: &HashSet<(u32, u32)>) -> Self {
        let mut apart: HashMap<u32, Vec<u32>> = HashMap::new();
        for (a, b) in pairs {
            apart.entry(*a).or_default().push(*b);
            apart.entry(*b).or_default().push(*a);
        }
        Self { parent: HashMap::new(), apart }
    }

    fn find(&mut self, of: u32) -> u32 {
        let mut at = of;
        while let Some(up) = self.parent.get(&at).copied() {
            let top = self.parent.get(&up).copied().unwrap_or(up);
            self.parent.insert(at, top);
            at = up;
        }
        at
    }

    /// `false` if they may not be one.
    fn join(&mut self, a: u32, b: u32) -> bool {
        let (a, b) = (self.find(a), self.find(b));
        if a == b {
            return true;
        }
        let many = |of: u32| self.apart.get(&of).map_or(0, Vec::len);
        let (few, other) = if many(a) <= many(b) { (a, b) } else { (b, a) };
        let known = self.apart.remove(&few).unwrap_or_default();
        if known.iter().any(|against| self.find(*against) == other) {
            self.apart.insert(few, known);
            return false;
        }
        self.parent.insert(few, other);
        self.apart.entry(other).or_default().extend(known);
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::link::evidence::Pattern;

    fn pair(a: u32, b: u32, weight: i32) -> ScoredPair {
        ScoredPair { a, b, weight, pattern: Pattern::default() }
    }

    fn lowered(pairs: &[ScoredPair], apart: &[(u32, u32)]) -> Vec<(u32, u32)> {
        let mut pairs = pairs.to_vec();
        let mut known = Contradictions::of(pairs.iter().map(|pair| (pair.a, pair.b)));
        for (a, b) in apart {
            known.add(*a, *b);
        }
        known.lower(&mut pairs, |atom| atom, Bands { accept: 5, asked: 4, rival: 0 });
        let mut asked: Vec<_> = pairs.iter().filter(|pair| pair.weight == 4).map(|pair| (pair.a, pair.b)).collect();
        asked.sort_unstable();
        asked
    }

    #[test]
    fn who_is_like_both_twins_goes_to_the_nearer_and_brings_them_not_together() {
        assert_eq!(lowered(&[pair(1, 2, 9)], &[(1, 2)]), [(1, 2)]);
        assert_eq!(lowered(&[pair(1, 3, 9), pair(2, 3, 8)], &[(1, 2)]), [(2, 3)]);
        assert_eq!(lowered(&[pair(1, 3, 8), pair(2, 3, 9)], &[(2, 1)]), [(1, 3)]);
        assert_eq!(lowered(&[pair(1, 3, 9), pair(3, 4, 9), pair(2, 4, 8)], &[(1, 2)]), [(2, 4)]);
        assert!(lowered(&[pair(1, 3, 9), pair(2, 4, 8)], &[(1, 2)]).is_empty());
        assert_eq!(lowered(&[pair(1, 3, 9), pair(2, 3, 9)], &[(1, 2)]), [(1, 3), (2, 3)], "it may be either");
    }

    proptest! {
        /// Whatever is left joins no two that are apart, in whatever order it comes.
        #[test]
        fn what_is_apart_stays_apart(
            pairs in proptest::collection::vec((0_u32..12, 0_u32..12, 5..20), 0..40),
            apart in proptest::collection::vec((0_u32..12, 0_u32..12), 0..12),
        ) {
            let pairs: BTreeMapOf = pairs.into_iter().filter(|(a, b, _)| a < b).map(|(a, b, weight)| ((a, b), weight)).collect();
            let pairs: Vec<ScoredPair> = pairs.into_iter().map(|((a, b), weight)| pair(a, b, weight)).collect();
            let apart: Vec<(u32, u32)> = apart.into_iter().filter(|(a, b)| a != b).collect();
            let asked = lowered(&pairs, &apart);
            let turned: Vec<ScoredPair> = pairs.iter().rev().copied().collect();
            prop_assert_eq!(&asked, &lowered(&turned, &apart));
            let mut group: Vec<u32> = (0..12).collect();
            for joined in pairs.iter().filter(|pair| !asked.contains(&(pair.a, pair.b))) {
                let (from, to) = (group[joined.a as usize], group[joined.b as usize]);
                group.iter_mut().filter(|of| **of == from).for_each(|of| *of = to);
            }
            let known: HashSet<u32> = pairs.iter().flat_map(|pair| [pair.a, pair.b]).collect();
            for (a, b) in apart.iter().filter(|(a, b)| known.contains(a) && known.contains(b)) {
                prop_assert_ne!(group[*a as usize], group[*b as usize]);
            }
        }
    }

    type BTreeMapOf = std::collections::BTreeMap<(u32, u32), i32>;
}
