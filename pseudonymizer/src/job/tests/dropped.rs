//! What a layout drops is gone: each field that a layout of long-term care or of the DPC survey keeps or tokenises, turned to
//! `drop`, takes its columns or its tokens with it.

use super::care::{Made, cp932, make};
use super::*;
use crate::layout::{self, Action, Attribute, Layout, Place};

/// The shipped layouts with one field dropped.
fn without(shipped: &BTreeMap<String, Layout>, id: &str, tag: &str, name: &str) -> BTreeMap<String, Layout> {
    let mut layouts = shipped.clone();
    let records = &mut layouts.get_mut(id).unwrap().records;
    let record = records.iter_mut().find(|record| record.tag == tag).unwrap();
    let field = record.fields.iter_mut().find(|field| field.name == name).unwrap();
    field.action = Action::Drop;
    field.identity.clear();
    field.to.clear();
    field.by = None;
    layouts
}

/// Drops each field of these records in turn. `unseen` are columns that are asked for elsewhere.
fn each_field_matters(id: &str, tags: &[&str], source: &str, files: &[(&str, Vec<u8>)], unseen: &[&str]) {
    let world = World::new();
    let paths: Vec<PathBuf> = files.iter().map(|(name, bytes)| world.write(name, bytes)).collect();
    let shipped = layout::shipped().unwrap();
    let whole = make(&world, None, source, &paths);
    assert_eq!(whole.quarantined(), 0, "{id}: {:?}", whole.report.map(|report| report.files));
    let mut tried = 0;
    for record in shipped[id].records.iter().filter(|record| tags.contains(&record.tag.as_str())) {
        for field in &record.fields {
            let (tag, name) = (record.tag.as_str(), field.name.as_str());
            let columns: Vec<&String> = field.to.iter().filter(|to| !unseen.contains(&to.as_str())).collect();
            // What fills no column shows in tokens, or in what finds no place any more.
            let named = field.identity.iter().any(|attribute| IN_TOKENS.contains(attribute));
            let tokens = field.to.is_empty() && named && !whole.tokens().is_empty();
            if columns.is_empty() && !tokens {
                continue;
            }
            tried += 1;
            let less = make(&world, Some(&without(&shipped, id, tag, name)), source, &paths);
            for column in columns {
                let before = whole.column(column);
                assert!(before.iter().any(|value| value != "-"), "{id} {tag} {name}: the fixture fills {column}");
                assert_ne!(less.column(column), before, "{id} {tag} {name}: {column} is as before");
            }
            let same = less.tokens() == whole.tokens() && less.quarantined() == whole.quarantined();
            assert!(!tokens || !same, "{id} {tag} {name}: tokens are as before");
        }
    }
    assert!(tried > 0);
}

/// What goes into tokens of records of these sources.
const IN_TOKENS: [Attribute; 12] = [
    Attribute::Birth,
    Attribute::Chart,
    Attribute::Facility,
    Attribute::FamilyKana,
    Attribute::FamilyKanji,
    Attribute::GivenKana,
    Attribute::GivenKanji,
    Attribute::Kana,
    Attribute::Kanji,
    Attribute::LtcInsurer,
    Attribute::LtcNumber,
    Attribute::Sex,
];

/// A line of a claim: payload by position, all other positions empty.
fn claim_line(serial: usize, width: usize, cells: &[(usize, &str)]) -> String {
    let mut payload = vec![""; width];
    for (place, cell) in cells {
        payload[place - 1] = cell;
    }
    format!("2,{serial},\"{}\"\r\n", payload.join("\",\""))
}

fn claims() -> Vec<u8> {
    let head = [(3, "202207"), (4, "1370100001"), (5, "00131016"), (6, "0000123456")];
    let other = [(3, "202207"), (4, "1370100002"), (5, "00141003"), (6, "0000123457")];
    let base = |head: &[(usize, &'static str)], more: &[(usize, &'static str)]| -> Vec<(usize, &'static str)> {
        let person = [(1, "7131"), (2, "01"), (13, "19441102"), (14, "2"), (15, "23")];
        [&person[..], head, more].concat()
    };
    let detail = |kind: &'static str, head: &[(usize, &'static str)]| -> Vec<(usize, &'static str)> {
        let service = [(1, "7131"), (2, kind), (7, "11"), (8, "12A1"), (9, "250"), (10, "6"), (14, "1500")];
        [&service[..], head].concat()
    };
    let text = [
        "1,1,0,5,711,0,000000,1370100001,13,7,202208,0\r\n".to_owned(),
        claim_line(2, 56, &base(&head, &[(22, "20220805"), (23, "4")])),
        claim_line(3, 18, &detail("02", &head)),
        claim_line(4, 56, &base(&other, &[(25, "20220905"), (28, "4")])),
        claim_line(5, 18, &detail("02", &other)),
        claim_line(6, 19, &detail("14", &other)),
        "3,7\r\n".to_owned(),
    ];
    cp932(&text.concat())
}

