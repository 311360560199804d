//! Long-term care: claims, certifications, LIFE.

use super::care::{cp932, make, make_of};
use super::*;
use crate::layout;

const LIFE: [&str; 6] = ["facility_code", "assessed_on", "form", "item", "value", "value_code"];

#[test]
fn life_items_become_rows() {
    let world = World::new();
    let made = make(&world, None, "ltc", &["FORM_0900_2021_1.csv", "SERVICE_USER_INFO_1.csv"].map(fixture));
    let rows = made.rows("ltc.life", &LIFE);
    assert_eq!(rows.len(), 13, "ten of the Barthel index, two months, one profession");
    assert!(rows.contains(&"1370100001 2022-07-10 FORM_0900_2021 barthel_transfer - 2".to_owned()), "{rows:?}");
    assert_eq!((made.quarantined(), made.count(Reason::CellForm), made.count(Reason::CodeUnlisted)), (0, 0, 0));
    assert_eq!(made.column("person.sex").iter().filter(|sex| *sex == "2").count(), 1);
}

#[test]
fn a_form_is_of_the_person_that_the_users_file_names() {
    let world = World::new();
    let made = make(&world, None, "ltc", &["FORM_0900_2021_1.csv", "SERVICE_USER_INFO_1.csv"].map(fixture));
    // Insurer and number alone are the form's identity; the users' file adds the rest to the same atom.
    assert_eq!(made.column("person.birth_date"), ["1944-11-02"]);
    assert_eq!(made.atoms(&["ltc.life", "person"]).len(), 1);
}

#[test]
fn a_user_and_a_certification_that_say_the_same_have_an_atom_each() {
    let world = World::new();
    let files = ["SERVICE_USER_INFO_1.csv", "FORM_0900_2021_1.csv", "nintei_head18.csv"];
    // In one order and in the other: what a reader has seen before must not hide the second atom.
    for files in [files, [files[2], files[0], files[1]]] {
        let made = make(&world, None, "ltc", &files.map(fixture));
        let (rows, known) = (made.atoms(&["ltc.life", "ltc.certifications"]), made.atoms(&["person"]));
        assert_eq!((rows.len(), &rows), (2, &known), "{files:?}");
        assert_eq!(made.column("person.birth_date"), ["1944-11-02", "1944-11-02"], "{files:?}");
    }
}

#[test]
fn both_encodings_all_line_ends_and_quotes_give_the_same() {
    let world = World::new();
    let users = fs::read_to_string(fixture("SERVICE_USER_INFO_1.csv")).unwrap();
    let form = fs::read_to_string(fixture("FORM_0900_2021_1.csv")).unwrap();
    let plain = |text: &str| text.trim_start_matches('\u{feff}').to_owned();
    let first = make_of(&world, "ltc", &[("users.csv", users.as_bytes()), ("form.csv", form.as_bytes())]);
    let (rows, tokens) = (first.rows("ltc.life", &LIFE), first.tokens());
    assert!(!rows.is_empty() && !tokens.is_empty());
    let ways: [fn(&str) -> Vec<u8>; 4] = [
        |text| cp932(text),
        |text| text.as_bytes().to_vec(),
        |text| cp932(&text.replace("\r\n", "\r")),
        |text| format!("\u{feff}{}", text.replace("\r\n", "\n").replace('"', "")).into_bytes(),
    ];
    for way in ways {
        let (users, form) = (way(&plain(&users)), way(&plain(&form)));
        let made = make_of(&world, "ltc", &[("users.csv", &users), ("form.csv", &form)]);
        assert_eq!((made.rows("ltc.life", &LIFE), made.tokens()), (rows.clone(), tokens.clone()));
        assert_eq!((made.count(Reason::IdentifierForm), made.quarantined()), (0, 0));
    }
}

const KEYS: &str = "care_facility_id,insurer_no,insured_no,external_system_management_number,adl_evaluate";

