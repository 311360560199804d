//! Queries that are deep or long: refused soon, on a stack of common size; and one way of writing that is not.

use std::time::{Duration, Instant};

use super::*;

/// disclosure.md, "Limits against load", in a build without optimisation on a busy machine.
const SOON: Duration = Duration::from_secs(5);

/// The rule that refuses, on a thread of its own.
fn refused_soon(sql: String) -> &'static str {
    let thread = std::thread::Builder::new().stack_size(2 << 20).spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let session = session(Twin::Base);
        let begun = Instant::now();
        let refusal = runtime.block_on(session.prepare(&sql)).unwrap_err();
        assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
        refusal.rule
    });
    thread.unwrap().join().unwrap()
}

#[test]
fn a_thousand_levels_are_refused() {
    let nested = |open: &str, inner: &str, close: &str| {
        format!("SELECT count(*) FROM person WHERE {}{inner}{}", open.repeat(1_000), close.repeat(1_000))
    };
    for sql in [
        nested("(", "sex = '1'", ")"),
        nested("NOT ", "sex = '1'", ""),
        nested("NOT (", "sex = '1'", ")"),
        nested("coalesce(", "sex = '1'", ", true)"),
        nested("CASE WHEN true THEN ", "true", " END"),
        nested("", "sex = '1'", " OR sex = '2'"),
        nested("- ", "1", " = 1"),
        format!("SELECT * FROM {}person{}", "(SELECT * FROM ".repeat(1_000), ") x".repeat(1_000)),
    ] {
        assert!(refused_soon(sql).starts_with("V-"));
    }
}

#[test]
fn a_megabyte_is_refused() {
    let sql = format!("SELECT count(*) FROM person WHERE sex = '{}'", "x".repeat(1 << 20));
    assert_eq!(refused_soon(sql), "V-RES");
}

/// What stands at zero for persons without an event is written with coalesce.
#[tokio::test]
async fn coalesce_over_an_outer_join_is_answered() {
    let rows = answered(
        "SELECT coalesce(d.n, 0) > 3 AS many, count(*) FROM person p LEFT JOIN \
         (SELECT person_key, count(*) AS n FROM ndb.claims GROUP BY person_key) d ON d.person_key = p.person_key GROUP BY 1",
    )
    .await;
    assert!(!rows.is_empty());
}
