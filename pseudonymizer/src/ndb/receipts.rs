//! Streams a UKE file: institution, then receipts, one in memory at a time (formats.md, parts 0 to 4).

use std::io::BufRead;
use std::path::Path;

use super::{details, header};
use crate::cell;
use crate::atoms::Owner;
use crate::intake::{Intake, Version};
use crate::job::PseudonymizeError;
use crate::lines::{self, Line};
use crate::report::Reason;

/// Largest receipt that is read, in bytes; the largest in practice are a few megabytes (formats.md, part 0).
const RECEIPT_MAX: usize = 64 * 1024 * 1024;

/// Records that stand on a receipt's lines but carry nothing that is kept: visit days, payments, texts, totals of DPC.
const UNCARRIED: [&[u8]; 20] = [
    b"JD", b"MF", b"GR", b"CO", b"SJ", b"KK", b"SK", b"GA", b"HH", b"GT", b"KI", b"ST", b"TK", b"RC", b"MN", b"JY",
    b"EX", b"KH", b"JR", b"NI",
];

/// Records whose facts are kept.
const CARRIED: [&[u8]; 13] =
    [b"RE", b"HO", b"KO", b"SN", b"SY", b"SI", b"IY", b"TO", b"BU", b"SB", b"CD", b"CZ", b"SH"];

/// The records of an organ donor.
const DONOR: [&[u8]; 3] = [b"TI", b"TR", b"TS"];

/// Where the positions of a receipt's fields are looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// DPC (formats.md, part 2).
    Dpc,
    /// 医科 (part 1).
    Medical,
    /// 調剤 (part 4).
    Pharmacy,
}

/// The institution that sent the receipts.
#[derive(Clone)]
pub(crate) struct Institution {
    /// 10 digits: prefecture, fee table, number.
    pub(crate) code: String,
    pub(crate) pharmacy: bool,
}

/// One receipt, from its RE to the next.
#[derive(Default)]
pub(crate) struct Receipt {
    bytes: Vec<u8>,
    lines: Vec<(u64, usize, usize)>,
}

impl Receipt {
    /// Lines with their record numbers; the first is RE.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (u64, &[u8])> {
        self.lines.iter().map(|(number, start, end)| (*number, self.bytes.get(*start..*end).unwrap_or_default()))
    }

    /// Number of its first record.
    pub(crate) fn number(&self) -> u64 {
        self.lines.first().map_or(0, |(number, _, _)| *number)
    }

    /// Everything, for quarantine.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether a record of that kind is there.
    pub(crate) fn has(&self, kind: &[u8]) -> bool {
        self.lines().any(|(_, line)| kind_of(line) == kind)
    }

    fn push(&mut self, number: u64, line: &[u8]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(line);
        self.lines.push((number, start, self.bytes.len()));
        self.bytes.push(b'\n');
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.lines.clear();
    }
}

/// First two characters of a record.
pub(crate) fn kind_of(line: &[u8]) -> &[u8] {
    line.split(|byte| *byte == b',').next().unwrap_or_default()
}

/// Reads a file of receipts.
pub(crate) fn read(from: &mut dyn BufRead, intake: &mut Intake<'_>, path: &Path) -> Result<(), PseudonymizeError> {
    let mut run = Run { institution: None, receipt: Receipt::default(), donor: false, receipts: 0 };
    let mut buffer = Vec::new();
    loop {
        let line = lines::next(from, &mut buffer, &mut intake.file.bytes).map_err(PseudonymizeError::io(path))?;
        match line {
            Line::End => break,
            Line::Read if buffer.is_empty() => continue,
            Line::Read => intake.read_one(),
            Line::TooLong => {
                intake.read_one();
                intake.put_aside(intake.file.records, Reason::RecordLong, &buffer)?;
                continue;
            }
        }
        run.take(&buffer, intake)?;
    }
    run.settle(intake)
}

struct Run {
    institution: Option<Institution>,
    receipt: Receipt,
    donor: bool,
    /// Since the last IR.
    receipts: u64,
}

