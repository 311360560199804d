//! What is known of pairs of atoms beside the tokens at rest: scores of composites, and the words of those who were asked.

/// How two atoms agree, attribute by attribute; [`super::scored`] packs and reads it. Neither token nor name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Pattern(pub(crate) u64);

/// Two atoms of different components that share composites.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ScoredPair {
    /// The lesser atom.
    pub(crate) a: u32,
    /// The greater atom.
    pub(crate) b: u32,
    /// Logarithm (base 2) of the posterior odds that the two are one person, in thousandths: an integer, so that the order of pairs
    /// is total and the same on every machine.
    pub(crate) weight: i32,
    /// How they agree.
    pub(crate) pattern: Pattern,
}

impl ScoredPair {
    /// The weight of a probability.
    pub(crate) fn weight_of(probability: f64) -> i32 {
        let odds = (probability / (1.0 - probability)).log2() * 1000.0;
        #[expect(clippy::cast_possible_truncation, reason = "bounded before")]
        let weight = odds.clamp(-64_000.0, 64_000.0).round() as i32;
        weight
    }

    /// The probability of its weight.
    pub(crate) fn probability(&self) -> f64 {
        1.0 / (1.0 + (-f64::from(self.weight) / 1000.0).exp2())
    }
}

/// An answer to a question about two atoms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Verdict {
    /// The lesser atom.
    pub(crate) a: u32,
    /// The greater atom.
    pub(crate) b: u32,
    /// Whether they are one person.
    pub(crate) same: bool,
}

/// A pair that was neither joined nor left: somebody is to be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Grey {
    /// The pair.
    pub(crate) pair: ScoredPair,
    /// What speaks against it, if its weight alone would have joined it.
    pub(crate) against: Option<super::components::Veto>,
}
