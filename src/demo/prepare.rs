//! The flow of the main job, step by step, each in its zone's folder; what is finished is not done again.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use catalog::ReleaseKind;
use policies::durable;
use policies::keys::{KeyFolder, SealRecipient, VerifyingKey};
use policies::source::SourceId;
use policies::{LinkagePolicy, Zone};
use pseudonymizer::Job;
use pseudonymizer::link::LinkJob;

use super::folder::Folder;
use super::run;
use super::sources::{self, REGISTER};
use crate::cli::ErrorsChoice;
use crate::clock;
use crate::commands;
use crate::lang::Lang;
use crate::progress::Step;

/// Whom the releases are made of, and from which sources.
#[derive(Clone, Copy)]
pub(super) struct Population {
    pub(super) persons: u64,
    pub(super) seed: u64,
    pub(super) errors: ErrorsChoice,
    pub(super) sources: &'static [&'static str],
    /// What the releases say of themselves.
    pub(super) kind: ReleaseKind,
}

/// Raw files to releases.
pub(super) fn data(folder: &Folder, population: &Population, lang: Lang) -> Result<()> {
    keys(folder, population.sources, lang)?;
    raw_files(folder, population, lang)?;
    for source in population.sources {
        batch(folder, source, lang)?;
    }
    crosswalk(folder, population.sources, lang)?;
    for dataset in population.sources.iter().chain(&[PERSON]) {
        release(folder, dataset, population, lang)?;
    }
    folder.set_prepared()
}

/// Every zone's own keys; the first holder's epoch key travels to the others wrapped, and linkage and enclave believe each
/// holder's signatures.
fn keys(folder: &Folder, sources: &[&str], lang: Lang) -> Result<()> {
    let step = Step::begin(&lang.text("step-keys"), 0, "");
    let make = |path: PathBuf, zone: Zone| -> Result<KeyFolder> {
        if path.join("zone.json").exists() { Ok(KeyFolder::open(&path, zone)?) } else { remake(&path, zone) }
    };
    for (name, zone) in
        [("linkage", Zone::Linkage), ("enclave", Zone::Enclave), ("permit", Zone::Permit), ("portal", Zone::Portal)]
    {
        make(folder.keys(name), zone)?;
    }
    let mut first: Option<KeyFolder> = None;
    for source in sources {
        let keys = make(folder.holder(source).join("keys"), Zone::Holder)?;
        let sign = VerifyingKey::read(&keys.public("sign"))?;
        for (name, zone) in [("linkage", Zone::Linkage), ("enclave", Zone::Enclave)] {
            KeyFolder::open(&folder.keys(name), zone)?.trust(source, &sign)?;
        }
        match &first {
            Some(first) => holder(source, &keys, first)?,
            None => first = Some(keys),
        }
    }
    step.end();
    Ok(())
}

/// A further holder has the first one's epoch key; the register's has accepted its layout.
fn holder(source: &str, keys: &KeyFolder, first: &KeyFolder) -> Result<()> {
    if first.bytes("epoch")?.fingerprint() != keys.bytes("epoch")?.fingerprint() {
        let wrapped = pseudonymizer::epoch::wrap(first, &keys.recipient()?)?;
        pseudonymizer::epoch::join(keys, &wrapped)?;
    }
    if source == REGISTER { sources::accept(keys, first) } else { Ok(()) }
}

/// A folder without `zone.json` was left by a run that ended while making keys: nothing was sealed to it yet.
fn remake(path: &Path, zone: Zone) -> Result<KeyFolder> {
    if path.exists() {
        fs::remove_dir_all(path)?;
    }
    Ok(KeyFolder::init(path, zone, clock::now())?)
}

fn raw_files(folder: &Folder, population: &Population, lang: Lang) -> Result<()> {
    if folder.truth().exists() {
        return Ok(());
    }
    let partial = folder.root().join(".population.partial");
    if partial.exists() {
        fs::remove_dir_all(&partial)?;
    }
    commands::synthesize(population.persons, population.seed, population.errors, &partial, lang)?;
    for source in population.sources {
        let raw = folder.holder(source).join("raw");
        if raw.exists() {
            fs::remove_dir_all(&raw)?;
        }
        durable::publish(&partial.join("raw").join(source), &raw)?;
    }
    // What a steward knows of institutions is in no record: it goes to the enclave, where linkage is judged.
    let known = fs::read(partial.join("raw").join("steward").join(SOFTWARE))?;
    fs::create_dir_all(folder.steward())?;
    durable::replace(&folder.steward().join(SOFTWARE), &known)?;
    durable::publish(&partial.join("truth"), &folder.truth())?;
    Ok(fs::remove_dir_all(&partial)?)
}

