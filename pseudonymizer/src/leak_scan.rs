//! The leak scan: every value that would leave is made into a token again, as each identifier is, and compared with the tokens
//! of the person whose record it is. So an identifier in a comment, a code or a wrong column is found without knowing any name
//! (formats.md 17, "leak check"). Tokens of the scan live in memory alone, under a key drawn for the run. It is part of writing a
//! row: no layout and no option leaves it out.
//!
//! Found are: a whole value, each of its words and each of its runs of digits, in any width and with or without zeros in front;
//! texts, counts and measurements alike; numbers and names from the lengths below on, and the day of birth written as digits.
//! Out of reach, and left to the forms that readers accept for each column: another person's identifiers (a relative's number is
//! no token of this person), a value cut over two columns or rows, put in reverse or enciphered, a name inside a longer word, a
//! number inside a longer run of digits, and numbers shorter than the lengths below. Dates in columns of dates are not compared:
//! a child's first day in hospital is its day of birth.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};

use crate::normalise::{kana, kanji, symbol, text};
use crate::tokens::{Identity, Token};

/// Shorter values are codes: they say too little to be anybody's.
const LETTERS_MIN: usize = 2;
/// Digits and Latin letters: shorter runs stand in too many codes.
const ASCII_MIN: usize = 6;
/// Digits of a run inside a code of half-width letters and digits: shorter ones stand in too many codes.
const INSIDE_MIN: usize = 8;
/// From here on a count or a measurement is compared too.
const NUMBER_MIN: f64 = 1e7;
/// Above, a number has no digits of its own to the last place.
const NUMBER_MAX: f64 = 9_007_199_254_740_992.0;
/// Digits to which systems fill numbers up with zeros (DPC files, 被保険者番号 of long-term care).
const FILLED: usize = 10;
/// Values whose tokens are remembered; codes repeat.
const REMEMBERED: usize = 65_536;
/// Persons whose tokens are remembered, twice over: a reader may write rows of a record after it has begun others.
const PERSONS: usize = 8192;

/// Tokens of one person or one value.
type Marks = Vec<u64>;

/// The scan of one unit of work.
pub(crate) struct LeakScan {
    key: RandomState,
    /// The identities read since `latest` began.
    read: HashSet<Token>,
    /// Tokens of the latest persons by atom, and of those before them.
    latest: HashMap<Token, Marks>,
    before: HashMap<Token, Marks>,
    /// Whose record is being written, and what is theirs.
    owner: Option<Token>,
    own: Marks,
    values: HashMap<u64, Marks>,
    /// Values compared.
    pub(crate) compared: u64,
}

impl LeakScan {
    /// A scan under a fresh key.
    pub(crate) fn new() -> Self {
        Self {
            key: RandomState::new(),
            read: HashSet::new(),
            latest: HashMap::new(),
            before: HashMap::new(),
            owner: None,
            own: Vec::new(),
            values: HashMap::new(),
            compared: 0,
        }
    }

    /// Takes in what a record says of an atom's person. `digest` names the identity; the same one is not read twice while it is
    /// remembered.
    pub(crate) fn person(&mut self, atom: Token, digest: Token, identity: &Identity) {
        if self.read.contains(&digest) {
            return;
        }
        self.owner = None;
        if self.latest.len() >= PERSONS {
            self.before = std::mem::take(&mut self.latest);
            self.read.clear();
        }
        self.read.insert(digest);
        let mut own = self.latest.remove(&atom).or_else(|| self.before.remove(&atom)).unwrap_or_default();
        own.extend(identifiers(identity).iter().filter(|text| long_enough(text)).map(|text| self.mark(text)));
        own.sort_unstable();
        own.dedup();
        self.latest.insert(atom, own);
    }

