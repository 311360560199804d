//! The attacks, each against the base population and its twins (disclosure.md, section 8).

use super::*;
use cases::Case;

/// Classes whose `refuse` cases are all refused today.
const REFUSED_CLASSES: &[&str] = &[
    "DDL/DML/SET",
    "cross-project join",
    "direct row output",
    "error channel",
    "explain",
    "files",
    "functions",
    "limits/topk",
    "literal person keys",
    "metadata",
    "min/max/quantile",
    "person_key laundering",
    "semi/anti join isolation",
    "string_agg/array_agg/bit_xor",
    "type-cast channel",
    "windows",
];

/// Expected to be refused, and answered: each was looked at.
const ANSWERED: &[&str] = &[];
/// Not a query but a transport: the Flight service's tests have it.
const TRANSPORT: &[&str] = &["A334"];

fn attacks() -> impl Iterator<Item = Case> {
    cases::all().into_iter().filter(|case| case.class != "legit")
}

/// Whether anything but NULL came out.
fn is_telling(answer: &Answer) -> bool {
    rows(answer).iter().flatten().any(|cell| cell != "-")
}

/// Whether one statement of a case is refused, or answered with an earlier value: the researcher never gets the last piece.
async fn is_refused(case: &Case) -> bool {
    let (project, mut told) = (session(Twin::Base), false);
    for sql in case.statements() {
        match ask_in(&project, sql).await {
            Outcome::Answered(answer) if answer.veil.snapped > 0 => return true,
            Outcome::Failed(QueryError::DayBudget | QueryError::VariantBudget) => return true,
            Outcome::Refused(refusal) => {
                assert!(refusal.message.len() > 10 && refusal.hint.len() > 10, "{}", case.id);
                assert!(refusal.code.starts_with("guard/") && refusal.rule.starts_with("V-"), "{}", case.id);
                return true;
            }
            Outcome::Failed(error) => panic!("{} fails while it runs: {error}", case.id),
            Outcome::Answered(answer) if is_telling(&answer) => told = true,
            Outcome::Answered(_) => {}
        }
    }
    !told
}

#[tokio::test]
async fn what_must_be_refused_is_refused() {
    for case in attacks().filter(|case| case.expected == "refuse") {
        let open = ANSWERED.contains(&case.id.as_str()) || TRANSPORT.contains(&case.id.as_str());
        assert_eq!(is_refused(&case).await, !open, "{} ({})", case.id, case.class);
        assert!(!(open && REFUSED_CLASSES.contains(&case.class.as_str())), "{}", case.id);
    }
}

/// What can be seen of an answer without its values.
#[derive(Debug, PartialEq)]
pub(super) struct Shape {
    pub(super) rows: usize,
    nulls: Vec<usize>,
    withheld: Band,
    reasons: Vec<Reason>,
}

pub(super) fn shape(answer: &Answer) -> Shape {
    let columns = answer.schema.fields().len();
    let nulls = (0..columns).map(|at| answer.batches.iter().map(|batch| batch.column(at).logical_null_count()).sum());
    Shape {
        rows: answer.batches.iter().map(RecordBatch::num_rows).sum(),
        nulls: nulls.collect(),
        withheld: answer.veil.withheld,
        reasons: answer.veil.reasons.clone(),
    }
}

/// Oracle 1: what is not refused has one shape on the base population and on both twins.
#[tokio::test]
async fn answers_have_one_shape_on_all_twins() {
    for case in attacks() {
        for sql in case.statements() {
            let mut shapes = Vec::new();
            for twin in [Twin::Base, Twin::Absent, Twin::Changed] {
                match ask(twin, sql).await {
                    Outcome::Answered(answer) => shapes.push(Ok(shape(&answer))),
                    Outcome::Refused(refusal) => shapes.push(Err(refusal)),
                    Outcome::Failed(error) => panic!("{} fails: {error}", case.id),
                }
            }
            assert!(shapes.windows(2).all(|pair| pair[0] == pair[1]), "{}: {shapes:?}", case.id);
        }
    }
}

/// Cases whose answers move with the whole crowd and not with what they aim at; each was looked at.
const MOVES_WITH_THE_CROWD: &[&str] = &[];

