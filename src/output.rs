//! The one place that writes to the terminal: results to stdout, everything else to stderr.

use std::io::Write as _;
use std::process::ExitCode;

use serde::Serialize;

use crate::lang::Lang;

/// How a command ended without failing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Done.
    Done,
    /// The query, or what was asked to be checked, was refused.
    Refused,
    /// Something that was to be checked does not hold.
    NotWhole,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Done => Self::SUCCESS,
            Outcome::NotWhole => Self::from(1),
            Outcome::Refused => Self::from(3),
        }
    }
}

/// A line of result.
pub(crate) fn line(text: &str) {
    // A closed pipe is the reader's choice, not our error.
    let _closed = writeln!(std::io::stdout().lock(), "{text}");
}

/// A value as JSON, on stdout.
pub(crate) fn json(value: &impl Serialize) -> anyhow::Result<()> {
    line(&serde_json::to_string_pretty(value)?);
    Ok(())
}

/// A line for the person at the terminal.
pub(crate) fn note(text: &str) {
    let _closed = writeln!(std::io::stderr().lock(), "{text}");
}

/// Prints clap's help or complaint and gives its exit code (0 for help, 2 for misuse).
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    let _closed = error.print();
    ExitCode::from(if error.use_stderr() { 2 } else { 0 })
}

/// Prints an error as one sentence, with its causes.
pub(crate) fn failure(error: &anyhow::Error, lang: Lang) -> ExitCode {
    note(&format!("{}: {}", lang.text("error"), sentence(error)));
    let misuse = error.downcast_ref::<Misuse>().is_some();
    ExitCode::from(if misuse { 2 } else { 1 })
}

fn sentence(error: &anyhow::Error) -> String {
    let chain: Vec<String> = error.chain().map(ToString::to_string).collect();
    chain.join(": ")
}

/// The command was used in a way that cannot work (exit 2).
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Misuse(pub(crate) String);

impl Misuse {
    /// An error, with its causes, that the user can put right.
    pub(crate) fn of(error: &anyhow::Error) -> Self {
        Self(sentence(error))
    }
}

/// A table with a header, columns aligned for terminals where Japanese takes two places.
pub(crate) fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let width = |text: &str| {
        text.chars().map(|c| if c.is_ascii() || ('\u{ff61}'..='\u{ff9f}').contains(&c) { 1 } else { 2 }).sum::<usize>()
    };
    let mut widths: Vec<usize> = header.iter().map(|cell| width(cell)).collect();
    for row in rows {
        for (at, cell) in widths.iter_mut().zip(row) {
            *at = (*at).max(width(cell));
        }
    }
    let render = |cells: &mut dyn Iterator<Item = &str>| {
        let cells =
            cells.zip(&widths).map(|(cell, at)| format!("{cell}{}", " ".repeat(at.saturating_sub(width(cell)))));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let rule = widths.iter().map(|at| "-".repeat(*at)).collect::<Vec<_>>().join("  ");
    let mut lines = vec![render(&mut header.iter().copied()), rule];
    lines.extend(rows.iter().map(|row| render(&mut row.iter().map(String::as_str))));
    lines.join("\n")
}
