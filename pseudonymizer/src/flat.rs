//! The generic reader: delimited files whose layout alone says what becomes of each cell. A source that a steward adds needs no
//! code; `docs/layouts.md` says how its file is written.

use std::io::BufRead;
use std::path::Path;

mod cells;
mod header;
mod identity;
mod plan;
mod records;
#[cfg(test)]
mod tests;

use crate::intake::Intake;
use crate::job::PseudonymizeError;
use crate::layout::{Layout, Place, Reader, Record};
use crate::report::Reason;
use plan::Plan;

pub(crate) use cells::{birth, text};
pub(crate) use header::is_of;
pub(crate) use identity::{facility, issuer};
pub(crate) use records::{Next, Records};

/// The record that the generic reader reads: of a delimited layout, the one that names a table.
pub(crate) fn record(layout: &Layout) -> Option<&Record> {
    layout.records.iter().find(|record| layout.reader == Reader::Delimited && record.table.is_some())
}

/// Whether a record's fields are found by the names in a header line.
fn has_header(record: &Record) -> bool {
    record.fields.iter().any(|field| matches!(field.place, Place::Header(_)))
}

/// Reads a file of that layout.
pub(crate) fn read(
    from: &mut dyn BufRead,
    layout: &Layout,
    intake: &mut Intake<'_>,
    path: &Path,
) -> Result<(), PseudonymizeError> {
    let Some(record) = record(layout) else { return Ok(()) };
    let mut records = Records::new(from, layout.delimiter.byte());
    let mut plan = if has_header(record) { None } else { Plan::by_position(layout, record) };
    loop {
        let next = records.next(&mut intake.file.bytes).map_err(PseudonymizeError::io(path))?;
        match (next, &plan) {
            (Next::End, _) => return Ok(()),
            (Next::Record, None) => {
                plan = Plan::by_header(layout, record, &records);
                let Some(plan) = &plan else {
                    // Without its header line no cell of the file has a name.
                    intake.read_one();
                    return intake.put_aside(intake.file.records, Reason::RecordForm, records.raw());
                };
                (0..plan.unlisted()).for_each(|_| intake.note(Reason::PartUnknown));
            }
            (Next::Record, Some(plan)) => {
                intake.read_one();
                plan.write(&records, intake)?;
            }
            (Next::Malformed, _) => {
                intake.read_one();
                intake.put_aside(intake.file.records, Reason::RecordForm, records.raw())?;
            }
            (Next::TooLong, _) => {
                intake.read_one();
                intake.put_aside(intake.file.records, Reason::RecordLong, records.raw())?;
            }
        }
    }
}
