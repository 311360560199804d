//! Checks of a file's frame and of the order of records (formats.md, 17). What they find is counted; nothing is put aside for it.

use super::buffer::{Line, Tag};
use super::dialect::Dialect;
use crate::cell;
use crate::intake::Intake;
use crate::report::Reason;

/// IR … GO, one behind the other.
#[derive(Default)]
pub(super) struct Groups {
    open: bool,
    /// Receipts since the last IR.
    receipts: u64,
    /// Number of the last receipt.
    number: Option<i32>,
}

impl Groups {
    /// An institution's record.
    pub(super) fn open(&mut self, intake: &mut Intake<'_>) {
        if self.open {
            intake.note(Reason::FileFrame);
        }
        *self = Self { open: true, ..Self::default() };
    }

    /// A receipt.
    pub(super) fn count(&mut self, re: Line<'_>, dialect: Option<&Dialect>, intake: &mut Intake<'_>) {
        self.receipts = self.receipts.saturating_add(1);
        let number = dialect.and_then(|dialect| cell::int(re.cell(dialect.re.receipt_no)));
        let follows = |(last, number): (i32, i32)| last.checked_add(1) == Some(number);
        if self.number.zip(number).is_some_and(|numbers| !follows(numbers)) {
            intake.note(Reason::RecordOrder);
        }
        self.number = number;
    }

    /// The totals.
    pub(super) fn close(&mut self, go: Option<Line<'_>>, dialect: Option<&Dialect>, intake: &mut Intake<'_>) {
        if !self.open {
            intake.note(Reason::FileFrame);
        }
        self.open = false;
        let Some((go, dialect)) = go.zip(dialect) else { return };
        let volume = go.cell(dialect.go.volume_no);
        // Only a single volume can be checked: of several, the last (99) counts those of all.
        let stated = cell::int(go.cell(dialect.go.total_receipts)).and_then(|count| u64::try_from(count).ok());
        if (volume.is_empty() || volume == b"99") && stated.is_some_and(|stated| stated != self.receipts) {
            intake.note(Reason::FileTotals);
        }
    }

    /// The end of the file.
    pub(super) fn end(&self, intake: &mut Intake<'_>) {
        if self.open {
            intake.note(Reason::FileFrame);
        }
    }
}

/// Order of the records of a receipt.
#[derive(Default)]
pub(super) struct Order {
    rank: u8,
    told: bool,
}

impl Order {
    /// RE.
    pub(super) fn begin(&mut self) {
        *self = Self::default();
    }

    /// Another record; a receipt is counted once.
    pub(super) fn see(&mut self, tag: Tag, intake: &mut Intake<'_>) {
        let Some(rank) = rank(tag) else { return };
        if rank < self.rank && !self.told {
            self.told = true;
            intake.note(Reason::RecordOrder);
        }
        self.rank = self.rank.max(rank);
    }
}

/// Place in the official order (formats.md, 1 to 4); records of one rank stand in any order.
fn rank(tag: Tag) -> Option<u8> {
    Some(match &tag {
        b"HO" => 1,
        b"KO" => 2,
        b"SN" => 3,
        b"JD" => 4,
        b"MF" => 5,
        b"GR" => 6,
        b"BU" => 7,
        b"HS" | b"SB" | b"SY" => 8,
        b"KK" => 9,
        b"SK" => 10,
        b"GA" => 11,
        b"HH" => 12,
        b"GT" => 13,
        b"CO" | b"CZ" | b"IY" | b"KI" | b"SH" | b"SI" | b"SS" | b"ST" | b"TK" | b"TO" => 14,
        b"CD" => 15,
        b"SJ" => 16,
        _ => return None,
    })
}
