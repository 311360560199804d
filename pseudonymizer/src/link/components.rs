//! Union-find over atoms, with what is known of each component and the conflicts between two of them.

use super::atoms::{Atoms, Kind, Months};

/// Months that two insurer lines of one person may overlap (a card used after a move, a late notice). Measured:
/// `research/pseudonymization-anchors.md`, part 2, conflict rules.
const OVERLAP_MONTHS_MAX: i32 = 3;

/// Different insurer lines that one person may have had. More is a sign of mixed persons (the same source: cluster caps).
const LINES_MAX: usize = 24;

/// Why two components are not one person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Veto {
    /// Two rivals fit equally well.
    Ambiguous,
    /// Different names under one number, as twins have.
    Names,
    /// Two long-term care lines at the same time.
    OverlapLtc,
    /// Two medical insurer lines at the same time.
    OverlapMedical,
    /// More lines than one person has.
    TooManyLines,
}

impl Veto {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ambiguous => "ambiguous",
            Self::Names => "names_differ",
            Self::OverlapLtc => "ltc_lines_overlap",
            Self::OverlapMedical => "medical_lines_overlap",
            Self::TooManyLines => "too_many_lines",
        }
    }
}

/// Disjoint sets of atoms. Members of a set hang in a ring, so that a component is read without an index.
pub(crate) struct Components {
    parent: Vec<u32>,
    ring: Vec<u32>,
}

impl Components {
    /// Each atom alone.
    pub(crate) fn new(atoms: usize) -> Self {
        let each: Vec<u32> = (0..).take(atoms).collect();
        Self { parent: each.clone(), ring: each }
    }

    /// The least atom of the component.
    pub(crate) fn find(&mut self, atom: u32) -> u32 {
        let mut at = atom;
        while let Some(&up) = self.parent.get(at as usize) {
            if up == at {
                break;
            }
            let top = self.parent.get(up as usize).copied().unwrap_or(up);
            if let Some(place) = self.parent.get_mut(at as usize) {
                *place = top;
            }
            at = top;
        }
        at
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
        self.ring.swap(low as usize, high as usize);
        true
    }

    /// All atoms of the component, in no order.
    pub(crate) fn members(&self, atom: u32) -> impl Iterator<Item = u32> {
        let next = move |at: &u32| self.ring.get(*at as usize).copied().filter(|next| *next != atom);
        std::iter::successors(Some(atom), next)
    }

    /// The root of each atom.
    pub(crate) fn roots(mut self) -> Vec<u32> {
        (0..).take(self.parent.len()).map(|atom| self.find(atom)).collect()
    }
}

/// What a component says of its person.
pub(crate) struct Summary {
    /// Full insured numbers with branch.
    branches: Vec<u32>,
    /// Charts at institutions.
    charts: Vec<u32>,
    kana: Vec<u32>,
    kana_loose: Vec<u32>,
    kanji: Vec<u32>,
    medical: Vec<(u32, Months)>,
    ltc: Vec<(u32, Months)>,
    months: Option<Months>,
}

impl Summary {
    pub(crate) fn of(atoms: &Atoms, members: impl Iterator<Item = u32>) -> Self {
        let mut summary = Self {
            branches: Vec::new(),
            charts: Vec::new(),
            kana: Vec::new(),
            kana_loose: Vec::new(),
            kanji: Vec::new(),
            medical: Vec::new(),
            ltc: Vec::new(),
            months: None,
        };
        for atom in members {
            summary.add(atoms, atom);
        }
        summary
    }

    fn add(&mut self, atoms: &Atoms, atom: u32) {
        let sets = [
            (Kind::A1, &mut self.branches),
            (Kind::B1, &mut self.kana),
            (Kind::B3, &mut self.kana_loose),
            (Kind::B2, &mut self.kanji),
            (Kind::D1, &mut self.charts),
        ];
        for (kind, set) in sets {
            if let Some(token) = atoms.token(atom, kind).filter(|token| !set.contains(token)) {
                set.push(token);
            }
        }
        let Some(months) = atoms.months(atom) else { return };
        for (kind, lines) in [(Kind::A3, &mut self.medical), (Kind::C1, &mut self.ltc)] {
            let Some(token) = atoms.token(atom, kind) else { continue };
            match lines.iter_mut().find(|(line, _)| *line == token) {
                Some((_, covered)) => *covered = covered.hull(months),
                None => lines.push((token, months)),
            }
        }
        self.months = Some(self.months.map_or(months, |covered| covered.hull(months)));
    }

    /// Whether it says a name at all.
    pub(crate) fn is_named(&self) -> bool {
        !self.kana.is_empty()
    }

    /// Months between the two, 0 if they overlap or one says nothing of time.
    pub(crate) fn gap(&self, other: &Self) -> i32 {
        self.months.zip(other.months).map_or(0, |(a, b)| a.gap(b))
    }

    /// Twins and namesakes under one number: both have a name in kana, and neither strict kana nor loose kana nor kanji agree.
    pub(crate) fn names(&self, other: &Self) -> Option<Veto> {
        let differ = self.is_named()
            && other.is_named()
            && disjoint(&self.kana, &other.kana)
            && disjoint(&self.kana_loose, &other.kana_loose)
            && disjoint(&self.kanji, &other.kanji);
        differ.then_some(Veto::Names)
    }

    /// The same under one insured number: a name that changed (marriage) goes on in the same chart, twins have a chart each. Two
    /// branches are two persons whatever the chart says.
    pub(crate) fn names_under_number(&self, other: &Self) -> Option<Veto> {
        let both_branches = !self.branches.is_empty() && !other.branches.is_empty();
        let same_chart = !disjoint(&self.charts, &other.charts);
        self.names(other).filter(|_| both_branches || !same_chart)
    }

    /// One person has one medical insurer, and one long-term care insurer, at a time. The two are number spaces of their own.
    pub(crate) fn lines(&self, other: &Self) -> Option<Veto> {
        if overlap(&self.medical, &other.medical) {
            Some(Veto::OverlapMedical)
        } else if overlap(&self.ltc, &other.ltc) {
            Some(Veto::OverlapLtc)
        } else {
            (self.medical.len() + other.medical.len() > LINES_MAX).then_some(Veto::TooManyLines)
        }
    }
}

fn disjoint(a: &[u32], b: &[u32]) -> bool {
    !a.iter().any(|token| b.contains(token))
}

fn overlap(a: &[(u32, Months)], b: &[(u32, Months)]) -> bool {
    a.iter().any(|(line, months)| {
        b.iter().any(|(other, theirs)| line != other && months.overlap(*theirs) > OVERLAP_MONTHS_MAX)
    })
}
