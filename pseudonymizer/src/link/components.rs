//! Union-find over atoms, and the reasons why two components stay apart.

/// Why two components are not one person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Veto {
    /// Two rivals fit equally well.
    Ambiguous,
    /// Somebody who was asked said that they are two persons.
    Answer,
    /// Answers say of the same atoms that they are one person and that they are not.
    Answers,
    /// The same insured number with two branches, and no name that they share.
    Branches,
    /// The same chart number so long after that it may be another person's.
    ChartAgain,
    /// Different names and different insurers at the same time, whatever number they share.
    Contradiction,
    /// The same reading of a name, written differently.
    Kanji,
    /// Different names under one number, as twins have.
    Names,
    /// Two national numbers, and no insured number in common.
    NationalIds,
    /// Two long-term care lines at the same time.
    OverlapLtc,
    /// Two medical insurer lines at the same time.
    OverlapMedical,
    /// Parts of a component that had more than one person has.
    Quarantined,
    /// More atoms than one person has.
    TooManyAtoms,
    /// More birth dates than one person has.
    TooManyBirths,
    /// More insurer lines than one person has.
    TooManyLines,
    /// More names than one person has.
    TooManyNames,
    /// The same insured number with two branches, and two names.
    Twins,
}

impl Veto {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ambiguous => "ambiguous",
            Self::Answer => "answered_different",
            Self::Answers => "answers_contradict",
            Self::Branches => "branches_differ",
            Self::ChartAgain => "chart_used_again",
            Self::Contradiction => "names_and_lines_contradict",
            Self::Kanji => "kanji_differ",
            Self::Names => "names_differ",
            Self::NationalIds => "national_ids_differ",
            Self::OverlapLtc => "ltc_lines_overlap",
            Self::OverlapMedical => "medical_lines_overlap",
            Self::Quarantined => "quarantined",
            Self::TooManyAtoms => "too_many_atoms",
            Self::TooManyBirths => "too_many_births",
            Self::TooManyLines => "too_many_lines",
            Self::TooManyNames => "too_many_names",
            Self::Twins => "twins",
        }
    }
}

/// Disjoint sets of atoms. Members of a set hang in a ring, so that a component is read without an index.
pub(crate) struct Components {
    parent: Vec<u32>,
    ring: Vec<u32>,
}

/// What the components were, to take some of them apart again.
pub(crate) struct Before(Vec<u32>);

impl Components {
    /// Each atom alone.
    pub(crate) fn new(atoms: usize) -> Self {
        let each: Vec<u32> = (0..).take(atoms).collect();
        Self { parent: each.clone(), ring: each }
    }

    /// As `roots` say: the least atom of each atom's component. Only to be joined and found; members are not known.
    pub(crate) fn of(roots: &[u32]) -> Self {
        Self { parent: roots.to_vec(), ring: Vec::new() }
    }

    /// The least atom of the component.
    pub(crate) fn find(&mut self, atom: u32) -> u32 {
        find(&mut self.parent, atom)
    }

    /// Makes one component of two. `false` if they were one already.
    pub(crate) fn union(&mut self, a: u32, b: u32) -> bool {
        let (a, b) = (self.find(a), self.find(b));
        if a == b {
            return false;
        }
        // INVARIANT: the root is the least member, so that roots do not depend on the order of unions.
        let (low, high) = (a.min(b), a.max(b));
        if let Some(place) = self.parent.get_mut(high as usize) {
            *place = low;
        }
        if !self.ring.is_empty() {
            self.ring.swap(low as usize, high as usize);
        }
        true
    }

    /// All atoms of the component, in no order.
    pub(crate) fn members(&self, atom: u32) -> impl Iterator<Item = u32> {
        let next = move |at: &u32| self.ring.get(*at as usize).copied().filter(|next| *next != atom);
        std::iter::successors(Some(atom), next)
    }

    /// As they are now.
    pub(crate) fn before(&self) -> Before {
        Before(self.parent.clone())
    }

    /// Takes one component apart into what its members were before. Returns each member with the root of its part.
    pub(crate) fn restore(&mut self, root: u32, before: &mut Before) -> Vec<(u32, u32)> {
        let mut parts: Vec<(u32, u32)> =
            self.members(root).map(|member| (find(&mut before.0, member), member)).collect();
        parts.sort_unstable();
        for part in parts.chunk_by(|a, b| a.0 == b.0) {
            let after = part.iter().cycle().skip(1);
            for ((root, member), (_, next)) in part.iter().zip(after) {
                if let Some(place) = self.parent.get_mut(*member as usize) {
                    *place = *root;
                }
                if let Some(place) = self.ring.get_mut(*member as usize) {
                    *place = *next;
                }
            }
        }
        parts.into_iter().map(|(root, member)| (member, root)).collect()
    }

    /// The root of each atom.
    pub(crate) fn roots(mut self) -> Vec<u32> {
        (0..).take(self.parent.len()).map(|atom| self.find(atom)).collect()
    }
}

fn find(parent: &mut [u32], atom: u32) -> u32 {
    let mut at = atom;
    while let Some(&up) = parent.get(at as usize) {
        if up == at {
            break;
        }
        let top = parent.get(up as usize).copied().unwrap_or(up);
        if let Some(place) = parent.get_mut(at as usize) {
            *place = top;
        }
        at = top;
    }
    at
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_component_is_taken_apart_into_what_it_was_and_can_be_joined_again() {
        let mut all = Components::new(7);
        all.union(5, 1);
        all.union(2, 3);
        all.union(0, 6);
        let mut before = all.before();
        all.union(5, 3);
        all.union(4, 2);
        all.union(0, 6);
        assert_eq!(all.find(4), 1);
        let parts: BTreeSet<(u32, u32)> = all.restore(1, &mut before).into_iter().collect();
        assert_eq!(parts, BTreeSet::from([(1, 1), (5, 1), (2, 2), (3, 2), (4, 4)]));
        let members = |all: &Components, atom| all.members(atom).collect::<BTreeSet<u32>>();
        assert_eq!(members(&all, 5), BTreeSet::from([1, 5]));
        assert_eq!(members(&all, 2), BTreeSet::from([2, 3]));
        assert_eq!(members(&all, 4), BTreeSet::from([4]));
        assert_eq!(members(&all, 6), BTreeSet::from([0, 6]));
        assert!(all.union(3, 1));
        assert_eq!(members(&all, 2), BTreeSet::from([1, 2, 3, 5]));
        assert_eq!(all.roots(), [0, 1, 1, 1, 4, 1, 0]);
    }
}
