//! What the text and its tree already tell.

use super::*;

fn code(sql: &str) -> &'static str {
    parse(sql).err().map_or("", |refusal| refusal.code)
}

#[test]
fn statements_other_than_queries_have_their_own_sentences() {
    for (sql, expected) in [
        ("EXPLAIN SELECT 1", "guard/explain"),
        ("EXPLAIN ANALYZE SELECT 1", "guard/explain"),
        ("SHOW ALL", "guard/metadata"),
        ("DESCRIBE person", "guard/metadata"),
        ("SET x = 1", "guard/setting"),
        ("RESET ALL", "guard/setting"),
        ("COPY (SELECT 1) TO 'x.csv'", "guard/copy"),
        ("CREATE TABLE t (a int)", "guard/change"),
        ("DELETE FROM person", "guard/change"),
        ("TRUNCATE person", "guard/change"),
        ("COMMIT", "guard/change"),
        ("PREPARE p AS SELECT 1", "guard/prepare"),
        ("DEALLOCATE p", "guard/prepare"),
        ("SELECT 1; SELECT 2", "guard/several-statements"),
        ("", "guard/several-statements"),
        ("SELECT count(* FROM person", "guard/syntax"),
        ("SELECT 1 INTO t", "guard/change"),
        ("SELECT * FROM person FOR UPDATE", "guard/not-supported"),
        ("WITH RECURSIVE r AS (SELECT 1) SELECT * FROM r", "guard/recursion"),
        ("SELECT * FROM person TABLESAMPLE (1 PERCENT)", "guard/sample"),
        ("SELECT DISTINCT ON (a) a FROM t", "guard/limit"),
        ("SELECT count(*) FROM person WHERE age > $1", "guard/placeholder"),
        ("SELECT 1", ""),
        ("FROM person SELECT count(*)", ""),
    ] {
        assert_eq!(code(sql), expected, "{sql}");
    }
}

#[test]
fn a_syntax_error_has_a_place() {
    let refusal = parse("SELECT count(*)\nFRM person").err().unwrap();
    assert_eq!((refusal.line, refusal.column), (Some(2), Some(5)));
}

#[test]
fn long_and_deep_texts_are_refused_without_a_stack_overflow() {
    assert_eq!(code(&format!("SELECT '{}'", "x".repeat(TEXT_BYTES_MAX))), "guard/too-long");
    assert_eq!(code(&format!("SELECT 1{}", "+1".repeat(100_000))), "guard/too-deep");
    assert_eq!(code(&format!("SELECT {}1{}", "(".repeat(900), ")".repeat(900))), "guard/too-deep");
    assert_eq!(code(&format!("{}SELECT 1{}", "SELECT * FROM (".repeat(600), ") x".repeat(600))), "guard/too-deep");
}

#[test]
fn generated_rows_are_counted_before_they_are_made() {
    for (sql, expected) in [
        ("SELECT * FROM generate_series(1, 100000)", ""),
        ("SELECT * FROM generate_series(1, 100002)", "guard/generated-rows"),
        ("SELECT * FROM range(0, 10, 0)", "guard/generated-rows"),
        ("SELECT * FROM generate_series(1, -1000000000000, -1)", "guard/generated-rows"),
        ("SELECT * FROM generate_series(DATE '2021-04-01', DATE '2023-03-01', INTERVAL '1' MONTH)", ""),
        (
            "SELECT * FROM generate_series(DATE '1000-04-01', DATE '2023-03-01', INTERVAL '1 second')",
            "guard/generated-rows",
        ),
        ("SELECT * FROM person p, LATERAL generate_series(1, p.age)", "guard/generated-rows"),
        ("SELECT * FROM read_csv('/etc/passwd')", "guard/table-function"),
    ] {
        assert_eq!(code(sql), expected, "{sql}");
    }
}

#[test]
fn every_rule_has_a_sentence_a_hint_and_a_code_of_its_own() {
    let mut codes: Vec<_> = rules::ALL.iter().map(|rule| rule.code).collect();
    for rule in rules::ALL {
        assert!(rule.code.starts_with("guard/") && rule.rule.starts_with("V-"), "{}", rule.code);
        assert!(!rule.message.ends_with('.') && !rule.hint.is_empty(), "{}", rule.code);
    }
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), rules::ALL.len());
}
