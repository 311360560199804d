//! `sudare link review …`: arguments.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use pseudonymizer::link::review::CaseNumber;

#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "Example:\n  sudare link review --keys linkage/keys --crosswalk crosswalk\n  sudare link review ask --keys linkage/keys --crosswalk crosswalk --out questions\n\ndocs/linkage-review.md says what a dossier shows and what a decision does."
)]
pub(crate) struct LinkReview {
    /// The linkage zone's key folder
    #[arg(long, required = true)]
    pub(crate) keys: Option<PathBuf>,
    /// Folder of the crosswalk
    #[arg(long, required = true)]
    pub(crate) crosswalk: Option<PathBuf>,
    /// So many of those that tell most
    #[arg(long, default_value_t = 30)]
    pub(crate) top: usize,
    #[command(subcommand)]
    pub(crate) act: Option<LinkReviewAct>,
}

/// Whose queue.
#[derive(Debug, Args)]
pub(crate) struct QueuePlace {
    /// The linkage zone's key folder
    #[arg(long)]
    pub(crate) keys: PathBuf,
    /// Folder of the crosswalk
    #[arg(long)]
    pub(crate) crosswalk: PathBuf,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LinkReviewAct {
    /// Make signed files of questions for the holders whose turn it is
    #[command(
        after_help = "Example:\n  sudare link review ask --keys linkage/keys --crosswalk crosswalk --out questions --seal-to ndb=ndb/keys/public\n\nEach holder answers its own: `sudare tokens answer`. Its answers go into `sudare link run --answers`."
    )]
    Ask {
        #[command(flatten)]
        at: QueuePlace,
        /// Folder that gets <source>.questions.jws, or .jws.age where sealed
        #[arg(long)]
        out: PathBuf,
        /// Seal a holder's questions to its seal.pub, or its public/ folder: SOURCE=PATH
        #[arg(long, value_parser = seal)]
        seal_to: Vec<(String, PathBuf)>,
        /// Make the files anew though nothing is new
        #[arg(long)]
        again: bool,
    },
    /// Decide a dossier; it counts from the next run on
    #[command(
        after_help = "Example:\n  sudare link review decide 12345671 different --reason \"two lines side by side\" --keys linkage/keys --crosswalk crosswalk\n\nA decided dossier may be decided again: the later word counts."
    )]
    Decide {
        /// Number of the dossier
        number: CaseNumber,
        /// What is to become of it
        #[arg(value_enum)]
        decision: DecisionWord,
        /// Why, for the audit chain
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        at: QueuePlace,
    },
    /// Write a signed summary for the portal: counts in tens, no dossier
    #[command(
        after_help = "Example:\n  sudare link review export --keys linkage/keys --crosswalk crosswalk --out review.jws\n\nThe portal reads it where [portal.review] of its configuration says."
    )]
    Export {
        #[command(flatten)]
        at: QueuePlace,
        /// File to write
        #[arg(long)]
        out: PathBuf,
    },
    /// Show a dossier
    #[command(after_help = "Example:\n  sudare link review show 12345671 --keys linkage/keys --crosswalk crosswalk")]
    Show {
        /// Number of the dossier
        number: CaseNumber,
        #[command(flatten)]
        at: QueuePlace,
    },
    /// Count what waits, whose turn it is, and what was decided
    #[command(after_help = "Example:\n  sudare link review status --keys linkage/keys --crosswalk crosswalk")]
    Status {
        #[command(flatten)]
        at: QueuePlace,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DecisionWord {
    /// Two persons
    Different,
    /// It cannot be told: the rules go on alone
    Leave,
    /// One person
    Same,
}

fn seal(text: &str) -> Result<(String, PathBuf), String> {
    let (source, path) = text.split_once('=').ok_or("write SOURCE=PATH")?;
    Ok((source.to_owned(), PathBuf::from(path)))
}
