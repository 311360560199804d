//! The population of disclosure.md, section 8: 3,001 persons, 7 prefectures, 60 facilities, 24 months; one target and its twins.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int32Array, StringArray, UInt32Array, UInt64Array,
};
use arrow::record_batch::RecordBatch;
use catalog::{Column, ColumnType, Table};
use datafusion::datasource::MemTable;

use crate::relations::Relations;

pub(super) mod small;

/// The target's person key.
pub(super) const TARGET: u64 = 3_000;

/// What the target is in a population.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Twin {
    /// Not there.
    Absent,
    /// As disclosure.md says.
    Base,
    /// With other points, days, diagnosis and blood sugar.
    Changed,
}

/// One population, built once.
pub(super) fn relations(twin: Twin) -> Relations {
    static ALL: LazyLock<[Relations; 3]> =
        LazyLock::new(|| [Twin::Absent, Twin::Base, Twin::Changed].map(|twin| Population::new(twin).relations()));
    match twin {
        Twin::Absent => ALL[0].clone(),
        Twin::Base => ALL[1].clone(),
        Twin::Changed => ALL[2].clone(),
    }
}

#[derive(Clone, Debug)]
enum Cell {
    Bool(bool),
    Date(i32),
    Double(f64),
    Number(u64),
    Text(String),
}

type Row = BTreeMap<&'static str, Cell>;

/// Deterministic numbers (`SplitMix64`), a stream a person, so that the target's presence moves nobody else's.
struct Dice(u64);

impl Dice {
    fn of(person: u64) -> Self {
        Self(person.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(0xD1B5_4A32_D192_ED03))
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % bound
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    fn one<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[usize::try_from(self.below(of.len() as u64)).unwrap()]
    }
}

struct Population {
    twin: Twin,
    rows: BTreeMap<&'static str, Vec<Row>>,
    next_id: u64,
}

struct Who {
    key: u64,
    sex: &'static str,
    prefecture: &'static str,
    age: u64,
    facilities: [u64; 2],
}

const DIAGNOSES: [&str; 8] = ["I10", "E119", "J45", "J180", "K259", "I500", "I639", "C349"];
const DRUGS: [&str; 5] = ["3969007F1024", "1149001F1560", "2329011M1020", "3961003F1028", "2171014G1020"];
const HBA1C: &str = "3D046000001906202";
const EGFR: &str = "8A065000002391901";

fn text(text: &str) -> Cell {
    Cell::Text(text.to_owned())
}

/// Days since 1970 of a day in a service month; month 0 is 2021-04.
fn day(month: u64, day: i8) -> i32 {
    let (year, month) = (2021 + (month + 3) / 12, (month + 3) % 12 + 1);
    days(i16::try_from(year).unwrap(), i8::try_from(month).unwrap(), day)
}

fn days(year: i16, month: i8, day: i8) -> i32 {
    jiff::civil::date(year, month, day).since(jiff::civil::date(1970, 1, 1)).unwrap().get_days()
}

impl Population {
    fn new(twin: Twin) -> Self {
        let mut population = Self { twin, rows: BTreeMap::new(), next_id: 1 };
        for key in 0..TARGET {
            population.person(key);
        }
        if twin != Twin::Absent {
            population.target();
        }
        population.facilities();
        population
    }

