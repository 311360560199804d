//! `sudare pseudonymize`: official-format files to tokens and content, sealed to their zones.

use std::num::NonZero;
use std::path::Path;

use anyhow::Result;
use policies::Zone;
use policies::audit::{Act, AuditLog};
use policies::keys::{KeyFolder, SealRecipient};
use policies::source::SourceId;
use pseudonymizer::{Job, Options, Reason, Report};

use crate::cli::Pseudonymize;
use crate::clock;
use crate::lang::Lang;
use crate::output::{self, Outcome};
use crate::progress::Step;

pub(crate) fn run(arguments: Pseudonymize, lang: Lang) -> Result<Outcome> {
    let out = arguments.out.clone();
    let keys = KeyFolder::open(&arguments.keys, Zone::Holder)?;
    let options = options(&arguments.source);
    let job = Job {
        source: arguments.source,
        keys: &keys,
        link_to: SealRecipient::read(&arguments.link_to)?,
        release_to: SealRecipient::read(&arguments.release_to)?,
        out: arguments.out,
        files: arguments.files,
        options,
    };
    let report = pseudonymize(&job, lang)?;
    output::line(&done(&report, &out, lang));
    Ok(Outcome::Done)
}

/// What the source's policy bounds, and as many threads as the machine has.
pub(crate) fn options(source: &SourceId) -> Options {
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
    let options = Options { threads, ..Options::default() };
    match catalog::policy(source.as_str()) {
        Some(policy) => Options {
            max_quarantine_share: policy.max_quarantine_share,
            max_multiplicity: policy.admission_max_multiplicity,
            ..options
        },
        None => options,
    }
}

/// Pseudonymizes with progress and records it in the holder's chain.
pub(crate) fn pseudonymize(job: &Job<'_>, lang: Lang) -> Result<Report> {
    let audit = AuditLog::open(job.keys.path(), Zone::Holder, job.keys.signing("sign")?)?;
    let source = job.source.as_str();
    let step = Step::begin(&lang.with("step-pseudonymize", &[("source", source)]), 0, "bytes");
    let report = pseudonymizer::pseudonymize(job, clock::now(), &mut |progress| {
        step.of(progress.bytes_total);
        step.at(progress.bytes);
        true
    })?;
    step.end();
    if report.unchanged {
        return Ok(report);
    }
    let act = Act::new("pseudonymize", "batch:made", &report.batch);
    let act = act.with("source", source).with("atoms", report.atoms).with("quarantined", report.quarantined());
    audit.append(clock::now(), &act.with("leak_scan", report.scanned).with("absent", report.count(Reason::Absent)))?;
    Ok(report)
}

fn done(report: &Report, out: &Path, lang: Lang) -> String {
    let place = out.join("report.json").display().to_string();
    let (records, quarantined, atoms) = (
        report.files.iter().map(|file| file.records).sum::<u64>().to_string(),
        report.quarantined().to_string(),
        report.atoms.to_string(),
    );
    lang.with(
        "pseudonymize-done",
        &[("records", &records), ("quarantined", &quarantined), ("atoms", &atoms), ("path", &place)],
    )
}
