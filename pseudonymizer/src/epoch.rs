//! The epoch key that all holders share, so that the same person gives the same token at each: wrapped by one holder for
//! another, never in the clear between them.

use policies::keys::{KeyError, KeyFolder, SealRecipient, SecretBytes};
use zeroize::Zeroizing;

use crate::seal;

/// Why the epoch key could not be shared.
#[derive(Debug, thiserror::Error)]
pub enum EpochError {
    /// This holder's own keys.
    #[error("the holder's keys cannot be used")]
    Keys(#[source] KeyError),
    /// The wrapped key is for somebody else, or was changed.
    #[error(
        "the wrapped epoch key cannot be opened with this holder's key; ask for it again, wrapped to this holder's seal.pub"
    )]
    Open(#[source] age::DecryptError),
    /// Wrapping failed.
    #[error("the epoch key cannot be wrapped")]
    Wrap(#[source] age::EncryptError),
    /// What was wrapped is no epoch key.
    #[error("what was wrapped is no epoch key")]
    Form,
}

/// This holder's epoch key, sealed to another holder.
pub fn wrap(keys: &KeyFolder, to: &SealRecipient) -> Result<Vec<u8>, EpochError> {
    let epoch = keys.bytes("epoch").map_err(EpochError::Keys)?;
    let text = Zeroizing::new([MARK, epoch.expose().as_slice()].concat());
    seal::seal_bytes(&text, to).map_err(EpochError::Wrap)
}

/// Puts another holder's epoch key in the place of this one's. Returns its fingerprint, for both holders to compare.
pub fn join(keys: &KeyFolder, wrapped: &[u8]) -> Result<String, EpochError> {
    let identity = keys.seal().map_err(EpochError::Keys)?;
    let text = Zeroizing::new(seal::open_bytes(wrapped, &identity).map_err(EpochError::Open)?);
    let bytes = text.strip_prefix(MARK).ok_or(EpochError::Form)?;
    let epoch = SecretBytes::from_slice(bytes).ok_or(EpochError::Form)?;
    keys.replace_bytes("epoch", &epoch).map_err(EpochError::Keys)?;
    Ok(epoch.fingerprint())
}

/// Stands before the key, so that another sealed secret is not taken for one.
const MARK: &[u8] = b"sudare epoch 1\n";

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use policies::Zone;

    use super::*;

    #[test]
    fn two_holders_share_an_epoch() {
        let dir = tempfile::tempdir().unwrap();
        let make = |name: &str| KeyFolder::init(&dir.path().join(name), Zone::Holder, Timestamp::UNIX_EPOCH).unwrap();
        let (ndb, dpc, other) = (make("ndb"), make("dpc"), make("other"));
        let own = ndb.bytes("epoch").unwrap().fingerprint();
        let wrapped = wrap(&ndb, &dpc.recipient().unwrap()).unwrap();
        assert!(matches!(join(&other, &wrapped), Err(EpochError::Open(_))));
        assert_eq!(join(&dpc, &wrapped).unwrap(), own);
        assert_eq!(dpc.bytes("epoch").unwrap().fingerprint(), own);
        let foreign = seal::seal_bytes(&[7; 32], &dpc.recipient().unwrap()).unwrap();
        assert!(matches!(join(&dpc, &foreign), Err(EpochError::Form)));
    }
}
