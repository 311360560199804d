//! What a clerk of the linkage zone does: look at the queue, decide, ask holders, tell others how the queue stands.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use policies::durable;
use policies::jws::{self, Document};
use policies::keys::{KeyFolder, SealRecipient};
use policies::review::{AnsweredPairs, OpenQuestions, PatternClass, ReviewSummary, ReviewTurn, Tens, WaitingPairs};
use rand::Rng;

use super::dossier::Dossier;
use super::ledger::{self, AskedPair, By, Case, Decided, Decision, FILE, Ledger, SheetRecord};
use super::sheet::{QUESTIONS_MAX, Question, Sheet};
use super::{CaseNumber, ReviewError, day};
use crate::link::LinkError;
use crate::link::store::Store;
use crate::seal::{self, SealError};

/// The queue of a folder of link, for reading.
pub struct Review(Ledger);

/// A dossier that waits.
#[derive(Clone, Debug)]
pub struct Waiting<'a> {
    /// The dossier.
    pub dossier: &'a Dossier,
    /// Whose turn it is.
    pub turn: ReviewTurn,
    /// Since when a question about it is out.
    pub since: Option<Timestamp>,
}

/// How the queue stands, in exact counts: for the zone itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Dossiers by class, the two sources, and whose turn it is.
    pub waiting: BTreeMap<(PatternClass, [String; 2], ReviewTurn), u64>,
    /// Questions that are out, by source, with when the oldest was asked.
    pub questions: BTreeMap<String, (Timestamp, u64)>,
    /// Pairs that were decided by class: one person, two persons, left open.
    pub decided: BTreeMap<PatternClass, [u64; 3]>,
    /// Pairs behind the end of the queue.
    pub beyond: u64,
}

impl Review {
    /// Opens the queue that the last run of link in `folder` has left.
    pub fn open(keys: &KeyFolder, folder: &Path) -> Result<Self, LinkError> {
        Ledger::read(keys, &folder.join(FILE)).map(Self)
    }

    /// All dossiers, the most telling first.
    pub fn waiting(&self) -> impl Iterator<Item = Waiting<'_>> {
        self.0.queue.iter().map(|case| {
            let (turn, since) = self.0.turn(case);
            Waiting { dossier: &case.dossier, turn, since }
        })
    }

    /// One of them.
    pub fn dossier(&self, number: CaseNumber) -> Result<Waiting<'_>, LinkError> {
        let found = self.waiting().find(|waiting| waiting.dossier.number == number);
        found.ok_or_else(|| ReviewError::Dossier.into())
    }

    /// How it stands.
    pub fn standing(&self) -> Standing {
        let mut standing = Standing { beyond: self.0.beyond, ..Standing::default() };
        for Waiting { dossier, turn, since } in self.waiting() {
            *standing.waiting.entry((dossier.class, dossier.sources.clone(), turn.clone())).or_default() += 1;
            if let (ReviewTurn::Holder(source), Some(since)) = (turn, since) {
                let out = standing.questions.entry(source).or_insert((since, 0));
                *out = (out.0.min(since), out.1 + 1);
            }
        }
        for decided in self.0.standing().values() {
            let [same, different, left] = standing.decided.entry(decided.class).or_default();
            match decided.decision {
                Decision::Different => *different += 1,
                Decision::Leave => *left += 1,
                Decision::Same => *same += 1,
            }
        }
        standing
    }

    /// The same in tens, for others: no pair can be told from it.
    pub fn summary(&self, now: Timestamp) -> ReviewSummary {
        let standing = self.standing();
        let waiting = standing.waiting.into_iter();
        let questions = standing.questions.into_iter();
        let answered = standing.decided.into_iter();
        ReviewSummary {
            made_at: now,
            run: self.0.run,
            waiting: waiting
                .map(|((class, sources, turn), pairs)| WaitingPairs { class, sources, turn, pairs: Tens::of(pairs) })
                .collect(),
            questions: questions
                .map(|(source, (since, out))| OpenQuestions { source, since: day(since), questions: Tens::of(out) })
                .collect(),
            answered: answered
                .map(|(class, [same, different, _])| AnsweredPairs::of(class, same.saturating_add(different), same))
                .collect(),
        }
    }
}

/// A clerk's word on a dossier.
#[derive(Clone, Copy, Debug)]
pub struct Decide<'a> {
    /// The linkage zone's keys.
    pub keys: &'a KeyFolder,
    /// The folder of link.
    pub folder: &'a Path,
    /// Which dossier.
    pub number: CaseNumber,
    /// What is to become of it.
    pub decision: Decision,
    /// Why, in the clerk's words.
    pub reason: &'a str,
}

/// Writes a decision down; it counts from the next run on. A decided dossier can be decided again: the later word counts.
pub fn decide(decide: &Decide<'_>, now: Timestamp) -> Result<(), LinkError> {
    let (store, mut ledger) = held(decide.keys, decide.folder)?;
    let key = decide.keys.signing("sign").map_err(LinkError::keys)?.verifying().fingerprint();
    let by = By::Clerk { key, reason: decide.reason.to_owned() };
    let waits = ledger.queue.iter().position(|case| case.number() == decide.number);
    let decided = if let Some(at) = waits {
        of_case(&ledger.queue.remove(at), by, now)
    } else {
        let before = ledger.decided.iter().rfind(|it| it.case == decide.number).cloned();
        before.map(|before| Decided { by, at: now, ..before })
    };
    let mut decided = decided.ok_or(ReviewError::Dossier)?;
    decided.decision = decide.decision;
    ledger.decided.push(decided);
    ledger.write(decide.keys, &store)?;
    store.publish()
}

