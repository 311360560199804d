//! A fixed amount of memory for "has somebody of that name, birth date and sex been born already?".

use jiff::civil::Date;
use unicode_normalization::UnicodeNormalization;

use crate::names::Name;
use crate::random;

/// A sieve of 2^27 bits (16 MiB, whatever the population): a set bit may be a mistake, an unset one is certain.
pub(crate) struct Namesakes(Vec<u64>);

const BITS: u64 = 1 << 27;

impl Namesakes {
    pub(crate) fn new() -> Self {
        Self(vec![0; usize::try_from(BITS / 64).unwrap_or(1)])
    }

    /// Notes the name; true if neither its sound (voiced marks and length apart) nor its writing was there before.
    pub(crate) fn claim(&mut self, name: &Name, birth: Date, sex: u8) -> bool {
        let when = u64::from(catalog::codes::days(birth).unsigned_abs()) * 4 + u64::from(sex);
        let sound: String =
            name.kana("").nfd().filter(|sign| !matches!(sign, '\u{3099}' | '\u{309a}' | 'ー')).collect();
        let spots = [hash(&sound, when), hash(&name.kanji(), when.rotate_left(32))];
        if spots.iter().any(|spot| self.is_set(*spot)) {
            return false;
        }
        for spot in spots {
            self.set(spot);
        }
        true
    }

    fn is_set(&self, spot: u64) -> bool {
        self.word(spot).is_some_and(|word| word >> (spot % 64) & 1 == 1)
    }

    fn word(&self, spot: u64) -> Option<u64> {
        self.0.get(usize::try_from(spot / 64).ok()?).copied()
    }

    fn set(&mut self, spot: u64) {
        if let Some(word) = usize::try_from(spot / 64).ok().and_then(|at| self.0.get_mut(at)) {
            *word |= 1 << (spot % 64);
        }
    }
}

fn hash(text: &str, when: u64) -> u64 {
    text.bytes().fold(random::mix(when), |state, byte| random::mix(state ^ u64::from(byte))) % BITS
}
