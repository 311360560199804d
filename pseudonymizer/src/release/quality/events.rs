//! Rows to small events by person: the same five columns whatever table they come from.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Date32Array, Int32Array, StringArray, UInt8Array, UInt32Array, UInt64Array,
};
use arrow::datatypes::{DataType, Date32Type, Field, Int32Type, Schema, SchemaRef, UInt8Type, UInt32Type, UInt64Type};
use arrow::record_batch::RecordBatch;
use jiff::Span;
use jiff::civil::Date;

use super::Institutions;
use crate::release::crosswalk::Crosswalk;
use crate::release::error::ReleaseError;
use crate::release::surrogate::{atoms, column, form};

const EPOCH: Date = Date::constant(1970, 1, 1);

/// Something known of a person. Dates are days from 1970-01-01.
#[derive(Clone, Copy, PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub(crate) enum Event {
    /// Month of birth and, where it is stated, its day.
    Born { month: i32, day: Option<i32> },
    /// Cared for, from the first to the last of these days, last at this institution.
    Care { first: i32, last: i32, institution: Option<u32> },
    /// Month of death.
    Died { month: i32 },
    /// In which sources, as the crosswalk's bits.
    Found { sources: u32 },
    /// Lives there (1 to 47), as said on that day.
    Lives { on: Option<i32>, prefecture: u32 },
    /// A diagnosis of pregnancy or birth.
    Obstetric,
    /// `1` a man, `2` a woman.
    Sex { code: u32 },
    /// In a hospital, from day to day.
    Stay { first: i32, last: i32, institution: u32 },
}

/// What a table's rows are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Care on a date.
    Care { date: &'static str },
    /// Claims: care in a month, and hospital stays.
    Claims,
    /// Diagnoses.
    Diagnoses,
    /// What a source says of its persons.
    Facts,
    /// Hospital stays with their main diagnosis.
    Stays,
}

/// What to read a table as; none if it says nothing of linkage.
pub(crate) fn of(table: &str) -> Option<Kind> {
    Some(match table {
        "person" => Kind::Facts,
        "ndb.claims" => Kind::Claims,
        "dpc.stays" => Kind::Stays,
        "ltc.claims" => Kind::Care { date: "service_month" },
        "ehr.observations" => Kind::Care { date: "observed_on" },
        "ehr.medications" => Kind::Care { date: "prescribed_on" },
        "ndb.diagnoses" | "dpc.diagnoses" | "ehr.conditions" => Kind::Diagnoses,
        _ => return None,
    })
}

/// Rows to be read.
pub(crate) struct At<'a> {
    pub(crate) rows: &'a RecordBatch,
    pub(crate) keys: &'a UInt64Array,
    pub(crate) file: &'a Path,
    pub(crate) source: &'a str,
}

impl At<'_> {
    fn date(&self, name: &str) -> Result<&Date32Array, ReleaseError> {
        column(self.rows, name, self.file)?.as_primitive_opt::<Date32Type>().ok_or_else(|| form(self.file, name))
    }

    fn text(&self, name: &str) -> Result<&StringArray, ReleaseError> {
        column(self.rows, name, self.file)?.as_string_opt::<i32>().ok_or_else(|| form(self.file, name))
    }

    fn int(&self, name: &str) -> Result<&Int32Array, ReleaseError> {
        column(self.rows, name, self.file)?.as_primitive_opt::<Int32Type>().ok_or_else(|| form(self.file, name))
    }
}

/// Events of some rows.
#[derive(Default)]
pub(crate) struct Events {
    found: Vec<(u64, Event)>,
}

impl Events {
    /// Reads rows as what they are.
    pub(crate) fn read(
        &mut self,
        kind: Kind,
        at: &At<'_>,
        crosswalk: &Crosswalk,
        institutions: &mut Institutions,
    ) -> Result<(), ReleaseError> {
        match kind {
            Kind::Care { date } => self.care(at.keys, at.date(date)?, at.text("facility_code")?, institutions),
            Kind::Claims => {
                self.care(at.keys, at.date("service_month")?, at.text("facility_code")?, institutions);
                self.inpatient_claims(at, institutions)?;
            }
            Kind::Diagnoses => self.obstetric(at.keys, at.text("icd10")?),
            Kind::Facts => self.facts(at, crosswalk)?,
            Kind::Stays => {
                self.care(at.keys, at.date("admitted_on")?, at.text("facility_code")?, institutions);
                self.obstetric(at.keys, at.text("main_icd10")?);
                let (first, last) = (at.date("admitted_on")?, at.date("discharged_on")?);
                let days = first.iter().zip(last).map(|(first, last)| Some((first?, last?)));
                self.stays(at.keys, days, at.text("facility_code")?, institutions);
            }
        }
        Ok(())
    }

