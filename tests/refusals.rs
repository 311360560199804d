//! What must be refused is refused with a sentence and a hint; what papers print is answered. Over the real socket.

use std::fs;

use serde_json::Value;

use crate::world::{World, path, python, root};

/// The classes of `attacks.jsonl` that are refused before a row is read.
const CLASSES: [&str; 9] = [
    "direct row output",
    "person_key laundering",
    "literal person keys",
    "windows",
    "limits/topk",
    "DDL/DML/SET",
    "files",
    "metadata",
    "explain",
];

fn cases() -> Vec<Value> {
    let text = fs::read_to_string(root().join("tests/fixtures/attacks.jsonl")).unwrap();
    text.lines().filter(|line| !line.trim().is_empty()).map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn rows_are_refused_with_a_sentence_and_a_hint() {
    let world = World::start();
    let refused = world.refusal("SELECT * FROM ndb.claims LIMIT 1");
    for field in ["code", "rule", "message", "hint"] {
        assert!(refused[field].as_str().is_some_and(|text| !text.is_empty()), "{field} is missing in {refused}");
    }
    assert!(refused["code"].as_str().unwrap().starts_with("guard/"));
}

#[test]
fn every_attack_of_the_static_classes_is_refused() {
    let world = World::start();
    let mut asked = 0;
    for case in
        cases().iter().filter(|case| CLASSES.contains(&case["class"].as_str().unwrap()) && case["expected"] == "refuse")
    {
        let Some(sql) = case["sql"].as_str() else { continue };
        let (code, json) = world.sql_as("researcher", sql);
        assert_eq!(code, 3, "{} was not refused: {sql}\n{json}", case["id"]);
        let refused = &json["refused"];
        for field in ["message", "hint"] {
            assert!(refused[field].as_str().is_some_and(|text| text.len() > 10), "{}: no {field}: {json}", case["id"]);
        }
        asked += 1;
    }
    assert!(asked >= 45, "only {asked} cases");
}

#[test]
fn at_least_thirty_real_studies_are_answered() {
    let world = World::start();
    let mut answered = Vec::new();
    let mut refused = Vec::new();
    for case in cases().iter().filter(|case| case["class"] == "legit") {
        let (code, json) = world.sql_as("researcher", case["sql"].as_str().unwrap());
        match code {
            0 => answered.push(case["id"].as_str().unwrap().to_owned()),
            3 => refused.push(format!("{}: {}", case["id"], json["refused"]["code"])),
            _ => panic!("{} failed: {json}", case["id"]),
        }
    }
    assert!(answered.len() >= 30, "{} answered; refused:\n{}", answered.len(), refused.join("\n"));
}

#[test]
fn python_asks_over_adbc_and_reads_the_veil() {
    let world = World::start();
    let sql = "SELECT sex, count(DISTINCT person_key) AS persons FROM ndb.claims GROUP BY sex ORDER BY sex";
    let (token, project, server) = (world.token_file("researcher"), world.project("exact"), world.address("engine"));
    let lines = python("adbc.py", &[&server, path(&token), &project, sql]);
    let same = world.answer(sql);
    assert_eq!(lines[0]["rows"], same["rows"]);
    assert_eq!(lines[0]["veil"], same["veil"]);
    let bound = "SELECT count(*) AS claims FROM ndb.claims WHERE sex = ? AND points >= ?";
    let lines = python("adbc.py", &[&server, path(&token), &project, bound, "[\"1\", 500]"]);
    let same = world.answer("SELECT count(*) AS claims FROM ndb.claims WHERE sex = '1' AND points >= 500");
    assert_eq!(lines[0]["rows"], same["rows"]);
    let keyed = "SELECT sum(points) FROM ndb.claims WHERE person_key = ?";
    let refused = python("adbc.py", &[&server, path(&token), &project, keyed, "[3000]"]);
    assert!(refused[0]["error"].as_str().unwrap().contains("V-PK-LITERAL"), "{}", refused[0]);
    let refused = python("adbc.py", &[&server, path(&token), &project, "SELECT person_key FROM ndb.claims"]);
    let said = refused[0]["error"].as_str().unwrap();
    assert!(said.contains("guard/") && said.contains("V-ROOT"), "{said}");
}

#[test]
fn a_wrong_sql_gets_its_line_and_column_and_a_missing_column_looks_like_one_not_granted() {
    let world = World::start();
    let refused = world.refusal("SELECT count(*)\nFROM ndb.claims\nWHERE no_such_column = 1");
    assert_eq!(refused["line"], 3, "{refused}");
    let hidden = world.refusal("SELECT __facility, count(*) FROM ndb.claims GROUP BY 1");
    assert!(hidden["message"].as_str().is_some_and(|text| !text.is_empty()), "{hidden}");
}
