//! `sudare link`: tokens of all sources to a crosswalk.

mod report;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use policies::audit::{Act, AuditLog};
use policies::keys::KeyFolder;
use policies::{LinkagePolicy, Zone};
use pseudonymizer::link::{AskJob, BridgeCheck, ForgetJob, Forgotten, LinkJob, LinkReport, Marker};

use crate::cli::{Link, LinkAsk, LinkForget, LinkRun};
use crate::clock;
use crate::lang::Lang;
use crate::output::{self, Misuse, Outcome};
use crate::progress::Step;

pub(crate) fn run(arguments: &Link, lang: Lang) -> Result<Outcome> {
    match arguments {
        Link::Ask(arguments) => ask(arguments, lang),
        Link::Bridge { keys, crosswalk, tokens, bridges, out } => {
            let keys = KeyFolder::open(keys, Zone::Linkage)?;
            let policy = LinkagePolicy::shipped()?;
            bridge(&BridgeCheck { keys: &keys, crosswalk, tokens, bridges, policy: &policy, out }, lang)
        }
        Link::Diff(arguments) => report::diff(arguments, lang),
        Link::Forget(arguments) => forget(arguments, lang),
        Link::RemoveBridge { keys, bridges } => remove(keys, bridges, lang),
        Link::Report(arguments) => report::show(arguments, lang),
        Link::Review(arguments) => super::link_review::run(arguments, lang),
        Link::Run(arguments) => renew(arguments, lang),
    }
}

fn renew(arguments: &LinkRun, lang: Lang) -> Result<Outcome> {
    let keys = KeyFolder::open(&arguments.keys, Zone::Linkage)?;
    let policy = policy(arguments.policy.as_deref(), lang)?;
    let job = LinkJob {
        run_tokens: &arguments.run_tokens,
        answers: &arguments.answers,
        rebuild: arguments.rebuild,
        ..LinkJob::new(&keys, &arguments.out, &arguments.tokens, &policy)
    };
    let report = link(&job, lang)?;
    say(&report, &arguments.out, lang);
    Ok(Outcome::Done)
}

fn say(report: &LinkReport, out: &Path, lang: Lang) {
    let place = out.join("report.json").display().to_string();
    let (atoms, persons) = (report.atoms.to_string(), report.persons.to_string());
    output::line(&lang.with("link-done", &[("atoms", &atoms), ("persons", &persons), ("path", &place)]));
    report::notes(report, lang);
}

/// Writes requests to the holders and records each in the linkage zone's chain, as counts and digest.
fn ask(arguments: &LinkAsk, lang: Lang) -> Result<Outcome> {
    let keys = KeyFolder::open(&arguments.keys, Zone::Linkage)?;
    let audit = AuditLog::open(keys.path(), Zone::Linkage, keys.signing("sign")?)?;
    let policy = policy(arguments.policy.as_deref(), lang)?;
    let (out, tokens, to) = (&arguments.out, &arguments.tokens, &arguments.to);
    let asked = pseudonymizer::link::ask(&AskJob { keys: &keys, out, tokens, policy: &policy, to }, clock::now())?;
    let mut rows = Vec::new();
    for request in &asked.requests {
        let act = Act::new("link", "run-tokens:asked", &request.digest).with("source", request.source.clone());
        let act = act.with("batches", request.batches.len() as u64).with("new", request.new).with("old", request.old);
        audit.append(clock::now(), &act.with("held", request.held))?;
        let (new, old, batches) = (request.new.to_string(), request.old.to_string(), request.batches.join(" "));
        rows.push(vec![request.source.clone(), new, old, percent(request.share()), batches]);
    }
    if !asked.held_already.is_empty() {
        output::note(&lang.with("link-ask-held", &[("count", &asked.held_already.len().to_string())]));
    }
    if rows.is_empty() {
        output::note(&lang.text("link-ask-nothing"));
        return Ok(Outcome::Done);
    }
    let header = ["source", "new", "old", "share", "batches"].map(|part| lang.text(&format!("link-ask-{part}")));
    output::line(&output::table(&header.each_ref().map(String::as_str), &rows));
    let words = [("share", &*percent(asked.share())), ("path", &to.display().to_string())];
    output::line(&lang.with("link-asked", &words));
    Ok(Outcome::Done)
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// Takes a source or a batch away and records it in the linkage zone's chain.
fn forget(arguments: &LinkForget, lang: Lang) -> Result<Outcome> {
    let keys = KeyFolder::open(&arguments.keys, Zone::Linkage)?;
    let audit = AuditLog::open(keys.path(), Zone::Linkage, keys.signing("sign")?)?;
    let policy = policy(arguments.policy.as_deref(), lang)?;
    let what = match (&arguments.batch, &arguments.source) {
        (Some(batch), _) => Forgotten::Batch(batch),
        (None, source) => Forgotten::Source(source.as_deref().unwrap_or_default()),
    };
    let job = ForgetJob { keys: &keys, out: &arguments.out, what, policy: &policy };
    let report = pseudonymizer::link::forget(&job, clock::now())?;
    let act = Act::new("link", "crosswalk:forgot", &report.crosswalk).with("events", report.events.clone());
    let act = act.with("source", arguments.source.clone()).with("batch", arguments.batch.clone());
    audit.append(clock::now(), &act.with("run", report.pass.run).with("persons", report.persons))?;
    say(&report, &arguments.out, lang);
    Ok(Outcome::Done)
}

/// The policy of a file, or the one that is built in.
fn policy(file: Option<&Path>, lang: Lang) -> Result<LinkagePolicy> {
    let Some(file) = file else { return Ok(LinkagePolicy::shipped()?) };
    let path = file.display().to_string();
    let named = || lang.with("cannot-read", &[("path", &path)]);
    let read = || -> Result<LinkagePolicy> { Ok(LinkagePolicy::read(&fs::read_to_string(file)?)?) };
    read().with_context(named).map_err(|error: anyhow::Error| Misuse::of(&error).into())
}

/// Links with progress and records it in the linkage zone's chain.
pub(crate) fn link(job: &LinkJob<'_>, lang: Lang) -> Result<LinkReport> {
    let audit = AuditLog::open(job.keys.path(), Zone::Linkage, job.keys.signing("sign")?)?;
    // As many as last time, until there are more: enough for an estimate.
    let expected = Marker::of(job.out).map_or(0, |marker| marker.atoms);
    let step = Step::begin(&lang.text("step-link"), expected, "atoms");
    let report = pseudonymizer::link::run(job, clock::now(), &mut |progress| {
        if expected > 0 {
            step.of(expected.max(progress.atoms));
        }
        step.at(progress.atoms);
    })?;
    step.end();
    let act = Act::new("link", "crosswalk:made", &report.crosswalk);
    let absent: u64 = report.absent_by_source.values().sum();
    let act = act.with("atoms", report.atoms).with("persons", report.persons).with("absent", absent);
    let act = act.with("run", report.pass.run).with("last_full", report.pass.last_full);
    let act = act.with("events", report.events.clone());
    audit.append(clock::now(), &act.with("policy", report.pass.policy_sha256.clone()))?;
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
