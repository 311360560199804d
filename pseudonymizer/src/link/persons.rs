//! Components as dense numbers, in the order of their least atoms.

use super::ranks::Ranks;

/// The persons of a partition: those atoms that are the least of their components.
pub(crate) struct Persons(Ranks);

impl Persons {
    /// `roots`: the least atom of each atom's component.
    pub(crate) fn of(roots: &[u32]) -> Self {
        let mut words = vec![0_u64; roots.len().div_ceil(64)];
        for (atom, root) in (0_u32..).zip(roots) {
            if atom == *root
                && let Some(word) = words.get_mut((atom / 64) as usize)
            {
                *word |= 1 << (atom % 64);
            }
        }
        Self(Ranks::new(words))
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len() as usize
    }

    /// The number of the component whose least atom is `root`, from 0. What is no such atom gets any number.
    pub(crate) fn number(&self, root: u32) -> usize {
        self.0.below(root) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn persons_are_numbered_by_their_least_atoms() {
        let roots = [0, 1, 0, 3, 1, 3, 6];
        let persons = Persons::of(&roots);
        assert_eq!(persons.len(), 4);
        assert_eq!(roots.map(|root| persons.number(root)), [0, 1, 0, 2, 1, 2, 3]);
        assert_eq!(Persons::of(&[]).len(), 0);
    }
}
