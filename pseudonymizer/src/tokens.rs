//! Linkage tokens: keyed hashes of normalised identifiers, one key a kind, so that nobody without the holders' epoch key can try
//! names and birth dates (formats.md 13.10; `research/pseudonymization-anchors.md`, parts 2 and 5).

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use policies::keys::SecretBytes;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::normalise::VERSION;

pub(crate) mod admission;
pub(crate) mod bands;
pub(crate) mod columns;
mod identity;
mod kinds;
mod message;
mod run;
mod variants;

pub(crate) use identity::Identity;
pub(crate) use kinds::{Input, KINDS, Kind};
pub(crate) use run::RunTokenKeys;

use message::Message;

/// Bytes of a token and of an atom's id.
pub(crate) const WIDTH: usize = 16;

/// One keyed hash.
pub(crate) type Token = [u8; WIDTH];

/// The keys of one epoch, each keyed once. Wiped on drop.
pub(crate) struct TokenKeys {
    kinds: [Keyed; KINDS],
    atoms: Keyed,
    records: Keyed,
}

impl TokenKeys {
    /// Derives a key a kind from the epoch key by HKDF-SHA256 (RFC 5869); the normaliser's version is part of it.
    pub(crate) fn derive(epoch: &SecretBytes) -> Self {
        let expander = Hkdf::<Sha256>::new(None, epoch.expose());
        let key = |purpose: &str| Keyed::derive(&expander, &format!("sudare/{purpose}/normaliser-{VERSION}"));
        let kinds = Kind::AT_REST.map(|kind| key(&format!("token/{}", kind.name())));
        Self { kinds, atoms: key("atom"), records: key("record") }
    }

    /// The tokens at rest of an identity in the order of [`Kind::AT_REST`], each only if all its inputs are present and valid.
    pub(crate) fn tokens(&self, identity: &Identity) -> [Option<Token>; KINDS] {
        let mut message = Message::default();
        let mut keys = self.kinds.iter();
        Kind::AT_REST.map(|kind| {
            let key = keys.next()?;
            message.clear();
            kind.inputs().iter().try_for_each(|input| input.put(identity, &mut message))?;
            Some(key.hash(message.bytes()))
        })
    }

    /// A name for a set of identifiers that tells nothing about them without the key.
    pub(crate) fn digest(&self, identity: &Identity) -> Token {
        let mut message = Message::default();
        identity.put(&mut message);
        self.atoms.hash(message.bytes())
    }

    /// A name for a record's content, to find the same record again.
    pub(crate) fn record_digest<B: AsRef<[u8]>>(&self, parts: &[B]) -> Token {
        let mut mac = self.records.0.clone();
        for part in parts {
            mac.update(message::length(part.as_ref().len()).as_ref());
            mac.update(part.as_ref());
        }
        cut(mac)
    }

    /// One keyed hash, for measuring.
    pub(crate) fn sample(&self, message: &[u8]) -> Token {
        self.atoms.hash(message)
    }

    /// A token of each kind over a public text that is no identity: two holders who compare them know that they have the same
    /// keys and the same normaliser, and show neither.
    pub(crate) fn known_answers(&self) -> Vec<(&'static str, Token)> {
        Kind::AT_REST.iter().zip(&self.kinds).map(|(kind, key)| (kind.name(), key.hash(KNOWN))).collect()
    }
}

/// Begins with the length 2^32 - 1, which no normalised identifier has, so that it is no identity's message.
const KNOWN: &[u8] = b"\xFF\xFF\xFF\xFF\x0Fsudare known answer 1";

/// HMAC-SHA256 with its key already in. A token costs a copy of that state and two compressions, as long as the message has 55
/// bytes or less.
struct Keyed(Hmac<Sha256>);

impl Keyed {
    fn derive(expander: &Hkdf<Sha256>, info: &str) -> Self {
        // RFC 2104: a key shorter than SHA-256's block of 64 bytes is filled up with zeros.
        let mut block = Zeroizing::new([0_u8; 64]);
        if let Some(key) = block.first_chunk_mut::<32>() {
            // INVARIANT: 32 bytes are far below HKDF's limit of 255 blocks, so the expansion cannot fail.
            let _expanded = expander.expand(info.as_bytes(), key);
        }
        Self(Hmac::new((&*block).into()))
    }

    fn hash(&self, message: &[u8]) -> Token {
        let mut mac = self.0.clone();
        mac.update(message);
        cut(mac)
    }
}

impl Drop for Keyed {
    /// The keyed state is as good as the key, and the crate's own wiping is not switched on.
    fn drop(&mut self) {
        self.0 = Hmac::new(&[0_u8; 64].into());
        // So that the compiler does not leave out a value that nobody reads.
        std::hint::black_box(&self.0);
    }
}

fn cut(mac: Hmac<Sha256>) -> Token {
    let tag: [u8; 32] = mac.finalize().into_bytes().into();
    let mut token = [0; WIDTH];
    token.iter_mut().zip(tag).for_each(|(to, from)| *to = from);
    token
}

#[cfg(test)]
mod tests;