    /// Whose record is being written from now on: all that any record has said of this atom's person is compared.
    pub(crate) fn of(&mut self, atom: Token) {
        if self.owner == Some(atom) {
            return;
        }
        self.owner = Some(atom);
        self.own.clear();
        let own = self.latest.get(&atom).or_else(|| self.before.get(&atom));
        self.own.extend(own.into_iter().flatten());
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

    /// The same of a count or a measurement.
    pub(crate) fn is_own_number(&mut self, number: f64) -> bool {
        if !(NUMBER_MIN..=NUMBER_MAX).contains(&number.abs()) || number.fract() != 0.0 {
            return false;
        }
        self.is_own(&format!("{:.0}", number.abs()))
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
    let numbers = [
        &identity.ltc_number,
        &identity.chart,
        &identity.national_id,
        &identity.public_recipient,
        &identity.postcode,
        &identity.address,
    ];
    for number in numbers.into_iter().flatten() {
        let core = number.trim_start_matches('0');
        if core.bytes().all(|byte| byte.is_ascii_digit()) {
            texts.extend([core.to_owned(), format!("{core:0>FILLED$}")]);
        }
        texts.push(number.clone());
    }
    texts.extend(identity.born().map(|day| day.strftime("%Y%m%d").to_string()));
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
    forms.extend(runs(value));
    forms.sort_unstable();
    forms.dedup();
    forms
}

/// Runs of digits inside a value, which need no blank around them, as they stand and without zeros in front; a date's three runs
/// as one.
fn runs(value: &str) -> Vec<String> {
    let folded = text::fold(value);
    let least = if value.is_ascii() { INSIDE_MIN } else { ASCII_MIN };
    let digits = |run: &&str| !run.is_empty();
    let all: Vec<&str> = folded.split(|letter: char| !letter.is_ascii_digit()).filter(digits).collect();
    let cores = all.iter().map(|run| run.trim_start_matches('0'));
    let mut runs: Vec<String> =
        all.iter().copied().chain(cores).filter(|run| run.len() >= least).map(str::to_owned).collect();
    if let [year, month, day] = all[..]
        && (year.len(), month.len(), day.len()) == (4, 2, 2)
    {
        runs.push(format!("{year}{month}{day}"));
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::normalise::date;

    fn someone() -> Identity {
        Identity {
            symbol: symbol::symbol("１２３"),
            number: symbol::number("0045678901"),
            kana: kana::name("ヤマダタロウ"),
            kanji: kanji::name("山田　太郎"),
            chart: Some("0000123456".to_owned()),
            birth: date::birth(b"19580314"),
            ..Identity::default()
        }
    }

    #[test]
    fn identifiers_are_found_in_every_writing_and_codes_are_not() {
        let mut scan = LeakScan::new();
        scan.person([1; 16], [1; 16], &someone());
        scan.of([1; 16]);
        for own in [
            "45678901",
            "0045678901",
            "４５６７８９０１",
            "ヤマダ タロウ",
            "ﾔﾏﾀﾞ ﾀﾛｳ",
            "やまだたろう",
            "山田太郎",
            "0000123456",
            "番号 0045678901 です",
        ] {
            assert!(scan.is_own(own), "{own}");
        }
        for own in [
            "X45678901",
            "X0045678901Y",
            "番号４５６７８９０１です",
            "番号0000123456です",
            "45-67-8901",
            "19580314",
            "1958-03-14",
        ] {
            assert!(scan.is_own(own), "{own}");
        }
        for code in ["160000410", "8002", "123", "13", "", "J", "mL", "620002477", "X123456", "145678901", "195803141"]
        {
            assert!(!scan.is_own(code), "{code}");
        }
    }

    #[test]
    fn short_chart_numbers_are_found_where_they_are_filled_up() {
        let mut scan = LeakScan::new();
        scan.person([1; 16], [1; 16], &Identity { chart: Some("1001".to_owned()), ..Identity::default() });
        scan.of([1; 16]);
        assert!(scan.is_own("0000001001") && scan.is_own("K0000001001"));
        assert!(!scan.is_own("1001") && !scan.is_own("0000001002"));
    }

    #[test]
    fn counts_and_measurements_are_values_too() {
        let mut scan = LeakScan::new();
        scan.person([1; 16], [1; 16], &someone());
        scan.of([1; 16]);
        assert!(scan.is_own_number(45_678_901.0) && scan.is_own_number(-45_678_901.0));
        for number in [4567.0, 45_678_901.5, 45_678_902.0, f64::NAN, f64::INFINITY, 1e300] {
            assert!(!scan.is_own_number(number), "{number}");
        }
        scan.person([2; 16], [2; 16], &Identity { chart: Some("12345678".to_owned()), ..Identity::default() });
        scan.of([2; 16]);
        assert!(scan.is_own_number(12_345_678.0));
    }

    #[test]
    fn another_person_is_another_scan() {
        let mut scan = LeakScan::new();
        scan.person([1; 16], [1; 16], &someone());
        scan.of([1; 16]);
        assert!(scan.is_own("45678901"));
        scan.person([2; 16], [2; 16], &Identity { number: symbol::number("11112222"), ..someone() });
        scan.of([2; 16]);
        assert!(!scan.is_own("45678901"));
        assert!(scan.is_own("11112222"));
        // A row of the first that is written now is compared with the first, and with all that was said of them.
        scan.person([1; 16], [3; 16], &Identity { number: symbol::number("99887766"), ..Identity::default() });
        scan.of([1; 16]);
        assert!(scan.is_own("45678901") && scan.is_own("99887766") && !scan.is_own("11112222"));
        for other in 10_u32..10_000 {
            let mut atom = [0; 16];
            atom[..4].copy_from_slice(&other.to_be_bytes());
            scan.person(
                atom,
                atom,
                &Identity { number: symbol::number(&format!("5{other:07}")), ..Identity::default() },
            );
        }
        scan.of([1; 16]);
        assert!(scan.is_own("45678901"), "the persons before the latest are remembered");
    }
}
