//! Takes holders' answers: whose key, which questions, which of them is new. A file is taken whole or not at all.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use policies::jws::{self, Document};
use policies::keys::KeyFolder;

use super::ReviewError;
use super::ledger::{By, Decided, Decision, Ledger};
use super::sheet::{Answer, Answered, Answers};
use crate::link::LinkError;

/// Largest file of answers that is read.
const BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Takes the files into the ledger, the earlier answers first. A file that was taken before changes nothing.
pub(super) fn take(ledger: &mut Ledger, keys: &KeyFolder, files: &[PathBuf]) -> Result<(), LinkError> {
    let mut read = Vec::new();
    for path in files {
        let signed = text(path)?;
        let digest = jws::digest(&signed);
        if !ledger.taken.contains(&digest) {
            let answers = believed(ledger, keys, &signed).ok_or_else(|| ReviewError::Answers { path: path.clone() })?;
            check(ledger, &answers, path)?;
            read.push((answers.answered_at, digest, answers));
        }
    }
    read.sort_unstable_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
    for (_, digest, answers) in read {
        apply(ledger, &answers);
        ledger.taken.insert(digest);
    }
    Ok(())
}

fn text(path: &Path) -> Result<String, LinkError> {
    let size = fs::metadata(path).map_err(LinkError::io(path))?.len();
    let bytes = if size > BYTES_MAX { Vec::new() } else { fs::read(path).map_err(LinkError::io(path))? };
    String::from_utf8(bytes).map_err(|_| ReviewError::Answers { path: path.to_owned() }.into())
}

/// The answers, if the holder signed them whom this zone trusts for a source that it has asked.
fn believed(ledger: &Ledger, keys: &KeyFolder, signed: &str) -> Option<Answers> {
    let asked: BTreeSet<&str> = ledger.sheets.iter().map(|sheet| sheet.source.as_str()).collect();
    asked.into_iter().find_map(|source| {
        let answers = Answers::verify(signed, &keys.trusted(source).ok()?).ok()?;
        (answers.source == source).then_some(answers)
    })
}

/// Whether every answer is to a question of the holder's newest file.
fn check(ledger: &Ledger, answers: &Answers, path: &Path) -> Result<(), ReviewError> {
    let unasked = || ReviewError::Question { path: path.to_owned() };
    let made =
        |sheet: &&super::ledger::SheetRecord| sheet.source == answers.source && sheet.digest == answers.questions;
    let sheet = ledger.sheets.iter().find(made).ok_or_else(unasked)?;
    if sheet.replaced {
        return Err(ReviewError::Replaced { path: path.to_owned() });
    }
    let mut asked: BTreeSet<_> = sheet.questions.iter().map(|asked| asked.question).collect();
    if answers.answers.iter().all(|said| asked.remove(&said.question)) { Ok(()) } else { Err(unasked()) }
}

fn apply(ledger: &mut Ledger, answers: &Answers) {
    let Some(sheet) = ledger.sheets.iter_mut().find(|sheet| sheet.digest == answers.questions) else { return };
    for Answered { question, answer } in &answers.answers {
        let Some(asked) = sheet.questions.iter_mut().find(|asked| asked.question == *question) else { continue };
        if asked.answer.is_some_and(|(_, at)| at >= answers.answered_at) {
            continue;
        }
        asked.answer = Some((*answer, answers.answered_at));
        let by = By::Holder { source: sheet.source.clone() };
        let decision = match answer {
            Answer::No => Decision::Different,
            Answer::Yes => Decision::Same,
            Answer::Unknown => {
                // Who takes an answer back leaves the pair to a clerk.
                ledger.decided.retain(|it| it.case != asked.case || it.by != by);
                continue;
            }
        };
        ledger.decided.push(Decided {
            case: asked.case,
            x: asked.at.x,
            y: asked.at.y,
            subject: asked.subject.clone(),
            supersedes: asked.supersedes.clone(),
            class: asked.class,
            decision,
            by,
            at: answers.answered_at,
        });
    }
}
