//! `engine/tests/veil/*.slt`: for each rule of disclosure.md, section 2, a query that it lets through and one that it stops. Values
//! are the fixture's; where a file says `exact` or `rounded`, the same query without the veil says so too.
#![expect(clippy::wildcard_enum_match_arm, reason = "tests: what goes wrong ends them, and figures are small")]

use std::collections::BTreeMap;
use std::path::Path;

use datafusion::prelude::SessionContext;

use super::veil_off::{plain, texts, truth};
use super::*;

/// One entry of a file.
#[derive(Debug, Default)]
struct Entry {
    rule: String,
    lets_through: bool,
    same_project: bool,
    /// `statement error <code>` or `query [exact|rounded]`.
    kind: String,
    sql: String,
    expected: Vec<String>,
}

fn entries(text: &str) -> Vec<Entry> {
    text.split("\n\n").filter_map(entry).collect()
}

fn entry(block: &str) -> Option<Entry> {
    let mut entry = Entry::default();
    let (mut sql, mut values) = (Vec::new(), false);
    for line in block.lines() {
        if let Some(comment) = line.strip_prefix("# ") {
            entry.rule = comment.split_whitespace().next()?.to_owned();
            entry.lets_through = comment.contains("lets through");
        } else if line == "same project" {
            entry.same_project = true;
        } else if line.starts_with("query") || line.starts_with("statement") {
            line.clone_into(&mut entry.kind);
        } else if line == "----" {
            values = true;
        } else if values {
            entry.expected.push(line.to_owned());
        } else {
            sql.push(line);
        }
    }
    entry.sql = sql.join("\n");
    (!entry.kind.is_empty()).then_some(entry)
}

/// What the same query gives without the veil: equal, or equal but for rounding. Rows that are left out are not compared.
async fn agrees(context: &SessionContext, entry: &Entry, shown: &[Vec<String>]) -> bool {
    let expected = truth(context, &entry.sql).await.unwrap();
    let rounded = entry.kind.ends_with("rounded");
    let near = |(a, b): (&String, &String)| match (a.parse::<f64>(), b.parse::<f64>()) {
        (Ok(a), Ok(b)) if rounded => (a - b).abs() <= 0.01 * b.abs(),
        _ => a == b,
    };
    let same = |a: &Vec<String>, b: &Vec<String>| a.len() == b.len() && a.iter().zip(b).all(near);
    !shown.is_empty() && shown.iter().all(|row| expected.iter().any(|other| same(row, other)))
}

/// Why an entry does not hold.
async fn wrong(context: &SessionContext, entry: &Entry, project: &Session) -> Option<String> {
    let outcome = ask_in(project, &entry.sql).await;
    if let Some(code) = entry.kind.strip_prefix("statement error ") {
        return match outcome {
            Outcome::Refused(refusal) if refusal.code == code => None,
            other => Some(format!("{other:?}").chars().take(300).collect()),
        };
    }
    let Outcome::Answered(answer) = outcome else { return Some(format!("{outcome:?}")) };
    let mut shown = texts(&answer.batches);
    shown.sort();
    let lines: Vec<String> = shown.iter().map(|row| row.join(" ")).collect();
    if lines != entry.expected {
        return Some(format!("shows\n{}\n", lines.join("\n")));
    }
    let compared = entry.kind.ends_with("exact") || entry.kind.ends_with("rounded");
    if compared && !agrees(context, entry, &shown).await {
        return Some("does not agree with the count without the veil".to_owned());
    }
    None
}

fn files() -> Vec<(String, Vec<Entry>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/veil");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "slt"))
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, entries(&std::fs::read_to_string(path).unwrap()))
        })
        .collect();
    files.sort_by(|a, b| a.0.cmp(&b.0));
    files
}

#[tokio::test]
async fn each_rule_lets_one_query_through_and_stops_one() {
    let (mut found, context) = (Vec::new(), plain(&fixture::relations(Twin::Base)));
    for (file, entries) in files() {
        let mut project = session(Twin::Base);
        for entry in &entries {
            if !entry.same_project {
                project = session(Twin::Base);
            }
            if let Some(why) = wrong(&context, entry, &project).await {
                found.push(format!("{file}: {} {}\n{}\n=> {why}", entry.rule, entry.kind, entry.sql));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n\n"));
}

#[test]
fn each_rule_of_the_files_has_both_sides() {
    let mut sides: BTreeMap<String, (bool, bool)> = BTreeMap::new();
    for entry in files().into_iter().flat_map(|(_, entries)| entries) {
        let side = sides.entry(entry.rule).or_default();
        if entry.lets_through { side.0 = true } else { side.1 = true }
    }
    assert!(sides.len() >= 59, "{} rules", sides.len());
    for (rule, sides) in sides {
        assert!(rule.starts_with("V-"), "{rule}");
        assert_eq!(sides, (true, true), "{rule}");
    }
}
