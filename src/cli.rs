//! The command line: fixed names, tests and people rely on them.

mod keys;
mod layout;
mod link;
mod link_review;
mod opt_out;
mod tokens;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use policies::UserId;
use review_portal::{DatabaseUrl, DatabaseUrlError};

pub(crate) use keys::{Keys, KeysEpoch, KeysRoot, KeysRunKey, RootFile, Rotate};
pub(crate) use layout::Layout;
pub(crate) use link::{LinkAsk, LinkDiff, LinkForget, LinkReport, LinkRun};
pub(crate) use link_review::{DecisionWord, LinkReview, LinkReviewAct, QueuePlace};
pub(crate) use opt_out::{Objections, OptOut};
pub(crate) use tokens::Tokens;

use crate::lang::Lang;

/// Sudare (簾): visiting analysis environment for Japan's national health databases.
#[derive(Debug, Parser)]
#[command(name = "sudare", version, max_term_width = 110)]
pub(crate) struct Cli {
    /// Language of messages (from LANG by default)
    #[arg(long, global = true, value_enum)]
    pub(crate) lang: Option<Lang>,
    /// Folder of added sources' files, see docs/sources.md (from `SUDARE_SOURCES` by default)
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) sources: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Verify or show audit chains
    #[command(subcommand)]
    Audit(Audit),
    /// A steward's tasks: publish, list, show, export
    #[command(subcommand)]
    Catalog(Catalog),
    /// Prepare made-up data and serve everything in one process
    #[command(after_help = "Example:\n  sudare demo --dir ./sudare-demo --persons 20000")]
    Demo(Demo),
    /// Made-up releases for developing queries before any approval
    #[command(subcommand)]
    Dummy(Dummy),
    /// A zone's keys: make, show, derive, share, rotate
    #[command(subcommand)]
    Keys(Keys),
    /// What becomes of each field of a source: check, show, compare, accept
    #[command(subcommand)]
    Layout(Layout),
    /// Join tokens of all sources into a crosswalk
    #[command(subcommand)]
    Link(Link),
    /// Persons who object to a source: write down, list, take back
    #[command(subcommand)]
    OptOut(OptOut),
    /// Look into a permit, check it, end it; whose passkeys count
    #[command(subcommand)]
    Permit(Permit),
    /// The portal's database: rebuild what follows from its events
    #[command(subcommand)]
    Portal(Portal),
    /// Official-format files to tokens and content, sealed to their zones
    #[command(
        after_help = "Example:\n  sudare pseudonymize --source ndb --keys holder/keys --link-to linkage/keys/public \\\n    --release-to enclave/keys/public --out batch raw/ndb"
    )]
    Pseudonymize(Pseudonymize),
    /// Content and crosswalk to an immutable release
    #[command(
        after_help = "Example:\n  sudare release --dataset ndb --content batch/content --crosswalk crosswalk --keys enclave/keys --out releases"
    )]
    Release(Release),
    /// Run the services, each alone or together
    #[command(after_help = "Example:\n  sudare serve engine --config sudare.toml")]
    Serve(Serve),
    /// Ask a query: exit 0 answered, 3 refused, 2 misuse, 1 failure
    #[command(
        after_help = "Example:\n  sudare sql --server grpc://127.0.0.1:50051 --token-file token.txt \\\n    -c \"select prefecture, count(distinct person_key) from ndb.claims group by prefecture\""
    )]
    Sql(Sql),
    /// A made-up population in official formats, with its truth
    #[command(after_help = "Example:\n  sudare synthesize --persons 20000 --seed 1 --errors none --out population")]
    Synthesize(Synthesize),
    /// What a holder makes again from its batches' identities: bridges between epochs, renewed tokens, tokens of one run
    #[command(subcommand)]
    Tokens(Tokens),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ErrorsChoice {
    /// Identifiers as they should be
    None,
    /// Identifier errors at the rates of the real registers
    Realistic,
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Folder of the demo; made if absent, reused if it is ready
    #[arg(long, default_value = "sudare-demo")]
    pub(crate) dir: PathBuf,
    /// Size of the population
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u64).range(100..=100_000_000))]
    pub(crate) persons: u64,
    /// Seed of the population
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Identifier errors in the raw files
    #[arg(long, value_enum, default_value_t = ErrorsChoice::None)]
    pub(crate) errors: ErrorsChoice,
    /// Address of the portal; port 0 picks a free one
    #[arg(long, default_value = "127.0.0.1:8080")]
    pub(crate) portal: SocketAddr,
    /// Address of the signing desk; port 8091 beside the portal if left out
    #[arg(long)]
    pub(crate) desk: Option<SocketAddr>,
    /// Address of the engine (Flight SQL); port 0 picks a free one
    #[arg(long, default_value = "127.0.0.1:50051")]
    pub(crate) engine: SocketAddr,
    /// Address of the engine for dummy data; port 0 picks a free one
    #[arg(long, default_value = "127.0.0.1:0")]
    pub(crate) dummy_engine: SocketAddr,
    /// Prepare, print the worked example, exit
    #[arg(long)]
    pub(crate) once: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Dummy {
    /// Make dummy releases of all built-in sources, under keys of their own; `sudare serve dummy` serves them
    #[command(after_help = "Example:\n  sudare dummy make --persons 2000 --out dummy")]
    Make(DummyMake),
}

