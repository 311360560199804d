//! DPC survey: 様式1 says who stayed and why, EF what was done; a stay's points are the sum of its acts.

use std::io::BufRead;
use std::path::Path;

use jiff::civil::Date;

mod case;
mod form1;
mod items;

use crate::cell;
use crate::intake::{Intake, Version};
use crate::job::PseudonymizeError;
use crate::lines::{self, Line};
use crate::normalise::{chart, date};
use crate::report::Reason;
use crate::rows::StayRow;

/// What every row of every file begins with: hospital, person, admission.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct CaseKey {
    /// 10 digits; the survey's 9 lack the fee table.
    pub(crate) facility: String,
    /// データ識別番号, normalised.
    pub(crate) chart: String,
    pub(crate) admitted_on: Date,
}

impl CaseKey {
    /// Reads the three fields. The reason why the row must be put aside, if so.
    fn read(facility: &[u8], data_id: &[u8], admitted_on: &[u8]) -> Result<Self, Reason> {
        let code = cell::digits(facility, 9).ok_or(Reason::NoFacility)?;
        let (prefecture, number) = code.split_at_checked(2).ok_or(Reason::NoFacility)?;
        let chart = cell::cp932(data_id).and_then(|written| chart::read(&written)).ok_or(Reason::IdentifierForm)?;
        let admitted_on = date::day(admitted_on).ok_or(Reason::NoDate)?;
        Ok(Self { facility: format!("{prefecture}1{number}"), chart, admitted_on })
    }

    /// The words that name the case in every file.
    fn words(&self) -> [String; 3] {
        [self.facility.clone(), self.chart.clone(), self.admitted_on.to_string()]
    }
}

/// Reads a 様式1 file.
pub(crate) fn read_form1(from: &mut dyn BufRead, intake: &mut Intake<'_>, path: &Path) -> Result<(), PseudonymizeError> {
    let mut case = form1::Case::default();
    rows(from, intake, path, |intake, cells, line| {
        let key = match CaseKey::read(cell::at(cells, 1), cell::at(cells, 2), cell::at(cells, 3)) {
            Ok(key) => key,
            Err(reason) => return intake.put_aside(intake.file.records, reason, line),
        };
        if case.key.as_ref().is_some_and(|known| *known != key) {
            settle(std::mem::take(&mut case), intake)?;
        }
        case.add(key, cells, line, intake)
    })?;
    settle(case, intake)
}

/// Reads an EF file.
pub(crate) fn read_items(from: &mut dyn BufRead, intake: &mut Intake<'_>, path: &Path) -> Result<(), PseudonymizeError> {
    rows(from, intake, path, |intake, cells, line| items::item(cells, line, intake))
}

/// Hands a case of 様式1 on.
fn settle(case: form1::Case, intake: &mut Intake<'_>) -> Result<(), PseudonymizeError> {
    let Some(key) = case.key.clone() else { return Ok(()) };
    let Some(stay) = case.write(&key, intake)? else { return Ok(()) };
    let words = key.words();
    let parts = words.each_ref().map(String::as_bytes);
    intake.register(
        stay.owner,
        &Version { key: Some(&parts), content: &parts, order: 0, together: false, withdraws: false },
    );
    intake.row(stay.owner, &StayRow { stay_id: stay.owner.record, ..stay.facts.row() })?;
    intake.passed();
    Ok(())
}

/// Calls `each` for every row of a tab-separated file; a title row (no nine digits in front) is passed over.
fn rows(
    from: &mut dyn BufRead,
    intake: &mut Intake<'_>,
    path: &Path,
    mut each: impl FnMut(&mut Intake<'_>, &[&[u8]], &[u8]) -> Result<(), PseudonymizeError>,
) -> Result<(), PseudonymizeError> {
    let mut buffer = Vec::new();
    let mut first = true;
    loop {
        let line = lines::next(from, &mut buffer, &mut intake.file.bytes).map_err(PseudonymizeError::io(path))?;
        if line == Line::End {
            return Ok(());
        }
        let mut cells = Vec::new();
        lines::split(&buffer, b'\t', &mut cells);
        let title = first && cell::digits(cell::at(&cells, 1), 9).is_none();
        first = false;
        if buffer.is_empty() || title {
            continue;
        }
        intake.read_one();
        if line == Line::TooLong {
            intake.put_aside(intake.file.records, Reason::RecordLong, &buffer)?;
        } else {
            each(intake, &cells, &buffer)?;
        }
    }
}
