//! D: what DPC bundles. The rows of data class 93 carry the classification of the stay (formats.md 9.4).

use std::io::BufRead;
use std::path::Path;

use super::stays::{Current, check_order};
use super::{rows, width};
use crate::cell;
use crate::intake::Intake;
use crate::job::PseudonymizeError;
use crate::layout::fields;
use crate::normalise::date;
use crate::report::Reason;

fields! {
    /// The one record of a D file.
    Bundle of "" {
        frame { discharge_date, data_class, act_date }
        identity { facility, data_id }
        content { admission_date, dpc_code }
    }
}

/// データ区分 of the bundled payment.
const BUNDLED: &[u8] = b"93";

/// Letters and digits of a 診断群分類番号; `x` is for what does not divide.
const CODE: usize = 14;

/// Reads a D file.
pub(crate) fn read(from: &mut dyn BufRead, intake: &mut Intake<'_>, path: &Path) -> Result<(), PseudonymizeError> {
    let layout = intake.layout("dpc-d");
    let (bundle, width) = (layout.map(Bundle::of).unwrap_or_default(), width(layout, ""));
    let mut current = Current::default();
    rows(from, intake, path, width, |intake, cells, line| {
        if bundle.data_class.at(cells) != BUNDLED {
            intake.note(Reason::RecordUncarried);
            return Ok(());
        }
        let said = [bundle.facility.at(cells), bundle.data_id.at(cells), bundle.admission_date.at(cells)];
        let stay = match current.of(said, intake) {
            Ok(Some(stay)) => stay,
            Ok(None) => return Ok(()),
            Err(reason) => return intake.put_aside(intake.file.records, reason, line),
        };
        let Some(code) = dpc_code(bundle.dpc_code.at(cells)) else {
            return intake.put_aside(intake.file.records, Reason::NoCode, line);
        };
        let (left, done) = (date::day(bundle.discharge_date.at(cells)), date::day(bundle.act_date.at(cells)));
        check_order(stay.key.admitted_on, left, done, intake);
        intake.add_to_stay(stay.owner, None, Some(code));
        Ok(())
    })
}

/// Two digits of the major category, then digits and `x`.
fn dpc_code(written: &[u8]) -> Option<&str> {
    let (category, rest) = written.split_at_checked(2)?;
    cell::digits(category, 2)?;
    let fits = written.len() == CODE && rest.iter().all(|byte| byte.is_ascii_digit() || *byte == b'x');
    fits.then(|| std::str::from_utf8(written).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_classification_has_its_form() {
        assert_eq!(dpc_code(b"010010xx99x4xx"), Some("010010xx99x4xx"));
        assert_eq!(dpc_code(b"10007xxxxxx1xx"), Some("10007xxxxxx1xx"));
        for wrong in
            [&b""[..], b"010010xx99x4x", b"010010xx99x4xxx", b"YAMADAxx99x4xx", b"010010XX99X4XX", b"010010xx99x4x\xff"]
        {
            assert_eq!(dpc_code(wrong), None);
        }
    }

    #[test]
    fn names_that_code_asks_for_stand_in_the_layout() {
        let layouts = crate::layout::shipped().unwrap();
        let (tag, names) = Bundle::NAMES;
        let record = layouts["dpc-d"].record(tag).unwrap();
        let missing: Vec<&&str> = names.iter().filter(|name| record.field(name).is_none()).collect();
        assert!(missing.is_empty(), "{tag}: {missing:?}");
    }
}
