//! `sudare opt-out`: its own page of the command line.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use policies::source::SourceId;

#[derive(Debug, Subcommand)]
pub(crate) enum OptOut {
    /// Write down who objects: their records are left out of batches, and of the next release
    #[command(
        after_help = "Example:\n  sudare opt-out add --sources sources --keys holder/keys --source registry objections.csv\n\ndocs/opt-out.md says which columns the file may have."
    )]
    Add {
        #[command(flatten)]
        of: Objections,
        /// Begin the list anew with the persons of FILE: after a change of the epoch, or where the list is lost
        #[arg(long)]
        anew: bool,
    },
    /// List the sources whose persons object, and how many there are of each
    #[command(after_help = "Example:\n  sudare opt-out list --keys holder/keys")]
    List {
        /// The holder's key folder
        #[arg(long)]
        keys: PathBuf,
    },
    /// Take objections back: the persons are in the next batch again
    #[command(
        after_help = "Example:\n  sudare opt-out remove --sources sources --keys holder/keys --source registry withdrawn.csv\n\nFILE says of a person at least what the objection said."
    )]
    Remove {
        #[command(flatten)]
        of: Objections,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Objections {
    /// The holder's key folder
    #[arg(long)]
    pub(crate) keys: PathBuf,
    /// Against the use of which source
    #[arg(long)]
    pub(crate) source: SourceId,
    /// CSV with a header line, UTF-8 or CP932
    pub(crate) file: PathBuf,
}
