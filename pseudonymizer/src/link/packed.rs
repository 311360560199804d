//! Token numbers of many atoms without the gaps: of ten kinds an atom has six or so.

use super::atoms::KINDS;

/// Atoms that stand together: their masks are the bits of one number.
const SHARED: usize = 4;
/// Bits of a mask.
const WIDTH: usize = 64 / SHARED;
const _: () = assert!(KINDS <= WIDTH, "a mask has a bit for each kind");

/// The numbers of each atom, one after the other, those of an atom together.
#[derive(Default)]
pub(super) struct Packed {
    /// With as many more behind them as one atom can have.
    numbers: Vec<u32>,
    groups: Vec<Group>,
    atoms: usize,
}

/// Some atoms: one look at this, and one at the numbers.
#[derive(Clone, Copy, Default)]
struct Group {
    /// Where their numbers begin.
    begin: u64,
    /// Which kinds each has, a bit each: the first atom's in the lowest bits.
    masks: u64,
}

impl Group {
    /// The mask of one of them.
    fn mask(self, at: usize) -> u64 {
        (self.masks >> (at * WIDTH)) & ((1 << WIDTH) - 1)
    }

    /// Where the number lies whose bit this is.
    fn place(self, bit: u64) -> Option<usize> {
        let before = u64::from((self.masks & (bit - 1)).count_ones());
        usize::try_from(self.begin + before).ok()
    }
}

impl Packed {
    /// `rows`: a number for each kind of each atom, 0 where there is none. Packed where they lie.
    pub(super) fn new(mut rows: Vec<u32>) -> Self {
        let atoms = rows.len() / KINDS;
        let mut groups = Vec::with_capacity(atoms.div_ceil(SHARED));
        let mut end = 0;
        for first in (0..atoms).step_by(SHARED) {
            let mut group = Group { begin: end as u64, masks: 0 };
            for (at, atom) in (first..atoms).take(SHARED).enumerate() {
                for kind in 0..KINDS {
                    let number = rows.get(atom * KINDS + kind).copied().unwrap_or(0);
                    // INVARIANT: `end` is never beyond the number that was just read.
                    if let Some(place) = rows.get_mut(end).filter(|_| number > 0) {
                        *place = number;
                        end += 1;
                        group.masks |= bit(at, kind);
                    }
                }
            }
            groups.push(group);
        }
        rows.truncate(end);
        rows.reserve_exact(KINDS);
        rows.resize(end + KINDS, 0);
        rows.shrink_to_fit();
        Self { numbers: rows, groups, atoms }
    }

    /// The number of an atom's kind.
    pub(super) fn get(&self, atom: usize, kind: usize) -> Option<u32> {
        let (group, bit) = (self.groups.get(atom / SHARED)?, bit(atom % SHARED, kind));
        if group.masks & bit == 0 {
            return None;
        }
        self.numbers.get(group.place(bit)?).copied()
    }

    /// All numbers of an atom.
    pub(super) fn row(&self, atom: usize) -> [Option<u32>; KINDS] {
        let mut row = [None; KINDS];
        let Some(group) = self.groups.get(atom / SHARED) else { return row };
        let at = atom % SHARED;
        let mask = group.mask(at);
        let rest = group.place(bit(at, 0)).and_then(|from| self.numbers.get(from..)?.first_chunk::<KINDS>());
        let Some(rest) = rest else { return row };
        let mut next = 0;
        // A step for each kind, whether there is a number or not: which ones there are cannot be guessed.
        for (kind, place) in row.iter_mut().enumerate() {
            let has = mask >> kind & 1;
            *place = rest.get(next).copied().filter(|_| has == 1);
            next += usize::from(has == 1);
        }
        row
    }

    /// Of each atom, which kinds it has: a bit each.
    pub(super) fn masks(&self) -> impl Iterator<Item = u16> {
        let each = self.groups.iter().flat_map(|group| (0..SHARED).map(|at| group.mask(at)));
        each.take(self.atoms).map(|mask| u16::try_from(mask).unwrap_or(0))
    }

    /// Atoms that have the kind, ascending, with their numbers. Quickest from within (`for_each`): groups that lack the kind cost a look.
    pub(super) fn of_kind(&self, kind: usize) -> impl Iterator<Item = (u32, u32)> {
        let wanted = (0..SHARED).fold(0, |wanted, at| wanted | bit(at, kind));
        (0_u32..).step_by(SHARED).zip(&self.groups).flat_map(move |(first, group)| {
            let mut left = group.masks & wanted;
            std::iter::from_fn(move || {
                let lowest = left & left.wrapping_neg();
                left ^= lowest;
                // Of no bit there is no atom.
                let at = lowest.checked_ilog2()? >> WIDTH.ilog2();
                Some((first + at, *self.numbers.get(group.place(lowest)?)?))
            })
        })
    }
}

/// The bit of a kind in the masks of a group; none of one that is not at rest.
fn bit(at: usize, kind: usize) -> u64 {
    if kind < KINDS { 1 << (at * WIDTH + kind) } else { 0 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn packed_numbers_are_the_rows(rows in proptest::collection::vec(proptest::array::uniform10(0_u32..3), 0..40)) {
            let packed = Packed::new(rows.as_flattened().to_vec());
            prop_assert_eq!(packed.numbers.len() - KINDS, rows.iter().flatten().filter(|number| **number > 0).count());
            for (atom, row) in rows.iter().enumerate() {
                prop_assert_eq!(packed.row(atom), row.map(|number| Some(number).filter(|number| *number > 0)));
            }
            for kind in 0..KINDS {
                for (atom, row) in rows.iter().enumerate() {
                    prop_assert_eq!(packed.get(atom, kind), Some(row[kind]).filter(|number| *number > 0));
                }
                prop_assert_eq!(packed.get(rows.len(), kind), None);
                let having = packed.masks().filter(|mask| mask >> kind & 1 == 1).count();
                prop_assert_eq!(having, rows.iter().filter(|row| row[kind] > 0).count());
                prop_assert_eq!(packed.get(0, KINDS + 9), None);
                let wanted = (0..).zip(&rows).map(|(atom, row)| (atom, row[kind])).filter(|(_, number)| *number > 0);
                prop_assert!(packed.of_kind(kind).eq(wanted));
            }
        }
    }
}
