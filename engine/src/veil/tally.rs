//! `sudare_tally(person, amount, …)`: who is in a cell and what each person adds to it, amount by amount.
//!
//! Hidden aggregate, unknown to SQL; one a cell, however many aggregates the cell shows. Exact: totals are kept by person and
//! merged by person, however rows are spread.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float64Array, Float64Builder, ListArray, ListBuilder, UInt64Array,
    UInt64Builder,
};
use arrow::datatypes::{DataType, Field, FieldRef, Float64Type, UInt64Type};
use datafusion::common::{Result, ScalarValue, internal_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, EmitTo, GroupsAccumulator, Signature, Volatility,
};

use super::mask::lets_through;
use super::runs::Runs;
use super::sketch::PersonMarks;
use super::tallied::{Tallied, WORDS};
use super::totals::{Entry, Totals};

/// How the tallies of a plan are counted: by runs of rows in the order of the person key until that turns out not to hold, then
/// by person. Shared by the aggregate and the stage that runs it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counting(Arc<AtomicBool>);

impl Counting {
    /// From now on by person, in whatever order rows come.
    pub(crate) fn by_person(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_by_person(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The aggregate for `width` amounts, under a profile's `dominance_n` and the release line's marks.
pub(crate) fn tally(width: usize, dominance_n: usize, marks: PersonMarks, counting: Counting) -> Arc<AggregateUDF> {
    let mut types = vec![DataType::UInt64];
    types.resize(width + 1, DataType::Float64);
    let signature = Signature::exact(types, Volatility::Immutable);
    Arc::new(AggregateUDF::from(TallyFunction { signature, width, dominance_n, marks, counting }))
}

/// Reads one cell's tallies back from the list that the aggregate yields; as many as it has amounts.
pub(crate) fn tallied(words: &UInt64Array) -> Vec<Tallied> {
    words.values().chunks(WORDS).filter_map(Tallied::read).collect()
}

#[derive(Debug)]
struct TallyFunction {
    signature: Signature,
    width: usize,
    dominance_n: usize,
    marks: PersonMarks,
    counting: Counting,
}

impl TallyFunction {
    fn identity(&self) -> (usize, usize) {
        (self.width, self.dominance_n)
    }
}

impl PartialEq for TallyFunction {
    fn eq(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }
}

impl Eq for TallyFunction {}

impl Hash for TallyFunction {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.identity().hash(state);
    }
}

impl AggregateUDFImpl for TallyFunction {
    fn name(&self) -> &'static str {
        "__sudare_tally"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::new_list(DataType::UInt64, true))
    }

    fn accumulator(&self, _: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(OneCell(self.cells())))
    }

    fn groups_accumulator_supported(&self, _: AccumulatorArgs<'_>) -> bool {
        true
    }

    fn create_groups_accumulator(&self, _: AccumulatorArgs<'_>) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(self.cells())
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let list = |part: &str, of: DataType| {
            Arc::new(Field::new(format!("{}[{part}]", args.name), DataType::new_list(of, true), true))
        };
        if !self.counting.is_by_person() {
            return Ok(vec![list("runs", DataType::UInt64)]);
        }
        Ok(vec![
            list("persons", DataType::UInt64),
            list("present", DataType::UInt64),
            list("totals", DataType::Float64),
            list("parts", DataType::UInt64),
        ])
    }
}

impl TallyFunction {
    fn cells(&self) -> Box<dyn GroupsAccumulator + Sync> {
        let marks = self.marks.clone();
        if self.counting.is_by_person() {
            Box::new(Groups { width: self.width, dominance_n: self.dominance_n, marks, cells: Vec::new() })
        } else {
            Box::new(Runs::new(self.width, self.dominance_n, marks))
        }
    }
}

/// Totals by person of many cells at once.
struct Groups {
    width: usize,
    dominance_n: usize,
    marks: PersonMarks,
    cells: Vec<Totals>,
}

impl Groups {
    fn grow(&mut self, total: usize) {
        let width = self.width;
        if self.cells.len() < total {
            self.cells.resize_with(total, || Totals::new(width));
        }
    }

    fn words(&self, totals: &Totals) -> Vec<u64> {
        let mut words = Vec::with_capacity(self.width * WORDS);
        for tallied in totals.tallied(&self.marks, self.dominance_n) {
            tallied.write(&mut words);
        }
        words
    }
}

