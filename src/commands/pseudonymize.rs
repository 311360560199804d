//! `sudare pseudonymize`: official-format files to tokens and content, sealed to their zones.

use std::path::Path;

use anyhow::Result;
use policies::Zone;
use policies::audit::{Act, AuditLog};
use policies::keys::{KeyFolder, SealRecipient};
use pseudonymizer::{Job, Report};

use crate::cli::Pseudonymize;
use crate::clock;
use crate::lang::Lang;
use crate::output::{self, Outcome};
use crate::progress::Step;

pub(crate) fn run(arguments: Pseudonymize, lang: Lang) -> Result<Outcome> {
    let out = arguments.out.clone();
    let keys = KeyFolder::open(&arguments.keys, Zone::Holder)?;
    let job = Job {
        source: arguments.source.parse()?,
        keys: &keys,
        link_to: SealRecipient::read(&arguments.link_to)?,
        release_to: SealRecipient::read(&arguments.release_to)?,
        out: arguments.out,
        files: arguments.files,
    };
    let report = pseudonymize(job, lang)?;
    output::line(&done(&report, &out, lang));
    Ok(Outcome::Done)
}

/// Pseudonymizes with progress and records it in the holder's chain.
pub(crate) fn pseudonymize(job: Job<'_>, lang: Lang) -> Result<Report> {
    let audit = AuditLog::open(job.keys.path(), Zone::Holder, job.keys.signing("sign")?)?;
    let source = job.source.name();
    let step = Step::begin(&lang.with("step-pseudonymize", &[("source", source)]), 0, "records");
    let (mut before, mut file, mut last) = (0, 0, 0);
    let report = pseudonymizer::pseudonymize(job, clock::now(), &mut |progress| {
        // Records are counted by file; the bar counts them over all.
        if progress.file != file {
            (before, file) = (before + last, progress.file);
        }
        last = progress.records;
        step.at(before + last);
    })?;
    step.end();
    let act = Act::new("pseudonymize", "batch:made", &report.batch);
    audit.append(
        clock::now(),
        &act.with("source", source).with("atoms", report.atoms).with("quarantined", report.quarantined()),
    )?;
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
