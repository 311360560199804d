//! What the records of one person state about the person, a source at a time, and merged as `person` shows it.

use jiff::civil::Date;

use super::Cell;
use crate::calendar::Month;
use crate::population::Person;

/// A place as a record states it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    on: Date,
    prefecture: &'static str,
    municipality: Option<&'static str>,
}

/// What one source states.
#[derive(Clone, Debug, Default)]
struct SourceFacts {
    first: Option<Date>,
    last: Option<Date>,
    place: Option<Place>,
    died: Option<Date>,
}

/// What all sources state, in the order of [`catalog::SOURCES`].
#[derive(Clone, Debug, Default)]
pub(crate) struct PersonFacts([SourceFacts; 4]);

/// A source's place in [`catalog::SOURCES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Ndb = 0,
    Ltc = 1,
    Dpc = 2,
    Ehr = 3,
}

impl PersonFacts {
    /// A record of that date.
    pub(crate) fn see(&mut self, source: Source, on: Date) {
        let facts = self.of(source);
        facts.first = Some(facts.first.map_or(on, |first| first.min(on)));
        facts.last = Some(facts.last.map_or(on, |last| last.max(on)));
    }

    /// A record of that date names a place; the latest counts.
    pub(crate) fn place(
        &mut self,
        source: Source,
        on: Date,
        prefecture: &'static str,
        municipality: Option<&'static str>,
    ) {
        let facts = self.of(source);
        if facts.place.is_none_or(|known| known.on < on) {
            facts.place = Some(Place { on, prefecture, municipality });
        }
    }

    /// A record says that the person died in the month of that date.
    pub(crate) fn died(&mut self, source: Source, on: Date) {
        self.of(source).died = Some(Month::of(on).first());
    }

    fn of(&mut self, source: Source) -> &mut SourceFacts {
        let [ndb, ltc, dpc, ehr] = &mut self.0;
        match source {
            Source::Ndb => ndb,
            Source::Ltc => ltc,
            Source::Dpc => dpc,
            Source::Ehr => ehr,
        }
    }

    /// Rows of `person_by_source`.
    pub(crate) fn by_source<'a>(&self, person: &'a Person) -> Vec<Vec<Cell<'a>>> {
        let rows = self.0.iter().zip(catalog::SOURCES).filter(|(facts, _)| facts.first.is_some());
        rows.map(|(facts, source)| {
            let mut row = vec![Cell::Text(source), Cell::U64(person.number)];
            row.extend(who(person));
            row.push(Cell::text(facts.place.map(|place| place.prefecture)));
            row.push(Cell::text(facts.place.and_then(|place| place.municipality)));
            row.push(Cell::date(facts.place.map(|place| place.on)));
            row.extend([Cell::date(facts.first), Cell::date(facts.last), Cell::date(facts.died)]);
            row.push(Cell::text(medical_area(facts.place)));
            row
        })
        .collect()
    }

    /// The row of `person`. `None` for somebody whom no record names.
    pub(crate) fn merged<'a>(&self, person: &'a Person) -> Option<Vec<Cell<'a>>> {
        let first = self.0.iter().filter_map(|facts| facts.first).min()?;
        let last = self.0.iter().filter_map(|facts| facts.last).max()?;
        // Ties go to the earlier source: NDB, LTC, DPC, EHR (schema.md, "Truth").
        let place = self.0.iter().filter_map(|facts| facts.place).reduce(|a, b| if b.on > a.on { b } else { a });
        let died = self.0.iter().find_map(|facts| facts.died);
        let mut row = vec![Cell::U64(person.number)];
        row.extend(who(person));
        row.push(Cell::text(place.map(|place| place.prefecture)));
        row.push(Cell::text(place.and_then(|place| place.municipality)));
        row.push(Cell::text(medical_area(place)));
        row.extend([Cell::Date(first), Cell::Date(last), Cell::date(died)]);
        row.extend(self.0.iter().map(|facts| Cell::Bool(facts.first.is_some())));
        row.push(Cell::Null);
        Some(row)
    }
}

fn who(person: &Person) -> [Cell<'_>; 3] {
    [
        Cell::Date(person.birth),
        Cell::Date(Month::of(person.birth).first()),
        Cell::Text(if person.sex == 1 { "1" } else { "2" }),
    ]
}

fn medical_area(place: Option<Place>) -> Option<&'static str> {
    place.and_then(|place| place.municipality).and_then(catalog::codes::medical_area_of_municipality)
}
