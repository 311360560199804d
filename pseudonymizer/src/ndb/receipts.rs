//! Streams a UKE file: institution, then receipts, one in memory at a time (formats.md, parts 0 to 4). Where a field stands and
//! whether it may be used is the layouts' matter.

use std::io::BufRead;
use std::path::Path;

use crate::intake::Intake;
use crate::job::PseudonymizeError;
use crate::lines::{self, Line as Taken};
use crate::report::Reason;

mod body;
mod buffer;
mod checks;
mod claim;
mod dialect;
mod institution;
#[cfg(test)]
mod uncarried;
mod who;

use buffer::{Receipt, Tag, tag_of};
use checks::{Groups, Order};
use dialect::{Choice, Dialects, Take};
use institution::Institution;

/// Largest receipt that is read, in bytes; the largest in practice are a few megabytes (formats.md, part 0).
const RECEIPT_MAX: usize = 16 * 1024 * 1024;

/// The records of an organ donor, a second person inside a receipt; they end with the receipt.
const DONOR: [Tag; 3] = [*b"TI", *b"TR", *b"TS"];

/// 返戻: the receipt above was returned.
const RETURNED: [Tag; 3] = [*b"HI", *b"HR", *b"HG"];

/// Reads a file of receipts.
pub(crate) fn read(from: &mut dyn BufRead, intake: &mut Intake<'_>, path: &Path) -> Result<(), PseudonymizeError> {
    let dialects = Dialects::of(intake);
    let mut run = Run::new(&dialects);
    let mut buffer = Vec::new();
    loop {
        let line = lines::next(from, &mut buffer, &mut intake.file.bytes).map_err(PseudonymizeError::io(path))?;
        match line {
            Taken::End => break,
            Taken::Read if buffer.is_empty() => continue,
            Taken::Read => intake.read_one(),
            Taken::TooLong => {
                intake.read_one();
                intake.put_aside(intake.file.records, Reason::RecordLong, &buffer)?;
                continue;
            }
        }
        run.take(&buffer, intake)?;
    }
    run.settle(intake)?;
    run.groups.end(intake);
    Ok(())
}

struct Run<'d> {
    dialects: &'d Dialects,
    choice: Choice<'d>,
    /// The institution as each of the two layouts reads it.
    usual: Option<Institution>,
    bundled: Option<Institution>,
    receipt: Receipt,
    /// A record outside of receipts.
    single: Receipt,
    has_bundle: bool,
    donor: bool,
    returned: bool,
    groups: Groups,
    order: Order,
}

impl<'d> Run<'d> {
    fn new(dialects: &'d Dialects) -> Self {
        Self {
            dialects,
            choice: Choice::default(),
            usual: None,
            bundled: None,
            receipt: Receipt::default(),
            single: Receipt::default(),
            has_bundle: false,
            donor: false,
            returned: false,
            groups: Groups::default(),
            order: Order::default(),
        }
    }

    fn take(&mut self, line: &[u8], intake: &mut Intake<'_>) -> Result<(), PseudonymizeError> {
        let tag = tag_of(line);
        match &tag {
            b"UK" => self.settle(intake),
            b"IR" | b"YK" => {
                self.settle(intake)?;
                self.groups.open(intake);
                self.open(line, intake)
            }
            b"GO" => {
                self.settle(intake)?;
                self.single.clear();
                self.single.push(intake.file.records, line);
                let dialect = self.choice.usual.or(self.choice.bundled);
                self.groups.close(self.single.first(), dialect, intake);
                Ok(())
            }
            b"RE" => {
                self.settle(intake)?;
                self.order.begin();
                self.receipt.push(intake.file.records, line);
                Ok(())
            }
            _ => self.append(tag, line, intake),
        }
    }

    fn open(&mut self, line: &[u8], intake: &mut Intake<'_>) -> Result<(), PseudonymizeError> {
        self.single.clear();
        self.single.push(intake.file.records, line);
        let Some(opening) = self.single.first() else { return Ok(()) };
        self.choice = self.dialects.behind(opening);
        let read = |dialect: Option<&_>| dialect.and_then(|dialect| Institution::read(opening, dialect));
        // Of an institution whose fee table no layout has, the code is looked at with any that begins so.
        let any = self.choice.usual.or_else(|| self.dialects.opened_by(opening.tag));
        (self.usual, self.bundled) = (read(any), read(self.choice.bundled));
        if self.usual.is_none() && self.bundled.is_none() {
            intake.put_aside(intake.file.records, Reason::NoFacility, line)?;
        }
        Ok(())
    }

    fn append(&mut self, tag: Tag, line: &[u8], intake: &mut Intake<'_>) -> Result<(), PseudonymizeError> {
        let number = intake.file.records;
        if RETURNED.contains(&tag) && !self.receipt.is_empty() {
            self.returned = true;
            intake.note(Reason::RecordUncarried);
            return Ok(());
        }
        self.donor |= DONOR.contains(&tag);
        if self.donor {
            intake.note(Reason::Donor);
            return Ok(());
        }
        self.order.see(tag, intake);
        self.has_bundle |= &tag == b"BU";
        match self.choice.take(tag) {
            Take::Aside => intake.put_aside(number, Reason::RecordUnknown, line),
            Take::Drop => {
                intake.note(Reason::RecordUncarried);
                Ok(())
            }
            Take::Read if self.receipt.is_empty() => intake.put_aside(number, Reason::RecordOrphan, line),
            Take::Read if self.receipt.bytes().len() >= RECEIPT_MAX => {
                intake.put_aside(number, Reason::RecordLong, line)
            }
            Take::Read => {
                self.receipt.push(number, line);
                Ok(())
            }
        }
    }

    /// Hands the receipt in memory on.
    fn settle(&mut self, intake: &mut Intake<'_>) -> Result<(), PseudonymizeError> {
        self.donor = false;
        let returned = std::mem::take(&mut self.returned);
        let has_bundle = std::mem::take(&mut self.has_bundle);
        let Some(re) = self.receipt.first() else { return Ok(()) };
        let (dialect, institution) =
            if has_bundle { (self.choice.bundled, &self.bundled) } else { (self.choice.usual, &self.usual) };
        self.groups.count(re, dialect, intake);
        let read = match (institution, dialect) {
            (None, _) if self.usual.is_none() => Err(Reason::NoFacility),
            (None, _) | (Some(_), None) => Err(Reason::ReceiptKind),
            (Some(institution), Some(dialect)) => claim::read(&self.receipt, institution, dialect, intake),
        };
        let done = match read {
            Ok(Some(claim)) if returned => {
                claim.withdraw(intake);
                Ok(())
            }
            Ok(Some(claim)) => claim.write(intake),
            Ok(None) => Ok(()),
            Err(reason) => intake.put_aside(re.number, reason, self.receipt.bytes()),
        };
        self.receipt.clear();
        done
    }
}
