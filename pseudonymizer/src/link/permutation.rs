//! Tokens as this zone knows them: permuted under a key of its own, so that nothing it holds joins with anything a holder holds
//! (`research/pseudonymization-anchors.md`, part 5, stage 3).

use aes::Aes256;
pub(crate) use aes::Block;
use aes::cipher::{BlockEncrypt, KeyInit};
use hkdf::Hkdf;
use policies::keys::{KeyError, KeyFolder};
use sha2::Sha256;
use zeroize::Zeroizing;

/// AES-256 of one block: equal tokens stay equal, different ones different, and nothing else is left of them. Wiped on drop.
pub(crate) struct Permutation(Aes256);

impl Permutation {
    /// The zone's permutation, from its key `state` by HKDF-SHA256. The same in every run.
    pub(crate) fn of(keys: &KeyFolder) -> Result<Self, KeyError> {
        let state = keys.bytes("state")?;
        let mut key = Zeroizing::new([0_u8; 32]);
        // INVARIANT: 32 bytes are far below HKDF's limit of 255 blocks, so the expansion cannot fail.
        let _expanded = Hkdf::<Sha256>::new(None, state.expose()).expand(b"sudare/link/permutation", key.as_mut());
        Ok(Self(Aes256::new((&*key).into())))
    }

    /// The token that this zone knows.
    pub(crate) fn apply(&self, token: [u8; 16]) -> [u8; 16] {
        let mut block = Block::from(token);
        self.0.encrypt_block(&mut block);
        block.into()
    }

    /// The same for many: a core works on several at once.
    pub(crate) fn apply_all(&self, tokens: &mut [Block]) {
        self.0.encrypt_blocks(tokens);
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use policies::Zone;

    use super::*;

    #[test]
    fn a_zone_has_one_and_another_zone_another() {
        let dir = tempfile::tempdir().unwrap();
        let zone = |name: &str| {
            let keys = KeyFolder::init(&dir.path().join(name), Zone::Linkage, Timestamp::UNIX_EPOCH).unwrap();
            (Permutation::of(&keys).unwrap(), Permutation::of(&keys).unwrap())
        };
        let (here, again) = zone("here");
        let (there, _) = zone("there");
        for token in [[0; 16], [1; 16]] {
            assert_ne!(here.apply(token), token);
            assert_eq!(here.apply(token), again.apply(token));
            assert_ne!(here.apply(token), there.apply(token));
        }
        let tokens: Vec<[u8; 16]> = (0..100).map(|at| [at; 16]).collect();
        let mut all: Vec<Block> = tokens.iter().map(|token| Block::from(*token)).collect();
        here.apply_all(&mut all);
        assert!(tokens.iter().zip(all).all(|(token, made)| here.apply(*token) == <[u8; 16]>::from(made)));
        assert_ne!(here.apply([0; 16]), here.apply([1; 16]));
    }
}
