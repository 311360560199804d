//! Raw files to sealed content and tokens, source by source: `cargo bench --bench sources`.
//!
//! Makes its own raw files (`--persons`, 30,000 by default) in `target/bench-data`, reads each source with one thread and with
//! two, each time in a process of its own, and prints megabytes of raw files a second and peak memory. `--gigabytes 1,20` copies
//! the claims under other institutions' numbers up to those sizes, to see whether memory stays flat. `MB/s/core` is by processor
//! time. Beside it: HMACs of 64 bytes as `openssl speed` counts them.

#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a benchmark ends at the first thing that goes wrong"
)]
#![expect(clippy::disallowed_methods, reason = "scratch files need no durability")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use jiff::Timestamp;
use policies::Zone;
use policies::keys::{KeyFolder, SecretBytes};
use pseudonymizer::{Job, Options, pseudonymize};

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let option = |name: &str| arguments.iter().position(|it| it == name).and_then(|at| arguments.get(at + 1)).cloned();
    let base = base();
    match option("--one") {
        Some(source) => one(&base, &source, &option("--raw").unwrap(), option("--threads").unwrap().parse().unwrap()),
        None => {
            all(&base, &option("--persons").unwrap_or_else(|| "30000".to_owned()), option("--gigabytes").as_deref());
        }
    }
}

fn base() -> PathBuf {
    std::env::current_exe().unwrap().ancestors().nth(3).unwrap().join("bench-data").join("sources")
}

fn all(base: &Path, persons: &str, gigabytes: Option<&str>) {
    let population = base.join(format!("population-{persons}"));
    if !population.join("truth").exists() {
        let options =
            synthetic::Options { persons: persons.parse().unwrap(), seed: 1, errors: synthetic::Errors::Realistic };
        synthetic::synthesize(&options, &population, &mut |_| {}).unwrap();
    }
    println!("raw files to sealed batches; MB = 10^6 bytes of raw files; each line a process of its own\n");
    println!(
        "{:<22} {:>9} {:>8} {:>9} {:>8} {:>9} {:>9}",
        "source", "MB", "threads", "seconds", "MB/s", "MB/s/core", "peak MB"
    );
    for (name, source, folder) in raw_of(base, &population) {
        for threads in [1, 2] {
            line(&name, &source, &folder, threads);
        }
    }
    for size in gigabytes.into_iter().flat_map(|list| list.split(',')) {
        let folder = copies(base, &population, size.parse().unwrap());
        line(&format!("ndb claims {size} GB"), "ndb", &folder, 2);
    }
    hmacs();
}

/// The raw folders by what they hold: claims and checkups of NDB apart.
fn raw_of(base: &Path, population: &Path) -> Vec<(String, String, PathBuf)> {
    let raw = population.join("raw");
    let split = base.join("split");
    let mut found = Vec::new();
    for (name, source, wanted) in [
        ("ndb claims", "ndb", ".UKE"),
        ("ndb checkup XML", "ndb", ".xml"),
        ("ltc", "ltc", ""),
        ("dpc", "dpc", ""),
        ("ehr FHIR", "ehr", ""),
    ] {
        let folder = split.join(name.replace(' ', "-"));
        drop(fs::remove_dir_all(&folder));
        fs::create_dir_all(&folder).unwrap();
        for file in files_below(&raw.join(source)).into_iter().filter(|file| file.to_string_lossy().ends_with(wanted)) {
            fs::hard_link(&file, folder.join(file.file_name().unwrap())).unwrap();
        }
        found.push((name.to_owned(), source.to_owned(), folder));
    }
    found
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        if entry.path().is_dir() { files.extend(files_below(&entry.path())) } else { files.push(entry.path()) }
    }
    files.sort();
    files
}

/// Copies of the claims under other institutions' numbers, so that no receipt is another's copy.
fn copies(base: &Path, population: &Path, gigabytes: u64) -> PathBuf {
    let folder = base.join(format!("claims-{gigabytes}"));
    drop(fs::remove_dir_all(&folder));
    fs::create_dir_all(&folder).unwrap();
    let claims: Vec<PathBuf> = files_below(&population.join("raw/ndb"))
        .into_iter()
        .filter(|file| file.extension().is_some_and(|it| it == "UKE"))
        .collect();
    let (mut written, mut copy) = (0, 0_u32);
    while written < gigabytes * 1_000_000_000 {
        for file in &claims {
            let bytes = renumbered(&fs::read(file).unwrap(), copy);
            let name = file.file_stem().unwrap().to_string_lossy().into_owned();
            fs::write(folder.join(format!("{name}-{copy:04}.UKE")), &bytes).unwrap();
            written += bytes.len() as u64;
            if written >= gigabytes * 1_000_000_000 {
                break;
            }
        }
        copy += 1;
    }
    folder
}

