//! `sudare_tally(person, x)`: per-person totals of a cell, told as the few numbers that dominance needs.
//!
//! Hidden aggregate, unknown to SQL. Exact: totals are kept by person and merged by person, however rows are spread.

use std::sync::Arc;

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

use super::rule::{Counted, Shares};
use super::totals::{self, Totals};

/// The aggregate for a profile's `dominance_n`.
pub(crate) fn tally(dominance_n: usize) -> Arc<AggregateUDF> {
    let signature = Signature::exact(vec![DataType::UInt64, DataType::Float64], Volatility::Immutable);
    Arc::new(AggregateUDF::from(TallyFunction { signature, dominance_n }))
}

/// Reads one cell's tally back from the list that the aggregate yields.
pub(crate) fn counted(numbers: &Float64Array) -> Option<Counted> {
    let number = |at: usize| (at < numbers.len()).then(|| numbers.value(at));
    let shares = |at: usize| {
        Some(Shares { total: number(at)?, top_n: number(at + 1)?, first: number(at + 2)?, second: number(at + 3)? })
    };
    Some(Counted {
        persons: whole(number(0)?),
        contributors: whole(number(1)?),
        all: shares(2)?,
        positive: shares(6)?,
        negative: shares(10)?,
    })
}

/// Marks that tell the persons of a small cell apart from those of another; none where they are many.
pub(crate) fn marks(numbers: &Float64Array) -> Vec<u64> {
    numbers.values().iter().skip(totals::NUMBERS).map(|mark| mark.to_bits()).collect()
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct TallyFunction {
    signature: Signature,
    dominance_n: usize,
}

impl AggregateUDFImpl for TallyFunction {
    fn name(&self) -> &'static str {
        "__sudare_tally"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::new_list(DataType::Float64, true))
    }

    fn accumulator(&self, _: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(Totals::new(self.dominance_n)))
    }

    fn groups_accumulator_supported(&self, _: AccumulatorArgs<'_>) -> bool {
        true
    }

    fn create_groups_accumulator(&self, _: AccumulatorArgs<'_>) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(GroupTotals { dominance_n: self.dominance_n, groups: Vec::new() }))
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let list = |part: &str, of: DataType| {
            Arc::new(Field::new(format!("{}[{part}]", args.name), DataType::new_list(of, true), true))
        };
        Ok(vec![list("persons", DataType::UInt64), list("totals", DataType::Float64)])
    }
}

impl Accumulator for Totals {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let (persons, amounts) = columns(values)?;
        for (person, amount) in persons.iter().zip(amounts.iter()) {
            if let (Some(person), Some(amount)) = (person, amount) {
                self.add(person, amount);
            }
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let numbers: Vec<ScalarValue> = self.numbers().into_iter().map(ScalarValue::from).collect();
        Ok(ScalarValue::List(ScalarValue::new_list_nullable(&numbers, &DataType::Float64)))
    }

    fn size(&self) -> usize {
        self.bytes()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let (persons, totals): (Vec<_>, Vec<_>) =
            self.entries().map(|(person, total)| (ScalarValue::from(person), ScalarValue::from(total))).unzip();
        Ok(vec![
            ScalarValue::List(ScalarValue::new_list_nullable(&persons, &DataType::UInt64)),
            ScalarValue::List(ScalarValue::new_list_nullable(&totals, &DataType::Float64)),
        ])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let (persons, totals) = lists(states)?;
        for (persons, totals) in persons.iter().flatten().zip(totals.iter().flatten()) {
            self.update_batch(&[persons, totals])?;
        }
        Ok(())
    }
}

/// Totals of many groups at once.
struct GroupTotals {
    dominance_n: usize,
    groups: Vec<Totals>,
}

impl GroupTotals {
    fn grow(&mut self, total: usize) {
        let dominance_n = self.dominance_n;
        if self.groups.len() < total {
            self.groups.resize_with(total, || Totals::new(dominance_n));
        }
    }
}

