//! Tests of what stays back: an attacker who tries every possibility, and shares no code with the rules.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

const K: u64 = 2;

fn group(persons: u64, linked: &[u64]) -> Group {
    Group { persons, linked: linked.to_vec(), refused: false }
}

fn all_listed(groups: &[Group], sources: usize) -> Vec<Vec<bool>> {
    vec![vec![true; groups.len()]; sources]
}

/// All ways to give `sum` to places of at most `caps`.
fn ways(sum: u64, caps: &[u64]) -> Vec<Vec<u64>> {
    let Some((first, rest)) = caps.split_first() else {
        return if sum == 0 { vec![Vec::new()] } else { Vec::new() };
    };
    let with = |here: u64| {
        ways(sum - here, rest).into_iter().map(move |mut tail| {
            tail.insert(0, here);
            tail
        })
    };
    (0..=sum.min(*first)).flat_map(with).collect()
}

/// Values that a count may have.
type Values = BTreeSet<u64>;

/// What exact counts would allow: for every group and source the values of linked and rest that fit all that is shown. Sources
/// that show nothing allow everything and are left out of the search.
fn possible(groups: &[Group], patterns: &[Vec<bool>]) -> Vec<Vec<(Values, Values)>> {
    let persons: u64 = groups.iter().map(|group| group.persons).sum();
    let told = |at: usize| patterns.iter().any(|pattern| !pattern[at]);
    let mut found = vec![vec![(Values::new(), Values::new()); groups.len()]; patterns.len()];
    for world in ways(persons, &vec![persons; groups.len()]) {
        if groups.iter().enumerate().any(|(at, group)| told(at) && world[at] != group.persons) {
            continue;
        }
        for (to, pattern) in patterns.iter().enumerate().filter(|(to, _)| is_shown(groups, *to)) {
            let linked: u64 = groups.iter().map(|group| group.linked[to]).sum();
            for way in ways(linked, &world) {
                if groups.iter().enumerate().any(|(at, group)| !pattern[at] && way[at] != group.linked[to]) {
                    continue;
                }
                for (at, linked) in way.iter().enumerate() {
                    found[to][at].0.insert(*linked);
                    found[to][at].1.insert(world[at] - linked);
                }
            }
        }
    }
    found
}

/// Whether the rate of all groups together is shown.
fn is_shown(groups: &[Group], to: usize) -> bool {
    let sum = |side: Side| groups.iter().map(|group| side(group, to)).sum::<u64>();
    sum(Group::linked) > K && sum(Group::rest) > K
}

fn check(groups: &[Group], sources: usize) -> Result<(), TestCaseError> {
    let patterns = withheld(groups, &all_listed(groups, sources), K);
    for (to, pattern) in patterns.iter().enumerate() {
        for (at, group) in groups.iter().enumerate() {
            if !pattern[at] {
                prop_assert!(group.linked(to) >= K && group.rest(to) >= K && !group.refused);
            }
        }
    }
    for (to, by_group) in possible(groups, &patterns).iter().enumerate() {
        for (at, (possible_linked, possible_rest)) in by_group.iter().enumerate() {
            for (count, possible) in [(groups[at].linked(to), possible_linked), (groups[at].rest(to), possible_rest)] {
                if count < K && is_shown(groups, to) {
                    let case = format!("source {to}, group {at}");
                    prop_assert!(possible.contains(&0), "{}: none is impossible", case);
                    prop_assert!(possible.iter().any(|value| *value > K), "{}: more than few is impossible", case);
                }
            }
        }
    }
    Ok(())
}

fn groups(of: usize, sources: usize) -> impl Strategy<Value = Vec<Group>> {
    let one = (0_u64..7, proptest::collection::vec(0_u64..7, sources));
    let group = one.prop_map(|(persons, linked)| {
        let linked = linked.into_iter().map(|linked| linked.min(persons)).collect();
        Group { persons, linked, refused: false }
    });
    proptest::collection::vec(group, 2..=of)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whoever knows all that is shown, exactly, finds for every small count both none and more than few possible.
    #[test]
    fn no_difference_tells_of_few(groups in groups(3, 2)) {
        // Where everything together is too little, nothing is shown at all.
        prop_assume!(groups.iter().map(|group| group.persons).sum::<u64>() > 2 * K);
        check(&groups, 2)?;
    }

    /// The same with one person more or less: no person's data brings a small count to light.
    #[test]
    fn one_person_changes_no_rule(groups in groups(3, 1), at in 0_usize..3, linked in any::<bool>()) {
        prop_assume!(groups.iter().map(|group| group.persons).sum::<u64>() > 2 * K);
        let mut with = groups;
        let at = at % with.len();
        with[at].persons += 1;
        with[at].linked[0] += u64::from(linked);
        check(&with, 1)?;
        // Rounded, the whole and each group move by one step at most.
        prop_assert!(rounded(with[at].persons, 5, 10) - rounded(with[at].persons - 1, 5, 10) <= 5);
    }

    /// The pattern depends on the groups as a set.
    #[test]
    fn order_does_not_matter(groups in groups(4, 2)) {
        let mut persons: Vec<u64> = groups.iter().map(|group| group.persons).collect();
        persons.sort_unstable();
        persons.dedup();
        prop_assume!(persons.len() == groups.len());
        let patterns = withheld(&groups, &all_listed(&groups, 2), K);
        let reversed: Vec<Group> = groups.iter().rev().cloned().collect();
        let mirrored = withheld(&reversed, &all_listed(&reversed, 2), K);
        for (pattern, mirrored) in patterns.into_iter().zip(mirrored) {
            prop_assert_eq!(pattern, mirrored.into_iter().rev().collect::<Vec<_>>());
        }
    }

    #[test]
    fn rounding_is_near_and_never_below(count in 10_u64..100_000) {
        let shown = rounded(count, 5, 10);
        prop_assert!(shown >= 10 && shown.abs_diff(count) <= 2 && shown.is_multiple_of(5));
    }
}

#[test]
fn a_single_small_group_takes_another_with_it() {
    let groups = [group(500, &[200]), group(300, &[100]), group(40, &[3]), group(100, &[50])];
    assert_eq!(withheld(&groups, &all_listed(&groups, 1), 10), [[false, false, true, true]]);
    let large = [group(500, &[200]), group(300, &[100])];
    assert_eq!(withheld(&large, &all_listed(&large, 1), 10), [[false, false]]);
    let refused = [group(500, &[200]), Group { refused: true, ..group(300, &[100]) }, group(400, &[90])];
    assert_eq!(withheld(&refused, &all_listed(&refused, 1), 10), [[false, true, true]]);
}

#[test]
fn groups_that_cannot_be_are_no_cover_for_others() {
    let groups = [group(900, &[0]), group(500, &[200]), group(300, &[100]), group(400, &[150])];
    let listed = [vec![false, true, true, true]];
    assert_eq!(withheld(&groups, &listed, 10), [[true, false, false, false]]);
    let all = all_listed(&groups, 1);
    assert_eq!(withheld(&groups, &all, 10), [[true, false, true, false]]);
}

#[test]
fn a_source_with_too_few_in_all_shows_nothing() {
    let groups = [group(500, &[4, 200]), group(300, &[5, 100])];
    assert_eq!(withheld(&groups, &all_listed(&groups, 2), 10), [[true, true], [false, false]]);
}