#[test]
fn claims_of_long_term_care() {
    let files = [("i2208a.csv", claims())];
    each_field_matters("ltc-claims", &["01", "02", "14"], "ltc", &files, &[]);
}

#[test]
fn certifications() {
    let layouts = layout::shipped().unwrap();
    let fields = &layouts["ltc-certification"].records[0].fields;
    let header = |field: &layout::Field| match &field.place {
        Place::Header(names) => names.split('|').next().unwrap().to_owned(),
        Place::At(..) | Place::Path(_) => String::new(),
    };
    let value = |name: &str| match name {
        "insurer_no" => "131016",
        "insured_no" => "0000123456",
        "applied_on" | "valid_from" => "20220301",
        "birth_date" => "19441102",
        "sex" => "2",
        "kana" => "ｻﾄｳ ﾊﾅｺ",
        "kanji" => "佐藤　花子",
        "postcode" => "150-0002",
        "certified_on" => "20220401",
        "valid_to" => "20240228",
        "care_level" | "first_judgement" => "23",
        "bedridden_level" | "dementia_level" => "3",
        "minutes" => "71.5",
        "withdrawn" => "0",
        score if score.starts_with("score") => "55.5",
        _ => "",
    };
    let names: Vec<String> = fields.iter().map(header).collect();
    let values: Vec<&str> = fields.iter().map(|field| value(&field.name)).collect();
    let files = [("nintei.csv", cp932(&format!("{}\r\n{}\r\n", names.join(","), values.join(","))))];
    each_field_matters("ltc-certification", &[""], "ltc", &files, &[]);
}

/// A file of a LIFE form with every column filled as its field asks.
fn life(layouts: &BTreeMap<String, Layout>, form: &str) -> Vec<u8> {
    let fields = &layouts["ltc-life-2021"].record(form).unwrap().fields;
    let value = |field: &layout::Field| match field.name.as_str() {
        "care_facility_id" => "1370100001".to_owned(),
        "insurer_no" => "131016".to_owned(),
        "insured_no" => "0000123456".to_owned(),
        "last_name" => "佐藤".to_owned(),
        "first_name" => "花子".to_owned(),
        "last_name_kana" => "ｻﾄｳ".to_owned(),
        "first_name_kana" => "ﾊﾅｺ".to_owned(),
        "gender" => "2".to_owned(),
        "birthday" => "19441102".to_owned(),
        "external_system_management_number" => "A-1".to_owned(),
        _ if field.kind == Some(layout::Kind::Decimal) => "12.5".to_owned(),
        _ if field.kind == Some(layout::Kind::Date) => "20220710".to_owned(),
        _ if field.codes.as_deref() == Some("icd10") => "I10".to_owned(),
        _ if field.action == Action::Keep => field.values.keys().next().cloned().unwrap_or_else(|| "11".to_owned()),
        _ => "x".to_owned(),
    };
    let name = |field: &layout::Field| match &field.place {
        Place::Header(name) => name.clone(),
        Place::At(..) | Place::Path(_) => String::new(),
    };
    let names: Vec<String> = fields.iter().map(name).collect();
    let values: Vec<String> = fields.iter().map(value).collect();
    format!("{form}\r\n{}\r\n{}\r\n", names.join(","), values.join(",")).into_bytes()
}

#[test]
fn life_forms() {
    let layouts = layout::shipped().unwrap();
    for form in ["FORM_0900_2021", "FORM_0002_2021", "FORM_0801_2021"] {
        each_field_matters("ltc-life-2021", &[form], "ltc", &[("life.csv", life(&layouts, form))], &[]);
    }
    // The users' file has no day of its own; a form beside it has. What it says of the form's person: the next test.
    let users = [("users.csv", life(&layouts, "SERVICE_USER_INFO")), ("form.csv", life(&layouts, "FORM_0900_2021"))];
    each_field_matters("ltc-life-2021", &["SERVICE_USER_INFO"], "ltc", &users, &["person.died_month"]);
}

