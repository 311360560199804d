//! Generated twins (disclosure.md, section 8, "Method for more"): each study with one person's isolating predicate at one of its
//! nodes. Refused alike, or answered in one shape; and what was there before must not tell the two apart.
#![expect(
    clippy::disallowed_methods,
    clippy::many_single_char_names,
    reason = "tests: what goes wrong ends them, and figures are small"
)]

use std::collections::HashMap;

use datafusion::prelude::SessionContext;

use super::attacks::{Shape, shape};
use super::veil_off::{Dice, plain, texts, times, truth};
use super::*;
use mutation::{Mutant, mutant};

mod mutation;

const TWINS: [Twin; 3] = [Twin::Base, Twin::Changed, Twin::Absent];

type Table = Vec<Vec<String>>;

/// What one statement came to, as the oracle sees it.
#[derive(Debug)]
enum Seen {
    Table(Shape, Table),
    No(String),
}

impl Seen {
    fn of(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Answered(answer) => Self::Table(shape(&answer), sorted(texts(&answer.batches))),
            Outcome::Failed(error) => Self::No(format!("failed: {error}")),
            Outcome::Refused(refusal) => Self::No(format!("{refusal:?}")),
        }
    }

    fn table(&self) -> Option<&Table> {
        if let Self::Table(_, table) = self { Some(table) } else { None }
    }
}

fn sorted(mut table: Table) -> Table {
    table.sort();
    table
}

/// Studies over rows, one statement each.
fn studies() -> Vec<String> {
    let all = cases::all().into_iter().filter(|case| case.class == "legit");
    all.flat_map(|case| case.statements().into_iter().map(str::to_owned).collect::<Vec<_>>()).collect()
}

/// Answers without the veil, by twin and text.
struct Truths {
    contexts: Vec<SessionContext>,
    known: HashMap<(usize, String), Option<Table>>,
}

impl Truths {
    fn new() -> Self {
        let contexts = TWINS.iter().map(|twin| plain(&fixture::relations(*twin))).collect();
        Self { contexts, known: HashMap::new() }
    }

    async fn of(&mut self, sql: &str, keep: bool) -> [Option<Table>; 3] {
        let mut found = [None, None, None];
        for (twin, (found, context)) in found.iter_mut().zip(&self.contexts).enumerate() {
            let key = (twin, sql.to_owned());
            if let Some(known) = self.known.get(&key) {
                found.clone_from(known);
                continue;
            }
            *found = truth(context, sql).await.map(sorted);
            if keep {
                self.known.insert(key, found.clone());
            }
        }
        found
    }
}

/// One number of a table.
fn number(table: &Table, row: usize, column: usize) -> Option<f64> {
    table.get(row)?.get(column)?.parse().ok().filter(|number: &f64| number.is_finite())
}

fn near(a: f64, b: f64, tolerance: f64) -> bool {
    (a - b).abs() <= tolerance + 1e-9 * a.abs().max(b.abs())
}

/// The cells that an attacker subtracts: what the predicate changed, and the same before.
fn differences(mutant: &Mutant, study: &Table, with: &Table) -> Vec<((usize, usize), Option<f64>)> {
    let mut found = Vec::new();
    for row in 0..with.len() {
        match mutant.beside {
            Some((original, added)) => {
                let difference = number(with, row, added).zip(number(with, row, original)).map(|(a, b)| a - b);
                found.push(((row, added), difference));
            }
            None => {
                for column in 0..with[row].len() {
                    let difference = number(with, row, column).zip(number(study, row, column)).map(|(a, b)| a - b);
                    found.push(((row, column), difference));
                }
            }
        }
    }
    found
}

/// Whether the predicate moves nothing in a population without the target: in that cell, or in all where cells are left out.
fn still(all: &[((usize, usize), Option<f64>)], place: (usize, usize), shown: usize) -> bool {
    let zero = |found: &Option<f64>| found.is_none_or(|difference| near(difference, 0.0, 1e-9));
    let same = all.len() == shown;
    all.iter().filter(|(at, _)| !same || *at == place).all(|(_, difference)| zero(difference))
}

