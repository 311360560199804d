//! EF: an E row for each act, F rows for its parts (formats.md 9.3). Parts become items, acts add up to the stay's points.

use std::io::BufRead;
use std::path::Path;

use super::stays::{Current, Stay, check_order};
use super::{rows, width};
use crate::cell;
use crate::intake::Intake;
use crate::job::PseudonymizeError;
use crate::layout::fields;
use crate::normalise::date;
use crate::report::Reason;
use crate::rows::ItemRow;

fields! {
    /// The one record of an EF file.
    Ef of "" {
        frame { discharge_date, detail_no, inout }
        identity { facility, data_id }
        content {
            admission_date, data_class, claim_code, quantity, fee_for_service_points, act_points, act_drug_points,
            act_material_points, act_count, act_date,
        }
    }
}

/// データ区分 of meals: yen, not points.
const MEALS: &str = "97";

/// Reads an EF file.
pub(crate) fn read(from: &mut dyn BufRead, intake: &mut Intake<'_>, path: &Path) -> Result<(), PseudonymizeError> {
    let layout = intake.layout("dpc-ef");
    let (ef, width) = (layout.map(Ef::of).unwrap_or_default(), width(layout, ""));
    let mut current = Current::default();
    rows(from, intake, path, width, |intake, cells, line| {
        if ef.inout.at(cells) == b"1" {
            // An outpatient visit is no stay.
            intake.note(Reason::RecordUncarried);
            return Ok(());
        }
        let said = [ef.facility.at(cells), ef.data_id.at(cells), ef.admission_date.at(cells)];
        match current.of(said, intake) {
            Ok(Some(stay)) => ef.row(stay, cells, line, intake),
            Ok(None) => Ok(()),
            Err(reason) => intake.put_aside(intake.file.records, reason, line),
        }
    })
}

impl Ef {
    fn row(&self, stay: &Stay, cells: &[&[u8]], line: &[u8], intake: &mut Intake<'_>) -> Result<(), PseudonymizeError> {
        let category = intake.cell(self.data_class.at(cells), |cell| cell::digits(cell, 2));
        if self.detail_no.at(cells) == b"000" {
            if category != Some(MEALS) {
                let sum = self.act_points(cells, intake);
                intake.add_to_stay(stay.owner, Some(sum), None);
            }
            return Ok(());
        }
        let Some(code) = cell::digits(self.claim_code.at(cells), 9) else {
            return intake.put_aside(intake.file.records, Reason::NoCode, line);
        };
        if code.starts_with('8') && !code.starts_with("82") {
            // Comments; 82… are the classes of long-stay care.
            intake.note(Reason::RecordUncarried);
            return Ok(());
        }
        let performed_on = intake.cell(self.act_date.at(cells), date::day);
        check_order(stay.key.admitted_on, date::day(self.discharge_date.at(cells)), performed_on, intake);
        let points = intake.cell(self.fee_for_service_points.at(cells), cell::int);
        let row = ItemRow {
            stay_id: stay.owner.record,
            performed_on,
            item_code: Some(code),
            category,
            quantity: intake.cell(self.quantity.at(cells), cell::decimal),
            points: points.filter(|_| category != Some(MEALS)),
            facility_code: Some(&stay.key.facility),
        };
        intake.row(stay.owner, &row)
    }

    /// Points of an act: care, drugs and materials, as often as it was done.
    fn act_points(&self, cells: &[&[u8]], intake: &mut Intake<'_>) -> i32 {
        let once = [self.act_points, self.act_drug_points, self.act_material_points]
            .map(|field| intake.cell(field.at(cells), cell::int).unwrap_or(0))
            .into_iter()
            .fold(0_i32, i32::saturating_add);
        once.saturating_mul(intake.cell(self.act_count.at(cells), cell::int).unwrap_or(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_code_asks_for_stand_in_the_layout() {
        let layouts = crate::layout::shipped().unwrap();
        let (tag, names) = Ef::NAMES;
        let record = layouts["dpc-ef"].record(tag).unwrap();
        let missing: Vec<&&str> = names.iter().filter(|name| record.field(name).is_none()).collect();
        assert!(missing.is_empty(), "{tag}: {missing:?}");
    }
}
