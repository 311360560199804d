//! Made-up rows in the analysis schema directly, bucket by bucket: for measurements at sizes that raw files would take hours for.
//!
//! The same seed gives the same rows. Not for tests of what is true: persons here have no truth behind them.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, Date32Array, Float64Array, Int32Array, StringArray, UInt32Array, UInt64Array, new_null_array,
};
use arrow::datatypes::Schema;
use arrow::record_batch::RecordBatch;
use catalog::{BucketCount, HIDDEN_FACILITY};

/// How much is made.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    /// Persons in all buckets.
    pub persons: u64,
    /// Buckets.
    pub buckets: BucketCount,
    /// Of all random numbers.
    pub seed: u64,
}

/// Tables that are made.
pub const TABLES: [&str; 4] = ["ndb.claims", "ltc.claims", "dpc.stays", "ehr.observations"];

/// Institutions a prefecture.
const FACILITIES: u64 = 200;
/// First service month, in days since 1970: 2021-04-01.
const FIRST_DAY: i32 = 18_718;
/// Months of records.
const MONTHS: u64 = 24;
const DIAGNOSES: [&str; 12] =
    ["I10", "E119", "J45", "J180", "K259", "I500", "I639", "C349", "S7200", "N185", "F329", "M8198"];
const CARE_LEVELS: [&str; 7] = ["s1", "s2", "c1", "c2", "c3", "c4", "c5"];
const HBA1C: &str = "3D046000001906202";
const EGFR: &str = "8A065000002391901";

/// Rows of one table and bucket, sorted by person key, in the table's release schema. None if the table is none of [`TABLES`].
pub fn bucket(scale: &Scale, table: &str, bucket: u16) -> Option<RecordBatch> {
    let persons = persons(scale, bucket);
    let columns = match table {
        "ndb.claims" => claims(&persons),
        "ltc.claims" => care(&persons),
        "dpc.stays" => stays(&persons),
        "ehr.observations" => observations(&persons),
        _ => return None,
    };
    let schema = catalog::release_schema(catalog::table(table)?);
    batch(&schema, &columns)
}

