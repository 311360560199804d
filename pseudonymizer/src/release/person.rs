//! The stored tables `person.ndb`, `person.ltc` …, one a source: what it says of each of its persons.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Date32Array, Date32Builder, StringArray, StringBuilder, UInt64Array, UInt64Builder,
};
use arrow::datatypes::{DataType, Date32Type, Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use catalog::{codes, person_facts_schema, person_source_schema};
use jiff::ToSpan;
use jiff::civil::Date;

use super::crosswalk::Crosswalk;
use super::error::ReleaseError;
use super::sort::keys;
use super::surrogate;

/// Persons of one Arrow batch that leaves here.
const ROWS: usize = 16 * 1024;

/// Facts of atoms with the person in the place of the atom, as they are sorted.
pub(crate) fn keyed_schema() -> SchemaRef {
    let facts = person_facts_schema();
    let person = Field::new("person_key", DataType::UInt64, false);
    let grade = Field::new("link_grade", DataType::Utf8, true);
    let rest = facts.fields().iter().filter(|field| field.name() != "atom").map(|field| field.as_ref().clone());
    Arc::new(Schema::new(std::iter::once(person).chain(rest).chain([grade]).collect::<Vec<_>>()))
}

/// Replaces the atoms of facts by persons and adds how each was linked.
pub(crate) fn keyed(crosswalk: &Crosswalk, facts: &RecordBatch, file: &Path) -> Result<RecordBatch, ReleaseError> {
    let schema = keyed_schema();
    let columns: Vec<ArrayRef> = schema
        .fields()
        .iter()
        .map(|field| match field.name().as_str() {
            "person_key" => surrogate::persons(crosswalk, facts, file).map(|keys| Arc::new(keys) as ArrayRef),
            "link_grade" => {
                let atoms = surrogate::atoms(facts, file)?;
                let grade = |atom: Option<&[u8]>| crosswalk.person(atom?).map(|(_, grade)| grade.name());
                Ok(Arc::new(atoms.iter().map(grade).collect::<StringArray>()) as ArrayRef)
            }
            name => surrogate::column(facts, name, file).map(Arc::clone),
        })
        .collect::<Result<_, _>>()?;
    RecordBatch::try_new(schema, columns).map_err(ReleaseError::arrow("person"))
}

/// Makes one row of each person out of the neighbouring rows of its atoms.
///
/// The place is that of the latest `place_on`; birth and sex those of the atom seen last that states them; first seen is the
/// least, last seen and month of death the greatest. `link_grade` is that of the atoms of this source alone: what other
/// databases know of the person must not show (schema.md, `person`).
pub(crate) struct Persons {
    current: Option<Person>,
    rows: Rows,
}

impl Persons {
    pub(crate) fn new() -> Self {
        Self { current: None, rows: Rows::default() }
    }

    /// Takes rows in the order of the person key; gives finished persons back from time to time.
    pub(crate) fn push(&mut self, facts: &RecordBatch) -> Result<Option<RecordBatch>, ReleaseError> {
        let facts = Facts::of(facts).ok_or_else(|| surrogate::form(Path::new("person"), "person facts"))?;
        for row in 0..facts.keys.len() {
            let atom = facts.at(row);
            match &mut self.current {
                Some(person) if person.key == atom.key => person.add(atom),
                Some(_) | None => {
                    if let Some(done) = self.current.replace(atom) {
                        self.rows.append(&done);
                    }
                }
            }
        }
        if self.rows.keys.len() >= ROWS { self.rows.finish().map(Some) } else { Ok(None) }
    }

    /// The last persons.
    pub(crate) fn finish(mut self) -> Result<RecordBatch, ReleaseError> {
        if let Some(done) = self.current.take() {
            self.rows.append(&done);
        }
        self.rows.finish()
    }
}

/// What is known of a person so far. Dates are days from 1970-01-01; tuples order by their first part.
#[derive(Clone)]
struct Person {
    key: u64,
    atoms: u32,
    /// Last seen, birth month, birth date.
    birth: Option<(Option<i32>, i32, Option<i32>)>,
    /// Last seen, sex.
    sex: Option<(Option<i32>, String)>,
    /// Said on, prefecture, municipality.
    place: Option<(Option<i32>, String, Option<String>)>,
    first_seen: Option<i32>,
    last_seen: Option<i32>,
    died_month: Option<i32>,
    grade: Option<String>,
}

impl Person {
    fn add(&mut self, atom: Self) {
        self.atoms += 1;
        self.birth = self.birth.take().max(atom.birth);
        self.sex = self.sex.take().max(atom.sex);
        self.place = self.place.take().max(atom.place);
        self.first_seen = match (self.first_seen, atom.first_seen) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        self.last_seen = self.last_seen.max(atom.last_seen);
        self.died_month = self.died_month.max(atom.died_month);
        self.grade = self.grade.take().max(atom.grade);
    }
}

struct Facts<'a> {
    keys: &'a UInt64Array,
    birth_date: &'a Date32Array,
    birth_month: &'a Date32Array,
    sex: &'a StringArray,
    prefecture: &'a StringArray,
    municipality: &'a StringArray,
    place_on: &'a Date32Array,
    first_seen: &'a Date32Array,
    last_seen: &'a Date32Array,
    died_month: &'a Date32Array,
    grade: &'a StringArray,
}

