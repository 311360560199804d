//! The leak scan: every value that would leave is made into a token again, as each identifier is, and compared with the tokens
//! of the person whose record it is. So an identifier in a comment, a code or a wrong column is found without knowing any name
//! (formats.md 17, "leak check"). Tokens of the scan live in memory alone, under a key drawn for the run.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use crate::normalise::{kana, kanji, symbol};
use crate::tokens::{Identity, Token};

/// Shorter values are codes: they say too little to be anybody's.
const LETTERS_MIN: usize = 2;
/// Digits and Latin letters: shorter runs stand in too many codes.
const ASCII_MIN: usize = 6;
/// Values whose tokens are remembered; codes repeat.
const REMEMBERED: usize = 65_536;

/// Tokens of one person or one value.
type Marks = Vec<u64>;

/// The scan of one unit of work.
pub(crate) struct LeakScan {
    key: RandomState,
    person: Token,
    own: Marks,
    values: HashMap<u64, Marks>,
    /// Values compared.
    pub(crate) compared: u64,
}

impl LeakScan {
    /// A scan under a fresh key.
    pub(crate) fn new() -> Self {
        Self { key: RandomState::new(), person: [0; 16], own: Vec::new(), values: HashMap::new(), compared: 0 }
    }

    /// Whose record is being written from now on. `digest` names the identity; the same one is not read twice.
    pub(crate) fn person(&mut self, digest: Token, identity: &Identity) {
        if self.person == digest {
            return;
        }
        self.person = digest;
        self.own.clear();
        for text in identifiers(identity) {
            if long_enough(&text) {
                self.own.push(self.mark(&text));
            }
        }
    }

    /// Whether a value that would leave is an identifier of the person.
    pub(crate) fn is_own(&mut self, value: &str) -> bool {
        self.compared = self.compared.saturating_add(1);
        if value.len() < LETTERS_MIN || self.own.is_empty() {
            return false;
        }
        let name = self.key.hash_one(value);
        if let Some(marks) = self.values.get(&name) {
            return marks.iter().any(|mark| self.own.contains(mark));
        }
        let marks: Marks = forms(value).iter().filter(|form| long_enough(form)).map(|form| self.mark(form)).collect();
        let found = marks.iter().any(|mark| self.own.contains(mark));
        if self.values.len() >= REMEMBERED {
            self.values.clear();
        }
        self.values.insert(name, marks);
        found
    }

    fn mark(&self, text: &str) -> u64 {
        self.key.hash_one(text)
    }
}

fn long_enough(text: &str) -> bool {
    let least = if text.is_ascii() { ASCII_MIN } else { LETTERS_MIN };
    text.chars().count() >= least
}

/// The person's identifiers as texts, each in its normal form.
fn identifiers(identity: &Identity) -> Vec<String> {
    let mut texts = Vec::new();
    for part in [&identity.symbol, &identity.number].into_iter().flatten() {
        texts.extend([part.exact.clone(), part.core.clone()]);
    }
    if let Some(name) = &identity.kana {
        texts.extend([name.strict.clone(), name.loose.clone()]);
    }
    texts.extend(identity.kanji.as_ref().map(|name| name.whole.clone()));
    let numbers = [&identity.ltc_number, &identity.chart, &identity.national_id, &identity.public_recipient, &identity.postcode];
    texts.extend(numbers.into_iter().flatten().cloned());
    texts
}

/// A value's normal forms under every identifier's rules: as a whole, and its words.
fn forms(value: &str) -> Vec<String> {
    let mut forms = vec![value.to_owned()];
    let words = value.split(|letter: char| !letter.is_alphanumeric() && letter != 'ー');
    for text in std::iter::once(value).chain(words.filter(|word| word.len() < value.len())) {
        if let Some(part) = symbol::number(text) {
            forms.extend([part.exact, part.core]);
        }
        if !text.is_ascii() {
            forms.extend(kana::name(text).map(|name| [name.strict, name.loose]).into_iter().flatten());
            forms.extend(kanji::name(text).map(|name| name.whole));
        }
    }
    forms.sort_unstable();
    forms.dedup();
    forms
}

#[cfg(test)]
mod tests {
    use super::*;

    fn someone() -> Identity {
        Identity {
            symbol: symbol::symbol("１２３"),
            number: symbol::number("0045678901"),
            kana: kana::name("ヤマダタロウ"),
            kanji: kanji::name("山田　太郎"),
            chart: Some("0000123456".to_owned()),
            ..Identity::default()
        }
    }

    #[test]
    fn identifiers_are_found_in_every_writing_and_codes_are_not() {
        let mut scan = LeakScan::new();
        scan.person([1; 16], &someone());
        for own in ["45678901", "0045678901", "４５６７８９０１", "ヤマダ タロウ", "ﾔﾏﾀﾞ ﾀﾛｳ", "やまだたろう", "山田太郎", "0000123456",
            "番号 0045678901 です"]
        {
            assert!(scan.is_own(own), "{own}");
        }
        for code in ["160000410", "8002", "123", "13", "", "J", "mL", "620002477"] {
            assert!(!scan.is_own(code), "{code}");
        }
    }

    #[test]
    fn another_person_is_another_scan() {
        let mut scan = LeakScan::new();
        scan.person([1; 16], &someone());
        assert!(scan.is_own("45678901"));
        scan.person([2; 16], &Identity { number: symbol::number("11112222"), ..someone() });
        assert!(!scan.is_own("45678901"));
        assert!(scan.is_own("11112222"));
    }
}