#[derive(Debug, Args)]
pub(crate) struct DummyMake {
    /// Invented persons
    #[arg(long, default_value_t = 2000, value_parser = clap::value_parser!(u64).range(100..=1_000_000))]
    pub(crate) persons: u64,
    /// Seed of the population; drawn if it is left out
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// Folder to make, with keys/ and releases/
    #[arg(long)]
    pub(crate) out: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Synthesize {
    /// Size of the population
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    pub(crate) persons: u64,
    /// Seed; the same seed gives the same files
    #[arg(long)]
    pub(crate) seed: u64,
    /// Identifier errors in the raw files
    #[arg(long, value_enum)]
    pub(crate) errors: ErrorsChoice,
    /// Folder that gets raw/ and truth/
    #[arg(long)]
    pub(crate) out: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Pseudonymize {
    /// ndb, ltc, dpc or ehr, or a source that --sources adds
    #[arg(long)]
    pub(crate) source: policies::source::SourceId,
    /// The holder's key folder
    #[arg(long)]
    pub(crate) keys: PathBuf,
    /// The linkage zone's seal.pub, or its public/ folder
    #[arg(long)]
    pub(crate) link_to: PathBuf,
    /// The enclave's seal.pub, or its public/ folder
    #[arg(long)]
    pub(crate) release_to: PathBuf,
    /// Folder that gets tokens/, content/, quarantine/
    #[arg(long)]
    pub(crate) out: PathBuf,
    /// Official-format files, or folders of them
    #[arg(required = true)]
    pub(crate) files: Vec<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Link {
    /// Ask the holders for the composites that adding new batches needs: a signed request for each of them
    #[command(after_help = link::ASK_HELP)]
    Ask(LinkAsk),
    /// Compare what comes of both epochs of a rotation; signs a verdict for each holder, or says what differs (exit 1)
    #[command(
        after_help = "Example:\n  sudare link bridge --keys linkage/keys --crosswalk crosswalk --tokens ndb/tokens ltc/tokens \\\n    --bridges ndb-bridge ltc-bridge --out verdict\n\nEach holder takes its own: `sudare keys epoch rotate --switch --verdict verdict/ndb.jws`."
    )]
    Bridge {
        /// The linkage zone's key folder
        #[arg(long)]
        keys: PathBuf,
        /// Folder of the crosswalk with its last run
        #[arg(long)]
        crosswalk: PathBuf,
        /// Token folders of that run, all of them
        #[arg(long, required = true, num_args = 1..)]
        tokens: Vec<PathBuf>,
        /// Folders of the holders' bridges, one of each
        #[arg(long, required = true, num_args = 1..)]
        bridges: Vec<PathBuf>,
        /// Folder to make
        #[arg(long)]
        out: PathBuf,
    },
    /// Compare two crosswalks: persons unchanged, merged, split, born, retired
    #[command(
        after_help = "Example:\n  sudare link diff --keys linkage/keys crosswalk-2025 crosswalk\n\nA run of a folder that keeps it: crosswalk@12."
    )]
    Diff(LinkDiff),
    /// Take a source or a batch away, as if it had never been handed over
    #[command(
        after_help = "Example:\n  sudare link forget --keys linkage/keys --out crosswalk --source registry\n\nWhat was joined by its atoms alone falls apart; persons of other sources keep their keys. Releases that exist stay as they are."
    )]
    Forget(LinkForget),
    /// Remove bridges from this zone, once every holder has switched
    #[command(after_help = "Example:\n  sudare link remove-bridge --keys linkage/keys ndb-bridge ltc-bridge")]
    RemoveBridge {
        /// The linkage zone's key folder
        #[arg(long)]
        keys: PathBuf,
        /// Folders of bridges
        #[arg(required = true)]
        bridges: Vec<PathBuf>,
    },
    /// What the last run found, in tables; `--public`: what of it may leave the zone
    #[command(
        after_help = "Example:\n  sudare link report --out crosswalk\n  sudare link report --out crosswalk --public --json > linkage.json"
    )]
    Report(LinkReport),
    /// Make or renew the crosswalk
    #[command(after_help = link::RUN_HELP)]
    Run(LinkRun),
    /// Pairs that neither rules nor scores decide: list, show, decide, ask their holders
    Review(LinkReview),
}