/// Oracle 3: where the predicate moves nothing if the target is away, the differences tell nothing if it is there.
fn tells(
    mutant: &Mutant,
    study: [Option<&Table>; 3],
    with: [Option<&Table>; 3],
    truth: Option<[&Table; 2]>,
) -> Option<String> {
    let ([Some(a), Some(b), Some(c)], [Some(d), Some(e), Some(f)]) = (study, with) else { return None };
    if [a, b, c].iter().any(|table| table.len() != a.len()) || [d, e, f].iter().any(|table| table.len() != d.len()) {
        return None;
    }
    let untouched = truth.map(|[study, with]| differences(mutant, study, with));
    let (base, changed, absent) = (differences(mutant, a, d), differences(mutant, b, e), differences(mutant, c, f));
    for (((place, x), (_, y)), (_, z)) in base.iter().zip(&changed).zip(&absent) {
        if mutant.beside.is_none() && a.len() != d.len() {
            return None;
        }
        if untouched.as_ref().is_some_and(|all| !still(all, *place, absent.len())) {
            continue;
        }
        let (Some(x), Some(y), Some(z)) = (x, y, z) else { continue };
        if !near(*x, *y, 1e-9) || !near(*x, *z, 1e-9) {
            return Some(format!("cell {place:?}: {x} with the target, {y} changed, {z} without"));
        }
    }
    None
}

/// Oracle 2: a cell moves from the base population to the changed one by the target's own share at most.
fn moves(shown: [&Table; 3], truth: [&Table; 3]) -> Option<String> {
    let [base, changed, _] = shown;
    if truth.iter().any(|table| table.len() != truth[0].len()) || base.len() != truth[0].len() {
        return None;
    }
    for row in 0..base.len() {
        for column in 0..base[row].len() {
            let (Some(a), Some(b)) = (number(base, row, column), number(changed, row, column)) else { continue };
            let (Some(x), Some(y), Some(z)) =
                (number(truth[0], row, column), number(truth[1], row, column), number(truth[2], row, column))
            else {
                continue;
            };
            let own = (x - z).abs() + (y - z).abs();
            let rounding = (a - x).abs() + (b - y).abs();
            if !near(a, b, own + rounding) || (near(x, y, 0.0) && !near(a, b, 2.0 * rounding)) {
                return Some(format!("cell ({row}, {column}) moves by {} beyond a share of {own}", (a - b).abs()));
            }
        }
    }
    None
}

/// What came of all cases.
#[derive(Debug, Default)]
struct Figures {
    cases: u64,
    refused: u64,
    answered: u64,
    with_values: u64,
    open_without_veil: u64,
    found: Vec<String>,
}

/// One case with the veil. `sequence`: after the study in one project, else alone.
async fn with_veil(study: &str, mutant: &Mutant, sequence: bool) -> ([Option<Seen>; 3], [Seen; 3]) {
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for twin in TWINS {
        let project = session(twin);
        before.push(if sequence { Some(Seen::of(ask_in(&project, study).await)) } else { None });
        after.push(Seen::of(ask_in(&project, &mutant.sql).await));
    }
    (before.try_into().unwrap(), after.try_into().unwrap())
}

/// Why the oracle does not hold; `None` where it does.
fn verdict(
    mutant: &Mutant,
    before: &[Option<Seen>; 3],
    after: &[Seen; 3],
    truth: (&[Option<Table>; 3], &[Option<Table>; 3]),
) -> Option<String> {
    let kinds: Vec<Result<&Shape, &String>> = after
        .iter()
        .map(|seen| match seen {
            Seen::Table(shape, _) => Ok(shape),
            Seen::No(text) => Err(text),
        })
        .collect();
    if kinds.windows(2).any(|pair| pair[0] != pair[1]) {
        return Some(format!("shapes differ: {kinds:?}"));
    }
    if let Some(text) = kinds[0].err() {
        return text.starts_with("failed").then(|| text.clone()).filter(|text| !text.contains("budget"));
    }
    let tables: [Option<&Table>; 3] = std::array::from_fn(|twin| after[twin].table());
    let sequence = before[0].is_some();
    if mutant.sql.contains("stddev") || mutant.sql.contains("corr(") {
        // A moment near an earlier one is made of that one's rounded sums: it says nothing new, and does not equal the plain one.
        return None;
    }
    if mutant.beside.is_some() || sequence {
        let studies: [Option<&Table>; 3] =
            std::array::from_fn(|twin| before[twin].as_ref().and_then(Seen::table).or(tables[twin]));
        let still = truth.0[2].as_ref().zip(truth.1[2].as_ref()).map(|(study, with)| [study, with]);
        return tells(mutant, studies, tables, still);
    }
    let shown = [tables[0]?, tables[1]?, tables[2]?];
    moves(shown, [truth.1[0].as_ref()?, truth.1[1].as_ref()?, truth.1[2].as_ref()?])
}

