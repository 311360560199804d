//! `sudare link …`: arguments.

use std::path::PathBuf;

use clap::Args;
use pseudonymizer::link::Side;

pub(super) const RUN_HELP: &str = "Example:
  sudare link run --keys linkage/keys --out crosswalk ndb/tokens ltc/tokens

With tokens of one run, which holders make by `sudare tokens run`, the token folders first:
  sudare link run --keys linkage/keys --out crosswalk ndb/tokens ltc/tokens --run-tokens ndb-run ltc-run";

pub(super) const ASK_HELP: &str = "Example:
  sudare link ask   --keys linkage/keys --out crosswalk --to requests december/ndb/tokens
  sudare tokens run --keys ndb/keys --batch ndb-2026 --run 2026-12 --only requests/ndb.jws --link-to linkage/keys/public --out ndb-run
  sudare link run   --keys linkage/keys --out crosswalk december/ndb/tokens --run-tokens ndb-run december-run

Nothing is linked by asking. A holder learns from a request which of its atoms new tokens touch.";

#[derive(Debug, Args)]
pub(crate) struct LinkAsk {
    /// The linkage zone's key folder
    #[arg(long)]
    pub(crate) keys: PathBuf,
    /// Folder of the crosswalk, with a full pass that scored composites
    #[arg(long)]
    pub(crate) out: PathBuf,
    /// Folder to make for the requests
    #[arg(long, value_name = "DIR")]
    pub(crate) to: PathBuf,
    /// Token folders of the new batches
    #[arg(required = true)]
    pub(crate) tokens: Vec<PathBuf>,
    /// The rules' thresholds that the folder was linked by [default: built in]
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct LinkRun {
    /// The linkage zone's key folder
    #[arg(long)]
    pub(crate) keys: PathBuf,
    /// Folder of the crosswalk; an earlier one in it is renewed
    #[arg(long)]
    pub(crate) out: PathBuf,
    /// Token folders
    #[arg(required_unless_present_any = ["run_tokens", "answers"])]
    pub(crate) tokens: Vec<PathBuf>,
    /// Folders of the holders' tokens of this run: composites are scored
    #[arg(long, num_args = 1.., value_name = "DIR")]
    pub(crate) run_tokens: Vec<PathBuf>,
    /// Files with holders' signed answers to questions
    #[arg(long, num_args = 1.., value_name = "FILE")]
    pub(crate) answers: Vec<PathBuf>,
    /// Begin from the named folders alone; person keys stay
    #[arg(long)]
    pub(crate) rebuild: bool,
    /// The rules' thresholds, in the form of policies/linkage.toml [default: built in]
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct LinkDiff {
    /// The linkage zone's key folder
    #[arg(long)]
    pub(crate) keys: PathBuf,
    /// Print what may leave the zone: counts below ten as <10, the others to the nearest ten
    #[arg(long)]
    pub(crate) public: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Folder of the crosswalk before, with `@RUN` if not the last run
    pub(crate) before: Side,
    /// Folder of the crosswalk now
    pub(crate) now: Side,
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("what").required(true).args(["source", "batch"]))]
pub(crate) struct LinkForget {
    /// The linkage zone's key folder
    #[arg(long)]
    pub(crate) keys: PathBuf,
    /// Folder of the crosswalk
    #[arg(long)]
    pub(crate) out: PathBuf,
    /// All batches of this source
    #[arg(long)]
    pub(crate) source: Option<String>,
    /// The batch of this random name, as in its batch.json
    #[arg(long)]
    pub(crate) batch: Option<String>,
    /// The rules' thresholds that the folder was linked by [default: built in]
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct LinkReport {
    /// Folder of the crosswalk
    #[arg(long)]
    pub(crate) out: PathBuf,
    /// Print what may leave the zone: counts below ten as <10, the others to the nearest ten, no names of batches
    #[arg(long)]
    pub(crate) public: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}
