//! Who hears of what happened to an application, in `policies/notices.toml`.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

const SHIPPED: &str = include_str!("../notices.toml");

/// Version of the file's shape that this code reads.
const FORMAT: u32 = 1;

/// The whole list, in the order in which it is looked through.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notices {
    format: u32,
    #[serde(rename = "notice")]
    notices: Vec<Notice>,
}

/// Who is told of one kind of event, under which text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notice {
    /// The event's word, e.g. `submitted`.
    pub event: String,
    /// The text's word: small letters, digits and `-`.
    pub text: String,
    /// Who is told.
    pub to: BTreeSet<Group>,
}

/// Persons who stand in one relation to an application, or hold one role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Group {
    /// Who applies.
    Applicant,
    /// 委員長.
    Chair,
    /// 取扱者 that the application names.
    Members,
    /// 審査委員 that were assigned and have no conflict of interest.
    Reviewers,
    /// 事務局.
    Secretariat,
    /// データ管理者, where the application asks for a source.
    Stewards,
}

/// The file is no list of notices.
#[derive(Debug, thiserror::Error)]
pub enum NoticesError {
    /// Not TOML of this shape.
    #[error("the list of notices cannot be read")]
    Form(#[source] Box<toml::de::Error>),
    /// Of another shape.
    #[error("the list of notices has a format that this version does not read")]
    Format,
    /// Nobody is told, or the words are none.
    #[error("notice {0} of the list tells nobody, or its words are not small letters, digits and '-'")]
    Notice(usize),
    /// Somebody would be told twice.
    #[error("notice {0} of the list tells a group of an event that an earlier one tells it of")]
    Twice(usize),
}

impl Notices {
    /// The list that is built in.
    pub fn shipped() -> Result<Self, NoticesError> {
        Self::read(SHIPPED)
    }

    /// Reads and checks a list.
    pub fn read(text: &str) -> Result<Self, NoticesError> {
        let list: Self = toml::from_str(text).map_err(|cause| NoticesError::Form(Box::new(cause)))?;
        if list.format != FORMAT {
            return Err(NoticesError::Format);
        }
        let mut told = BTreeSet::new();
        for (number, notice) in (1..).zip(&list.notices) {
            if notice.to.is_empty() || !is_word(&notice.event) || !is_word(&notice.text) {
                return Err(NoticesError::Notice(number));
            }
            if !notice.to.iter().all(|group| told.insert((notice.event.as_str(), *group))) {
                return Err(NoticesError::Twice(number));
            }
        }
        Ok(list)
    }

    /// All of them.
    pub fn all(&self) -> &[Notice] {
        &self.notices
    }

    /// Those of one kind of event, in order.
    pub fn of(&self, event: &str) -> impl Iterator<Item = &Notice> {
        self.notices.iter().filter(move |notice| notice.event == event)
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::application::Event;

    #[test]
    fn the_built_in_list_reads_and_broken_ones_do_not() {
        let list = Notices::shipped().unwrap();
        let to = |event: &str| list.of(event).flat_map(|notice| notice.to.clone()).collect::<Vec<_>>();
        assert_eq!(to("submitted"), [Group::Secretariat, Group::Stewards]);
        assert_eq!(to("accepted"), [Group::Applicant, Group::Members, Group::Stewards]);
        assert!(to("edited").is_empty());
        for (from, by) in [
            ("format = 1", "format = 2"),
            ("to = [\"secretariat\"]", "to = []"),
            ("to = [\"secretariat\"]", "to = [\"press\"]"),
            ("text = \"submitted\"", "text = \"../submitted\""),
            ("event = \"submitted\"", "event = \"\""),
            ("to = [\"stewards\"]", "to = [\"members\"]"),
            ("text = \"accepted\"", "text = \"accepted\"\ncc = []"),
        ] {
            assert!(SHIPPED.contains(from), "{from}");
            assert!(Notices::read(&SHIPPED.replacen(from, by, 1)).is_err(), "{by}");
        }
    }

    /// An event that the rules no longer know would be told of to nobody, and nobody would notice.
    #[test]
    fn every_event_of_the_list_is_one_of_the_rules() {
        for notice in Notices::shipped().unwrap().all() {
            assert!(Event::KINDS.contains(&notice.event.as_str()), "{}", notice.event);
        }
    }
}