#[derive(Debug, Args)]
pub(crate) struct Release {
    /// ndb, ltc, dpc, ehr, an added source or person, with a version if wanted: ndb/2026.2
    #[arg(long)]
    pub(crate) dataset: String,
    /// Content folders
    #[arg(long, required = true, num_args = 1..)]
    pub(crate) content: Vec<PathBuf>,
    /// The crosswalk's folder
    #[arg(long)]
    pub(crate) crosswalk: PathBuf,
    /// The enclave's key folder
    #[arg(long)]
    pub(crate) keys: PathBuf,
    /// Folder of all releases
    #[arg(long)]
    pub(crate) out: PathBuf,
    /// CSV of institution codes and the family of their software, for linkage rates by it
    #[arg(long, value_name = "FILE")]
    pub(crate) facility_software: Option<PathBuf>,
    /// A steward's word (`sudare catalog word`) for a release whose linkage fell
    #[arg(long, value_name = "FILE")]
    pub(crate) steward_word: Option<PathBuf>,
}

/// Which database of the portal.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct PortalDatabase {
    /// The portal's database: a SQLite file, or `postgres://<user>@<host>/<name>` without password
    #[arg(long, value_name = "PATH|URL")]
    database: Option<DatabaseUrl>,
    /// A file of mode 0600 with the database's URL, which may carry a password
    #[arg(long, value_name = "FILE")]
    database_file: Option<PathBuf>,
}

