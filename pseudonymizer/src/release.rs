//! Content and crosswalk to an immutable release: Parquet by bucket, sorted by person key, encrypted, with a signed manifest.
//! Runs in the enclave, which sees no token and no identifier.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use arrow::record_batch::RecordBatch;
use catalog::manifest::{self, Manifest, ReleaseTable};
use catalog::quality::QualitySeal;
use catalog::{BucketCount, DatasetKey, Quality, ReleaseId, ReleaseKind, Table, person_source_schema, release_schema};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use policies::keys::{KeyFolder, SealIdentity};
use policies::{LinkagePolicy, Zone};

mod bucket_file;
mod content;
mod crosswalk;
mod error;
mod facility;
mod facility_map;
mod folder;
mod person;
mod quality;
mod sort;
mod surrogate;

pub use error::{ReleaseError, Waits};

use bucket_file::{BucketFiles, Sealing};
use content::Content;
use crosswalk::Crosswalk;
use facility::Facilities;
use facility_map::FacilityMap;
use folder::Partial;
use person::Persons;
use quality::{Gathering, Software};
use sort::{Sorter, Spill};
use surrogate::Surrogates;

/// Bytes of rows in memory before they wait on disk, over all buckets.
const BUDGET: usize = 256 * 1024 * 1024;
/// The dataset made of facts on persons and institutions.
const PERSON: &str = "person";
/// The open table of institutions.
const FACILITY: &str = "facility";

/// What to release.
#[derive(Clone, Copy, Debug)]
pub struct ReleaseJob<'a> {
    /// A source, built in or added, or `person`.
    pub dataset: &'a str,
    /// Version; the next free one of the year if none is named.
    pub version: Option<&'a str>,
    /// Batch folders, or their `content/` folders.
    pub content: &'a [PathBuf],
    /// The crosswalk file, or the link folder that holds it.
    pub crosswalk: &'a Path,
    /// The enclave's keys.
    pub keys: &'a KeyFolder,
    /// Whose records: [`ReleaseKind::Dummy`] is for who made the population and the keys, and for nobody else.
    pub kind: ReleaseKind,
    /// The folder of all releases.
    pub releases: &'a Path,
    /// Bucket count of the enclave.
    pub buckets: BucketCount,
    /// Version of the code, for the manifest.
    pub code_version: &'a str,
    /// How far linkage may fall.
    pub policy: &'a LinkagePolicy,
    /// CSV of institutions and the family of their software, for rates by it.
    pub facility_software: Option<&'a Path>,
    /// A steward's word for a release that fell further.
    pub steward_word: Option<&'a Path>,
}

/// How far a release is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReleaseProgress<'a> {
    /// The table being made; `manifest.json` when everything is written and nothing visible yet.
    pub table: &'a str,
    /// Rows read so far, over all tables.
    pub rows: u64,
    /// Rows left out so far, because their persons object to their source.
    pub absent: u64,
}

