//! Random queries in the permitted language, each in a project of its own: shown values against DataFusion without the veil with
//! the profile's rounding written here once more, and a reason by an independent count for each cell that is not shown.
#![expect(
    clippy::cast_precision_loss,
    clippy::disallowed_methods,
    clippy::wildcard_enum_match_arm,
    reason = "tests: what goes wrong ends them, and figures are small"
)]

use std::collections::BTreeMap;

use datafusion::prelude::SessionContext;

use super::veil_off::{Dice, plain, texts, times, truth};
use super::*;
use sources::{SOURCES, Source};

mod sources;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Average,
    Count,
    Middle,
    Persons,
    Spread,
    Sum,
}

/// One aggregate of a query.
#[derive(Clone, Debug)]
struct Asked {
    kind: Kind,
    measure: String,
    /// A condition inside the aggregate.
    filter: Option<&'static str>,
    /// Written as CASE in the argument and not as FILTER.
    case: bool,
}

struct Query {
    source: &'static Source,
    keys: Vec<&'static str>,
    filter: String,
    asked: Vec<Asked>,
}

impl Asked {
    fn drawn(source: &Source, person: &str, dice: &mut Dice) -> Self {
        let kinds: &[Kind] = if source.measures.is_empty() {
            &[Kind::Count, Kind::Persons]
        } else {
            &[Kind::Average, Kind::Count, Kind::Middle, Kind::Persons, Kind::Spread, Kind::Sum, Kind::Sum]
        };
        let kind = kinds[dice.below(kinds.len())];
        let measure = match kind {
            Kind::Count => "1".to_owned(),
            Kind::Persons => person.to_owned(),
            _ => dice.one(source.measures).to_owned(),
        };
        let conditional = !matches!(kind, Kind::Middle | Kind::Spread) && dice.below(3) == 0;
        let filter = conditional.then(|| source.filters[dice.below(source.filters.len())]);
        Self { kind, measure, filter, case: dice.below(2) == 0 }
    }

    fn sql(&self) -> String {
        let Self { measure, kind, filter, case } = self;
        let argument = match (filter, case) {
            (Some(filter), true) => format!("CASE WHEN {filter} THEN {measure} END"),
            _ => measure.clone(),
        };
        let call = match kind {
            Kind::Average => format!("avg({argument})"),
            Kind::Count => format!("count({argument})"),
            Kind::Middle => format!("median({argument})"),
            Kind::Persons => format!("count(DISTINCT {argument})"),
            Kind::Spread => format!("stddev({argument})"),
            Kind::Sum => format!("sum({argument})"),
        };
        match (filter, case) {
            (Some(filter), false) => format!("{call} FILTER (WHERE {filter})"),
            _ => call,
        }
    }
}

impl Query {
    fn drawn(dice: &mut Dice) -> Self {
        let source = &SOURCES[dice.below(SOURCES.len())];
        let mut keys: Vec<&str> = Vec::new();
        for _ in 0..dice.below(3) {
            let key = dice.one(source.keys);
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        let filters: Vec<&str> = (0..dice.below(3)).map(|_| dice.one(source.filters)).collect();
        let filter = if filters.is_empty() { "1 = 1".to_owned() } else { filters.join(" AND ") };
        let asked = (0..=dice.below(3)).map(|_| Asked::drawn(source, source.person, dice)).collect();
        Self { source, keys, filter, asked }
    }

    fn select(&self, values: &[String], joined: &str, condition: &str, further: &[&str]) -> String {
        let items: Vec<String> = self
            .keys
            .iter()
            .enumerate()
            .map(|(at, key)| format!("{key} AS k{at}"))
            .chain(values.iter().cloned())
            .collect();
        let by: Vec<&str> = self.keys.iter().copied().chain(further.iter().copied()).collect();
        let group = if by.is_empty() { String::new() } else { format!(" GROUP BY {}", by.join(", ")) };
        format!("SELECT {} FROM {} {joined} WHERE {condition}{group}", items.join(", "), self.source.from)
    }

    fn sql(&self) -> String {
        let values: Vec<String> =
            self.asked.iter().enumerate().map(|(at, asked)| format!("{} AS v{at}", asked.sql())).collect();
        self.select(&values, "", &self.filter, &[])
    }
}

/// What was counted for one aggregate in one group, without the engine.
#[derive(Clone, Debug, Default)]
struct Crowd {
    /// Totals by person.
    totals: Vec<f64>,
    institutions: Option<u64>,
    /// Persons of the group with rows that the aggregate's condition leaves out.
    others: Option<usize>,
}

impl Crowd {
    fn largest(&self) -> Vec<f64> {
        let mut sizes: Vec<f64> = self.totals.iter().map(|total| total.abs()).filter(|size| *size > 0.0).collect();
        sizes.sort_by(|a, b| b.total_cmp(a));
        sizes
    }

