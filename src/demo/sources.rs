//! The demo's sources: the four that are built in, and a made-up register that comes by a file alone, as a steward adds one.

use std::fs;

use anyhow::{Context as _, Result};
use catalog::AddedSource;
use policies::durable;
use policies::keys::KeyFolder;
use pseudonymizer::layout::accepted;

use super::folder::Folder;
use crate::commands;

/// All of them, in the order in which they are prepared.
pub(super) const SOURCES: [&str; 5] = ["ndb", "ltc", "dpc", "ehr", REGISTER];

/// The register of infectious diseases.
pub(super) const REGISTER: &str = "registry";

/// What a release is made of: each source, and the persons of all.
pub(super) const DATASETS: [&str; 6] = ["ndb", "ltc", "dpc", "ehr", REGISTER, "person"];

const FILE: &str = include_str!("../../examples/sources/registry.toml");

/// Adds the register for the rest of the process, before anything reads the catalog. Its file lies in the demo's folder, where
/// other commands find it with `--sources`.
pub(super) fn install(folder: &Folder) -> Result<()> {
    let file = folder.sources().join("registry.toml");
    if fs::read(&file).ok().as_deref() != Some(FILE.as_bytes()) {
        fs::create_dir_all(folder.sources())?;
        durable::replace(&file, FILE.as_bytes())?;
    }
    Ok(catalog::install(vec![AddedSource::read(&file)?])?)
}

/// The register's holder accepts its layout; another holder is the second person.
pub(super) fn accept(keys: &KeyFolder, second: &KeyFolder) -> Result<()> {
    let source = catalog::added_source(REGISTER).context("the register is not among the sources")?;
    if accepted::open(source, keys).is_err() {
        commands::accept_layout(source, keys, Some(second))?;
    }
    Ok(())
}
