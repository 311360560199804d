//! `sudare_tally(person, x)`: per-person totals of a cell, told as the few numbers that dominance needs.
//!
//! Hidden aggregate, unknown to SQL. Exact: totals are kept by person and merged by person, however rows are spread.

use std::collections::HashMap;
use std::mem::size_of;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array};
use arrow::datatypes::{DataType, Field, FieldRef, Float64Type, UInt64Type};
use datafusion::common::{Result, ScalarValue, internal_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{Accumulator, AggregateUDF, AggregateUDFImpl, Signature, Volatility};

use super::rule::{Counted, Shares};

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
        Ok(Box::new(Totals { dominance_n: self.dominance_n, by_person: HashMap::new() }))
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let list = |part: &str, of: DataType| {
            Arc::new(Field::new(format!("{}[{part}]", args.name), DataType::new_list(of, true), true))
        };
        Ok(vec![list("persons", DataType::UInt64), list("totals", DataType::Float64)])
    }
}

/// Totals by person. Neither `Debug` of a key nor a key itself leaves this type but as state between partitions.
struct Totals {
    dominance_n: usize,
    by_person: HashMap<u64, f64>,
}

impl std::fmt::Debug for Totals {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Totals")
    }
}

impl Totals {
    fn add(&mut self, persons: &dyn Array, amounts: &dyn Array) -> Result<()> {
        let (Some(persons), Some(amounts)) =
            (persons.as_primitive_opt::<UInt64Type>(), amounts.as_primitive_opt::<Float64Type>())
        else {
            return internal_err!("the tally's columns have other types");
        };
        // Rows of one person mostly follow each other: look the person up once a run.
        let mut run: Option<(u64, f64)> = None;
        for (person, amount) in persons.iter().zip(amounts.iter()) {
            let (Some(person), Some(amount)) = (person, amount) else { continue };
            match &mut run {
                Some((last, total)) if *last == person => *total += amount,
                _ => {
                    if let Some((last, total)) = run.replace((person, amount)) {
                        *self.by_person.entry(last).or_default() += total;
                    }
                }
            }
        }
        if let Some((last, total)) = run {
            *self.by_person.entry(last).or_default() += total;
        }
        Ok(())
    }

    fn shares(&self, size: impl Fn(f64) -> Option<f64>) -> Shares {
        let keep = self.dominance_n.max(2);
        let mut top: Vec<f64> = Vec::with_capacity(keep + 1);
        let mut total = 0.0;
        for value in self.by_person.values().filter_map(|total| size(*total)) {
            total += value;
            let at = top.partition_point(|kept| *kept >= value);
            if at < keep {
                top.insert(at, value);
                top.truncate(keep);
            }
        }
        let at = |rank: usize| top.get(rank).copied().unwrap_or(0.0);
        Shares { total, top_n: top.iter().take(self.dominance_n).sum(), first: at(0), second: at(1) }
    }
}

impl Accumulator for Totals {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let [persons, amounts] = values else { return internal_err!("a tally takes two columns") };
        self.add(persons, amounts)
    }

    #[expect(clippy::cast_precision_loss, reason = "counts of persons stay far below 2^53")]
    fn evaluate(&mut self) -> Result<ScalarValue> {
        let contributors = self.by_person.values().filter(|total| **total != 0.0).count();
        let mut numbers = vec![self.by_person.len() as f64, contributors as f64];
        let all = self.shares(|total| Some(total.abs()));
        let positive = self.shares(|total| (total > 0.0).then_some(total));
        let negative = self.shares(|total| (total < 0.0).then_some(-total));
        for shares in [all, positive, negative] {
            numbers.extend([shares.total, shares.top_n, shares.first, shares.second]);
        }
        let numbers: Vec<ScalarValue> = numbers.into_iter().map(ScalarValue::from).collect();
        Ok(ScalarValue::List(ScalarValue::new_list_nullable(&numbers, &DataType::Float64)))
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.by_person.capacity() * (size_of::<(u64, f64)>() + 8)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let (persons, totals): (Vec<_>, Vec<_>) = self
            .by_person
            .iter()
            .map(|(person, total)| (ScalarValue::from(*person), ScalarValue::from(*total)))
            .unzip();
        Ok(vec![
            ScalarValue::List(ScalarValue::new_list_nullable(&persons, &DataType::UInt64)),
            ScalarValue::List(ScalarValue::new_list_nullable(&totals, &DataType::Float64)),
        ])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let [persons, totals] = states else { return internal_err!("a tally's state has two columns") };
        let (Some(persons), Some(totals)) = (persons.as_list_opt::<i32>(), totals.as_list_opt::<i32>()) else {
            return internal_err!("a tally's state has other types");
        };
        persons.iter().flatten().zip(totals.iter().flatten()).try_for_each(|(persons, totals)| self.add(&persons, &totals))
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of persons, written by `evaluate`")]
fn whole(count: f64) -> u64 {
    count.max(0.0) as u64
}

#[cfg(test)]
mod tests {
    use arrow::array::UInt64Array;

    use super::*;

    fn totals() -> Totals {
        Totals { dominance_n: 2, by_person: HashMap::new() }
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
        tally.update_batch(&rows(&[(1, 5.0), (1, 5.0), (2, -3.0), (1, 1.0), (3, 0.0)])).unwrap();
        let told = told(&mut tally);
        assert_eq!((told.persons, told.contributors), (3, 2));
        assert_eq!(told.all, Shares { total: 14.0, top_n: 14.0, first: 11.0, second: 3.0 });
        assert_eq!(told.negative.first, 3.0);
    }

    #[test]
    fn partitions_add_up() {
        let mut whole = totals();
        whole.update_batch(&rows(&[(1, 5.0), (2, 2.0), (1, 4.0)])).unwrap();
        let mut merged = totals();
        for part in [&[(1, 5.0), (2, 2.0)][..], &[(1, 4.0)]] {
            let mut partial = totals();
            partial.update_batch(&rows(part)).unwrap();
            let state: Vec<ArrayRef> = partial.state().unwrap().iter().map(|s| s.to_array().unwrap()).collect();
            merged.merge_batch(&state).unwrap();
        }
        assert_eq!(told(&mut merged), told(&mut whole));
    }
}
