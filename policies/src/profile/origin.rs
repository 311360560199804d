//! Where a profile's parameters come from, how sure that is, and who has checked them: shown to everybody.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// Where a profile's parameters come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// How much may be built on it.
    pub status: Status,
    /// Law, guideline or tool, in Japanese.
    pub source_ja: String,
    /// The same in English.
    pub source_en: String,
    /// Edition, day and page, in Japanese.
    pub edition_ja: String,
    /// The same in English.
    pub edition_en: String,
    /// Who has compared the file with its source, the earliest first. Nobody, if it is empty.
    #[serde(default)]
    pub checks: Vec<Check>,
}

/// How much may be built on a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Our own, for the demo.
    Demonstration,
    /// After a draft; the final text may differ.
    Draft,
    /// After excerpts; the whole text has not been read.
    Excerpt,
    /// After a text in force.
    InForce,
}

impl Status {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Demonstration, Self::Draft, Self::Excerpt, Self::InForce];

    /// As files write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Demonstration => "demonstration",
            Self::Draft => "draft",
            Self::Excerpt => "excerpt",
            Self::InForce => "in-force",
        }
    }
}

/// One comparison of a profile with its source by somebody who answers for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// Who, in Japanese.
    pub by_ja: String,
    /// Who, in English.
    pub by_en: String,
    /// When.
    pub on: Date,
}

#[cfg(test)]
mod tests {
    use crate::profile::{Profile, Status};

    /// Nobody's check may be claimed: a profile that says it is in force names who compared it.
    #[test]
    fn every_profile_says_where_it_is_from_and_what_is_in_force_was_checked() {
        for name in Profile::names() {
            let origin = Profile::named(name).unwrap().origin;
            for words in [origin.source_ja, origin.source_en, origin.edition_ja, origin.edition_en] {
                assert!(!words.trim().is_empty(), "{name}");
            }
            assert!(origin.status != Status::InForce || !origin.checks.is_empty(), "{name}");
        }
    }

    #[test]
    fn words_in_files_are_the_type_s_own() {
        for status in Status::ALL {
            assert_eq!(serde_json::to_string(&status).unwrap(), format!("\"{}\"", status.as_str()));
        }
        let text = include_str!("../../profiles/standard.toml");
        let checked =
            format!("{text}[[origin.checks]]\nby_ja = \"弁護士\"\nby_en = \"a lawyer\"\non = \"2026-11-21\"\n");
        assert_eq!(toml::from_str::<Profile>(&checked).unwrap().origin.checks.len(), 1);
        assert!(toml::from_str::<Profile>(&checked.replace("2026-11-21", "soon")).is_err());
        assert!(toml::from_str::<Profile>(&text.replace("demonstration", "certified")).is_err());
    }
}
