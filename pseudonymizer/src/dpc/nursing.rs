//! H: severity and nursing need, a line a patient-day and code (formats.md 9.5). Lines of a day stand together and become a row.

use std::io::BufRead;
use std::path::Path;

use jiff::civil::Date;

use super::stays::{Current, check_order};
use super::{rows, width};
use crate::atoms::Owner;
use crate::cell;
use crate::intake::Intake;
use crate::job::PseudonymizeError;
use crate::layout::{Fate, Layout, fields};
use crate::normalise::date;
use crate::report::Reason;
use crate::rows::NursingNeedRow;

fields! {
    /// What every line begins with.
    Head of "" {
        frame { discharge_date, item_code }
        identity { facility, data_id }
        content { admission_date, assessed_on }
    }
}
fields! {
    /// A: monitoring and treatment.
    Treatment of "ASS0013" { identity {} content { items } }
}
fields! {
    /// B: state of the patient.
    Condition of "ASS0021" { identity {} content { states, helps } }
}
fields! {
    /// C: surgery and the like.
    Surgery of "ASS0031" { identity {} content { items } }
}

/// Columns before the payloads.
const HEAD: usize = 9;

#[derive(Default)]
struct Fields {
    head: Head,
    treatment: Treatment,
    condition: Condition,
    surgery: Surgery,
    fates: [(&'static [u8], Option<Fate>); 4],
    unknown: Option<Fate>,
}

impl Fields {
    fn of(layout: &Layout) -> Self {
        let fate = |tag: &'static str| (tag.as_bytes(), layout.record(tag).map(|record| record.fate));
        Self {
            head: Head::of(layout),
            treatment: Treatment::of(layout),
            condition: Condition::of(layout),
            surgery: Surgery::of(layout),
            fates: ["TAR0010", "ASS0013", "ASS0021", "ASS0031"].map(fate),
            unknown: Some(layout.unknown),
        }
    }

    fn fate(&self, code: &[u8]) -> Fate {
        let known = self.fates.iter().find(|(tag, _)| *tag == code).and_then(|(_, fate)| *fate);
        known.or(self.unknown).unwrap_or(Fate::Quarantine)
    }
}

/// A patient's day, as far as its lines are read.
struct Day {
    owner: Owner,
    facility: String,
    on: Date,
    scores: [Option<i32>; 3],
}

/// Reads an H file.
pub(crate) fn read(from: &mut dyn BufRead, intake: &mut Intake<'_>, path: &Path) -> Result<(), PseudonymizeError> {
    let layout = intake.layout("dpc-h");
    let fields = layout.map(Fields::of).unwrap_or_default();
    // The widest code: eleven payloads.
    let width = width(layout, "").saturating_add(width(layout, "ASS0021"));
    let mut current = Current::default();
    let mut day: Option<Day> = None;
    rows(from, intake, path, width, |intake, cells, line| {
        let head = &fields.head;
        let code = head.item_code.at(cells);
        match fields.fate(code) {
            Fate::Read => {}
            Fate::Drop => {
                intake.note(Reason::RecordUncarried);
                return Ok(());
            }
            Fate::Quarantine => return intake.put_aside(intake.file.records, Reason::RecordUnknown, line),
        }
        let said = [head.facility.at(cells), head.data_id.at(cells), head.admission_date.at(cells)];
        let stay = match current.of(said, intake) {
            Ok(Some(stay)) => stay,
            Ok(None) => return Ok(()),
            Err(reason) => return intake.put_aside(intake.file.records, reason, line),
        };
        let Some(on) = date::day(head.assessed_on.at(cells)) else {
            return intake.put_aside(intake.file.records, Reason::NoDate, line);
        };
        if day.as_ref().is_none_or(|known| known.owner != stay.owner || known.on != on) {
            finish(day.take(), intake)?;
            check_order(stay.key.admitted_on, date::day(head.discharge_date.at(cells)), Some(on), intake);
            day = Some(Day { owner: stay.owner, facility: stay.key.facility.clone(), on, scores: [None; 3] });
        }
        let payload = cells.get(HEAD..).unwrap_or_default();
        let (place, score) = match code {
            b"ASS0013" => (0, present(fields.treatment.items.all(payload))),
            b"ASS0021" => {
                let condition = &fields.condition;
                (1, helped(condition.states.all(payload), condition.helps.all(payload)))
            }
            _ => (2, present(fields.surgery.items.all(payload))),
        };
        if score.is_none() {
            intake.note(Reason::CellForm);
        }
        if let Some(known) = day.as_mut().and_then(|day| day.scores.get_mut(place)) {
            *known = score;
        }
        Ok(())
    })?;
    finish(day, intake)
}

fn finish(day: Option<Day>, intake: &mut Intake<'_>) -> Result<(), PseudonymizeError> {
    let Some(Day { owner, facility, on, scores: [a_score, b_score, c_score] }) = day else { return Ok(()) };
    if [a_score, b_score, c_score].iter().all(Option::is_none) {
        return Ok(());
    }
    intake.passed();
    let facility_code = Some(facility.as_str());
    let row = NursingNeedRow { stay_id: owner.record, assessed_on: Some(on), a_score, b_score, c_score, facility_code };
    intake.row(owner, &row)
}

/// How many items are present: `0` and `000` are not, `1` and `010` are. None if nothing is said or an item has another form.
fn present(items: &[&[u8]]) -> Option<i32> {
    let (mut said, mut sum) = (false, 0_i32);
    for item in items.iter().filter(|item| !item.is_empty()) {
        let value = cell::int(item).filter(|value| (0..=111).contains(value))?;
        said = true;
        sum = sum.saturating_add(i32::from(value > 0));
    }
    said.then_some(sum)
}

/// States by whether help is given: the second to the fifth count with help alone. None unless all are said.
fn helped(states: &[&[u8]], helps: &[&[u8]]) -> Option<i32> {
    let digit = |cell: &&[u8]| cell::int(cell).filter(|value| (0..=2).contains(value));
    let states: [i32; 7] = whole(states.iter().map(digit))?;
    let helps: [i32; 4] = whole(helps.iter().map(digit))?;
    let [turning, with_help @ .., instructions, danger] = states;
    let with_help = with_help.iter().zip(helps).map(|(state, help)| state.saturating_mul(help));
    Some(with_help.chain([turning, instructions, danger]).fold(0, i32::saturating_add))
}

fn whole<const N: usize>(values: impl Iterator<Item = Option<i32>>) -> Option<[i32; N]> {
    let mut whole = [0; N];
    let mut places = whole.iter_mut();
    for value in values {
        *places.next()? = value?;
    }
    let full = places.next().is_none();
    full.then_some(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(text: &str) -> Vec<&[u8]> {
        text.split('\t').map(str::as_bytes).collect()
    }

    #[test]
    fn items_count_and_states_count_with_help() {
        assert_eq!(present(&cells("0\t1\t000\t010\t\t\t0")), Some(2));
        assert_eq!(present(&cells("\t\t")), None);
        assert_eq!(present(&cells("1\tyes")), None);
        assert_eq!(present(&cells("1\t900000000")), None);
        // 1×0 + 0×0 + 0×0 + 1×1, and 0 + 0 + 0 that are not helped with.
        assert_eq!(helped(&cells("0\t1\t0\t0\t1\t0\t0"), &cells("0\t0\t0\t1")), Some(1));
        assert_eq!(helped(&cells("2\t2\t1\t2\t2\t1\t2"), &cells("1\t1\t1\t1")), Some(12));
        assert_eq!(helped(&cells("0\t1\t0\t0\t1\t0\t0"), &cells("0\t0\t0")), None);
        assert_eq!(helped(&cells("0\t1\t0\t0\t1\t0\t0\t0"), &cells("0\t0\t0\t1")), None);
        assert_eq!(helped(&cells("0\t9\t0\t0\t1\t0\t0"), &cells("0\t0\t0\t1")), None);
    }

    #[test]
    fn names_that_code_asks_for_stand_in_the_layout() {
        let layouts = crate::layout::shipped().unwrap();
        for (tag, names) in [Head::NAMES, Treatment::NAMES, Condition::NAMES, Surgery::NAMES] {
            let record = layouts["dpc-h"].record(tag).unwrap();
            let missing: Vec<&&str> = names.iter().filter(|name| record.field(name).is_none()).collect();
            assert!(missing.is_empty(), "{tag}: {missing:?}");
        }
    }
}
