//! Documents of the health record: `EHR_YYYYMM.ndjson`, one FHIR bundle of type `document` a line, UTF-8 (formats.md, 10).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::SyntheticError;
use crate::calendar::Month;
use crate::facilities::{Facilities, Facility};
use crate::records::{Document, DocumentKind, Observation, Stated};
use crate::truth::Truth;
use crate::write::{Identity, Sink};

/// The files of all months.
pub(crate) struct DocumentFiles {
    folder: PathBuf,
    months: BTreeMap<Month, (Sink, u64)>,
    documents: u64,
}

impl DocumentFiles {
    pub(crate) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), months: BTreeMap::new(), documents: 0 }
    }

    /// Writes a document as one line of its month.
    pub(crate) fn write(
        &mut self,
        one: &Document,
        facilities: &Facilities,
        truth: &mut Truth,
    ) -> Result<(), SyntheticError> {
        let Some(facility) = facilities.at(one.facility) else { return Ok(()) };
        let month = Month::of(one.issued_on);
        let (sink, records) = match self.months.entry(month) {
            std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::btree_map::Entry::Vacant(entry) => {
                entry.insert((Sink::create(&self.folder.join(format!("EHR_{}.ndjson", month.text())))?, 0))
            }
        };
        self.documents += 1;
        *records += 1;
        let mut line = bundle(one, facility, self.documents).to_string();
        line.push('\n');
        sink.raw(line.as_bytes())?;
        let identity = Identity::bare("ehr", one.person, &one.stated)
            .named(&one.stated, " ")
            .insured(&one.stated)
            .charted(&one.stated, &facility.code);
        let identity = Identity { postcode: Some(one.stated.postcode.clone()), ..identity };
        truth.identity(&sink.name(), *records, &identity)
    }

    /// Ends the files.
    pub(crate) fn finish(self) -> Result<(u64, u64), SyntheticError> {
        let mut done = (0, 0);
        for (sink, _) in self.months.into_values() {
            done = (done.0 + 1, done.1 + sink.close()?);
        }
        Ok(done)
    }
}

/// The member id of health insurance or public assistance, with its system.
fn member_id(stated: &Stated) -> (&'static str, String) {
    if let Some((payer, recipient)) = &stated.assistance {
        return ("http://jpfhir.jp/fhir/clins/Idsystem/JP_PublicPayer_memberID", format!("{payer}::{recipient}:"));
    }
    let branch = stated.branch.as_deref().unwrap_or_default();
    let id = format!("{}:{}:{}:{branch}", stated.insurer, stated.symbol, stated.number);
    ("http://jpfhir.jp/fhir/clins/Idsystem/JP_Insurance_memberID", id)
}

/// What entries repeat: the institution (on composition and patient) and the subject.
struct Frame {
    institution: Value,
    subject: Value,
    day: String,
    number: u64,
}

fn bundle(one: &Document, facility: &Facility, number: u64) -> Value {
    let (system, id) = member_id(&one.stated);
    let day = one.issued_on.to_string();
    let frame = Frame {
        institution: json!([{
            "url": "http://jpfhir.jp/fhir/clins/Extension/StructureDefinition/JP_eCS_InstitutionNumber",
            "valueIdentifier": {
                "system": "http://jpfhir.jp/fhir/core/IdSystem/insurance-medical-institution-no",
                "value": facility.code,
            },
        }]),
        subject: json!({"identifier": {"system": system, "value": id}}),
        day: day.clone(),
        number,
    };
    let mut entries = vec![composition(one, &frame), patient(one, facility, &frame)];
    entries.extend(conditions(one, &frame));
    entries.extend(one.observations.iter().enumerate().map(|(at, each)| observation(each, at, one.kind, &frame)));
    entries.extend(allergies(one, &frame));
    entries.extend(medications(one, &frame));
    let entries: Vec<Value> = entries
        .into_iter()
        .enumerate()
        .map(|(at, resource)| json!({"fullUrl": format!("#{number}-{at}"), "resource": resource}))
        .collect();
    json!({
        "resourceType": "Bundle",
        "id": format!("document-{number}"),
        "type": "document",
        "identifier": {
            "system": "http://jpfhir.jp/fhir/clins/bundle-identifier",
            "value": format!("{}^{}^{number:09}", facility.code, one.issued_on.year()),
        },
        "timestamp": format!("{day}T10:00:00+09:00"),
        "entry": entries,
    })
}

