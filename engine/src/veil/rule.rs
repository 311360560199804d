//! Whether a cell passes: a pure function of what was counted beside it and of the profile.

use policies::Profile;

/// How many of the largest totals are kept: what perturbation and rounding of sums ask (disclosure.md, 4b, 4d).
pub(crate) const LARGEST: usize = 6;

/// What dominance needs of per-person totals: of all by size, or of one sign.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Shares {
    /// Sum of absolute totals.
    pub total: f64,
    /// Sum of the `dominance_n` largest.
    pub top_n: f64,
    /// The largest.
    pub first: f64,
    /// The second largest.
    pub second: f64,
}

/// What was counted beside an aggregate: persons whose rows have an argument, and their totals.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Counted {
    /// Distinct persons with an argument that is not null.
    pub persons: u64,
    /// Those of them whose total is not zero: only they contribute to a sum (disclosure.md, 4b).
    pub contributors: u64,
    /// By absolute size.
    pub all: Shares,
    /// Positive totals.
    pub positive: Shares,
    /// Negative totals, as sizes.
    pub negative: Shares,
}

/// The thresholds, taken from a [`Profile`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Thresholds {
    /// V-MINP.
    pub min_persons: u64,
    /// V-MININST; 0 where not asked.
    pub min_institutions: u64,
    /// (n,k) share.
    pub dominance_k: f64,
    /// p %.
    pub p_ratio: f64,
}

impl From<&Profile> for Thresholds {
    fn from(profile: &Profile) -> Self {
        Self {
            min_persons: profile.min_persons,
            min_institutions: profile.min_institutions,
            dominance_k: profile.dominance_k,
            p_ratio: profile.p_ratio,
        }
    }
}

impl Thresholds {
    /// V-MINP. Zero fails like few (V-ZERO).
    pub(crate) fn enough_persons(&self, persons: u64) -> bool {
        persons >= self.min_persons
    }

    /// V-RATIO: persons without an argument, told by the difference of two counts, are nobody or enough.
    ///
    /// `chosen`: the query decides who they are; then nobody looks like few (V-ZERO), or the cell tells whether one is there.
    pub(crate) fn rest_is_safe(&self, rest: &Counted, chosen: bool, dominance: bool) -> bool {
        let enough = if dominance { self.even(rest) } else { self.enough_persons(rest.persons) };
        enough || (rest.persons == 0 && !chosen)
    }

    /// V-MININST for one institution column of the relation.
    ///
    /// `optional`: persons with that side, where the column comes from the null side of an outer join. Few look like nobody, of
    /// whom no institution is asked: else the cell would tell whether one person has that side.
    pub(crate) fn enough_institutions(&self, institutions: u64, optional: Option<u64>) -> bool {
        institutions >= self.min_institutions || optional.is_some_and(|persons| !self.enough_persons(persons))
    }

    /// V-MINP and V-DOM for a count or sum: contributors, (n,k) and p %, on all and on each sign.
    pub(crate) fn even(&self, counted: &Counted) -> bool {
        self.enough_persons(counted.contributors)
            && [&counted.all, &counted.positive, &counted.negative].into_iter().all(|shares| self.no_giant(shares))
    }

    /// V-MININST, and V-DOM where asked, over the totals of institutions.
    pub(crate) fn enough_of_institutions(&self, counted: &Counted, even: bool) -> bool {
        counted.contributors >= self.min_institutions
            && (!even
                || [&counted.all, &counted.positive, &counted.negative].into_iter().all(|shares| self.no_giant(shares)))
    }

    fn no_giant(&self, shares: &Shares) -> bool {
        let rest = shares.total - shares.first - shares.second;
        // Not the other way round: a total that is not a number must fail.
        shares.total == 0.0 || (shares.top_n <= self.dominance_k * shares.total && rest >= self.p_ratio * shares.first)
    }
}

#[cfg(test)]
mod tests;
