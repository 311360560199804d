//! `sudare_places(institution, present)`: up to `min_institutions` distinct institutions of a cell, and no more.
//!
//! Takes one institution a row, or the list that a grouping by person carried up; so a later veil's count is exact up to the threshold.

use std::mem::size_of;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, ListBuilder, UInt32Builder};
use arrow::datatypes::{DataType, Field, FieldRef, UInt32Type};
use datafusion::common::{Result, ScalarValue, internal_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, EmitTo, GroupsAccumulator, Signature, Volatility,
};

use super::mask::{is_true, lets_through};

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

    fn groups_accumulator_supported(&self, _: AccumulatorArgs<'_>) -> bool {
        true
    }

    fn create_groups_accumulator(&self, _: AccumulatorArgs<'_>) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(GroupPlaces { enough: self.enough, groups: Vec::new() }))
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

/// Notes a place, unless enough are known.
fn note(found: &mut Vec<u32>, place: u32, enough: usize) {
    if found.len() < enough && !found.contains(&place) {
        found.push(place);
    }
}

impl Places {
    fn add(&mut self, places: &dyn Array) {
        let Some(places) = places.as_primitive_opt::<UInt32Type>() else { return };
        for place in places.iter().flatten() {
            note(&mut self.found, place, self.enough);
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

/// The places of many groups at once: what grouping by person needs, where a group has few rows.
struct GroupPlaces {
    enough: usize,
    groups: Vec<Vec<u32>>,
}

impl GroupPlaces {
    fn add(&mut self, places: &dyn Array, take: impl Fn(usize) -> bool, groups: &[usize], total: usize) {
        if self.groups.len() < total {
            self.groups.resize(total, Vec::new());
        }
        let enough = self.enough;
        if let Some(places) = places.as_primitive_opt::<UInt32Type>() {
            for (row, (place, group)) in places.iter().zip(groups).enumerate() {
                if let (Some(place), Some(found), true) = (place, self.groups.get_mut(*group), take(row)) {
                    note(found, place, enough);
                }
            }
        } else if let Some(lists) = places.as_list_opt::<i32>() {
            for (row, (list, group)) in lists.iter().zip(groups).enumerate() {
                let (Some(list), Some(found), true) = (list, self.groups.get_mut(*group), take(row)) else { continue };
                let Some(list) = list.as_primitive_opt::<UInt32Type>() else { continue };
                list.iter().flatten().for_each(|place| note(found, place, enough));
            }
        }
    }

    fn emit(&mut self, emit_to: EmitTo) -> ArrayRef {
        let groups = emit_to.take_needed(&mut self.groups);
        let mut lists = ListBuilder::with_capacity(UInt32Builder::new(), groups.len());
        for found in groups {
            lists.append_value(found.into_iter().map(Some));
        }
        Arc::new(lists.finish())
    }
}

impl GroupsAccumulator for GroupPlaces {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        let [places, present] = values else { return internal_err!("two columns are counted for institutions") };
        let Some(present) = present.as_boolean_opt() else { return internal_err!("presence is not a truth value") };
        self.add(places, |row| is_true(present, row) && lets_through(filter, row), groups, total);
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        Ok(self.emit(emit_to))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.emit(emit_to)])
    }

    fn merge_batch(&mut self, values: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        let [found] = values else { return internal_err!("one column of institutions is merged") };
        self.add(found, |_| true, groups, total);
        Ok(())
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let rows = values.first().map_or(0, Array::len);
        let mut each = Self { enough: self.enough, groups: Vec::new() };
        each.update_batch(values, &(0..rows).collect::<Vec<_>>(), filter, rows)?;
        each.state(EmitTo::All)
    }

    fn size(&self) -> usize {
        let places: usize = self.groups.iter().map(Vec::capacity).sum();
        self.groups.capacity() * size_of::<Vec<u32>>() + places * size_of::<u32>()
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::UInt32Array;

    use super::*;

    fn counts(array: &dyn Array) -> Vec<usize> {
        array.as_list::<i32>().iter().map(|list| list.unwrap().len()).collect()
    }

    #[test]
    fn no_more_than_enough_are_kept_and_absent_rows_count_none() {
        let mut places = GroupPlaces { enough: 3, groups: Vec::new() };
        let facilities: ArrayRef = Arc::new(UInt32Array::from(vec![Some(1), Some(2), Some(3), Some(4), Some(9), None]));
        let present: ArrayRef = Arc::new(BooleanArray::from(vec![true, true, true, true, false, true]));
        places.update_batch(&[facilities, present], &[0, 0, 0, 0, 1, 1], None, 2).unwrap();
        assert_eq!(counts(&places.evaluate(EmitTo::All).unwrap()), [3, 0]);
    }

    #[test]
    fn lists_of_persons_add_up() {
        let mut by_person = GroupPlaces { enough: 3, groups: Vec::new() };
        let facilities: ArrayRef = Arc::new(UInt32Array::from(vec![1, 2, 2, 5]));
        let present: ArrayRef = Arc::new(BooleanArray::from(vec![true; 4]));
        by_person.update_batch(&[facilities, present], &[0, 0, 1, 1], None, 2).unwrap();
        let lists = by_person.evaluate(EmitTo::All).unwrap();
        let mut whole = GroupPlaces { enough: 3, groups: Vec::new() };
        let present: ArrayRef = Arc::new(BooleanArray::from(vec![true; 2]));
        whole.update_batch(&[lists, present], &[0, 0], None, 1).unwrap();
        assert_eq!(counts(&whole.evaluate(EmitTo::All).unwrap()), [3]);
    }
}