/// The file with the three middle digits of each institution's number replaced.
fn renumbered(bytes: &[u8], copy: u32) -> Vec<u8> {
    let digits = format!("{:03}", copy % 1000);
    let mut out = bytes.to_vec();
    for at in memchr::memmem::find_iter(bytes, b"\nIR,").map(|at| at + 1).chain([0]) {
        let commas: Vec<usize> = memchr::memchr_iter(b',', &bytes[at..(at + 60).min(bytes.len())]).take(5).collect();
        if let [_, _, _, code, _] = commas[..] {
            out[at + code + 3..at + code + 6].copy_from_slice(digits.as_bytes());
        }
    }
    out
}

/// Runs one source in a process of its own.
fn line(name: &str, source: &str, raw: &Path, threads: usize) {
    let run = Command::new(std::env::current_exe().unwrap())
        .args(["--one", source, "--raw", raw.to_str().unwrap(), "--threads", &threads.to_string()])
        .output()
        .unwrap();
    let text = String::from_utf8(run.stdout).unwrap();
    let figures: Vec<f64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let [bytes, seconds, processor, peak] = figures[..] else {
        panic!("{name}: {}", String::from_utf8_lossy(&run.stderr))
    };
    let megabytes = bytes / 1e6;
    let (rate, core) = (megabytes / seconds, megabytes / processor);
    println!("{name:<22} {megabytes:>9.1} {threads:>8} {seconds:>9.2} {rate:>8.1} {core:>9.1} {peak:>9.0}");
}

/// Seconds of processor time of this process, of the user's and the system's: what a core is busy with, whatever else the machine
/// does (proc(5), fields 14 and 15 of `stat`; 100 ticks a second on Linux).
fn processor_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let (_, fields) = stat.rsplit_once(')').unwrap();
    fields.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<f64>().unwrap() / 100.0).sum()
}

/// Reads one source and prints bytes, seconds, processor seconds and peak memory in megabytes.
fn one(base: &Path, source: &str, raw: &str, threads: usize) {
    let dir = base.join("run");
    drop(fs::remove_dir_all(&dir));
    fs::create_dir_all(&dir).unwrap();
    let make = |zone: Zone| KeyFolder::init(&dir.join(zone.as_str()), zone, Timestamp::UNIX_EPOCH).unwrap();
    let (holder, linkage, enclave) = (make(Zone::Holder), make(Zone::Linkage), make(Zone::Enclave));
    let job = Job {
        source: source.parse().unwrap(),
        keys: &holder,
        link_to: linkage.recipient().unwrap(),
        release_to: enclave.recipient().unwrap(),
        out: dir.join("batch"),
        files: vec![raw.into()],
        options: Options { threads, ..Options::default() },
    };
    let bytes: u64 = files_below(Path::new(raw)).iter().map(|file| fs::metadata(file).unwrap().len()).sum();
    let began = Instant::now();
    let report = pseudonymize(&job, Timestamp::UNIX_EPOCH, &mut |_| true).unwrap();
    let seconds = began.elapsed().as_secs_f64();
    assert!(report.tables.values().sum::<u64>() > 0);
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let kilobytes: f64 = peak.trim().trim_end_matches(" kB").trim().parse().unwrap();
    println!("{bytes} {seconds} {} {}", processor_seconds(), kilobytes / 1000.0);
}

/// Tokens of 64-byte messages a second, and what OpenSSL does.
fn hmacs() {
    let epoch = SecretBytes::from_slice(&[7; 32]).unwrap();
    let count = 4_000_000;
    let began = Instant::now();
    let sum = pseudonymizer::measure::hash_messages(&epoch, 64, count);
    let ours = f64::from(count) * 64.0 / began.elapsed().as_secs_f64() / 1e6;
    println!("\nHMAC-SHA256 of 64 bytes, one core: {ours:.0} MB/s ({sum:02x})");
    let openssl =
        Command::new("openssl").args(["speed", "-seconds", "3", "-bytes", "64", "-mr", "-hmac", "sha256"]).output();
    let Ok(openssl) = openssl else {
        println!("openssl is not there to compare with");
        return;
    };
    let text = String::from_utf8_lossy(&openssl.stdout).into_owned();
    let line = text.lines().rfind(|line| line.starts_with("+F"));
    let rate = line.and_then(|line| line.rsplit(':').next()?.parse::<f64>().ok());
    if let Some(rate) = rate {
        println!("openssl speed -hmac sha256, 64 bytes:  {:.0} MB/s; ratio {:.2}", rate / 1e6, ours / (rate / 1e6));
    }
}
