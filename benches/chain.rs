//! Time and peak memory of each step of the chain, as a whole process each: `cargo bench --bench chain -- --persons 20000`.
//!
//! Needs nothing but this repository; writes into `target/bench-data`. `--errors realistic` plants identifier errors.

#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]
#![expect(clippy::unwrap_used, reason = "a benchmark ends at the first thing that goes wrong")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const SUDARE: &str = env!("CARGO_BIN_EXE_sudare");

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let option = |name: &str, default: &str| {
        arguments
            .iter()
            .position(|it| it == name)
            .and_then(|at| arguments.get(at + 1))
            .cloned()
            .unwrap_or_else(|| default.to_owned())
    };
    let (persons, errors) = (option("--persons", "20000"), option("--errors", "none"));
    let base =
        Path::new(SUDARE).ancestors().nth(2).unwrap().join("bench-data").join(format!("chain-{persons}-{errors}"));
    if base.exists() {
        fs::remove_dir_all(&base).unwrap();
    }
    fs::create_dir_all(&base).unwrap();
    println!("chain of {persons} persons, errors {errors}: seconds and peak memory of each step, one process each\n");
    chain(&base, &persons, &errors);
    let size = |name: &str| megabytes(&base.join(name));
    println!("\nraw files {} MB, releases {} MB", size("population/raw"), size("releases"));
}

const SOURCES: [&str; 4] = ["ndb", "ltc", "dpc", "ehr"];

fn chain(base: &Path, persons: &str, errors: &str) {
    let at = |name: &str| base.join(name).to_str().unwrap().to_owned();
    for (zone, keys) in [("holder", "k-holder"), ("linkage", "k-linkage"), ("enclave", "k-enclave")] {
        run(&["keys", "init", "--zone", zone, "--out", &at(keys)]);
    }
    for source in SOURCES {
        for keys in ["k-linkage", "k-enclave"] {
            run(&["keys", "trust", "--keys", &at(keys), "--source", source, "--holder", &at("k-holder/public")]);
        }
    }
    step(
        "synthesize",
        &["synthesize", "--persons", persons, "--seed", "1", "--errors", errors, "--out", &at("population")],
    );
    let (link_to, release_to) = (at("k-linkage/public"), at("k-enclave/public"));
    for source in SOURCES {
        let (out, raw) = (at(source), at(&format!("population/raw/{source}")));
        step(
            &format!("pseudonymize {source}"),
            &[
                "pseudonymize",
                "--source",
                source,
                "--keys",
                &at("k-holder"),
                "--link-to",
                &link_to,
                "--release-to",
                &release_to,
                "--out",
                &out,
                &raw,
            ],
        );
    }
    let tokens: Vec<String> = SOURCES.iter().map(|source| at(&format!("{source}/tokens"))).collect();
    let mut link = vec![
        "link".to_owned(),
        "run".to_owned(),
        "--keys".to_owned(),
        at("k-linkage"),
        "--out".to_owned(),
        at("crosswalk"),
    ];
    link.extend(tokens);
    step("link", &link.iter().map(String::as_str).collect::<Vec<_>>());
    releases(&at);
}

fn releases(at: &dyn Fn(&str) -> String) {
    for dataset in SOURCES {
        let (crosswalk, keys, out) = (at("crosswalk"), at("k-enclave"), at("releases"));
        step(
            &format!("release {dataset}"),
            &[
                "release",
                "--dataset",
                dataset,
                "--content",
                &at(&format!("{dataset}/content")),
                "--crosswalk",
                &crosswalk,
                "--keys",
                &keys,
                "--out",
                &out,
            ],
        );
    }
    let mut person = vec!["release".to_owned(), "--dataset".to_owned(), "person".to_owned()];
    for source in SOURCES {
        person.extend(["--content".to_owned(), at(&format!("{source}/content"))]);
    }
    person.extend([
        "--crosswalk".to_owned(),
        at("crosswalk"),
        "--keys".to_owned(),
        at("k-enclave"),
        "--out".to_owned(),
        at("releases"),
    ]);
    step("release person", &person.iter().map(String::as_str).collect::<Vec<_>>());
}

fn run(arguments: &[&str]) {
    let status = Command::new(SUDARE).args(arguments).stdout(Stdio::null()).status().unwrap();
    assert!(status.success(), "{arguments:?}");
}

/// Runs one step and prints its seconds and its peak resident memory.
fn step(name: &str, arguments: &[&str]) {
    let began = Instant::now();
    let mut child = Command::new(SUDARE).args(arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let status = PathBuf::from(format!("/proc/{}/status", child.id()));
    let mut peak = 0;
    loop {
        peak = peak.max(high_water(&status));
        if let Some(ended) = child.try_wait().unwrap() {
            assert!(ended.success(), "{name} failed");
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    println!("{name:20} {:8.1} s {:8} MB", began.elapsed().as_secs_f64(), peak / 1024);
}

/// Peak resident memory of a process so far, in kilobytes (`VmHWM`, proc(5)).
fn high_water(status: &Path) -> u64 {
    let text = fs::read_to_string(status).unwrap_or_default();
    text.lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|rest| rest.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}

fn megabytes(folder: &Path) -> u64 {
    let size = |folder: &Path| -> u64 {
        let mut open = vec![folder.to_owned()];
        let mut sum = 0;
        while let Some(next) = open.pop() {
            for entry in fs::read_dir(next).unwrap().flatten() {
                let meta = entry.metadata().unwrap();
                if meta.is_dir() { open.push(entry.path()) } else { sum += meta.len() }
            }
        }
        sum
    };
    size(folder) / 1_000_000
}
