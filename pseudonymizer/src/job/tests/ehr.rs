//! FHIR bundles and documents.

use jiff::civil::date;
use serde_json::{Value, json};

use super::*;

/// A bundle whose every free place names the person.
pub(super) fn bundle(number: &str, resources: &[Value]) -> Value {
    let member = json!({"system": "http://jpfhir.jp/fhir/clins/Idsystem/JP_Insurance_memberID", "value": "06131239:１２３:４５６７:00"});
    let name = |kind: &str, text: &str| json!({"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation", "valueCode": kind}], "text": text});
    let mut entries = vec![json!({"resource": {
        "resourceType": "Patient",
        "text": {"div": "<div>ヤマダ タロウ</div>"},
        "identifier": [{"system": "urn:oid:1.2.392.100495.20.3.51.11311234566", "value": "CH001001"}, member],
        "name": [name("IDE", "山田 太郎"), name("SYL", "ヤマダ タロウ")],
        "gender": "male", "birthDate": "1958-03-14",
        "telecom": [{"value": "03-1234-9999"}],
        "address": [{"text": "東京都架空区", "postalCode": "150-0002"}],
        "deceasedDateTime": "2023-12-30T10:00:00+09:00",
    }})];
    entries.extend(resources.iter().map(|resource| {
        let mut resource = resource.clone();
        let fields = resource.as_object_mut().unwrap();
        fields.insert("subject".into(), json!({"identifier": member}));
        fields.insert("note".into(), json!([{"text": "山田様のご家族"}]));
        fields.insert("recorder".into(), json!({"display": "医師 花子"}));
        fields.insert("identifier".into(), json!([{"value": "1311234566-CH001001-1"}]));
        json!({"fullUrl": "urn:uuid:1", "resource": resource})
    }));
    json!({
        "resourceType": "Bundle", "type": "collection", "timestamp": "2023-11-12T10:00:00+09:00",
        "identifier": {"system": "http://jpfhir.jp/fhir/clins/bundle-identifier", "value": format!("1311234566^2023^{number}")},
        "entry": entries,
    })
}

pub(super) fn coded(system: &str, code: &str) -> Value {
    json!({"coding": [{"system": system, "code": code, "display": "山田"}], "text": "山田"})
}

fn all() -> Vec<Value> {
    vec![
        json!({
            "resourceType": "Condition", "meta": {"tag": [{"code": "UNINFORMED"}]},
            "code": {"coding": [
                {"system": "http://medis.or.jp/CodeSystem/master-disease-keyNumber", "code": "20064049"},
                {"system": "http://jpfhir.jp/fhir/core/mhlw/CodeSystem/ICD10-2013-full", "code": "K26.9"},
            ], "text": "山田"},
            "verificationStatus": coded("x", "provisional"), "clinicalStatus": coded("x", "active"),
            "onsetDateTime": "2020-04-10", "recordedDate": "2020-05",
        }),
        json!({
            "resourceType": "Observation", "category": [coded("x", "laboratory")],
            "code": coded("urn:oid:1.2.392.200119.4.504", "3D046000001906202"),
            "effectiveDateTime": "2023-11-10T09:00:00+09:00",
            "valueQuantity": {"value": 6.8, "unit": "%", "comparator": "<"},
            "referenceRange": [{"low": {"value": 4.9}, "high": {"value": 6.0}, "text": "山田"}],
            "interpretation": [coded("x", "H")],
        }),
        json!({
            "resourceType": "Observation", "category": [coded("x", "infection")],
            "code": coded("urn:oid:1.2.392.200119.4.504", "5F016000002302711"),
            "valueCodeableConcept": coded("http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation", "NEG"),
        }),
        json!({"resourceType": "Observation", "code": coded("urn:local", "X-1"), "valueString": "山田 太郎"}),
        json!({
            "resourceType": "AllergyIntolerance", "category": ["food"], "criticality": "high",
            "code": coded("http://jpfhir.jp/fhir/core/CodeSystem/JP_JfagyFoodAllergen_CS", "J9FC11310000"),
        }),
        json!({
            "resourceType": "MedicationRequest",
            "medicationCodeableConcept": coded("urn:oid:1.2.392.100495.20.2.73", "2171022F2025"),
            "authoredOn": "2023-11-10", "dosageInstruction": [{"text": "山田", "doseAndRate": [{"doseQuantity": {"value": 1}}]}],
            "dispenseRequest": {"quantity": {"value": 28}, "expectedSupplyDuration": {"value": 28.0}},
        }),
        json!({"resourceType": "DocumentReference", "content": [{"attachment": {"data": "5bGx55Sw"}}]}),
    ]
}

