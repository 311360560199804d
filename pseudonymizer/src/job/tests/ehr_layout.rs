//! Every path that the layout of FHIR keeps fills what it says it fills: taken away, that changes.

use serde_json::{Value, json};

use super::ehr::{bundle, coded};
use super::*;
use crate::layout::{Action, Place, instead, shipped};

const INSTITUTION: &str = "http://jpfhir.jp/fhir/clins/Extension/StructureDefinition/JP_eCS_InstitutionNumber";
const KEYS: &str = "http://medis.or.jp/CodeSystem/master-disease-keyNumber";
const MODIFIERS: &str = "http://medis.or.jp/CodeSystem/master-disease-modExCode";
const JLAC10: &str = "urn:oid:1.2.392.200119.4.504";
const INSTITUTION_NUMBER: &str = "http://jpfhir.jp/fhir/core/IdSystem/insurance-medical-institution-no";
const INSURER_NUMBER: &str = "urn:oid:1.2.392.100495.20.3.61";
const NORMAL: &str = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation";

fn stated() -> Value {
    json!([{"url": INSTITUTION, "valueIdentifier": {"system": "x", "value": "2711234568"}}])
}

fn modifier() -> Value {
    json!({"url": "http://jpfhir.jp/fhir/core/Extension/StructureDefinition/JP_Condition_DiseasePostfixModifier",
        "valueCodeableConcept": coded(MODIFIERS, "8002")})
}

/// Resources of one type, each with another way to say things.
fn resources() -> Vec<Value> {
    let condition = |more: Value| {
        let mut one = json!({
            "resourceType": "Condition",
            "code": {"coding": [{"system": KEYS, "code": "20064049"},
                {"system": "http://jpfhir.jp/fhir/core/mhlw/CodeSystem/ICD10-2013-full", "code": "K26.9"}]},
        });
        one.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        one
    };
    let mut postfix = condition(json!({}));
    postfix["code"]["extension"] = json!([modifier()]);
    vec![
        condition(json!({"extension": stated(), "clinicalStatus": coded("x", "active"), "recordedDate": "2020-05-01",
            "onsetDateTime": "2020-04-10", "abatementDateTime": "2020-06-01"})),
        condition(json!({"verificationStatus": coded("x", "provisional")})),
        condition(json!({"extension": [modifier()], "meta": {"tag": [{"code": "UNINFORMED"}]}})),
        postfix,
        json!({"resourceType": "Observation", "extension": stated(), "code": coded(JLAC10, "3D046000001906202"),
            "effectiveDateTime": "2023-11-10T09:00:00+09:00", "valueQuantity": {"value": 6.8, "unit": "%", "comparator": "<"},
            "referenceRange": [{"low": {"value": 4.9}, "high": {"value": 6.0}}], "interpretation": [coded("x", "H")]}),
        json!({"resourceType": "Observation", "code": coded(JLAC10, "3D010000001926101"),
            "effectivePeriod": {"start": "2023-11-09"}, "valueQuantity": {"value": 98, "code": "mg/dL"}}),
        json!({"resourceType": "Observation", "code": coded(JLAC10, "9N737000000000012"), "valueInteger": 150}),
        json!({"resourceType": "Observation", "category": [coded("x", "infection")],
            "code": coded(JLAC10, "5F016000002302711"), "valueCodeableConcept": coded(NORMAL, "NEG")}),
        json!({"resourceType": "AllergyIntolerance", "extension": stated(), "category": ["food"], "criticality": "high",
            "recordedDate": "2020-05-02",
            "code": coded("http://jpfhir.jp/fhir/core/CodeSystem/JP_JfagyFoodAllergen_CS", "J9FC11310000")}),
        json!({"resourceType": "MedicationRequest", "extension": stated(), "authoredOn": "2023-11-10",
            "medicationCodeableConcept": coded("urn:oid:1.2.392.100495.20.2.73", "2171022F2025"),
            "dosageInstruction": [{"doseAndRate": [{"doseQuantity": {"value": 1}}]}],
            "dispenseRequest": {"quantity": {"value": 28}, "expectedSupplyDuration": {"value": 28.0}}}),
        json!({"resourceType": "MedicationRequest",
            "medicationCodeableConcept": coded("urn:oid:1.2.392.100495.20.2.81", "2171022F2ZZZ")}),
    ]
}

/// A document: a composition in front, and resources that its sections name.
fn document(number: &str, composition: &Value, resources: &[Value]) -> Value {
    let mut document = bundle(number, resources);
    let mut one = json!({"resourceType": "Composition"});
    one.as_object_mut().unwrap().extend(composition.as_object().unwrap().clone());
    let entries = document["entry"].as_array_mut().unwrap();
    for (at, entry) in entries.iter_mut().enumerate() {
        entry["fullUrl"] = json!(format!("urn:uuid:{at}"));
    }
    entries.insert(0, json!({"fullUrl": "urn:uuid:c", "resource": one}));
    document
}

