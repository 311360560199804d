//! Judges the cells of one veil: which are shown, and with what value. Nothing here reads rows, clocks or files.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Float64Array};
use arrow::compute::{CastOptions, cast_with_options, filter_record_batch, nullif};
use arrow::datatypes::{DataType, Float64Type, Schema, UInt64Type};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion::common::{DFSchemaRef, DataFusionError, Result, internal_err};

use super::plan::{CellRule, Check, PlaceColumn, ROWS, VeilSpec};
use super::shown::Shown;
use super::sketch::Sketch;
use super::tallied::Tallied;
use super::tally;
use crate::error::QueryError;

mod arms;
pub(crate) mod sets;

/// The cells of one veil with all that was counted beside them, in the order of their keys.
pub(crate) struct Sheet {
    cells: RecordBatch,
    spec: Arc<VeilSpec>,
    /// By row, then by tally.
    tallies: Vec<Vec<Tallied>>,
    /// The same by institution, where institutions are counted.
    by_place: Vec<Vec<Tallied>>,
    rows: Vec<bool>,
    /// By aggregate, then by row.
    verdicts: Vec<Vec<Verdict>>,
}

/// What becomes of one aggregate of one cell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Verdict {
    /// Shown as it is.
    Plain,
    /// Shown with another value.
    Changed(f64),
    /// Not shown.
    Withheld,
}

/// Judged cells, and how many were withheld.
pub(crate) struct Judged {
    /// What stands in the place of the veil.
    pub shown: Shown,
    /// Cells withheld, as far as they may be told.
    pub withheld: u64,
    /// Whether a value was taken from an earlier answer.
    pub snapped: u64,
}

impl Sheet {
    /// Reads what was counted, and applies the rules that look at one cell alone, then those that look at all together.
    pub(crate) fn of(cells: RecordBatch, spec: Arc<VeilSpec>) -> Result<Self> {
        let cells = in_order(cells, spec.groups)?;
        let tallies = tallies_in(&cells, &spec.tallies)?;
        let by_place = spec.by_place.as_ref().map(|name| tallies_in(&cells, name)).transpose()?.unwrap_or_default();
        let mut sheet = Self { cells, spec, tallies, by_place, rows: Vec::new(), verdicts: Vec::new() };
        sheet.rows = sheet.passing_rows()?;
        sheet.verdicts = sheet.passing_cells()?;
        sheet.drop_lonely_arms()?;
        sheet.protect_margins()?;
        Ok(sheet)
    }

    pub(crate) fn spec(&self) -> &Arc<VeilSpec> {
        &self.spec
    }

    /// The number that the aggregate gave.
    pub(crate) fn plain(&self, cell: usize, row: usize) -> Option<f64> {
        let values = self.cells.columns().get(self.spec.groups + cell)?.slice(row, 1);
        let numbers = cast_with_options(&values, &DataType::Float64, &CastOptions::default()).ok()?;
        let numbers = numbers.as_primitive_opt::<Float64Type>()?;
        numbers.is_valid(0).then(|| numbers.value(0))
    }

    pub(crate) fn len(&self) -> usize {
        self.tallies.len()
    }

    /// The group keys' columns.
    pub(crate) fn keys(&self) -> &[ArrayRef] {
        self.cells.columns().get(..self.spec.groups).unwrap_or_default()
    }

    /// What was counted beside one row.
    pub(crate) fn tally(&self, row: usize, tally: usize) -> Option<&Tallied> {
        self.tallies.get(row)?.get(tally)
    }

    /// Whether a row may be seen at all.
    pub(crate) fn row_passes(&self, row: usize) -> bool {
        self.rows.get(row).copied().unwrap_or(false)
    }

    pub(crate) fn verdict(&self, cell: usize, row: usize) -> Verdict {
        self.verdicts.get(cell).and_then(|rows| rows.get(row)).copied().unwrap_or(Verdict::Withheld)
    }

    /// Sets a verdict; what is withheld already stays so.
    pub(crate) fn set(&mut self, cell: usize, row: usize, verdict: Verdict) {
        if let Some(found) = self.verdicts.get_mut(cell).and_then(|rows| rows.get_mut(row))
            && *found != Verdict::Withheld
        {
            *found = verdict;
        }
    }

