//! A holder answers the linkage zone's questions from plaintext, at home: are these two atoms of yours one person? Identities are opened
//! for the eyes of whoever sits there; what leaves is yes, no or unknown beside the number of a question.

mod progress;
mod side;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use policies::durable;
use policies::jws::{self, Document};
use policies::keys::{KeyFolder, SigningKey};

use super::HolderError;
use super::batch::{Held, Known};
use crate::link::review::sheet::{Answered, Answers, QUESTIONS_MAX, Question, Sheet};
use crate::link::review::{Answer, CaseNumber};
use crate::seal::{self, SealError};
use crate::tokens::Token;

use progress::Progress;
pub use side::{SideBySide, SideRow};

/// What sealed files begin with.
const AGE: &[u8] = b"age-encryption.org/";

/// Largest file of questions that is read.
const BYTES_MAX: u64 = 4 * 1024 * 1024;

/// What to answer.
#[derive(Clone, Copy, Debug)]
pub struct AnswerJob<'a> {
    /// The holder's keys.
    pub keys: &'a KeyFolder,
    /// Batches whose atoms may be asked about.
    pub batches: &'a [PathBuf],
    /// The signed questions, sealed or not.
    pub questions: &'a Path,
}

/// Questions with the identities that they are about. Neither `Debug` nor `Serialize`.
pub struct Answering {
    key: SigningKey,
    sheet: Sheet,
    digest: String,
    known: HashMap<Token, Known>,
    progress: Progress,
}

/// A file of answers that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswersMade {
    /// SHA-256 of the signed answers, hexadecimal.
    pub digest: String,
    /// SHA-256 of the signed questions, hexadecimal.
    pub questions: String,
    /// Questions that are answered.
    pub answered: u64,
    /// Questions of the file.
    pub of: u64,
}

impl Answering {
    /// Opens questions that the linkage zone's key has signed for this holder. What was answered before, in this file or an earlier one,
    /// is remembered.
    pub fn open(job: &AnswerJob<'_>) -> Result<Self, HolderError> {
        let key = job.keys.signing("sign")?;
        let signed = read(job)?;
        let broken = || HolderError::Questions { path: job.questions.to_owned() };
        let sheet = Sheet::verify(&signed, &job.keys.trusted("linkage")?).map_err(|_| broken())?;
        if sheet.holder != key.verifying().fingerprint() {
            return Err(HolderError::OtherHolder { path: job.questions.to_owned() });
        }
        let found = sheet.questions.len();
        if found > QUESTIONS_MAX {
            return Err(HolderError::TooMany { path: job.questions.to_owned(), found, most: QUESTIONS_MAX });
        }
        let mut numbers = BTreeSet::new();
        if !sheet.questions.iter().all(|it| it.x != it.y && numbers.insert(it.question)) {
            return Err(broken());
        }
        let known = known(job, &sheet)?;
        let progress = Progress::open(job.keys)?;
        Ok(Self { key, digest: jws::digest(&signed), sheet, known, progress })
    }

    /// SHA-256 of the signed questions, hexadecimal.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// How many questions there are.
    pub fn count(&self) -> usize {
        self.sheet.questions.len()
    }

    /// The number of the question at that place, from 0.
    pub fn number(&self, at: usize) -> Option<CaseNumber> {
        self.sheet.questions.get(at).map(|it| it.question)
    }

    /// What was answered to it.
    pub fn answer(&self, at: usize) -> Option<Answer> {
        self.sheet.questions.get(at).and_then(|it| self.progress.of(it))
    }

    /// Both identities, side by side. None if a batch that was not named holds one of them.
    pub fn side_by_side(&self, at: usize) -> Option<SideBySide> {
        let question = self.sheet.questions.get(at)?;
        Some(SideBySide::of(self.known.get(&question.x.0)?, self.known.get(&question.y.0)?))
    }

    /// Questions about atoms that are in none of the named batches.
    pub fn elsewhere(&self) -> usize {
        self.sheet.questions.iter().filter(|it| !self.is_here(it)).count()
    }

    /// Notes an answer; the place it had before is forgotten. Kept at once: who stops here goes on here.
    pub fn note(&mut self, at: usize, answer: Answer) -> Result<(), HolderError> {
        let Some(question) = self.sheet.questions.get(at).copied() else { return Ok(()) };
        if !self.is_here(&question) {
            return Err(HolderError::Elsewhere { question: question.question });
        }
        self.progress.note(&[(question, answer)])
    }

