//! `sudare link`: tokens of all sources to a crosswalk.

use std::path::{Path, PathBuf};

use anyhow::Result;
use policies::audit::{Act, AuditLog};
use policies::keys::KeyFolder;
use policies::{LinkagePolicy, Zone};
use pseudonymizer::link::{BridgeCheck, LinkJob, LinkReport};

use crate::cli::Link;
use crate::clock;
use crate::lang::Lang;
use crate::output::{self, Outcome};
use crate::progress::Step;

pub(crate) fn run(arguments: &Link, lang: Lang) -> Result<Outcome> {
    match arguments {
        Link::Bridge { keys, crosswalk, tokens, bridges, out } => {
            let keys = KeyFolder::open(keys, Zone::Linkage)?;
            let policy = LinkagePolicy::shipped()?;
            bridge(&BridgeCheck { keys: &keys, crosswalk, tokens, bridges, policy: &policy, out }, lang)
        }
        Link::RemoveBridge { keys, bridges } => remove(keys, bridges, lang),
        Link::Review(arguments) => super::link_review::run(arguments, lang),
        Link::Run { keys, out, answers, tokens } => renew(keys, out, tokens, answers, lang),
    }
}

fn renew(keys: &Path, out: &Path, tokens: &[PathBuf], answers: &[PathBuf], lang: Lang) -> Result<Outcome> {
    let report = link_with(keys, out, tokens, answers, lang)?;
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
    link_with(keys, out, tokens, &[], lang)
}

fn link_with(keys: &Path, out: &Path, tokens: &[PathBuf], answers: &[PathBuf], lang: Lang) -> Result<LinkReport> {
    let keys = KeyFolder::open(keys, Zone::Linkage)?;
    let audit = AuditLog::open(keys.path(), Zone::Linkage, keys.signing("sign")?)?;
    let step = Step::begin(&lang.text("step-link"), 0, "atoms");
    let policy = LinkagePolicy::shipped()?;
    let job = LinkJob { answers, ..LinkJob::new(&keys, out, tokens, &policy) };
    let report = pseudonymizer::link::run(&job, clock::now(), &mut |progress| {
        step.at(progress.atoms);
    })?;
    step.end();
    let act = Act::new("link", "crosswalk:made", &report.crosswalk);
    let absent: u64 = report.absent_by_source.values().sum();
    let act = act.with("atoms", report.atoms).with("persons", report.persons).with("absent", absent);
    let act = act.with("answers", answers.len() as u64);
    audit.append(clock::now(), &act)?;
    Ok(report)
}

/// Compares both epochs and records what came of it in the linkage zone's chain.
fn bridge(check: &BridgeCheck<'_>, lang: Lang) -> Result<Outcome> {
    let audit = AuditLog::open(check.keys.path(), Zone::Linkage, check.keys.signing("sign")?)?;
    let report = pseudonymizer::link::check_bridges(check, clock::now())?;
    let action = if report.holds() { "bridge:verified" } else { "bridge:refused" };
    for (source, sha256) in &report.bridges {
        let act = Act::new("link", action, sha256).with("source", source.clone()).with("from", report.from.clone());
        let act = act.with("to", report.to.get(source).cloned()).with("atoms", report.atoms);
        audit.append(clock::now(), &act.with("differences", report.differences.len() as u64))?;
    }
    let path = check.out.display().to_string();
    if report.holds() {
        let (atoms, persons) = (report.atoms.to_string(), report.persons.to_string());
        output::line(&lang.with("bridge-holds", &[("atoms", &atoms), ("persons", &persons), ("path", &path)]));
        return Ok(Outcome::Done);
    }
    let row = |it: &pseudonymizer::link::Difference| vec![it.what.clone(), it.now.to_string(), it.next.to_string()];
    let rows: Vec<Vec<String>> = report.differences.iter().map(row).collect();
    output::line(&output::table(&["count", "current", "next"], &rows));
    output::note(&lang.with("bridge-differs", &[("path", &path)]));
    Ok(Outcome::NotWhole)
}

fn remove(keys: &Path, bridges: &[PathBuf], lang: Lang) -> Result<Outcome> {
    let keys = KeyFolder::open(keys, Zone::Linkage)?;
    let audit = AuditLog::open(keys.path(), Zone::Linkage, keys.signing("sign")?)?;
    for folder in bridges {
        let removed = pseudonymizer::link::remove_bridge(&keys, folder)?;
        let act = Act::new("link", "bridge:removed", &removed.sha256).with("source", removed.source);
        audit.append(clock::now(), &act)?;
        output::note(&lang.with("bridge-removed", &[("sha256", &removed.sha256)]));
    }
    Ok(Outcome::Done)
}
