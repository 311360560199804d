//! One file a command; each reads its arguments, calls one thing and says what came of it.

mod audit;
mod catalog;
mod dossier;
mod keys;
mod layout;
mod link;
mod link_review;
mod opt_out;
mod permit;
mod portal;
mod portal_query;
mod pseudonymize;
mod release;
mod serve;
mod sql;
mod synthesize;
mod tokens;
mod tokens_answer;

use anyhow::Result;

use crate::cli::{Command, Dummy};
use crate::demo;
use crate::lang::Lang;
use crate::output::Outcome;

pub(crate) use catalog::{audit as portal_audit, publish};
pub(crate) use layout::accept_layout;
pub(crate) use link::link;
pub(crate) use pseudonymize::{options as pseudonymize_options, pseudonymize};
pub(crate) use release::{Wanted as WantedRelease, release};
pub(crate) use serve::{dummy_queries, start_desk, start_dummy_engine, start_engine, start_portal, start_signer};
pub(crate) use sql::answer_table;
pub(crate) use synthesize::synthesize;
pub(crate) use tokens::make_run_tokens;

/// Runs one command.
pub(crate) fn run(command: Command, lang: Lang) -> Result<Outcome> {
    match command {
        Command::Audit(arguments) => audit::run(arguments, lang),
        Command::Catalog(arguments) => catalog::run(arguments, lang),
        Command::Demo(arguments) => demo::run(&arguments, lang),
        Command::Dummy(Dummy::Make(arguments)) => demo::make_dummy(&arguments, lang),
        Command::Keys(arguments) => keys::run(arguments, lang),
        Command::Layout(arguments) => layout::run(arguments, lang),
        Command::Link(arguments) => link::run(&arguments, lang),
        Command::OptOut(arguments) => opt_out::run(arguments, lang),
        Command::Permit(arguments) => permit::run(arguments, lang),
        Command::Portal(arguments) => portal::run(arguments, lang),
        Command::Pseudonymize(arguments) => pseudonymize::run(arguments, lang),
        Command::Release(arguments) => release::run(&arguments, lang),
        Command::Serve(arguments) => serve::run(&arguments, lang),
        Command::Sql(arguments) => sql::run(&arguments, lang),
        Command::Synthesize(arguments) => synthesize::run(&arguments, lang),
        Command::Tokens(arguments) => tokens::run(arguments, lang),
    }
}
