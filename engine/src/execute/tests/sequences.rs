//! Attackers that use the answers: differencing, trackers, averaging, stepping, linear reconstruction. Each guesses whether one
//! person has a diagnosis, drawn by a coin in a new population for each try; with the veil it may not do better than the coin.
#![expect(
    clippy::cast_precision_loss,
    clippy::large_enum_variant,
    clippy::type_complexity,
    reason = "tests: what goes wrong ends them, and figures are small"
)]

use datafusion::prelude::SessionContext;

use super::veil_off::{Dice, plain, texts, times, truth};
use super::*;
use fixture::small::{COMMON_PERCENT, Known, TARGET_AGE, small};

/// One project that an attacker works in.
enum Project {
    Open(SessionContext),
    Veiled(Session),
}

impl Project {
    /// Persons with the diagnosis among those whom a condition on claims describes.
    async fn count(&self, condition: &str) -> Option<f64> {
        let sql = format!(
            "SELECT count(DISTINCT person_key) FROM ndb.claims WHERE ({condition}) AND person_key IN \
             (SELECT person_key FROM ndb.diagnoses WHERE icd10 = 'F32')"
        );
        let table = match self {
            Self::Open(context) => truth(context, &sql).await?,
            Self::Veiled(session) => match ask_in(session, &sql).await {
                Outcome::Answered(answer) => texts(&answer.batches),
                Outcome::Failed(_) | Outcome::Refused(_) => return None,
            },
        };
        table.first()?.first()?.parse().ok()
    }
}

const ATTACKERS: [&str; 5] = ["differencing", "tracker", "averaging", "stepping", "reconstruction"];

/// A guess; `None` where the answers say nothing at all.
async fn guess(attacker: &str, project: &Project, known: &[Known], seed: u64) -> Option<bool> {
    match attacker {
        "averaging" => averaging(project).await,
        "differencing" => differencing(project).await,
        "reconstruction" => reconstruction(project, known, seed).await,
        "stepping" => stepping(project).await,
        _ => tracker(project).await,
    }
}

async fn differencing(project: &Project) -> Option<bool> {
    let all = project.count("age >= 20").await?;
    let others = project.count(&format!("age < {TARGET_AGE}")).await?;
    Some(all - others > 0.5)
}

/// Denning's tracker: the target's own set, padded by two halves of everybody.
async fn tracker(project: &Project) -> Option<bool> {
    let one = project.count(&format!("age = {TARGET_AGE} OR sex = '1'")).await?;
    let other = project.count(&format!("age = {TARGET_AGE} OR sex = '2'")).await?;
    let all = project.count("sex IN ('1', '2')").await?;
    Some(one + other - all > 0.5)
}

/// The same two groups in many wordings, so that noise by wording would fade.
async fn averaging(project: &Project) -> Option<bool> {
    let (mut sum, mut pairs) = (0.0, 0.0);
    for wording in [
        "days > 0",
        "points >= 0",
        "facility_id > 0",
        "claim_type IS NOT NULL",
        "setting LIKE '%t%'",
        "sex = '1' OR sex = '2'",
        "NOT (points < 0 AND days < 0)",
        "points + days > 0",
    ] {
        let with = project.count(wording).await;
        let without = project.count(&format!("({wording}) AND age < {TARGET_AGE}")).await;
        if let (Some(with), Some(without)) = (with, without) {
            sum += with - without;
            pairs += 1.0;
        }
    }
    (pairs > 0.0).then(|| sum / pairs > 0.5)
}

/// A threshold that is moved over the target, in the whole and in its institution's neighbourhood.
async fn stepping(project: &Project) -> Option<bool> {
    let mut steps = Vec::new();
    for (low, high) in
        [(40, 79), (40, 80), (40, TARGET_AGE), (40, 82), (30, 80), (30, TARGET_AGE), (20, 80), (20, TARGET_AGE)]
    {
        steps.push(project.count(&format!("age BETWEEN {low} AND {high}")).await);
    }
    let differences: Vec<f64> =
        [(1, 2), (4, 5), (6, 7)].iter().filter_map(|(a, b)| Some(steps[*b]? - steps[*a]?)).collect();
    let largest = differences.iter().copied().reduce(f64::max)?;
    Some(largest > 0.5)
}

/// Dinur and Nissim: many subsets, and the most likely population behind their counts.
async fn reconstruction(project: &Project, known: &[Known], seed: u64) -> Option<bool> {
    let mut dice = Dice(seed);
    let (mut sets, mut counts) = (Vec::new(), Vec::new());
    for _ in 0..times("SUDARE_SUBSETS", 24) {
        let (low, facility, sex) = (20 + dice.below(45) as u64, 1 + dice.below(6) as u64, dice.one(&["1", "2"]));
        let high = if dice.below(2) == 0 { TARGET_AGE } else { 60 + dice.below(20) as u64 };
        let within = |who: &Known| who.age >= low && who.age <= high;
        let (condition, chosen): (String, Box<dyn Fn(&Known) -> bool>) = match dice.below(4) {
            0 => (format!("age BETWEEN {low} AND {high}"), Box::new(within)),
            1 => (
                format!("age >= {low} AND age <= {high} AND sex = '{sex}'"),
                Box::new(move |who| within(who) && who.sex == sex),
            ),
            2 => (
                format!("age BETWEEN {low} AND {high} AND facility_id <> {facility}"),
                Box::new(move |who| within(who) && who.facility != facility),
            ),
            _ => (
                format!("sex = '{sex}' OR facility_id = {facility} AND age <= {high}"),
                Box::new(move |who| who.sex == sex || who.facility == facility && who.age <= high),
            ),
        };
        if let Some(count) = project.count(&condition).await {
            sets.push(known.iter().map(|who| f64::from(u8::from(chosen(who)))).collect::<Vec<_>>());
            counts.push(count);
        }
    }
    if sets.is_empty() {
        return None;
    }
    Some(expected_of_last(&sets, &counts) > 0.5)
}

