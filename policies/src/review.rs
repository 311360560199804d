//! What the linkage zone tells others of its queue of doubtful pairs: counts in tens, signed. Never a pair, nor anything of one.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::jws::Document;

/// What makes two groups of records look like one person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PatternClass {
    /// Parts agree, no identifier does as a whole: a new name, a slip of the pen.
    Composites,
    /// Something speaks against it that would not be seen by weight alone.
    Conflict,
    /// The same chart at one institution.
    SameChart,
    /// The same name, birth date and sex.
    SameName,
    /// The same number of an insurer, or the same national number.
    SameNumber,
}

impl PatternClass {
    /// All classes.
    pub const ALL: [Self; 5] = [Self::SameNumber, Self::SameName, Self::SameChart, Self::Composites, Self::Conflict];

    /// The word in files and message keys.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Composites => "composites",
            Self::Conflict => "conflict",
            Self::SameChart => "same-chart",
            Self::SameName => "same-name",
            Self::SameNumber => "same-number",
        }
    }
}

/// Who is to act on a pair.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReviewTurn {
    /// A clerk of the linkage zone decides: no holder has both sides, or those that have could not tell.
    Clerk,
    /// A clerk of the linkage zone asks this holder, who has records of both sides.
    Ask(String),
    /// This holder answers.
    Holder(String),
}

/// A count, told in tens so that no difference of two tells of a few.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tens(u64);

impl Tens {
    /// The tens of a count.
    pub fn of(count: u64) -> Self {
        Self(count / 10)
    }

    /// Fewer than ten, none at all among them.
    pub fn is_few(self) -> bool {
        self.0 == 0
    }

    /// The least that it can be.
    pub fn least(self) -> u64 {
        self.0.saturating_mul(10)
    }
}

impl fmt::Display for Tens {
    /// `<10`, `10–19`, `20–29` …
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_few() {
            f.write_str("<10")
        } else {
            write!(f, "{}–{}", self.least(), self.least().saturating_add(9))
        }
    }
}

/// Pairs that wait, by what they look like, where they come from, and whose turn it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WaitingPairs {
    /// What they look like.
    pub class: PatternClass,
    /// The two sides' sources, in the order of the alphabet.
    pub sources: [String; 2],
    /// Whose turn.
    pub turn: ReviewTurn,
    /// How many.
    pub pairs: Tens,
}

/// Questions that a holder has not answered.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenQuestions {
    /// The holder's source.
    pub source: String,
    /// Day on which the oldest of them was asked.
    pub since: Date,
    /// How many.
    pub questions: Tens,
}

/// What became of the pairs of a class.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnsweredPairs {
    /// What they looked like.
    pub class: PatternClass,
    /// Pairs that were decided, by a holder or a clerk.
    pub decided: Tens,
    /// Tenths of them that are one person; none where too few were decided to tell.
    pub same_tenths: Option<u8>,
}

/// Pairs of a class that must have been decided before a share is told: rounded to tenths, it then tells of no single one.
const SHARE_MIN: u64 = 50;

impl AnsweredPairs {
    /// Of counts.
    pub fn of(class: PatternClass, decided: u64, same: u64) -> Self {
        let tenths = || same.saturating_mul(10).saturating_add(decided / 2).checked_div(decided);
        let told = if decided >= SHARE_MIN { tenths() } else { None };
        Self { class, decided: Tens::of(decided), same_tenths: told.and_then(|tenths| u8::try_from(tenths).ok()) }
    }
}

/// State of the queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReviewSummary {
    /// When it was made.
    pub made_at: Timestamp,
    /// The run of link that the queue comes from.
    pub run: u32,
    /// Pairs that wait.
    pub waiting: Vec<WaitingPairs>,
    /// Questions that are out.
    pub questions: Vec<OpenQuestions>,
    /// What became of those that were decided.
    pub answered: Vec<AnsweredPairs>,
}

/// Signed by the linkage zone's `sign` key, read under the key that the reader got from there.
impl Document for ReviewSummary {
    const KIND: &'static str = "sudare-review+jws";
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jws;
    use crate::keys::SigningKey;

    #[test]
    fn small_counts_do_not_show_and_differences_of_counts_tell_nothing() {
        let shown: Vec<String> = [0, 1, 9, 10, 11, 19, 20, 1234].map(|count| Tens::of(count).to_string()).into();
        assert_eq!(shown, ["<10", "<10", "<10", "10–19", "10–19", "10–19", "20–29", "1230–1239"]);
        assert!((0..10).all(|count| serde_json::to_string(&Tens::of(count)).unwrap() == "0"));
        for (decided, same, told) in
            [(0, 0, None), (9, 9, None), (49, 30, None), (50, 50, Some(10)), (50, 0, Some(0)), (100, 84, Some(8))]
        {
            assert_eq!(AnsweredPairs::of(PatternClass::SameName, decided, same).same_tenths, told, "{decided} {same}");
        }
    }

    #[test]
    fn only_the_zone_s_own_words_are_believed() {
        let key = SigningKey::generate();
        let summary = ReviewSummary {
            made_at: Timestamp::UNIX_EPOCH,
            run: 3,
            waiting: vec![WaitingPairs {
                class: PatternClass::Conflict,
                sources: ["ltc".to_owned(), "ndb".to_owned()],
                turn: ReviewTurn::Holder("ndb".to_owned()),
                pairs: Tens::of(31),
            }],
            questions: Vec::new(),
            answered: vec![AnsweredPairs::of(PatternClass::SameName, 120, 100)],
        };
        let signed = summary.sign(&key).unwrap();
        assert_eq!(ReviewSummary::verify(&format!("{signed}\n"), &key.verifying()).unwrap(), summary);
        assert!(ReviewSummary::verify(&signed, &SigningKey::generate().verifying()).is_err());
        let other = jws::sign(jws::STATUS, &summary, &key).unwrap();
        assert!(ReviewSummary::verify(&other, &key.verifying()).is_err());
        for class in PatternClass::ALL {
            assert_eq!(serde_json::to_string(&class).unwrap(), format!("\"{}\"", class.as_str()));
        }
    }
}