#[test]
fn nothing_a_blank_and_a_value_are_three_states() {
    let world = World::new();
    let head = format!("FORM_0900_2021\r\n{KEYS},barthel_index_meal,first_month,barthel_transfer,no_such_column\r\n");
    let text = format!(
        "{head}1370100001,131016,0000123456,A-1,20220710,, ,2,x\r\n1370100001,131016,0000123456,A-2,20220710,9,  ,1,\r\n"
    );
    let made = make_of(&world, "ltc", &[("form.csv", text.as_bytes())]);
    assert_eq!(made.column("ltc.life.item"), ["barthel_transfer"; 2]);
    assert_eq!(made.count(Reason::CodeUnlisted), 2, "a code that is not listed; two blanks are no deletion");
    assert_eq!(made.count(Reason::PartUnknown), 1);
}

#[test]
fn a_row_of_another_shape_is_put_aside_and_the_next_is_read() {
    let world = World::new();
    let good = "1370100001,131016,0000123456,A-1,20220710,2";
    let text = format!(
        "FORM_0900_2021\r\n{KEYS},barthel_transfer\r\n{good},extra\r\n\"{good}\r\n9999999999,131016,1,A-2,20220710,1\r\n{good}\r\n"
    );
    let made = make_of(&world, "ltc", &[("form.csv", text.as_bytes())]);
    assert_eq!((made.count(Reason::RecordForm), made.count(Reason::NoFacility)), (2, 1));
    assert_eq!(made.column("ltc.life.value_code"), ["2"]);
    let newer = make_of(&world, "ltc", &[("new.csv", text.replace("_2021", "_2024").as_bytes())]);
    assert_eq!((newer.count(Reason::RecordUnknown), newer.column("ltc.life.item").len()), (5, 0));
}

#[test]
fn a_form_without_its_day_is_put_aside() {
    let world = World::new();
    let row = |day: &str| format!("1370100001,131016,0000123456,A-1,{day},2\r\n");
    let rows = ["", " ", "20221399", "20220710"].map(row).concat();
    let text = format!("FORM_0900_2021\r\n{KEYS},barthel_transfer\r\n{rows}");
    let made = make_of(&world, "ltc", &[("form.csv", text.as_bytes())]);
    assert_eq!((made.count(Reason::NoDate), made.column("ltc.life.assessed_on")), (3, vec!["2022-07-10".to_owned()]));
    // Diseases belong to another form and have none.
    let text =
        "FORM_0001_2021\ncare_facility_id,insurer_no,insured_no,injury_code\n1370100001,131016,0000123456,E11.9\n";
    let made = make_of(&world, "ltc", &[("form.csv", text.as_bytes())]);
    assert_eq!(made.rows("ltc.life", &LIFE), ["1370100001 - FORM_0001_2021 injury_code - E119"]);
}

#[test]
fn a_form_that_comes_again_replaces_the_first() {
    let world = World::new();
    let file = |number: &str, code: &str| {
        let row = format!("1370100001,131016,0000123456,{number},20220710,{code}");
        format!("FORM_0900_2021\r\n{KEYS},barthel_transfer\r\n{row}\r\n").into_bytes()
    };
    let (first, again, other) = (file("A-1", "1"), file("A-1", "3"), file("A-2", "0"));
    let made = make_of(&world, "ltc", &[("1.csv", &first), ("2.csv", &again), ("3.csv", &other)]);
    assert_eq!(made.column("ltc.life.value_code"), ["0", "3"]);
}

#[test]
fn a_claim_that_comes_again_counts_once_and_a_later_one_stands() {
    let world = World::new();
    let first = fs::read_to_string(fixture("i2208a.csv")).unwrap();
    let later = first.replace("202208,0", "202210,0").replace("\"1500\"", "\"1750\"");
    let twice =
        make_of(&world, "ltc", &[("1.csv", first.as_bytes()), ("2.csv", first.replace("711,0", "711,1").as_bytes())]);
    assert_eq!(twice.column("ltc.claims.units"), ["1500"]);
    let corrected = make_of(&world, "ltc", &[("1.csv", first.as_bytes()), ("2.csv", later.as_bytes())]);
    assert_eq!(corrected.column("ltc.claims.units"), ["1750"]);
}

