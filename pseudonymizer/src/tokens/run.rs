//! Tokens of one linkage run: composites and variants under keys of the run's own, gone with it
//! (`research/pseudonymization-anchors.md`, part 3).

use hkdf::Hkdf;
use policies::keys::SecretBytes;
use sha2::Sha256;

use super::message::Message;
use super::variants::{self, Variant};
use super::{Identity, Keyed, Kind, Token};
use crate::normalise::VERSION;

/// The keys of one run, one a kind.
pub(crate) struct RunTokenKeys {
    kinds: Vec<(Kind, Keyed)>,
}

impl RunTokenKeys {
    /// Derives a key a kind from the run key by HKDF-SHA256 (RFC 5869); the normaliser's version is part of it.
    pub(crate) fn derive(run: &SecretBytes) -> Self {
        let expander = Hkdf::<Sha256>::new(None, run.expose());
        let key = |kind: Kind| {
            let info = format!("sudare/run-token/{}/normaliser-{VERSION}", kind.name());
            (kind, Keyed::derive(&expander, &info))
        };
        Self { kinds: Kind::of_run().map(key).collect() }
    }

    /// The kinds, in the order of the columns.
    pub(crate) fn kinds(&self) -> impl Iterator<Item = Kind> {
        self.kinds.iter().map(|(kind, _)| *kind)
    }

    /// The tokens of a kind, by its place among [`Self::kinds`]: none where an input is missing, one, or for a listed kind as many as
    /// there are values. In the order of their bytes, so that it does not show which of them is the exact one.
    pub(crate) fn tokens(&self, place: usize, identity: &Identity) -> Vec<Token> {
        let Some((kind, key)) = self.kinds.get(place) else { return Vec::new() };
        let values: Vec<Option<Variant>> = match kind.listed() {
            Some(input) => variants::of(input, identity).into_iter().map(Some).collect(),
            None => vec![None],
        };
        let mut message = Message::default();
        let mut token = |value: Option<Variant>| {
            message.clear();
            for input in kind.inputs() {
                match value.as_ref().filter(|_| input.is_listed()) {
                    Some(value) => message.part(value),
                    None => input.put(identity, &mut message)?,
                }
            }
            Some(key.hash(message.bytes()))
        };
        let mut tokens: Vec<Token> = values.into_iter().filter_map(&mut token).collect();
        tokens.sort_unstable();
        tokens.dedup();
        tokens
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::normalise::insurer::Insurer;
    use crate::normalise::sex::Sex;
    use crate::normalise::{date, kana, symbol};

    fn keys(seed: u8) -> RunTokenKeys {
        RunTokenKeys::derive(&SecretBytes::from_slice(&[seed; 32]).unwrap())
    }

    fn named(written: &str) -> Identity {
        Identity {
            insurer: Insurer::read("06131239"),
            symbol: symbol::symbol("１２３"),
            number: symbol::number("４５６７"),
            birth: date::birth(b"19580314"),
            sex: Sex::read("1"),
            kana: kana::name(written),
            postcode: Some("1000001".to_owned()),
            ..Identity::default()
        }
    }

    fn made(identity: &Identity, keys: &RunTokenKeys) -> BTreeMap<&'static str, Vec<Token>> {
        let kinds = keys.kinds().enumerate();
        kinds.map(|(place, kind)| (kind.name(), keys.tokens(place, identity))).collect()
    }

    fn shared(a: &Identity, b: &Identity) -> String {
        let (a, b) = (made(a, &keys(7)), made(b, &keys(7)));
        let common = |kind: &&str| a[*kind].iter().any(|token| b[*kind].contains(token));
        a.keys().copied().filter(common).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_kind_needs_all_its_inputs_and_a_listed_one_has_several_values() {
        let all = made(&named("ヤマダ　タロウ"), &keys(7));
        let counts: Vec<String> = all.iter().map(|(kind, tokens)| format!("{kind}={}", tokens.len())).collect();
        let expected = "b4=1 b5=1 d2=0 g1=0 g2=0 g3=0 g4=0 g5=0 g6=0 h1=1 h2=1 h3=1 h4=4 h5=4 n1=0 n2=0 n3=0 n4=0 n5=0 o1=1 o2=1 p1=1 p2=1 p3=1 p4=1 p5=1 p6=1 r1=4 r2=4 v1=7 v2=4 v3=1 v4=1 w1=4 w2=4 w3=4 w4=4 w5=4 w6=4";
        assert_eq!(counts.join(" "), expected);
        assert!(made(&Identity::default(), &keys(7)).values().all(Vec::is_empty));
        let undivided = made(&named("ヤマダタロウ"), &keys(7));
        assert!(["p1", "p2", "p3", "w1", "w6", "b4"].iter().all(|kind| undivided[kind].is_empty()));
        assert_eq!((undivided["v1"].len(), undivided["p5"].len()), (7, 1));
    }

    #[test]
    fn another_run_or_kind_shares_nothing() {
        let mut all: Vec<Token> =
            [7, 8].iter().flat_map(|seed| made(&named("ヤマダ　タロウ"), &keys(*seed))).flat_map(|it| it.1).collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }

    #[test]
    fn a_registers_own_number_has_near_ones_and_a_chart_has_none() {
        let numbered = |issuer: &str, chart: &str| Identity {
            facility: Some(issuer.to_owned()),
            chart: Some(chart.to_owned()),
            ..named("ヤマダ　タロウ")
        };
        let of = |identity: &Identity| made(identity, &keys(7))["n1"].len();
        assert_eq!(of(&numbered("source:registry", "5304218")), 8);
        assert_eq!(of(&numbered("source:registry", "53042")), 1);
        assert_eq!(of(&numbered("1312345670", "5304218")), 0);
        let slip = shared(&numbered("source:registry", "5304218"), &numbered("source:registry", "5304281"));
        assert!(["n1", "n2", "n3", "n4"].iter().all(|kind| slip.contains(kind)), "{slip}");
    }

    #[test]
    fn a_slip_leaves_what_it_should() {
        let yamada = named("ヤマダ　タロウ");
        assert_eq!(shared(&yamada, &named("サトウ　ハナコ")), "h3 p5 r1 v3");
        let married = shared(&yamada, &named("サトウ　タロウ"));
        assert_eq!(married, "b4 b5 h2 h3 h5 p2 p4 p5 p6 r1 r2 v3 w2 w4");
        let turned = shared(&yamada, &named("タロウ　ヤマダ"));
        assert!(turned.contains("o1 o2") && !turned.contains("p1"), "{turned}");
        let slip = shared(&yamada, &named("ヤマタ゛　タロオ"));
        assert!(slip.contains("v4") && slip.contains("v1") && slip.contains("p1") && !slip.contains("p2"), "{slip}");
        let later = Identity { birth: date::birth(b"19580315"), insurer: None, ..named("ヤマダ　タロウ") };
        assert_eq!(shared(&yamada, &later), "h1 h2 h4 h5 o2 p3 r2 v2 w3 w4 w5 w6");
    }
}