/// Columns by name; those that a table has besides are NULL.
fn batch(schema: &Arc<Schema>, columns: &[(&'static str, ArrayRef)]) -> Option<RecordBatch> {
    let rows = columns.first()?.1.len();
    let column = |name: &str, of: &arrow::datatypes::DataType| {
        let found = columns.iter().find(|(known, _)| *known == name).map(|(_, array)| Arc::clone(array));
        found.unwrap_or_else(|| new_null_array(of, rows))
    };
    let arrays = schema.fields().iter().map(|field| column(field.name(), field.data_type())).collect();
    RecordBatch::try_new(Arc::clone(schema), arrays).ok()
}

#[derive(Clone, Copy)]
struct Person {
    key: u64,
    age: u64,
    woman: bool,
    prefecture: u64,
}

/// `SplitMix64`: quick, and good enough for rows that only fill a table.
struct Dice(u64);

impl Dice {
    fn of(key: u64, salt: u64) -> Self {
        Self(key ^ salt.wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        let at = usize::try_from(self.below(of.len().max(1) as u64)).unwrap_or(0);
        of.get(at).copied().unwrap_or_default()
    }

    /// A whole number below a bound that fits.
    fn small(&mut self, bound: u32) -> i32 {
        i32::try_from(self.below(u64::from(bound))).unwrap_or_default()
    }
}

fn persons(scale: &Scale, bucket: u16) -> Vec<Person> {
    let buckets = u64::from(scale.buckets.get());
    let bits = scale.buckets.get().trailing_zeros();
    let mut dice = Dice::of(scale.seed, u64::from(bucket) + 1);
    let low = u64::MAX.checked_shr(bits).unwrap_or(0);
    let top = u64::from(bucket).checked_shl(u64::BITS - bits).unwrap_or(0);
    let mut keys: Vec<u64> = (0..scale.persons / buckets).map(|_| top | (dice.next() & low)).collect();
    keys.sort_unstable();
    keys.dedup();
    let person = |key: u64| {
        let mut dice = Dice::of(key, 17);
        // The larger the number of a prefecture, the fewer live there, as roughly in Japan.
        let prefecture = 1 + dice.below(47).min(dice.below(47));
        Person { key, age: dice.below(88), woman: dice.below(2) == 0, prefecture }
    };
    keys.into_iter().map(person).collect()
}

impl Person {
    fn facility(&self, dice: &mut Dice) -> u32 {
        let number = self.prefecture * FACILITIES + (self.key + dice.below(3)) % FACILITIES;
        u32::try_from(number).unwrap_or(u32::MAX)
    }

    fn sex(&self) -> &'static str {
        if self.woman { "2" } else { "1" }
    }

    fn prefecture(&self) -> String {
        format!("{:02}", self.prefecture)
    }
}

/// The first of a month, roughly; months of thirty days keep the arithmetic plain.
fn month(number: u64) -> i32 {
    FIRST_DAY + i32::try_from(number * 365 / 12).unwrap_or_default()
}

fn texts(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(values))
}

fn claims(persons: &[Person]) -> Vec<(&'static str, ArrayRef)> {
    let (mut keys, mut ids, mut months, mut places) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut prefectures, mut kinds, mut settings, mut sexes) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut ages, mut points, mut days) = (Vec::new(), Vec::new(), Vec::new());
    for person in persons {
        let mut dice = Dice::of(person.key, 1);
        let prefecture = person.prefecture();
        let mut when: Vec<u64> = (0..=dice.below(19)).map(|_| dice.below(MONTHS)).collect();
        when.sort_unstable();
        for at in when {
            let inpatient = dice.below(12) == 0;
            keys.push(person.key);
            ids.push(dice.next());
            months.push(month(at));
            places.push(person.facility(&mut dice));
            prefectures.push(prefecture.clone());
            kinds.push(dice.one(&["medical", "dpc", "dental", "pharmacy"]));
            settings.push(if inpatient { "inpatient" } else { "outpatient" });
            sexes.push(person.sex());
            ages.push(i32::try_from(person.age + at / 12).unwrap_or_default());
            points.push(if inpatient { 20_000 + dice.small(60_000) } else { 300 + dice.small(2_000) });
            days.push(1 + dice.small(if inpatient { 28 } else { 4 }));
        }
    }
    vec![
        ("person_key", Arc::new(UInt64Array::from(keys))),
        ("claim_id", Arc::new(UInt64Array::from(ids))),
        ("service_month", Arc::new(Date32Array::from(months))),
        ("facility_id", Arc::new(UInt32Array::from(places.clone()))),
        (HIDDEN_FACILITY, Arc::new(UInt32Array::from(places))),
        ("prefecture", Arc::new(StringArray::from(prefectures))),
        ("claim_type", texts(&kinds)),
        ("setting", texts(&settings)),
        ("sex", texts(&sexes)),
        ("age", Arc::new(Int32Array::from(ages))),
        ("points", Arc::new(Int32Array::from(points))),
        ("days", Arc::new(Int32Array::from(days))),
    ]
}

fn care(persons: &[Person]) -> Vec<(&'static str, ArrayRef)> {
    let (mut keys, mut months, mut places, mut prefectures) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut levels, mut services, mut units, mut days) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for person in persons.iter().filter(|person| person.age >= 65) {
        let mut dice = Dice::of(person.key, 2);
        if dice.below(100) >= 23 {
            continue;
        }
        let level = dice.one(&CARE_LEVELS);
        for at in 0..=dice.below(MONTHS - 1) {
            keys.push(person.key);
            months.push(month(at));
            places.push(person.facility(&mut dice));
            prefectures.push(person.prefecture());
            levels.push(level);
            services.push(dice.one(&["11", "15", "43", "51"]));
            units.push(500 + dice.small(20_000));
            days.push(1 + dice.small(20));
        }
    }
    vec![
        ("person_key", Arc::new(UInt64Array::from(keys))),
        ("service_month", Arc::new(Date32Array::from(months))),
        ("facility_id", Arc::new(UInt32Array::from(places.clone()))),
        (HIDDEN_FACILITY, Arc::new(UInt32Array::from(places))),
        ("insurer_prefecture", Arc::new(StringArray::from(prefectures))),
        ("care_level", texts(&levels)),
        ("service_type", texts(&services)),
        ("units", Arc::new(Int32Array::from(units))),
        ("days", Arc::new(Int32Array::from(days))),
    ]
}

