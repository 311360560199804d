//! `sudare release`: content and crosswalk to an immutable release.

use std::path::{Path, PathBuf};

use anyhow::Result;
use catalog::{BucketCount, Manifest};
use policies::Zone;
use policies::audit::{Act, AuditLog};
use policies::keys::KeyFolder;
use pseudonymizer::release::ReleaseJob;

use crate::cli::Release;
use crate::clock;
use crate::lang::Lang;
use crate::output::{self, Outcome};
use crate::progress::Step;

pub(crate) fn run(arguments: &Release, lang: Lang) -> Result<Outcome> {
    let Release { dataset, content, crosswalk, keys, out } = arguments;
    let manifest = release(dataset, content, crosswalk, keys, out, lang)?;
    let rows: u64 = manifest.tables.values().map(|table| table.rows).sum();
    let place = manifest.release.folder(out).display().to_string();
    let (tables, rows, name) = (manifest.tables.len().to_string(), rows.to_string(), manifest.release.to_string());
    output::line(
        &lang.with("release-done", &[("release", &name), ("tables", &tables), ("rows", &rows), ("path", &place)]),
    );
    Ok(Outcome::Done)
}

/// Makes a release with progress and records it in the enclave's chain. `dataset` may name a version: `ndb/2026.2`.
pub(crate) fn release(
    dataset: &str,
    content: &[PathBuf],
    crosswalk: &Path,
    keys: &Path,
    releases: &Path,
    lang: Lang,
) -> Result<Manifest> {
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
        releases,
        buckets: BucketCount::DEFAULT,
        code_version: env!("CARGO_PKG_VERSION"),
    };
    let mut absent = 0;
    let manifest = pseudonymizer::release::run(&job, clock::now(), &mut |progress| {
        step.at(progress.rows);
        absent = progress.absent;
        true
    })?;
    step.end();
    if absent > 0 {
        output::note(&lang.with("release-absent", &[("rows", &absent.to_string())]));
    }
    let name = manifest.release.to_string();
    audit.append(
        clock::now(),
        &Act::new("release", "release:made", &name)
            .with("crosswalk", manifest.crosswalk.clone())
            .with("absent", absent),
    )?;
    Ok(manifest)
}
