//! Tests of tokens and identities.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::normalise::insurer::{self, Insurer, LtcInsurer};
use crate::normalise::sex::Sex;
use crate::normalise::{address, branch, chart, date, kana, kanji, postcode, symbol};

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
        kana: kana::name("ヤマダ　タロウ"),
        kanji: kanji::name("山田　太郎"),
        ..Identity::default()
    }
}

fn made(identity: &Identity) -> String {
    let tokens = keys().tokens(identity);
    let names: Vec<&str> =
        Kind::AT_REST.iter().zip(tokens).filter_map(|(kind, token)| token.map(|_| kind.name())).collect();
    names.join(" ")
}

#[test]
fn each_kind_has_its_own_key_and_needs_all_its_inputs() {
    assert_eq!(made(&someone()), "a1 a2 a3 b1 b2 b3");
    let distinct: BTreeSet<_> = keys().tokens(&someone()).into_iter().flatten().collect();
    assert_eq!(distinct.len(), 6);
    assert_eq!(made(&Identity { birth: None, ..someone() }), "");
    assert_eq!(made(&Identity { sex: None, ..someone() }), "");
    assert_eq!(made(&Identity { birth: date::birth(b"19580300"), ..someone() }), "");
    assert_eq!(made(&Identity { branch: None, kanji: None, ..someone() }), "a2 a3 b1 b3");
    assert_eq!(made(&Identity { insurer: Insurer::read("39131230"), ..someone() }), "a1 a2 a3 b1 b2 b3 c2");
    assert_eq!(made(&Identity { national_id: Some("X".to_owned()), ..someone() }), "a1 a2 a3 b1 b2 b3 c3");
    let chart = Identity { facility: Some("1312345670".to_owned()), chart: chart::read("1"), ..Identity::default() };
    assert_eq!(made(&chart), "d1");
    assert_eq!(made(&Identity { facility: None, ..chart }), "");
    let care =
        Identity { ltc_insurer: LtcInsurer::read("131016"), ltc_number: insurer::ltc_insured("12"), ..someone() };
    assert_eq!(made(&Identity { insurer: None, kana: None, kanji: None, ..care }), "c1");
}

#[test]
fn another_epoch_or_width_of_field_is_another_token() {
    let other = TokenKeys::derive(&SecretBytes::from_slice(&[8; 32]).unwrap());
    let pairs = keys().tokens(&someone()).into_iter().zip(other.tokens(&someone()));
    assert!(pairs.filter(|pair| pair.0.is_some()).all(|(ours, theirs)| ours != theirs));
    let shifted = Identity { symbol: symbol::symbol("１２"), number: symbol::number("３４５６７"), ..someone() };
    assert_ne!(keys().tokens(&shifted)[0], keys().tokens(&someone())[0]);
    assert_ne!(keys().digest(&shifted), keys().digest(&someone()));
}

/// The definition of a token, computed another way: HKDF, then HMAC over parts each behind its length.
#[test]
fn a_token_is_what_the_readme_says() {
    let mut key = [0; 32];
    Hkdf::<Sha256>::new(None, &[7; 32]).expand(b"sudare/token/b1/normaliser-2", &mut key).unwrap();
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&key).unwrap();
    mac.update(&[18]);
    mac.update("ヤマダタロウ".as_bytes());
    mac.update(&[4, 7, 166, 3, 14, 1, b'1']);
    let expected = mac.finalize().into_bytes();
    assert_eq!(keys().tokens(&someone())[Kind::B1.place()].unwrap()[..], expected[..16]);
}

#[test]
fn what_does_not_identify_makes_no_new_atom() {
    let undivided =
        Identity { kana: kana::name("ヤマダタロウ"), kanji: kanji::name("山田太郎"), ..someone() };
    assert_eq!(keys().digest(&undivided), keys().digest(&someone()));
    assert_eq!(keys().tokens(&undivided), keys().tokens(&someone()));
    let moved = Identity { postcode: postcode::read("150-0002"), ..someone() };
    assert_eq!(keys().digest(&moved), keys().digest(&someone()));
    let helped = Identity { public_recipient: Some("1234567".to_owned()), ..someone() };
    assert_ne!(keys().digest(&helped), keys().digest(&someone()));
}