impl<'a> Facts<'a> {
    fn of(rows: &'a RecordBatch) -> Option<Self> {
        let date = |name: &str| rows.column_by_name(name)?.as_primitive_opt::<Date32Type>();
        let text = |name: &str| rows.column_by_name(name)?.as_string_opt::<i32>();
        Some(Self {
            keys: keys(rows)?,
            birth_date: date("birth_date")?,
            birth_month: date("birth_month")?,
            sex: text("sex")?,
            prefecture: text("prefecture")?,
            municipality: text("municipality")?,
            place_on: date("place_on")?,
            first_seen: date("first_seen")?,
            last_seen: date("last_seen")?,
            died_month: date("died_month")?,
            grade: text("link_grade")?,
        })
    }

    fn at(&self, row: usize) -> Person {
        let date = |column: &Date32Array| column.is_valid(row).then(|| column.value(row));
        let text = |column: &StringArray| column.is_valid(row).then(|| column.value(row).to_owned());
        let last_seen = date(self.last_seen);
        let birth_date = date(self.birth_date);
        let birth_month = date(self.birth_month).or_else(|| birth_date.and_then(first_of_month));
        Person {
            key: self.keys.value(row),
            atoms: 1,
            birth: birth_month.map(|month| (last_seen, month, birth_date)),
            sex: text(self.sex).map(|sex| (last_seen, sex)),
            place: text(self.prefecture).map(|place| (date(self.place_on), place, text(self.municipality))),
            first_seen: date(self.first_seen),
            last_seen,
            died_month: date(self.died_month),
            grade: text(self.grade),
        }
    }
}

fn first_of_month(days: i32) -> Option<i32> {
    const EPOCH: Date = Date::constant(1970, 1, 1);
    EPOCH.checked_add(i64::from(days).days()).ok().map(|date| codes::days(date.first_of_month()))
}

/// Columns of [`person_source_schema`].
#[derive(Default)]
struct Rows {
    keys: Vec<u64>,
    birth_date: Date32Builder,
    birth_month: Date32Builder,
    sex: StringBuilder,
    prefecture: StringBuilder,
    municipality: StringBuilder,
    place_on: Date32Builder,
    first_seen: Date32Builder,
    last_seen: Date32Builder,
    died_month: Date32Builder,
    medical_area: StringBuilder,
    grade: StringBuilder,
}

impl Rows {
    fn append(&mut self, person: &Person) {
        self.keys.push(person.key);
        self.birth_month.append_option(person.birth.as_ref().map(|(_, month, _)| *month));
        self.birth_date.append_option(person.birth.as_ref().and_then(|(_, _, date)| *date));
        self.sex.append_option(person.sex.as_ref().map(|(_, sex)| sex));
        let place = person.place.as_ref();
        let municipality = place.and_then(|(_, _, municipality)| municipality.as_deref());
        self.prefecture.append_option(place.map(|(_, prefecture, _)| prefecture));
        self.municipality.append_option(municipality);
        self.place_on.append_option(place.and_then(|(on, _, _)| *on));
        self.medical_area.append_option(municipality.and_then(codes::medical_area_of_municipality));
        self.first_seen.append_option(person.first_seen);
        self.last_seen.append_option(person.last_seen);
        self.died_month.append_option(person.died_month);
        self.grade.append_option(if person.atoms == 1 { Some("single") } else { person.grade.as_deref() });
    }

