//! 特定保健指導 XML.

use jiff::civil::date;

use super::checkup::{document, item};
use super::*;

/// A report of a course: its category, its period and its evaluation.
pub(super) fn report(category: &str, period: &str, level: &str) -> String {
    let items = item("1020000001", &format!("xsi:type=\"CD\" code=\"{level}\""));
    document(&items)
        .replace("<code code=\"10\"", &format!("<code code=\"{category}\""))
        .replace("<name>ヤマダ　タロウ</name>", "")
        .replace("<effectiveTime value=\"20220715\"/>", &format!("<effectiveTime{period}</effectiveTime>"))
}

const PERIOD: &str = "><low value=\"20220901\"/><high value=\"20221201\"/>";

#[test]
fn reports_become_rows_by_their_category() {
    let world = World::new();
    let started = report("21", " value=\"20220901\">", "2");
    let evaluated = report("22", " value=\"20221001\">", "1").replace(
        "</structuredBody>",
        "<component><section><code code=\"90060\"/><entry><act><effectiveTime value=\"20230105\"/></act></entry></section>\
         <section><code code=\"90030\"/><entry><act><effectiveTime value=\"20230909\"/></act></entry></section></component></structuredBody>",
    );
    let files = [
        world.write("a.xml", started.as_bytes()),
        world.write("b.xml", report("22", PERIOD, "1").replace("20220901", "20220801").as_bytes()),
        world.write("c.xml", report("23", PERIOD, "3").replace("20220901", "20220802").as_bytes()),
        world.write("d.xml", evaluated.as_bytes()),
        world.write("e.xml", report("22", ">", "1").as_bytes()),
    ];
    let batch = world.batch("ndb", &files, "out");
    let days = |column: &str| batch.days("ndb.guidance", column);
    let day = |y, m, d| Some(catalog::codes::days(date(y, m, d)));
    assert_eq!(days("started_on"), [day(2022, 8, 1), day(2022, 8, 2), day(2022, 9, 1), day(2022, 10, 1)]);
    assert_eq!(days("ended_on"), [day(2022, 12, 1), day(2022, 12, 1), None, day(2023, 1, 5)]);
    assert_eq!(batch.text("ndb.guidance", "level"), ["active", "-", "motivational", "active"]);
    let completed = batch.tables["ndb.guidance"].column_by_name("completed").unwrap().as_boolean();
    assert_eq!(completed.iter().collect::<Vec<_>>(), [Some(true), Some(false), Some(false), Some(true)]);
    assert_eq!(batch.text("ndb.guidance", "facility_code"), ["1311234566"; 4]);
    assert_eq!(batch.report.count(Reason::NoDate), 1);
    assert!(!batch.tables.contains_key("ndb.checkups"));
    let receipts = world.run("ndb", &["RECEIPTC_202207.UKE"]);
    assert!(batch.joins("ndb.guidance", &receipts, "ndb.claims", "a1"));
}

#[test]
fn the_last_report_on_a_course_stands() {
    let world = World::new();
    let start = report("21", PERIOD, "1").replace("<high value=\"20221201\"/>", "");
    let end =
        report("22", PERIOD, "1").replace("<effectiveTime value=\"20220801\"/>", "<effectiveTime value=\"20221215\"/>");
    let files = [world.write("b.xml", start.as_bytes()), world.write("a.xml", end.as_bytes())];
    let batch = world.batch("ndb", &files, "out");
    assert_eq!(batch.report.tables["ndb.guidance"], 1);
    let completed = batch.tables["ndb.guidance"].column_by_name("completed").unwrap().as_boolean();
    assert!(completed.value(0));
}
