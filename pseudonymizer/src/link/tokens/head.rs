//! What stands above the rows of a token file: who signed it, what it says of itself, whether it is one at all.

use std::fs;
use std::path::{Path, PathBuf};

use policies::keys::{KeyFolder, SealIdentity, VerifyingKey};

use super::Agreed;
use crate::link::absent::{self, Said};
use crate::link::error::LinkError;
use crate::link::permutation::Permutation;
use crate::seal::{self, BatchReader};

/// The one sealed file of a token folder.
const TOKENS: &str = "tokens.arrow.age";

/// A token file that somebody signed.
pub(super) struct Signed {
    path: PathBuf,
    signer: VerifyingKey,
    pub(super) sha256: String,
}

impl Signed {
    pub(super) fn of(path: PathBuf) -> Result<Self, LinkError> {
        let (signer, sha256) = signed(&path)?;
        Ok(Self { path, signer, sha256 })
    }
}

/// What a token file says of itself.
pub(super) struct Head {
    pub(super) path: PathBuf,
    pub(super) sha256: String,
    pub(super) source: String,
    /// The batch's random name.
    pub(super) batch: String,
    pub(super) agreed: Agreed,
    /// What the batch says of those who stay out, if anything.
    pub(super) said: Option<Said>,
}

impl Head {
    /// Reads the head of a file of a holder that the zone trusts. What it says of its source is believed only if the key that signed
    /// it is the one trusted for that source; no row is looked at.
    pub(super) fn read(
        Signed { path, signer, sha256 }: Signed,
        keys: &KeyFolder,
        identity: &SealIdentity,
        permutation: &Permutation,
    ) -> Result<Self, LinkError> {
        let schema = BatchReader::open(&path, identity).map_err(LinkError::seal)?.schema();
        let entry = |what: &'static str| {
            schema.metadata().get(what).cloned().ok_or_else(|| LinkError::Form { path: path.clone(), what })
        };
        let source = entry("sudare.source")?;
        let untrusted = |cause| LinkError::Untrusted { path: path.clone(), cause: Box::new(cause) };
        if keys.trusted(&source).map_err(untrusted)? != signer {
            return Err(LinkError::Signature { path });
        }
        let agreed = Agreed {
            normaliser: entry("sudare.normaliser")?,
            epoch: entry("sudare.epoch")?,
            release_to: entry("sudare.release_to")?,
        };
        let batch = entry("sudare.batch")?;
        let said = Said::beside(&path, schema.metadata(), identity, permutation)?;
        Ok(Self { path, sha256, source, batch, agreed, said })
    }
}

/// The token file of a `tokens/` folder, or of a batch folder without content.
pub(super) fn token_file(folder: &Path) -> Result<PathBuf, LinkError> {
    refuse_content(folder)?;
    let inner = folder.join("tokens");
    if inner.is_dir() {
        refuse_content(&inner)?;
        return Ok(inner.join(TOKENS));
    }
    Ok(folder.join(TOKENS))
}

fn refuse_content(folder: &Path) -> Result<(), LinkError> {
    for entry in fs::read_dir(folder).map_err(LinkError::io(folder))? {
        let name = entry.map_err(LinkError::io(folder))?.file_name();
        let name = name.to_string_lossy();
        if name == "content" || (name.ends_with(".arrow.age") && name != TOKENS && name != absent::FILE) {
            return Err(LinkError::Content { path: folder.to_owned() });
        }
    }
    Ok(())
}

/// Whose signature over the SHA-256 of the sealed file stands beside it: two words in hexadecimal, signature and public key. Whether
/// that key is one to believe is another question.
pub(crate) fn signer(path: &Path) -> Result<VerifyingKey, LinkError> {
    signed(path).map(|(key, _)| key)
}

/// The same, with the digest.
fn signed(path: &Path) -> Result<(VerifyingKey, String), LinkError> {
    let unsigned = || LinkError::Signature { path: path.to_owned() };
    let text = fs::read_to_string(seal::signature_of(path)).map_err(|_| unsigned())?;
    let mut words = text.split_whitespace();
    let signature = words.next().and_then(|word| hex::decode(word).ok()).ok_or_else(unsigned)?;
    let key = words.next().and_then(VerifyingKey::from_hex).ok_or_else(unsigned)?;
    let (_, digest) = catalog::manifest::digest(path).map_err(LinkError::unreadable)?;
    let bytes = hex::decode(&digest).map_err(|_| unsigned())?;
    if key.verify(&bytes, &signature) { Ok((key, digest)) } else { Err(unsigned()) }
}
