//! What a source's persons and its holder may say, and how much of a batch may be bad; files in `policies/sources/`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A source's short name, e.g. `ndb`: the schema of its tables in SQL and a part of paths.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SourceId(String);

/// The text is no source's name.
#[derive(Debug, thiserror::Error)]
#[error("not a source's name; a small letter, then 1 to 15 small letters, digits or '_'")]
pub struct InvalidSourceId;

impl SourceId {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SourceId {
    type Err = InvalidSourceId;
    fn from_str(text: &str) -> Result<Self, InvalidSourceId> {
        let within = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        let first = text.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
        if first && (2..=16).contains(&text.len()) && text.bytes().all(within) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidSourceId)
        }
    }
}

impl TryFrom<String> for SourceId {
    type Error = InvalidSourceId;
    fn try_from(text: String) -> Result<Self, InvalidSourceId> {
        text.parse()
    }
}

impl From<SourceId> for String {
    fn from(id: SourceId) -> Self {
        id.0
    }
}

impl fmt::Display for SourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What the persons of a source may say about its use for research.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PersonSay {
    /// Nothing: a law rests the source on other grounds.
    None,
    /// A person who objects is left out of the next release.
    OptOut,
}

impl PersonSay {
    /// As files write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::OptOut => "opt_out",
        }
    }
}

/// What the holder of a source may say about an application for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HolderSay {
    /// No grant without the holder's consent.
    Consent,
    /// An opinion that the committee hears.
    Opinion,
}

impl HolderSay {
    /// As files write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Consent => "consent",
            Self::Opinion => "opinion",
        }
    }
}

/// What holds for one source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourcePolicy {
    /// Which source.
    pub id: SourceId,
    /// The persons' say.
    pub person_say: PersonSay,
    /// The holder's say.
    pub holder_say: HolderSay,
    /// Share of a batch's records that may be in quarantine; above it the batch stops before anything is published.
    #[serde(default = "max_quarantine_share")]
    pub max_quarantine_share: f64,
    /// Atoms of a batch that may share one token of a kind; above it the kind is refused for the batch.
    #[serde(default = "admission_max_multiplicity")]
    pub admission_max_multiplicity: u32,
}

/// [`SourcePolicy::max_quarantine_share`] where a file does not say: one record in twenty.
pub fn max_quarantine_share() -> f64 {
    0.05
}

/// [`SourcePolicy::admission_max_multiplicity`] where a file does not say.
pub fn admission_max_multiplicity() -> u32 {
    200
}

/// Why there is no policy of a source.
#[derive(Debug, thiserror::Error)]
pub enum SourcePolicyError {
    /// The embedded file does not parse, or speaks of another source.
    #[error("the policy of source {0} cannot be read")]
    Broken(&'static str),
    /// A bound that cannot be kept.
    #[error("max_quarantine_share must be a share from 0 to 1, admission_max_multiplicity 1 at least")]
    OutOfRange,
    /// Not among those that are built in.
    #[error("there is no policy of that source; built in are ndb, ltc, dpc and ehr")]
    Unknown,
}

const FILES: [(&str, &str); 4] = [
    ("ndb", include_str!("../sources/ndb.toml")),
    ("ltc", include_str!("../sources/ltc.toml")),
    ("dpc", include_str!("../sources/dpc.toml")),
    ("ehr", include_str!("../sources/ehr.toml")),
];

impl SourcePolicy {
    /// The policy of a source that is built in. Those of added sources stand in their files; `catalog::policy` knows both.
    pub fn built_in(id: &str) -> Result<Self, SourcePolicyError> {
        let (id, text) = FILES.iter().find(|(known, _)| *known == id).ok_or(SourcePolicyError::Unknown)?;
        let policy: Self = toml::from_str(text).map_err(|_| SourcePolicyError::Broken(id))?;
        if policy.id.as_str() == *id { policy.checked() } else { Err(SourcePolicyError::Broken(id)) }
    }

    /// The policy, if its bounds can be kept.
    pub fn checked(self) -> Result<Self, SourcePolicyError> {
        // Not a number is in no range.
        let share = (0.0..=1.0).contains(&self.max_quarantine_share);
        if share && self.admission_max_multiplicity > 0 { Ok(self) } else { Err(SourcePolicyError::OutOfRange) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_law_as_it_stands_gives_no_say_to_persons_and_an_opinion_to_holders() {
        for (id, _) in FILES {
            let policy = SourcePolicy::built_in(id).unwrap();
            assert_eq!((policy.person_say, policy.holder_say), (PersonSay::None, HolderSay::Opinion), "{id}");
            assert_eq!((policy.max_quarantine_share, policy.admission_max_multiplicity), (0.05, 200), "{id}");
        }
        assert!(matches!(SourcePolicy::built_in("registry"), Err(SourcePolicyError::Unknown)));
    }

    #[test]
    fn a_policy_says_all_it_must_and_nothing_else() {
        let whole = "id = \"registry\"\nperson_say = \"opt_out\"\nholder_say = \"consent\"\n";
        let policy: SourcePolicy = toml::from_str(whole).unwrap();
        assert_eq!((policy.person_say.as_str(), policy.holder_say.as_str()), ("opt_out", "consent"));
        for broken in [
            whole.replace("opt_out", "opt-out"),
            whole.replace("holder_say", "holders_say"),
            whole.replace("person_say = \"opt_out\"\n", ""),
            whole.replace("registry", "Registry"),
            format!("{whole}max_quarantine_shares = 0.5\n"),
            format!("{whole}admission_max_multiplicity = -1\n"),
        ] {
            assert!(toml::from_str::<SourcePolicy>(&broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn bounds_that_cannot_be_kept_are_refused() {
        let whole = "id = \"registry\"\nperson_say = \"none\"\nholder_say = \"consent\"\n";
        for (bound, kept) in [
            ("max_quarantine_share = 0.0", true),
            ("max_quarantine_share = 1.0", true),
            ("max_quarantine_share = 1.01", false),
            ("max_quarantine_share = -0.1", false),
            ("max_quarantine_share = nan", false),
            ("admission_max_multiplicity = 0", false),
        ] {
            let policy: SourcePolicy = toml::from_str(&format!("{whole}{bound}\n")).unwrap();
            assert_eq!(policy.checked().is_ok(), kept, "{bound}");
        }
    }

    #[test]
    fn names_are_short_and_plain() {
        for (text, good) in [
            ("ndb", true),
            ("r2_x", true),
            ("abcdefghijklmnop", true),
            ("abcdefghijklmnopq", false),
            ("r", false),
            ("2r", false),
            ("_r", false),
            ("r-x", false),
            ("R2", false),
            ("r/x", false),
            ("", false),
        ] {
            assert_eq!(text.parse::<SourceId>().is_ok(), good, "{text}");
        }
    }
}