    fn finish(&mut self) -> Result<RecordBatch, ReleaseError> {
        let mut keys = UInt64Builder::with_capacity(self.keys.len());
        keys.append_slice(&std::mem::take(&mut self.keys));
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("person_key", Arc::new(keys.finish())),
            ("birth_date", Arc::new(self.birth_date.finish())),
            ("birth_month", Arc::new(self.birth_month.finish())),
            ("sex", Arc::new(self.sex.finish())),
            ("prefecture", Arc::new(self.prefecture.finish())),
            ("municipality", Arc::new(self.municipality.finish())),
            ("place_on", Arc::new(self.place_on.finish())),
            ("first_seen", Arc::new(self.first_seen.finish())),
            ("last_seen", Arc::new(self.last_seen.finish())),
            ("died_month", Arc::new(self.died_month.finish())),
            ("medical_area", Arc::new(self.medical_area.finish())),
            ("link_grade", Arc::new(self.grade.finish())),
        ];
        let schema = person_source_schema();
        let ordered = schema
            .fields()
            .iter()
            .filter_map(|field| columns.iter().find(|(name, _)| name == field.name()))
            .map(|(_, column)| Arc::clone(column))
            .collect();
        RecordBatch::try_new(schema, ordered).map_err(ReleaseError::arrow("person"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Facts by person: (key, last seen, birth date, place on, prefecture, municipality).
    type Fact = (u64, i32, Option<i32>, Option<i32>, Option<&'static str>, Option<&'static str>);

    fn merged(facts: &[Fact]) -> RecordBatch {
        let date =
            |pick: fn(&Fact) -> Option<i32>| Arc::new(facts.iter().map(pick).collect::<Date32Array>()) as ArrayRef;
        let text = |pick: fn(&Fact) -> Option<&'static str>| {
            Arc::new(facts.iter().map(pick).collect::<StringArray>()) as ArrayRef
        };
        let columns = vec![
            Arc::new(UInt64Array::from_iter_values(facts.iter().map(|fact| fact.0))) as ArrayRef,
            date(|fact| fact.2),
            date(|_| None),
            text(|_| Some("1")),
            text(|fact| fact.4),
            text(|fact| fact.5),
            date(|fact| fact.3),
            date(|fact| Some(fact.1)),
            date(|fact| Some(fact.1)),
            date(|_| None),
            text(|_| Some("strong")),
        ];
        let mut persons = Persons::new();
        let rows = RecordBatch::try_new(keyed_schema(), columns).unwrap();
        // Neighbours may come in two batches.
        let middle = rows.num_rows() / 2;
        assert!(persons.push(&rows.slice(0, middle)).unwrap().is_none());
        assert!(persons.push(&rows.slice(middle, rows.num_rows() - middle)).unwrap().is_none());
        persons.finish().unwrap()
    }

    fn texts(rows: &RecordBatch, name: &str) -> Vec<Option<String>> {
        rows.column_by_name(name).unwrap().as_string::<i32>().iter().map(|cell| cell.map(str::to_owned)).collect()
    }

    #[test]
    fn the_grade_is_that_of_this_source_alone() {
        let rows = merged(&[
            (1, 10, None, None, None, None),
            (2, 10, None, None, None, None),
            (2, 11, None, None, None, None),
        ]);
        assert_eq!(texts(&rows, "link_grade"), [Some("single".to_owned()), Some("strong".to_owned())]);
    }

    #[test]
    fn place_and_birth_come_from_the_latest_who_states_them() {
        let rows = merged(&[
            (1, 30, None, Some(5), Some("27"), None),
            (1, 20, Some(40), Some(9), Some("13"), Some("13101")),
            (1, 10, Some(99), None, None, None),
        ]);
        assert_eq!(texts(&rows, "prefecture"), [Some("13".to_owned())]);
        assert_eq!(texts(&rows, "municipality"), [Some("13101".to_owned())]);
        let area = codes::medical_area_of_municipality("13101").map(str::to_owned);
        assert_eq!(texts(&rows, "medical_area"), [area]);
        let days = |name: &str| rows.column_by_name(name).unwrap().as_primitive::<Date32Type>().value(0);
        assert_eq!((days("birth_date"), days("birth_month")), (40, 31));
        assert_eq!((days("first_seen"), days("last_seen")), (10, 30));
    }
}