impl GroupsAccumulator for Groups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.grow(total);
        let (persons, amounts) = columns(values)?;
        for (row, (person, group)) in persons.iter().zip(groups).enumerate() {
            let (Some(person), Some(totals), true) = (person, self.cells.get_mut(*group), lets_through(filter, row))
            else {
                continue;
            };
            for (amount, column) in amounts.iter().enumerate() {
                if column.is_valid(row) {
                    totals.add(person, amount, column.value(row));
                }
            }
        }
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let groups = emit_to.take_needed(&mut self.cells);
        let mut cells = ListBuilder::with_capacity(UInt64Builder::new(), groups.len());
        for totals in &groups {
            cells.values().append_slice(&self.words(totals));
            cells.append(true);
        }
        Ok(Arc::new(cells.finish()))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let groups = emit_to.take_needed(&mut self.cells);
        let mut persons = ListBuilder::with_capacity(UInt64Builder::new(), groups.len());
        let mut present = ListBuilder::with_capacity(UInt64Builder::new(), groups.len());
        let mut amounts = ListBuilder::with_capacity(Float64Builder::new(), groups.len());
        let mut parts = ListBuilder::with_capacity(UInt64Builder::new(), groups.len());
        for totals in groups {
            for entry in totals.entries() {
                persons.values().append_value(entry.person);
                present.values().append_value(entry.present);
                amounts.values().append_slice(entry.totals);
                parts.values().append_slice(entry.parts);
            }
            persons.append(true);
            present.append(true);
            amounts.append(true);
            parts.append(true);
        }
        let (persons, present) = (persons.finish(), present.finish());
        Ok(vec![Arc::new(persons), Arc::new(present), Arc::new(amounts.finish()), Arc::new(parts.finish())])
    }

    fn merge_batch(&mut self, values: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        self.grow(total);
        let state = State::of(values)?;
        let width = self.width;
        for (row, group) in groups.iter().enumerate() {
            if let Some(totals) = self.cells.get_mut(*group) {
                state.entries(row, width, |entry| totals.merge(&entry))?;
            }
        }
        Ok(())
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let rows = values.first().map_or(0, Array::len);
        let marks = self.marks.clone();
        let mut each = Self { width: self.width, dominance_n: self.dominance_n, marks, cells: Vec::new() };
        each.update_batch(values, &(0..rows).collect::<Vec<_>>(), filter, rows)?;
        each.state(EmitTo::All)
    }

    fn size(&self) -> usize {
        self.cells.iter().map(Totals::bytes).sum()
    }
}

/// The one cell of a query without groups.
struct OneCell(Box<dyn GroupsAccumulator + Sync>);

impl fmt::Debug for OneCell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OneCell")
    }
}

impl OneCell {
    /// The cell is there even where no row is.
    fn exists(&mut self, empty: &[ArrayRef]) -> Result<()> {
        self.0.update_batch(empty, &[], None, 1)
    }
}

impl Accumulator for OneCell {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let rows = values.first().map_or(0, Array::len);
        self.0.update_batch(values, &vec![0; rows], None, 1)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        self.exists(&nothing())?;
        ScalarValue::try_from_array(&self.0.evaluate(EmitTo::All)?, 0)
    }

    fn size(&self) -> usize {
        self.0.size()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        self.exists(&nothing())?;
        let state = self.0.state(EmitTo::All)?;
        state.iter().map(|part| ScalarValue::try_from_array(part, 0)).collect()
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let rows = states.first().map_or(0, Array::len);
        self.0.merge_batch(states, &vec![0; rows], 1)
    }
}

/// No rows of no amounts.
fn nothing() -> [ArrayRef; 1] {
    [Arc::new(UInt64Array::from(Vec::<u64>::new()))]
}

/// State of other partitions.
struct State<'a> {
    persons: &'a ListArray,
    present: &'a ListArray,
    totals: &'a ListArray,
    parts: &'a ListArray,
}

impl<'a> State<'a> {
    fn of(values: &'a [ArrayRef]) -> Result<Self> {
        let [persons, present, totals, parts] = values else {
            return internal_err!("a tally's state has four columns");
        };
        let list = |column: &'a ArrayRef| column.as_list_opt::<i32>();
        if let (Some(persons), Some(present), Some(totals), Some(parts)) =
            (list(persons), list(present), list(totals), list(parts))
        {
            Ok(Self { persons, present, totals, parts })
        } else {
            internal_err!("a tally's state has other types")
        }
    }

    fn entries(&self, row: usize, width: usize, mut each: impl FnMut(Entry<'_>)) -> Result<()> {
        let (persons, present) = (self.persons.value(row), self.present.value(row));
        let (totals, parts) = (self.totals.value(row), self.parts.value(row));
        let whole = |array: &'_ ArrayRef| array.as_primitive_opt::<UInt64Type>().map(|found| found.values().clone());
        let amounts = totals.as_primitive_opt::<Float64Type>().map(Float64Array::values);
        let (Some(persons), Some(present), Some(totals), Some(parts)) =
            (whole(&persons), whole(&present), amounts, whole(&parts))
        else {
            return internal_err!("a tally's state has other types");
        };
        let amounts = totals.chunks(width.max(1)).zip(parts.chunks(width.max(1)));
        for ((person, present), (totals, parts)) in persons.iter().zip(present.iter()).zip(amounts) {
            each(Entry { person: *person, present: *present, totals, parts });
        }
        Ok(())
    }
}

pub(super) fn columns(values: &[ArrayRef]) -> Result<(&UInt64Array, Vec<&Float64Array>)> {
    let Some((persons, amounts)) = values.split_first() else { return internal_err!("a tally takes a person") };
    let amounts: Option<Vec<&Float64Array>> =
        amounts.iter().map(|array| array.as_primitive_opt::<Float64Type>()).collect();
    if let (Some(persons), Some(amounts)) = (persons.as_primitive_opt::<UInt64Type>(), amounts) {
        Ok((persons, amounts))
    } else {
        internal_err!("the tally's columns have other types")
    }
}

#[cfg(test)]
mod tests;
