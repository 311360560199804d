//! `sudare`: every role of the system as a subcommand of one binary.

mod cli;
mod clock;
mod commands;
mod demo;
mod lang;
mod output;
mod panic;
mod progress;
mod services;
mod settings;

use std::path::Path;
use std::process::ExitCode;

use catalog::AddedSource;
use clap::Parser as _;

use crate::cli::Command;

fn main() -> ExitCode {
    panic::install_hook();
    settings::init_logging();
    // One TLS provider for all clients. It fails only if one is installed already, which is as good.
    let _installed = rustls::crypto::ring::default_provider().install_default();
    let cli = match cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return output::usage(&error),
    };
    let lang = cli.lang.unwrap_or_else(settings::lang_of_environment);
    let sources = cli.sources.or_else(settings::sources_of_environment);
    // The demo brings its own.
    let sources = sources.filter(|_| !matches!(cli.command, Command::Demo(_)));
    let ran = sources.map_or(Ok(()), |folder| install(&folder)).and_then(|()| commands::run(cli.command, lang));
    match ran {
        Ok(outcome) => outcome.into(),
        Err(error) => output::failure(&error, lang),
    }
}

/// Adds the sources of that folder, whatever role this process has: before anything reads the catalog.
fn install(sources: &Path) -> anyhow::Result<()> {
    let added = AddedSource::read_folder(sources).map_err(anyhow::Error::from);
    added.and_then(|added| Ok(catalog::install(added)?)).map_err(|error| output::Misuse::of(&error).into())
}