impl PortalDatabase {
    /// Where it is.
    pub(crate) fn url(self) -> Result<DatabaseUrl, DatabaseUrlError> {
        match (self.database, self.database_file) {
            (Some(url), _) => Ok(url),
            (None, Some(path)) => DatabaseUrl::read(&path),
            (None, None) => Err(DatabaseUrlError::Form),
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Catalog {
    /// Print the public catalog as JSON
    #[command(after_help = "Example:\n  sudare catalog export --database portal/portal.sqlite > catalog.json")]
    Export {
        #[command(flatten)]
        database: PortalDatabase,
    },
    /// List datasets and releases
    #[command(after_help = "Example:\n  sudare catalog list --database portal/portal.sqlite")]
    List {
        #[command(flatten)]
        database: PortalDatabase,
    },
    /// Publish a release's description
    #[command(
        after_help = "Example:\n  sudare catalog publish --database portal/portal.sqlite --keys portal/keys \\\n    --enclave enclave/keys/public releases/ndb/2026.1"
    )]
    Publish {
        #[command(flatten)]
        database: PortalDatabase,
        /// The portal's key folder, for the audit chain beside it
        #[arg(long)]
        keys: PathBuf,
        /// The enclave's sign.pub, or its public/ folder
        #[arg(long)]
        enclave: PathBuf,
        /// Release folders
        #[arg(required = true)]
        releases: Vec<PathBuf>,
    },
    /// Let a release pass whose linkage fell: sign its figures with a reason
    #[command(
        after_help = "Example:\n  sudare catalog word --keys portal/keys --quality releases/.quality/ndb-2026.2.json \\\n    --reason \"an insurer sends no more numbers since April\" --out word.jws\n\nThe enclave believes the key once: `sudare keys trust --keys enclave/keys --source steward --holder portal/keys/public`."
    )]
    Word {
        /// The portal's key folder: its signature is what the enclave believes
        #[arg(long)]
        keys: PathBuf,
        /// The figures that the refused release left
        #[arg(long)]
        quality: PathBuf,
        /// Why the release may appear; stands in its manifest and in the audit chains
        #[arg(long)]
        reason: String,
        /// File to make
        #[arg(long)]
        out: PathBuf,
    },
    /// Show one dataset
    #[command(after_help = "Example:\n  sudare catalog show --database portal/portal.sqlite ndb")]
    Show {
        #[command(flatten)]
        database: PortalDatabase,
        /// Dataset, e.g. ndb
        dataset: String,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Service {
    /// All in one process; the engine for dummy data if the file has its section
    All,
    /// The page on which people sign their acts
    Desk,
    /// Flight SQL over dummy releases, for everybody whom the portal knows
    Dummy,
    /// Flight SQL over the releases
    Engine,
    /// Catalog, applications, review
    Portal,
    /// Permits and the status document
    Signer,
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Which service
    #[arg(value_enum)]
    pub(crate) service: Service,
    /// Configuration file (TOML), see docs/configuration.md
    #[arg(long)]
    pub(crate) config: PathBuf,
}

/// Where the permit signer keeps what it knows, on its own machine.
#[derive(Debug, Args)]
pub(crate) struct SignerStore {
    /// Key folder of the permit zone
    #[arg(long)]
    pub(crate) keys: PathBuf,
    /// The portal's sign.pub
    #[arg(long)]
    pub(crate) portal_key: PathBuf,
    /// The signer's store
    #[arg(long)]
    pub(crate) store: PathBuf,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Portal {
    /// Make the list of applications again from their events, all of it or nothing; others wait to write meanwhile
    #[command(after_help = "Example:\n  sudare portal rebuild --database portal/portal.sqlite")]
    Rebuild {
        #[command(flatten)]
        database: PortalDatabase,
    },
    /// Enter where a person is mailed to, without the code that the account page asks for
    #[command(
        after_help = "Example:\n  sudare portal contact --database portal/portal.sqlite --keys portal/keys --user pi@univ-a.example --mail pi@univ-a.example"
    )]
    Contact {
        #[command(flatten)]
        database: PortalDatabase,
        /// The portal's key folder, for the audit chain beside it
        #[arg(long)]
        keys: PathBuf,
        /// The account
        #[arg(long)]
        user: UserId,
        /// The address; without one, mails to the person end
        #[arg(long)]
        mail: Option<String>,
        /// Notices in English, else in Japanese
        #[arg(long)]
        english: bool,
    },
    /// End the authenticator, passkeys, recovery codes and sessions of a person who lost them; prints the code for new ones once
    #[command(
        after_help = "Example:\n  sudare portal reset-factors --database portal/portal.sqlite --keys portal/keys --user pi@univ-a.example \\\n    --reason \"telephone and codes lost, identity checked by the secretariat\""
    )]
    ResetFactors {
        #[command(flatten)]
        database: PortalDatabase,
        /// The portal's key folder, for the audit chain beside it
        #[arg(long)]
        keys: PathBuf,
        /// The account
        #[arg(long)]
        user: UserId,
        /// Why, for the audit chain
        #[arg(long)]
        reason: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Permit {
    /// Let a person's passkey count for votes, grants and pledges; without --code only show what the request says
    #[command(
        after_help = "Example:\n  sudare permit enrol --keys permit/keys --portal-key portal/keys/public/sign.pub --store permit/store --code 7KQ2-M4XD request.jws"
    )]
    Enrol {
        #[command(flatten)]
        at: SignerStore,
        /// The code that the person reads out from the portal's page
        #[arg(long)]
        code: Option<policies::passkey::EnrolmentCode>,
        /// The request that the person downloaded from the portal
        request: PathBuf,
    },
    /// List the passkeys that count
    #[command(
        after_help = "Example:\n  sudare permit enrolments --keys permit/keys --portal-key portal/keys/public/sign.pub --store permit/store"
    )]
    Enrolments {
        #[command(flatten)]
        at: SignerStore,
    },
    /// Take a passkey away: it signs nothing more
    #[command(
        after_help = "Example:\n  sudare permit unenrol --keys permit/keys --portal-key portal/keys/public/sign.pub --store permit/store kP3…"
    )]
    Unenrol {
        #[command(flatten)]
        at: SignerStore,
        /// The passkey's name, as `sudare permit enrolments` shows it
        credential: policies::passkey::Base64Url,
    },
    /// End a permit at once
    #[command(
        after_help = "Example:\n  sudare permit revoke --signer http://127.0.0.1:8090 --keys portal/keys --reason \"pledge broken\" P-2026-000001"
    )]
    Revoke {
        /// Address of the permit signer; beyond this machine https://…
        #[arg(long)]
        signer: String,
        /// The permit signer's CA file (ca.pem), for https
        #[arg(long)]
        ca: Option<PathBuf>,
        /// The portal's key folder: its signature is what the signer believes
        #[arg(long)]
        keys: PathBuf,
        /// Why, for the audit chain
        #[arg(long)]
        reason: String,
        /// Number of the permit
        permit: policies::PermitId,
    },
    /// Print what a permit says, without judging it
    #[command(after_help = "Example:\n  sudare permit show P-2026-000001.jws")]
    Show {
        /// File with the permit's JWS
        permit: PathBuf,
    },
    /// Check a permit's signature and dates
    #[command(after_help = "Example:\n  sudare permit verify --key permit/keys/public/permit.pub P-2026-000001.jws")]
    Verify {
        /// The permit signer's permit.pub
        #[arg(long)]
        key: PathBuf,
        /// File with the permit's JWS
        permit: PathBuf,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For programs that read tables
    Csv,
    /// For programs
    Json,
    /// For people
    Table,
}

