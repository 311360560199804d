//! Layouts of added sources that a holder has accepted: in the holder's key folder, `accepted/<id>.toml`, the file as it was
//! accepted, and `accepted/<id>.sig`, the signatures over its SHA-256.
//!
//! What leaves is decided by two persons: the file up to which both have signed is `accepted/<id>.both.toml`, and nothing beyond it
//! is ever let through. A version that lets through no more than that one needs the holder's signature alone.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use catalog::AddedSource;
use policies::keys::{KeyError, KeyFolder, SigningKey, VerifyingKey};
use policies::{Zone, durable};
use serde::{Deserialize, Serialize};

use super::{Change, Layout, LayoutError, added, diff};

/// Why a layout is not accepted, or not used.
#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    /// The file is another than the accepted one.
    #[error("layout {id} was changed since it was accepted; look at `sudare layout diff`, then accept it again")]
    Changed {
        /// Which layout.
        id: String,
    },
    /// Input or output failed.
    #[error("cannot read or write {}", path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// A key folder.
    #[error("the keys cannot be used")]
    Keys(#[source] KeyError),
    /// The layout itself.
    #[error(transparent)]
    Layout(LayoutError),
    /// Nobody has accepted it.
    #[error("layout {id} is not accepted by this holder; run `sudare layout accept` with two persons' keys")]
    NotAccepted {
        /// Which layout.
        id: String,
    },
    /// Both signatures would be of one key.
    #[error("the second signature must be another person's: both key folders have the same signing key")]
    SameKey,
    /// A second person must agree to what would leave.
    #[error(
        "layout {id} would let through what two persons have not agreed to: {what}; name the second person's keys with --second"
    )]
    Second {
        /// Which layout.
        id: String,
        /// The fields, with commas between.
        what: String,
    },
    /// A signature does not fit.
    #[error("the acceptance of layout {id} does not carry the signatures that it must; accept the layout again")]
    Signature {
        /// Which layout.
        id: String,
    },
    /// Keys of a zone that has no say here.
    #[error("the second signature is that of a holder or of the linkage zone, not of the {found} zone")]
    Zone {
        /// Whose keys they are.
        found: Zone,
    },
}

impl AcceptError {
    /// Stable code, listed in `docs/errors.md`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Changed { .. } => "layout/changed",
            Self::Io { .. } => "layout/io",
            Self::Keys(_) => "layout/keys",
            Self::Layout(fault) => fault.code(),
            Self::NotAccepted { .. } => "layout/not-accepted",
            Self::SameKey => "layout/same-key",
            Self::Second { .. } => "layout/second",
            Self::Signature { .. } => "layout/signature",
            Self::Zone { .. } => "layout/zone",
        }
    }

    /// What the holder can do now.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Layout(fault) => fault.hint(),
            Self::Changed { .. } | Self::NotAccepted { .. } | Self::Signature { .. } => {
                "sudare layout accept FILE --keys holder/keys --second OTHER/keys"
            }
            Self::Io { .. } | Self::Keys(_) => "check that the path exists and that this user may use it",
            Self::SameKey | Self::Second { .. } | Self::Zone { .. } => {
                "ask another person, of this or another holder or of the linkage zone, to read the list and to sign"
            }
        }
    }
}

/// What was accepted.
#[derive(Debug)]
pub struct Accepted {
    /// The layout.
    pub layout: Layout,
    /// What leaves now and did not before.
    pub lets_through: Vec<Change>,
    /// Fingerprint of the second signature's key, where one was given for this version.
    pub second: Option<String>,
}

/// `accepted/<id>.sig`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Signatures {
    /// SHA-256 of the accepted file.
    sha256: String,
    /// The holder's, over that.
    holder: Signature,
    /// SHA-256 of the file that both agreed to.
    both_sha256: String,
    /// The holder's and the second person's, over that.
    both: [Signature; 2],
}

/// A signature and who made it, in hexadecimal.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Signature {
    key: String,
    signature: String,
}

/// Accepts a source's layout for a holder. The second person's keys are needed where something would leave to which two persons
/// have not agreed yet; so a first version needs them.
pub fn accept(source: &AddedSource, keys: &KeyFolder, second: Option<&KeyFolder>) -> Result<Accepted, AcceptError> {
    let layout = added::of_source(source).map_err(AcceptError::Layout)?;
    let place = Folder::of(keys, &layout.id);
    let holder = keys.signing("sign").map_err(AcceptError::Keys)?;
    let second = second.map(|second| second_key(second, &holder)).transpose()?;
    // What cannot be believed is as if it were not there.
    let known = place.read(&holder.verifying()).ok();
    let changes = diff(known.as_ref().map(|known| &known.both), &layout);
    let agreed = match (&known, &second) {
        (_, Some(second)) => {
            let message = message(AGREED, &layout.id, &layout.sha256);
            let both = [sign(&holder, &message), sign(second, &message)];
            Signatures { both_sha256: layout.sha256.clone(), both, ..place.signed(&layout, &holder) }
        }
        (Some(known), None) if changes.lets_through.is_empty() => Signatures {
            both_sha256: known.signatures.both_sha256.clone(),
            both: known.signatures.both.clone(),
            ..place.signed(&layout, &holder)
        },
        (_, None) => return Err(AcceptError::Second { id: layout.id, what: listed(&changes.lets_through) }),
    };
    let both_text = if second.is_some() { source.text() } else { known.as_ref().map_or("", |known| &known.both_text) };
    place.write(source.text(), both_text, &agreed)?;
    let before = known.as_ref().map(|known| &known.accepted);
    let lets_through = diff(before, &layout).lets_through;
    Ok(Accepted { layout, lets_through, second: second.map(|second| second.verifying().fingerprint()) })
}

