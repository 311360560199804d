//! `__sudare_distinct(person, value)`: how many values at least two persons hold, to the nearest five (V-CDISTINCT).

use std::collections::HashMap;
use std::fmt;
use std::mem::size_of;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, UInt64Array};
use arrow::datatypes::{DataType, Field, FieldRef, UInt64Type};
use datafusion::common::{Result, ScalarValue, internal_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{Accumulator, AggregateUDF, AggregateUDFImpl, Signature, Volatility};

use super::observed::one_list;

/// Counts are shown as multiples of this (disclosure.md, 4e).
const BASE: u64 = 5;

/// The aggregate for values of one type, with the type of the aggregate that it stands for.
pub(crate) fn distinct(of: DataType, returns: DataType) -> Arc<AggregateUDF> {
    let signature = Signature::any(2, Volatility::Immutable);
    Arc::new(AggregateUDF::from(DistinctFunction { signature, of, returns }))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct DistinctFunction {
    signature: Signature,
    of: DataType,
    returns: DataType,
}

impl AggregateUDFImpl for DistinctFunction {
    fn name(&self) -> &'static str {
        "__sudare_distinct"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.returns.clone())
    }

    fn accumulator(&self, _: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(Holders { of: self.of.clone(), returns: self.returns.clone(), held: HashMap::new(), heap: 0 }))
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let list = |part: &str, of: DataType| {
            Arc::new(Field::new(format!("{}[{part}]", args.name), DataType::new_list(of, true), true))
        };
        Ok(vec![list("persons", DataType::UInt64), list("values", self.of.clone())])
    }
}

/// Up to two persons a value: more tell nothing more.
struct Holders {
    of: DataType,
    returns: DataType,
    held: HashMap<ScalarValue, (u64, Option<u64>)>,
    /// Bytes of the values.
    heap: usize,
}

impl fmt::Debug for Holders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Holders")
    }
}

impl Holders {
    fn add(&mut self, persons: &dyn Array, values: &ArrayRef) -> Result<()> {
        let Some(persons) = persons.as_primitive_opt::<UInt64Type>() else {
            return internal_err!("persons of distinct values have another type");
        };
        for (row, person) in persons.iter().enumerate() {
            let (Some(person), true) = (person, values.is_valid(row)) else { continue };
            let mut value = ScalarValue::try_from_array(values, row)?;
            if let Some((first, second)) = self.held.get_mut(&value) {
                if second.is_none() && *first != person {
                    *second = Some(person);
                }
                continue;
            }
            // A slice of a batch would keep the whole batch.
            value.compact();
            self.heap += value.size();
            self.held.insert(value, (person, None));
        }
        Ok(())
    }
}

impl Accumulator for Holders {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let [persons, values] = values else { return internal_err!("distinct values take a person and a value") };
        self.add(persons, values)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let shared = self.held.values().filter(|(_, second)| second.is_some()).count() as u64;
        ScalarValue::UInt64(Some((shared + BASE / 2) / BASE * BASE)).cast_to(&self.returns)
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.held.capacity() * (size_of::<(ScalarValue, (u64, Option<u64>))>() + 1) + self.heap
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let (mut persons, mut values) = (Vec::new(), Vec::new());
        for (value, (first, second)) in std::mem::take(&mut self.held) {
            for person in std::iter::once(first).chain(second) {
                persons.push(person);
                values.push(value.clone());
            }
        }
        let values = ScalarValue::List(ScalarValue::new_list_nullable(&values, &self.of));
        Ok(vec![one_list(Arc::new(UInt64Array::from(persons))), values])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let [persons, values] = states else { return internal_err!("the state of distinct values has two columns") };
        let (Some(persons), Some(values)) = (persons.as_list_opt::<i32>(), values.as_list_opt::<i32>()) else {
            return internal_err!("the state of distinct values is not lists");
        };
        for row in 0..persons.len() {
            self.add(&persons.value(row), &values.value(row))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::StringArray;

    use super::*;

    fn holders() -> Holders {
        Holders { of: DataType::Utf8, returns: DataType::Int64, held: HashMap::new(), heap: 0 }
    }

    fn batch(rows: &[(u64, &str)]) -> Vec<ArrayRef> {
        vec![
            Arc::new(UInt64Array::from_iter_values(rows.iter().map(|row| row.0))),
            Arc::new(StringArray::from_iter_values(rows.iter().map(|row| row.1))),
        ]
    }

    #[test]
    fn values_of_one_person_are_not_counted_however_often_they_stand() {
        let mut holders = holders();
        let shared: Vec<String> = (0..11).map(|value| format!("s{value}")).collect();
        for value in &shared {
            holders.update_batch(&batch(&[(1, value), (2, value), (3, value)])).unwrap();
        }
        let own: Vec<String> = (0..40).map(|value| format!("o{value}")).collect();
        for value in &own {
            holders.update_batch(&batch(&[(9, value), (9, value)])).unwrap();
        }
        assert_eq!(holders.evaluate().unwrap(), ScalarValue::Int64(Some(10)));
    }

    #[test]
    fn two_partitions_that_each_know_one_holder_make_two() {
        let mut whole = holders();
        let values: Vec<String> = (0..5).map(|value| format!("v{value}")).collect();
        for person in [1, 2] {
            let mut part = holders();
            for value in &values {
                part.update_batch(&batch(&[(person, value)])).unwrap();
            }
            let state: Vec<ArrayRef> = part.state().unwrap().iter().map(|part| part.to_array().unwrap()).collect();
            whole.merge_batch(&state).unwrap();
        }
        assert_eq!(whole.evaluate().unwrap(), ScalarValue::Int64(Some(5)));
    }

    #[test]
    fn nothing_counts_nothing() {
        assert_eq!(holders().evaluate().unwrap(), ScalarValue::Int64(Some(0)));
    }
}
