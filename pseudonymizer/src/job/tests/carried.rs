//! Each field that a layout of receipts keeps fills the columns it names, and nothing else fills them: turned to `drop`, they change.

use super::ndb::{columns, cp932, line, with_layouts};
use super::*;
use crate::layout::{self, Action, Layout};

type Cells<'a> = &'a [(&'a str, &'a str)];
/// A record: tag, then cells.
type Lines = Vec<(&'static str, Vec<(&'static str, &'static str)>)>;

/// Records of a file by name: tag, then cells.
fn text(layout: &Layout, records: &[(&str, Cells<'_>)]) -> Vec<u8> {
    cp932(&records.iter().map(|(tag, cells)| line(layout, tag, cells)).collect::<String>())
}

const PLACE: Cells<'_> =
    &[("payer_org", "1"), ("facility_pref", "13"), ("facility_code", "0134567"), ("claim_month", "202209")];

fn place(fee: &'static str) -> Vec<(&'static str, &'static str)> {
    [PLACE, &[("fee_table", fee)]].concat()
}

const TARO: Cells<'_> =
    &[("treatment_month", "202208"), ("patient_name", "山田　太郎"), ("sex", "1"), ("birth_date", "19580314")];
const HANAKO: Cells<'_> =
    &[("treatment_month", "42110"), ("patient_name", "佐藤　花子"), ("sex", "2"), ("birth_date", "3191102")];
const UMI: Cells<'_> =
    &[("treatment_month", "202207"), ("patient_name", "伊藤　海"), ("sex", "1"), ("birth_date", "20160505")];

fn re(
    who: &[(&'static str, &'static str)],
    more: &[(&'static str, &'static str)],
) -> Vec<(&'static str, &'static str)> {
    [who, more].concat()
}

/// A copy of the shipped layouts with one field dropped.
fn without(layouts: &BTreeMap<String, Layout>, id: &str, tag: &str, name: &str) -> BTreeMap<String, Layout> {
    let mut changed = layouts.clone();
    let layout = changed.get_mut(id).unwrap();
    let record = layout.records.iter_mut().find(|record| record.tag == tag).unwrap();
    let field = record.fields.iter_mut().find(|field| field.name == name).unwrap();
    field.action = Action::Drop;
    field.identity.clear();
    field.by = None;
    field.to.clear();
    changed
}

fn each_kept_field_is_what_fills_its_columns(id: &str, bytes: &[u8]) {
    let layouts = layout::shipped().unwrap();
    let world = World::new();
    let path = world.write("raw.UKE", bytes);
    let whole = columns(&world, &with_layouts(&world, &layouts, &path, "whole"), "whole");
    let mut tried = 0;
    for record in &layouts[id].records {
        for field in record.fields.iter().filter(|field| !field.to.is_empty()) {
            tried += 1;
            let out = format!("{}-{}", record.tag, field.name);
            let changed = without(&layouts, id, &record.tag, &field.name);
            let said = columns(&world, &with_layouts(&world, &changed, &path, &out), &out);
            for column in &field.to {
                let before = whole.get(column);
                let filled = before.is_some_and(|values| values.iter().any(|value| value != "-"));
                assert!(filled, "{id} {} {}: the file has nothing for {column}", record.tag, field.name);
                assert_ne!(before, said.get(column), "{id} {} {}: {column}", record.tag, field.name);
            }
            fs::remove_dir_all(world.dir.path().join(&out)).unwrap();
        }
    }
    assert!(tried > 20);
}

const HO_LATE: Cells<'_> =
    &[("insurer_no", "39131230"), ("insured_number", "01234567"), ("total_points", "1200"), ("copay_amount", "3600")];
const HO_UNION: Cells<'_> =
    &[("insurer_no", "06131239"), ("insured_symbol", "９８"), ("insured_number", "７６５４"), ("total_points", "10")];
const SN_NATIONAL: Cells<'_> = &[
    ("payer_kind", "1"),
    ("verified_insurer_no", "  138057"),
    ("verified_symbol", "１２"),
    ("verified_number", "３４５"),
    ("branch_no", "02"),
];
const KO: Cells<'_> = &[("public_payer_no", "12131230"), ("public_recipient_no", "0123456"), ("total_points", "77")];
const SI: Cells<'_> =
    &[("procedure_code", "112007410"), ("points", "73"), ("count", "2"), ("days:5", "1"), ("days:9", "1")];
const IY: Cells<'_> = &[("drug_code", "620007818"), ("dose", "1.5"), ("count", "3"), ("days:7", "3")];
const TO: Cells<'_> = &[("material_code", "710010001"), ("quantity", "2.5"), ("count", "1"), ("days:8", "1")];

/// Acts: a group of each kind, and one that begins with a material, one that begins with a comment, for two other receipts.
fn acts() -> Lines {
    vec![
        ("SI", [SI, &[("service_class", "12")]].concat()),
        ("IY", [IY, &[("service_class", "21")]].concat()),
        ("TO", [TO, &[("service_class", "40")]].concat()),
    ]
}

fn begun_by(tag: &'static str) -> Lines {
    let first = if tag == "TO" { TO } else { &[("comment_code", "810000001")][..] };
    vec![(tag, [first, &[("service_class", "21")]].concat()), ("SI", SI.to_vec()), ("IY", IY.to_vec())]
}

fn file(layout: &Layout, parts: &[Lines]) -> Vec<u8> {
    let records: Vec<(&str, Cells<'_>)> = parts.iter().flatten().map(|(tag, cells)| (*tag, cells.as_slice())).collect();
    text(layout, &records)
}

#[test]
fn medical() {
    let layout = &layout::shipped().unwrap()["ndb-medical"];
    let first = [("receipt_type", "1317"), ("admission_date", "20220801"), ("bed_count", "350"), ("dept_1", "01")];
    let head = vec![
        ("IR", place("1")),
        ("RE", re(TARO, &first)),
        ("HO", [HO_LATE, &[("actual_days", "9")]].concat()),
        (
            "SY",
            vec![
                ("disease_code", "8833421"),
                ("disease_start", "4170410"),
                ("outcome", "3"),
                ("modifier_codes", "8002"),
                ("main_flag", "01"),
            ],
        ),
    ];
    let second = vec![("RE", re(HANAKO, &[("receipt_type", "1212")])), ("KO", [KO, &[("actual_days", "2")]].concat())];
    let third =
        vec![("RE", re(UMI, &[("receipt_type", "1114")])), ("HO", HO_UNION.to_vec()), ("SN", SN_NATIONAL.to_vec())];
    let bytes = file(layout, &[head, acts(), second, begun_by("TO"), third, begun_by("CO")]);
    each_kept_field_is_what_fills_its_columns("ndb-medical", &bytes);
}

#[test]
fn dpc() {
    let layout = &layout::shipped().unwrap()["ndb-dpc"];
    let first = [("receipt_type", "1317"), ("admission_date", "20220801"), ("bed_count", "350"), ("dept_1", "01")];
    let head = vec![
        ("IR", place("1")),
        ("RE", re(TARO, &first)),
        ("HO", [HO_LATE, &[("actual_days", "9")]].concat()),
        ("BU", vec![("dpc_code", "100070xx99x000"), ("admission_date", "20220730"), ("outcome", "7")]),
        (
            "SB",
            vec![("disease_code", "2500015"), ("modifier_codes", "8002"), ("icd10", "E115"), ("disease_role", "11")],
        ),
    ];
    let bundled = [("service_date", "20220802"), ("count", "4"), ("dose", "3.5")];
    let cd = |code, class| [&bundled[..], &[("code", code), ("service_class", class)]].concat();
    let coding = vec![("CD", cd("160000310", "60")), ("CD", cd("620002478", "23")), ("CD", cd("710010002", "40"))];
    let second = vec![
        ("RE", re(HANAKO, &[("receipt_type", "1211")])),
        ("KO", [KO, &[("actual_days", "2")]].concat()),
        ("BU", vec![("admission_date", "4211002")]),
        (
            "SY",
            vec![
                ("disease_code", "8833421"),
                ("disease_start", "4170410"),
                ("outcome", "3"),
                ("modifier_codes", "8002"),
                ("main_flag", "01"),
            ],
        ),
    ];
    let third = vec![
        ("RE", re(UMI, &[("receipt_type", "1113")])),
        ("HO", HO_UNION.to_vec()),
        ("SN", SN_NATIONAL.to_vec()),
        ("BU", vec![("dpc_code", "100070xx99x000")]),
    ];
    let bytes = file(layout, &[head, acts(), coding, second, begun_by("TO"), third, begun_by("CO")]);
    each_kept_field_is_what_fills_its_columns("ndb-dpc", &bytes);
}

#[test]
fn dental() {
    let layout = &layout::shipped().unwrap()["ndb-dental"];
    let head = vec![
        ("IR", place("3")),
        ("RE", re(TARO, &[("receipt_type", "3317"), ("admission_date", "20220801")])),
        ("HO", [HO_LATE, &[("actual_days", "9")]].concat()),
        (
            "HS",
            vec![
                ("disease_start", "20220705"),
                ("outcome", "1"),
                ("disease_code", "2500015"),
                ("modifier_codes", "8002"),
                ("main_flag", "01"),
            ],
        ),
        (
            "SS",
            vec![
                ("service_class", "11"),
                ("procedure_code", "301000110"),
                ("points", "261"),
                ("count", "1"),
                ("days:5", "1"),
            ],
        ),
    ];
    let second = vec![("RE", re(HANAKO, &[("receipt_type", "3212")])), ("KO", [KO, &[("actual_days", "2")]].concat())];
    let third =
        vec![("RE", re(UMI, &[("receipt_type", "3114")])), ("HO", HO_UNION.to_vec()), ("SN", SN_NATIONAL.to_vec())];
    let bytes = file(layout, &[head, acts(), second, begun_by("TO"), third, begun_by("CO")]);
    each_kept_field_is_what_fills_its_columns("ndb-dental", &bytes);
}

#[test]
fn pharmacy() {
    let layout = &layout::shipped().unwrap()["ndb-pharmacy"];
    let prescriber =
        [("receipt_type", "4318"), ("rx_pref", "13"), ("rx_fee_table", "1"), ("rx_facility_code", "1234566")];
    let given = |form| {
        vec![
            ("SH", vec![("rx_no", "1"), ("form_code", form)]),
            ("CZ", vec![("rx_date", "20220705"), ("dispensed_date", "20220706"), ("dispensed_quantity", "14")]),
            ("IY", vec![("drug_code", "620007818"), ("dose", "1.5")]),
            ("TO", vec![("material_code", "710010001"), ("quantity", "2.5")]),
        ]
    };
    let head =
        vec![("YK", place("4")), ("RE", re(TARO, &prescriber)), ("HO", [HO_LATE, &[("rx_count", "9")]].concat())];
    let second = vec![("RE", re(HANAKO, &[("receipt_type", "4212")])), ("KO", [KO, &[("rx_count", "2")]].concat())];
    let third =
        vec![("RE", re(UMI, &[("receipt_type", "4114")])), ("HO", HO_UNION.to_vec()), ("SN", SN_NATIONAL.to_vec())];
    let bytes = file(layout, &[head, given("1"), second, given("5"), third]);
    each_kept_field_is_what_fills_its_columns("ndb-pharmacy", &bytes);
}
