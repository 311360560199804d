//! What a release says of the linkage behind it: rates by group, and histories that no life has, in veiled cells alone.
//!
//! `quality.json` beside the manifest, which names its digest. Every figure in it is safe to publish: at least `min_persons`
//! persons on both sides of a rate, further groups withheld where totals would give one away, all counts rounded
//! (disclosure.md, 4c, 4e, 4f). What is withheld looks the same whether it is none, few or for another group's sake.

use std::fs;
use std::path::Path;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::manifest::{Manifest, ManifestError, ReleaseId};

mod fall;

pub use fall::{Fall, fallen};

/// Format of the file that this code writes and reads.
pub const FORMAT: u32 = 1;
/// Its name in the release's folder.
pub const FILE: &str = "quality.json";
/// To what counts are rounded (ACRO 1.0.1: 5).
pub const BASE: u64 = 5;
/// The word under which an enclave believes the key that signs [`Word`]s.
pub const STEWARD: &str = "steward";
/// In the place of a source: any other one.
pub const ANY: &str = "any";

/// `quality.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quality {
    /// [`FORMAT`].
    pub format: u32,
    /// Which release.
    pub release: ReleaseId,
    /// SHA-256 of the crosswalk that named the persons.
    pub crosswalk: String,
    /// The month for which ages are stated, its first day: the last one of which there are enough records.
    pub last_month: Option<Date>,
    /// What cells had to pass.
    pub rules: Rules,
    /// Persons of the release, rounded; none if there are too few.
    pub persons: Option<u64>,
    /// By other source.
    pub links: Vec<Link>,
    /// In the order of [`HistoryKind`].
    pub histories: Vec<History>,
}

/// What a cell had to pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// Distinct persons, linked and not linked each.
    pub min_persons: u64,
    /// Institutions behind a group of software.
    pub min_institutions: u64,
    /// Counts are multiples of this, never below `min_persons`.
    pub base: u64,
}

/// How many persons of the release are found in another source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// The other source, or [`ANY`].
    pub to: String,
    /// All persons.
    pub total: Option<Shown>,
    /// By group.
    pub tables: Vec<LinkTable>,
}

/// One way to group persons.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkTable {
    /// Which.
    pub axis: Axis,
    /// All groups that there can be, in their order.
    pub cells: Vec<LinkCell>,
}

/// One group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkCell {
    /// E.g. `65-74`; [`UNKNOWN`].
    pub group: String,
    /// None if withheld.
    pub shown: Option<Shown>,
}

/// The group of those of whom it is not known.
pub const UNKNOWN: &str = "unknown";

/// A rate, as two rounded counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shown {
    /// Persons.
    pub persons: u64,
    /// Of them found in the other source.
    pub linked: u64,
}

impl Shown {
    /// The rate of the rounded counts.
    pub fn rate(&self) -> f64 {
        if self.persons == 0 { 0.0 } else { float(self.linked) / float(self.persons) }
    }

    /// 95 % interval of the rate (Wilson 1927), from the rounded counts.
    pub fn interval(&self) -> (f64, f64) {
        const Z: f64 = 1.959_963_984_540_054;
        let (n, rate) = (float(self.persons.max(1)), self.rate());
        let middle = rate + Z * Z / (2.0 * n);
        let reach = Z * (rate * (1.0 - rate) / n + Z * Z / (4.0 * n * n)).max(0.0).sqrt();
        let scale = 1.0 + Z * Z / n;
        (((middle - reach) / scale).max(0.0), ((middle + reach) / scale).min(1.0))
    }
}

/// How persons are grouped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Axis {
    /// Age in [`Quality::last_month`], or when the person died.
    Age,
    /// Of home where the records state it, else of the institution of the last record.
    Prefecture,
    /// Sex.
    Sex,
    /// Family of the software at the institution of the last record.
    Software,
}

impl Axis {
    /// As it stands in the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Age => "age",
            Self::Prefecture => "prefecture",
            Self::Sex => "sex",
            Self::Software => "software",
        }
    }
}

/// How many persons have a history that no life has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct History {
    /// Which.
    pub kind: HistoryKind,
    /// Persons, rounded; none if withheld.
    pub persons: Option<u64>,
}