#[test]
fn a_death_told_by_life_reaches_the_person() {
    let layouts = layout::shipped().unwrap();
    let world = World::new();
    let files = [("users.csv", "SERVICE_USER_INFO"), ("form.csv", "FORM_0900_2021")];
    let paths = files.map(|(name, form)| world.write(name, &life(&layouts, form)));
    assert_eq!(make(&world, None, "ltc", &paths).column("person.died_month"), ["2022-07-01"]);
    let less = without(&layouts, "ltc-life-2021", "SERVICE_USER_INFO", "death_date");
    assert_eq!(make(&world, Some(&less), "ltc", &paths).column("person.died_month"), ["-"]);
}

/// 様式1 with every code of the layout.
fn form1(layouts: &BTreeMap<String, Layout>) -> Vec<u8> {
    let head = "131234566\t0000001001\t20220801\t1\t0";
    let value = |code: &str, payload: usize| match (code, payload) {
        ("A000010", 1) => "19580314",
        ("A000010", 2) => "1",
        ("A000010", 3) => "0600001",
        ("A000020", 5) => "301",
        ("A000030" | "A007010", 1) => "20220809",
        ("A000030", 3) => "6",
        ("A007010", 2) => "K6153",
        ("ADL0010" | "ADL0020", 2) => "0123012301",
        ("JCS0010" | "JCS0020", 2) => "10",
        (code, 2) if code.starts_with("A006") => "I10",
        (_, 9) => "本態性高血圧症",
        _ => "1",
    };
    let records = layouts["dpc-form1"].records.iter().filter(|record| !record.tag.is_empty());
    let line = |record: &layout::Record| {
        let payloads: Vec<&str> = (1..=9).map(|payload| value(&record.tag, payload)).collect();
        format!("{head}\t{}\t20220401\t0\t{}\r\n", record.tag, payloads.join("\t"))
    };
    cp932(&records.map(line).collect::<String>())
}

fn survey(layouts: &BTreeMap<String, Layout>) -> Vec<(&'static str, Vec<u8>)> {
    let file = |name: &str| fs::read(fixture(name)).unwrap();
    let mut nursing = file("Hn_131234566_2208.txt");
    let head = "131234566\tW3E\t0000001001\t20220809\t20220801\t20220801";
    nursing.extend_from_slice(format!("{head}\tASS0031\t20220401\t0\t1\t0\t0\r\n").as_bytes());
    vec![
        ("FF1.txt", form1(layouts)),
        ("EFn.txt", file("EFn_131234566_2208.txt")),
        ("Hn.txt", nursing),
        ("Dn.txt", file("Dn_131234566_2208.txt")),
    ]
}

/// What other files add to a stay.
const ADDED: [&str; 3] = ["dpc.stays.points", "dpc.stays.dpc_code", "dpc.stays.stay_id"];

#[test]
fn discharge_summaries() {
    let layouts = layout::shipped().unwrap();
    let tags: Vec<&str> = layouts["dpc-form1"].records.iter().map(|record| record.tag.as_str()).collect();
    let files = [("FF1.txt", form1(&layouts))];
    each_field_matters("dpc-form1", &tags, "dpc", &files, &[]);
}

#[test]
fn acts_and_days() {
    let layouts = layout::shipped().unwrap();
    let files = survey(&layouts);
    each_field_matters("dpc-ef", &[""], "dpc", &files, &ADDED);
    each_field_matters("dpc-h", &["", "ASS0013", "ASS0021", "ASS0031"], "dpc", &files, &ADDED);
}

#[test]
fn what_other_files_add_to_a_stay() {
    let layouts = layout::shipped().unwrap();
    let world = World::new();
    let paths: Vec<PathBuf> = survey(&layouts).iter().map(|(name, bytes)| world.write(name, bytes)).collect();
    let whole: Made = make(&world, None, "dpc", &paths);
    assert_eq!(whole.column("dpc.stays.points"), ["49"]);
    assert_eq!(whole.column("dpc.stays.dpc_code"), ["10007xxxxxx1xx"]);
    let less = |id: &str, name: &str| make(&world, Some(&without(&layouts, id, "", name)), "dpc", &paths);
    assert_eq!(less("dpc-d", "dpc_code").column("dpc.stays.dpc_code"), ["-"]);
    for name in ["facility", "data_id", "admission_date"] {
        assert_eq!(less("dpc-d", name).column("dpc.stays.dpc_code"), ["-"]);
        assert_eq!(less("dpc-ef", name).column("dpc.stays.points"), ["-"]);
    }
    assert_eq!(less("dpc-ef", "act_points").column("dpc.stays.points"), ["0"]);
}
