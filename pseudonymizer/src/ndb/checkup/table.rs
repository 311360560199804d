//! 特定健診 as a table: a header line names the columns, a row is an examination (formats.md 8.2). CP932 or UTF-8, quoted or not.

use std::borrow::Cow;
use std::io::BufRead;
use std::path::Path;

use super::examination;
use super::header::Header;
use super::items::Items;
use crate::intake::Intake;
use crate::job::PseudonymizeError;
use crate::layout::{Place, Record, matches};
use crate::lines::{self, Line};
use crate::normalise::text;
use crate::report::Reason;

/// What stands in a column.
enum Column {
    /// A field of the head, by its place.
    Head(usize),
    /// The value of an item, by its code.
    Item(String),
    /// Nothing that is read.
    Passed,
}

/// Reads a file.
pub(crate) fn read(from: &mut dyn BufRead, intake: &mut Intake<'_>, path: &Path) -> Result<(), PseudonymizeError> {
    let record = intake.layout("ndb-checkup-csv").and_then(|layout| layout.records.first()).cloned();
    let items = intake.layout("ndb-checkup-xml").map(Items::of);
    let (Some(record), Some(mut items)) = (record, items) else {
        intake.note(Reason::FileUnknown);
        return Ok(());
    };
    let mut header = Header::of(&record);
    let (mut buffer, mut taken) = (Vec::new(), 0);
    let mut next =
        |buffer: &mut Vec<u8>, taken: &mut u64| lines::next(from, buffer, taken).map_err(PseudonymizeError::io(path));
    next(&mut buffer, &mut taken)?;
    let line = buffer.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&buffer);
    let is_utf8 = std::str::from_utf8(line).is_ok();
    let columns = columns(line, is_utf8, &record, &header, intake);
    loop {
        let line = next(&mut buffer, &mut taken)?;
        intake.file.bytes = taken;
        if line == Line::End {
            return Ok(());
        }
        if line == Line::Read && buffer.is_empty() {
            continue;
        }
        intake.read_one();
        let mut cells = Vec::new();
        lines::split_quoted(&buffer, &mut cells);
        let reason = if line == Line::TooLong {
            Some(Reason::RecordLong)
        } else if cells.len() != columns.len() {
            Some(Reason::RecordForm)
        } else {
            take(&columns, &cells, is_utf8, &mut header, &mut items);
            examination::write(&header, &items, false, intake)?
        };
        if let Some(reason) = reason {
            intake.put_aside(intake.file.records, reason, &buffer)?;
        }
    }
}

/// What the header line says; a column that the layout does not know is counted.
fn columns(line: &[u8], is_utf8: bool, record: &Record, header: &Header, intake: &mut Intake<'_>) -> Vec<Column> {
    let mut names = Vec::new();
    lines::split_quoted(line, &mut names);
    let known = |name: &str| {
        let names_it = |place: &Place| if let Place::Header(own) = place { matches(own, name) } else { false };
        record.fields.iter().enumerate().find(|(_, field)| names_it(&field.place))
    };
    let column = |name: &&[u8]| {
        let name = written(name, is_utf8).unwrap_or_default();
        let name = name.trim();
        match known(name) {
            Some((_, field)) if field.name == "item_value" => match name.strip_suffix("_値") {
                Some(code) if header.leaves("item_value") => Column::Item(code.to_owned()),
                _ => Column::Passed,
            },
            Some((place, _)) => Column::Head(place),
            None => {
                intake.note(Reason::PartUnknown);
                Column::Passed
            }
        }
    };
    names.iter().map(column).collect()
}

/// Takes a row's cells.
fn take(columns: &[Column], cells: &[&[u8]], is_utf8: bool, header: &mut Header, items: &mut Items) {
    header.clear();
    items.clear();
    for (column, cell) in columns.iter().zip(cells) {
        // A cell that cannot be read is no value.
        let cell = written(cell, is_utf8).unwrap_or_default();
        match column {
            Column::Head(place) => header.set(*place, &cell),
            Column::Item(code) => {
                items.begin();
                items.code(code);
                items.number(cell.trim());
                items.end();
            }
            Column::Passed => {}
        }
    }
}

fn written(cell: &[u8], is_utf8: bool) -> Option<Cow<'_, str>> {
    if is_utf8 { std::str::from_utf8(cell).ok().map(Cow::Borrowed) } else { text::cp932(cell) }
}
