//! Questions of studies through the whole veil, beside DuckDB and plain DataFusion on the same rows:
//! `cargo bench --bench engine -- --persons 2000000`. See `benches/README.md`.

#![expect(clippy::print_stderr, clippy::print_stdout, reason = "a benchmark prints its table")]
#![expect(
    clippy::cast_precision_loss,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a benchmark ends at the first thing that goes wrong"
)]

#[path = "engine/data.rs"]
mod data;
#[path = "engine/others.rs"]
mod others;
#[path = "engine/questions.rs"]
mod questions;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use engine::{Keeper, Limits, Releases, Session, VeilKey};
use policies::{Grade, Permit, Profile};

use data::Data;
use others::{DataFusion, DuckDb};
use questions::{QUESTIONS, Question};

const MEMORY: usize = 2 << 30;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let number = |name: &str, default: u64| {
        let at = arguments.iter().position(|it| it == name);
        at.map_or(default, |at| arguments[at + 1].parse().expect("a number after the option"))
    };
    let (persons, rounds) = (number("--persons", 2_000_000), number("--rounds", 5));
    let kept = arguments.iter().position(|it| it == "--data").map(|at| PathBuf::from(&arguments[at + 1]));
    let only = arguments.iter().position(|it| it == "--only").map(|at| arguments[at + 1].clone());
    let scratch = tempfile::tempdir().expect("a folder for the data");
    let data = Data::at(kept.as_deref().unwrap_or_else(|| scratch.path()), persons);
    println!("{persons} persons: {}", data.told());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let releases = Releases::open(&data.releases(), data.keys(), |_, opened| opened.expect("a release of this run"));
    let releases = releases.expect("the releases of this run");
    let mut duck = DuckDb::start(&data.plain());
    println!("medians of {rounds} in ms, two threads each; ratio: Sudare over the other\n");
    println!("| question | Sudare | DuckDB | ratio | DuckDB, counting | ratio | DataFusion |");
    println!("|---|---|---|---|---|---|---|");
    let mut logarithms = Vec::new();
    for question in QUESTIONS.iter().filter(|question| only.as_ref().is_none_or(|only| question.name.contains(only))) {
        let times = measured(question, rounds, &runtime, (&data, &releases), &mut duck);
        let (plain, counting) = (times.ours / times.duck, times.ours / times.counting);
        if question.is_of_a_study {
            logarithms.push(counting.ln());
        }
        println!(
            "| {} | {:.0} | {:.0} | {plain:.2} | {:.0} | {counting:.2} | {:.0} |",
            question.name, times.ours, times.duck, times.counting, times.fusion
        );
    }
    if !logarithms.is_empty() {
        let mean = (logarithms.iter().sum::<f64>() / logarithms.len() as f64).exp();
        println!("\ngeometric mean over {} study queries, DuckDB counting: {mean:.2}", logarithms.len());
    }
    println!("peak memory of this process: {} MB", peak_megabytes());
}

struct Times {
    ours: f64,
    duck: f64,
    counting: f64,
    fusion: f64,
}

/// All four in turn, round by round, so that a slow minute of the machine touches all alike.
fn measured(
    question: &Question,
    rounds: u64,
    runtime: &tokio::runtime::Runtime,
    (data, releases): (&Data, &Releases),
    duck: &mut DuckDb,
) -> Times {
    let mut times = [const { Vec::new() }; 4];
    for _ in 0..rounds {
        times[0].push(ours(question, runtime, &Data::permit(), releases));
        times[1].push(duck.milliseconds(question.sql));
        times[2].push(duck.milliseconds(question.counting));
        times[3].push(DataFusion::milliseconds(runtime, &data.plain(), question.sql));
    }
    let [ours, duck, counting, fusion] = times.map(median);
    Times { ours, duck, counting, fusion }
}

/// In a fresh project, so that no stored answer is timed. From the text to the cells: guard, veil, judge, ledger.
fn ours(question: &Question, runtime: &tokio::runtime::Runtime, permit: &Permit, releases: &Releases) -> f64 {
    let mut profile = Profile::named("standard").expect("a profile");
    profile.max_rows = 100_000;
    profile.budget.cells_a_day = 1_000_000;
    let today = jiff::civil::date(2026, 4, 1);
    let keeper = Keeper::of_session(Grade::Exact, &profile, today).expect("a keeper");
    let limits = Limits { memory_bytes: MEMORY, partitions: 2, ..Limits::default() };
    let session = Session::of_permit((permit, releases), profile, keeper, VeilKey::new(&[7; 32]), limits);
    let session = session.expect("a session");
    let began = Instant::now();
    let rows = runtime.block_on(async {
        let prepared = session.prepare(question.sql).await.expect(question.name);
        let answer = session.execute(prepared).await.expect(question.name);
        answer.batches.iter().map(arrow::record_batch::RecordBatch::num_rows).sum::<usize>()
    });
    if rows == 0 {
        eprintln!("{} shows nothing at this size", question.name);
    }
    milliseconds(began.elapsed())
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn peak_megabytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    peak.and_then(|text| text.trim().trim_end_matches(" kB").trim().parse::<u64>().ok()).unwrap_or(0) / 1_024
}
