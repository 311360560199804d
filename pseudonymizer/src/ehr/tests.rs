//! What the rebuilt views hold, and what they must not.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::rebuild::{Document, rebuild};
use super::shape::{Shape, is_deeper};
use super::tree::Plan;
use super::view::View;
use super::walk::Tally;
use crate::layout::{Form, Place, shipped};

fn plan() -> Plan {
    Plan::of(&shipped().unwrap()["ehr-fhir"])
}

/// Walks a text and hands on what was built.
fn walked<T>(text: &str, plan: &Plan, look: impl FnOnce(&Document<'_>) -> T) -> Option<T> {
    let shape: Shape<'_> = serde_json::from_str(text).ok()?;
    let tally = Tally::default();
    rebuild(text.as_bytes(), &shape, plan, &tally).ok().map(|document| look(&document))
}

fn bundle(resource: &Value) -> String {
    json!({"resourceType": "Bundle", "entry": [{"fullUrl": "urn:uuid:secret", "resource": resource}]}).to_string()
}

#[test]
fn no_node_is_wider_than_the_guard_against_doubled_keys() {
    let layouts = shipped().unwrap();
    let plan = plan();
    assert!(plan.bundle.widest() < 64);
    for record in &layouts["ehr-fhir"].records {
        assert!(plan.record(&record.tag).2.unwrap().widest() < 64, "{}", record.tag);
    }
}

#[test]
fn the_order_of_keys_does_not_matter_and_doubled_ones_are_refused() {
    let plan = plan();
    let day = |text: &str| walked(text, &plan, |document| document.resources[0].views.content.day("recordedDate"));
    let last =
        r#"{"entry":[{"resource":{"recordedDate":"2020-05-01","resourceType":"Condition"}}],"resourceType":"Bundle"}"#;
    assert!(day(last).unwrap().is_some());
    for doubled in [
        last.replace(r#""recordedDate":"#, r#""recordedDate":"2020-05-02","recordedDate":"#),
        last.replace(r#""resourceType":"Condition""#, r#""resourceType":"Condition","resourceType":"Patient""#),
        last.replace(r#"[{"resource":"#, r#"[{"resource":{"resourceType":"Patient"},"resource":"#),
        last.replace(r#","resourceType":"Bundle""#, r#","entry":[],"resourceType":"Bundle""#),
    ] {
        assert!(day(&doubled).is_none(), "{doubled}");
    }
}

#[test]
fn depth_is_counted_outside_of_strings() {
    assert!(!is_deeper(br#"{"a":"[[[[[[\"[[[["}"#, 1));
    assert!(is_deeper(br#"{"a":[1]}"#, 1));
    assert!(!is_deeper(br"[{},{},{}]", 2));
    assert!(!is_deeper(br#"{"a":"unfinished \"#, 2));
}

#[test]
fn nothing_is_built_of_resources_that_are_not_read() {
    let plan = plan();
    for kind in ["Practitioner", "Binary", "Nobody"] {
        let text = bundle(&json!({"resourceType": kind, "name": [{"text": "医師"}], "data": "AAAA"}));
        let none = walked(&text, &plan, |document| {
            let views = &document.resources[0].views;
            views.content == View::Nothing && views.identity == View::Nothing
        });
        assert_eq!(none, Some(true), "{kind}");
    }
}

/// Names of the layout and others, so that random trees often meet the allowed paths.
fn names() -> Vec<String> {
    let mut names = BTreeSet::new();
    for record in &shipped().unwrap()["ehr-fhir"].records {
        for field in &record.fields {
            let Place::Path(path) = &field.place else { continue };
            names.extend(path.split('.').map(str::to_owned));
        }
    }
    names.extend(["display", "div", "id", "resourceType2"].map(str::to_owned));
    names.into_iter().collect()
}

/// Every string of a tree with its path, lists left out of the path.
fn strings(value: &Value, path: &str, into: &mut Vec<(String, String)>) {
    match value {
        Value::Array(list) => list.iter().for_each(|one| strings(one, path, into)),
        Value::Object(map) => {
            for (name, one) in map {
                let below = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                strings(one, &below, into);
            }
        }
        Value::String(text) => into.push((path.to_owned(), text.clone())),
        Value::Bool(_) | Value::Null | Value::Number(_) => {}
    }
}

fn tree() -> impl Strategy<Value = Value> {
    // Each string is its own, so that where it turns up is known.
    let leaf = prop_oneof![
        4 => any::<u32>().prop_map(|number| json!(format!("s{number:010}"))),
        1 => any::<u32>().prop_map(|number| json!(format!("山\n{number:010}"))),
        1 => any::<f64>().prop_map(|number| json!(number)),
        1 => any::<bool>().prop_map(Value::Bool),
        1 => Just(Value::Null),
        1 => Just(json!("2020-02-03T10:00:00+09:00")),
    ];
    let names = names();
    leaf.prop_recursive(7, 200, 6, move |inner| {
        let names = names.clone();
        prop_oneof![
            1 => proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            4 => proptest::collection::vec((proptest::sample::select(names), inner), 0..7)
                .prop_map(|parts| Value::Object(parts.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn no_string_from_elsewhere_is_in_a_view(tree in tree(), kind in 0_usize..20) {
        let layouts = shipped().unwrap();
        let layout = &layouts["ehr-fhir"];
        let record = &layout.records[kind % layout.records.len()];
        let Value::Object(mut resource) = tree else { return Ok(()) };
        resource.insert("resourceType".into(), json!(record.tag));
        let resource = Value::Object(resource);
        let (content, identity) = walked(&bundle(&resource), &plan(), |document| {
            let views = &document.resources[0].views;
            (views.content.texts(), views.identity.texts())
        }).unwrap();
        let mut all = Vec::new();
        strings(&resource, "", &mut all);
        let at = |form: fn(&crate::layout::Field) -> Option<Form>| -> BTreeSet<String> {
            let fields = record.fields.iter().filter(|field| form(field).is_some());
            fields.map(|field| if let Place::Path(path) = &field.place { path.clone() } else { String::new() }).collect()
        };
        for (found, allowed) in [(content, at(Form::content)), (identity, at(Form::identity))] {
            let allowed: BTreeSet<&String> =
                all.iter().filter(|(path, _)| allowed.contains(path)).map(|(_, text)| text).collect();
            for text in &found {
                prop_assert!(allowed.contains(text), "{text} is in a view");
            }
        }
    }

    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _deep = is_deeper(&bytes, 64);
        let text = String::from_utf8_lossy(&bytes);
        let _walked = walked(&text, &plan(), |_| ());
        let inside = format!("{{\"resourceType\":\"Bundle\",\"entry\":[{{\"resource\":{text}}}]}}");
        let _walked = walked(&inside, &plan(), |_| ());
    }
}
