//! Atoms that must never come together, not by others either: marks, of which one person cannot have two different ones.

use super::super::evidence::Verdict;

/// Why atoms bear a mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cause {
    /// An answer to a question about two of them.
    Answer,
    /// They were one component, which had more than one person has.
    Quarantine,
}

/// A mark: those of one occasion with another side are other persons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Mark {
    pub(super) cause: Cause,
    occasion: u32,
    side: u32,
}

impl Mark {
    /// Whether two atoms with these marks are two persons.
    pub(super) fn parts(self, other: Self) -> bool {
        (self.cause, self.occasion) == (other.cause, other.occasion) && self.side != other.side
    }
}

/// All marks.
#[derive(Default)]
pub(super) struct Apart {
    marks: Vec<(u32, Mark)>,
    occasions: u32,
}

impl Apart {
    /// Those that answers leave.
    pub(super) fn answered(verdicts: &[Verdict]) -> Self {
        let mut apart = Self::default();
        for verdict in verdicts.iter().filter(|verdict| !verdict.same) {
            apart.mark(Cause::Answer, [(verdict.a, 0), (verdict.b, 1)]);
        }
        apart.marks.sort_unstable();
        apart
    }

    /// Parts of a component are never to be joined again: each atom with the root of its part.
    pub(super) fn quarantine(&mut self, parts: Vec<(u32, u32)>) {
        self.mark(Cause::Quarantine, parts);
        self.marks.sort_unstable();
    }

    fn mark(&mut self, cause: Cause, sides: impl IntoIterator<Item = (u32, u32)>) {
        let occasion = self.occasions;
        self.occasions += 1;
        self.marks.extend(sides.into_iter().map(|(atom, side)| (atom, Mark { cause, occasion, side })));
    }

    /// Marks of an atom.
    pub(super) fn of(&self, atom: u32) -> impl Iterator<Item = Mark> {
        let from = self.marks.partition_point(|(marked, _)| *marked < atom);
        self.marks.iter().skip(from).take_while(move |(marked, _)| *marked == atom).map(|(_, mark)| *mark)
    }
}
