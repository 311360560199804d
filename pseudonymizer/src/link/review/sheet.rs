//! Questions to a holder and its answers, as signed files: "are these two atoms of yours one person?" Questions name atoms of that
//! holder and nothing else; answers name questions and nothing else.

use jiff::Timestamp;
use policies::jws::Document;
use serde::{Deserialize, Serialize};

use super::CaseNumber;
use super::ledger::AtomId;

/// Most questions of one file: what a clerk answers in a day or two. A holder refuses larger ones, so that nobody with the linkage
/// zone's key compares its persons wholesale.
pub(crate) const QUESTIONS_MAX: usize = 500;

/// What a holder says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// Two persons.
    No,
    /// It cannot be told from what is retained.
    Unknown,
    /// One person.
    Yes,
}

impl Answer {
    /// The word in files and message keys.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::No => "no",
            Self::Unknown => "unknown",
            Self::Yes => "yes",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::No, Self::Unknown, Self::Yes].into_iter().find(|answer| answer.as_str() == word)
    }
}

/// A file of questions.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sheet {
    pub(crate) source: String,
    /// Fingerprint of the holder's signing key.
    pub(crate) holder: String,
    pub(crate) asked_at: Timestamp,
    pub(crate) questions: Vec<Question>,
}

/// Are these one person?
#[expect(clippy::struct_field_names, reason = "the words of the file")]
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Question {
    pub(crate) question: CaseNumber,
    pub(crate) x: AtomId,
    pub(crate) y: AtomId,
}

impl Document for Sheet {
    const KIND: &'static str = "sudare-questions+jws";
}

/// A file of answers.
#[expect(clippy::struct_field_names, reason = "the words of the file")]
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Answers {
    pub(crate) source: String,
    /// SHA-256 of the signed file of questions, hexadecimal.
    pub(crate) questions: String,
    pub(crate) answered_at: Timestamp,
    pub(crate) answers: Vec<Answered>,
}

/// What was said to a question.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Answered {
    pub(crate) question: CaseNumber,
    pub(crate) answer: Answer,
}

impl Document for Answers {
    const KIND: &'static str = "sudare-answers+jws";
}