#[test]
fn records_of_claims_are_read_counted_or_put_aside() {
    let world = World::new();
    let first = fs::read_to_string(fixture("i2208a.csv")).unwrap();
    let plan = "2,5,\"8124\",\"1370100001\",\"1\",\"202207\"\r\n2,6,\"8222\",\"202207\"\r\n2,7,\"7111\",\"202207\"\r\n";
    let unknown = "2,8,\"1111\",\"H1\"\r\n2,9,\"7131\",\"99\"\r\n4,10,x\r\n";
    let stray = "2,11,\"7131\",\"02\",\"202206\",\"1370100001\",\"00131016\",\"0000123456\",\"11\",\"1211\"\r\n";
    let text = first.replace("3,5\r\n", &format!("{plan}{unknown}{stray}"));
    let made = make_of(&world, "ltc", &[("1.csv", text.as_bytes())]);
    assert_eq!(made.count(Reason::RecordUncarried), 4, "record 10, a care plan, a plan of benefits, an invoice");
    assert_eq!((made.count(Reason::RecordUnknown), made.count(Reason::RecordOrphan)), (3, 1));
    assert_eq!(made.count(Reason::FileTotals), 1, "no end record, and more records than the control record says");
    assert_eq!(made.column("ltc.claims.service_code"), ["111211"]);
}

#[test]
fn both_dialects_of_certifications_are_read_and_impossible_orders_are_counted() {
    let world = World::new();
    let row = |applied: &str| format!("131016,0000123456,{applied},19441102,2,0,23,20220401,20240331,20220301");
    let names = [
        "保険者番号,被保険者番号,認定申請日,生年月日,性別コード,取下区分コード,二次判定結果,認定有効期間開始,認定有効期間終了,二次判定日",
        "機能コード,被保険者番号,認定申請日,生年月日,性別,取下区分,二次判定結果,認定有効期間開始日,認定有効期間終了日,二次判定日",
    ];
    for header in names {
        let text = format!("{header},見知らぬ列\r\n{},秘密\r\n{},\r\n", row("20220215"), row("20220315"));
        let made = make_of(&world, "ltc", &[("nintei.csv", &cp932(&text))]);
        assert_eq!(made.column("ltc.certifications.care_level"), ["c3"; 2]);
        assert_eq!(made.column("ltc.certifications.valid_to"), ["2024-03-31"; 2]);
        assert_eq!((made.count(Reason::DateOrder), made.count(Reason::PartUnknown)), (1, 1));
    }
}

#[test]
fn every_column_that_a_layout_fills_exists() {
    let layouts = layout::shipped().unwrap();
    for layout in layouts.values().filter(|layout| matches!(layout.source.as_str(), "ltc" | "dpc")) {
        for to in layout.records.iter().flat_map(|record| &record.fields).flat_map(|field| &field.to) {
            let (table, column) = to.rsplit_once('.').unwrap();
            let known = catalog::table(table).is_some_and(|table| table.column(column).is_some());
            assert!(known, "{}: {to}", layout.id);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn broken_files_of_care_end_in_a_report(
        file in 0_usize..6,
        cuts in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..40),
        tail in proptest::collection::vec(any::<u8>(), 0..200),
        short in any::<prop::sample::Index>(),
    ) {
        let (name, source) = [
            ("FORM_0900_2021_1.csv", "ltc"),
            ("SERVICE_USER_INFO_1.csv", "ltc"),
            ("i2208a.csv", "ltc"),
            ("FF1_131234566_2208.txt", "dpc"),
            ("Hn_131234566_2208.txt", "dpc"),
            ("Dn_131234566_2208.txt", "dpc"),
        ][file];
        let mut bytes = fs::read(fixture(name)).unwrap();
        for (at, byte) in cuts {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(short.index(bytes.len()).max(bytes.len() / 2));
        bytes.extend_from_slice(&tail);
        let world = World::new();
        let _made = make_of(&world, source, &[("raw", &bytes)]);
    }
}
