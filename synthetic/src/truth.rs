//! The truth beside the raw files: the analysis schema as a right chain must rebuild it (schema.md, "Truth").

mod cases;
mod checkups;
mod claims;
mod documents;
mod facts;
mod life;
mod long_term;
mod stays;
mod table;

use std::collections::BTreeMap;
use std::path::Path;

use arrow::datatypes::{DataType, Field, Schema};

use crate::SyntheticError;
use crate::facilities::Facilities;
use crate::population::Person;
use crate::records::Record;
use crate::write::{Identity, Sink};
use facts::PersonFacts;
pub(crate) use table::Cell;
use table::TableFile;

/// All truth files in making.
pub(crate) struct Truth {
    tables: BTreeMap<&'static str, TableFile>,
    identities: TableFile,
    by_source: TableFile,
    cases: TableFile,
    canaries: Sink,
    /// What records state about institutions, in the order of [`Facilities::all`].
    seen: Vec<Seen>,
    facts: PersonFacts,
    next_record: u64,
}

/// What records state about an institution.
#[derive(Clone, Debug, Default)]
struct Seen {
    medical_area: Option<&'static str>,
    any: bool,
    beds: Option<i32>,
    dpc: bool,
    long_term: bool,
}

impl Truth {
    /// Opens a file for every table of the schema that is neither a code list nor an added source, and one for the register.
    pub(crate) fn create(out: &Path, facilities: &Facilities) -> Result<Self, SyntheticError> {
        let folder = out.join("truth");
        let mut tables = BTreeMap::new();
        for table in catalog::tables().iter().filter(|table| !matches!(table.schema(), Some("code" | "registry"))) {
            let path = folder.join(format!("{}.parquet", table.name.replace('.', "/")));
            tables.insert(table.name.as_str(), TableFile::create(&path, &table.name, table.arrow())?);
        }
        let identities = TableFile::create(&folder.join("identities.parquet"), "identities", identity_schema())?;
        let by_source = TableFile::create(&folder.join("person_by_source.parquet"), "person_by_source", by_source())?;
        let cases = TableFile::create(&folder.join("registry/cases.parquet"), cases::TABLE, cases::schema())?;
        let mut canaries = Sink::create(&folder.join("canaries.tsv"))?;
        canaries.raw(b"person\tkind\ttext\n")?;
        let area = |code: &str| catalog::facility::place(code).and_then(|place| place.medical_area);
        let seen = facilities.all().iter().map(|one| Seen { medical_area: area(&one.code), ..Seen::default() });
        let (seen, facts) = (seen.collect(), PersonFacts::default());
        Ok(Self { tables, identities, by_source, cases, canaries, seen, facts, next_record: 1 })
    }

    /// Adds what a record states.
    pub(crate) fn record(&mut self, record: &Record, facilities: &Facilities) -> Result<(), SyntheticError> {
        let number = self.next_record;
        self.next_record += 1;
        match record {
            Record::Case(one) => self.case(one),
            Record::Certification(one) => self.certification(one),
            Record::Checkup(one) => self.checkup(one),
            Record::Claim(one) => self.claim(one, number, facilities),
            Record::Document(one) => self.document(one, number),
            Record::Guidance(one) => self.guidance(one),
            Record::Life(one) => self.life(one),
            Record::LongTerm(one) => self.long_term(one, facilities),
            Record::Stay(one) => self.stay(one, number),
        }
    }

    /// Adds the person's rows, made of what the records since the last person have stated.
    pub(crate) fn person(&mut self, person: &Person) -> Result<(), SyntheticError> {
        let facts = std::mem::take(&mut self.facts);
        for row in facts.by_source(person) {
            self.by_source.row(&row)?;
        }
        if let Some(row) = facts.merged(person) {
            self.row("person", &row)?;
        }
        Ok(())
    }

    /// Lists the strings that must never be seen outside.
    pub(crate) fn canary(&mut self, person: u64, strings: &[(&str, String)]) -> Result<(), SyntheticError> {
        for (kind, text) in strings {
            self.canaries.raw(format!("{person}\t{kind}\t{text}\n").as_bytes())?;
        }
        Ok(())
    }

