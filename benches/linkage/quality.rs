//! How well persons are put together: a ledger of ten years in four databases with errors as in practice (`synthetic::ledger`),
//! pseudonymized and linked by the real chain, and compared with its truth.
//!
//! The ledger, the batches and the tokens of the run are kept in `target/bench-data/linkage`, so that changed rules of linkage need
//! the last step alone. `--fresh` makes all of it anew: after a change of the ledger, the normaliser or the kinds of tokens.

#[path = "quality/chain.rs"]
mod chain;
#[path = "quality/scores.rs"]
mod scores;
#[path = "quality/truth.rs"]
mod truth;

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use synthetic::{LedgerOptions, Shape};

use chain::{Chain, SOURCES};
use scores::Scores;
use truth::Truth;

/// Measures, prints, and fails with `--assert` if a goal is missed.
pub(crate) fn run(arguments: &[String]) -> ExitCode {
    let number = |name: &str, otherwise: u64| {
        crate::option(arguments, name).map_or(otherwise, |text| text.replace('_', "").parse().expect("a number"))
    };
    let flag = |name: &str| arguments.iter().any(|argument| argument == name);
    let slices = flag("--slices");
    let persons = number("--persons", if slices { 200_000 } else { 1_000_000 });
    let shape = if slices {
        // 2,000 persons for each birth date and sex, as in Japan.
        Shape::Slices { cells: u32::try_from((persons / 2_000).max(4)).unwrap() }
    } else {
        Shape::Population
    };
    let options = LedgerOptions {
        persons,
        seed: number("--seed", 1),
        years: u8::try_from(number("--years", 10)).unwrap(),
        shape,
    };
    let name = if slices { "slices" } else { "population" };
    let base = crate::base().join(format!("{name}-{persons}-{}-{}", options.years, options.seed));
    if flag("--fresh") {
        drop(fs::remove_dir_all(&base));
    }
    let chain = Chain::open(&base);
    ledger(&options, &base);
    for source in SOURCES {
        chain.pseudonymize(source);
    }
    // The four CSV files are made again from the seed if they are asked for.
    if !flag("--keep") {
        chain.forget_raw();
    }
    let bound = number("--max-multiplicity", u64::from(policies::source::admission_max_multiplicity()));
    let bound = u32::try_from(bound).unwrap();
    let run_tokens = if flag("--no-run") { Vec::new() } else { chain.run_tokens(bound) };
    let policy = crate::option(arguments, "--policy").map(|file| fs::read_to_string(file).unwrap());
    chain.link(&run_tokens, policy.as_deref());
    let truth = Truth::read(&base.join("ledger/truth.csv"));
    let keys = keys(&chain, &truth);
    if let Some(file) = crate::option(arguments, "--keys") {
        fs::write(file, truth.keyed(&keys)).unwrap();
    }
    let scores = Scores::of(&truth, &keys);
    scores.print();
    if flag("--assert") && !scores.reached() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Makes the ledger unless it is there.
fn ledger(options: &LedgerOptions, base: &Path) {
    let folder = base.join("ledger");
    let told = folder.join("told.txt");
    if !told.exists() {
        let (began, busy) = (Instant::now(), processor_seconds());
        let made = synthetic::ledger(options, &folder, &mut |_| {}).unwrap();
        let rows: u64 = made.rows.iter().sum();
        let text = format!(
            "ledger: {} persons, rows of claims, care, hospital, record {:?}, together {rows}; made in {:.1} s ({:.1} s of processor time); card or name changes in {:.1} % of years",
            made.persons,
            made.rows,
            began.elapsed().as_secs_f64(),
            processor_seconds() - busy,
            made.changes_in_a_year * 100.0
        );
        fs::write(&told, text).unwrap();
    }
    println!("{}", fs::read_to_string(told).unwrap());
}

/// The person key of each row of the truth, counted from 0; rows that did not come through have none.
fn keys(chain: &Chain, truth: &Truth) -> Vec<Option<u32>> {
    let persons: HashMap<[u8; 16], u32> = chain.crosswalk();
    let mut keys = vec![None; truth.rows.len()];
    for source in SOURCES {
        chain.serials(source, &mut |serial, atom| {
            if let Some(row) = truth.place(serial) {
                keys[row] = persons.get(&atom).copied();
            }
        });
    }
    keys
}

/// Size of a file or of all files of a folder.
fn size(path: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(path) else { return fs::metadata(path).map_or(0, |about| about.len()) };
    let inside: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    inside.iter().map(|path| size(path)).sum()
}

/// Seconds of processor time of this process, of the user's and the system's: what a core is busy with, whatever else the machine
/// does (proc(5), fields 14 and 15 of `stat`; 100 ticks a second on Linux).
fn processor_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let (_, fields) = stat.rsplit_once(')').unwrap();
    fields.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<f64>().unwrap() / 100.0).sum()
}
