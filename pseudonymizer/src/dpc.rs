//! DPC survey: 様式1 says who stayed and why, EF what was done, D how it was classified, H how much care each day took. Every file
//! names a stay by hospital, patient number and admission, so files are read in any order and none waits for another.

use std::io::BufRead;
use std::path::Path;

mod case;
mod classes;
mod form1;
mod items;
mod nursing;
mod stays;

pub(crate) use classes::read as read_classes;
pub(crate) use form1::read as read_form1;
pub(crate) use items::read as read_items;
pub(crate) use nursing::read as read_nursing;

use crate::cell;
use crate::intake::Intake;
use crate::job::PseudonymizeError;
use crate::layout::Layout;
use crate::lines::{self, Line};
use crate::report::Reason;

/// Counts the rows of a file that fills no column (様式4, Kファイル).
pub(crate) fn pass_over(from: &mut dyn BufRead, intake: &mut Intake<'_>, path: &Path) -> Result<(), PseudonymizeError> {
    rows(from, intake, path, usize::MAX, |intake, _, _| {
        intake.note(Reason::RecordUncarried);
        Ok(())
    })
}

/// Positions that a layout lists; none if there is no layout.
fn width(layout: Option<&Layout>, tag: &str) -> usize {
    layout.and_then(|layout| layout.record(tag)).map_or(0, |record| usize::from(record.width))
}

/// Calls `each` for every row of a tab-separated file; a title row (no nine digits in front) is passed over. Cells behind the
/// layout's width are counted and never read.
fn rows(
    from: &mut dyn BufRead,
    intake: &mut Intake<'_>,
    path: &Path,
    width: usize,
    mut each: impl FnMut(&mut Intake<'_>, &[&[u8]], &[u8]) -> Result<(), PseudonymizeError>,
) -> Result<(), PseudonymizeError> {
    let mut buffer = Vec::new();
    let mut spare = Vec::new();
    let mut first = true;
    loop {
        let line = lines::next(from, &mut buffer, &mut intake.file.bytes).map_err(PseudonymizeError::io(path))?;
        if line == Line::End {
            return Ok(());
        }
        let mut cells = lines::emptied(spare);
        lines::split(&buffer, b'\t', &mut cells);
        let title = first && cell::digits(cell::at(&cells, 1), 9).is_none();
        first = false;
        if !buffer.is_empty() && !title {
            intake.read_one();
            if line == Line::TooLong {
                intake.put_aside(intake.file.records, Reason::RecordLong, &buffer)?;
            } else {
                if cells.iter().skip(width).any(|cell| !cell.is_empty()) {
                    intake.note(Reason::PartUnknown);
                }
                each(intake, &cells, &buffer)?;
            }
        }
        spare = lines::emptied(cells);
    }
}
