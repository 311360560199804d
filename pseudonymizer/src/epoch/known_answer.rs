//! Known answers: one HMAC of a public text a kind of token, under the kind's key. Two holders whose answers are equal hold the same
//! epoch key and normalise by the same version (it is part of each key), and have shown each other neither.
//!
//! The answers tell nothing about the keys, as a PRF's values on a text of its own; and no record gives that text, so that none of
//! them is anybody's token. They prove equality between holders that mean to link, not to one that repeats what it was sent.

use std::collections::BTreeMap;

use policies::keys::KeyFolder;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use super::EpochError;
use crate::normalise;
use crate::tokens::TokenKeys;

/// What the file says that it is.
const FORMAT: &str = "sudare known answers 1";

/// One holder's known answers. Public, but of no use to anybody but the other holders.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownAnswers {
    format: String,
    /// Number of the epoch.
    pub epoch: u32,
    /// Version of the normaliser.
    pub normaliser: String,
    answers: BTreeMap<String, String>,
}

/// One line of the comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Kind of token.
    pub kind: String,
    /// Its answer here, 32 hexadecimal digits; none if only the other holder has this kind.
    pub ours: Option<String>,
    /// Whether the other holder's is equal; none if there was nothing to compare with.
    pub equal: Option<bool>,
}

/// What a comparison showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compared {
    /// Whether epoch number, normaliser and every kind's answer are equal.
    pub equal: bool,
    /// Kind by kind.
    pub answers: Vec<Answer>,
}

impl KnownAnswers {
    /// The answers under this holder's current epoch.
    pub fn of(keys: &KeyFolder) -> Result<Self, EpochError> {
        let (epoch, key) = keys.epoch()?;
        let answers = TokenKeys::derive(&key).known_answers();
        Ok(Self {
            format: FORMAT.to_owned(),
            epoch: epoch.number,
            normaliser: normalise::VERSION.to_owned(),
            answers: answers.into_iter().map(|(kind, answer)| (kind.to_owned(), hex::encode(answer))).collect(),
        })
    }

    /// Reads what another holder wrote. `None` if it is no such file.
    pub fn read(text: &[u8]) -> Option<Self> {
        serde_json::from_slice(text).ok().filter(|read: &Self| read.format == FORMAT && !read.answers.is_empty())
    }

    /// Our answers, kind by kind.
    pub fn list(&self) -> Vec<Answer> {
        let answer =
            |(kind, ours): (&String, &String)| Answer { kind: kind.clone(), ours: Some(ours.clone()), equal: None };
        self.answers.iter().map(answer).collect()
    }

    /// Compares with another holder's, in a time that does not depend on where they differ.
    pub fn compare(&self, other: &Self) -> Compared {
        let only_theirs = other.answers.keys().filter(|kind| !self.answers.contains_key(*kind));
        let line = |kind: &String| {
            let (ours, theirs) = (self.answers.get(kind), other.answers.get(kind));
            let equal = ours.zip(theirs).is_some_and(|(ours, theirs)| ours.as_bytes().ct_eq(theirs.as_bytes()).into());
            Answer { kind: kind.clone(), ours: ours.cloned(), equal: Some(equal) }
        };
        let answers: Vec<Answer> = self.answers.keys().chain(only_theirs).map(line).collect();
        let named = self.epoch == other.epoch && self.normaliser == other.normaliser;
        Compared { equal: named && answers.iter().all(|answer| answer.equal == Some(true)), answers }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use policies::Zone;

    use super::*;

    #[test]
    fn equal_keys_answer_alike_and_others_do_not() {
        let dir = tempfile::tempdir().unwrap();
        let make = |name: &str| KeyFolder::init(&dir.path().join(name), Zone::Holder, Timestamp::UNIX_EPOCH).unwrap();
        let (ndb, dpc) = (make("ndb"), make("dpc"));
        let before = KnownAnswers::of(&ndb).unwrap().compare(&KnownAnswers::of(&dpc).unwrap());
        assert!(!before.equal && before.answers.iter().all(|answer| answer.equal == Some(false)));
        let mut known: Vec<_> = before.answers.iter().flat_map(|answer| answer.ours.clone()).collect();
        known.sort_unstable();
        known.dedup();
        assert!(known.len() >= 4 && known.len() == before.answers.len(), "a kind has no answer of its own");
        super::super::join(&dpc, &super::super::wrap(&ndb, &dpc.recipient().unwrap()).unwrap()).unwrap();
        let (ours, theirs) = (KnownAnswers::of(&ndb).unwrap(), KnownAnswers::of(&dpc).unwrap());
        let text = serde_json::to_vec(&theirs).unwrap();
        assert!(ours.compare(&KnownAnswers::read(&text).unwrap()).equal);

        for changed in [
            KnownAnswers { epoch: 2, ..theirs.clone() },
            KnownAnswers { normaliser: "0".to_owned(), ..theirs.clone() },
            KnownAnswers { answers: theirs.answers.clone().into_iter().skip(1).collect(), ..theirs.clone() },
            KnownAnswers { answers: [("T9".to_owned(), String::new())].into(), ..theirs.clone() },
        ] {
            assert!(!ours.compare(&changed).equal);
            assert!(!changed.compare(&ours).equal);
        }
        for bad in [&b""[..], b"{}", b"[]", text.get(..text.len() - 1).unwrap()] {
            assert!(KnownAnswers::read(bad).is_none());
        }
        let empty = KnownAnswers { answers: BTreeMap::new(), ..theirs };
        assert!(KnownAnswers::read(&serde_json::to_vec(&empty).unwrap()).is_none());
    }
}