    fn add<const N: usize>(&mut self, table: &'static str, cells: [(&'static str, Cell); N]) {
        self.rows.entry(table).or_default().push(cells.into_iter().collect());
    }

    fn id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    fn person(&mut self, key: u64) {
        let mut dice = Dice::of(key);
        let (prefecture, first, count) = match dice.below(100) {
            0 => ("31", 7, 4),
            1..=20 => ("27", 11, 12),
            21..=55 => ("13", 23, 20),
            56..=65 => ("01", 43, 6),
            66..=75 => ("23", 49, 6),
            76..=85 => ("14", 55, 6),
            _ => ("40", 1, 6),
        };
        // About forty are 93 years old, none of them where the target lives.
        let age = if prefecture != "31" && dice.chance(2) { 93 } else { 20 + dice.below(65) };
        let facilities = [first + dice.below(count), first + dice.below(count)];
        let who = Who { key, sex: dice.one(&["1", "2"]), prefecture, age, facilities };
        self.basics(&who, 1 + dice.below(12));
        for _ in 0..2 + dice.below(5) {
            self.claim(&who, &mut dice);
        }
        if dice.chance(5) {
            let claim = self.id();
            self.diagnosis(&who, claim, "F32", day(dice.below(24), 5));
        }
        if key < 3 {
            let claim = self.id();
            self.diagnosis(&who, claim, "A16", day(3, 5));
        }
        self.care(&who, &mut dice);
        self.stays(&who, &mut dice);
        self.observations(&who, &mut dice);
    }

    fn basics(&mut self, who: &Who, month: u64) {
        let year = i16::try_from(2022 - who.age).unwrap();
        let born = days(year, i8::try_from(month).unwrap(), 1);
        self.add(
            "person",
            [
                ("person_key", Cell::Number(who.key)),
                ("birth_month", Cell::Date(born)),
                ("sex", text(who.sex)),
                ("prefecture", text(who.prefecture)),
                ("in_ndb", Cell::Bool(true)),
            ],
        );
    }

    fn claim(&mut self, who: &Who, dice: &mut Dice) {
        let (claim, month) = (self.id(), dice.below(24));
        let inpatient = dice.chance(15);
        let points = if inpatient { 20_000 + dice.below(40_000) } else { 200 + dice.below(8_000) };
        let facility = who.facilities[usize::from(dice.chance(30))];
        self.claim_row(who, claim, month, facility, inpatient, points, 1 + dice.below(8));
        for _ in 0..=dice.below(2) {
            let icd10 = dice.one(&DIAGNOSES);
            self.diagnosis(who, claim, icd10, day(month, 1 + i8::try_from(dice.below(28)).unwrap()));
        }
        if dice.chance(60) {
            self.drug(who, claim, facility, month, dice);
        }
    }

    #[expect(clippy::too_many_arguments, reason = "one claim, said once")]
    fn claim_row(&mut self, who: &Who, claim: u64, month: u64, facility: u64, inpatient: bool, points: u64, on: u64) {
        self.add(
            "ndb.claims",
            [
                ("person_key", Cell::Number(who.key)),
                ("claim_id", Cell::Number(claim)),
                ("service_month", Cell::Date(day(month, 1))),
                ("facility_id", Cell::Number(facility)),
                ("prefecture", text(who.prefecture)),
                ("claim_type", text(if inpatient { "dpc" } else { "medical" })),
                ("setting", text(if inpatient { "inpatient" } else { "outpatient" })),
                ("points", Cell::Number(points)),
                ("days", Cell::Number(on)),
                ("age", Cell::Number(who.age)),
                ("sex", text(who.sex)),
                ("__facility", Cell::Number(facility)),
            ],
        );
    }

    fn diagnosis(&mut self, who: &Who, claim: u64, icd10: &str, start: i32) {
        self.add(
            "ndb.diagnoses",
            [
                ("person_key", Cell::Number(who.key)),
                ("claim_id", Cell::Number(claim)),
                ("icd10", text(icd10)),
                ("suspected", Cell::Bool(false)),
                ("start_date", Cell::Date(start)),
                ("__facility", Cell::Number(who.facilities[0])),
            ],
        );
    }

    fn drug(&mut self, who: &Who, claim: u64, facility: u64, month: u64, dice: &mut Dice) {
        self.add(
            "ndb.drugs",
            [
                ("person_key", Cell::Number(who.key)),
                ("claim_id", Cell::Number(claim)),
                ("yj_code", text(dice.one(&DRUGS))),
                ("quantity", Cell::Double(f64::from(u32::try_from(1 + dice.below(30)).unwrap()))),
                ("dispensed_on", Cell::Date(day(month, 10))),
                ("__facility", Cell::Number(facility)),
            ],
        );
    }

    fn care(&mut self, who: &Who, dice: &mut Dice) {
        if who.age < 65 || dice.chance(40) {
            return;
        }
        let level = dice.one(&["s1", "c1", "c2", "c3"]);
        for month in 0..3 + dice.below(4) {
            self.add(
                "ltc.claims",
                [
                    ("person_key", Cell::Number(who.key)),
                    ("service_month", Cell::Date(day(month, 1))),
                    ("facility_id", Cell::Number(who.facilities[1])),
                    ("care_level", text(level)),
                    ("service_type", text(dice.one(&["11", "13", "15"]))),
                    ("units", Cell::Number(1_000 + dice.below(9_000))),
                    ("__facility", Cell::Number(who.facilities[1])),
                ],
            );
        }
        let on = Cell::Date(day(dice.below(20), 15));
        self.add(
            "ltc.certifications",
            [("person_key", Cell::Number(who.key)), ("applied_on", on), ("care_level", text(level))],
        );
    }

    fn stays(&mut self, who: &Who, dice: &mut Dice) {
        for _ in 0..dice.below(10).saturating_sub(6) {
            let (stay, month) = (self.id(), dice.below(24));
            let (icd10, dpc) = [("S720", "160800xx01xxxx"), ("J180", "040080xx99x00x"), ("I500", "050130xx9900xx")]
                [usize::try_from(dice.below(3)).unwrap()];
            let admitted = day(month, 1 + i8::try_from(dice.below(20)).unwrap());
            self.add(
                "dpc.stays",
                [
                    ("person_key", Cell::Number(who.key)),
                    ("stay_id", Cell::Number(stay)),
                    ("facility_id", Cell::Number(who.facilities[0])),
                    ("age", Cell::Number(who.age)),
                    ("sex", text(who.sex)),
                    ("admitted_on", Cell::Date(admitted)),
                    ("discharged_on", Cell::Date(admitted + i32::try_from(2 + dice.below(30)).unwrap())),
                    ("dpc_code", text(dpc)),
                    ("main_icd10", text(icd10)),
                    ("outcome", text(if dice.chance(10) { "died" } else { "improved" })),
                    ("points", Cell::Number(20_000 + dice.below(60_000))),
                    ("__facility", Cell::Number(who.facilities[0])),
                ],
            );
        }
    }

    fn observations(&mut self, who: &Who, dice: &mut Dice) {
        for _ in 0..dice.below(4) {
            let (month, document) = (dice.below(24), self.id());
            let glucose = 5.0 + f64::from(u32::try_from(dice.below(40)).unwrap()) / 10.0;
            self.observation(who, document, HBA1C, glucose, day(month, 14));
            let filtration = f64::from(u32::try_from(30 + dice.below(70)).unwrap());
            self.observation(who, document, EGFR, filtration, day(month, 14));
        }
        if dice.chance(30) {
            let document = self.id();
            self.add(
                "ehr.conditions",
                [
                    ("person_key", Cell::Number(who.key)),
                    ("facility_id", Cell::Number(who.facilities[0])),
                    ("document_id", Cell::Number(document)),
                    ("icd10", text(dice.one(&["I10", "I639"]))),
                    ("recorded_on", Cell::Date(day(2, 9))),
                    ("__facility", Cell::Number(who.facilities[0])),
                ],
            );
        }
    }

    fn observation(&mut self, who: &Who, document: u64, jlac: &str, value: f64, on: i32) {
        self.add(
            "ehr.observations",
            [
                ("person_key", Cell::Number(who.key)),
                ("facility_id", Cell::Number(who.facilities[0])),
                ("document_id", Cell::Number(document)),
                ("jlac", text(jlac)),
                ("observed_on", Cell::Date(on)),
                ("value", Cell::Double(value)),
                ("__facility", Cell::Number(who.facilities[0])),
            ],
        );
    }

    fn target(&mut self) {
        let who = Who { key: TARGET, sex: "2", prefecture: "31", age: 93, facilities: [7, 7] };
        let changed = self.twin == Twin::Changed;
        // Born 1929-05-01; 2022 - 93 = 1929.
        self.basics(&who, 5);
        let points: [u64; 3] = if changed { [101, 103, 104] } else { [4_329, 4_331, 4_332] };
        for (month, points) in (8..).zip(points) {
            let claim = self.id();
            self.claim_row(&who, claim, month, 7, false, points, if changed { 3 } else { 12 });
            self.diagnosis(&who, claim, if changed { "I10" } else { "F32" }, day(month, 3));
        }
        let document = self.id();
        self.observation(&who, document, HBA1C, if changed { 5.0 } else { 9.9 }, days(2022, 2, 14));
    }

    fn facilities(&mut self) {
        for facility in 1..=60 {
            let kind = if facility % 2 == 0 { "hospital" } else { "clinic" };
            self.add("facility", [("facility_id", Cell::Number(facility)), ("kind", text(kind))]);
        }
        for (prefix, chapter) in [("E", "IV"), ("I", "IX"), ("J", "X")] {
            self.add("code.icd10_chapter", [("icd10_prefix", text(prefix)), ("chapter", text(chapter))]);
        }
    }

    fn relations(mut self) -> Relations {
        let mut relations = Relations::default();
        for table in catalog::tables() {
            let rows = self.rows.remove(table.name.as_str()).unwrap_or_default();
            let batch = batch(table, &rows);
            let provider = Arc::new(MemTable::try_new(batch.schema(), vec![vec![batch]]).unwrap());
            let columns: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
            relations = if table.has_persons() {
                relations.with_rows(&table.name, provider, &columns)
            } else {
                relations.with_open(&table.name, provider)
            };
        }
        assert!(self.rows.is_empty(), "rows of unknown tables");
        relations
    }
}