/// Histories that no life has: signs that two persons share a key (Hagger-Johnson and others 2014, on hospital data: implausible
/// scenarios as a measure of false matches).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HistoryKind {
    /// Care in a month after the month of death.
    CareAfterDeath,
    /// Care in a month before that of birth.
    CareBeforeBirth,
    /// Older than 120 years at the last care.
    OverOneHundredAndTwenty,
    /// A man with a diagnosis of pregnancy or birth (ICD-10, chapter XV).
    PregnantMan,
    /// Two birth dates under one key.
    TwoBirths,
    /// In two hospitals on the same days; the day of a transfer does not count.
    TwoHospitals,
    /// Both sexes under one key.
    TwoSexes,
}

impl HistoryKind {
    /// All of them, in order.
    pub const ALL: [Self; 7] = [
        Self::CareAfterDeath,
        Self::CareBeforeBirth,
        Self::OverOneHundredAndTwenty,
        Self::PregnantMan,
        Self::TwoBirths,
        Self::TwoHospitals,
        Self::TwoSexes,
    ];

    /// As it stands in the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CareAfterDeath => "care-after-death",
            Self::CareBeforeBirth => "care-before-birth",
            Self::OverOneHundredAndTwenty => "over-one-hundred-and-twenty",
            Self::PregnantMan => "pregnant-man",
            Self::TwoBirths => "two-births",
            Self::TwoHospitals => "two-hospitals",
            Self::TwoSexes => "two-sexes",
        }
    }
}

/// In a manifest: which `quality.json` is the release's, and who let it pass where it had fallen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QualitySeal {
    /// SHA-256 of `quality.json`, hexadecimal.
    pub sha256: String,
    /// The steward's word, where one was needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub word: Option<GivenWord>,
}

/// A word that was given and needed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GivenWord {
    /// Fingerprint of the key that signed it.
    pub key: String,
    /// Why the release may appear.
    pub reason: String,
    /// When it was given.
    pub at: Timestamp,
}

/// A steward's word: this release may appear with this quality. Signed as [`policies::jws::QUALITY_WORD`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Word {
    /// Which release.
    pub release: ReleaseId,
    /// SHA-256 of the `quality.json` that the steward looked at.
    pub quality: String,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

impl Quality {
    /// The file's bytes and their SHA-256, hexadecimal. The same content gives the same bytes.
    pub fn bytes(&self) -> serde_json::Result<(Vec<u8>, String)> {
        let mut bytes = serde_json::to_vec_pretty(self)?;
        bytes.push(b'\n');
        let digest = hex::encode(Sha256::digest(&bytes));
        Ok((bytes, digest))
    }

    /// Reads a file that nobody has signed for yet; gives its SHA-256 too.
    pub fn read_file(path: &Path) -> Result<(Self, String), ManifestError> {
        let bytes = fs::read(path).map_err(|cause| ManifestError::Io { path: path.to_owned(), cause })?;
        let quality: Self =
            serde_json::from_slice(&bytes).map_err(|_| ManifestError::Invalid { path: path.to_owned() })?;
        Ok((quality, hex::encode(Sha256::digest(&bytes))))
    }

    /// Reads that of a release, if it has one and it is the one that the (believed) manifest names.
    pub fn read(folder: &Path, manifest: &Manifest) -> Result<Option<Self>, ManifestError> {
        let Some(seal) = &manifest.quality else { return Ok(None) };
        let (quality, digest) = Self::read_file(&folder.join(FILE))?;
        if digest == seal.sha256 && quality.release == manifest.release {
            Ok(Some(quality))
        } else {
            Err(ManifestError::Changed { release: manifest.release.clone(), file: FILE.to_owned() })
        }
    }

    /// What is shown of a group; none too where there is no such table or group.
    pub fn shown(&self, to: &str, axis: Axis, group: &str) -> Option<Shown> {
        let link = self.links.iter().find(|link| link.to == to)?;
        let table = link.tables.iter().find(|table| table.axis == axis)?;
        table.cells.iter().find(|cell| cell.group == group)?.shown
    }

    /// Persons with a history per 100,000, from the rounded counts.
    pub fn per_100_000(&self, history: &History) -> Option<f64> {
        let (persons, all) = (history.persons?, self.persons?);
        (all > 0).then(|| float(persons) * 100_000.0 / float(all))
    }
}

/// Counts of persons are far below 2^52.
#[expect(clippy::cast_precision_loss, reason = "counts of persons are far below 2^52")]
fn float(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests;