    fn facts(&mut self, at: &At<'_>, crosswalk: &Crosswalk) -> Result<(), ReleaseError> {
        let (dates, months) = (at.date("birth_date")?, at.date("birth_month")?);
        let (places, place_on, sexes) = (at.text("prefecture")?, at.date("place_on")?, at.text("sex")?);
        let (died, first_seen, last_seen) = (at.date("died_month")?, at.date("first_seen")?, at.date("last_seen")?);
        // A source of someone else's making says when it saw a person, and no more that is known here.
        let built_in = catalog::SOURCES.contains(&at.source);
        for (row, (key, atom)) in at.keys.values().iter().zip(atoms(at.rows, at.file)?).enumerate() {
            let date = |dates: &Date32Array| dates.is_valid(row).then(|| dates.value(row));
            let word =
                |texts: &StringArray| texts.is_valid(row).then(|| texts.value(row).parse::<u32>().ok()).flatten();
            let sources = atom.map_or(0, |atom| crosswalk.found_in(atom));
            let mut add = |event: Event| self.found.push((*key, event));
            add(Event::Found { sources });
            let day = date(dates);
            if let Some(month) = date(months).or(day) {
                add(Event::Born { month, day });
            }
            if let Some(code) = word(sexes) {
                add(Event::Sex { code });
            }
            if let Some(prefecture) = word(places) {
                add(Event::Lives { on: date(place_on), prefecture });
            }
            if let Some(month) = date(died) {
                add(Event::Died { month });
            }
            if let (false, Some(first), Some(last)) = (built_in, date(first_seen), date(last_seen)) {
                add(Event::Care { first, last, institution: None });
            }
        }
        Ok(())
    }

    /// One event a person of these rows: the first and the last day, and where the last was.
    fn care(&mut self, keys: &UInt64Array, dates: &Date32Array, codes: &StringArray, institutions: &mut Institutions) {
        let mut seen: BTreeMap<u64, (i32, i32, Option<u32>)> = BTreeMap::new();
        for ((key, date), code) in keys.values().iter().zip(dates).zip(codes) {
            let Some(date) = date else { continue };
            let institution = code.and_then(|code| institutions.number(code));
            let (first, last, at) = seen.entry(*key).or_insert((date, date, institution));
            *first = date.min(*first);
            // On the same day the institution that sorts last by what is told of it: numbers depend on the order of files.
            let rank = |date: i32, number: Option<u32>| (date, number.and_then(|number| institutions.get(number)));
            if rank(date, institution) > rank(*last, *at) {
                (*last, *at) = (date, institution);
            }
        }
        self.found.extend(
            seen.into_iter().map(|(key, (first, last, institution))| (key, Event::Care { first, last, institution })),
        );
    }

    /// Inpatient claims: the days of the month from admission, or from its first day, as many as are claimed.
    fn inpatient_claims(&mut self, at: &At<'_>, institutions: &mut Institutions) -> Result<(), ReleaseError> {
        let (months, admitted, days) = (at.date("service_month")?, at.date("admitted_on")?, at.int("days")?);
        let settings = at.text("setting")?;
        let span = |row: usize| {
            let inpatient = settings.is_valid(row) && settings.value(row) == "inpatient";
            let month = (inpatient && months.is_valid(row)).then(|| months.value(row))?;
            let days = days.is_valid(row).then(|| days.value(row)).filter(|days| (1..=31).contains(days))?;
            let first = if admitted.is_valid(row) { admitted.value(row).max(month) } else { month };
            Some((first, first + days - 1))
        };
        self.stays(at.keys, (0..at.keys.len()).map(span), at.text("facility_code")?, institutions);
        Ok(())
    }

    fn stays(
        &mut self,
        keys: &UInt64Array,
        days: impl Iterator<Item = Option<(i32, i32)>>,
        codes: &StringArray,
        institutions: &mut Institutions,
    ) {
        for ((key, days), code) in keys.values().iter().zip(days).zip(codes) {
            let (Some((first, last)), Some(code)) = (days, code) else { continue };
            if let Some(institution) = institutions.number(code) {
                self.found.push((*key, Event::Stay { first, last, institution }));
            }
        }
    }

    /// ICD-10, chapter XV (O00–O99), once a person.
    fn obstetric(&mut self, keys: &UInt64Array, codes: &StringArray) {
        let found: BTreeSet<u64> = keys
            .values()
            .iter()
            .zip(codes)
            .filter(|(_, code)| code.is_some_and(|code| code.starts_with('O')))
            .map(|(key, _)| *key)
            .collect();
        self.found.extend(found.into_iter().map(|key| (key, Event::Obstetric)));
    }

    /// The months of the last care of each person in these rows.
    pub(crate) fn months(&self) -> impl Iterator<Item = i32> {
        self.found.iter().filter_map(|(_, event)| match event {
            Event::Care { last, .. } => month_of(*last),
            Event::Born { .. }
            | Event::Died { .. }
            | Event::Found { .. }
            | Event::Lives { .. }
            | Event::Obstetric
            | Event::Sex { .. }
            | Event::Stay { .. } => None,
        })
    }