/// Mean of the last unknown after Gaussian updating: the others have the diagnosis at the common rate, the last by a coin.
fn expected_of_last(sets: &[Vec<f64>], counts: &[f64]) -> f64 {
    let rate = f64::from(u32::try_from(COMMON_PERCENT).unwrap()) / 100.0;
    let unknowns = sets[0].len();
    let prior: Vec<f64> = (0..unknowns).map(|who| if who + 1 == unknowns { 0.5 } else { rate }).collect();
    let spread: Vec<f64> = prior.iter().map(|p| p * (1.0 - p)).collect();
    let size = sets.len();
    let mut system = vec![vec![0.0; size + 1]; size];
    for (row, set) in sets.iter().enumerate() {
        for (column, other) in sets.iter().enumerate() {
            system[row][column] = (0..unknowns).map(|who| set[who] * other[who] * spread[who]).sum();
        }
        system[row][row] += 0.05;
        system[row][size] = counts[row] - (0..unknowns).map(|who| set[who] * prior[who]).sum::<f64>();
    }
    let weights = solved(system);
    let last = unknowns - 1;
    prior[last] + (0..size).map(|row| spread[last] * sets[row][last] * weights[row]).sum::<f64>()
}

/// Gauss's elimination with the largest pivot.
fn solved(mut system: Vec<Vec<f64>>) -> Vec<f64> {
    let size = system.len();
    for step in 0..size {
        let pivot = (step..size).max_by(|a, b| system[*a][step].abs().total_cmp(&system[*b][step].abs())).unwrap();
        system.swap(step, pivot);
        let above = system[step].clone();
        for row in &mut system[step + 1..] {
            let factor = row[step] / above[step];
            for (to, from) in row.iter_mut().zip(&above).skip(step) {
                *to -= factor * from;
            }
        }
    }
    let mut found = vec![0.0; size];
    for row in (0..size).rev() {
        let rest: f64 = (row + 1..size).map(|column| system[row][column] * found[column]).sum();
        found[row] = (system[row][size] - rest) / system[row][row];
    }
    found
}

/// How often each attacker guesses right in that many tries.
async fn right(grade: Option<Grade>, tries: u64) -> Vec<(&'static str, u64)> {
    let mut right: Vec<_> = ATTACKERS.iter().map(|name| (*name, 0)).collect();
    for attempt in 0..tries {
        let seed = times("SUDARE_SEED", 1).wrapping_mul(1_000_000) + attempt;
        let has = Dice(seed).below(2) == 0;
        let (relations, known) = small(seed, has);
        for (attacker, right) in &mut right {
            let project = match grade {
                None => Project::Open(plain(&relations)),
                Some(grade) => Project::Veiled(over(relations.clone(), grade)),
            };
            let found = guess(attacker, &project, &known, seed).await;
            let coin = Dice(seed ^ 0x5EED).below(2) == 0;
            *right += u64::from(found.unwrap_or(coin) == has);
        }
    }
    println!("{grade:?}: right in {tries} tries: {right:?}");
    right
}

/// Beyond three standard errors of a coin.
fn better_than_a_coin(right: u64, tries: u64) -> bool {
    right as f64 > tries as f64 / 2.0 + 1.5 * (tries as f64).sqrt()
}

#[tokio::test]
async fn no_attacker_learns_from_exact_answers() {
    let tries = times("SUDARE_TRIES", 12);
    for (attacker, right) in right(Some(Grade::Exact), tries).await {
        assert!(!better_than_a_coin(right, tries), "{attacker}: {right} of {tries}");
    }
}

#[tokio::test]
async fn no_attacker_learns_from_preview_answers() {
    let tries = times("SUDARE_TRIES", 12);
    for (attacker, right) in right(Some(Grade::Preview), tries).await {
        assert!(!better_than_a_coin(right, tries), "{attacker}: {right} of {tries}");
    }
}

/// The attackers can attack: without the veil all but the last are always right.
#[tokio::test]
async fn without_the_veil_the_attackers_learn() {
    let tries = times("SUDARE_TRIES", 12);
    for (attacker, right) in right(None, tries).await {
        let exact = attacker != "reconstruction";
        assert!(if exact { right == tries } else { 2 * right >= tries }, "{attacker}: {right} of {tries}");
    }
}
