//! `sudare release`: content and crosswalk to an immutable release.

use std::path::{Path, PathBuf};

use anyhow::Result;
use catalog::{BucketCount, Manifest, ReleaseKind};
use policies::audit::{Act, AuditLog};
use policies::keys::KeyFolder;
use policies::{LinkagePolicy, Zone};
use pseudonymizer::release::{ReleaseError, ReleaseJob};

use crate::cli::Release;
use crate::clock;
use crate::lang::Lang;
use crate::output::{self, Outcome};
use crate::progress::Step;

pub(crate) fn run(arguments: &Release, lang: Lang) -> Result<Outcome> {
    let Release { dataset, content, crosswalk, keys, out, facility_software, steward_word } = arguments;
    let wanted = Wanted {
        dataset,
        content,
        crosswalk,
        keys,
        kind: ReleaseKind::Holders,
        releases: out,
        facility_software: facility_software.as_deref(),
        steward_word: steward_word.as_deref(),
    };
    let manifest = release(&wanted, lang)?;
    let rows: u64 = manifest.tables.values().map(|table| table.rows).sum();
    let place = manifest.release.folder(out).display().to_string();
    let (tables, rows, name) = (manifest.tables.len().to_string(), rows.to_string(), manifest.release.to_string());
    output::line(
        &lang.with("release-done", &[("release", &name), ("tables", &tables), ("rows", &rows), ("path", &place)]),
    );
    Ok(Outcome::Done)
}

/// What to release, from what, and what goes into the figures on linkage.
#[derive(Clone, Copy)]
pub(crate) struct Wanted<'a> {
    /// May name a version: `ndb/2026.2`.
    pub(crate) dataset: &'a str,
    pub(crate) content: &'a [PathBuf],
    pub(crate) crosswalk: &'a Path,
    pub(crate) keys: &'a Path,
    /// Dummy for those who made the population themselves; no argument of a command says so.
    pub(crate) kind: ReleaseKind,
    pub(crate) releases: &'a Path,
    pub(crate) facility_software: Option<&'a Path>,
    pub(crate) steward_word: Option<&'a Path>,
}

/// Makes a release with progress and records it in the enclave's chain.
pub(crate) fn release(wanted: &Wanted<'_>, lang: Lang) -> Result<Manifest> {
    let Wanted { dataset, content, crosswalk, keys, kind, releases, facility_software, steward_word } = *wanted;
    let (dataset, version) =
        dataset.split_once('/').map_or((dataset, None), |(dataset, version)| (dataset, Some(version)));
    let keys = KeyFolder::open(keys, Zone::Enclave)?;
    let audit = AuditLog::open(keys.path(), Zone::Enclave, keys.signing("sign")?)?;
    let step = Step::begin(&lang.with("step-release", &[("dataset", dataset)]), 0, "rows");
    let job = ReleaseJob {
        dataset,
        version,
        content,
        crosswalk,
        keys: &keys,
        kind,
        releases,
        buckets: BucketCount::DEFAULT,
        code_version: env!("CARGO_PKG_VERSION"),
        policy: &LinkagePolicy::shipped()?,
        facility_software,
        steward_word,
    };
    let mut absent = 0;
    let made = pseudonymizer::release::run(&job, clock::now(), &mut |progress| {
        step.at(progress.rows);
        absent = progress.absent;
        true
    });
    let manifest = match made {
        Err(waits @ ReleaseError::Fairness(_)) => {
            audit.append(clock::now(), &Act::new("release", "release:waits", dataset).with("code", waits.code()))?;
            return Err(waits.into());
        }
        made => made?,
    };
    step.end();
    if absent > 0 {
        output::note(&lang.with("release-absent", &[("rows", &absent.to_string())]));
    }
    let name = manifest.release.to_string();
    let act =
        Act::new("release", "release:made", &name).with("crosswalk", manifest.crosswalk.clone()).with("absent", absent);
    let act = match &manifest.quality {
        Some(seal) => act.with("quality", seal.sha256.clone()),
        None => act,
    };
    let act = match manifest.quality.as_ref().and_then(|seal| seal.word.as_ref()) {
        Some(word) => act.with("steward", word.key.clone()).with("reason", word.reason.clone()),
        None => act,
    };
    audit.append(clock::now(), &act)?;
    Ok(manifest)
}