/// Makes a release in `job.releases/<dataset>/<version>/`. It appears whole, by one rename, or not at all.
///
/// `progress` answers whether to go on; `false` ends the run with [`ReleaseError::Stopped`]. One release is made at a time in a folder of releases.
pub fn run(
    job: &ReleaseJob<'_>,
    now: Timestamp,
    progress: &mut dyn FnMut(ReleaseProgress<'_>) -> bool,
) -> Result<Manifest, ReleaseError> {
    if job.dataset != PERSON && !catalog::sources().contains(&job.dataset) {
        return Err(ReleaseError::Dataset);
    }
    let keys = KeyFolder::open(job.keys.path(), Zone::Enclave).map_err(ReleaseError::keys)?;
    let identity = keys.seal().map_err(ReleaseError::keys)?;
    let content = Content::open_all(job.content, &keys)?;
    let crosswalk = Crosswalk::open(job.crosswalk, &identity)?;
    check_sources(job, &content, &crosswalk)?;
    let software = job.facility_software.map_or_else(|| Ok(Software::default()), Software::read)?;

    let year = now.to_zoned(TimeZone::UTC).year();
    let partial = Partial::open(job.releases, job.dataset, job.version, year)?;
    let key = DatasetKey::generate();
    let folder = partial.spill()?;
    let to = keys.recipient().map_err(ReleaseError::keys)?;
    let spill = Spill { folder: folder.clone(), to: to.clone(), identity: &identity, budget: BUDGET };
    let events = Spill { folder, to, identity: &identity, budget: quality::BUDGET };
    let mut making = Making {
        content: &content,
        crosswalk: &crosswalk,
        identity: &identity,
        sealing: Sealing { release: partial.release(), key: &key, buckets: job.buckets, folder: partial.path() },
        spill: &spill,
        facilities: FacilityMap::open(job.releases, &identity)?,
        quality: Gathering::new(&crosswalk, software, &events),
        progress,
        rows: 0,
        absent: 0,
    };
    let tables = if job.dataset == PERSON { making.person()? } else { making.source(job.dataset)? };
    making.facilities.save(&spill.to)?;
    making.step("quality", 0)?;
    let Making { quality, progress, rows, absent, .. } = making;
    let quality = seal_quality(&quality.finish(job.dataset, partial.release())?, job, &keys, partial.path())?;

    let manifest = Manifest {
        format: manifest::FORMAT,
        release: partial.release().clone(),
        kind: job.kind,
        created_at: now,
        code_version: job.code_version.to_owned(),
        buckets: job.buckets,
        tables,
        sources: content.iter().map(|content| content.batch.clone()).collect(),
        crosswalk: crosswalk.digest().to_owned(),
        pinned: if job.dataset == PERSON { pinned(job, &keys, &content, crosswalk.digest())? } else { Vec::new() },
        quality: Some(quality),
        wrapped_key: wrap(&key, &keys, partial.release())?,
    };
    let sign = keys.signing("sign").map_err(ReleaseError::keys)?;
    manifest.write(partial.path(), &sign).map_err(ReleaseError::manifest)?;
    if !progress(ReleaseProgress { table: "manifest.json", rows, absent }) {
        return Err(ReleaseError::Stopped);
    }
    partial.publish()?;
    tracing::info!(release.id = %manifest.release, tables.count = manifest.tables.len(), "release published");
    Ok(manifest)
}

fn check_sources(job: &ReleaseJob<'_>, content: &[Content], crosswalk: &Crosswalk) -> Result<(), ReleaseError> {
    for content in content {
        let path = content.folder().to_owned();
        if job.dataset != PERSON && content.batch.source != job.dataset {
            let found = content.batch.source.clone();
            return Err(ReleaseError::Source { path, found, dataset: job.dataset.to_owned() });
        }
        if !crosswalk.knows_batch(&content.batch.batch) {
            return Err(ReleaseError::NotLinked { path });
        }
    }
    Ok(())
}

/// Writes `quality.json` into the release to be, if it may appear.
fn seal_quality(
    quality: &Quality,
    job: &ReleaseJob<'_>,
    keys: &KeyFolder,
    folder: &Path,
) -> Result<QualitySeal, ReleaseError> {
    let path = folder.join(catalog::quality::FILE);
    let (bytes, sha256) = quality.bytes().map_err(|cause| ReleaseError::io(&path)(cause.into()))?;
    let seal = quality::fairness::seal(job.releases, quality, &sha256, job.policy, keys, job.steward_word)?;
    policies::durable::replace(&path, &bytes).map_err(ReleaseError::io(&path))?;
    Ok(seal)
}

fn wrap(key: &DatasetKey, keys: &KeyFolder, release: &ReleaseId) -> Result<String, ReleaseError> {
    let kek = keys.bytes("kek").map_err(ReleaseError::keys)?;
    key.wrap(&kek, release).map_err(ReleaseError::Key)
}

/// The newest release of each database in the content that was made with the same crosswalk.
fn pinned(
    job: &ReleaseJob<'_>,
    keys: &KeyFolder,
    content: &[Content],
    crosswalk: &str,
) -> Result<Vec<ReleaseId>, ReleaseError> {
    let key = keys.signing("sign").map_err(ReleaseError::keys)?.verifying();
    let newest = sources_of(content).into_iter().filter_map(|source| {
        let entries = std::fs::read_dir(job.releases.join(source)).ok()?;
        entries
            .filter_map(|entry| Manifest::read(&entry.ok()?.path(), &key).ok())
            .filter(|manifest| manifest.crosswalk == crosswalk)
            .max_by_key(|manifest| manifest.created_at)
            .map(|manifest| manifest.release)
    });
    Ok(newest.collect())
}

/// The sources of the content, in the order that settles ties.
fn sources_of(content: &[Content]) -> Vec<&'static str> {
    let given = |source: &&str| content.iter().any(|content| content.batch.source == *source);
    catalog::sources().iter().copied().filter(given).collect()
}

/// A release being made.
struct Making<'a> {
    content: &'a [Content],
    crosswalk: &'a Crosswalk,
    identity: &'a SealIdentity,
    sealing: Sealing<'a>,
    spill: &'a Spill<'a>,
    facilities: FacilityMap,
    quality: Gathering<'a>,
    progress: &'a mut dyn FnMut(ReleaseProgress<'_>) -> bool,
    rows: u64,
    absent: u64,
}