    /// Withholds a whole row.
    pub(crate) fn drop_row(&mut self, row: usize) {
        if let Some(passes) = self.rows.get_mut(row) {
            *passes = false;
        }
        for cells in &mut self.verdicts {
            if let Some(verdict) = cells.get_mut(row) {
                *verdict = Verdict::Withheld;
            }
        }
    }

    fn passing_rows(&self) -> Result<Vec<bool>> {
        let places = self.enough_places(&self.spec.row_places)?;
        let enough = |row: usize| {
            self.tally(row, ROWS).is_some_and(|rows| self.spec.thresholds.enough_persons(rows.counted.persons))
        };
        Ok(places.into_iter().enumerate().map(|(row, places)| places && enough(row)).collect())
    }

    fn passing_cells(&self) -> Result<Vec<Vec<Verdict>>> {
        let each = |(cell, rule): (usize, &CellRule)| {
            let places = self.enough_places(&rule.places)?;
            // Where a statistic's own rule fails there is no value.
            let values = self.cells.columns().get(self.spec.groups + cell);
            let other = rule.value.digits().is_some();
            let valued = |row| !other || values.is_some_and(|values| values.is_valid(row));
            let verdict = |(row, places): (usize, bool)| {
                let passes = self.row_passes(row)
                    && places
                    && valued(row)
                    && rule.checks.iter().all(|check| self.holds(check, row));
                if passes { Verdict::Plain } else { Verdict::Withheld }
            };
            Ok(places.into_iter().enumerate().map(verdict).collect())
        };
        self.spec.cells.iter().enumerate().map(each).collect()
    }

    fn holds(&self, check: &Check, row: usize) -> bool {
        let thresholds = self.spec.thresholds;
        let of = |tally: usize| self.tally(row, tally).map(|found| found.counted);
        match *check {
            Check::Branch { tally, chosen, even } => {
                of(tally).is_some_and(|branch| thresholds.rest_is_safe(&branch, chosen, even))
            }
            Check::Even(tally) => of(tally).is_some_and(|counted| thresholds.even(&counted)),
            Check::Institutions { tally, even } => {
                let found = self.by_place.get(row).and_then(|tallies| tallies.get(tally));
                found.is_some_and(|found| thresholds.enough_of_institutions(&found.counted, even))
            }
            Check::Persons { tally, more } => {
                of(tally).is_some_and(|counted| counted.persons >= thresholds.min_persons + more)
            }
            Check::Others { tally, chosen } => of(tally).zip(of(ROWS)).is_some_and(|(inside, all)| {
                let others = all.persons.saturating_sub(inside.persons);
                thresholds.enough_persons(others) || (others == 0 && !chosen)
            }),
        }
    }

    fn enough_places(&self, places: &[PlaceColumn]) -> Result<Vec<bool>> {
        let mut enough = vec![true; self.len()];
        for place in places {
            let column = self.cells.column_by_name(&place.name).and_then(|column| column.as_list_opt::<i32>());
            let Some(lists) = column else { return internal_err!("a column of institutions is missing") };
            for (row, (list, enough)) in lists.iter().zip(&mut enough).enumerate() {
                let institutions = list.map_or(0, |list| list.len() as u64);
                let persons = |tally| self.tally(row, tally).map_or(0, |found| found.counted.persons);
                *enough &= self.spec.thresholds.enough_institutions(institutions, place.persons.map(persons));
            }
        }
        Ok(enough)
    }

    /// Cells withheld. Rows that fail count only if together they hold enough persons: one person in many rows is one.
    fn withheld(&self) -> u64 {
        let (mut cells, mut failed, mut most, mut who) = (0, 0, 0, Sketch::EMPTY);
        for row in 0..self.len() {
            if self.row_passes(row) {
                cells += (0..self.verdicts.len()).filter(|cell| self.verdict(*cell, row) == Verdict::Withheld).count();
            } else if let Some(rows) = self.tally(row, ROWS) {
                failed += 1;
                most = most.max(rows.counted.persons);
                who += &rows.who;
            }
        }
        let persons = most.max(who.spread() as u64);
        if self.spec.groups == 0 || persons >= self.spec.thresholds.min_persons {
            cells += failed * self.verdicts.len().max(1);
        }
        cells as u64
    }

