//! `sudare layout`: its own page of the command line.

use std::path::PathBuf;

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum Layout {
    /// Sign an added source's layout, so that this holder's files are read with it
    #[command(
        after_help = "Example:\n  sudare layout accept sources/registry.toml --keys holder/keys --second linkage/keys\n\nWhat would newly leave needs a second person's signature; a first version always does."
    )]
    Accept {
        /// The added source's file
        file: PathBuf,
        /// The holder's key folder
        #[arg(long)]
        keys: PathBuf,
        /// Key folder of another person, of a holder or of the linkage zone
        #[arg(long)]
        second: Option<PathBuf>,
    },
    /// Prove that every position has exactly one action, and say in words what is kept: exit 2 if the layout does not load
    #[command(after_help = "Example:\n  sudare layout check sources/registry.toml")]
    Check {
        /// A layout's file; without one, all layouts that come with this version, and those of --sources
        file: Option<PathBuf>,
    },
    /// Say what B would let through that A does not: exit 3 if there is anything
    #[command(after_help = "Example:\n  sudare layout diff holder/keys/accepted/registry.toml sources/registry.toml")]
    Diff {
        /// A layout's file, or the id of one that is known
        a: String,
        /// Another
        b: String,
    },
    /// List the layouts that come with this version, and those of --sources
    #[command(after_help = "Example:\n  sudare layout list --sources sources")]
    List,
    /// Show every field of a layout and what becomes of it
    #[command(after_help = "Example:\n  sudare layout show registry --sources sources")]
    Show {
        /// A layout's id, or its file
        id: String,
    },
}