/// One holder's batch: tokens travel to the linkage zone, content to the enclave.
fn batch(folder: &Folder, source: &str, lang: Lang) -> Result<()> {
    let (tokens, content) =
        (folder.zone("linkage").join("inbox").join(source), folder.zone("enclave").join("inbox").join(source));
    if content.exists() {
        return Ok(());
    }
    let out = folder.holder(source).join("batch");
    if !out.join("batch.json").exists() {
        let keys = KeyFolder::open(&folder.holder(source).join("keys"), Zone::Holder)?;
        let raw = folder.holder(source).join("raw");
        let source: SourceId = source.parse()?;
        let options = commands::pseudonymize_options(&source);
        let job = Job {
            source,
            keys: &keys,
            link_to: SealRecipient::read(&folder.keys("linkage").join("public"))?,
            release_to: SealRecipient::read(&folder.keys("enclave").join("public"))?,
            out: out.clone(),
            files: vec![raw],
            options,
        };
        commands::pseudonymize(&job, lang)?;
    }
    deliver(&out, "tokens", &tokens)?;
    deliver(&out, "content", &content)
}

/// Copies one half of a batch into another zone's inbox; it appears there whole.
fn deliver(batch: &Path, part: &str, inbox: &Path) -> Result<()> {
    if inbox.exists() {
        return Ok(());
    }
    let partial = inbox.with_extension("partial");
    if partial.exists() {
        fs::remove_dir_all(&partial)?;
    }
    copy_folder(&batch.join(part), &partial.join(part))?;
    for name in ["batch.json", "batch.sig"] {
        fs::copy(batch.join(name), partial.join(name))?;
    }
    Ok(durable::publish(&partial, inbox)?)
}

pub(super) fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    Ok(())
}

fn crosswalk(folder: &Folder, sources: &[&str], lang: Lang) -> Result<()> {
    let out = folder.zone("linkage").join("crosswalk");
    if !out.join("crosswalk.json").exists() {
        let tokens: Vec<_> =
            sources.iter().map(|source| folder.zone("linkage").join("inbox").join(source).join("tokens")).collect();
        let keys = KeyFolder::open(&folder.keys("linkage"), Zone::Linkage)?;
        let (policy, run_tokens) = (LinkagePolicy::shipped()?, run::tokens(folder, sources, lang)?);
        let job = LinkJob::new(&keys, &out, &tokens, &policy);
        commands::link(&LinkJob { run_tokens: &run_tokens, ..job }, lang)?;
    }
    run::end(folder, sources)?;
    let inbox = folder.zone("enclave").join("inbox").join("crosswalk");
    if inbox.exists() {
        return Ok(());
    }
    let partial = inbox.with_extension("partial");
    fs::create_dir_all(&partial)?;
    for entry in fs::read_dir(&out)? {
        let name = entry?.file_name();
        if name.to_string_lossy().starts_with("crosswalk") {
            fs::copy(out.join(&name), partial.join(&name))?;
        }
    }
    Ok(durable::publish(&partial, &inbox)?)
}

fn release(folder: &Folder, dataset: &str, population: &Population, lang: Lang) -> Result<()> {
    if folder.releases().join(dataset).join(RELEASE).exists() {
        return Ok(());
    }
    let inbox = folder.zone("enclave").join("inbox");
    let of = |source: &str| inbox.join(source).join("content");
    let content: Vec<_> = if dataset == PERSON {
        population.sources.iter().map(|source| of(source)).collect()
    } else {
        vec![of(dataset)]
    };
    let name = format!("{dataset}/{RELEASE}");
    let wanted = commands::WantedRelease {
        dataset: &name,
        content: &content,
        crosswalk: &inbox.join("crosswalk"),
        keys: &folder.keys("enclave"),
        kind: population.kind,
        releases: &folder.releases(),
        facility_software: Some(&folder.steward().join(SOFTWARE)),
        steward_word: None,
    };
    commands::release(&wanted, lang)?;
    Ok(())
}

/// Which family of software each institution uses, as a steward hands it over.
const SOFTWARE: &str = "facility_software.csv";

/// The dataset of persons, made of all sources.
const PERSON: &str = "person";

/// The demo's only version of each dataset.
pub(super) const RELEASE: &str = "2026.1";
