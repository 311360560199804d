//! What the catalog says of linkage: figures, pictures with their tables, and what is withheld.

use catalog::Quality;
use catalog::quality::{Axis, FORMAT, History, HistoryKind, Link, LinkCell, LinkTable, Rules, Shown};

use super::world::World;

/// A release's made-up figures.
pub(super) fn made_up() -> Quality {
    let shown = |persons, linked| Some(Shown { persons, linked });
    let cell = |group: &str, shown| LinkCell { group: group.to_owned(), shown };
    let sexes = vec![cell("1", shown(6100, 1205)), cell("2", shown(6245, 1830))];
    let prefectures = (1..=47).map(|n| cell(&format!("{n:02}"), if n == 13 { shown(1240, 310) } else { None }));
    let tables = vec![
        LinkTable { axis: Axis::Sex, cells: sexes },
        LinkTable { axis: Axis::Age, cells: vec![cell("65-74", shown(2000, 45)), cell("85+", None)] },
        LinkTable { axis: Axis::Prefecture, cells: prefectures.collect() },
    ];
    let histories = HistoryKind::ALL.map(|kind| {
        let persons = (kind == HistoryKind::TwoHospitals).then_some(25);
        History { kind, persons }
    });
    Quality {
        format: FORMAT,
        release: "ndb/2026.1".parse().unwrap(),
        crosswalk: String::new(),
        last_month: Some("2023-03-01".parse().unwrap()),
        rules: Rules { min_persons: 10, min_institutions: 3, base: 5 },
        persons: Some(12345),
        links: vec![Link { to: "ltc".to_owned(), total: shown(12345, 3035), tables }],
        histories: histories.to_vec(),
    }
}

#[tokio::test]
async fn a_dataset_shows_its_linkage_with_a_table_for_every_picture() {
    let world = World::new().await;
    let visitor = world.visitor();
    let page = visitor.read("/catalog/ndb").await;
    for words in
        ["名寄せの品質", "24.6%", "19.8%", "3,035 / 12,345", "非表示", "東京都", "同じ日に二つの病院に入院", "203"]
    {
        assert!(page.contains(words), "{words} is not in {page}");
    }
    assert_eq!(page.matches("<svg").count(), 3);
    assert_eq!(page.matches("<table class=\"rates\"").count(), 3);
    assert!(page.matches("role=\"img\" aria-label=").count() == 3 && !page.contains("style="));
    let other = visitor.read("/catalog/person").await;
    assert!(!other.contains("名寄せの品質"), "a release without figures says nothing");
    let json: serde_json::Value = serde_json::from_str(&visitor.read("/catalog.json").await).unwrap();
    let release = &json["datasets"].as_array().unwrap().iter().find(|it| it["id"] == "ndb").unwrap()["releases"][0];
    assert_eq!(release["quality"]["links"][0]["tables"][1]["cells"][1]["shown"], serde_json::Value::Null);
}
