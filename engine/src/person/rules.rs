//! Which source's value a column of `person` takes (schema.md, "Truth").

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, UInt64Array, new_null_array};
use arrow::compute::interleave;
use arrow::datatypes::{Date32Type, Field, Schema, UInt64Type};
use datafusion::common::{Result, internal_datafusion_err};

/// How a column is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    /// The first source, in the order NDB, LTC, DPC, EHR, then added ones, that has a value.
    First,
    /// The greatest date.
    Greatest,
    /// Whether the source of that name has a row.
    In(&'static str),
    /// The person key itself.
    Key,
    /// From the row with the latest `place_on` among those that state a prefecture; ties in the order of the sources.
    LatestPlace,
    /// The least date.
    Least,
    /// The weakest link: a person is linked as well as its weakest part. `single` (one set of identifiers, nothing was linked)
    /// before `strong` before `scored`.
    Weakest,
}

impl Rule {
    fn of(column: &str) -> Option<Self> {
        Some(match column {
            "person_key" => Self::Key,
            "birth_date" | "birth_month" | "sex" => Self::First,
            "prefecture" | "municipality" | "medical_area" => Self::LatestPlace,
            "first_seen" => Self::Least,
            "last_seen" | "died_month" => Self::Greatest,
            "in_ndb" => Self::In("ndb"),
            "in_ltc" => Self::In("ltc"),
            "in_dpc" => Self::In("dpc"),
            "in_ehr" => Self::In("ehr"),
            "link_grade" => Self::Weakest,
            _ => return None,
        })
    }
}

/// The stored columns that the columns of `schema` are made from; the person key comes first.
pub(super) fn facts_for(schema: &Schema) -> Vec<&str> {
    let mut facts = vec!["person_key"];
    for field in schema.fields() {
        match Rule::of(field.name()) {
            Some(Rule::First | Rule::Greatest | Rule::Least | Rule::Weakest) => facts.push(field.name()),
            Some(Rule::LatestPlace) => facts.extend([field.name().as_str(), "place_on", "prefecture"]),
            Some(Rule::In(_) | Rule::Key) | None => {}
        }
    }
    let mut seen = std::collections::BTreeSet::new();
    facts.retain(|fact| seen.insert(*fact));
    facts
}

/// Rows of several sources brought together: for each person, which row of which source is that person's.
pub(super) struct Aligned<'a> {
    sources: &'a [&'static str],
    parts: Vec<RecordBatch>,
    keys: Vec<u64>,
    /// By source: the row of each person, in the order of `keys`.
    places: Vec<Vec<Option<usize>>>,
}

