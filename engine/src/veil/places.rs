//! `sudare_places(institution, present)`: up to `min_institutions` distinct institutions of a cell, and no more.
//!
//! Takes one institution a row, or the list that a grouping by person carried up; so a later veil's count is exact up to the threshold.

use std::mem::size_of;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Field, FieldRef, UInt32Type};
use datafusion::common::{Result, ScalarValue, internal_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{Accumulator, AggregateUDF, AggregateUDFImpl, Signature, Volatility};

/// The aggregate for a profile's `min_institutions`.
pub(crate) fn places(enough: usize) -> Arc<AggregateUDF> {
    Arc::new(AggregateUDF::from(PlacesFunction { signature: Signature::any(2, Volatility::Immutable), enough }))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct PlacesFunction {
    signature: Signature,
    enough: usize,
}

impl AggregateUDFImpl for PlacesFunction {
    fn name(&self) -> &'static str {
        "__sudare_places"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::new_list(DataType::UInt32, true))
    }

    fn accumulator(&self, _: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(Places { enough: self.enough, found: Vec::new() }))
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let list = DataType::new_list(DataType::UInt32, true);
        Ok(vec![Arc::new(Field::new(format!("{}[found]", args.name), list, true))])
    }
}

struct Places {
    enough: usize,
    found: Vec<u32>,
}

impl std::fmt::Debug for Places {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Places")
    }
}

impl Places {
    fn add(&mut self, places: &dyn Array) {
        let Some(places) = places.as_primitive_opt::<UInt32Type>() else { return };
        for place in places.iter().flatten() {
            if self.found.len() >= self.enough {
                return;
            }
            if !self.found.contains(&place) {
                self.found.push(place);
            }
        }
    }

    fn list(&self) -> ScalarValue {
        let found: Vec<ScalarValue> = self.found.iter().copied().map(ScalarValue::from).collect();
        ScalarValue::List(ScalarValue::new_list_nullable(&found, &DataType::UInt32))
    }
}

impl Accumulator for Places {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let [places, present] = values else { return internal_err!("two columns are counted for institutions") };
        if self.found.len() >= self.enough {
            return Ok(());
        }
        let Some(present) = present.as_boolean_opt() else { return internal_err!("presence is not a truth value") };
        let places = arrow::compute::filter(places, present)?;
        match places.as_list_opt::<i32>() {
            Some(lists) => lists.iter().flatten().for_each(|list| self.add(&list)),
            None => self.add(&places),
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(self.list())
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.found.capacity() * size_of::<u32>()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![self.list()])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let [found] = states else { return internal_err!("one column of institutions is merged") };
        let Some(found) = found.as_list_opt::<i32>() else { return internal_err!("institutions are not lists") };
        found.iter().flatten().for_each(|list| self.add(&list));
        Ok(())
    }
}
