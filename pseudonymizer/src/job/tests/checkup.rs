//! 特定健診 XML.

use jiff::civil::date;

use super::*;

pub(super) fn document(items: &str) -> String {
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<code code="10" codeSystem="1.2.392.200119.6.1001"/><effectiveTime value="20220801"/>
<recordTarget><patientRole>
<id root="1.2.392.200119.6.101" extension="06131239"/><id root="1.2.392.200119.6.204" extension="１２３"/>
<id root="1.2.392.200119.6.205" extension="４５６７"/><id root="1.2.392.200119.6.211" extension="00"/>
<addr>東京都架空区一丁目<postalCode>100-0002</postalCode></addr>
<patient><name>ヤマダ　タロウ</name><administrativeGenderCode code="1"/><birthTime value="19580314"/></patient>
</patientRole></recordTarget>
<author><assignedAuthor><assignedPerson><name>医師　花子</name></assignedPerson><representedOrganization>
<id root="1.2.392.200119.6.102" extension="1311234566"/><name>架空健診センター</name></representedOrganization></assignedAuthor></author>
<documentationOf><serviceEvent><code code="010"/><effectiveTime value="20220715"/></serviceEvent></documentationOf>
<component><structuredBody><component><section><text>ヤマダ　タロウ様の結果</text>{items}</section></component></structuredBody></component>
</ClinicalDocument>"#
    )
}

