//! The two languages of messages.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use clap::ValueEnum;

/// Language of messages on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Lang {
    /// English.
    En,
    /// 日本語.
    Ja,
}

impl Lang {
    /// The sentence of that key. A missing key is a defect that a test finds; it shows as the key itself.
    pub(crate) fn text(self, key: &str) -> String {
        static EN: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| read(include_str!("../messages/en.toml")));
        static JA: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| read(include_str!("../messages/ja.toml")));
        let messages = match self {
            Self::En => &EN,
            Self::Ja => &JA,
        };
        messages.get(key).cloned().unwrap_or_else(|| key.to_owned())
    }

    /// The sentence with `{name}` places filled in.
    pub(crate) fn with(self, key: &str, values: &[(&str, &str)]) -> String {
        values.iter().fold(self.text(key), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
    }
}

fn read(text: &str) -> BTreeMap<String, String> {
    toml::from_str(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_languages_have_the_same_keys_and_places() {
        let (en, ja) = (read(include_str!("../messages/en.toml")), read(include_str!("../messages/ja.toml")));
        assert!(!en.is_empty());
        assert_eq!(en.keys().collect::<Vec<_>>(), ja.keys().collect::<Vec<_>>());
        for (key, text) in &en {
            let places = |text: &str| {
                text.split('{')
                    .skip(1)
                    .filter_map(|part| part.split_once('}'))
                    .map(|(name, _)| name.to_owned())
                    .collect::<std::collections::BTreeSet<_>>()
            };
            assert_eq!(places(text), places(&ja[key]), "{key}");
        }
    }
}
