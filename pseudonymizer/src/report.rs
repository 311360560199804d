//! What a run did, in counts: for each file, by reason. No value, no file name.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

/// What happened to something that did not simply pass. The code is stable and says nothing about the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// The file is encrypted, empty or of no known kind; it was not read.
    FileUnknown,
    /// The file belongs to another source than the one asked for; it was not read.
    FileOtherSource,
    /// A control total at the end or the start of the file does not agree with what was read.
    FileTotals,
    /// A record longer than any layout allows.
    RecordLong,
    /// A record of an unknown kind.
    RecordUnknown,
    /// A record of a known kind whose facts are not carried (comments, narratives, totals).
    RecordUncarried,
    /// A record outside of what it must stand in.
    RecordOrphan,
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
    /// A receipt of a kind that is not read (dental, home nursing, grouped DPC receipts).
    ReceiptKind,
    /// Dates that cannot stand in this order (admission after discharge, an act outside of its stay), kept.
    DateOrder,
    /// A code that is not on its column's list, left out.
    CodeUnlisted,
    /// A cell of another form than its column's, left out.
    CellForm,
    /// An identifier that cannot be read or is impossible, left out.
    IdentifierForm,
    /// An insurer number whose check digit fails, kept.
    CheckDigit,
    /// A record without any usable linkage identifier, kept.
    Unlinkable,
    /// A withdrawn application.
    Withdrawn,
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
            Self::RecordLong => "record/too-long",
            Self::RecordUnknown => "record/unknown",
            Self::RecordUncarried => "record/not-carried",
            Self::RecordOrphan => "record/orphan",
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
            Self::IdentifierForm => "identifier/form",
            Self::CheckDigit => "identifier/check-digit",
            Self::Unlinkable => "identifier/none",
            Self::Withdrawn => "record/withdrawn",
            Self::PartUnknown => "part/unknown",
        }
    }
}

/// What happened to one file.
#[derive(Clone, Debug, Default, Serialize)]
pub struct FileReport {
    /// Place in the list of files, sorted, from 1.
    pub file: usize,
    /// Kind, as found from its content.
    pub kind: &'static str,
    /// Bytes read.
    pub bytes: u64,
    /// Lines, elements or documents read.
    pub records: u64,
    /// Receipts, claims, stays, checkups, certifications or documents that passed.
    pub passed: u64,
    /// Put into quarantine.
    pub quarantined: u64,
    /// By reason code.
    pub reasons: BTreeMap<&'static str, u64>,
}

impl FileReport {
    /// Counts.
    pub(crate) fn note(&mut self, reason: Reason) {
        let count = self.reasons.entry(reason.code()).or_default();
        *count = count.saturating_add(1);
    }
}

/// What a run did.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// `ndb`, `ltc`, `dpc` or `ehr`.
    pub source: &'static str,
    /// 32 random hexadecimal digits.
    pub batch: String,
    /// When.
    pub created_at: Timestamp,
    /// Version of the normaliser.
    pub normaliser: &'static str,
    /// By file.
    pub files: Vec<FileReport>,
    /// Rows by content table.
    pub tables: BTreeMap<&'static str, u64>,
    /// Distinct sets of identifiers.
    pub atoms: u64,
    /// Atoms that have a token of each kind.
    pub tokens: BTreeMap<&'static str, u64>,
}

impl Report {
    /// Sum over the files of one reason.
    pub fn count(&self, reason: Reason) -> u64 {
        self.files.iter().filter_map(|file| file.reasons.get(reason.code())).sum()
    }

    /// Records in quarantine.
    pub fn quarantined(&self) -> u64 {
        self.files.iter().map(|file| file.quarantined).sum()
    }
}
