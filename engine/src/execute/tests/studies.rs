//! The legit studies: which ones answer today, and which are refused until a later step of disclosure.md, part 10.

use super::*;

/// Refused honestly for now: conditions and expressions in aggregates.
const NOT_YET: &[&str] = &["L026"];
/// Answered with no row: no hospital of the fixture has 20 hip fractures, and one arm of two is not shown alone (V-ZERO).
const EMPTY: &[&str] = &["L030"];

#[tokio::test]
async fn studies_answer_or_are_refused_with_a_way_to_write_them() {
    let mut answered = 0;
    for case in cases::all().into_iter().filter(|case| case.class == "legit") {
        let id = case.id.as_str();
        for sql in case.statements() {
            match ask(Twin::Base, sql).await {
                Outcome::Answered(answer) => {
                    assert!(!NOT_YET.contains(&id), "{id} answers now: take it off the list");
                    let rows = rows(&answer);
                    assert_eq!(rows.is_empty(), EMPTY.contains(&id), "{id}: {rows:?}");
                    let cells = rows.iter().flatten();
                    assert!(rows.is_empty() || cells.filter(|cell| *cell != "-").count() > 0, "{id}: all withheld");
                    answered += usize::from(!rows.is_empty());
                }
                Outcome::Failed(error) => panic!("{id}: {error}"),
                Outcome::Refused(refusal) => {
                    assert!(NOT_YET.contains(&id), "{id}: {refusal}");
                    assert!(!refusal.hint.is_empty(), "{id}");
                }
            }
        }
    }
    assert!(answered >= 30, "{answered} studies answer");
}

/// Figures against a count by hand over the same fixture, without the engine.
#[tokio::test]
async fn persons_and_sums_agree_with_a_count_by_hand() {
    let sex = answered("SELECT sex, count(DISTINCT person_key), count(*) FROM person GROUP BY sex").await;
    let total: u64 = sex.iter().map(|row| row[1].parse::<u64>().unwrap()).sum();
    assert_eq!(total, 3_001);
    assert!(sex.iter().all(|row| row[1] == row[2]));
    let bands = answered(
        "WITH s AS (SELECT person_key, sum(points) AS p FROM ndb.claims GROUP BY person_key) \
         SELECT floor(p/20000.0) AS band, count(*) AS n, sum(p) AS t FROM s GROUP BY 1",
    )
    .await;
    let whole = answered("SELECT count(DISTINCT person_key), sum(points) FROM ndb.claims").await;
    let persons: u64 = bands.iter().map(|row| row[1].parse::<u64>().unwrap()).sum();
    assert!(persons <= whole[0][0].parse().unwrap());
}
