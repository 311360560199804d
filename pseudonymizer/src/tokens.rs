//! Linkage tokens: keyed hashes of normalised identifiers, one key a kind, so that nobody without the holders' epoch key can try
//! names and birth dates (formats.md 13.10).

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use jiff::civil::Date;
use policies::keys::SecretBytes;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::normalise::insurer::{Insurer, LtcInsurer};
use crate::normalise::kana::Kana;
use crate::normalise::sex::Sex;
use crate::normalise::symbol::Part;
use crate::normalise::{VERSION, date::Birth};

/// Bytes of a token and of an atom's id.
pub(crate) const WIDTH: usize = 16;

/// One keyed hash.
pub(crate) type Token = [u8; WIDTH];

/// How many kinds there are: T1 to T7.
pub(crate) const KINDS: usize = 7;

/// Their names, as the columns of the token file have them.
pub(crate) const KIND_NAMES: [&str; KINDS] = ["t1", "t2", "t3", "t4", "t5", "t6", "t7"];

/// What a record says about who it belongs to, normalised. Lives in the holder zone's memory alone: neither `Debug` nor `Serialize`.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Identity {
    /// Medical insurer.
    pub(crate) insurer: Option<Insurer>,
    /// Symbol on the card.
    pub(crate) symbol: Option<Part>,
    /// Number on the card.
    pub(crate) number: Option<Part>,
    /// Branch number.
    pub(crate) branch: Option<String>,
    /// Birth.
    pub(crate) birth: Option<Birth>,
    /// Sex.
    pub(crate) sex: Option<Sex>,
    /// Name by its sound.
    pub(crate) kana: Option<Kana>,
    /// Name as written.
    pub(crate) kanji: Option<String>,
    /// Long-term care insurer.
    pub(crate) ltc_insurer: Option<LtcInsurer>,
    /// Insured number in long-term care.
    pub(crate) ltc_number: Option<String>,
    /// Institution, 10 characters, where a chart number stands beside it.
    pub(crate) facility: Option<String>,
    /// Chart number.
    pub(crate) chart: Option<String>,
}

impl Identity {
    /// The day of birth.
    pub(crate) fn born(&self) -> Option<Date> {
        self.birth.and_then(|birth| birth.day)
    }

    /// The inputs of T1 to T7, in the fixed order. `None` unless all are there.
    fn inputs(&self) -> [Option<Vec<String>>; KINDS] {
        let born = self.born().map(|day| day.strftime("%Y%m%d").to_string());
        let sex = self.sex.map(|sex| sex.code().to_owned());
        let insurer = self.insurer.as_ref().map(|insurer| insurer.digits().to_owned());
        let exact = |part: &Option<Part>| part.as_ref().map(|part| part.exact.clone());
        let core = |part: &Option<Part>| part.as_ref().map(|part| part.core.clone());
        let strict = self.kana.as_ref().map(|kana| kana.strict.clone());
        let loose = self.kana.as_ref().map(|kana| kana.loose.clone());
        let line = |symbol, number| [insurer.clone(), symbol, number];
        let ltc_insurer = self.ltc_insurer.as_ref().map(|insurer| insurer.digits().to_owned());
        let all = |inputs: Vec<Option<String>>| inputs.into_iter().collect::<Option<Vec<_>>>();
        let person = |front: Vec<Option<String>>| all([front, vec![born.clone(), sex.clone()]].concat());
        [
            person([&line(exact(&self.symbol), exact(&self.number))[..], std::slice::from_ref(&self.branch)].concat()),
            person(line(core(&self.symbol), core(&self.number)).to_vec()),
            person(vec![strict]),
            person(vec![loose]),
            person(vec![self.kanji.clone()]),
            person(vec![ltc_insurer, self.ltc_number.clone()]),
            all(vec![self.facility.clone(), self.chart.clone()]),
        ]
    }

    /// Every field, for telling one set of identifiers from another.
    pub(crate) fn fields(&self) -> Vec<String> {
        let text = |value: &Option<String>| value.clone().map_or_else(String::new, |value| format!("+{value}"));
        let exact = |part: &Option<Part>| text(&part.as_ref().map(|part| part.exact.clone()));
        vec![
            text(&self.insurer.as_ref().map(|insurer| insurer.digits().to_owned())),
            exact(&self.symbol),
            exact(&self.number),
            text(&self.branch),
            text(&self.birth.map(|birth| birth.month.to_string())),
            text(&self.born().map(|day| day.to_string())),
            text(&self.sex.map(|sex| sex.code().to_owned())),
            text(&self.kana.as_ref().map(|kana| kana.strict.clone())),
            text(&self.kanji),
            text(&self.ltc_insurer.as_ref().map(|insurer| insurer.digits().to_owned())),
            text(&self.ltc_number),
            text(&self.facility),
            text(&self.chart),
        ]
    }
}

