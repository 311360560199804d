//! The known answers of every kind of token: the tokens of somebody who cannot be.

use crate::normalise::{self, insurer, kana::Kana, sex::Sex, symbol::Part};
use crate::tokens::{Identity, Token, TokenKeys};

/// The public text. Normalised identifiers hold neither control characters nor small Latin letters, so none of them is this.
const TEXT: &str = "\u{1}sudare known answer, nobody's identifier\u{1}";

/// One answer a kind, by the kind's name.
pub(super) fn answers(keys: &TokenKeys) -> Vec<(&'static str, Token)> {
    let part = || Some(Part { exact: TEXT.to_owned(), core: TEXT.to_owned() });
    let text = || Some(TEXT.to_owned());
    let nobody = Identity {
        insurer: insurer::Insurer::read("1"),
        symbol: part(),
        number: part(),
        branch: text(),
        birth: normalise::date::birth(b"19000101"),
        sex: Sex::read("1"),
        kana: Some(Kana { strict: TEXT.to_owned(), loose: TEXT.to_owned() }),
        kanji: text(),
        ltc_insurer: insurer::LtcInsurer::read("1"),
        ltc_number: text(),
        facility: text(),
        chart: text(),
    };
    let kinds = ["T1", "T2", "T3", "T4", "T5", "T6", "T7"];
    kinds.into_iter().zip(keys.tokens(&nobody)).filter_map(|(kind, token)| Some((kind, token?))).collect()
}

#[cfg(test)]
mod tests {
    use policies::keys::SecretBytes;
    use proptest::prelude::*;

    use super::*;
    use crate::normalise::{branch, chart, kana, kanji, symbol};
    use crate::tokens::KINDS;

    #[test]
    fn every_kind_has_an_answer_of_its_own() {
        let keys = TokenKeys::derive(&SecretBytes::from_slice(&[7; 32]).unwrap());
        let mut made: Vec<_> = answers(&keys).into_iter().map(|(_, answer)| answer).collect();
        made.sort_unstable();
        made.dedup();
        assert_eq!(made.len(), KINDS);
    }

    proptest! {
        /// No text that a record may hold is normalised to the public text, not even the public text itself.
        #[test]
        fn the_text_is_nobody_s(written in prop_oneof![Just(TEXT.to_owned()), ".{0,60}"]) {
            prop_assert!(symbol::symbol(&written).is_none_or(|part| part.exact != TEXT && part.core != TEXT));
            prop_assert!(kana::name(&written).is_none_or(|name| name.strict != TEXT && name.loose != TEXT));
            prop_assert!(kanji::name(&written).is_none_or(|name| name != TEXT));
            prop_assert!(insurer::ltc_insured(&written).is_none_or(|number| number != TEXT));
            prop_assert!(branch::read(&written).is_none_or(|branch| branch != TEXT));
            prop_assert!(chart::read(&written).is_none_or(|chart| chart != TEXT));
        }
    }
}