    /// Adds who a written record is of.
    pub(crate) fn identity(&mut self, file: &str, record: u64, one: &Identity) -> Result<(), SyntheticError> {
        let text = |text: &'_ Option<String>| text.clone();
        let fields = [
            text(&one.kanji),
            text(&one.kana),
            text(&one.sex),
            text(&one.birth_date),
            text(&one.insurer),
            text(&one.symbol),
            text(&one.number),
            text(&one.branch),
            text(&one.public_payer),
            text(&one.public_recipient),
            text(&one.ltc_insurer),
            text(&one.ltc_number),
            text(&one.chart),
            text(&one.facility_code),
            text(&one.postcode),
        ];
        let mut row = vec![Cell::Text(one.source), Cell::Text(file), Cell::U64(record), Cell::U64(one.person)];
        row.extend(fields.iter().map(|field| Cell::text(field.as_deref())));
        self.identities.row(&row)
    }

    /// Ends all files. Returns the number of persons and of rows.
    pub(crate) fn finish(mut self, facilities: &Facilities) -> Result<BTreeMap<String, u64>, SyntheticError> {
        for (at, (facility, seen)) in facilities.all().iter().zip(std::mem::take(&mut self.seen)).enumerate() {
            if !seen.any {
                continue;
            }
            let kind = catalog::facility::kind(&facility.code, seen.beds, seen.long_term);
            let row = [
                Cell::U32(facility_id(at)),
                Cell::Text(facility.prefecture()),
                Cell::text(seen.medical_area),
                Cell::text(kind),
                Cell::Text(catalog::facility::beds_band(seen.beds)),
                Cell::Bool(seen.dpc),
            ];
            self.row("facility", &row)?;
        }
        let mut rows = BTreeMap::new();
        for (name, table) in self.tables {
            rows.insert(name.to_owned(), table.finish()?);
        }
        rows.insert(cases::TABLE.to_owned(), self.cases.finish()?);
        self.identities.finish()?;
        self.by_source.finish()?;
        self.canaries.close()?;
        Ok(rows)
    }

    fn row(&mut self, table: &'static str, row: &[Cell<'_>]) -> Result<(), SyntheticError> {
        match self.tables.get_mut(table) {
            Some(file) => file.row(row),
            None => Err(SyntheticError::Shape { table: table.to_owned() }),
        }
    }

    /// Notes that a record names an institution. Returns its surrogate.
    fn see(&mut self, facility: usize, note: impl FnOnce(&mut Seen)) -> u32 {
        if let Some(seen) = self.seen.get_mut(facility) {
            seen.any = true;
            note(seen);
        }
        facility_id(facility)
    }

    fn medical_area(&self, facility: usize) -> Option<&'static str> {
        self.seen.get(facility).and_then(|seen| seen.medical_area)
    }
}

/// The surrogate of an institution: its place, from 1.
fn facility_id(place: usize) -> u32 {
    u32::try_from(place + 1).unwrap_or(0)
}

fn identity_schema() -> Schema {
    let text = |name: &str| Field::new(name, DataType::Utf8, true);
    let mut fields = vec![text("source"), text("file")];
    fields.push(Field::new("record", DataType::UInt64, false));
    fields.push(Field::new("person_key", DataType::UInt64, false));
    let names = [
        "kanji",
        "kana",
        "sex",
        "birth_date",
        "insurer",
        "symbol",
        "number",
        "branch",
        "public_payer",
        "public_recipient",
        "ltc_insurer",
        "ltc_number",
        "chart",
        "facility_code",
        "postcode",
    ];
    fields.extend(names.map(text));
    Schema::new(fields)
}

/// The catalog's `person.<source>` with the source before and without the grade.
fn by_source() -> Schema {
    let mut fields = vec![Field::new("source", DataType::Utf8, false)];
    let schema = catalog::person_source_schema();
    fields.extend(schema.fields().iter().filter(|field| field.name() != "link_grade").map(|field| (**field).clone()));
    Schema::new(fields)
}
