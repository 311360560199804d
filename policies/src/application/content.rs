//! What an application asks for.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::refusal::{Field, Refusal};
use crate::id::{ProjectId, UserId};
use crate::permit::{DatasetGrant, Grade, Tier};
use crate::profile::Profile;

const TITLE_MAX: usize = 200; // characters
const PURPOSE_MAX: usize = 8000; // characters
const MEMBERS_MAX: usize = 100;

/// The content of an application. A draft may be incomplete; [`Content::check`] says what is missing at submission.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Content {
    /// Short name of the project that is to run under the permit.
    pub project: Option<ProjectId>,
    /// 研究課題名.
    pub title: String,
    /// 利用目的.
    pub purpose: String,
    /// 取扱者 with their organisations.
    pub members: BTreeMap<UserId, Organisation>,
    /// Releases, tables and columns asked for, by dataset.
    pub datasets: BTreeMap<String, DatasetGrant>,
    /// 仮名化／匿名化.
    pub tier: Tier,
    /// Disclosure profile by name.
    pub profile: String,
    /// What a session is to show.
    pub grade: Grade,
    /// When the data are to be used.
    pub period: Option<Period>,
}

impl Default for Content {
    fn default() -> Self {
        Self {
            project: None,
            title: String::new(),
            purpose: String::new(),
            members: BTreeMap::new(),
            datasets: BTreeMap::new(),
            tier: Tier::Pseudonymized,
            profile: "standard".to_owned(),
            grade: Grade::Preview,
            period: None,
        }
    }
}

impl Content {
    /// Whether the content is complete enough to be submitted on `today`; the first field that is not.
    pub fn check(&self, today: Date) -> Result<(), Refusal> {
        self.check_lengths()?;
        let missing = [
            (self.title.trim().is_empty(), Field::Title),
            (self.purpose.trim().is_empty(), Field::Purpose),
            (self.project.is_none(), Field::Project),
            (self.members.is_empty(), Field::Members),
            (self.datasets.is_empty() || self.datasets.values().any(is_empty), Field::Datasets),
            (Profile::named(&self.profile).is_err(), Field::Profile),
            (self.period.as_ref().is_none_or(|period| period.until < today), Field::Period),
        ];
        match missing.into_iter().find(|(missing, _)| *missing) {
            Some((_, field)) => Err(Refusal::Incomplete(field)),
            None => Ok(()),
        }
    }

    /// Limits that hold for drafts too.
    pub(super) fn check_lengths(&self) -> Result<(), Refusal> {
        if self.title.chars().count() > TITLE_MAX {
            Err(Refusal::TooLong(Field::Title))
        } else if self.purpose.chars().count() > PURPOSE_MAX {
            Err(Refusal::TooLong(Field::Purpose))
        } else if self.members.len() > MEMBERS_MAX {
            Err(Refusal::TooLong(Field::Members))
        } else {
            Ok(())
        }
    }
}

fn is_empty(grant: &DatasetGrant) -> bool {
    grant.release.is_empty() || grant.tables.is_empty()
}

/// First and last day of use, both inclusive, in Japan's time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Period {
    /// First day.
    pub from: Date,
    /// Last day.
    pub until: Date,
}

impl Period {
    /// A period, if it does not end before it begins.
    pub fn new(from: Date, until: Date) -> Option<Self> {
        (from <= until).then_some(Self { from, until })
    }
}

/// An organisation's name, trimmed, 1 to 200 characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Organisation(String);

/// The text is no organisation's name.
#[derive(Debug, thiserror::Error)]
#[error("not an organisation; 1 to 200 characters")]
pub struct InvalidOrganisation;

impl Organisation {
    /// The name as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether both names mean the same organisation: without regard to case and spaces.
    pub fn is_same_as(&self, other: &Self) -> bool {
        let bare = |name: &str| name.split_whitespace().collect::<String>().to_lowercase();
        bare(&self.0) == bare(&other.0)
    }
}

impl FromStr for Organisation {
    type Err = InvalidOrganisation;
    fn from_str(text: &str) -> Result<Self, InvalidOrganisation> {
        let text = text.trim();
        if (1..=200).contains(&text.chars().count()) { Ok(Self(text.to_owned())) } else { Err(InvalidOrganisation) }
    }
}

impl TryFrom<String> for Organisation {
    type Error = InvalidOrganisation;
    fn try_from(text: String) -> Result<Self, InvalidOrganisation> {
        text.parse()
    }
}

impl From<Organisation> for String {
    fn from(organisation: Organisation) -> Self {
        organisation.0
    }
}

impl fmt::Display for Organisation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