#[test]
fn resources_are_built_anew_from_known_paths() {
    let world = World::new();
    let path = world.write("a.json", bundle("1", &all()).to_string().as_bytes());
    let batch = world.batch("ehr", &[path], "out");
    assert_eq!(batch.text("ehr.conditions", "disease_code"), ["20064049"]);
    assert_eq!(batch.text("ehr.conditions", "icd10"), ["K269"]);
    let flag = |column: &str| batch.tables["ehr.conditions"].column_by_name(column).unwrap().as_boolean().value(0);
    assert!(flag("undisclosed") && flag("suspected"));
    assert_eq!(batch.days("ehr.conditions", "recorded_on"), [None]);
    assert_eq!(batch.text("ehr.observations", "category"), ["infection", "laboratory"]);
    assert_eq!(batch.numbers("ehr.observations", "value"), [None, Some(6.8)]);
    assert_eq!(batch.text("ehr.observations", "value_code"), ["negative", "-"]);
    assert_eq!(batch.text("ehr.observations", "comparator"), ["-", "<"]);
    assert_eq!(batch.text("ehr.allergies", "code"), ["J9FC11310000"]);
    assert_eq!(batch.ints("ehr.medications", "days"), [Some(28)]);
    assert_eq!(batch.report.count(Reason::NoCode), 1, "a local code");
    assert_eq!(batch.report.count(Reason::RecordUncarried), 1, "a file inside");
    assert_eq!(batch.days("person", "died_month"), [Some(catalog::codes::days(date(2023, 12, 1)))]);
    let receipts = world.run("ndb", &["RECEIPTC_202207.UKE"]);
    for kind in ["a1", "a3", "b1", "b2", "d1"] {
        assert!(batch.joins("ehr.conditions", &receipts, "ndb.claims", kind), "{kind}");
    }
    let leaving = batch.leaving(&world);
    for secret in ["山田", "ヤマダ", "花子", "CH001001", "４５６７", "4567", "1234-9999", "架空", "5bGx55Sw", "^2023^"]
    {
        assert_eq!(count_in(&leaving, secret), 0, "{secret}");
    }
}

#[test]
fn a_later_bundle_replaces_and_a_patient_alone_deletes() {
    let world = World::new();
    let lines = [
        bundle("1", &all()[..1]),
        bundle("2", &all()[..1]),
        bundle("3", &all()[..1]),
        bundle("1", &all()[4..5]),
        bundle("2", &[]),
    ];
    let text = lines.map(|line| line.to_string()).join("\n");
    let path = world.write("a.ndjson", text.as_bytes());
    let batch = world.batch("ehr", &[path], "out");
    assert_eq!(batch.report.tables["ehr.conditions"], 1);
    assert_eq!(batch.report.tables["ehr.allergies"], 1);
}

#[test]
fn broken_and_foreign_json_is_put_aside() {
    let world = World::new();
    let mut nobody = bundle("4", &all()[..1]);
    nobody["identifier"]["value"] = json!("x");
    nobody["entry"][0]["resource"]["identifier"] = json!([]);
    let good = bundle("1", &all()[..1]).to_string();
    let deep = good.replacen("\"note\":", &format!("\"x\":{}1{},\"note\":", "[".repeat(70), "]".repeat(70)), 1);
    let twice = good.replacen("\"recordedDate\":", "\"recordedDate\":\"2020-05-01\",\"recordedDate\":", 1);
    let placeholder = good.replacen("\"2020-04-10\"", "$date", 1);
    let text = format!(
        "{good}\n{{\"resourceType\": \"Bundle\", \"entry\"\n{{\"resourceType\":\"Patient\"}}\n{nobody}\n{deep}\n{twice}\n{placeholder}\n"
    );
    let path = world.write("a.ndjson", text.as_bytes());
    let batch = world.batch("ehr", &[path], "out");
    assert_eq!(batch.report.count(Reason::RecordForm), 5);
    assert_eq!(batch.report.count(Reason::NoFacility), 1);
    assert_eq!(batch.report.files[0].passed, 1);
    let broken_first = world.write("b.ndjson", format!("{}\n{good}\n{good}\n", good.split_at(200).0).as_bytes());
    let batch = world.batch("ehr", &[broken_first], "first");
    assert_eq!((batch.report.files[0].records, batch.report.quarantined()), (3, 1));
}

#[test]
fn a_relatives_disease_is_nobodys_and_a_section_tells_an_infection() {
    let world = World::new();
    let section =
        |code: &str, entry: &str| json!({"code": {"coding": [{"code": code}]}, "entry": [{"reference": entry}]});
    let mut document = bundle("5", &[all()[0].clone(), all()[1].clone(), all()[1].clone(), all()[4].clone()]);
    let sections = [section("550", "urn:a"), section("640", "urn:b"), section("620", "urn:c"), section("999", "urn:d")];
    for (at, url) in [(1, "urn:a"), (2, "urn:b"), (3, "urn:c"), (4, "urn:d")] {
        document["entry"][at]["fullUrl"] = json!(url);
    }
    let composition = json!({"resource": {
        "resourceType": "Composition", "date": "2023-11-12",
        "type": {"coding": [{"system": "http://jpfhir.jp/fhir/Common/CodeSystem/doc-typecodes", "code": "57133-1"}]},
        "section": [{"code": {"coding": [{"code": "300"}]}, "section": sections}],
    }});
    document["entry"].as_array_mut().unwrap().insert(0, composition);
    let path = world.write("a.json", document.to_string().as_bytes());
    let batch = world.batch("ehr", &[path], "out");
    assert_eq!(batch.text("ehr.observations", "category"), ["infection", "laboratory"]);
    assert_eq!(batch.text("ehr.documents", "kind"), ["referral"]);
    assert!(!batch.tables.contains_key("ehr.conditions") && !batch.tables.contains_key("ehr.allergies"));
    assert_eq!(batch.report.count(Reason::PartUnknown), 1, "a section that is not listed");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn broken_json_never_panics(cuts in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..40)) {
        let world = World::new();
        let mut bytes = bundle("1", &all()).to_string().into_bytes();
        for (at, byte) in cuts {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let path = world.write("a.json", &bytes);
        let done = world.try_run("ehr", &[path], "out");
        let ended = matches!(done, Ok(_) | Err(PseudonymizeError::Nothing { .. }));
        prop_assert!(ended);
    }
}