fn batch(table: &Table, rows: &[Row]) -> RecordBatch {
    let schema = catalog::release_schema(table);
    let hidden = Column {
        name: catalog::HIDDEN_FACILITY.to_owned(),
        kind: ColumnType::U32,
        class: catalog::Class::Technical,
        ja: String::new(),
        en: String::new(),
    };
    let columns = table.columns.iter().chain(table.has_hidden_facility().then_some(&hidden));
    RecordBatch::try_new(schema, columns.map(|column| array(column, rows)).collect()).unwrap()
}

fn array(column: &Column, rows: &[Row]) -> ArrayRef {
    let cells = rows.iter().map(|row| row.get(column.name.as_str()));
    let number = |cell: Option<&Cell>| match cell {
        Some(Cell::Number(number)) => Some(*number),
        _ => None,
    };
    match column.kind {
        ColumnType::Bool => Arc::new(
            cells
                .map(|cell| if let Some(Cell::Bool(yes)) = cell { Some(*yes) } else { None })
                .collect::<BooleanArray>(),
        ),
        ColumnType::Date => Arc::new(
            cells.map(|cell| if let Some(Cell::Date(day)) = cell { Some(*day) } else { None }).collect::<Date32Array>(),
        ),
        ColumnType::Double => Arc::new(
            cells
                .map(|cell| if let Some(Cell::Double(value)) = cell { Some(*value) } else { None })
                .collect::<Float64Array>(),
        ),
        ColumnType::Int => {
            Arc::new(cells.map(|cell| number(cell).map(|n| i32::try_from(n).unwrap())).collect::<Int32Array>())
        }
        ColumnType::Text => Arc::new(
            cells
                .map(|cell| if let Some(Cell::Text(text)) = cell { Some(text.as_str()) } else { None })
                .collect::<StringArray>(),
        ),
        ColumnType::U32 => {
            Arc::new(cells.map(|cell| number(cell).map(|n| u32::try_from(n).unwrap())).collect::<UInt32Array>())
        }
        ColumnType::U64 => Arc::new(cells.map(number).collect::<UInt64Array>()),
    }
}
