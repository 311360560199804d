//! Keys of a project's workspace, and what is sealed with them.

use catalog::sealed;
use hmac::{Hmac, KeyInit, Mac};
use policies::ProjectId;
use policies::keys::SecretBytes;
use rand::Rng;
use sha2::{Digest, Sha256};
use zeroize::{ZeroizeOnDrop, Zeroizing};

/// A project's key, derived from the enclave's. Wiped on drop.
#[derive(Clone, ZeroizeOnDrop)]
pub(super) struct ProjectKey([u8; 32]);

impl ProjectKey {
    /// HMAC-SHA-256 of the project's name under the enclave's key.
    pub(super) fn of(key: &SecretBytes, project: &ProjectId) -> Self {
        Self(derived(key.expose(), &[b"workspace/1", project.as_str().as_bytes()]))
    }

    /// AES-128 key of an object's files.
    pub(super) fn of_files(&self, object: &str) -> Zeroizing<Vec<u8>> {
        let whole = Zeroizing::new(derived(&self.0, &[b"files", object.as_bytes()]));
        Zeroizing::new(whole.first_chunk::<16>().map(|half| half.to_vec()).unwrap_or_default())
    }

    /// An object's manifest, sealed and bound to the object.
    pub(super) fn seal(&self, object: &str, text: &[u8]) -> Option<Vec<u8>> {
        sealed::seal(&self.of_manifest(object), object.as_bytes(), text)
    }

    /// Opens what [`Self::seal`] made for this object.
    pub(super) fn unseal(&self, object: &str, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        sealed::open(&self.of_manifest(object), object.as_bytes(), sealed)
    }

    fn of_manifest(&self, object: &str) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(derived(&self.0, &[b"manifest", object.as_bytes()]))
    }
}

/// One key for each list of words: every word is preceded by its length.
fn derived(key: &[u8; 32], words: &[&[u8]]) -> [u8; 32] {
    // INVARIANT: HMAC takes keys of any length.
    let Ok(mut mac) = <Hmac<Sha256> as KeyInit>::new_from_slice(key) else { return [0; 32] };
    for word in words {
        mac.update(&(word.len() as u64).to_be_bytes());
        mac.update(word);
    }
    mac.finalize().into_bytes().into()
}

/// A project's folder: its name in hexadecimal digits of a digest.
pub(super) fn folder_name(project: &str) -> String {
    hex::encode(Sha256::digest(project))
}

/// A name for a new object's folder.
pub(super) fn fresh_id() -> String {
    let mut id = [0; 16];
    rand::rng().fill_bytes(&mut id);
    hex::encode(id)
}

/// Additional data of a bucket file: it opens only as this bucket of this object.
pub(super) fn file_aad(object: &str, bucket: usize) -> Vec<u8> {
    format!("sudare-work/1|{object}|{bucket}").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seal_opens_for_its_object_and_project_alone() {
        let enclave = SecretBytes::generate();
        let key = |project: &str| ProjectKey::of(&enclave, &project.parse().unwrap());
        let (a, b) = (key("a"), key("b"));
        let sealed = a.seal("x", b"text").unwrap();
        assert_eq!(a.unseal("x", &sealed).unwrap().as_slice(), b"text");
        assert!(a.unseal("y", &sealed).is_none() && b.unseal("x", &sealed).is_none());
        let mut bent = sealed;
        bent[20] ^= 1;
        assert!(a.unseal("x", &bent).is_none() && a.unseal("x", &[]).is_none());
        assert_ne!(a.of_files("x"), a.of_files("y"));
        assert_ne!(a.of_files("x"), b.of_files("x"));
    }
}