impl Run {
    fn take(&mut self, line: &[u8], intake: &mut Intake<'_>) -> Result<(), PseudonymizeError> {
        let kind = kind_of(line);
        match kind {
            b"UK" => self.settle(intake),
            b"IR" | b"YK" => {
                self.settle(intake)?;
                self.institution = institution(line);
                self.receipts = 0;
                if self.institution.is_none() {
                    intake.put_aside(intake.file.records, Reason::NoFacility, line)?;
                }
                Ok(())
            }
            b"GO" => {
                self.settle(intake)?;
                self.check_totals(line, intake);
                Ok(())
            }
            b"RE" => {
                self.settle(intake)?;
                self.receipts = self.receipts.saturating_add(1);
                self.receipt.push(intake.file.records, line);
                Ok(())
            }
            _ => self.append(kind, line, intake),
        }
    }

    fn append(&mut self, kind: &[u8], line: &[u8], intake: &mut Intake<'_>) -> Result<(), PseudonymizeError> {
        self.donor |= DONOR.contains(&kind);
        if self.donor {
            intake.note(Reason::Donor);
        } else if self.receipt.lines.is_empty() {
            intake.put_aside(intake.file.records, Reason::RecordOrphan, line)?;
        } else if CARRIED.contains(&kind) {
            if self.receipt.bytes.len() < RECEIPT_MAX {
                self.receipt.push(intake.file.records, line);
            } else {
                intake.put_aside(intake.file.records, Reason::RecordLong, line)?;
            }
        } else {
            intake.note(if UNCARRIED.contains(&kind) { Reason::RecordUncarried } else { Reason::RecordUnknown });
        }
        Ok(())
    }

    fn check_totals(&mut self, line: &[u8], intake: &mut Intake<'_>) {
        let mut cells = Vec::new();
        lines::split(line, b',', &mut cells);
        let volume = cell::at(&cells, 4);
        // Only a single volume can be checked: of several, the last (99) counts those of all.
        let stated = cell::int(cell::at(&cells, 2)).and_then(|count| u64::try_from(count).ok());
        if (volume.is_empty() || volume == b"99") && stated.is_some_and(|stated| stated != self.receipts) {
            intake.note(Reason::FileTotals);
        }
    }

    /// Hands the receipt in memory on.
    fn settle(&mut self, intake: &mut Intake<'_>) -> Result<(), PseudonymizeError> {
        self.donor = false;
        if self.receipt.lines.is_empty() {
            return Ok(());
        }
        let done = settle(&self.receipt, self.institution.as_ref(), intake);
        self.receipt.clear();
        done
    }
}

fn settle(
    receipt: &Receipt,
    institution: Option<&Institution>,
    intake: &mut Intake<'_>,
) -> Result<(), PseudonymizeError> {
    let Some(institution) = institution else {
        return intake.put_aside(receipt.number(), Reason::NoFacility, receipt.bytes());
    };
    match header::read(receipt, institution, intake) {
        Ok(None) => Ok(()),
        Ok(Some(claim)) => {
            register(receipt, institution, claim.owner, intake);
            header::write(&claim, intake)?;
            details::write(receipt, &claim, intake)?;
            intake.passed();
            Ok(())
        }
        Err(reason) => intake.put_aside(receipt.number(), reason, receipt.bytes()),
    }
}

/// What the receipt says, whatever its number in the file.
fn register(receipt: &Receipt, institution: &Institution, owner: Owner, intake: &mut Intake<'_>) {
    let mut parts: Vec<&[u8]> = vec![institution.code.as_bytes()];
    for (_, line) in receipt.lines() {
        let numbered = kind_of(line) == b"RE";
        let mut cells = line.splitn(3, |byte| *byte == b',');
        match (numbered, cells.nth(2)) {
            (true, Some(behind_the_number)) => parts.push(behind_the_number),
            _ => parts.push(line),
        }
    }
    intake.register(owner, &Version { key: None, content: &parts, order: 0, together: true, withdraws: false });
}

fn institution(line: &[u8]) -> Option<Institution> {
    let mut cells = Vec::new();
    lines::split(line, b',', &mut cells);
    let code = header::facility(cell::at(&cells, 3), cell::at(&cells, 4), cell::at(&cells, 5))?;
    Some(Institution { code, pharmacy: kind_of(line) == b"YK" })
}