#[derive(Debug, Args)]
pub(crate) struct Sql {
    /// Address of the engine: grpc+tls://host:port, on this machine also grpc://host:port
    #[arg(long)]
    pub(crate) server: String,
    /// The engine's CA file (ca.pem), for grpc+tls
    #[arg(long)]
    pub(crate) ca: Option<PathBuf>,
    /// File with the session token
    #[arg(long)]
    pub(crate) token_file: PathBuf,
    /// Project; may be absent if the token names one permit
    #[arg(long)]
    pub(crate) project: Option<String>,
    /// The query
    #[arg(short = 'c', group = "text")]
    pub(crate) command: Option<String>,
    /// File with the query
    #[arg(short = 'f', group = "text")]
    pub(crate) file: Option<PathBuf>,
    /// `-`: read the query from standard input
    #[arg(group = "text", value_parser = ["-"])]
    pub(crate) stdin: Option<String>,
    /// Form of the answer
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub(crate) format: Format,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    /// Print a chain's entries
    #[command(after_help = "Example:\n  sudare audit show enclave --last 20")]
    Show {
        /// The zone's folder
        folder: PathBuf,
        /// Only the last entries
        #[arg(long)]
        last: Option<usize>,
    },
    /// Check chains and the crossings between them
    #[command(after_help = "Example:\n  sudare audit verify holder/ndb linkage enclave permit portal")]
    Verify {
        /// The zones' folders, or one folder that holds them
        #[arg(required = true)]
        folders: Vec<PathBuf>,
    },
}
