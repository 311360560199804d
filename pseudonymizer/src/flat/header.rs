//! The header line: which cell has which name, and whether a file is of a layout at all.

use crate::layout::{Encoding, Layout, Place, Record};
use crate::normalise::text;

use super::records::{Next, Records};
use super::{cells, has_header, record};

/// Whether a file that begins so is of that layout: its header line holds each of the layout's names once, or, where the layout
/// has positions, its first line has so many cells.
pub(crate) fn is_of(layout: &Layout, head: &[u8]) -> bool {
    let Some(record) = record(layout) else { return false };
    let mut from = head;
    let mut records = Records::new(&mut from, layout.delimiter.byte());
    // Reading from memory does not fail.
    if !matches!(records.next(&mut 0), Ok(Next::Record)) {
        return false;
    }
    if has_header(record) {
        places(layout.encoding, record, &records).is_some()
    } else {
        records.count() == usize::from(record.width)
    }
}

/// The cell of each field, in the order of the layout. `None` if a name is missing or stands twice.
pub(super) fn places(encoding: Encoding, record: &Record, records: &Records<'_>) -> Option<Vec<usize>> {
    let names: Vec<String> = (0..records.count())
        .map(|at| cells::text(encoding, records.cell(at)).map_or_else(String::new, |name| plain(&name)))
        .collect();
    let place = |name: &str| {
        let mut found = names.iter().enumerate().filter(|(_, known)| **known == plain(name)).map(|(at, _)| at);
        found.next().filter(|_| found.next().is_none())
    };
    let of = |wanted: &Place| match wanted {
        Place::Header(name) => place(name),
        Place::At(..) | Place::Path(_) => None,
    };
    record.fields.iter().map(|field| of(&field.place)).collect()
}

/// A name as it is compared: widths made one, without blanks.
fn plain(name: &str) -> String {
    text::fold(name).chars().filter(|letter| !text::is_blank(*letter)).collect()
}
