//! Whether a release may appear: not if linkage got worse for somebody, unless a steward has looked and says why it may.

use std::fs;
use std::path::{Path, PathBuf};

use catalog::quality::{Axis, GivenWord, QualitySeal, STEWARD, Word, fallen};
use catalog::{Manifest, Quality};
use policies::keys::{KeyFolder, VerifyingKey};
use policies::{LinkagePolicy, durable, jws};

use crate::release::error::{ReleaseError, Waits};

/// Below the folder of all releases: what a steward is to look at. No release, and nobody serves it.
const WAITING: &str = ".quality";

/// Seals the quality of the release to be, or stops it.
///
/// What is compared and what leaves are the same veiled cells, so that the refusal tells no more than they do.
pub(crate) fn seal(
    releases: &Path,
    quality: &Quality,
    sha256: &str,
    policy: &LinkagePolicy,
    keys: &KeyFolder,
    word: Option<&Path>,
) -> Result<QualitySeal, ReleaseError> {
    let own = keys.signing("sign").map_err(ReleaseError::keys)?.verifying();
    let last = last(releases, quality.release.dataset(), &own)?;
    let limit = policy.fairness.fall_points;
    let fall = last.as_ref().and_then(|last| Some((last, fallen(last, quality, limit)?)));
    let waiting = waiting(releases, quality);
    let Some((last, fall)) = fall else {
        remove(&waiting)?;
        return Ok(QualitySeal { sha256: sha256.to_owned(), word: None });
    };
    if let Some(word) = word {
        let word = believed(word, quality, sha256, keys, &own)?;
        remove(&waiting)?;
        return Ok(QualitySeal { sha256: sha256.to_owned(), word: Some(word) });
    }
    let folder = releases.join(WAITING);
    fs::create_dir_all(&folder).map_err(ReleaseError::io(&folder))?;
    let (bytes, _) = quality.bytes().map_err(|cause| ReleaseError::io(&waiting)(cause.into()))?;
    durable::replace(&waiting, &bytes).map_err(ReleaseError::io(&waiting))?;
    Err(ReleaseError::Fairness(Box::new(Waits {
        release: quality.release.clone(),
        last: last.release.clone(),
        group: fall.group.map_or_else(|| "all persons".to_owned(), |(axis, group)| said(axis, &group)),
        to: fall.to,
        fall: fall
            .points
            .map_or_else(|| "is shown no more".to_owned(), |points| format!("fell by {points:.1} points or more")),
        limit,
        file: waiting,
    })))
}

fn said(axis: Axis, group: &str) -> String {
    format!("{} {group}", axis.as_str())
}

/// The quality of the dataset's newest release, if it has one.
fn last(releases: &Path, dataset: &str, own: &VerifyingKey) -> Result<Option<Quality>, ReleaseError> {
    let folder = releases.join(dataset);
    let entries = fs::read_dir(&folder).map_err(ReleaseError::io(&folder))?;
    let newest = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter_map(|path| Some((Manifest::read(&path, own).ok()?, path)))
        .max_by_key(|(manifest, _)| manifest.created_at);
    newest.map_or(Ok(None), |(manifest, path)| Quality::read(&path, &manifest).map_err(ReleaseError::manifest))
}

/// The word, if the steward whom the enclave believes gave it for just this.
fn believed(
    path: &Path,
    quality: &Quality,
    sha256: &str,
    keys: &KeyFolder,
    own: &VerifyingKey,
) -> Result<GivenWord, ReleaseError> {
    let text = fs::read_to_string(path).map_err(ReleaseError::io(path))?;
    let steward = keys.trusted(STEWARD).map_err(ReleaseError::keys)?;
    let refused = |why| ReleaseError::Word { path: path.to_owned(), why };
    if steward == *own {
        return Err(refused("it is signed by the enclave itself, and a second person must give it"));
    }
    let word: Word = jws::verify(jws::QUALITY_WORD, text.trim(), &steward)
        .map_err(|_| refused("it is not signed by the steward whom this enclave believes"))?;
    if word.release != quality.release {
        return Err(refused("it is for another release"));
    }
    if word.quality != sha256 {
        return Err(refused("it is for other figures than these"));
    }
    if word.reason.trim().is_empty() {
        return Err(refused("it gives no reason"));
    }
    Ok(GivenWord { key: steward.fingerprint(), reason: word.reason, at: word.at })
}

fn waiting(releases: &Path, quality: &Quality) -> PathBuf {
    let id = &quality.release;
    releases.join(WAITING).join(format!("{}-{}.json", id.dataset(), id.version()))
}

fn remove(waiting: &Path) -> Result<(), ReleaseError> {
    if waiting.exists() { fs::remove_file(waiting).map_err(ReleaseError::io(waiting)) } else { Ok(()) }
}