impl GroupsAccumulator for GroupTotals {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.grow(total);
        let (persons, amounts) = columns(values)?;
        let taken = |row: usize| filter.is_none_or(|mask| row < mask.len() && mask.is_valid(row) && mask.value(row));
        for (row, ((person, amount), group)) in persons.iter().zip(amounts.iter()).zip(groups).enumerate() {
            let (Some(person), Some(amount)) = (person, amount) else { continue };
            if let (Some(totals), true) = (self.groups.get_mut(*group), taken(row)) {
                totals.add(person, amount);
            }
        }
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let groups = emit_to.take_needed(&mut self.groups);
        let mut cells = ListBuilder::with_capacity(Float64Builder::new(), groups.len());
        for mut totals in groups {
            cells.append_value(totals.numbers().into_iter().map(Some));
        }
        Ok(Arc::new(cells.finish()))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let groups = emit_to.take_needed(&mut self.groups);
        let mut persons = ListBuilder::with_capacity(UInt64Builder::new(), groups.len());
        let mut amounts = ListBuilder::with_capacity(Float64Builder::new(), groups.len());
        for mut totals in groups {
            for (person, amount) in totals.entries() {
                persons.values().append_value(person);
                amounts.values().append_value(amount);
            }
            persons.append(true);
            amounts.append(true);
        }
        Ok(vec![Arc::new(persons.finish()), Arc::new(amounts.finish())])
    }

    fn merge_batch(&mut self, values: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        self.grow(total);
        let (persons, totals) = lists(values)?;
        for ((persons, amounts), group) in persons.iter().zip(totals.iter()).zip(groups) {
            let (Some(persons), Some(amounts), Some(totals)) = (persons, amounts, self.groups.get_mut(*group)) else {
                continue;
            };
            Accumulator::update_batch(totals, &[persons, amounts])?;
        }
        Ok(())
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let rows = values.first().map_or(0, Array::len);
        let mut each = Self { dominance_n: self.dominance_n, groups: Vec::new() };
        each.update_batch(values, &(0..rows).collect::<Vec<_>>(), filter, rows)?;
        each.state(EmitTo::All)
    }

    fn size(&self) -> usize {
        self.groups.iter().map(Totals::bytes).sum()
    }
}

fn columns(values: &[ArrayRef]) -> Result<(&UInt64Array, &Float64Array)> {
    let [persons, amounts] = values else { return internal_err!("a tally takes two columns") };
    let typed = (persons.as_primitive_opt::<UInt64Type>(), amounts.as_primitive_opt::<Float64Type>());
    if let (Some(persons), Some(amounts)) = typed {
        Ok((persons, amounts))
    } else {
        internal_err!("the tally's columns have other types")
    }
}

fn lists(states: &[ArrayRef]) -> Result<(&ListArray, &ListArray)> {
    let [persons, totals] = states else { return internal_err!("a tally's state has two columns") };
    let typed = (persons.as_list_opt::<i32>(), totals.as_list_opt::<i32>());
    if let (Some(persons), Some(totals)) = typed {
        Ok((persons, totals))
    } else {
        internal_err!("a tally's state has other types")
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a count of persons, written by `evaluate`"
)]
fn whole(count: f64) -> u64 {
    count.max(0.0) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn totals() -> Totals {
        Totals::new(2)
    }

    fn rows(of: &[(u64, f64)]) -> Vec<ArrayRef> {
        vec![
            Arc::new(UInt64Array::from_iter_values(of.iter().map(|row| row.0))),
            Arc::new(Float64Array::from_iter_values(of.iter().map(|row| row.1))),
        ]
    }

    fn told(totals: &mut Totals) -> Counted {
        let ScalarValue::List(list) = totals.evaluate().unwrap() else { panic!("not a list") };
        counted(list.value(0).as_primitive::<Float64Type>()).unwrap()
    }

    #[test]
    fn totals_are_by_person_whatever_the_order() {
        let mut tally = totals();
        Accumulator::update_batch(&mut tally, &rows(&[(1, 5.0), (1, 5.0), (2, -3.0), (1, 1.0), (3, 0.0)])).unwrap();
        let told = told(&mut tally);
        assert_eq!((told.persons, told.contributors), (3, 2));
        assert_eq!(told.all, Shares { total: 14.0, top_n: 14.0, first: 11.0, second: 3.0 });
        assert!((told.negative.first - 3.0).abs() < 1e-9);
    }

    #[test]
    fn groups_tell_the_same_as_one_by_one() {
        let mut grouped = GroupTotals { dominance_n: 2, groups: Vec::new() };
        let values = rows(&[(1, 5.0), (2, -3.0), (1, 1.0), (3, 4.0)]);
        grouped.update_batch(&values, &[0, 1, 0, 1], None, 2).unwrap();
        let state = grouped.state(EmitTo::All).unwrap();
        let mut merged = GroupTotals { dominance_n: 2, groups: Vec::new() };
        merged.merge_batch(&state, &[0, 1], 2).unwrap();
        let cells = merged.evaluate(EmitTo::All).unwrap();
        let first = counted(cells.as_list::<i32>().value(0).as_primitive::<Float64Type>()).unwrap();
        let second = counted(cells.as_list::<i32>().value(1).as_primitive::<Float64Type>()).unwrap();
        assert_eq!((first.persons, first.all.total), (1, 6.0));
        assert_eq!((second.persons, second.negative.first), (2, 3.0));
    }

    #[test]
    fn partitions_add_up() {
        let mut whole = totals();
        Accumulator::update_batch(&mut whole, &rows(&[(1, 5.0), (2, 2.0), (1, 4.0)])).unwrap();
        let mut merged = totals();
        for part in [&[(1, 5.0), (2, 2.0)][..], &[(1, 4.0)]] {
            let mut partial = totals();
            Accumulator::update_batch(&mut partial, &rows(part)).unwrap();
            let state: Vec<ArrayRef> = partial.state().unwrap().iter().map(|s| s.to_array().unwrap()).collect();
            merged.merge_batch(&state).unwrap();
        }
        assert_eq!(told(&mut merged), told(&mut whole));
    }
}
