//! Two languages, one message file each. Japanese first.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::http::HeaderMap;
use axum::http::header::COOKIE;
use policies::application::{Problem, Refusal};

use crate::query::PortalRefusal;

static JA: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| parse(include_str!("../messages/ja.toml")));
static EN: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| parse(include_str!("../messages/en.toml")));

/// The engine's refusals by code: sentence and hint. In English the engine speaks for itself.
static ENGINE_JA: LazyLock<BTreeMap<String, [String; 2]>> =
    LazyLock::new(|| toml::from_str(include_str!("../messages/engine.ja.toml")).unwrap_or_default());

/// Name of the cookie that keeps the reader's choice.
pub(crate) const CHOICE: &str = "sudare_lang";

/// The reader's language.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Language {
    En,
    #[default]
    Ja,
}

impl Language {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Ja => "ja",
        }
    }

    pub(crate) fn parse(word: &str) -> Option<Self> {
        match word {
            "en" => Some(Self::En),
            "ja" => Some(Self::Ja),
            _ => None,
        }
    }

    /// The sentence under `key`; the key itself if there is none (a test sees to it that there is).
    pub(crate) fn say(self, key: &str) -> String {
        let words = match self {
            Self::En => &EN,
            Self::Ja => &JA,
        };
        words.get(key).cloned().unwrap_or_else(|| key.to_owned())
    }

    pub(crate) fn refusal(self, refusal: &Refusal) -> String {
        match self {
            Self::En => sentence(&refusal.en()),
            Self::Ja => refusal.ja(),
        }
    }

    pub(crate) fn problem(self, problem: &Problem) -> String {
        match self {
            Self::En => sentence(&problem.en()),
            Self::Ja => problem.ja(),
        }
    }

    /// What the engine refused, and what would work. Codes without a sentence of ours keep the engine's own.
    pub(crate) fn engine_refusal(self, refusal: &PortalRefusal) -> (String, String) {
        let known = if self == Self::Ja { ENGINE_JA.get(&refusal.code) } else { None };
        match known {
            Some([message, hint]) => (message.clone(), hint.clone()),
            None => (sentence(&refusal.message), refusal.hint.clone()),
        }
    }

    /// The choice in the cookie, Japanese if there is none.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let choice = cookies.flat_map(|line| line.split(';')).find_map(|pair| pair.trim().strip_prefix(CHOICE));
        choice.and_then(|rest| Self::parse(rest.trim_start_matches('='))).unwrap_or_default()
    }
}

/// What the engine refused in Japanese, by its code: sentence and what would work. None for a code without a sentence of ours.
pub fn refusal_in_japanese(code: &str) -> Option<(&'static str, &'static str)> {
    let [message, hint] = ENGINE_JA.get(code)?;
    Some((message, hint))
}

/// An error's words as a sentence for a page: capital first letter, full stop.
fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    let Some(first) = letters.next() else { return String::new() };
    format!("{}{}.", first.to_uppercase(), letters.as_str())
}

