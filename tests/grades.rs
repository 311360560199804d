//! A preview is told as one wherever a person sees it, and so is a value that was taken from an earlier answer.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::world::{PERSONS, World, prepared_output, text};

const MARK: &str = "閲覧用・公表不可";

const BY_PREFECTURE: &str =
    "SELECT prefecture, count(DISTINCT person_key) AS persons FROM ndb.claims GROUP BY prefecture ORDER BY prefecture";

#[test]
fn the_demo_has_a_project_of_each_grade_and_says_so() {
    let world = World::start();
    let grades: Vec<&str> =
        world.demo["projects"].as_array().unwrap().iter().map(|project| project["grade"].as_str().unwrap()).collect();
    assert_eq!(grades.len(), 2, "{grades:?}");
    let (stdout, _) = prepared_output(PERSONS, "none");
    for grade in ["exact", "preview"] {
        let line = stdout.lines().find(|line| line.starts_with(&world.project(grade))).expect("the project is listed");
        assert!(line.contains(&world.permit(grade)) && line.contains(grade), "{line}");
        assert_eq!(line.contains(MARK), grade == "preview", "{line}");
    }
}

#[test]
fn a_preview_is_near_the_exact_cells_the_same_each_time_and_marked_in_every_form() {
    let world = World::start();
    let (exact, preview) = (world.answer_in("exact", BY_PREFECTURE), world.answer_in("preview", BY_PREFECTURE));
    assert_eq!((&exact["veil"]["grade"], &preview["veil"]["grade"]), (&json!("exact"), &json!("preview")));
    let (truth, shown) = (persons(&exact), persons(&preview));
    let both: Vec<(i64, i64)> =
        shown.iter().filter_map(|(key, shown)| Some((truth.get(key).copied()?, *shown))).collect();
    assert!(both.len() >= 10, "{} cells in both", both.len());
    // docs/preview.md: D = 5.
    assert!(both.iter().all(|(truth, shown)| (truth - shown).abs() <= 5), "{both:?}");
    assert!(both.iter().any(|(truth, shown)| truth != shown), "no cell has noise: {both:?}");
    let again = world.answer_in("preview", BY_PREFECTURE);
    let otherwise = BY_PREFECTURE.replace("count(DISTINCT person_key)", "count(DISTINCT c.person_key)");
    let otherwise = world.answer_in(
        "preview",
        &otherwise.replace("ndb.claims", "ndb.claims AS c WHERE points >= 0 OR points < 0 OR points IS NULL"),
    );
    assert_eq!(shown, persons(&again));
    assert_eq!(shown, persons(&otherwise), "the noise is of the persons, not of the wording");

    for (lang, words) in [("ja", MARK), ("en", "Preview – not for publication")] {
        let said = |grade: &str, format: &str| {
            let output = world.sql_shown(grade, [lang, format], BY_PREFECTURE);
            assert!(output.status.success(), "{}", text(&output.stderr));
            (text(&output.stdout), text(&output.stderr))
        };
        let (table, _) = said("preview", "table");
        assert!(table.starts_with(MARK) && table.contains(words), "{table}");
        let (csv, note) = said("preview", "csv");
        assert!(note.contains(MARK) && note.contains(words), "{note}");
        assert!(csv.lines().any(|line| line.starts_with('#') && line.contains(words)), "{csv}");
        let (json, _) = said("preview", "json");
        let json: Value = serde_json::from_str(&json).unwrap();
        assert!(json["notices"][0].as_str().unwrap().contains(words), "{json}");
        for format in ["table", "csv", "json"] {
            let (out, note) = said("exact", format);
            assert!(!out.contains(MARK) && !note.contains(MARK), "{format}: {out}{note}");
        }
    }
    assert_eq!(exact["notices"], json!([]));
}

#[test]
fn a_withheld_band_and_a_snapped_value_get_their_sentences() {
    let world = World::start();
    let all = "SELECT count(DISTINCT person_key) AS persons FROM ltc.claims WHERE service_type = '11'";
    let first = world.answer(all);
    assert_eq!(first["veil"]["snapped"], 0, "a first answer is nobody's repetition");
    assert_eq!(world.answer(all)["veil"]["snapped"], 0, "the same persons again are no news");
    for (lang, words) in [("ja", "0 と少数は区別できません"), ("en", "none and few look the same")] {
        assert!(text(&world.sql_shown("exact", [lang, "table"], all).stdout).contains(words));
    }
    // All but a handful: the difference would be theirs. Six prefectures of few persons, within the budget of variants.
    let but = |prefecture: &str| format!("{all} AND insurer_prefecture <> '{prefecture}'");
    let (asked, answer) = ["26", "22", "15", "31", "01", "28"]
        .map(but)
        .into_iter()
        .map(|sql| (sql.clone(), world.answer(&sql)))
        .find(|(_, answer)| answer["veil"]["snapped"].as_u64().unwrap() > 0)
        .expect("a question that leaves out less than ten persons is noticed");
    assert_eq!(answer["rows"], first["rows"], "the earlier value stands in the place of the new one");
    assert!(answer["notices"][0].as_str().unwrap().contains("earlier answers"), "{answer}");
    let shown = world.sql_shown("exact", ["ja", "table"], &asked);
    assert!(text(&shown.stdout).contains("以前の回答から取りました"), "{}", text(&shown.stdout));
    let shown = world.sql_shown("exact", ["en", "csv"], &asked);
    assert!(text(&shown.stderr).contains("earlier answers"), "{}", text(&shown.stderr));
}

/// Second column by first.
fn persons(answer: &Value) -> BTreeMap<String, i64> {
    let rows = answer["rows"].as_array().unwrap().iter();
    rows.filter_map(|row| Some((row[0].to_string(), row[1].as_i64()?))).collect()
}