impl<'a> Aligned<'a> {
    /// `parts`: one batch a source, sorted by person key without repetition.
    pub(super) fn new(sources: &'a [&'static str], parts: Vec<RecordBatch>) -> Result<Self> {
        let columns = parts.iter().map(keys_of).collect::<Result<Vec<_>>>()?;
        let mut keys: Vec<u64> = columns.iter().flat_map(|column| column.values().iter().copied()).collect();
        keys.sort_unstable();
        keys.dedup();
        let places = columns.iter().map(|column| {
            let mut rows = column.values().iter().copied().enumerate().peekable();
            let row = |key: &u64| rows.next_if(|(_, found)| found == key).map(|(row, _)| row);
            keys.iter().map(row).collect()
        });
        let places = places.collect();
        Ok(Self { sources, parts, keys, places })
    }

    /// The columns of `schema`, one row a person.
    pub(super) fn columns(&self, schema: &Schema) -> Result<Vec<ArrayRef>> {
        schema.fields().iter().map(|field| self.column(field)).collect()
    }

    /// How many persons.
    pub(super) fn persons(&self) -> usize {
        self.keys.len()
    }

    fn column(&self, field: &Field) -> Result<ArrayRef> {
        let name = field.name();
        let rule = Rule::of(name).ok_or_else(|| internal_datafusion_err!("person has no column of that name"))?;
        let picks = match rule {
            Rule::Key => return Ok(std::sync::Arc::new(UInt64Array::from(self.keys.clone()))),
            Rule::In(source) => return Ok(std::sync::Arc::new(self.presence(source))),
            Rule::First => self.pick(&self.present(name)?, |_, _| false),
            Rule::Greatest => self.pick(&self.dates(name)?, |new, held| new > held),
            Rule::Least => self.pick(&self.dates(name)?, |new, held| new < held),
            Rule::LatestPlace => self.pick(&self.stated_places()?, |new, held| new > held),
            Rule::Weakest => self.pick(&self.weakness(name)?, |new, held| new > held),
        };
        let nothing = new_null_array(field.data_type(), 1);
        let mut values = self.parts.iter().map(|part| values(part, name)).collect::<Result<Vec<_>>>()?;
        values.push(nothing.as_ref());
        Ok(interleave(&values, &picks)?)
    }

    fn presence(&self, source: &str) -> BooleanArray {
        let places = self.sources.iter().position(|name| *name == source).and_then(|at| self.places.get(at));
        match places {
            Some(places) => places.iter().map(|place| Some(place.is_some())).collect(),
            None => std::iter::repeat_n(Some(false), self.keys.len()).collect(),
        }
    }

    /// For each person the source and row whose weight wins; the earlier source stays unless a later one is `better`.
    /// Where no source has a weight, the place of the missing value.
    fn pick(&self, weights: &[Vec<Option<i32>>], better: impl Fn(i32, i32) -> bool) -> Vec<(usize, usize)> {
        let nothing = (self.parts.len(), 0);
        let winner = |person: usize| {
            let mut held: Option<(i32, (usize, usize))> = None;
            for (source, (places, weights)) in self.places.iter().zip(weights).enumerate() {
                let row = places.get(person).copied().flatten();
                let Some((row, weight)) = row.and_then(|row| Some((row, (*weights.get(row)?)?))) else { continue };
                if held.is_none_or(|(held, _)| better(weight, held)) {
                    held = Some((weight, (source, row)));
                }
            }
            held.map_or(nothing, |(_, place)| place)
        };
        (0..self.keys.len()).map(winner).collect()
    }

    /// Weight 0 wherever there is a value.
    fn present(&self, name: &str) -> Result<Vec<Vec<Option<i32>>>> {
        self.weights(|part| {
            let values = values(part, name)?;
            Ok((0..values.len()).map(|row| values.is_valid(row).then_some(0)).collect())
        })
    }

    fn dates(&self, name: &str) -> Result<Vec<Vec<Option<i32>>>> {
        self.weights(|part| dates(part, name))
    }

    /// The date of the place where a prefecture is stated; a place without a date is older than any other.
    fn stated_places(&self) -> Result<Vec<Vec<Option<i32>>>> {
        self.weights(|part| {
            let (prefecture, on) = (values(part, "prefecture")?, dates(part, "place_on")?);
            let weight = |(row, on): (usize, Option<i32>)| prefecture.is_valid(row).then(|| on.unwrap_or(i32::MIN));
            Ok(on.into_iter().enumerate().map(weight).collect())
        })
    }

    fn weakness(&self, name: &str) -> Result<Vec<Vec<Option<i32>>>> {
        self.weights(|part| {
            let grades = values(part, name)?.as_string_opt::<i32>();
            let grades = grades.ok_or_else(|| internal_datafusion_err!("the link grade is no text"))?;
            let weight = |grade| match grade {
                "single" => Some(0),
                "strong" => Some(1),
                "scored" => Some(2),
                _ => None,
            };
            Ok(grades.iter().map(|grade| grade.and_then(weight)).collect())
        })
    }

    fn weights(&self, of: impl Fn(&RecordBatch) -> Result<Vec<Option<i32>>>) -> Result<Vec<Vec<Option<i32>>>> {
        self.parts.iter().map(of).collect()
    }
}

/// The person keys of a batch.
pub(super) fn keys_of(part: &RecordBatch) -> Result<&arrow::array::PrimitiveArray<UInt64Type>> {
    let keys = values(part, "person_key")?.as_primitive_opt::<UInt64Type>();
    keys.ok_or_else(|| internal_datafusion_err!("the person key has another type"))
}

fn values<'a>(part: &'a RecordBatch, name: &str) -> Result<&'a dyn Array> {
    let column = part.column_by_name(name).map(AsRef::as_ref);
    column.ok_or_else(|| internal_datafusion_err!("a source of person lacks a column"))
}

fn dates(part: &RecordBatch, name: &str) -> Result<Vec<Option<i32>>> {
    let dates = values(part, name)?.as_primitive_opt::<Date32Type>();
    Ok(dates.ok_or_else(|| internal_datafusion_err!("a date of person has another type"))?.iter().collect())
}
