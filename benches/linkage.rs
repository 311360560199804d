//! Linkage against the truth, and its speed: `cargo bench --bench linkage -- quality`; see `benches/README.md`.

#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]
#![expect(
    clippy::cast_precision_loss,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a benchmark ends at the first thing that goes wrong"
)]
#![expect(clippy::disallowed_methods, reason = "scratch files need no durability")]
#![expect(
    clippy::float_cmp,
    clippy::format_collect,
    clippy::format_push_string,
    clippy::needless_for_each,
    clippy::needless_pass_by_value,
    clippy::range_plus_one,
    clippy::string_slice,
    reason = "short and plain before quick: a benchmark's own steps are not measured"
)]

use std::path::PathBuf;
use std::process::ExitCode;

#[path = "linkage/public.rs"]
mod public;
#[path = "linkage/quality.rs"]
mod quality;
#[path = "linkage/speed.rs"]
mod speed;

fn main() -> ExitCode {
    // Cargo adds `--bench`.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.split_first() {
        Some((what, rest)) if what == "quality" => quality::run(rest),
        Some((what, rest)) if what == "public" => {
            public::run(rest);
            ExitCode::SUCCESS
        }
        Some((what, rest)) if what == "speed" => {
            speed::run(rest);
            ExitCode::SUCCESS
        }
        _ => {
            println!(
                "usage: cargo bench --bench linkage -- quality|public|speed [--persons N] [--slices] [--seed N] [--years N] [--no-run] [--policy FILE] [--max-multiplicity N] [--fresh] [--keep] [--keys FILE] [--assert] [--only SET] [--alone] [--accept P,P]"
            );
            ExitCode::FAILURE
        }
    }
}

/// The value behind an option.
fn option(arguments: &[String], name: &str) -> Option<String> {
    arguments.iter().position(|it| it == name).and_then(|at| arguments.get(at + 1)).cloned()
}

/// Where data is kept from run to run.
fn base() -> PathBuf {
    std::env::current_exe().unwrap().ancestors().nth(3).unwrap().join("bench-data").join("linkage")
}
