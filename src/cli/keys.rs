//! `sudare keys …`: arguments. Secrets are never among them: a passphrase comes from a file or a descriptor.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand};
use policies::keys::RunId;

#[derive(Debug, Subcommand)]
pub(crate) enum Keys {
    /// Issue a new TLS certificate for a zone's service
    #[command(
        after_help = "Example:\n  sudare keys certificate --keys enclave/keys --host engine.example\n\nStart the service again to use it."
    )]
    Certificate {
        /// Key folder of the enclave, permit or portal zone
        #[arg(long)]
        keys: PathBuf,
        /// Name or address of the service beside localhost; without any, those of the last certificate
        #[arg(long)]
        host: Vec<policies::tls::Host>,
        /// Folder of the CA; the one in the key folder if absent
        #[arg(long)]
        ca: Option<PathBuf>,
    },
    /// The epoch that tokens are made under: make the next one, list, rotate
    #[command(subcommand)]
    Epoch(KeysEpoch),
    /// Make a zone's key folder; for a zone with a service, also its TLS certificate
    #[command(
        after_help = "Examples:\n  sudare keys init --zone holder --out holder/keys --root root.age --passphrase-file passphrase\n  sudare keys init --zone enclave --out enclave/keys --ca ca --host engine.example"
    )]
    Init {
        /// holder, linkage, enclave, permit or portal
        #[arg(long)]
        zone: policies::Zone,
        /// Folder to make
        #[arg(long)]
        out: PathBuf,
        /// Name or address under which other machines reach the service of this zone
        #[arg(long)]
        host: Vec<policies::tls::Host>,
        /// Folder of the installation's CA, made if absent; without it the zone gets a CA of its own
        #[arg(long)]
        ca: Option<PathBuf>,
        #[command(flatten)]
        root: Option<RootFile>,
        /// With --root: the number of the epoch that is derived
        #[arg(long, requires = "root", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
        epoch: u32,
    },
    /// Take an epoch key that another holder wrapped: the current one in the place of this folder's own, a next one beside it
    #[command(after_help = "Example:\n  sudare keys join-epoch --keys ltc/keys --wrapped epoch.age --from ndb")]
    JoinEpoch {
        /// This holder's key folder
        #[arg(long)]
        keys: PathBuf,
        /// What share-epoch wrote
        #[arg(long)]
        wrapped: PathBuf,
        /// Whose signature it must bear, as told by `sudare keys trust`; without it, compare fingerprints with the sender
        #[arg(long)]
        from: Option<String>,
    },
    /// The root that epochs are derived from
    #[command(subcommand)]
    Root(KeysRoot),
    /// The key of one linkage run
    #[command(subcommand)]
    RunKey(KeysRunKey),
    /// Wrap this holder's epoch key for another holder
    #[command(after_help = "Example:\n  sudare keys share-epoch --keys ndb/keys --to ltc/keys/public --out epoch.age")]
    ShareEpoch {
        /// This holder's key folder
        #[arg(long)]
        keys: PathBuf,
        /// The other holder's seal.pub, or its public/ folder
        #[arg(long)]
        to: PathBuf,
        /// File to write
        #[arg(long)]
        out: PathBuf,
        /// The next epoch's key, during a rotation
        #[arg(long)]
        next: bool,
    },
    /// List a folder's keys by fingerprint
    #[command(after_help = "Example:\n  sudare keys show holder/keys")]
    Show {
        /// Key folder
        keys: PathBuf,
    },
    /// Believe a holder's (or zone's) signatures, after comparing its key's fingerprint with it
    #[command(
        after_help = "Example:\n  sudare keys trust --keys linkage/keys --source ndb --holder holder/keys/public/sign.pub"
    )]
    Trust {
        /// Key folder of the zone that is to believe
        #[arg(long)]
        keys: PathBuf,
        /// Short word for whose key it is: small letters, digits, '-'
        #[arg(long)]
        source: String,
        /// The owner's sign.pub, or its public/ folder
        #[arg(long)]
        holder: PathBuf,
        /// Put it in the place of another key that was believed
        #[arg(long)]
        replace: bool,
    },
    /// Known answers of this holder's token keys, to compare with another holder's without showing a key
    #[command(
        after_help = "Example:\n  sudare keys verify --keys ndb/keys --out ndb.json\n  sudare keys verify --keys ltc/keys --against ndb.json"
    )]
    Verify {
        /// This holder's key folder
        #[arg(long)]
        keys: PathBuf,
        /// File to write for the other holders
        #[arg(long)]
        out: Option<PathBuf>,
        /// What another holder wrote; exit 1 if anything differs
        #[arg(long)]
        against: Option<PathBuf>,
    },
}