fn of_case(case: &Case, by: By, now: Timestamp) -> Option<Decided> {
    let lead = case.evidence.first()?.pair;
    Some(Decided {
        case: case.number(),
        x: lead.a,
        y: lead.b,
        subject: case.subject(),
        supersedes: case.supersedes.clone(),
        class: case.dossier.class,
        decision: Decision::Leave,
        by,
        at: now,
    })
}

/// The folder, held, and its ledger.
fn held(keys: &KeyFolder, folder: &Path) -> Result<(Store, Ledger), LinkError> {
    // A folder that link has never run in is not made by a slip of the keyboard.
    if !folder.join(FILE).exists() {
        return Err(ReviewError::Dossier.into());
    }
    let store = Store::open(folder)?;
    let ledger = Ledger::read(keys, &store.last(FILE))?;
    Ok((store, ledger))
}

/// A file of questions that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Whose holder is asked.
    pub source: String,
    /// The file.
    pub path: PathBuf,
    /// SHA-256 of the signed questions, hexadecimal.
    pub digest: String,
    /// Questions.
    pub questions: u64,
}

/// Makes a signed file of questions for each holder whose turn comes, in `out`; sealed where `seals` has the holder's key. It takes the
/// place of the holder's earlier one: what was not answered there stands in it again. `again` makes the files anew though nothing is new.
pub fn ask(
    keys: &KeyFolder,
    folder: &Path,
    out: &Path,
    seals: &BTreeMap<String, SealRecipient>,
    again: bool,
    now: Timestamp,
) -> Result<Vec<Asked>, LinkError> {
    let (store, mut ledger) = held(keys, folder)?;
    let mut made = Vec::new();
    for (source, questions) in to_ask(&ledger, again, now) {
        let holder = keys
            .trusted(&source)
            .map_err(|cause| LinkError::Untrusted { path: folder.join(FILE), cause: Box::new(cause) })?;
        let question = |asked: &AskedPair| Question { question: asked.question, x: asked.at.x, y: asked.at.y };
        let sheet = Sheet {
            source: source.clone(),
            holder: holder.fingerprint(),
            asked_at: now,
            questions: questions.iter().map(question).collect(),
        };
        let signed = sheet.sign(&keys.signing("sign").map_err(LinkError::keys)?).map_err(ReviewError::Sign)?;
        let path = write_questions(&signed, out, &source, seals.get(&source))?;
        let digest = jws::digest(&signed);
        made.push(Asked { source: source.clone(), path, digest: digest.clone(), questions: questions.len() as u64 });
        for sheet in ledger.sheets.iter_mut().filter(|sheet| sheet.source == source) {
            sheet.replaced = true;
        }
        ledger.sheets.retain(|sheet| sheet.digest != digest);
        ledger.sheets.push(SheetRecord { digest, source, questions, replaced: false });
    }
    ledger.write(keys, &store)?;
    // The files first: questions that are written down as asked, and lie nowhere, would wait for ever.
    store.publish()?;
    Ok(made)
}

/// By source: questions that are out and still of use, then those of cases whose turn it is, the most telling first.
fn to_ask(ledger: &Ledger, again: bool, now: Timestamp) -> BTreeMap<String, Vec<AskedPair>> {
    let mut taken = ledger.numbers();
    let mut rng = rand::rng();
    let mut old: BTreeMap<String, Vec<AskedPair>> = BTreeMap::new();
    let mut new: BTreeMap<String, Vec<AskedPair>> = BTreeMap::new();
    for case in &ledger.queue {
        match ledger.turn(case).0 {
            ReviewTurn::Clerk => {}
            ReviewTurn::Holder(source) => {
                let sheets = ledger.sheets.iter().filter(|sheet| !sheet.replaced && sheet.source == source);
                let out = sheets.flat_map(|sheet| &sheet.questions).find(|it| it.case == case.number());
                old.entry(source).or_default().extend(out.cloned());
            }
            ReviewTurn::Ask(source) => {
                let Some(at) = case.askable.iter().find(|at| at.source == source) else { continue };
                new.entry(source).or_default().push(AskedPair {
                    question: ledger::fresh(&mut taken, &mut || rng.next_u64()),
                    case: case.number(),
                    at: at.clone(),
                    asked_at: now,
                    subject: case.subject(),
                    supersedes: case.supersedes.clone(),
                    class: case.dossier.class,
                    answer: None,
                });
            }
        }
    }
    for (source, out) in old {
        if again || new.contains_key(&source) {
            new.entry(source).or_default().splice(..0, out);
        }
    }
    for questions in new.values_mut() {
        questions.truncate(QUESTIONS_MAX);
    }
    new
}

fn write_questions(signed: &str, out: &Path, source: &str, seal: Option<&SealRecipient>) -> Result<PathBuf, LinkError> {
    std::fs::create_dir_all(out).map_err(LinkError::io(out))?;
    let name = if seal.is_some() { format!("{source}.questions.jws.age") } else { format!("{source}.questions.jws") };
    let path = out.join(name);
    let text = format!("{signed}\n").into_bytes();
    let sealing = |cause| LinkError::seal(SealError::Seal { path: path.clone(), cause: Box::new(cause) });
    let bytes = seal.map_or_else(|| Ok(text.clone()), |to| seal::seal_bytes(&text, to).map_err(sealing))?;
    durable::replace_private(&path, &bytes).map_err(LinkError::io(&path))?;
    Ok(path)
}
