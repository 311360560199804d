//! Every field that the layouts of checkups and guidance keep fills what it says it fills: taken away, that changes.

use super::checkup::{document, item};
use super::checkup_table::table;
use super::ehr_layout::{column, tokens};
use super::guidance::report;
use super::*;
use crate::layout::{Action, Field, Kind, Place, instead, shipped};
use crate::ndb::checkup::Header;

/// Documents in which each field matters to at least one.
fn checkups() -> Vec<String> {
    let value = |code: &str| if code.ends_with("11") { "code=\"1\"" } else { "value=\"31.5\"" };
    let layout = shipped().unwrap().remove("ndb-checkup-xml").unwrap();
    let fields = layout.record("item").unwrap().fields.iter().filter(|field| field.action == Action::Keep);
    let coded = |field: &&Field| field.kind != Some(Kind::Decimal);
    let code = |field: &Field| {
        let Place::Path(front) = &field.place else { panic!("a path") };
        format!("{front}0000000000{}", if coded(&field) { "11" } else { "01" })
    };
    let all: Vec<String> = fields.map(code).collect();
    // Each alone, so that no other stands in its place.
    let alone = all.iter().enumerate().map(|(at, code)| {
        document(&item(code, value(code))).replace("20220715", &format!("20220{}{:02}", 1 + at / 28, 1 + at % 28))
    });
    let hba1c = document(&item("3D046000001920402", "value=\"5.9\"")).replace("20220715", "20220615");
    let unmeasured =
        document(&item("3D046000001906202", "nullFlavor=\"NI\" value=\"6.0\"").replace("202\"/>", "201\"/>"));
    let new = document(&[item("9N736000000000011", "code=\"3\""), item("9N786000000000011", "code=\"8\"")].concat())
        .replace("20220715", "20240715");
    let parts = document("")
        .replace("<name>ヤマダ　タロウ</name>", "<name><family>スズキ</family><given>ハナコ</given></name>");
    let home = document("")
        .replace("<name>ヤマダ　タロウ</name>", "<name>サトウ　ジロウ</name>")
        .replace("100-0002", "060-0001");
    alone.chain([hba1c, unmeasured, new, parts, home]).collect()
}

/// What a field says it fills, and does not change when it is taken away.
fn silent(layout: &str, files: &[PathBuf], world: &World) -> Vec<String> {
    let layout = shipped().unwrap().remove(layout).unwrap();
    let whole = world.batch("ndb", files, "whole");
    assert_eq!(whole.report.quarantined(), 0);
    let mut silent = Vec::new();
    for (record, fields) in layout.records.iter().enumerate() {
        for (field, one) in fields.fields.iter().enumerate().filter(|(_, one)| one.action != Action::Drop) {
            let out = format!("{}-{}", fields.tag, one.name);
            let changed = instead::without(&layout, record, field);
            let batch = instead::with(changed, || world.batch("ndb", files, &out));
            for to in &one.to {
                let (table, name) = to.rsplit_once('.').unwrap();
                if column(&whole, table, name) == column(&batch, table, name) {
                    silent.push(format!("{out} to {to}"));
                }
            }
            if one.action == Action::Tokenise && tokens(&whole) == tokens(&batch) {
                silent.push(format!("{out} to tokens"));
            }
            fs::remove_dir_all(batch.folder).unwrap();
        }
    }
    silent
}

#[test]
fn each_field_of_the_checkup_layout_fills_what_it_says() {
    let world = World::new();
    let file = world.write(
        "a.xml",
        format!("<all>{}</all>", checkups().concat().replace("<?xml version=\"1.0\" encoding=\"UTF-8\"?>", ""))
            .as_bytes(),
    );
    assert_eq!(silent("ndb-checkup-xml", &[file], &world), Vec::<String>::new());
}

#[test]
fn each_field_of_the_guidance_layout_fills_what_it_says() {
    let world = World::new();
    let evaluated = report("22", " value=\"20221001\">", "1").replace(
        "</structuredBody>",
        "<component><section><code code=\"90060\"/><entry><act><effectiveTime value=\"20230105\"/></act></entry></section></component></structuredBody>",
    );
    let split = |text: String| {
        text.replace(
            "<administrativeGenderCode",
            "<name><family>スズキ</family><given>ハナコ</given></name><administrativeGenderCode",
        )
    };
    let named = |text: String| {
        text.replace("<administrativeGenderCode", "<name>サトウ　ジロウ</name><administrativeGenderCode")
            .replace("100-0002", "060-0001")
    };
    let period = "><low value=\"20220901\"/><high value=\"20221201\"/>";
    let files = [
        world.write("a.xml", split(evaluated).as_bytes()),
        world.write("b.xml", named(report("22", period, "1")).as_bytes()),
    ];
    assert_eq!(silent("ndb-guidance-xml", &files, &world), Vec::<String>::new());
}

#[test]
fn each_field_of_the_table_layout_fills_what_it_says() {
    let world = World::new();
    let file = world.write("a.csv", table().replace("100-0002", "060-0001").as_bytes());
    assert_eq!(silent("ndb-checkup-csv", &[file], &world), Vec::<String>::new());
}

#[test]
fn layouts_have_the_names_that_code_asks_for() {
    let layouts = shipped().unwrap();
    for (layout, record, more) in [
        ("ndb-checkup-xml", "ClinicalDocument", &["checked_on", "category", "family_name", "given_name"][..]),
        (
            "ndb-guidance-xml",
            "ClinicalDocument",
            &["started_on", "interviewed_on", "ended_on", "evaluated_on", "category"],
        ),
        ("ndb-checkup-csv", "", &["checked_on", "item_value"]),
    ] {
        let record = layouts[layout].record(record).unwrap();
        for name in Header::NAMES.iter().chain(more) {
            assert!(record.field(name).is_some(), "{layout} {name}");
        }
    }
}