/// A root and what opens it.
#[derive(Debug, Args)]
#[group(requires_all = ["root", "passphrase_file"])]
pub(crate) struct RootFile {
    /// The root's file, of `sudare keys root init`
    #[arg(long, required = false)]
    pub(crate) root: PathBuf,
    /// File (mode 0600) or descriptor (/dev/fd/3) with the passphrase, or the token's PIN, in its first line
    #[arg(long, required = false)]
    pub(crate) passphrase_file: PathBuf,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeysRoot {
    /// Make a root: a file sealed by a passphrase, or a key inside a PKCS#11 token
    #[command(
        after_help = "Examples:\n  sudare keys root init --out root.age --passphrase-file /dev/fd/3 3< passphrase\n  sudare keys root init --out root.json --pkcs11 /usr/lib/softhsm/libsofthsm2.so --token sudare --passphrase-file pin"
    )]
    Init {
        /// File to make; for a token it says where the key is, and holds no secret
        #[arg(long)]
        out: PathBuf,
        /// File (mode 0600) or descriptor (/dev/fd/3) with the passphrase, or the token's PIN, in its first line
        #[arg(long)]
        passphrase_file: PathBuf,
        /// The vendor's PKCS#11 library, whole path
        #[arg(long, requires = "token")]
        pkcs11: Option<PathBuf>,
        /// Label of the token
        #[arg(long, requires = "pkcs11")]
        token: Option<String>,
        /// Label of the key in the token
        #[arg(long, requires = "pkcs11", default_value = "sudare-root")]
        label: String,
    },
    /// Open a root and print its kind and fingerprint
    #[command(after_help = "Example:\n  sudare keys root show --root root.age --passphrase-file passphrase")]
    Show {
        #[command(flatten)]
        root: RootFile,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeysEpoch {
    /// List the epochs of a holder's folder
    #[command(after_help = "Example:\n  sudare keys epoch list --keys holder/keys")]
    List {
        /// The holder's key folder
        #[arg(long)]
        keys: PathBuf,
    },
    /// Make the next epoch's key, from a root; without one at random, for trials
    #[command(
        after_help = "Example:\n  sudare keys epoch new --keys ndb/keys --root root.age --passphrase-file passphrase\n\nThen `sudare keys share-epoch --next` for the other holders."
    )]
    New {
        /// The holder's key folder
        #[arg(long)]
        keys: PathBuf,
        #[command(flatten)]
        root: Option<RootFile>,
    },
    /// Take the next step from one epoch to the next
    #[command(
        after_help = "Example:\n  sudare keys epoch rotate --keys ndb/keys --start\n  sudare keys epoch rotate --keys ndb/keys --switch --verdict verdict.jws\n  sudare keys epoch rotate --keys ndb/keys --destroy"
    )]
    Rotate(Rotate),
    /// Say where a rotation stands and what comes next
    #[command(after_help = "Example:\n  sudare keys epoch show --keys holder/keys")]
    Show {
        /// The holder's key folder
        #[arg(long)]
        keys: PathBuf,
    },
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("step").required(true).args(["start", "switch", "destroy", "cancel"])))]
#[expect(clippy::struct_excessive_bools, reason = "a flag a step, of which clap takes exactly one")]
pub(crate) struct Rotate {
    /// The holder's key folder
    #[arg(long)]
    pub(crate) keys: PathBuf,
    /// From now on tokens are made under both keys, for the bridge
    #[arg(long)]
    pub(crate) start: bool,
    /// Tokens are made under the next key alone; needs the linkage zone's verdict on the bridge
    #[arg(long)]
    pub(crate) switch: bool,
    /// The linkage zone's signed verdict
    #[arg(long, requires = "switch")]
    pub(crate) verdict: Option<PathBuf>,
    /// Remove the old epoch's key (overwritten as well as the disk lets us)
    #[arg(long)]
    pub(crate) destroy: bool,
    /// Give the rotation up before the switch, and remove the next key
    #[arg(long)]
    pub(crate) cancel: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeysRunKey {
    /// Keep the key of a run that another holder wrapped
    #[command(after_help = "Example:\n  sudare keys run-key join --keys ltc/keys --wrapped run.age --from ndb")]
    Join {
        /// This holder's key folder
        #[arg(long)]
        keys: PathBuf,
        /// What share wrote
        #[arg(long)]
        wrapped: PathBuf,
        /// Whose signature it must bear, as told by `sudare keys trust`; without it, compare fingerprints with the sender
        #[arg(long)]
        from: Option<String>,
    },
    /// Make the key of a run, at one holder
    #[command(after_help = "Example:\n  sudare keys run-key new --keys ndb/keys --id 2026-11")]
    New {
        /// This holder's key folder
        #[arg(long)]
        keys: PathBuf,
        /// Name of the run
        #[arg(long)]
        id: RunId,
    },
    /// Wrap the key of a run for another holder
    #[command(
        after_help = "Example:\n  sudare keys run-key share --keys ndb/keys --id 2026-11 --to ltc/keys/public --out run.age"
    )]
    Share {
        /// This holder's key folder
        #[arg(long)]
        keys: PathBuf,
        /// Name of the run
        #[arg(long)]
        id: RunId,
        /// The other holder's seal.pub, or its public/ folder
        #[arg(long)]
        to: PathBuf,
        /// File to write
        #[arg(long)]
        out: PathBuf,
    },
    /// Remove the key of a run; its name is never used again
    #[command(after_help = "Example:\n  sudare keys run-key wipe --keys ndb/keys --id 2026-11")]
    Wipe {
        /// This holder's key folder
        #[arg(long)]
        keys: PathBuf,
        /// Name of the run
        #[arg(long)]
        id: RunId,
    },
}
