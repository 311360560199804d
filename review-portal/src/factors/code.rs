//! Codes that are handed to one person once: random, typed in any shape, kept as hashes only.

use policies::UserId;
use sha2::{Digest, Sha256};

/// Small letters and digits without look-alikes.
const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// 80 bits: too many to try, so that a fast hash is enough.
const LENGTH: usize = 16; // letters

/// What a code is for: one of another purpose is none.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose {
    /// A mail address is its owner's.
    Contact,
    /// On paper, for the day on which everything else is lost.
    Recovery,
    /// New factors after an operator ended the old ones.
    Reset,
}

impl Purpose {
    fn word(self) -> &'static str {
        match self {
            Self::Contact => "contact",
            Self::Recovery => "recovery",
            Self::Reset => "reset",
        }
    }

    /// What is kept of a code of this person.
    pub(crate) fn hash(self, user: &UserId, code: &str) -> String {
        let plain: String = code.chars().filter(char::is_ascii_alphanumeric).collect();
        hex::encode(Sha256::digest(format!("{}\0{user}\0{}", self.word(), plain.to_lowercase())))
    }
}

/// Four groups of four.
pub(crate) fn random() -> String {
    let mut bytes = [0; LENGTH];
    rand::Rng::fill_bytes(&mut rand::rng(), &mut bytes);
    let letters = bytes.iter().filter_map(|byte| LETTERS.get(usize::from(byte % 32)));
    let mut code = String::with_capacity(LENGTH + 3);
    for (place, letter) in letters.enumerate() {
        if place > 0 && place % 4 == 0 {
            code.push('-');
        }
        code.push(char::from(*letter));
    }
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_typed_in_any_shape_and_are_for_one_thing_and_person() {
        let user: UserId = "pi".parse().unwrap();
        let code = random();
        assert_eq!(code.len(), 19);
        let hash = Purpose::Recovery.hash(&user, &code);
        assert_eq!(hash, Purpose::Recovery.hash(&user, &code.replace('-', " ").to_uppercase()));
        assert_ne!(hash, Purpose::Recovery.hash(&"co".parse().unwrap(), &code));
        assert_ne!(hash, Purpose::Reset.hash(&user, &code));
        assert_ne!(random(), code);
    }
}
