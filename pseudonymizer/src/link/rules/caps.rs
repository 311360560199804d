//! What one person can have had. A component that had more of it is several persons, whatever joined them.

use policies::LinkagePolicy;

use super::super::atoms::Kind;
use super::super::components::Veto;
use super::facts::Facts;

/// What a component has had. A spelling or a birth date that one atom alone states is a slip, not a name and not a birth.
pub(super) struct Census {
    /// Insured numbers with birth date and sex.
    lines: usize,
    /// Names that share no spelling, neither in kana nor in kanji.
    names: usize,
    /// Birth dates and sexes under one number that is a person's own.
    births: usize,
}

impl Census {
    /// Components of so many atoms, or fewer, cannot be over a cap.
    pub(super) fn least(policy: &LinkagePolicy) -> usize {
        let caps = policy.caps;
        caps.insurer_lines.min(2 * caps.family_names).min(2 * caps.births)
    }

    pub(super) fn of(facts: &Facts<'_>, members: impl Iterator<Item = u32>) -> Self {
        let (mut lines, mut births, mut spellings) = (Vec::new(), Vec::new(), Vec::new());
        for atom in members {
            let line = facts.token(atom, Kind::A3);
            lines.extend(line);
            births.extend(facts.token(atom, Kind::C2).zip(line));
            let spelling = [Kind::B1, Kind::B3, Kind::B2].map(|kind| facts.token(atom, kind));
            if spelling.iter().any(Option::is_some) {
                spellings.push(spelling);
            }
        }
        lines.sort_unstable();
        lines.dedup();
        births.sort_unstable();
        let births: Vec<u32> =
            births.chunk_by(|a, b| a == b).filter(|same| same.len() > 1).flat_map(|same| same.first()).map(|b| b.0).collect();
        let births = births.chunk_by(|a, b| a == b).map(<[u32]>::len).max().unwrap_or(0);
        Self { lines: lines.len(), names: names(spellings), births }
    }

    pub(super) fn over(&self, policy: &LinkagePolicy) -> Option<Veto> {
        let caps = policy.caps;
        if self.lines > caps.insurer_lines {
            Some(Veto::TooManyLines)
        } else if self.names > caps.family_names {
            Some(Veto::TooManyNames)
        } else {
            (self.births > caps.births).then_some(Veto::TooManyBirths)
        }
    }
}

/// How many names these spellings are: those that share a part, at once or by others, are one.
fn names(mut spellings: Vec<[Option<u32>; 3]>) -> usize {
    let mut names = 0;
    while let Some(first) = spellings.pop() {
        let mut name = vec![first];
        let mut at = 0;
        while let Some(known) = name.get(at).copied() {
            let shares = |other: &[Option<u32>; 3]| known.iter().zip(other).any(|(a, b)| a.is_some() && a == b);
            let (same, rest) = spellings.into_iter().partition(shares);
            spellings = rest;
            let same: Vec<[Option<u32>; 3]> = same;
            name.extend(same);
            at += 1;
        }
        names += usize::from(name.len() > 1);
    }
    names
}
