//! Tests of what a release says of its linkage.

use proptest::prelude::*;

use super::*;

pub(super) fn quality(total: Option<(u64, u64)>, ages: &[(&str, Option<(u64, u64)>)]) -> Quality {
    let shown = |(persons, linked)| Shown { persons, linked };
    let cells = ages.iter().map(|(group, cell)| LinkCell { group: (*group).to_owned(), shown: cell.map(shown) });
    let table = LinkTable { axis: Axis::Age, cells: cells.collect() };
    Quality {
        format: FORMAT,
        release: "ndb/2026.1".parse().unwrap(),
        crosswalk: String::new(),
        last_month: None,
        rules: Rules { min_persons: 10, min_institutions: 3, base: 5 },
        persons: Some(1000),
        links: vec![Link { to: "ltc".to_owned(), total: total.map(shown), tables: vec![table] }],
        histories: vec![History { kind: HistoryKind::TwoSexes, persons: Some(20) }],
    }
}

#[test]
fn the_group_that_fell_most_is_named() {
    let last = quality(Some((10_000, 5_000)), &[("65-74", Some((2_000, 1_000))), ("85+", Some((2_000, 1_500)))]);
    assert_eq!(fallen(&last, &last, 0.0), None);
    let now = quality(Some((10_000, 4_900)), &[("65-74", Some((2_000, 1_000))), ("85+", Some((2_000, 1_400)))]);
    let fall = fallen(&last, &now, 2.0).unwrap();
    assert_eq!((fall.to.as_str(), fall.group), ("ltc", Some((Axis::Age, "85+".to_owned()))));
    assert!((4.5..5.0).contains(&fall.points.unwrap()));
    assert_eq!(fallen(&last, &now, 5.0), None);
}

#[test]
fn what_one_of_them_withholds_is_not_compared_but_a_lost_source_is() {
    let last = quality(Some((10_000, 5_000)), &[("65-74", Some((2_000, 1_000))), ("85+", None)]);
    let now = quality(Some((10_000, 5_000)), &[("65-74", None), ("85+", Some((2_000, 20)))]);
    assert_eq!(fallen(&last, &now, 2.0), None);
    let lost = Quality { links: Vec::new(), ..last.clone() };
    let hidden = quality(None, &[]);
    for now in [lost, hidden] {
        assert_eq!(fallen(&last, &now, 2.0), Some(Fall { to: "ltc".to_owned(), group: None, points: None }));
    }
    assert_eq!(fallen(&quality(None, &[]), &last, 2.0), None);
}

#[test]
fn the_same_content_has_the_same_digest_and_a_changed_file_is_not_read() {
    let quality = quality(Some((100, 50)), &[("0-14", None)]);
    let (bytes, digest) = quality.bytes().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE);
    policies::durable::replace(&path, &bytes).unwrap();
    assert_eq!(Quality::read_file(&path).unwrap(), (quality.clone(), digest));
    policies::durable::replace(&path, &[&bytes[..], b" "].concat()).unwrap();
    assert_ne!(Quality::read_file(&path).unwrap().1, quality.bytes().unwrap().1);
    assert_eq!(quality.per_100_000(&quality.histories[0]), Some(2000.0));
}

proptest! {
    /// Rounding alone never makes a release wait: the same true counts, rounded either way, have not fallen.
    #[test]
    fn rounding_is_no_fall(persons in 20_u64..5000, share in 0.0_f64..1.0, a in 0_u64..3, b in 0_u64..3) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "small and positive")]
        let linked = ((persons as f64 * share) as u64).max(3);
        let before = quality(Some((persons.saturating_sub(a), linked + b)), &[]);
        let after = quality(Some((persons + b, linked.saturating_sub(a))), &[]);
        prop_assert_eq!(fallen(&before, &after, 0.0), None);
    }

    /// The interval holds the rate and stays a rate.
    #[test]
    fn intervals_are_of_rates(persons in 1_u64..100_000, linked in 0_u64..100_000) {
        let shown = Shown { persons, linked: linked.min(persons) };
        let (low, high) = shown.interval();
        prop_assert!(0.0 <= low && low <= shown.rate() + 1e-12 && shown.rate() <= high + 1e-12 && high <= 1.0);
    }
}