fn parse(text: &str) -> BTreeMap<String, String> {
    toml::from_str(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    #[test]
    fn both_files_have_the_same_keys_and_no_empty_sentence() {
        assert!(!JA.is_empty());
        assert_eq!(JA.keys().collect::<Vec<_>>(), EN.keys().collect::<Vec<_>>());
        assert!(JA.values().chain(EN.values()).all(|sentence| !sentence.trim().is_empty()));
    }

    /// Every key that a template or page names exists.
    #[test]
    fn every_key_in_a_page_exists() {
        let mut used = BTreeSet::new();
        collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut used);
        assert!(used.len() > 50);
        let missing: Vec<_> = used.iter().filter(|key| !JA.contains_key(*key)).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }

    /// Keys whose last part comes from code.
    #[test]
    #[expect(clippy::too_many_lines, reason = "one list of words after the other")]
    fn every_word_of_code_has_its_sentence() {
        for stage in policies::application::Stage::ALL {
            for group in ["stage", "turn", "next"] {
                assert!(JA.contains_key(&format!("{group}.{}", stage.as_str())), "{group} {stage:?}");
            }
        }
        for class in ["key", "measure", "open", "quasi", "sensitive", "technical"] {
            assert!(JA.contains_key(&format!("class.{class}")));
        }
        for kind in ["bool", "date", "double", "int", "text", "u32", "u64"] {
            assert!(JA.contains_key(&format!("type.{kind}")));
        }
        for reason in ["dominance", "few_institutions", "few_persons"] {
            assert!(JA.contains_key(&format!("reason.{reason}")));
        }
        for station in ["write", "check", "review", "vote", "pledge", "use"] {
            assert!(JA.contains_key(&format!("progress.{station}")));
        }
        for kind in policies::application::Event::KINDS {
            assert!(JA.contains_key(&format!("event.{kind}")), "{kind}");
        }
        for kind in policies::application::ApplicantKind::ALL {
            assert!(JA.contains_key(&format!("applicant-kind.{}", kind.as_str())));
        }
        for class in policies::review::PatternClass::ALL {
            assert!(JA.contains_key(&format!("pattern.{}", class.as_str())));
        }
        for step in ["broken", "missing", "nowhere", "stale", "empty", "clerk", "holders"] {
            assert!(
                JA.contains_key(&format!("linkage.step.{step}")) && JA.contains_key(&format!("linkage.next.{step}"))
            );
        }
        for turn in ["ask", "clerk", "holder", "nobody", "operator", "zone"] {
            assert!(JA.contains_key(&format!("linkage.turn.{turn}")));
        }
        for act in crate::waiting::DUTIES {
            assert!(JA.contains_key(&format!("wait.{}", act.as_str())), "{act:?}");
        }
        for act in crate::application::Act::ALL {
            assert!(JA.contains_key(&format!("act.{}", act.as_str())), "{act:?}");
        }
        for state in crate::register::ProjectState::ALL {
            assert!(JA.contains_key(&format!("use.state.{}", state.as_str())));
        }
        for status in policies::profile::Status::ALL {
            assert!(JA.contains_key(&format!("profiles.status.{}", status.as_str())));
        }
        for name in policies::Profile::names() {
            assert!(JA.contains_key(&format!("profile.{name}")));
        }
        for role in policies::Role::ALL {
            assert!(JA.contains_key(&format!("role.{role}")));
        }
        for way in ["applications", "audit", "catalog", "linkage", "projects"] {
            assert!(JA.contains_key(&format!("way.{way}")) && JA.contains_key(&format!("nav.{way}")));
        }
        for error in policies::passkey::PasskeyError::ALL {
            assert!(JA.contains_key(&error.code().replace("passkey/", "passkey-error.")));
        }
        for alert in ["factor", "locked", "recovery"] {
            assert!(
                JA.contains_key(&format!("alert.{alert}.subject")) && JA.contains_key(&format!("alert.{alert}.body"))
            );
        }
        for weakness in ["common", "guessable", "long", "short"] {
            assert!(JA.contains_key(&format!("password.{weakness}")));
        }
        for error in crate::pages::error::SHOWN.into_iter().chain(["internal"]) {
            assert!(JA.contains_key(&format!("error.{error}")) && JA.contains_key(&format!("error.{error}.hint")));
        }
    }

    /// Every refusal of the engine has its Japanese sentence and hint.
    #[test]
    fn every_refusal_of_the_engine_is_said_in_japanese() {
        let rules = [
            include_str!("../../engine/src/error/rules.rs"),
            include_str!("../../engine/src/error.rs"),
            include_str!("../../engine/src/admission/rejection.rs"),
        ];
        let codes: BTreeSet<&str> = rules
            .iter()
            .flat_map(|text| text.split('"'))
            .filter(|word| ["guard/", "veil/", "permit/", "session/"].iter().any(|area| word.starts_with(area)))
            .filter(|word| word.bytes().all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'-' | b'/')))
            .filter(|word| !word.ends_with('/'))
            .collect();
        assert!(codes.len() > 70, "{}", codes.len());
        let missing: Vec<_> = codes.iter().filter(|code| !ENGINE_JA.contains_key(**code)).collect();
        assert!(missing.is_empty(), "{missing:?}");
        assert!(ENGINE_JA.values().flatten().all(|sentence| !sentence.trim().is_empty()));
    }

    fn collect(folder: &Path, used: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, used);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            for part in text.split("say(\"").skip(1) {
                used.insert(part.split('"').next().unwrap().to_owned());
            }
        }
    }
}
