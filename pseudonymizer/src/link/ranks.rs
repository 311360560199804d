//! A set of numbers as a bitmap that counts: how many members are below a number, in one step (Jacobson 1989, one level).

/// Members as bits, with the count of members before each word.
pub(crate) struct Ranks {
    words: Vec<u64>,
    before: Vec<u32>,
    len: u32,
}

impl Ranks {
    /// The set whose members are the bits of `words`, the lowest bit of the first word being 0.
    pub(crate) fn new(words: Vec<u64>) -> Self {
        let mut len = 0_u32;
        let before = words
            .iter()
            .map(|word| {
                let before = len;
                len = len.saturating_add(word.count_ones());
                before
            })
            .collect();
        Self { words, before, len }
    }

    /// How many members there are.
    pub(crate) fn len(&self) -> u32 {
        self.len
    }

    /// How many members are less than `number`.
    pub(crate) fn below(&self, number: u32) -> u32 {
        let at = (number / 64) as usize;
        let (Some(word), Some(before)) = (self.words.get(at), self.before.get(at)) else { return self.len };
        before.saturating_add((word & ((1_u64 << (number % 64)) - 1)).count_ones())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn counts_like_a_sorted_set(members in proptest::collection::btree_set(0_u32..700, 0..200), asked in 0_u32..900) {
            let mut words = vec![0_u64; 11];
            for member in &members {
                words[(member / 64) as usize] |= 1 << (member % 64);
            }
            let ranks = Ranks::new(words);
            let members: BTreeSet<u32> = members;
            prop_assert_eq!(ranks.len() as usize, members.len());
            prop_assert_eq!(ranks.below(asked) as usize, members.range(..asked).count());
        }
    }
}