fn stays(persons: &[Person]) -> Vec<(&'static str, ArrayRef)> {
    let (mut keys, mut ids, mut places, mut ages) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut sexes, mut from, mut to, mut codes) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut outcomes, mut points) = (Vec::new(), Vec::new());
    for person in persons {
        let mut dice = Dice::of(person.key, 3);
        if dice.below(100) >= 7 {
            continue;
        }
        for _ in 0..=dice.below(2) {
            let admitted = FIRST_DAY + dice.small(700);
            keys.push(person.key);
            ids.push(dice.next());
            places.push(person.facility(&mut dice));
            ages.push(i32::try_from(person.age).unwrap_or_default());
            sexes.push(person.sex());
            from.push(admitted);
            to.push(admitted + 1 + dice.small(40));
            codes.push(dice.one(&DIAGNOSES));
            outcomes.push(if dice.below(20) == 0 { "died" } else { "improved" });
            points.push(30_000 + dice.small(200_000));
        }
    }
    vec![
        ("person_key", Arc::new(UInt64Array::from(keys))),
        ("stay_id", Arc::new(UInt64Array::from(ids))),
        ("facility_id", Arc::new(UInt32Array::from(places.clone()))),
        (HIDDEN_FACILITY, Arc::new(UInt32Array::from(places))),
        ("age", Arc::new(Int32Array::from(ages))),
        ("sex", texts(&sexes)),
        ("admitted_on", Arc::new(Date32Array::from(from))),
        ("discharged_on", Arc::new(Date32Array::from(to))),
        ("main_icd10", texts(&codes)),
        ("outcome", texts(&outcomes)),
        ("points", Arc::new(Int32Array::from(points))),
    ]
}

fn observations(persons: &[Person]) -> Vec<(&'static str, ArrayRef)> {
    let (mut keys, mut ids, mut places) = (Vec::new(), Vec::new(), Vec::new());
    let (mut when, mut codes, mut values) = (Vec::new(), Vec::new(), Vec::new());
    for person in persons {
        let mut dice = Dice::of(person.key, 4);
        if dice.below(100) >= 20 {
            continue;
        }
        for _ in 0..10 {
            let sugar = dice.below(2) == 0;
            keys.push(person.key);
            ids.push(dice.next());
            places.push(person.facility(&mut dice));
            when.push(FIRST_DAY + dice.small(730));
            codes.push(if sugar { HBA1C } else { EGFR });
            let value = f64::from(dice.small(1_000));
            values.push(if sugar { 5.0 + value / 200.0 } else { 20.0 + value / 10.0 });
        }
    }
    vec![
        ("person_key", Arc::new(UInt64Array::from(keys))),
        ("document_id", Arc::new(UInt64Array::from(ids))),
        ("facility_id", Arc::new(UInt32Array::from(places.clone()))),
        (HIDDEN_FACILITY, Arc::new(UInt32Array::from(places))),
        ("observed_on", Arc::new(Date32Array::from(when))),
        ("jlac", texts(&codes)),
        ("value", Arc::new(Float64Array::from(values))),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::AsArray;
    use arrow::datatypes::UInt64Type;

    #[test]
    fn rows_fill_the_release_schema_in_the_order_of_persons() {
        let scale = Scale { persons: 4_000, buckets: 4.try_into().unwrap(), seed: 1 };
        for table in TABLES {
            let rows = bucket(&scale, table, 2).unwrap();
            let keys = rows.column_by_name("person_key").unwrap().as_primitive::<UInt64Type>();
            assert!(keys.len() > 20, "{table}");
            assert!(keys.values().windows(2).all(|pair| pair[0] <= pair[1]), "{table}");
            let own = |key: &u64| catalog::bucket_of(catalog::PersonKey::new(*key), scale.buckets) == 2;
            assert!(keys.values().iter().all(own), "{table}");
            assert_eq!(rows, bucket(&scale, table, 2).unwrap());
        }
    }
}
