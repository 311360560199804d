//! What the linkage zone keeps of its doubtful pairs, sealed to itself: the queue, which atoms a dossier is about, questions that are
//! out, and everything that was decided.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::Path;

use jiff::Timestamp;
use policies::keys::KeyFolder;
use policies::review::{PatternClass, ReviewTurn};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::dossier::Dossier;
use super::sheet::Answer;
use super::{CaseNumber, ReviewError};
use crate::link::LinkError;
use crate::link::store::Store;
use crate::seal::{self, SealError};

/// Its place in the folder of link.
pub(crate) const FILE: &str = "review.json.age";

/// An atom's random id. Sealed files alone hold it: neither `Debug` nor `Display`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct AtomId(pub(crate) [u8; 16]);

impl Serialize for AtomId {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        hex::encode(self.0).serialize(to)
    }
}

impl<'de> Deserialize<'de> for AtomId {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let bytes = hex::decode(String::deserialize(from)?).ok().and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or_else(|| serde::de::Error::custom("an atom"))
    }
}

/// Two atoms and how they agree: what a decision was about. While that stays the same, nobody is asked again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PairKey {
    pub(crate) a: AtomId,
    pub(crate) b: AtomId,
    pub(crate) pattern: u64,
}

/// What makes two components a case.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Evidence {
    pub(crate) pair: PairKey,
    pub(crate) weight: i32,
    /// Name of the conflict.
    pub(crate) against: Option<String>,
}

/// What a decision was about: where both is as it was, nobody is asked again.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Subject {
    pub(crate) pairs: Vec<PairKey>,
    /// SHA-256 over the atoms of both sides, hexadecimal.
    pub(crate) sides: String,
}

/// A dossier with what it is about.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    pub(crate) dossier: Dossier,
    /// The heaviest first.
    pub(crate) evidence: Vec<Evidence>,
    /// Holders with atoms on both sides, and which to ask about; the one with most first.
    pub(crate) askable: Vec<Askable>,
    /// SHA-256 over the atoms of both sides, hexadecimal.
    pub(crate) sides: String,
    /// Decisions on other pairs of the same two components: one on this pair takes their place.
    pub(crate) supersedes: Vec<CaseNumber>,
}

impl Case {
    pub(crate) fn number(&self) -> CaseNumber {
        self.dossier.number
    }

    /// The pairs that make it a case.
    pub(crate) fn pairs(&self) -> Vec<PairKey> {
        self.evidence.iter().map(|evidence| evidence.pair).collect()
    }

    /// What a decision on it is about.
    pub(crate) fn subject(&self) -> Subject {
        Subject { pairs: self.pairs(), sides: self.sides.clone() }
    }
}

/// Two atoms of one holder.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Askable {
    pub(crate) source: String,
    pub(crate) x: AtomId,
    pub(crate) y: AtomId,
}

/// A file of questions that was made.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SheetRecord {
    /// SHA-256 of the signed file, hexadecimal.
    pub(crate) digest: String,
    pub(crate) source: String,
    pub(crate) questions: Vec<AskedPair>,
    /// Whether a newer one has taken its place.
    pub(crate) replaced: bool,
}

/// A question as it was asked, and what was said.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AskedPair {
    pub(crate) question: CaseNumber,
    pub(crate) case: CaseNumber,
    pub(crate) at: Askable,
    pub(crate) asked_at: Timestamp,
    pub(crate) subject: Subject,
    pub(crate) supersedes: Vec<CaseNumber>,
    pub(crate) class: PatternClass,
    pub(crate) answer: Option<(Answer, Timestamp)>,
}

/// What is to become of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// Two persons.
    Different,
    /// It cannot be told: the rules go on alone.
    Leave,
    /// One person.
    Same,
}

impl Decision {
    /// The word in files, records and message keys.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Different => "different",
            Self::Leave => "leave",
            Self::Same => "same",
        }
    }
}

/// Who decided.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum By {
    /// A clerk of this zone, by the fingerprint of the key.
    Clerk { key: String, reason: String },
    /// A holder.
    Holder { source: String },
}

/// A decision. The order in which they stand is the order in which they were taken; the last one on a case counts.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Decided {
    pub(crate) case: CaseNumber,
    pub(crate) x: AtomId,
    pub(crate) y: AtomId,
    pub(crate) subject: Subject,
    pub(crate) supersedes: Vec<CaseNumber>,
    pub(crate) class: PatternClass,
    pub(crate) decision: Decision,
    pub(crate) by: By,
    pub(crate) at: Timestamp,
}