/// Whether the same case tells the target without the veil.
fn open_without_veil(mutant: &Mutant, study: &[Option<Table>; 3], with: &[Option<Table>; 3]) -> bool {
    let outline = |table: &Option<Table>| {
        table.as_ref().map(|rows| (rows.len(), rows.iter().flatten().filter(|cell| *cell == "-").count()))
    };
    if outline(&with[0]) != outline(&with[1]) || outline(&with[0]) != outline(&with[2]) {
        return true;
    }
    let of = |tables: &[Option<Table>; 3]| -> [Option<Table>; 3] { tables.clone() };
    let (study, with) = (of(study), of(with));
    tells(mutant, study.each_ref().map(Option::as_ref), with.each_ref().map(Option::as_ref), None).is_some()
}

async fn run(seed: u64, wanted: u64) -> Figures {
    let (studies, mut truths, mut figures) = (studies(), Truths::new(), Figures::default());
    let mut dice = Dice(seed);
    while figures.cases < wanted {
        let study = &studies[dice.below(studies.len())];
        let before = truths.of(study, true).await;
        // Where the target is in no cell there is little to tell: few of those.
        if before[0] == before[2] && dice.below(8) > 0 {
            continue;
        }
        let Some(mutant) = mutant(study, &mut dice) else { continue };
        let with = truths.of(&mutant.sql, false).await;
        if with.iter().any(Option::is_none) {
            continue; // Not SQL at all: it says nothing of the veil.
        }
        figures.cases += 1;
        figures.open_without_veil += u64::from(open_without_veil(&mutant, &before, &with));
        let (project, after) = with_veil(study, &mutant, dice.below(2) == 0).await;
        match &after[0] {
            Seen::Table(_, table) => {
                figures.answered += 1;
                figures.with_values += u64::from(table.iter().flatten().any(|cell| cell != "-"));
            }
            Seen::No(_) => figures.refused += 1,
        }
        if let Some(why) = verdict(&mutant, &project, &after, (&before, &with)) {
            figures.found.push(format!(
                "{why}\n  {}\n  after: {}\n",
                mutant.sql,
                if project[0].is_some() { study } else { "-" }
            ));
        }
    }
    figures
}

/// With the veil no case tells the target; without it most do, so the oracle is able to fail.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_generated_case_tells_the_target_and_without_the_veil_most_do() {
    let cases = times("SUDARE_CASES", 60);
    let seed = times("SUDARE_SEED", 1);
    let (one, two) = tokio::join!(
        tokio::spawn(run(seed, cases / 2)),
        tokio::spawn(run(seed.wrapping_add(1_000_003), cases - cases / 2))
    );
    let (one, two) = (one.unwrap(), two.unwrap());
    let (cases, open) = (one.cases + two.cases, one.open_without_veil + two.open_without_veil);
    let (refused, answered) = (one.refused + two.refused, one.answered + two.answered);
    let with_values = one.with_values + two.with_values;
    println!(
        "{cases} cases: {refused} refused, {answered} answered, {with_values} with values; open without veil: {open}"
    );
    let found: Vec<_> = one.found.iter().chain(&two.found).collect();
    for found in &found {
        println!("{found}");
    }
    assert!(found.is_empty(), "{} cases tell the target", found.len());
    assert!(2 * open > cases, "{open} of {cases} tell the target without the veil");
    assert!(with_values * 4 > cases, "{with_values} of {cases} are answered with values");
}
