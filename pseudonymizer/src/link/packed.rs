//! Token numbers of many atoms without the gaps: of ten kinds an atom has six or so.

use super::atoms::KINDS;

/// Atoms that share a beginning. So many masks are counted at most to find an atom's numbers.
const SHARED: usize = 4;
const _: () = assert!(KINDS <= 16, "a mask has a bit for each kind");

/// The numbers of each atom, one after the other, those of an atom together.
#[derive(Default)]
pub(super) struct Packed {
    numbers: Vec<u32>,
    /// By atom, which kinds it has.
    masks: Vec<u16>,
    /// Where the numbers of every fourth atom begin.
    begins: Vec<usize>,
}

impl Packed {
    /// `rows`: a number for each kind of each atom, 0 where there is none. Packed where they lie.
    pub(super) fn new(mut rows: Vec<u32>) -> Self {
        let atoms = rows.len() / KINDS;
        let mut masks = Vec::with_capacity(atoms);
        let mut begins = Vec::with_capacity(atoms.div_ceil(SHARED));
        let mut end = 0;
        for atom in 0..atoms {
            if atom % SHARED == 0 {
                begins.push(end);
            }
            let mut mask = 0_u16;
            for kind in 0..KINDS {
                let number = rows.get(atom * KINDS + kind).copied().unwrap_or(0);
                // INVARIANT: `end` is never beyond the number that was just read.
                if let Some(place) = rows.get_mut(end).filter(|_| number > 0) {
                    *place = number;
                    end += 1;
                    mask |= 1 << kind;
                }
            }
            masks.push(mask);
        }
        rows.truncate(end);
        rows.shrink_to_fit();
        Self { numbers: rows, masks, begins }
    }

    /// The number of an atom's kind.
    pub(super) fn get(&self, atom: usize, kind: usize) -> Option<u32> {
        let bit = bit(kind);
        if self.masks.get(atom)? & bit == 0 {
            return None;
        }
        let (mask, rest) = self.rest(atom)?;
        rest.get((mask & (bit - 1)).count_ones() as usize).copied()
    }

    /// All numbers of an atom.
    pub(super) fn row(&self, atom: usize) -> [Option<u32>; KINDS] {
        let mut row = [None; KINDS];
        let Some((mask, rest)) = self.rest(atom) else { return row };
        let places = row.iter_mut().enumerate().filter(|(kind, _)| mask & bit(*kind) != 0);
        places.zip(rest).for_each(|((_, place), number)| *place = Some(*number));
        row
    }

    /// The mask of an atom, and the numbers from its first on.
    fn rest(&self, atom: usize) -> Option<(u16, &[u32])> {
        let mask = *self.masks.get(atom)?;
        let begin = *self.begins.get(atom / SHARED)?;
        let before = self.masks.get(atom / SHARED * SHARED..atom)?.iter().map(|mask| mask.count_ones()).sum::<u32>();
        Some((mask, self.numbers.get(begin + before as usize..)?))
    }

    /// Of each atom, which kinds it has: a bit each.
    pub(super) fn masks(&self) -> &[u16] {
        &self.masks
    }

    /// Atoms that have the kind, ascending, with their numbers.
    pub(super) fn of_kind(&self, kind: usize) -> impl Iterator<Item = (u32, u32)> {
        let (bit, mut begin) = (bit(kind), 0);
        (0_u32..).zip(&self.masks).filter_map(move |(atom, mask)| {
            let first = begin;
            begin += mask.count_ones() as usize;
            if mask & bit == 0 {
                return None;
            }
            Some((atom, *self.numbers.get(first + (mask & (bit - 1)).count_ones() as usize)?))
        })
    }
}

/// The bit of a kind in a mask; none of one that is not at rest.
fn bit(kind: usize) -> u16 {
    if kind < KINDS { 1 << kind } else { 0 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn packed_numbers_are_the_rows(rows in proptest::collection::vec(proptest::array::uniform10(0_u32..3), 0..40)) {
            let packed = Packed::new(rows.as_flattened().to_vec());
            prop_assert_eq!(packed.numbers.len(), rows.iter().flatten().filter(|number| **number > 0).count());
            for (atom, row) in rows.iter().enumerate() {
                prop_assert_eq!(packed.row(atom), row.map(|number| Some(number).filter(|number| *number > 0)));
            }
            for kind in 0..KINDS {
                for (atom, row) in rows.iter().enumerate() {
                    prop_assert_eq!(packed.get(atom, kind), Some(row[kind]).filter(|number| *number > 0));
                }
                prop_assert_eq!(packed.get(rows.len(), kind), None);
                let having = packed.masks().iter().filter(|mask| **mask & bit(kind) != 0).count();
                prop_assert_eq!(having, rows.iter().filter(|row| row[kind] > 0).count());
                prop_assert_eq!(packed.get(0, KINDS + 9), None);
                let wanted = (0..).zip(&rows).map(|(atom, row)| (atom, row[kind])).filter(|(_, number)| *number > 0);
                prop_assert!(packed.of_kind(kind).eq(wanted));
            }
        }
    }
}
