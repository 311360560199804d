//! What is a question, and what only looks like one.

use super::*;

fn plan_of(sql: &str) -> String {
    match Inquiry::of(sql) {
        Ok(Some(Inquiry::Plan { sql })) => sql,
        other => panic!("{other:?}"),
    }
}

#[test]
fn questions_are_read() {
    let table = |name: &str| Some(Inquiry::Columns { table: name.to_owned() });
    for (sql, expected) in [
        ("SHOW TABLES", Some(Inquiry::Tables { schema: None })),
        ("  show tables ; ", Some(Inquiry::Tables { schema: None })),
        ("SHOW TABLES FROM NDB", Some(Inquiry::Tables { schema: Some("ndb".to_owned()) })),
        ("DESCRIBE ndb.claims", table("ndb.claims")),
        ("desc sudare.ndb.claims;", table("ndb.claims")),
        ("DESCRIBE TABLE public.person", table("person")),
        ("SHOW COLUMNS IN \"Person\"", table("Person")),
        ("SELECT 1", None),
        ("(SELECT 1)", None),
        ("show all", None),
        ("", None),
        ("SELECT 'SHOW TABLES'", None),
        ("\"explain\" SELECT 1", None),
    ] {
        assert_eq!(Inquiry::of(sql).unwrap(), expected, "{sql}");
    }
}

#[test]
fn what_is_asked_besides_is_refused() {
    for (sql, code) in [
        ("SHOW TABLES WHERE 1 = 1", "guard/metadata"),
        ("SHOW TABLES FROM ndb; SELECT 1", "guard/metadata"),
        ("SHOW TABLES LIKE 'x'", "guard/metadata"),
        ("DESCRIBE information_schema.tables", "guard/metadata"),
        ("DESCRIBE sudare.Information_Schema.tables", "guard/metadata"),
        ("DESCRIBE a.b.c.d", "guard/metadata"),
        ("DESCRIBE", "guard/metadata"),
        ("DESCRIBE ndb.", "guard/metadata"),
        ("DESCRIBE SELECT 1", "guard/metadata"),
        ("DESCRIBE 'a'", "guard/metadata"),
        ("EXPLAIN", "guard/explain"),
        ("EXPLAIN ANALYZE SELECT 1", "guard/explain"),
        ("EXPLAIN /**/ ANALYZE SELECT 1", "guard/explain"),
        ("explain verbose select 1", "guard/explain"),
        ("EXPLAIN FORMAT TREE SELECT 1", "guard/explain"),
        ("EXPLAIN (ANALYZE, VERBOSE) SELECT 1", "guard/explain"),
        ("EXPLAIN (FORMAT JSON) SELECT 1", "guard/explain"),
        ("EXPLAIN EXPLAIN SELECT 1", "guard/explain"),
        ("EXPLAIN SHOW TABLES", "guard/explain"),
        ("EXPLAIN DELETE FROM person", "guard/explain"),
        ("/* c */ EXPLAIN SELECT 1", "guard/explain"),
    ] {
        assert_eq!(Inquiry::of(sql).unwrap_err().code, code, "{sql}");
    }
}

#[test]
fn the_query_behind_explain_keeps_its_places() {
    assert_eq!(plan_of("EXPLAIN SELECT 1"), "        SELECT 1");
    assert_eq!(
        plan_of("\n explain\n(WITH x AS (SELECT 1) SELECT * FROM x);"),
        "\n        \n(WITH x AS (SELECT 1) SELECT * FROM x);"
    );
}
