//! What one person can have had. A component that had more of it is several persons, whatever joined them.

use super::super::atoms::Kind;
use super::super::components::Veto;
use super::facts::Facts;

/// Strict kana, loose kana and kanji of one name.
type Spelling = [Option<u32>; 3];

/// What a component has had, with room that is kept from one to the next. A spelling or a birth date that one atom alone states is
/// a slip, not a name and not a birth.
#[derive(Default)]
pub(super) struct Census {
    /// Insured numbers with birth date and sex.
    lines: Vec<u32>,
    /// Numbers that are a person's own, each with an insured number with birth date and sex.
    births: Vec<(u32, u32)>,
    spellings: Vec<Spelling>,
}

impl Census {
    /// What the component had too much of.
    pub(super) fn over<I: Iterator<Item = u32>>(&mut self, facts: &Facts<'_>, members: impl Fn() -> I) -> Option<Veto> {
        let caps = facts.policy.caps;
        // Fewer atoms cannot be over any cap.
        let least = caps.insurer_lines.min(2 * caps.family_names + 1).min(2 * caps.births + 1);
        members().nth(least)?;
        self.read(facts, members());
        if self.lines.len() > caps.insurer_lines && distinct(&mut self.lines) > caps.insurer_lines {
            Some(Veto::TooManyLines)
        } else if self.names_reach(caps.family_names + 1) {
            Some(Veto::TooManyNames)
        } else {
            self.births_reach(caps.births + 1).then_some(Veto::TooManyBirths)
        }
    }

    fn read(&mut self, facts: &Facts<'_>, members: impl Iterator<Item = u32>) {
        self.lines.clear();
        self.births.clear();
        self.spellings.clear();
        for atom in members {
            let tokens = facts.tokens(atom);
            let line = tokens.of(Kind::A3);
            self.lines.extend(line);
            self.births.extend(tokens.of(Kind::C2).zip(line));
            let spelling = [Kind::B1, Kind::B3, Kind::B2].map(|kind| tokens.of(kind));
            self.spellings.extend(spelling.iter().any(Option::is_some).then_some(spelling));
        }
    }

    /// Birth dates and sexes under one number that is a person's own.
    fn births_reach(&mut self, count: usize) -> bool {
        if self.births.len() < 2 * count {
            return false;
        }
        self.births.sort_unstable();
        let twice = self.births.chunk_by(|a, b| a == b).filter(|same| same.len() > 1).filter_map(|same| same.first());
        let owners: Vec<u32> = twice.map(|(own, _)| *own).collect();
        owners.chunk_by(|a, b| a == b).any(|same| same.len() >= count)
    }

    /// Names that share no spelling, at once or by others, neither in kana nor in kanji.
    fn names_reach(&mut self, count: usize) -> bool {
        if self.spellings.len() < 2 * count {
            return false;
        }
        self.spellings.sort_unstable();
        let each = self.spellings.chunk_by(|a, b| a == b);
        let mut each: Vec<(Spelling, usize)> = each.filter_map(|same| Some((*same.first()?, same.len()))).collect();
        if each.len() < count {
            return false;
        }
        let mut names = 0;
        while let Some(first) = each.pop() {
            let mut name = vec![first];
            let mut at = 0;
            while let Some((known, _)) = name.get(at).copied() {
                let shares =
                    |(other, _): &(Spelling, usize)| known.iter().zip(other).any(|(a, b)| a.is_some() && a == b);
                name.extend(each.extract_if(.., |other| shares(other)));
                at += 1;
            }
            names += usize::from(name.iter().map(|(_, atoms)| atoms).sum::<usize>() > 1);
        }
        names >= count
    }
}

fn distinct(tokens: &mut Vec<u32>) -> usize {
    tokens.sort_unstable();
    tokens.dedup();
    tokens.len()
}
