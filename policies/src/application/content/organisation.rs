//! Where people work.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::application::rules::ConflictScope;

/// The name of an institution or of a department, trimmed, 1 to 200 characters.
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

/// An institution, and a department of it where that is known.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Affiliation {
    /// 所属機関.
    pub institution: Organisation,
    /// 部局.
    #[serde(default)]
    pub department: Option<Organisation>,
}

impl Affiliation {
    /// Whether both are the same institution and the same department of it, or both without one.
    pub fn is_same_as(&self, other: &Self) -> bool {
        self.institution.is_same_as(&other.institution)
            && match (&self.department, &other.department) {
                (Some(ours), Some(theirs)) => ours.is_same_as(theirs),
                (ours, theirs) => ours.is_none() && theirs.is_none(),
            }
    }

    /// Whether both are the same within `scope`. Who names no department is near the whole institution.
    pub fn is_near(&self, other: &Self, scope: ConflictScope) -> bool {
        let departments = self.department.as_ref().zip(other.department.as_ref());
        self.institution.is_same_as(&other.institution)
            && (scope == ConflictScope::Institution || departments.is_none_or(|(ours, theirs)| ours.is_same_as(theirs)))
    }
}

impl FromStr for Affiliation {
    type Err = InvalidOrganisation;

    /// `institution` or `institution / department`.
    fn from_str(text: &str) -> Result<Self, InvalidOrganisation> {
        let (institution, department) =
            text.split_once(" / ").map_or((text, None), |(institution, department)| (institution, Some(department)));
        Ok(Self { institution: institution.parse()?, department: department.map(str::parse).transpose()? })
    }
}

impl fmt::Display for Affiliation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.department {
            Some(department) => write!(f, "{} / {department}", self.institution),
            None => self.institution.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn departments_part_people_unless_the_institution_counts() {
        let at = |text: &str| text.parse::<Affiliation>().unwrap();
        for (ours, theirs, department, institution) in [
            ("A大学 / 医学部", "A大学 / 工学部", false, true),
            ("A大学 / 医学部", "a大学 / 医 学部", true, true),
            ("A大学", "A大学 / 工学部", true, true),
            ("A大学 / 医学部", "B大学 / 医学部", false, false),
        ] {
            assert_eq!(at(ours).is_near(&at(theirs), ConflictScope::Department), department);
            assert_eq!(at(theirs).is_near(&at(ours), ConflictScope::Institution), institution);
            assert_eq!(at(&at(ours).to_string()), at(ours));
        }
    }
}