/// Everything.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ledger {
    /// The run that the queue comes from.
    pub(crate) run: u32,
    /// What waits, the most telling first.
    pub(crate) queue: Vec<Case>,
    /// Pairs that would wait behind these.
    pub(crate) beyond: u64,
    pub(crate) sheets: Vec<SheetRecord>,
    /// SHA-256 of the files of answers that were taken.
    pub(crate) taken: BTreeSet<String>,
    pub(crate) decided: Vec<Decided>,
}

impl Ledger {
    /// Reads what the last run, or a clerk since, has left; empty where there is nothing.
    pub(crate) fn read(keys: &KeyFolder, path: &Path) -> Result<Self, LinkError> {
        let sealed = match fs::read(path) {
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            read => read.map_err(LinkError::io(path))?,
        };
        let identity = keys.seal().map_err(LinkError::keys)?;
        let open = |cause| LinkError::seal(SealError::Open { path: path.to_owned(), cause: Box::new(cause) });
        let text = seal::open_bytes(&sealed, &identity).map_err(open)?;
        serde_json::from_slice(&text).map_err(|_| ReviewError::Queue { path: path.to_owned() }.into())
    }

    /// Writes it among the results of `store`, sealed to this zone itself.
    pub(crate) fn write(&self, keys: &KeyFolder, store: &Store) -> Result<(), LinkError> {
        let path = store.next(FILE);
        let text = serde_json::to_vec(self).map_err(|cause| LinkError::io(&path)(cause.into()))?;
        let to = keys.recipient().map_err(LinkError::keys)?;
        let sealing = |cause| LinkError::seal(SealError::Seal { path: path.clone(), cause: Box::new(cause) });
        store.write(FILE, &seal::seal_bytes(&text, &to).map_err(sealing)?)
    }

    /// The decisions that count: of each case the last, and none whose place a later one on the same two components has taken.
    pub(crate) fn standing(&self) -> BTreeMap<CaseNumber, &Decided> {
        let mut standing = BTreeMap::new();
        for decided in &self.decided {
            for earlier in &decided.supersedes {
                standing.remove(earlier);
            }
            standing.insert(decided.case, decided);
        }
        standing
    }

    /// What the decisions say: two atoms, and whether they are one person.
    pub(crate) fn said(&self) -> BTreeMap<(AtomId, AtomId), bool> {
        let said = |decided: &Decided| {
            let same = match decided.decision {
                Decision::Different => false,
                Decision::Leave => return None,
                Decision::Same => true,
            };
            Some(((decided.x.min(decided.y), decided.x.max(decided.y)), same))
        };
        let counts = self.standing();
        // In the order of taking, so that of two cases about the same two atoms the later one counts.
        let in_order =
            self.decided.iter().filter(|it| counts.get(&it.case).is_some_and(|last| std::ptr::eq(*last, *it)));
        in_order.filter_map(said).collect()
    }

    /// Whose turn it is with a case, and since when a question about it is out.
    pub(crate) fn turn(&self, case: &Case) -> (ReviewTurn, Option<Timestamp>) {
        let about = || self.sheets.iter().flat_map(|sheet| &sheet.questions).filter(|it| it.case == case.number());
        let mut out = self.sheets.iter().filter(|sheet| !sheet.replaced).flat_map(|sheet| &sheet.questions);
        if let Some(asked) = out.find(|it| it.case == case.number() && it.answer.is_none()) {
            return (ReviewTurn::Holder(asked.at.source.clone()), Some(asked.asked_at));
        }
        let could_not_tell = |source: &str| about().any(|it| it.at.source == source && it.answer.is_some());
        let next = case.askable.iter().find(|at| !could_not_tell(&at.source));
        (next.map_or(ReviewTurn::Clerk, |at| ReviewTurn::Ask(at.source.clone())), None)
    }

    /// Every number that was ever given: none is given twice.
    pub(crate) fn numbers(&self) -> BTreeSet<CaseNumber> {
        let asked = self.sheets.iter().flat_map(|sheet| &sheet.questions).flat_map(|it| [it.question, it.case]);
        let decided = self.decided.iter().map(|decided| decided.case);
        self.queue.iter().map(Case::number).chain(asked).chain(decided).collect()
    }
}

/// A number that was never given.
pub(crate) fn fresh(taken: &mut BTreeSet<CaseNumber>, draw: &mut dyn FnMut() -> u64) -> CaseNumber {
    loop {
        let number = CaseNumber::of(draw());
        if taken.insert(number) {
            return number;
        }
    }
}
