//! EF: an E row for each act, F rows for its parts (formats.md 9.3). Parts become items, acts add up to the stay's points.

use super::CaseKey;
use crate::cell::{self, at};
use crate::intake::Intake;
use crate::job::PseudonymizeError;
use crate::normalise::date;
use crate::report::Reason;
use crate::rows::ItemRow;
use crate::tokens::Identity;

/// データ区分 of meals: yen, not points.
const MEALS: &str = "97";

/// Adds a row of EF.
pub(super) fn item(
    cells: &[&[u8]],
    line: &[u8],
    intake: &mut Intake<'_>,
) -> Result<(), PseudonymizeError> {
    let record = intake.file.records;
    let key = match CaseKey::read(at(cells, 1), at(cells, 2), at(cells, 4)) {
        Ok(key) => key,
        Err(reason) => return intake.put_aside(record, reason, line),
    };
    if at(cells, 30) == b"1" {
        // An outpatient visit is no stay.
        intake.note(Reason::RecordUncarried);
        return Ok(());
    }
    let identity =
        Identity { facility: Some(key.facility.clone()), chart: Some(key.chart.clone()), ..Identity::default() };
    let Some(owner) = intake.resume(&identity, &key.words().each_ref().map(String::as_str)) else { return Ok(()) };
    let category = intake.cell(at(cells, 5), |cell| cell::digits(cell, 2));
    if at(cells, 7) == b"000" {
        if category != Some(MEALS) {
            let sum = act_points(cells, intake);
            intake.add_to_stay(owner, Some(sum), None);
        }
        return Ok(());
    }
    let Some(code) = cell::digits(at(cells, 9), 9) else {
        return intake.put_aside(record, Reason::NoCode, line);
    };
    if code.starts_with('8') && !code.starts_with("82") {
        // Comments; 82… are the classes of long-stay care.
        intake.note(Reason::RecordUncarried);
        return Ok(());
    }
    let points = intake.cell(at(cells, 16), cell::int).filter(|_| category != Some(MEALS));
    let row = ItemRow {
        stay_id: owner.record,
        performed_on: intake.cell(at(cells, 24), date::day),
        item_code: Some(code),
        category,
        quantity: intake.cell(at(cells, 12), cell::decimal),
        points,
        facility_code: Some(&key.facility),
    };
    intake.row(owner, &row)
}

/// Points of an act: care, drugs and materials, as often as it was done.
fn act_points(cells: &[&[u8]], intake: &mut Intake<'_>) -> i32 {
    let once = [18, 19, 20]
        .map(|place| intake.cell(at(cells, place), cell::int).unwrap_or(0))
        .into_iter()
        .fold(0_i32, i32::saturating_add);
    once.saturating_mul(intake.cell(at(cells, 21), cell::int).unwrap_or(1))
}
