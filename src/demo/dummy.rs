//! Dummy releases: a made-up population through the same chain as people's records, under keys and a seed of its own. Raw files,
//! tokens and every key but those that open the releases are gone when they are ready.

use std::fs;
use std::path::Path;

use anyhow::{Result, anyhow};
use catalog::ReleaseKind;
use policies::durable;

use super::folder::Folder;
use super::prepare::{self, Population};
use super::sources::SOURCES;
use crate::cli::{self, ErrorsChoice};
use crate::lang::Lang;
use crate::output::{self, Outcome};

/// Invented persons of the demo's dummy releases; as many as the demo has if those are fewer.
const PERSONS: u64 = 2000;

/// How far the demo's two seeds are apart: its dummies are nobody of its population.
const SEEDS_APART: u64 = 0x0064_756d_6d79;

/// `sudare dummy make`
pub(crate) fn run(arguments: &cli::DummyMake, lang: Lang) -> Result<Outcome> {
    let cli::DummyMake { persons, seed, out } = arguments;
    let path = out.display().to_string();
    if out.exists() {
        return Err(output::Misuse(lang.with("dummy-exists", &[("path", &path)])).into());
    }
    let seed = seed.unwrap_or_else(rand::random);
    // Added sources have no population of their own.
    make(out, &population(*persons, seed, &catalog::SOURCES), lang)?;
    output::line(&lang.text("synthetic"));
    output::line(&lang.with("dummy-made", &[("persons", &persons.to_string()), ("path", &path)]));
    Ok(Outcome::Done)
}

/// The demo's, once.
pub(super) fn prepare(folder: &Folder, arguments: &cli::Demo, lang: Lang) -> Result<()> {
    if folder.dummy().exists() {
        return Ok(());
    }
    output::note(&lang.text("demo-dummy"));
    let seed = arguments.seed.wrapping_add(SEEDS_APART);
    make(&folder.dummy(), &population(PERSONS.min(arguments.persons), seed, &SOURCES), lang)
}

fn population(persons: u64, seed: u64, sources: &'static [&'static str]) -> Population {
    Population { persons, seed, errors: ErrorsChoice::None, sources, kind: ReleaseKind::Dummy }
}

/// Makes `out` with `keys/` and `releases/`; it appears whole.
fn make(out: &Path, population: &Population, lang: Lang) -> Result<()> {
    let name = out.file_name().ok_or_else(|| anyhow!(lang.text("dummy-out")))?;
    let making = out.with_file_name(format!(".{}.partial", name.to_string_lossy()));
    let folder = Folder::scratch(&making, lang)?;
    prepare::data(&folder, population, lang)?;
    fs::remove_dir_all(folder.zone("enclave").join("inbox"))?;
    durable::publish(&folder.zone("enclave"), out)?;
    drop(folder);
    Ok(fs::remove_dir_all(&making)?)
}