#[test]
fn known_answers_prove_a_key_and_are_no_tokens() {
    let answers = keys().known_answers();
    assert_eq!(answers.iter().map(|(name, _)| *name).collect::<Vec<_>>(), Kind::AT_REST.map(Kind::name));
    let other = TokenKeys::derive(&SecretBytes::from_slice(&[8; 32]).unwrap()).known_answers();
    assert!(answers.iter().zip(&other).all(|(ours, theirs)| ours.0 == theirs.0 && ours.1 != theirs.1));
    assert_eq!(answers.iter().map(|(_, token)| token).collect::<BTreeSet<_>>().len(), KINDS);
    // No list of parts begins with a length that the bytes behind it do not fill.
    assert!(KNOWN.starts_with(message::length(0xFFFF_FFFF).as_ref()) && KNOWN.len() < 0xFFFF_FFFF);
}

/// Part 8 of the research: the first block of SHA-256 holds 55 bytes.
#[test]
fn usual_messages_fit_the_first_block() {
    for kind in Kind::AT_REST {
        let mut message = Message::default();
        let who = Identity {
            ltc_insurer: LtcInsurer::read("131016"),
            ltc_number: insurer::ltc_insured("12"),
            national_id: Some("1234567890123456".to_owned()),
            facility: Some("1312345670".to_owned()),
            chart: chart::read("0001234567"),
            insurer: Insurer::read("39131230"),
            kana: kana::name("ワタナベ　シヨウタロウ"),
            ..someone()
        };
        kind.inputs().iter().try_for_each(|input| input.put(&who, &mut message)).unwrap();
        assert!(message.bytes().len() <= 55, "{}: {}", kind.name(), message.bytes().len());
    }
}

/// What five groups of cells say; an identity itself cannot be printed.
type Cells = (Four, Two, Two, Four, Four);
type Two = (Option<String>, Option<String>);
type Four = (Option<String>, Option<String>, Option<String>, Option<String>);

fn cells() -> impl Strategy<Value = Cells> {
    let maybe = |pattern: &'static str| proptest::option::of(proptest::string::string_regex(pattern).unwrap());
    let card = (maybe("[0-9]{4,8}"), maybe("[0-9埼０-９の-]{0,8}"), maybe("[0-9-]{1,9}"), maybe("[0-9]{1,2}"));
    let name = (maybe("[ァ-ヶー]{1,5} ?[ぁ-ゞ]{0,4}"), maybe("[一-龠々髙]{1,3}[ 　]?[一-龠々ぁ-ん]{0,3}"));
    let born = (maybe("19[0-9]{2}(0[1-9]|1[0-2])(0[0-9]|1[0-9])"), maybe("[12]"));
    let care = (maybe("[0-9]{6}"), maybe("[0-9H]{1,10}"), maybe("[0-9]{10}"), maybe("[0-9A-Z]{1,10}"));
    let rest = (maybe("[0-9]{7}"), maybe("[0-9a-f]{8}"), maybe("[0-9]{8}"), maybe("[0-9]{7}"));
    (card, name, born, care, rest)
}

fn identity((card, name, born, care, rest): Cells) -> Identity {
    Identity {
        insurer: card.0.as_deref().and_then(Insurer::read),
        symbol: card.1.as_deref().and_then(symbol::symbol),
        number: card.2.as_deref().and_then(symbol::number),
        branch: card.3.as_deref().and_then(branch::read),
        birth: born.0.as_deref().and_then(|digits| date::birth(digits.as_bytes())),
        sex: born.1.as_deref().and_then(Sex::read),
        kana: name.0.as_deref().and_then(kana::name),
        kanji: name.1.as_deref().and_then(kanji::name),
        ltc_insurer: care.0.as_deref().and_then(LtcInsurer::read),
        ltc_number: care.1.as_deref().and_then(insurer::ltc_insured),
        facility: care.2,
        chart: care.3.as_deref().and_then(chart::read),
        postcode: rest.0.as_deref().and_then(postcode::read),
        address: name.0.as_deref().and_then(address::read),
        national_id: rest.1,
        public_payer: rest.2,
        public_recipient: rest.3,
    }
}

proptest! {
    #[test]
    fn fields_and_back_loses_nothing(cells in cells()) {
        let identity = identity(cells);
        let fields = identity.to_fields();
        let back = Identity::from_fields(&fields.each_ref().map(Option::as_deref));
        prop_assert!(back == identity, "{:?}", fields);
        prop_assert_eq!(keys().tokens(&back), keys().tokens(&identity));
        prop_assert_eq!(keys().digest(&back), keys().digest(&identity));
    }

    #[test]
    fn any_fields_are_an_identity(fields in proptest::collection::vec(proptest::option::of(any::<String>()), 0..24)) {
        let fields: Vec<Option<&str>> = fields.iter().map(Option::as_deref).collect();
        let once = Identity::from_fields(&fields);
        let again = once.to_fields();
        prop_assert!(Identity::from_fields(&again.each_ref().map(Option::as_deref)) == once);
    }
}