    /// The events as rows of [`schema`].
    pub(crate) fn finish(self) -> Result<RecordBatch, ReleaseError> {
        let cells: Vec<Cells> = self.found.iter().map(|(_, event)| encode(*event)).collect();
        let columns: Vec<ArrayRef> = vec![
            Arc::new(UInt64Array::from_iter_values(self.found.iter().map(|(key, _)| *key))),
            Arc::new(UInt8Array::from_iter_values(cells.iter().map(|cells| cells.0))),
            Arc::new(cells.iter().map(|cells| cells.1).collect::<Int32Array>()),
            Arc::new(cells.iter().map(|cells| cells.2).collect::<Int32Array>()),
            Arc::new(cells.iter().map(|cells| cells.3).collect::<UInt32Array>()),
        ];
        RecordBatch::try_new(schema(), columns).map_err(ReleaseError::arrow(super::TABLE))
    }
}

/// Person, what, two days and a number.
pub(crate) fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("person_key", DataType::UInt64, false),
        Field::new("event", DataType::UInt8, false),
        Field::new("first", DataType::Int32, true),
        Field::new("last", DataType::Int32, true),
        Field::new("number", DataType::UInt32, true),
    ]))
}

type Cells = (u8, Option<i32>, Option<i32>, Option<u32>);

fn encode(event: Event) -> Cells {
    match event {
        Event::Born { month, day } => (0, Some(month), day, None),
        Event::Care { first, last, institution } => (1, Some(first), Some(last), institution),
        Event::Died { month } => (2, Some(month), None, None),
        Event::Found { sources } => (3, None, None, Some(sources)),
        Event::Lives { on, prefecture } => (4, on, None, Some(prefecture)),
        Event::Obstetric => (5, None, None, None),
        Event::Sex { code } => (6, None, None, Some(code)),
        Event::Stay { first, last, institution } => (7, Some(first), Some(last), Some(institution)),
    }
}

fn event((kind, first, last, number): Cells) -> Option<Event> {
    Some(match kind {
        0 => Event::Born { month: first?, day: last },
        1 => Event::Care { first: first?, last: last?, institution: number },
        2 => Event::Died { month: first? },
        3 => Event::Found { sources: number? },
        4 => Event::Lives { on: first, prefecture: number? },
        5 => Event::Obstetric,
        6 => Event::Sex { code: number? },
        7 => Event::Stay { first: first?, last: last?, institution: number? },
        _ => return None,
    })
}

/// Persons and their events.
pub(crate) fn decode(rows: &RecordBatch) -> Result<impl Iterator<Item = (u64, Event)>, ReleaseError> {
    let lacks = || form(Path::new(super::TABLE), "events");
    let [keys, kinds, first, last, numbers] = rows.columns() else { return Err(lacks()) };
    let keys = keys.as_primitive_opt::<UInt64Type>().ok_or_else(lacks)?;
    let kinds = kinds.as_primitive_opt::<UInt8Type>().ok_or_else(lacks)?;
    let first = first.as_primitive_opt::<Int32Type>().ok_or_else(lacks)?;
    let last = last.as_primitive_opt::<Int32Type>().ok_or_else(lacks)?;
    let numbers = numbers.as_primitive_opt::<UInt32Type>().ok_or_else(lacks)?;
    let cells = kinds.values().iter().zip(first).zip(last).zip(numbers);
    Ok(keys
        .values()
        .iter()
        .zip(cells)
        .filter_map(|(key, (((kind, first), last), number))| Some((*key, event((*kind, first, last, number))?))))
}

/// Months from year 0.
pub(crate) fn month_of(days: i32) -> Option<i32> {
    let date = EPOCH.checked_add(Span::new().try_days(days).ok()?).ok()?;
    Some(i32::from(date.year()) * 12 + i32::from(date.month()) - 1)
}

/// The first day of a month counted from year 0.
pub(crate) fn first_day(month: i32) -> Option<Date> {
    let (year, month) = (i16::try_from(month.div_euclid(12)).ok()?, i8::try_from(month.rem_euclid(12)).ok()?);
    Date::new(year, month + 1, 1).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_back_as_they_went() {
        let events = [
            Event::Born { month: 3, day: None },
            Event::Born { month: 3, day: Some(4) },
            Event::Care { first: -4, last: 9, institution: None },
            Event::Care { first: -4, last: 9, institution: Some(0) },
            Event::Died { month: 0 },
            Event::Found { sources: 7 },
            Event::Lives { on: None, prefecture: 13 },
            Event::Obstetric,
            Event::Sex { code: 2 },
            Event::Stay { first: 1, last: 2, institution: 3 },
        ];
        let rows = Events { found: events.iter().map(|event| (9, *event)).collect() }.finish().unwrap();
        let back: Vec<_> = decode(&rows).unwrap().collect();
        assert!(back.len() == events.len() && back.iter().zip(events).all(|(back, event)| *back == (9, event)));
    }

    #[test]
    fn months_are_those_of_the_calendar() {
        assert_eq!(month_of(0), Some(1970 * 12));
        assert_eq!(month_of(-1), Some(1969 * 12 + 11));
        assert_eq!(first_day(1969 * 12 + 11), Some(jiff::civil::date(1969, 12, 1)));
        assert_eq!(month_of(i32::MAX), None);
    }
}
