//! `__sudare_…(person, x, …)`: a statistic that needs all observations of a cell at once.
//!
//! Hidden aggregate, unknown to SQL, in the place of the visible one. Observations are sorted before anything is calculated, so
//! that an answer does not depend on how rows were spread. NULL where the statistic's own rule fails (disclosure.md, 4f).

use std::fmt;
use std::hash::{Hash, Hasher};
use std::mem::size_of;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, ListArray, UInt64Array};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, FieldRef, Float64Type, UInt64Type};
use datafusion::common::{Result, ScalarValue, internal_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{Accumulator, AggregateUDF, AggregateUDFImpl, Signature, Volatility};
use policies::Profile;

use super::rule::Thresholds;
use moments::Moment;

pub(crate) mod moments;
mod quantile;

/// Which statistic, with what tells it from others of its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Statistic {
    /// Of one variable or of two.
    Moment(Moment),
    /// The value below which that many of a hundred observations lie; `whole`: shown without decimals.
    Quantile {
        /// Of a hundred.
        percent: u64,
        /// See above.
        whole: bool,
    },
}

/// What a statistic asks of the profile.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asks {
    pub(super) thresholds: Thresholds,
    pub(super) dominance_n: usize,
}

/// One observation: whose, and one value or two.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Seen {
    pub(super) person: u64,
    pub(super) x: f64,
    pub(super) y: f64,
}

/// The aggregate for a statistic. Its arguments: the person, the values, and for a quantile the fraction, so that plans tell two
/// of them apart.
pub(crate) fn observed(statistic: Statistic, returns: DataType, profile: &Profile) -> Arc<AggregateUDF> {
    let (name, values, kept) = match statistic {
        Statistic::Moment(moment) => (format!("__sudare_{}", moment.name()), moment.variables(), moment.variables()),
        Statistic::Quantile { .. } => ("__sudare_quantile".to_owned(), 2, 1),
    };
    let mut types = vec![DataType::UInt64];
    types.resize(values + 1, DataType::Float64);
    let asks = Asks { thresholds: profile.into(), dominance_n: profile.dominance_n };
    let signature = Signature::exact(types, Volatility::Immutable);
    Arc::new(AggregateUDF::from(ObservedFunction { name, signature, statistic, returns, kept, asks }))
}

#[derive(Debug)]
struct ObservedFunction {
    name: String,
    signature: Signature,
    statistic: Statistic,
    returns: DataType,
    kept: usize,
    asks: Asks,
}

impl ObservedFunction {
    fn identity(&self) -> (Statistic, &DataType) {
        (self.statistic, &self.returns)
    }
}

impl PartialEq for ObservedFunction {
    fn eq(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }
}

impl Eq for ObservedFunction {}

impl Hash for ObservedFunction {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.identity().hash(state);
    }
}

impl AggregateUDFImpl for ObservedFunction {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.returns.clone())
    }

    fn accumulator(&self, _: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(Observations {
            statistic: self.statistic,
            returns: self.returns.clone(),
            asks: self.asks,
            persons: Vec::new(),
            values: vec![Vec::new(); self.kept],
        }))
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let list = |part: String, of: DataType| {
            Arc::new(Field::new(format!("{}[{part}]", args.name), DataType::new_list(of, true), true))
        };
        let values = (0..self.kept).map(|at| list(format!("value {at}"), DataType::Float64));
        Ok(std::iter::once(list("persons".to_owned(), DataType::UInt64)).chain(values).collect())
    }
}

/// All observations of one cell. Keys leave this type only as state between partitions; there is no `Debug` of one.
struct Observations {
    statistic: Statistic,
    returns: DataType,
    asks: Asks,
    persons: Vec<u64>,
    values: Vec<Vec<f64>>,
}

impl fmt::Debug for Observations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observations")
    }
}

impl Observations {
    /// Adds the rows that have a person and all values. What is not finite is no observation (V-FINITE).
    fn add(&mut self, persons: &UInt64Array, values: &[&Float64Array]) {
        for (row, person) in persons.iter().enumerate() {
            let seen = values.iter().all(|value| value.is_valid(row) && value.value(row).is_finite());
            if let (Some(person), true) = (person, seen) {
                self.persons.push(person);
                for (kept, value) in self.values.iter_mut().zip(values) {
                    kept.push(value.value(row));
                }
            }
        }
    }

    fn add_columns(&mut self, persons: &dyn Array, values: &[ArrayRef]) -> Result<()> {
        let values: Option<Vec<&Float64Array>> =
            values.iter().take(self.values.len()).map(|array| array.as_primitive_opt::<Float64Type>()).collect();
        match (persons.as_primitive_opt::<UInt64Type>(), values) {
            (Some(persons), Some(values)) if values.len() == self.values.len() => {
                self.add(persons, &values);
                Ok(())
            }
            _ => internal_err!("the columns of a statistic have other types"),
        }
    }

    fn in_order(&self) -> Vec<Seen> {
        let mut columns = self.values.iter();
        let (x, y) = (columns.next(), columns.next());
        let at = |column: Option<&Vec<f64>>, row: usize| column.and_then(|values| values.get(row)).copied();
        let seen = |(row, person): (usize, &u64)| Seen {
            person: *person,
            x: at(x, row).unwrap_or_default(),
            y: at(y, row).unwrap_or_default(),
        };
        let mut observations: Vec<Seen> = self.persons.iter().enumerate().map(seen).collect();
        observations.sort_by(|a, b| a.person.cmp(&b.person).then(a.x.total_cmp(&b.x)).then(a.y.total_cmp(&b.y)));
        observations
    }
}

impl Accumulator for Observations {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let Some((persons, values)) = values.split_first() else { return internal_err!("a statistic takes a person") };
        self.add_columns(persons, values)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let observations = self.in_order();
        let found = match self.statistic {
            Statistic::Moment(moment) => moments::of(moment, &observations, &self.asks),
            Statistic::Quantile { percent, whole } => quantile::of(percent, whole, &observations, &self.asks),
        };
        ScalarValue::Float64(found.filter(|value| value.is_finite())).cast_to(&self.returns)
    }

    fn size(&self) -> usize {
        // Once more for the sorted copy.
        let values: usize = self.values.iter().map(Vec::capacity).sum();
        size_of::<Self>()
            + (self.persons.capacity() + values) * size_of::<u64>()
            + self.persons.len() * size_of::<Seen>()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let persons: ArrayRef = Arc::new(UInt64Array::from(std::mem::take(&mut self.persons)));
        let values = self.values.iter_mut().map(|column| {
            let values: ArrayRef = Arc::new(Float64Array::from(std::mem::take(column)));
            values
        });
        Ok(std::iter::once(persons).chain(values).map(one_list).collect())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let lists: Option<Vec<&ListArray>> = states.iter().map(|state| state.as_list_opt::<i32>()).collect();
        let Some(lists) = lists else { return internal_err!("the state of a statistic is not lists") };
        for row in 0..lists.first().map_or(0, Array::len) {
            let columns: Vec<ArrayRef> = lists.iter().map(|lists| lists.value(row)).collect();
            let Some((persons, values)) = columns.split_first() else { continue };
            self.add_columns(persons, values)?;
        }
        Ok(())
    }
}

/// All values as the one list of a state.
pub(super) fn one_list(values: ArrayRef) -> ScalarValue {
    let field = Arc::new(Field::new_list_field(values.data_type().clone(), true));
    let offsets = OffsetBuffer::from_lengths([values.len()]);
    ScalarValue::List(Arc::new(ListArray::new(field, offsets, values, None)))
}

#[cfg(test)]
mod tests;
