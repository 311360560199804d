//! Which groups of a table stay back, so that neither a cell nor a difference of cells tells of fewer than `k` persons.
//!
//! Pure. Who reads the file knows of every table: persons and linked persons of all groups together and, of each group that is
//! shown for any other source, its persons. The rules hold for exact counts; those that leave are rounded, which tells less.
//! Sources: disclosure.md, 4c (one-way tables), 4f (rate: numerator, rest and denominator).

/// True counts of one group. `Debug` in tests only: they are not for eyes.
#[derive(Clone, Default)]
#[cfg_attr(test, derive(Debug))]
pub(crate) struct Group {
    /// Distinct persons.
    pub(crate) persons: u64,
    /// Of them found in the other source, by source.
    pub(crate) linked: Vec<u64>,
    /// Whether it fails a rule of its own, such as that of institutions.
    pub(crate) refused: bool,
}

impl Group {
    fn linked(&self, to: usize) -> u64 {
        self.linked.get(to).copied().unwrap_or(0)
    }

    fn rest(&self, to: usize) -> u64 {
        self.persons.saturating_sub(self.linked(to))
    }
}

/// By other source and group: does it stay back? `listed`: the groups that there can be for a source, by source; others are
/// known to be empty and count for nothing.
pub(crate) fn withheld(groups: &[Group], listed: &[Vec<bool>], k: u64) -> Vec<Vec<bool>> {
    let mut unknown = never_shown(groups, k);
    loop {
        let table = Table { groups, unknown: &unknown, k };
        let found: Option<Vec<_>> = listed.iter().enumerate().map(|(to, listed)| table.pattern(to, listed)).collect();
        match found {
            Some(patterns) => return patterns,
            // With the persons of all groups unknown too, withholding all holds: what all are together has room (`tells`).
            None => unknown = vec![true; groups.len()],
        }
    }
}

/// Whether the rate of all groups together may be shown. More than `k` on both sides: there must be room for a hidden group to
/// have more than `k` of them.
pub(crate) fn tells(linked: u64, rest: u64, k: u64) -> bool {
    linked > k && rest > k
}

/// The count as it leaves (disclosure.md, 4e): the nearest multiple of `base`, never below `k`.
pub(crate) fn rounded(count: u64, base: u64, k: u64) -> u64 {
    let base = base.max(1);
    ((count + base / 2) / base * base).max(k)
}

/// Groups that no source can show: of fewer than `2k` persons one side of any rate is too small. With them as many of the next
/// smallest as keep their sum from telling of them.
fn never_shown(groups: &[Group], k: u64) -> Vec<bool> {
    let mut out: Vec<bool> = groups.iter().map(|group| group.refused || group.persons < 2 * k).collect();
    let enough = |out: &[bool]| {
        let hidden = || groups.iter().zip(out).filter(|(group, out)| **out && group.persons > 0);
        hidden().count() >= 2 && hidden().map(|(group, _)| group.persons).sum::<u64>() > k
    };
    while out.contains(&true) && !enough(&out) && widen(groups, &mut out, |_| true) {}
    out
}

/// Adds the group with the fewest persons that is not out yet and may be added; ties by place. `false` if there is none.
fn widen(groups: &[Group], out: &mut [bool], may: impl Fn(usize) -> bool) -> bool {
    let left = groups.iter().zip(out.iter()).enumerate().filter(|(at, (_, out))| !**out && may(*at));
    let next = left.min_by_key(|(at, (group, _))| (group.persons, *at)).map(|(at, _)| at);
    match next.and_then(|at| out.get_mut(at)) {
        Some(place) => {
            *place = true;
            true
        }
        None => false,
    }
}

struct Table<'a> {
    groups: &'a [Group],
    /// Groups whose persons nobody is told.
    unknown: &'a [bool],
    k: u64,
}

/// One side of a rate.
type Side = fn(&Group, usize) -> u64;

impl Table<'_> {
    /// The groups that stay back for one source; none if no pattern holds.
    fn pattern(&self, to: usize, listed: &[bool]) -> Option<Vec<bool>> {
        let listed = |at: usize| listed.get(at).copied().unwrap_or(false);
        let small = |group: &Group| group.linked(to) < self.k || group.rest(to) < self.k;
        let all = |side: Side| {
            self.groups.iter().enumerate().filter(|(at, _)| listed(*at)).map(|(_, group)| side(group, to)).sum::<u64>()
        };
        if !tells(all(Group::linked), all(Group::rest), self.k) {
            return Some(vec![true; self.groups.len()]);
        }
        let mut out: Vec<bool> = (self.groups.iter().zip(self.unknown).enumerate())
            .map(|(at, (group, unknown))| *unknown || !listed(at) || small(group))
            .collect();
        loop {
            let hidden: Vec<usize> =
                out.iter().enumerate().filter(|(at, out)| **out && listed(*at)).map(|(at, _)| at).collect();
            if self.holds(to, &hidden, Group::linked) && self.holds(to, &hidden, Group::rest) {
                return Some(out);
            }
            if !widen(self.groups, &mut out, listed) {
                return None;
            }
        }
    }

    /// For each small count among the hidden ones: could it be none, and could it be more than `k`? One more than `k`, since who
    /// is alone in another group knows of it.
    fn holds(&self, to: usize, hidden: &[usize], side: Side) -> bool {
        let at = |place: &usize| self.groups.get(*place);
        let is_unknown = |place: &usize| self.unknown.get(*place).copied().unwrap_or(false);
        let sum: u64 = hidden.iter().filter_map(at).map(|group| side(group, to)).sum();
        let (unknown, known): (Vec<usize>, Vec<usize>) = hidden.iter().partition(|place| is_unknown(place));
        // Of the groups whose persons are unknown only the sum of persons is known.
        let room_unknown: u64 = unknown.iter().filter_map(at).map(|group| group.persons).sum();
        let room_known: u64 = known.iter().filter_map(at).map(|group| group.persons).sum();
        hidden.iter().filter_map(|place| Some((is_unknown(place), at(place)?))).all(|(unknown, group)| {
            if side(group, to) >= self.k {
                return true;
            }
            let (own, others) = if unknown {
                (room_unknown, room_known + room_unknown)
            } else {
                (group.persons, room_known + room_unknown - group.persons)
            };
            sum <= others && own.min(sum) > self.k
        })
    }
}

#[cfg(test)]
mod tests;
