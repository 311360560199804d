//! Which sums an answer makes public: the grouping sets asked, and what two of them have in common.

use std::collections::BTreeSet;

/// Grouping sets as masks of the dimensions that they keep, closed under what two of them have in common:
/// from `(a)` and `(b)` follows that both have the same total.
pub(super) fn closed(asked: &BTreeSet<u32>) -> BTreeSet<u32> {
    let mut closed = asked.clone();
    loop {
        let common: Vec<u32> = closed.iter().flat_map(|one| closed.iter().map(move |other| one & other)).collect();
        let before = closed.len();
        closed.extend(common);
        if closed.len() == before {
            return closed;
        }
    }
}

/// Each set with each of the next finer ones.
pub(super) fn covering(sets: &BTreeSet<u32>) -> Vec<(u32, u32)> {
    let finer = |coarse: u32, fine: u32| coarse & fine == coarse && coarse != fine;
    let pairs = sets.iter().flat_map(|coarse| sets.iter().map(move |fine| (*coarse, *fine)));
    pairs
        .filter(|(coarse, fine)| finer(*coarse, *fine))
        .filter(|(coarse, fine)| !sets.iter().any(|between| finer(*coarse, *between) && finer(*between, *fine)))
        .collect()
}

/// Three crossings of two dimensions without the crossing of all three: the only case among three dimensions in which
/// the cells of a crossing that was not asked bind those that were.
pub(super) fn needs_finest(sets: &BTreeSet<u32>) -> bool {
    [3, 5, 6].iter().all(|pair| sets.contains(pair)) && !sets.contains(&7)
}
