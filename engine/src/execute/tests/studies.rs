//! The legit studies: all answer, and figures agree with a count by hand.

use super::*;

/// Answered with no row: no hospital of the fixture has 20 hip fractures, and one arm of two is not shown alone (V-ZERO).
const EMPTY: &[&str] = &["L030"];

#[tokio::test]
async fn studies_answer() {
    let mut answered = 0;
    for case in cases::all().into_iter().filter(|case| case.class == "legit") {
        let id = case.id.as_str();
        for sql in case.statements() {
            match ask(Twin::Base, sql).await {
                Outcome::Answered(answer) => {
                    let rows = rows(&answer);
                    assert_eq!(rows.is_empty(), EMPTY.contains(&id), "{id}: {rows:?}");
                    let cells = rows.iter().flatten();
                    assert!(rows.is_empty() || cells.filter(|cell| *cell != "-").count() > 0, "{id}: all withheld");
                    answered += usize::from(!rows.is_empty());
                }
                Outcome::Failed(error) => panic!("{id}: {error}"),
                Outcome::Refused(refusal) => panic!("{id}: {refusal}"),
            }
        }
    }
    assert!(answered >= 45, "{answered} studies answer");
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