/// The keys of one epoch. Wiped on drop.
pub(crate) struct TokenKeys {
    kinds: [Zeroizing<[u8; 32]>; KINDS],
    atoms: Zeroizing<[u8; 32]>,
    records: Zeroizing<[u8; 32]>,
}

impl TokenKeys {
    /// Derives a key a kind from the epoch key by HKDF-SHA256 (RFC 5869); the normaliser's version is part of it.
    pub(crate) fn derive(epoch: &SecretBytes) -> Self {
        let expander = Hkdf::<Sha256>::new(None, epoch.expose());
        let key = |purpose: &str| {
            let mut key = Zeroizing::new([0; 32]);
            let info = format!("sudare/{purpose}/normaliser-{VERSION}");
            // INVARIANT: 32 bytes are far below HKDF's limit of 255 blocks, so the expansion cannot fail.
            let _expanded = expander.expand(info.as_bytes(), key.as_mut());
            key
        };
        let kinds = std::array::from_fn(|kind| key(&format!("token/t{}", kind.saturating_add(1))));
        Self { kinds, atoms: key("atom"), records: key("record") }
    }

    /// T1 to T7 of an identity, each only if all its inputs are present and valid.
    pub(crate) fn tokens(&self, identity: &Identity) -> [Option<Token>; KINDS] {
        let mut keys = self.kinds.iter();
        identity.inputs().map(|inputs| keys.next().zip(inputs).map(|(key, inputs)| hash(key, &inputs)))
    }

    /// A name for a set of identifiers that tells nothing about them without the key.
    pub(crate) fn digest(&self, identity: &Identity) -> Token {
        hash(&self.atoms, &identity.fields())
    }

    /// A name for a record's content, to find the same record again.
    pub(crate) fn record_digest<B: AsRef<[u8]>>(&self, parts: &[B]) -> Token {
        hash(&self.records, parts)
    }
}

/// HMAC-SHA256 over length-prefixed fields, cut to 16 bytes.
fn hash<B: AsRef<[u8]>>(key: &[u8; 32], fields: &[B]) -> Token {
    // RFC 2104: a key shorter than SHA-256's block of 64 bytes is filled up with zeros.
    let mut block = Zeroizing::new([0_u8; 64]);
    block.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
    let mut mac = Hmac::<Sha256>::new((&*block).into());
    update(&mut mac, fields);
    let tag: [u8; 32] = mac.finalize().into_bytes().into();
    let mut token = [0; WIDTH];
    token.iter_mut().zip(tag).for_each(|(to, from)| *to = from);
    token
}

fn update<B: AsRef<[u8]>>(mac: &mut Hmac<Sha256>, fields: &[B]) {
    for field in fields {
        let bytes = field.as_ref();
        // INVARIANT: fields are cells of records of bounded length, far below 2^32 bytes.
        mac.update(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
        mac.update(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::normalise::{date, kana, kanji, symbol};

    fn keys() -> TokenKeys {
        TokenKeys::derive(&SecretBytes::from_slice(&[7; 32]).unwrap())
    }

    fn someone() -> Identity {
        Identity {
            insurer: Insurer::read("06131239"),
            symbol: symbol::symbol("１２３"),
            number: symbol::number("４５６７"),
            branch: Some("00".to_owned()),
            birth: date::birth(b"19580314"),
            sex: Sex::read("1"),
            kana: kana::name("ヤマダタロウ"),
            kanji: kanji::name("山田　太郎"),
            ..Identity::default()
        }
    }

    #[test]
    fn each_kind_has_its_own_key_and_needs_all_its_inputs() {
        let tokens = keys().tokens(&someone());
        let made: Vec<bool> = tokens.iter().map(Option::is_some).collect();
        assert_eq!(made, [true, true, true, true, true, false, false]);
        let mut distinct: Vec<_> = tokens.iter().flatten().collect();
        distinct.sort();
        distinct.dedup();
        assert_eq!(distinct.len(), 5);

        let ageless = Identity { birth: None, ..someone() };
        assert!(keys().tokens(&ageless).iter().all(Option::is_none));
        let month = Identity { birth: date::birth(b"19580300"), ..someone() };
        assert!(keys().tokens(&month).iter().all(Option::is_none));
    }

    #[test]
    fn another_epoch_or_width_of_field_is_another_token() {
        let other = TokenKeys::derive(&SecretBytes::from_slice(&[8; 32]).unwrap());
        assert!(
            keys()
                .tokens(&someone())
                .iter()
                .flatten()
                .zip(other.tokens(&someone()).iter().flatten())
                .all(|(a, b)| a != b)
        );
        let shifted =
            Identity { symbol: symbol::symbol("１２"), number: symbol::number("３４５６７"), ..someone() };
        assert_ne!(keys().tokens(&shifted)[0], keys().tokens(&someone())[0]);
        assert_ne!(keys().digest(&shifted), keys().digest(&someone()));
    }
}
