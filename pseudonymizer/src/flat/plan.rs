//! A layout resolved against one file: which cell goes where. Made once a file.

use jiff::civil::Date;

use crate::atoms::{Home, Sighting};
use crate::cell::Reading;
use crate::intake::{Intake, Version, home_of_insurer, home_of_postcode};
use crate::job::PseudonymizeError;
use crate::layout::{Action, Attribute, By, Encoding, Field, Kind, Layout, Place, Record, Role};
use crate::normalise::insurer::Insurer;
use crate::report::Reason;
use crate::rows::{AddedRow, Value};

use super::identity::Parts;
use super::records::Records;
use super::{cells, header};

/// Where each cell of a file's records goes.
pub(super) struct Plan<'l> {
    encoding: Encoding,
    table: &'static str,
    width: usize,
    unlisted: usize,
    parts: Parts<'l>,
    columns: Vec<Option<(&'l Field, usize)>>,
    record_date: Option<(&'l Field, usize)>,
    death: Option<(&'l Field, usize)>,
    home: Option<(&'l Field, usize)>,
}

impl<'l> Plan<'l> {
    /// For a file with that header line. `None` if a name of the layout is missing or stands twice.
    pub(super) fn by_header(layout: &'l Layout, record: &'l Record, header: &Records<'_>) -> Option<Self> {
        Self::of(layout, record, &header::places(layout.encoding, record, header)?, header.count())
    }

    /// For a file without one: positions count from 1.
    pub(super) fn by_position(layout: &'l Layout, record: &'l Record) -> Option<Self> {
        let place = |field: &Field| match field.place {
            Place::At(from, _) => usize::from(from).checked_sub(1),
            Place::Header(_) | Place::Path(_) => None,
        };
        let places: Vec<usize> = record.fields.iter().map(place).collect::<Option<_>>()?;
        Self::of(layout, record, &places, usize::from(record.width))
    }

    fn of(layout: &'l Layout, record: &'l Record, places: &[usize], width: usize) -> Option<Self> {
        let table = catalog::table(record.table.as_deref()?)?;
        let fields: Vec<(&'l Field, usize)> = record.fields.iter().zip(places.iter().copied()).collect();
        let leaving = || fields.iter().copied().filter(|(field, _)| leaves(field));
        let feeds = |field: &Field, column: &str| {
            field.to.iter().any(|to| to.split_once('.').is_some() && *to == format!("{}.{column}", table.name))
        };
        let schema = catalog::content_schema(table);
        let columns = schema.fields().iter().skip(1).map(|column| {
            let column = seen_as(column.name());
            leaving().find(|(field, _)| feeds(field, column))
        });
        let with = |role: Role| leaving().find(|(field, _)| field.role == Some(role));
        let first_date = || leaving().find(|(field, _)| field.action == Action::Keep && field.kind == Some(Kind::Date));
        Some(Self {
            encoding: layout.encoding,
            table: &table.name,
            width,
            unlisted: width.saturating_sub(fields.len()).min(if record.width == 0 { width } else { 0 }),
            parts: Parts::of(layout, fields.iter().copied()),
            columns: columns.collect(),
            record_date: with(Role::RecordDate).or_else(first_date),
            death: with(Role::Death),
            home: leaving().find(|(field, _)| field.by == Some(By::Municipality)),
        })
    }

    /// How many columns of the header line the layout does not list; they are dropped.
    pub(super) fn unlisted(&self) -> usize {
        self.unlisted
    }

    /// Writes a record's row, and what it says about its person.
    pub(super) fn write(&self, records: &Records<'_>, intake: &mut Intake<'_>) -> Result<(), PseudonymizeError> {
        if records.count() != self.width {
            return intake.put_aside(intake.file.records, Reason::RecordForm, records.raw());
        }
        let identity = self.parts.read(records, intake);
        let Some(owner) = intake.begin(&identity) else { return Ok(()) };
        let content = [records.raw()];
        intake.register(owner, &Version { key: None, content: &content, order: 0, together: true, withdraws: false });
        let date = |of: Option<(&Field, usize)>| self.date(of, records);
        let (on, died) = (date(self.record_date), date(self.death));
        let sighting = Sighting { on, until: None, home: self.home(records), died: died.map(Date::first_of_month) };
        intake.saw(owner, sighting);
        let mut row = AddedRow { table: self.table, cells: Vec::with_capacity(self.columns.len()) };
        for column in &self.columns {
            let Some((field, at)) = *column else {
                row.cells.push(Value::None);
                continue;
            };
            let cell = records.cell(at);
            let value = intake.value(Reading::of(cell, cells::value(field, self.encoding, cell, on)));
            if let (Some(By::Institution), Some(Value::Text(code))) = (&field.by, &value) {
                intake.saw_facility(code, None, false);
            }
            row.cells.push(value.unwrap_or(Value::None));
        }
        intake.passed();
        intake.row(owner, &row)
    }

    /// A date, not counted: its own column counts it.
    fn date(&self, of: Option<(&Field, usize)>, records: &Records<'_>) -> Option<Date> {
        let (field, at) = of?;
        match cells::value(field, self.encoding, records.cell(at), None)? {
            Value::Date(date) => Some(date),
            Value::Bool(_) | Value::Double(_) | Value::Int(_) | Value::None | Value::Text(_) => None,
        }
    }

    fn home(&self, records: &Records<'_>) -> Option<Home> {
        let (field, at) = self.home?;
        let word = cells::word(field, self.encoding, records.cell(at))?;
        if field.identity.contains(&Attribute::Insurer) {
            home_of_insurer(Insurer::read(&word).as_ref())
        } else {
            home_of_postcode(&word)
        }
    }
}

fn leaves(field: &Field) -> bool {
    matches!(field.action, Action::Keep | Action::Generalise)
}

/// The column as the catalog shows it, for one that content carries as a code.
fn seen_as(column: &str) -> &str {
    match column {
        "facility_code" => "facility_id",
        "insurer_code" => "insurer_id",
        "prescriber_facility_code" => "prescriber_facility_id",
        other => other,
    }
}
