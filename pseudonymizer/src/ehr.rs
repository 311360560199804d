//! 電子カルテ: FHIR bundles and documents. Nothing is copied: each row is built anew from the paths named here, so that what
//! repeats an identifier elsewhere (subjects, texts, contained people, display names) has no way out (formats.md, part 10).

use std::io::BufRead;
use std::path::Path;

use serde::de::IgnoredAny;
use serde_json::Value;

mod bundle;
mod json;
mod patient;
mod resources;

use crate::intake::Intake;
use crate::job::PseudonymizeError;
use crate::lines::{self, Line};
use crate::report::Reason;

/// Largest document that is read, in bytes.
const DOCUMENT_MAX: usize = 32 * 1024 * 1024;

/// Reads a file of documents: one, or one a line.
pub(crate) fn read(
    from: &mut dyn BufRead,
    intake: &mut Intake<'_>,
    path: &Path,
) -> Result<(), PseudonymizeError> {
    let mut taken = 0;
    documents(from, path, &mut taken, |document, number, bytes| {
        intake.file.bytes = bytes;
        intake.read_one();
        match serde_json::from_slice::<Value>(document) {
            Ok(value) => match bundle::write(&value, intake)? {
                Ok(()) => Ok(()),
                Err(reason) => intake.put_aside(number, reason, document),
            },
            Err(_) => intake.put_aside(number, Reason::RecordForm, document),
        }
    })
}

/// Calls `each` for every document with its number and the bytes taken so far. A file whose first line is a whole document has
/// one a line.
fn documents(
    from: &mut dyn BufRead,
    path: &Path,
    taken: &mut u64,
    mut each: impl FnMut(&[u8], u64, u64) -> Result<(), PseudonymizeError>,
) -> Result<(), PseudonymizeError> {
    let mut buffer = Vec::new();
    let mut whole = Vec::new();
    let mut number = 0_u64;
    loop {
        let line = lines::next_up_to(DOCUMENT_MAX, from, &mut buffer, taken).map_err(PseudonymizeError::io(path))?;
        if line == Line::End {
            break;
        }
        let document = buffer.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&buffer).trim_ascii();
        let by_line = number > 0 || whole.is_empty() && serde_json::from_slice::<IgnoredAny>(document).is_ok();
        if by_line && !document.is_empty() {
            number = number.saturating_add(1);
            each(document, number, *taken)?;
        } else if !by_line && whole.len() < DOCUMENT_MAX {
            whole.extend_from_slice(document);
            whole.push(b' ');
        }
    }
    if whole.iter().any(|byte| !byte.is_ascii_whitespace()) { each(&whole, 1, *taken) } else { Ok(()) }
}