    /// Notes the answers of a file with lines `question,yes|no|unknown`: all of them, or none if a line is wrong.
    pub fn note_file(&mut self, path: &Path) -> Result<usize, HolderError> {
        let by_number: BTreeMap<CaseNumber, Question> =
            self.sheet.questions.iter().map(|it| (it.question, *it)).collect();
        let mut said: BTreeMap<CaseNumber, (Question, Answer)> = BTreeMap::new();
        let file = fs::File::open(path).map_err(HolderError::io(path))?;
        for (line, text) in (1_u64..).zip(BufReader::new(file).lines()) {
            let wrong = || HolderError::AnswerLine { path: path.to_owned(), line };
            let text = text.map_err(|_| wrong())?;
            let text = text.trim().trim_start_matches('\u{feff}');
            if text.is_empty() || (line == 1 && text == "question,answer") {
                continue;
            }
            let (number, word) = text.split_once(',').ok_or_else(wrong)?;
            let number = number.trim().parse().map_err(|_| wrong())?;
            let question = *by_number.get(&number).ok_or_else(wrong)?;
            let answer = Answer::parse(word.trim()).ok_or_else(wrong)?;
            if !self.is_here(&question) {
                return Err(HolderError::Elsewhere { question: number });
            }
            if said.insert(number, (question, answer)).is_some() {
                return Err(wrong());
            }
        }
        let said: Vec<_> = said.into_values().collect();
        self.progress.note(&said)?;
        Ok(said.len())
    }

    /// Writes what is answered so far, signed by this holder.
    pub fn finish(&self, out: &Path, now: Timestamp) -> Result<AnswersMade, HolderError> {
        let said = |it: &Question| Some(Answered { question: it.question, answer: self.progress.of(it)? });
        let answers: Vec<Answered> = self.sheet.questions.iter().filter_map(said).collect();
        let answered = answers.len() as u64;
        if answers.is_empty() {
            return Err(HolderError::Unanswered);
        }
        let answers =
            Answers { source: self.sheet.source.clone(), questions: self.digest.clone(), answered_at: now, answers };
        let signed = answers.sign(&self.key)?;
        durable::replace(out, format!("{signed}\n").as_bytes()).map_err(HolderError::io(out))?;
        let digest = jws::digest(&signed);
        Ok(AnswersMade { digest, questions: self.digest.clone(), answered, of: self.count() as u64 })
    }

    fn is_here(&self, question: &Question) -> bool {
        [question.x, question.y].iter().all(|id| self.known.contains_key(&id.0))
    }
}

/// The signed questions, out of their seal.
fn read(job: &AnswerJob<'_>) -> Result<String, HolderError> {
    let path = job.questions;
    let broken = || HolderError::Questions { path: path.to_owned() };
    if fs::metadata(path).map_err(HolderError::io(path))?.len() > BYTES_MAX {
        return Err(broken());
    }
    let bytes = fs::read(path).map_err(HolderError::io(path))?;
    let open = |cause| SealError::Open { path: path.to_owned(), cause: Box::new(cause) };
    let bytes = if bytes.starts_with(AGE) { seal::open_bytes(&bytes, &job.keys.seal()?).map_err(open)? } else { bytes };
    String::from_utf8(bytes).map_err(|_| broken())
}

/// The identities that are asked about, and no other one.
fn known(job: &AnswerJob<'_>, sheet: &Sheet) -> Result<HashMap<Token, Known>, HolderError> {
    let wanted: BTreeSet<Token> = sheet.questions.iter().flat_map(|it| [it.x.0, it.y.0]).collect();
    let mut known = HashMap::new();
    for folder in job.batches {
        let held = Held::open(job.keys, folder)?;
        if held.manifest.source != sheet.source {
            return Err(HolderError::Mixed { path: folder.clone(), what: "source" });
        }
        held.each(job.keys, |some| {
            for one in some.iter().filter(|one| wanted.contains(&one.atom)) {
                let copy = Known { atom: one.atom, identity: one.identity.clone(), months: one.months };
                known.insert(one.atom, copy);
            }
            Ok(())
        })?;
    }
    Ok(known)
}
