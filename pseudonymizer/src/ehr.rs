//! 電子カルテ: FHIR bundles and documents. Nothing is copied: each resource is built anew from the paths that the layout lists, so
//! that what repeats an identifier elsewhere (subjects, texts, contained people, display names) has no way out (formats.md, part 10).

use std::io::BufRead;
use std::path::Path;

use serde::de::IgnoredAny;

mod bundle;
mod patient;
mod rebuild;
mod resources;
mod sections;
mod shape;
#[cfg(test)]
mod tests;
mod tree;
mod view;
mod walk;

use crate::intake::Intake;
use crate::job::PseudonymizeError;
use crate::lines::{self, Line};
use crate::report::Reason;
use shape::Shape;
use tree::Plan;
use walk::Tally;

/// Largest document that is read, in bytes.
const DOCUMENT_MAX: usize = 32 * 1024 * 1024;

/// Deepest nesting that is read; the profiles need about 15 levels.
const DEPTH_MAX: usize = 64;

/// Reads a file of documents: one, or one a line.
pub(crate) fn read(from: &mut dyn BufRead, intake: &mut Intake<'_>, path: &Path) -> Result<(), PseudonymizeError> {
    let Some(plan) = intake.layout("ehr-fhir").map(Plan::of) else {
        intake.note(Reason::FileUnknown);
        return Ok(());
    };
    let mut taken = 0;
    documents(from, path, &mut taken, |document, number, bytes, whole| {
        intake.file.bytes = bytes;
        intake.read_one();
        let put_aside = if whole { one(document, &plan, intake)? } else { Some(Reason::RecordLong) };
        match put_aside {
            Some(reason) => intake.put_aside(number, reason, document),
            None => Ok(()),
        }
    })
}

/// Reads a document. The reason why it must be put aside, if so.
fn one(document: &[u8], plan: &Plan, intake: &mut Intake<'_>) -> Result<Option<Reason>, PseudonymizeError> {
    if shape::is_deeper(document, DEPTH_MAX) {
        return Ok(Some(Reason::RecordForm));
    }
    let Ok(shape) = serde_json::from_slice::<Shape<'_>>(document) else { return Ok(Some(Reason::RecordForm)) };
    if shape.kind.as_deref() != Some("Bundle") {
        return Ok(Some(Reason::RecordForm));
    }
    let tally = Tally::default();
    let Ok(rebuilt) = rebuild::rebuild(document, &shape, plan, &tally) else { return Ok(Some(Reason::RecordForm)) };
    for _ in 0..tally.malformed.get() {
        intake.note(Reason::CellForm);
    }
    bundle::write(&rebuilt, shape.timestamp.as_deref(), document, intake)
}

/// Calls `each` for every document with its number, the bytes taken so far and whether it is there whole. A file whose first line
/// is a whole document has one a line; so has one whose second line is, then the first is broken.
fn documents(
    from: &mut dyn BufRead,
    path: &Path,
    taken: &mut u64,
    mut each: impl FnMut(&[u8], u64, u64, bool) -> Result<(), PseudonymizeError>,
) -> Result<(), PseudonymizeError> {
    let (mut buffer, mut gathered) = (Vec::new(), Vec::new());
    let mut fits = true;
    let mut number = 0_u64;
    loop {
        let before = *taken;
        let line = lines::next_up_to(DOCUMENT_MAX, from, &mut buffer, taken).map_err(PseudonymizeError::io(path))?;
        if line == Line::End {
            break;
        }
        let at_margin = buffer.first() == Some(&b'{');
        let document = buffer.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&buffer).trim_ascii();
        let whole = || serde_json::from_slice::<IgnoredAny>(document).is_ok();
        let is_bundle = || memchr::memmem::find(document, b"\"Bundle\"").is_some();
        let by_line = number > 0 || gathered.is_empty() && whole() || at_margin && is_bundle() && whole();
        if !by_line {
            fits &= line == Line::Read && gathered.len().saturating_add(document.len()) < DOCUMENT_MAX;
            // Of a document that is too long its beginning is put aside.
            if fits || gathered.is_empty() {
                gathered.extend_from_slice(document);
                gathered.push(b' ');
            }
            continue;
        }
        if !gathered.is_empty() {
            number = 1;
            each(&gathered, number, before, fits)?;
            gathered = Vec::new();
        }
        if !document.is_empty() {
            number = number.saturating_add(1);
            each(document, number, *taken, line == Line::Read)?;
        }
    }
    if gathered.iter().any(|byte| !byte.is_ascii_whitespace()) { each(&gathered, 1, *taken, fits) } else { Ok(()) }
}