    /// V-MINP, V-MININST, V-DOM, V-ARM with the standard profile's numbers, written here on their own.
    fn fails(&self, sized: bool) -> bool {
        let largest = self.largest();
        let total: f64 = largest.iter().sum();
        let persons = if sized { largest.len() } else { self.totals.len() };
        let dominated = sized && largest.len() > 1 && {
            let two = largest[0] + largest[1];
            two > 0.9 * total || total - two < 0.1 * largest[0]
        };
        persons < 10 || dominated || self.institutions.is_some_and(|places| places < 3)
    }

    /// disclosure.md, 4b, "V-ROUNDSUM".
    fn base(&self) -> Option<f64> {
        let largest = self.largest();
        let next: Vec<f64> = largest.iter().skip(1).take(3).copied().collect();
        let target = 0.1 * next.iter().sum::<f64>() / next.len() as f64;
        let mut best: Option<f64> = None;
        for exponent in -12..15 {
            for digit in [1.0, 2.0, 5.0] {
                let base = digit * 10_f64.powi(exponent);
                if best.is_none_or(|best| (base - target).abs() <= (best - target).abs()) {
                    best = Some(base);
                }
            }
        }
        best.filter(|_| target > 0.0)
    }
}

type Groups = BTreeMap<Vec<String>, Crowd>;

async fn table(context: &SessionContext, sql: &str) -> Vec<Vec<String>> {
    truth(context, sql).await.unwrap_or_else(|| panic!("not counted: {sql}"))
}

/// Persons, totals and institutions by group under a condition.
async fn crowds(context: &SessionContext, query: &Query, condition: &str, measure: &str) -> Groups {
    let keys = query.keys.len();
    let person = query.source.person;
    let sum = if measure == person { "1" } else { measure };
    let values = [format!("{person} AS person"), format!("sum({sum}) AS total")];
    let mut groups = Groups::new();
    for row in table(context, &query.select(&values, "", condition, &[person])).await {
        let total = row[keys + 1].parse().unwrap_or(0.0);
        groups.entry(row[..keys].to_vec()).or_default().totals.push(total);
    }
    if let Some((place, joined)) = query.source.place {
        let values = [format!("count(DISTINCT {place}) AS places")];
        for row in table(context, &query.select(&values, joined, condition, &[])).await {
            groups.entry(row[..keys].to_vec()).or_default().institutions = row[keys].parse().ok();
        }
    }
    groups
}

/// Crowds of one aggregate, with those whom its condition leaves out.
async fn asked_crowds(context: &SessionContext, query: &Query, asked: &Asked) -> Groups {
    let Some(filter) = asked.filter else { return crowds(context, query, &query.filter, &asked.measure).await };
    let inside = format!("{} AND ({filter})", query.filter);
    let outside = format!("{} AND NOT ({filter})", query.filter);
    let mut groups = crowds(context, query, &inside, &asked.measure).await;
    for group in crowds(context, query, &query.filter, "1").await.into_keys() {
        groups.entry(group).or_default().others = Some(0);
    }
    for (group, crowd) in crowds(context, query, &outside, "1").await {
        groups.entry(group).or_default().others = Some(crowd.totals.len());
    }
    groups
}

/// What is wrong with an answer.
async fn wrong(context: &SessionContext, query: &Query, answer: &Answer) -> Vec<String> {
    let keys = query.keys.len();
    let shown: BTreeMap<Vec<String>, Vec<String>> =
        texts(&answer.batches).into_iter().map(|row| (row[..keys].to_vec(), row[keys..].to_vec())).collect();
    let expected: BTreeMap<Vec<String>, Vec<String>> = table(context, &query.sql())
        .await
        .into_iter()
        .map(|row| (row[..keys].to_vec(), row[keys..].to_vec()))
        .collect();
    let mut wrong: Vec<String> = shown
        .keys()
        .filter(|group| keys > 0 && !expected.contains_key(*group))
        .map(|group| format!("{group:?} is no group"))
        .collect();
    let whole = crowds(context, query, &query.filter, "1").await;
    let few_rows = whole.values().any(|crowd| crowd.fails(false));
    for (group, crowd) in &whole {
        if !shown.contains_key(group) && !crowd.fails(false) && !few_rows {
            wrong.push(format!("{group:?} is left out with {} persons", crowd.totals.len()));
        }
        if shown.contains_key(group) && keys > 0 && crowd.fails(false) {
            wrong.push(format!("{group:?} is shown with {} persons", crowd.totals.len()));
        }
    }
    for (at, asked) in query.asked.iter().enumerate() {
        let crowds = asked_crowds(context, query, asked).await;
        let sized = !matches!(asked.kind, Kind::Persons | Kind::Middle | Kind::Spread);
        let fails = |crowd: &Crowd| crowd.fails(sized) || crowd.others.is_some_and(|others| others < 10);
        // A cell may be left out for the sake of another one: complementary suppression.
        let some_fail = few_rows || crowds.values().any(fails);
        for (group, cells) in &shown {
            let (cell, crowd) = (&cells[at], crowds.get(group).cloned().unwrap_or_default());
            let truth = expected.get(group).map(|cells| cells[at].as_str());
            if cell == "-" {
                // Moments and quantiles have rules of their own on levels and neighbours (disclosure.md, 4f).
                let own = matches!(asked.kind, Kind::Middle | Kind::Spread);
                if !own && !fails(&crowd) && !some_fail {
                    wrong.push(format!("{group:?} v{at} is withheld without a reason: {} persons", crowd.totals.len()));
                }
                continue;
            }
            if crowd.fails(sized) || crowd.others.is_some_and(|others| (1..10).contains(&others)) {
                wrong.push(format!(
                    "{group:?} v{at} is shown: {} persons, others {:?}",
                    crowd.totals.len(),
                    crowd.others
                ));
            }
            if answer.veil.snapped == 0
                && let Some(problem) = value(asked.kind, cell, truth.unwrap_or("-"), &crowd)
            {
                wrong.push(format!("{group:?} v{at}: {problem}"));
            }
        }
    }
    wrong
}

/// Whether a shown value is the true one, rounded.
fn value(kind: Kind, shown: &str, truth: &str, crowd: &Crowd) -> Option<String> {
    let (Ok(shown), Ok(truth)) = (shown.parse::<f64>(), truth.parse::<f64>()) else {
        return Some("not a number".to_owned());
    };
    let close = |a: f64, b: f64, by: f64| (a - b).abs() <= by + 1e-9 * b.abs();
    let good = match kind {
        Kind::Count | Kind::Persons => close(shown, truth, 0.0),
        Kind::Sum => match crowd.base() {
            Some(base) => close(shown, (truth / base).round() * base, 0.0),
            None => false,
        },
        // The mean of a rounded sum: the number of rows is at least the number of persons.
        Kind::Average => match crowd.base() {
            Some(base) => close(shown, truth, 0.5 * base / crowd.totals.len() as f64),
            None => false,
        },
        Kind::Spread => close(shown, truth, 0.02 * truth.abs()),
        // Quantiles are rounded until enough persons share the value (disclosure.md, 4f).
        Kind::Middle => close(shown, truth, 0.2 * truth.abs()),
    };
    (!good).then(|| format!("{kind:?} is {shown} and not {truth}"))
}

/// What stands in the fixture and in no sentence of ours.
const CANARIES: [&str; 6] = ["4329", "4331", "4332", "12992", "1929-05-01", "9.9"];

#[derive(Debug, Default)]
struct Figures {
    answered: u64,
    cells: u64,
    withheld: u64,
    refused: u64,
    found: Vec<String>,
}

async fn run(seed: u64, wanted: u64) -> Figures {
    let context = plain(&fixture::relations(Twin::Base));
    let (mut dice, mut figures) = (Dice(seed), Figures::default());
    for _ in 0..wanted {
        let query = Query::drawn(&mut dice);
        let sql = query.sql();
        match ask(Twin::Base, &sql).await {
            Outcome::Answered(answer) => {
                figures.answered += 1;
                let cells = texts(&answer.batches);
                let values = cells.iter().flat_map(|row| row.iter().skip(query.keys.len()));
                figures.cells += values.clone().count() as u64;
                figures.withheld += values.filter(|cell| *cell == "-").count() as u64;
                for problem in wrong(&context, &query, &answer).await {
                    figures.found.push(format!("{problem}\n    {sql}"));
                }
            }
            Outcome::Refused(refusal) => {
                figures.refused += 1;
                let text = format!("{refusal} {refusal:?}");
                assert!(!CANARIES.iter().any(|canary| text.contains(canary)), "{sql}: {text}");
                println!("refused: {} {sql}", refusal.code);
            }
            Outcome::Failed(error) => {
                let text = format!("{error} {error:?} {}", error.hint());
                assert!(!CANARIES.iter().any(|canary| text.contains(canary)), "{sql}: {text}");
                figures.found.push(format!("fails: {error}\n    {sql}"));
            }
        }
    }
    figures
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shown_values_are_true_and_those_not_shown_have_a_reason() {
    let (queries, seed) = (times("SUDARE_QUERIES", 60), times("SUDARE_SEED", 1));
    let (one, two) = tokio::join!(
        tokio::spawn(run(seed, queries / 2)),
        tokio::spawn(run(seed.wrapping_add(1_000_003), queries - queries / 2))
    );
    let (one, two) = (one.unwrap(), two.unwrap());
    let found: Vec<_> = one.found.iter().chain(&two.found).collect();
    println!(
        "{queries} queries: {} answered, {} refused; {} cells, {} of them withheld",
        one.answered + two.answered,
        one.refused + two.refused,
        one.cells + two.cells,
        one.withheld + two.withheld
    );
    for found in &found {
        println!("{found}");
    }
    assert!(found.is_empty(), "{} are wrong", found.len());
    assert!(10 * (one.answered + two.answered) > 7 * queries);
}