fn composition(one: &Document, frame: &Frame) -> Value {
    let (code, display) = match one.kind {
        DocumentKind::Checkup => ("53576-5", "健診結果報告書"),
        DocumentKind::DischargeSummary => ("18842-5", "退院時サマリー"),
        DocumentKind::Referral => ("57133-1", "診療情報提供書"),
    };
    json!({
        "resourceType": "Composition",
        "id": format!("composition-{}", frame.number),
        "status": "final",
        "extension": frame.institution,
        "type": {"coding": [{
            "system": "http://jpfhir.jp/fhir/Common/CodeSystem/doc-typecodes", "code": code, "display": display,
        }]},
        "subject": frame.subject,
        "date": format!("{}T10:00:00+09:00", frame.day),
        "title": display,
        "section": [{
            "code": {"coding": [{"system": "http://jpfhir.jp/fhir/clins/CodeSystem/document-section", "code": "340"}]},
            "text": {"status": "additional", "div": format!("<div xmlns=\"http://www.w3.org/1999/xhtml\">{}</div>", one.narrative)},
        }],
    })
}

fn patient(one: &Document, facility: &Facility, frame: &Frame) -> Value {
    let stated = &one.stated;
    let (system, id) = member_id(stated);
    let (family, given) = stated.kanji.split_once('　').unwrap_or((stated.kanji.as_str(), ""));
    let name = |form: &str, family: &str, given: &str| {
        json!({
            "extension": [{
                "url": "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation", "valueCode": form,
            }],
            "text": format!("{family} {given}"), "family": family, "given": [given],
        })
    };
    let mut patient = json!({
        "resourceType": "Patient",
        "id": format!("patient-{}", frame.number),
        "extension": frame.institution,
        "identifier": [
            {"system": format!("urn:oid:1.2.392.100495.20.3.51.1{}", facility.code), "value": stated.chart},
            {"system": system, "value": id},
        ],
        "name": [name("IDE", family, given), name("SYL", &stated.family_kana, &stated.given_kana)],
        "telecom": [{"system": "phone", "value": stated.phone, "use": "home"}],
        "gender": if stated.sex == 1 { "male" } else { "female" },
        "birthDate": stated.birth.to_string(),
        "address": [{"text": stated.address, "postalCode": stated.postcode}],
    });
    if let (Some(death), Some(fields)) = (one.died_on, patient.as_object_mut()) {
        fields.insert("deceasedDateTime".to_owned(), json!(death.to_string()));
    }
    patient
}

/// 病名管理番号: eight digits, made up from the receipt code.
pub(crate) fn disease_number(code: &str) -> String {
    format!("2{code}")
}

fn conditions(one: &Document, frame: &Frame) -> Vec<Value> {
    let each = one.conditions.iter().enumerate().map(|(at, condition)| {
        let icd10 = catalog::codes::icd10_of_disease(condition.code).unwrap_or_default();
        let mut tags = vec![json!({
            "system": "http://jpfhir.jp/fhir/clins/CodeSystem/JP_ehrshrs_indication", "code": "LTS",
        })];
        if condition.undisclosed {
            tags.push(json!({
                "system": "http://jpfhir.jp/fhir/clins/CodeSystem/JP_ehrshrs_indication", "code": "UNINFORMED",
            }));
        }
        json!({
            "resourceType": "Condition",
            "id": format!("condition-{}-{at}", frame.number),
            "meta": {"profile": ["http://jpfhir.jp/fhir/eCS/StructureDefinition/JP_Condition_eCS|1"], "tag": tags},
            "clinicalStatus": {"coding": [{
                "system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active",
            }]},
            "verificationStatus": {"coding": [{
                "system": "http://terminology.hl7.org/CodeSystem/condition-ver-status",
                "code": if condition.suspected { "provisional" } else { "confirmed" },
            }]},
            "code": {"coding": [
                {"system": "http://medis.or.jp/CodeSystem/master-disease-keyNumber", "code": disease_number(condition.code)},
                {"system": "http://jpfhir.jp/fhir/core/mhlw/CodeSystem/ICD10-2013-full", "code": icd10},
            ]},
            "subject": frame.subject,
            "onsetDateTime": condition.onset_on.to_string(),
            "recordedDate": frame.day,
        })
    });
    each.collect()
}