    /// The cells as they may be seen. `schema`: of the veil.
    pub(crate) fn show(self, schema: &DFSchemaRef, snapped: u64) -> Result<Judged> {
        // Counted before it is judged, one person's many groups would be an error that tells of this person.
        if self.rows.iter().filter(|passes| **passes).count() as u64 > self.spec.max_groups {
            return Err(DataFusionError::External(Box::new(QueryError::TooLarge)));
        }
        let withheld = self.withheld();
        let mut visible: Vec<ArrayRef> = self.keys().to_vec();
        for (cell, rule) in self.spec.cells.iter().enumerate() {
            let Some(values) = self.cells.columns().get(self.spec.groups + cell) else {
                return internal_err!("a cell is missing");
            };
            visible.push(self.column(cell, rule, values)?);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(self.len()));
        let arrow: Arc<Schema> = Arc::clone(schema.inner());
        let judged = RecordBatch::try_new_with_options(arrow, visible, &options)?;
        let shown =
            if self.spec.groups == 0 { judged } else { filter_record_batch(&judged, &BooleanArray::from(self.rows))? };
        Ok(Judged { shown: Shown::new(shown, Arc::clone(schema)), withheld, snapped })
    }

    fn column(&self, cell: usize, rule: &CellRule, values: &ArrayRef) -> Result<ArrayRef> {
        let verdicts: Vec<Verdict> = (0..self.len()).map(|row| self.verdict(cell, row)).collect();
        let withheld: BooleanArray = verdicts.iter().map(|verdict| Some(*verdict == Verdict::Withheld)).collect();
        let digits = rule.value.digits();
        let changed = verdicts.iter().any(|verdict| matches!(verdict, Verdict::Changed(_)));
        if !changed && digits.is_none() {
            return Ok(nullif(values, &withheld)?);
        }
        let options = CastOptions::default();
        let plain = cast_with_options(values, &DataType::Float64, &options)?;
        let plain = plain.as_primitive::<Float64Type>();
        let whole = values.data_type().is_integer();
        let number = |(row, verdict): (usize, &Verdict)| match verdict {
            Verdict::Withheld => None,
            Verdict::Changed(value) => Some(if whole { value.round() } else { *value }),
            Verdict::Plain if plain.is_null(row) => None,
            Verdict::Plain => {
                Some(digits.map_or_else(|| plain.value(row), |digits| significant(plain.value(row), digits)))
            }
        };
        let numbers: Float64Array = verdicts.iter().enumerate().map(number).collect();
        Ok(cast_with_options(&numbers, values.data_type(), &options)?)
    }
}

/// A number with that many significant digits (disclosure.md, 4f).
pub(crate) fn significant(value: f64, digits: u8) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let places = i32::from(digits) - 1 - magnitude(value);
    let scale = 10_f64.powi(places.abs());
    if places >= 0 { (value * scale).round() / scale } else { (value / scale).round() * scale }
}

#[expect(clippy::cast_possible_truncation, reason = "exponents of doubles are below 400")]
pub(super) fn magnitude(value: f64) -> i32 {
    value.abs().log10().floor() as i32
}

/// The tallies of all rows, from one hidden column.
fn tallies_in(cells: &RecordBatch, name: &str) -> Result<Vec<Vec<Tallied>>> {
    let Some(lists) = cells.column_by_name(name).and_then(|column| column.as_list_opt::<i32>()) else {
        return internal_err!("the tallies are missing");
    };
    let of = |list: ArrayRef| list.as_primitive_opt::<UInt64Type>().map(tally::tallied);
    Ok(lists.iter().map(|list| list.and_then(of).unwrap_or_default()).collect())
}

/// Rows by their keys, so that verdicts do not depend on how many threads counted.
fn in_order(cells: RecordBatch, groups: usize) -> Result<RecordBatch> {
    let keys: Vec<_> = cells
        .columns()
        .iter()
        .take(groups)
        .map(|values| arrow::compute::SortColumn { values: Arc::clone(values), options: None })
        .collect();
    if keys.is_empty() || cells.num_rows() < 2 {
        return Ok(cells);
    }
    let order = arrow::compute::lexsort_to_indices(&keys, None)?;
    Ok(arrow::compute::take_record_batch(&cells, &order)?)
}