/// Bundles in which each path matters to at least one.
fn bundles() -> Vec<Value> {
    let lab = || json!({"resourceType": "Observation", "code": coded(JLAC10, "5F016000002302711")});
    let organization = || json!({"resourceType": "Organization"});
    let numbered = |system: &str, value: &str| json!([{"system": system, "value": value}]);
    let section = |entry: &str| json!({"code": {"coding": [{"code": "640"}]}, "entry": [{"reference": entry}]});
    let undated = json!({"type": coded("x", "57133-1"), "section": [section("urn:uuid:1")]});
    let mut referral = document("2", &undated, &[lab(), lab()]);
    referral["identifier"]["value"] = json!("1411234563^2023^2");
    referral["entry"][1]["resource"]["address"] = json!([{"text": "x", "postalCode": "１００－００１２"}]);
    let mut profiled = document("3", &json!({"section": [{"section": [section("urn:uuid:1")]}]}), &[lab()]);
    profiled["meta"] =
        json!({"lastUpdated": "2023-01-02T00:00:00+09:00", "profile": ["http://jpfhir.jp/eDischargeSummary"]});
    profiled.as_object_mut().unwrap().remove("timestamp");
    let patient = &mut profiled["entry"][1]["resource"];
    patient["deceasedBoolean"] = json!(true);
    patient.as_object_mut().unwrap().remove("deceasedDateTime");
    for name in patient["name"].as_array_mut().unwrap() {
        let name = name.as_object_mut().unwrap();
        name.remove("text");
        name.insert("family".into(), json!("スズキ"));
        name.insert("given".into(), json!(["ハナコ"]));
    }
    let by =
        |role: &str| json!({"date": "2023-02-03", "type": coded("x", "53576-5"), role: [{"reference": "urn:uuid:1"}]});
    let mut others = Vec::new();
    for (role, place) in [("author", "2711234568"), ("custodian", "1411234563")] {
        let mut composition = by(role);
        if role == "custodian" {
            composition["custodian"] = json!({"reference": "urn:uuid:1"});
        }
        let part = |kind: &str, value: &str| json!({"url": format!("http://x/JP_Coverage_InsuredPerson{kind}"), "valueString": value});
        let card = json!({"resourceType": "Coverage",
            "extension": [part("Symbol", "１２３"), part("Number", role), part("SubNumber", "01")]});
        let mut one = document(role, &composition, &[organization(), organization(), card, lab()]);
        one["entry"][2]["resource"]["identifier"] = numbered(INSTITUTION_NUMBER, place);
        one["entry"][3]["resource"]["identifier"] = numbered(INSURER_NUMBER, "06131239");
        one["identifier"]["value"] = json!(format!("urn:uuid:{role}"));
        one["entry"][1]["resource"]["identifier"] = json!([]);
        one["entry"][1]["resource"]["name"] = json!([]);
        others.push(one);
    }
    let mut own_card = others[0].clone();
    own_card["entry"][4]["resource"]["identifier"] = numbered(INSURER_NUMBER, "06131239");
    own_card["entry"][3]["resource"]["identifier"] = json!([]);
    others.push(own_card);
    let mut told = bundle("4", &resources()[..1]);
    told["meta"] = json!({"tag": [{"code": "UNINFORMED"}]});
    [vec![bundle("1", &resources()), referral, profiled, told], others].concat()
}

/// A column as sorted text, and all tokens.
pub(super) fn column(batch: &Batch, table: &str, name: &str) -> String {
    let name = if name == "facility_id" { "facility_code" } else { name };
    let Some(table) = batch.tables.get(table) else { return String::new() };
    let column = table.column_by_name(name).unwrap_or_else(|| panic!("{name}"));
    sorted(&arrow::util::pretty::pretty_format_columns(name, &[Arc::clone(column)]).unwrap().to_string())
}

fn sorted(text: &str) -> String {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines.join("\n")
}

pub(super) fn tokens(batch: &Batch) -> String {
    let schema = batch.tokens.schema();
    let names = schema.fields().iter().map(|field| field.name().as_str()).filter(|name| *name != "atom");
    let columns: Vec<_> = names.map(|name| (name, Arc::clone(batch.tokens.column_by_name(name).unwrap()))).collect();
    let without = RecordBatch::try_from_iter(columns).unwrap();
    sorted(&arrow::util::pretty::pretty_format_batches(&[without]).unwrap().to_string())
}

#[test]
fn each_field_of_the_layout_fills_what_it_says() {
    let world = World::new();
    let text = bundles().iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
    let path = world.write("a.ndjson", text.as_bytes());
    let whole = world.batch("ehr", std::slice::from_ref(&path), "whole");
    assert_eq!(whole.report.quarantined(), 0);
    let layout = shipped().unwrap().remove("ehr-fhir").unwrap();
    let mut silent = Vec::new();
    for (record, fields) in layout.records.iter().enumerate() {
        for (field, one) in fields.fields.iter().enumerate().filter(|(_, one)| one.action != Action::Drop) {
            let Place::Path(at) = &one.place else { panic!("a path") };
            assert!(!one.to.is_empty() || one.action == Action::Tokenise, "{at} is kept and fills nothing");
            let out = format!("{}-{at}", fields.tag);
            let files = std::slice::from_ref(&path);
            let batch = instead::with(instead::without(&layout, record, field), || world.batch("ehr", files, &out));
            let mut changes = one.to.iter().filter_map(|to| {
                let (table, name) = to.rsplit_once('.').unwrap();
                (column(&whole, table, name) == column(&batch, table, name)).then(|| format!("{out} to {to}"))
            });
            silent.extend(changes.by_ref());
            if one.action == Action::Tokenise && tokens(&whole) == tokens(&batch) {
                silent.push(format!("{out} to tokens"));
            }
            fs::remove_dir_all(batch.folder).unwrap();
        }
    }
    assert!(silent.is_empty(), "{silent:#?}");
}