pub(super) fn item(code: &str, value: &str) -> String {
    format!(r#"<entry><observation classCode="OBS"><code code="{code}"/><value {value}/></observation></entry>"#)
}

#[test]
fn hba1c_is_a_number_whatever_the_method_whose_code_ends_otherwise() {
    let world = World::new();
    let codes = ["3D046000001906202", "3D046000001920402", "3D046000001927102", "3D046000001999902"];
    for (at, code) in codes.iter().enumerate() {
        let item = item(code, r#"xsi:type="PQ" value="5.6" unit="%""#);
        let file = world.write(&format!("{at}.xml"), document(&item).as_bytes());
        let batch = world.batch("ndb", &[file], &format!("out{at}"));
        assert_eq!(batch.numbers("ndb.checkups", "hba1c"), [Some(5.6)], "{code}");
        assert_eq!(batch.report.count(Reason::PartUnknown), 0, "{code}");
    }
}

#[test]
fn a_checkup_becomes_a_row_and_its_texts_stay() {
    let world = World::new();
    let items = [
        item("9N001000000000001", r#"xsi:type="PQ" value="168.2" unit="cm""#),
        item("9A751000000000001", r#"xsi:type="PQ" value="141" unit="mm[Hg]""#),
        item("9A755000000000001", r#"xsi:type="PQ" value="137" unit="mm[Hg]""#),
        item("3D046000001906202", r#"xsi:type="PQ" nullFlavor="NI""#),
        item("1A010000000191111", r#"xsi:type="CD" code="2""#),
        item("9N736000000000011", r#"xsi:type="CD" code="2""#),
        item("9N701000000000011", r#"xsi:type="CD" code="山田""#),
        item("9N516000000000049", r#"xsi:type="ST" value="担当　一郎""#),
        item("9N141000000000011", r#"xsi:type="CD" code="1""#),
    ];
    let first = world.write("a.xml", document(&items.concat()).as_bytes());
    let batch = world.batch("ndb", &[first], "out");
    assert_eq!(batch.days("ndb.checkups", "checked_on"), [Some(catalog::codes::days(date(2022, 7, 15)))]);
    assert_eq!(batch.text("ndb.checkups", "facility_code"), ["1311234566"]);
    assert_eq!(batch.numbers("ndb.checkups", "height_cm"), [Some(168.2)]);
    assert_eq!(batch.numbers("ndb.checkups", "sbp"), [Some(137.0)]);
    assert_eq!(batch.numbers("ndb.checkups", "hba1c"), [None]);
    assert_eq!(batch.text("ndb.checkups", "urine_protein"), ["+-"]);
    assert_eq!(batch.text("ndb.checkups", "smoking"), ["no"]);
    assert_eq!(batch.report.count(Reason::CellForm), 1);
    assert_eq!(batch.text("person", "prefecture"), ["13"]);
    let receipts = world.run("ndb", &["RECEIPTC_202207.UKE"]);
    for kind in ["a1", "a3", "b1"] {
        assert!(batch.joins("ndb.checkups", &receipts, "ndb.claims", kind), "{kind}");
    }
    let leaving = batch.leaving(&world);
    for secret in ["ヤマダ", "架空", "花子", "一郎", "山田", "100-0002", "４５６７", "4567"] {
        assert_eq!(count_in(&leaving, secret), 0, "{secret}");
    }
}

#[test]
fn the_same_checkup_counts_once_a_later_report_replaces_it_and_a_deletion_takes_it_away() {
    let world = World::new();
    let height = |cm: &str| document(&item("9N001000000000001", &format!("value=\"{cm}\"")));
    let later = height("169").replace("<effectiveTime value=\"20220801\"/>", "<effectiveTime value=\"20220901\"/>");
    let files = [
        world.write("a.xml", height("168").as_bytes()),
        world.write("b.xml", height("168").as_bytes()),
        world.write("c.xml", later.as_bytes()),
    ];
    let batch = world.batch("ndb", &files, "replaced");
    assert_eq!(batch.numbers("ndb.checkups", "height_cm"), [Some(169.0)]);
    let deletion = later.replace("<code code=\"10\"", "<code code=\"19\"").replace("20220901", "20221001");
    let other_day = height("170").replace("20220715", "20220716");
    let files =
        [files[0].clone(), world.write("d.xml", deletion.as_bytes()), world.write("e.xml", other_day.as_bytes())];
    let batch = world.batch("ndb", &files, "deleted");
    assert_eq!(batch.numbers("ndb.checkups", "height_cm"), [Some(170.0)]);
}

#[test]
fn document_types_cut_files_and_other_reports_are_not_read() {
    let world = World::new();
    let whole = document("");
    let entity = whole.replace("<ClinicalDocument ", "<!DOCTYPE x [<!ENTITY a \"aa\">]>\n<ClinicalDocument ");
    let other = whole.replace("<code code=\"10\"", "<code code=\"40\"");
    let two = format!("{whole}\n{}", document("").replace("20220715", "20230715"));
    let deep = whole.replace("<component>", &"<component>".repeat(80));
    let unknown = whole.replace(".6.102\" extension=\"1311234566\"", ".6.102\" extension=\"x\"");
    let files = [
        world.write("a.xml", entity.as_bytes()),
        world.write("b.xml", &whole.as_bytes()[..900]),
        world.write("c.xml", other.as_bytes()),
        world.write("d.xml", two.as_bytes()),
        world.write("e.xml", deep.as_bytes()),
        world.write("f.xml", unknown.as_bytes()),
    ];
    let batch = world.batch("ndb", &files, "out");
    assert_eq!(batch.report.count(Reason::RecordForm), 3);
    assert_eq!(batch.report.count(Reason::RecordUncarried), 1);
    assert_eq!(batch.report.count(Reason::NoFacility), 1);
    assert_eq!(batch.report.tables["ndb.checkups"], 2);
    let leaving = batch.leaving(&world);
    assert_eq!(count_in(&leaving, "ヤマダ"), 0);
}

#[test]
fn an_items_ending_says_whether_its_value_passes() {
    let world = World::new();
    let items = [
        item("9N001000000000001", r#"value="168.2""#),
        item("9N006000000000049", r#"value="60.0""#),
        item("9N011000000000055", r#"value="21.2""#),
        item("9N016160100000001", r#"code="1""#),
        item("9N736000000000011", r#"code="3""#),
        item("3F0700000000000", r#"value="60""#),
    ];
    let nested = items[0].replace("</observation>", "<entryRelationship><observation><code code=\"9N011000000000001\"/><value value=\"23.1\"/></observation></entryRelationship></observation>");
    let old = world.write("a.xml", document(&items.concat()).as_bytes());
    let new =
        world.write("b.xml", document(&[items.concat(), nested].concat()).replace("20220715", "20240401").as_bytes());
    let batch = world.batch("ndb", &[old, new], "out");
    assert_eq!(batch.numbers("ndb.checkups", "height_cm"), [Some(168.2), Some(168.2)]);
    assert_eq!(batch.numbers("ndb.checkups", "weight_kg"), [None, None]);
    assert_eq!(batch.numbers("ndb.checkups", "bmi"), [None, Some(23.1)]);
    assert_eq!(batch.numbers("ndb.checkups", "waist_cm"), [None, None]);
    assert_eq!(batch.text("ndb.checkups", "smoking"), ["-", "never"]);
    assert_eq!(batch.report.count(Reason::PartUnknown), 4);
    assert_eq!(batch.report.count(Reason::CellForm), 3);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn broken_xml_never_panics(cuts in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..40)) {
        let world = World::new();
        let mut bytes = document(&item("9N001000000000001", r#"value="168""#)).into_bytes();
        for (at, byte) in cuts {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let path = world.write("a.xml", &bytes);
        let done = world.try_run("ndb", &[path], "out");
        let ended = matches!(done, Ok(_) | Err(PseudonymizeError::Nothing { .. }));
        prop_assert!(ended);
    }
}
