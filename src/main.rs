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

use std::process::ExitCode;

use clap::Parser as _;

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
    match commands::run(cli.command, lang) {
        Ok(outcome) => outcome.into(),
        Err(error) => output::failure(&error, lang),
    }
}
