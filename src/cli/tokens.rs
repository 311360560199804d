//! `sudare tokens …`: arguments.

use std::path::PathBuf;

use clap::Subcommand;
use policies::keys::RunId;

#[derive(Debug, Subcommand)]
pub(crate) enum Tokens {
    /// Answer the linkage zone's signed questions, from the identities that this holder retains
    #[command(
        after_help = "Example:\n  sudare tokens answer --keys ndb/keys --batch ndb-2025 ndb-2026 --questions ndb.questions.jws --out ndb.answers.jws\n\nIdentities are shown on this terminal alone. A clerk's own tool hands in a file with --answers-file instead."
    )]
    Answer {
        /// The holder's key folder
        #[arg(long)]
        keys: PathBuf,
        /// Batch folders of this holder
        #[arg(long, required = true, num_args = 1..)]
        batch: Vec<PathBuf>,
        /// File of questions, signed by the linkage zone; sealed or not
        #[arg(long)]
        questions: PathBuf,
        /// Answers as lines `question,yes|no|unknown`, in the place of asking on the terminal
        #[arg(long)]
        answers_file: Option<PathBuf>,
        /// File for the signed answers
        #[arg(long)]
        out: PathBuf,
    },
    /// During a rotation: every atom's tokens under the current and the next epoch, for the linkage zone to compare
    #[command(
        after_help = "Example:\n  sudare tokens bridge --keys ndb/keys --link-to linkage/keys/public --out ndb-bridge --batch ndb-2025 ndb-2026\n\nName all batches that the linkage zone has linked. Then `sudare link bridge` there."
    )]
    Bridge {
        /// The holder's key folder
        #[arg(long)]
        keys: PathBuf,
        /// All batch folders of this holder
        #[arg(long, required = true, num_args = 1..)]
        batch: Vec<PathBuf>,
        /// The linkage zone's seal.pub, or its public/ folder
        #[arg(long)]
        link_to: PathBuf,
        /// Folder to make
        #[arg(long)]
        out: PathBuf,
    },
    /// After the switch: a batch's tokens under the current epoch, and its manifest signed anew
    #[command(
        after_help = "Example:\n  sudare tokens renew --keys ndb/keys --batch ndb-2026 --link-to linkage/keys/public --release-to enclave/keys/public"
    )]
    Renew {
        /// The holder's key folder
        #[arg(long)]
        keys: PathBuf,
        /// The batch folder
        #[arg(long)]
        batch: PathBuf,
        /// The linkage zone's seal.pub, or its public/ folder
        #[arg(long)]
        link_to: PathBuf,
        /// The enclave's seal.pub, or its public/ folder
        #[arg(long)]
        release_to: PathBuf,
    },
    /// Composites and variants for one linkage run, under the run's key
    #[command(
        after_help = "Example:\n  sudare tokens run --keys ndb/keys --batch ndb-2026 --run 2026-11 --link-to linkage/keys/public --out ndb-run\n\nOf the atoms alone that the linkage zone asks for:\n  sudare tokens run … --only requests/ndb.jws --zone linkage/keys/public\n\nThe key comes from `sudare keys run-key new` or `join`; wipe it after the run."
    )]
    Run {
        /// The holder's key folder
        #[arg(long)]
        keys: PathBuf,
        /// The batch folder
        #[arg(long)]
        batch: PathBuf,
        /// Name of the run
        #[arg(long)]
        run: RunId,
        /// The linkage zone's seal.pub, or its public/ folder
        #[arg(long)]
        link_to: PathBuf,
        /// The linkage zone's signed request: only the atoms that it asks for, for a run on top of the last full pass
        #[arg(long, value_name = "FILE")]
        only: Option<PathBuf>,
        /// Whose signature the request needs: the linkage zone's sign.pub, or its public/ folder [default: the zone that is trusted]
        #[arg(long, requires = "only")]
        zone: Option<PathBuf>,
        /// Folder to make
        #[arg(long)]
        out: PathBuf,
    },
}
