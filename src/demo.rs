//! `sudare demo`: the main job on embedded defaults: prepare a made-up population, serve everything in one process.

mod accounts;
mod authenticator;
mod certificates;
mod crossings;
mod document;
mod dummy;
mod example;
mod folder;
mod journey;
mod parties;
mod prepare;
mod run;
mod serve;
mod sources;

use std::time::Instant;

use anyhow::Result;

pub(crate) use dummy::run as make_dummy;

use crate::cli;
use crate::lang::Lang;
use crate::output::{self, Outcome};

/// Prepares what is missing, serves, prints the worked example; with `--once` ends there, else serves until Ctrl-C.
pub(crate) fn run(arguments: &cli::Demo, lang: Lang) -> Result<Outcome> {
    let began = Instant::now();
    output::line(&lang.text("synthetic"));
    let population = prepare::Population {
        persons: arguments.persons,
        seed: arguments.seed,
        errors: arguments.errors,
        sources: &sources::SOURCES,
        kind: catalog::ReleaseKind::Holders,
    };
    let folder = folder::Folder::open(&arguments.dir, &folder::Settings::of(arguments), lang)?;
    sources::install(&folder)?;
    serve::check_addresses(arguments, lang)?;
    if !folder.is_prepared() {
        output::note(&lang.with("demo-preparing", &[("path", &arguments.dir.display().to_string())]));
        prepare::data(&folder, &population, lang).map_err(|error| folder.explain(error, arguments.persons, lang))?;
    }
    dummy::prepare(&folder, arguments, lang).map_err(|error| folder.explain(error, arguments.persons, lang))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(serve::run(&folder, arguments, began, lang))
}
