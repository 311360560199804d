//! What a run did, in counts: for each file, by reason. No value, no file name.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What happened to something that did not simply pass. The code is stable and says nothing about the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// The file is encrypted, empty or of no known kind; it was not read.
    FileUnknown,
    /// The file belongs to another source than the one asked for; it was not read.
    FileOtherSource,
    /// A control total at the end or the start of the file does not agree with what was read.
    FileTotals,
    /// A file or one of its groups does not begin with its institution or end with its totals; what stands there was read.
    FileFrame,
    /// A record longer than any layout allows.
    RecordLong,
    /// A record of an unknown kind.
    RecordUnknown,
    /// A record of a known kind whose facts are not carried (comments, narratives, totals).
    RecordUncarried,
    /// A record outside of what it must stand in.
    RecordOrphan,
    /// Records of a receipt out of the official order, numbers with gaps, or a group longer than allowed; read as they stand.
    RecordOrder,
    /// A record whose form is not that of its kind.
    RecordForm,
    /// The same receipt, document or stay once more.
    Duplicate,
    /// A document that a later one of the same number replaces or deletes.
    Replaced,
    /// A record of an organ donor, a second person inside a receipt.
    Donor,
    /// No institution, or one whose code has another form.
    NoFacility,
    /// No service month, admission or document date.
    NoDate,
    /// No code, or one of another form, where the record is about nothing but that code.
    NoCode,
    /// A receipt of a kind that is not read (home nursing, grouped DPC receipts).
    ReceiptKind,
    /// Dates that cannot stand in this order (admission after discharge, an act outside of its stay), kept.
    DateOrder,
    /// A code that is not on its column's list, left out.
    CodeUnlisted,
    /// A cell of another form than its column's, left out.
    CellForm,
    /// A value that the official checks find impossible (a day that the month does not have, a count that is not the sum of its
    /// days, a claim from before the care), kept as far as it has a place.
    CellImplausible,
    /// An identifier that cannot be read or is impossible, left out.
    IdentifierForm,
    /// An insurer number whose check digit fails, kept.
    CheckDigit,
    /// A record without any usable linkage identifier, kept.
    Unlinkable,
    /// A withdrawn application, or a record that was taken back.
    Withdrawn,
    /// A record of a person who stays out of the source.
    Absent,
    /// The same file once more; it was not read.
    FileDuplicate,
    /// A part of a document that is not on the list of known parts, dropped.
    PartUnknown,
}

impl Reason {
    /// Stable code, for reports and quarantine.
    pub fn code(self) -> &'static str {
        match self {
            Self::FileUnknown => "file/unknown",
            Self::FileOtherSource => "file/other-source",
            Self::FileTotals => "file/totals",
            Self::FileFrame => "file/frame",
            Self::RecordLong => "record/too-long",
            Self::RecordUnknown => "record/unknown",
            Self::RecordUncarried => "record/not-carried",
            Self::RecordOrphan => "record/orphan",
            Self::RecordOrder => "record/order",
            Self::RecordForm => "record/form",
            Self::Duplicate => "record/duplicate",
            Self::Replaced => "document/replaced",
            Self::Donor => "record/donor",
            Self::NoFacility => "record/no-facility",
            Self::NoDate => "record/no-date",
            Self::NoCode => "record/no-code",
            Self::ReceiptKind => "receipt/kind",
            Self::DateOrder => "record/date-order",
            Self::CodeUnlisted => "cell/unlisted",
            Self::CellForm => "cell/form",
            Self::CellImplausible => "cell/implausible",
            Self::IdentifierForm => "identifier/form",
            Self::CheckDigit => "identifier/check-digit",
            Self::Unlinkable => "identifier/none",
            Self::Withdrawn => "record/withdrawn",
            Self::Absent => "person/absent",
            Self::FileDuplicate => "file/duplicate",
            Self::PartUnknown => "part/unknown",
        }
    }
}

/// What happened to one file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileReport {
    /// Place in the list of files, sorted, from 1.
    pub file: usize,
    /// Kind, as found from its content.
    pub kind: String,
    /// SHA-256 of the file, hexadecimal; empty for a file that was not read.
    pub sha256: String,
    /// Bytes read.
    pub bytes: u64,
    /// Lines, elements or documents read.
    pub records: u64,
    /// Receipts, claims, stays, checkups, certifications or documents that passed.
    pub passed: u64,
    /// Put into quarantine.
    pub quarantined: u64,
    /// By reason code.
    pub reasons: BTreeMap<String, u64>,
}

impl FileReport {
    /// Counts.
    pub(crate) fn note(&mut self, reason: Reason) {
        self.note_many(reason, 1);
    }

    /// Counts several.
    pub(crate) fn note_many(&mut self, reason: Reason, times: u64) {
        match self.reasons.get_mut(reason.code()) {
            Some(count) => *count = count.saturating_add(times),
            None => {
                self.reasons.insert(reason.code().to_owned(), times);
            }
        }
    }
}

/// What a run did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// `ndb`, `ltc`, `dpc`, `ehr` or an added source.
    pub source: String,
    /// 32 random hexadecimal digits.
    pub batch: String,
    /// When.
    pub created_at: Timestamp,
    /// Version of the normaliser.
    pub normaliser: String,
    /// By file.
    pub files: Vec<FileReport>,
    /// Rows by content table.
    pub tables: BTreeMap<String, u64>,
    /// Distinct sets of identifiers.
    pub atoms: u64,
    /// Atoms that have a token of each kind.
    pub tokens: BTreeMap<String, u64>,
    /// Kinds that the batch does not carry, because a value of theirs is shared by too many atoms; how many share it.
    pub refused: BTreeMap<String, u64>,
    /// Values that the leak scan compared; it found none, or there would be no batch.
    pub scanned: u64,
    /// Over all files, what the end of the batch found: duplicates, corrections, withdrawals, rows without their stay.
    pub resolved: BTreeMap<String, u64>,
    /// Whether an earlier run had made the batch from the same files: nothing was changed.
    #[serde(skip)]
    pub unchanged: bool,
}

impl Report {
    /// Sum over the files of one reason.
    pub fn count(&self, reason: Reason) -> u64 {
        let in_files: u64 = self.files.iter().filter_map(|file| file.reasons.get(reason.code())).sum();
        in_files.saturating_add(self.resolved.get(reason.code()).copied().unwrap_or(0))
    }

    /// Records in quarantine.
    pub fn quarantined(&self) -> u64 {
        self.files.iter().map(|file| file.quarantined).sum()
    }
}
