//! `sudare link`: tokens of all sources to a crosswalk.

use std::path::{Path, PathBuf};

use anyhow::Result;
use policies::Zone;
use policies::audit::{Act, AuditLog};
use policies::keys::KeyFolder;
use pseudonymizer::link::{LinkJob, LinkReport};

use crate::cli::Link;
use crate::clock;
use crate::lang::Lang;
use crate::output::{self, Outcome};
use crate::progress::Step;

pub(crate) fn run(arguments: &Link, lang: Lang) -> Result<Outcome> {
    let Link::Run { keys, out, tokens } = arguments;
    let report = link(keys, out, tokens, lang)?;
    let place = out.join("report.json").display().to_string();
    let (atoms, persons) = (report.atoms.to_string(), report.persons.to_string());
    output::line(&lang.with("link-done", &[("atoms", &atoms), ("persons", &persons), ("path", &place)]));
    if !report.absent_by_source.is_empty() {
        let counts = report.absent_by_source.iter().map(|(source, persons)| format!("{source} {persons}"));
        output::note(&lang.with("link-absent", &[("counts", &counts.collect::<Vec<_>>().join(", "))]));
    }
    Ok(Outcome::Done)
}

/// Links with progress and records it in the linkage zone's chain.
pub(crate) fn link(keys: &Path, out: &Path, tokens: &[PathBuf], lang: Lang) -> Result<LinkReport> {
    let keys = KeyFolder::open(keys, Zone::Linkage)?;
    let audit = AuditLog::open(keys.path(), Zone::Linkage, keys.signing("sign")?)?;
    let step = Step::begin(&lang.text("step-link"), 0, "atoms");
    let report = pseudonymizer::link::run(&LinkJob { keys: &keys, out, tokens }, clock::now(), &mut |progress| {
        step.at(progress.atoms);
    })?;
    step.end();
    let act = Act::new("link", "crosswalk:made", &report.crosswalk);
    let absent: u64 = report.absent_by_source.values().sum();
    let act = act.with("atoms", report.atoms).with("persons", report.persons).with("absent", absent);
    audit.append(clock::now(), &act)?;
    Ok(report)
}