fn observation(one: &Observation, at: usize, kind: DocumentKind, frame: &Frame) -> Value {
    let category = match (one.infection, kind) {
        (true, _) => "infection",
        (false, DocumentKind::Checkup) => "exam",
        (false, DocumentKind::DischargeSummary | DocumentKind::Referral) => "laboratory",
    };
    // Items of a checkup have a code system of their own (formats.md, 8.3).
    let system =
        if kind == DocumentKind::Checkup { "urn:oid:1.2.392.200119.6.1005" } else { "urn:oid:1.2.392.200119.4.504" };
    let mut value = json!({
        "resourceType": "Observation",
        "id": format!("observation-{}-{at}", frame.number),
        "status": "final",
        "category": [{"coding": [{
            "system": "http://jpfhir.jp/fhir/core/CodeSystem/JP_SimpleObservationCategory_CS", "code": category,
        }]}],
        "code": {"coding": [{"system": system, "code": one.jlac}]},
        "subject": frame.subject,
        "effectiveDateTime": format!("{}T09:30:00+09:00", one.observed_on),
        "interpretation": [{"coding": [{
            "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation", "code": one.interpretation,
        }]}],
    });
    let Some(fields) = value.as_object_mut() else { return value };
    match &one.value {
        Ok(number) => {
            let quantity = json!({"value": number_of(number), "unit": one.unit, "code": one.unit});
            fields.insert("valueQuantity".to_owned(), quantity);
        }
        Err(positive) => {
            let code = if *positive { "POS" } else { "NEG" };
            let system = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation";
            fields.insert("valueCodeableConcept".to_owned(), json!({"coding": [{"system": system, "code": code}]}));
        }
    }
    if let Some((low, high)) = one.reference {
        let range = json!([{"low": {"value": number_of(low)}, "high": {"value": number_of(high)}}]);
        fields.insert("referenceRange".to_owned(), range);
    }
    value
}

/// The number that a text reads as.
fn number_of(text: &str) -> Value {
    text.parse::<f64>().map_or(Value::Null, |number| json!(number))
}

fn allergies(one: &Document, frame: &Frame) -> Vec<Value> {
    let each = one.allergies.iter().enumerate().map(|(at, allergy)| {
        let (category, system, criticality) = if allergy.drug {
            ("medication", "urn:oid:1.2.392.100495.20.2.73", "high")
        } else {
            ("food", "http://jpfhir.jp/fhir/core/CodeSystem/JP_JfagyFoodAllergen_CS", "low")
        };
        json!({
            "resourceType": "AllergyIntolerance",
            "id": format!("allergy-{}-{at}", frame.number),
            "clinicalStatus": {"coding": [{
                "system": "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical", "code": "active",
            }]},
            "category": [category],
            "criticality": criticality,
            "code": {"coding": [{"system": system, "code": allergy.code}]},
            "patient": frame.subject,
            "recordedDate": frame.day,
        })
    });
    each.collect()
}

fn medications(one: &Document, frame: &Frame) -> Vec<Value> {
    let each = one.medications.iter().enumerate().filter_map(|(at, medication)| {
        let drug = catalog::codes::drug(medication.drug)?;
        let days = f64::from(medication.days);
        Some(json!({
            "resourceType": "MedicationRequest",
            "id": format!("medication-{}-{at}", frame.number),
            "identifier": [{
                "system": "urn:oid:1.2.392.100495.20.3.11",
                "value": format!("{}-{}-{at}", one.stated.chart, frame.number),
            }],
            "status": "active",
            "intent": "order",
            "medicationCodeableConcept": {"coding": [{"system": "urn:oid:1.2.392.100495.20.2.73", "code": drug.yj}]},
            "subject": frame.subject,
            "authoredOn": medication.prescribed_on.to_string(),
            "dosageInstruction": [{"doseAndRate": [{"doseQuantity": {"value": medication.dose, "unit": drug.unit}}]}],
            "dispenseRequest": {
                "quantity": {"value": medication.dose * days, "unit": drug.unit},
                "expectedSupplyDuration": {"value": days, "unit": "日", "code": "d"},
            },
        }))
    });
    each.collect()
}