/// The layout of a source, if this holder has accepted just this file.
pub fn open(source: &AddedSource, keys: &KeyFolder) -> Result<Layout, AcceptError> {
    let layout = added::of_source(source).map_err(AcceptError::Layout)?;
    let holder = keys.signing("sign").map_err(AcceptError::Keys)?.verifying();
    let known = Folder::of(keys, &layout.id).read(&holder)?;
    if known.accepted.sha256 == layout.sha256 { Ok(layout) } else { Err(AcceptError::Changed { id: layout.id }) }
}

/// The fields of a list, with the columns they go to.
pub fn listed(changes: &[Change]) -> String {
    let one = |change: &Change| {
        let to = if change.to.is_empty() { String::new() } else { format!(" into {}", change.to.join(" and ")) };
        format!("{} ({}){to}", change.field, change.ja)
    };
    changes.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn second_key(folder: &KeyFolder, holder: &SigningKey) -> Result<SigningKey, AcceptError> {
    match folder.zone() {
        Zone::Holder | Zone::Linkage => {}
        found @ (Zone::Enclave | Zone::Permit | Zone::Portal) => return Err(AcceptError::Zone { found }),
    }
    let key = folder.signing("sign").map_err(AcceptError::Keys)?;
    if key.verifying() == holder.verifying() { Err(AcceptError::SameKey) } else { Ok(key) }
}

/// What a signature is for: the file in use, or the file that two persons agreed to.
const USED: &str = "use";
const AGREED: &str = "agree";

fn message(purpose: &str, id: &str, sha256: &str) -> String {
    format!("sudare layout 1\n{purpose}\n{id}\n{sha256}\n")
}

fn sign(key: &SigningKey, message: &str) -> Signature {
    Signature { key: key.verifying().to_hex(), signature: hex::encode(key.sign(message.as_bytes())) }
}

impl Signature {
    /// The key that made it, if it fits.
    fn of(&self, message: &str) -> Option<VerifyingKey> {
        let key = VerifyingKey::from_hex(&self.key)?;
        key.verify(message.as_bytes(), &hex::decode(&self.signature).ok()?).then_some(key)
    }
}

/// Where an acceptance lies.
struct Folder {
    folder: PathBuf,
    id: String,
}

/// An acceptance whose signatures fit.
struct Known {
    accepted: Layout,
    both: Layout,
    both_text: String,
    signatures: Signatures,
}

impl Folder {
    /// `id` is one word (`layout::rules`), so that it names a file in this folder.
    fn of(keys: &KeyFolder, id: &str) -> Self {
        Self { folder: keys.path().join("accepted"), id: id.to_owned() }
    }

    fn path(&self, ending: &str) -> PathBuf {
        self.folder.join(format!("{}.{ending}", self.id))
    }

    fn signed(&self, layout: &Layout, holder: &SigningKey) -> Signatures {
        let own = sign(holder, &message(USED, &self.id, &layout.sha256));
        let none = Signature { key: String::new(), signature: String::new() };
        Signatures {
            sha256: layout.sha256.clone(),
            holder: own,
            both_sha256: String::new(),
            both: [none.clone(), none],
        }
    }

    fn write(&self, text: &str, both_text: &str, signatures: &Signatures) -> Result<(), AcceptError> {
        let io = |path: &Path| {
            let path = path.to_owned();
            move |cause| AcceptError::Io { path, cause }
        };
        fs::create_dir_all(&self.folder).map_err(io(&self.folder))?;
        let json = serde_json::to_vec_pretty(signatures)
            .map_err(|cause| AcceptError::Io { path: self.path("sig"), cause: cause.into() })?;
        // The signatures last: until they lie there, the files beside them are not what they are for.
        let files = [("toml", text.as_bytes()), ("both.toml", both_text.as_bytes()), ("sig", json.as_slice())];
        for (ending, bytes) in files {
            let path = self.path(ending);
            durable::replace(&path, bytes).map_err(io(&path))?;
        }
        Ok(())
    }

    /// Reads what was accepted and checks every signature. `holder`: whose acceptance it must be.
    fn read(&self, holder: &VerifyingKey) -> Result<Known, AcceptError> {
        let id = || self.id.clone();
        let text = |ending: &str| {
            let path = self.path(ending);
            fs::read_to_string(&path).map_err(|cause| {
                let absent = cause.kind() == io::ErrorKind::NotFound;
                if absent { AcceptError::NotAccepted { id: id() } } else { AcceptError::Io { path, cause } }
            })
        };
        let unsigned = || AcceptError::Signature { id: id() };
        let signatures: Signatures = serde_json::from_str(&text("sig")?).map_err(|_| unsigned())?;
        let both_text = text("both.toml")?;
        let accepted = Layout::parse(&text("toml")?).map_err(|_| unsigned())?;
        let both = Layout::parse(&both_text).map_err(|_| unsigned())?;
        let used = signatures.holder.of(&message(USED, &self.id, &accepted.sha256));
        let agreed = message(AGREED, &self.id, &both.sha256);
        let [own, second] = signatures.both.each_ref().map(|signature| signature.of(&agreed));
        let files = accepted.sha256 == signatures.sha256 && both.sha256 == signatures.both_sha256;
        let keys = used.as_ref() == Some(holder) && own.as_ref() == Some(holder);
        let two = second.is_some_and(|second| second != *holder);
        if files && keys && two && diff(Some(&both), &accepted).lets_through.is_empty() {
            Ok(Known { accepted, both, both_text, signatures })
        } else {
            Err(unsigned())
        }
    }
}

#[cfg(test)]
mod tests;