/// Oracle 2: a `suppress` case of one cell tells nothing that depends on what the target's values are.
#[tokio::test]
async fn single_cells_that_aim_at_the_target_are_withheld() {
    for case in attacks().filter(|case| case.expected == "suppress" && case.sql.is_some()) {
        let sql = case.statements()[0];
        let (Outcome::Answered(base), Outcome::Answered(changed)) =
            (ask(Twin::Base, sql).await, ask(Twin::Changed, sql).await)
        else {
            continue;
        };
        let same = rows(&base) == rows(&changed);
        let grouped = shape(&base).rows > 1;
        assert!(same || grouped || MOVES_WITH_THE_CROWD.contains(&case.id.as_str()), "{}: {:?}", case.id, rows(&base));
    }
}

/// No cell of any answer is the target's own.
#[tokio::test]
async fn no_answer_holds_a_value_of_the_target() {
    for case in attacks() {
        for sql in case.statements() {
            if let Outcome::Answered(answer) = ask(Twin::Base, sql).await {
                let rows = rows(&answer);
                let own = ["4329", "4331", "4332", "9.9", "12992", "1929-05-01"];
                assert!(!rows.iter().flatten().any(|cell| own.contains(&cell.as_str())), "{}", case.id);
            }
        }
    }
}

/// Holes beyond the written cases, found while the guard was built.
#[tokio::test]
async fn rows_that_a_join_repeats_are_not_summed() {
    let aim = "facility_id = 7 AND age = 93";
    for sql in [
        // A left join repeats only the target's row: count(*) minus the persons would be its claims.
        format!("SELECT count(*) FROM person p LEFT JOIN (SELECT person_key FROM ndb.claims WHERE {aim}) c ON c.person_key = p.person_key"),
        format!("SELECT sum(c.points) FROM ndb.claims c JOIN (SELECT person_key, 1 AS i FROM person UNION ALL SELECT person_key, 2 FROM ndb.claims WHERE {aim}) w ON w.person_key = c.person_key"),
        format!("SELECT sum(c.points) FROM ndb.claims c LEFT JOIN ndb.claims d ON d.person_key = c.person_key AND d.{aim}", aim = "facility_id = 7"),
        format!("WITH s AS (SELECT person_key, sum(points) AS p FROM ndb.claims GROUP BY person_key) SELECT sum(s.p) FROM s JOIN ndb.claims c ON c.person_key = s.person_key WHERE c.prefecture = '31' OR c.{aim}"),
        "SELECT count(*) FROM (SELECT person_key FROM ndb.claims UNION ALL SELECT person_key FROM ndb.claims WHERE facility_id = 7) u".to_owned(),
    ] {
        let refusal = refused(&sql).await;
        assert!(matches!(refusal.rule, "V-LEDGER-WEIGHT" | "V-DECOMP"), "{sql}: {refusal}");
    }
}

#[tokio::test]
async fn literals_that_would_fail_on_a_row_are_refused_before_any_is_read() {
    for condition in [
        "regexp_like(sex, '(')",
        "left(sex, -9223372036854775808) = 'x'",
        "date_trunc('bogus', service_month) = service_month",
        "round(points, 400) = 1",
        "points * 9223372036854775807 > 0",
        "CAST(points AS date) = DATE '2022-01-01'",
        "substr(sex, 1, -1) = 'x'",
    ] {
        let sql = format!("SELECT count(*) FROM ndb.claims WHERE facility_id = 7 AND age = 93 AND {condition}");
        refused(&sql).await;
    }
}

#[tokio::test]
async fn casts_and_divisors_that_fail_on_a_value_become_null() {
    for condition in
        ["CAST(sex AS int) / (age - 93) > 0", "CAST(prefecture AS int) > 100", "points / (days - days) IS NULL"]
    {
        answered(&format!("SELECT count(*) FROM ndb.claims WHERE {condition}")).await;
    }
}

#[tokio::test]
async fn names_that_the_guard_uses_are_closed() {
    for sql in [
        "SELECT count(*) AS \"__sudare_h1\" FROM person",
        "WITH __x AS (SELECT 1) SELECT * FROM __x",
        "SELECT count(*) FROM person p(__sudare_p1)",
    ] {
        assert_eq!(refused(sql).await.code, "guard/reserved-name");
    }
}

#[tokio::test]
async fn few_without_a_value_are_not_told_by_the_difference() {
    let sql = "SELECT count(*), count(x.person_key) FROM person p LEFT JOIN (SELECT person_key FROM person \
               WHERE NOT (birth_month = DATE '1929-05-01' AND prefecture = '31')) x ON x.person_key = p.person_key";
    assert_eq!(answered(sql).await[0][1], "-");
}
