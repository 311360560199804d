//! `sudare audit`: each zone's chain and the crossings between them.

use std::path::{Path, PathBuf};

use anyhow::Result;
use policies::audit::{self, FILE};

use crate::cli::Audit;
use crate::lang::Lang;
use crate::output::{self, Misuse, Outcome};

pub(crate) fn run(arguments: Audit, lang: Lang) -> Result<Outcome> {
    match arguments {
        Audit::Show { folder, last } => show(&folder, last),
        Audit::Verify { folders } => verify(&folders, lang),
    }
}

fn show(folder: &Path, last: Option<usize>) -> Result<Outcome> {
    let entries = audit::read(folder)?;
    let skip = last.map_or(0, |last| entries.len().saturating_sub(last));
    for entry in entries.iter().skip(skip) {
        output::line(&serde_json::to_string(entry)?);
    }
    Ok(Outcome::Done)
}

fn verify(given: &[PathBuf], lang: Lang) -> Result<Outcome> {
    let folders = chains_in(given);
    if folders.is_empty() {
        return Err(Misuse(lang.text("audit-none")).into());
    }
    let report = audit::verify(&folders)?;
    for zone in &report.zones {
        let place = zone.folder.display().to_string();
        let (entries, checkpoints) = (zone.entries.to_string(), zone.checkpoints.to_string());
        let name = zone.zone.map_or("?", |zone| zone.as_str());
        output::line(&match &zone.broken {
            None => lang.with(
                "audit-whole",
                &[("zone", name), ("place", &place), ("entries", &entries), ("checkpoints", &checkpoints)],
            ),
            Some(broken) => lang.with(
                "audit-broken",
                &[("zone", name), ("place", &place), ("line", &broken.line.to_string()), ("why", broken.why)],
            ),
        });
    }
    for crossing in report.crossings.iter().filter(|crossing| crossing.holds == Some(false)) {
        let seq = crossing.seq.to_string();
        output::line(&lang.with(
            "audit-crossing",
            &[("witness", crossing.witness.as_str()), ("zone", crossing.zone.as_str()), ("seq", &seq)],
        ));
    }
    let held = report.crossings.iter().filter(|crossing| crossing.holds == Some(true)).count().to_string();
    let whole = report.whole();
    output::line(&lang.with(if whole { "audit-ok" } else { "audit-not-ok" }, &[("crossings", &held)]));
    Ok(if whole { Outcome::Done } else { Outcome::NotWhole })
}

/// The given folders that hold a chain, or those below them (three levels) that do.
fn chains_in(given: &[PathBuf]) -> Vec<PathBuf> {
    given.iter().flat_map(|folder| chains_below(folder, 3)).collect()
}

fn chains_below(folder: &Path, levels: usize) -> Vec<PathBuf> {
    if folder.join(FILE).is_file() {
        return vec![folder.to_owned()];
    }
    let Some(levels) = levels.checked_sub(1) else { return Vec::new() };
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    folders.iter().flat_map(|folder| chains_below(folder, levels)).collect()
}