impl Making<'_> {
    fn step(&mut self, table: &str, rows: usize) -> Result<(), ReleaseError> {
        self.rows += rows as u64;
        let progress = ReleaseProgress { table, rows: self.rows, absent: self.absent };
        if (self.progress)(progress) { Ok(()) } else { Err(ReleaseError::Stopped) }
    }

    /// The rows of persons who do not stay out.
    fn present(&mut self, rows: RecordBatch, file: &Path) -> Result<RecordBatch, ReleaseError> {
        let (rows, absent) = surrogate::present(self.crosswalk, rows, file)?;
        self.absent += absent as u64;
        Ok(rows)
    }

    /// All tables of one database, those without rows too.
    fn source(&mut self, dataset: &str) -> Result<BTreeMap<String, ReleaseTable>, ReleaseError> {
        self.only_gathered(&[PERSON])?;
        let wanted = catalog::tables().iter().filter(|table| table.schema() == Some(dataset) && table.has_persons());
        wanted.map(|table| Ok((table.name.clone(), self.table(table)?))).collect()
    }

    fn table(&mut self, table: &Table) -> Result<ReleaseTable, ReleaseError> {
        let spill = self.spill;
        let mut sorter = Sorter::new(&table.name, release_schema(table), spill);
        for content in self.content {
            let file = content.file(&table.name);
            for rows in content.rows(&table.name, self.identity)? {
                let rows = self.present(rows.map_err(ReleaseError::seal)?, &file)?;
                self.quality.take(&content.batch.source, &table.name, &rows, &file)?;
                sorter.push(Surrogates::new(table, self.crosswalk, &mut self.facilities).replace(&rows, &file)?)?;
                self.step(&table.name, rows.num_rows())?;
            }
        }
        let mut files = BucketFiles::create(&self.sealing, &table.name, release_schema(table))?;
        for rows in sorter.finish()? {
            files.write(&rows?)?;
        }
        let made = files.finish()?;
        self.step(&table.name, 0)?;
        Ok(made)
    }

    /// `person.<source>` of each source in the content, and the open table of institutions.
    fn person(&mut self) -> Result<BTreeMap<String, ReleaseTable>, ReleaseError> {
        let mut tables = BTreeMap::new();
        for source in sources_of(self.content) {
            let name = format!("{PERSON}.{source}");
            let made = self.person_of(source, &name)?;
            tables.insert(name, made);
        }
        tables.insert(FACILITY.to_owned(), self.facility()?);
        let care: Vec<_> =
            catalog::tables().iter().map(|table| table.name.as_str()).filter(|name| *name != PERSON).collect();
        self.only_gathered(&care)?;
        Ok(tables)
    }

    /// Reads tables that are no part of this release for what they say of linkage.
    fn only_gathered(&mut self, tables: &[&str]) -> Result<(), ReleaseError> {
        for table in tables.iter().filter(|table| quality::wanted(table)) {
            for content in self.content {
                let file = content.file(table);
                for rows in content.rows(table, self.identity)? {
                    let (rows, _) = surrogate::present(self.crosswalk, rows.map_err(ReleaseError::seal)?, &file)?;
                    self.quality.take(&content.batch.source, table, &rows, &file)?;
                }
            }
        }
        Ok(())
    }

    fn person_of(&mut self, source: &str, name: &str) -> Result<ReleaseTable, ReleaseError> {
        let spill = self.spill;
        let mut sorter = Sorter::new(name, person::keyed_schema(), spill);
        for content in self.content.iter().filter(|content| content.batch.source == source) {
            let file = content.file(PERSON);
            for rows in content.rows(PERSON, self.identity)? {
                let rows = self.present(rows.map_err(ReleaseError::seal)?, &file)?;
                self.quality.take(source, PERSON, &rows, &file)?;
                sorter.push(person::keyed(self.crosswalk, &rows, &file)?)?;
                self.step(name, rows.num_rows())?;
            }
        }
        let mut persons = Persons::new();
        let mut files = BucketFiles::create(&self.sealing, name, person_source_schema())?;
        for rows in sorter.finish()? {
            if let Some(done) = persons.push(&rows?)? {
                files.write(&done)?;
            }
        }
        files.write(&persons.finish()?)?;
        let made = files.finish()?;
        self.step(name, 0)?;
        Ok(made)
    }

    fn facility(&mut self) -> Result<ReleaseTable, ReleaseError> {
        let mut facilities = Facilities::default();
        for content in self.content {
            let file = content.file(FACILITY);
            for rows in content.rows(FACILITY, self.identity)? {
                facilities.add(&content.batch.source, &rows.map_err(ReleaseError::seal)?, &file)?;
            }
        }
        let rows = facilities.table(&mut self.facilities)?;
        let made = bucket_file::write_open(&self.sealing, FACILITY, &rows)?;
        self.step(FACILITY, 0)?;
        Ok(made)
    }
}

#[cfg(test)]
mod tests;
