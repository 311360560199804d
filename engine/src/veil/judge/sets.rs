//! Grouping sets: which rows are one set, and what further cells stay back (disclosure.md, 4c; V-COMP).

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use arrow::array::{Array, AsArray, UInt64Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, UInt64Type};
use datafusion::common::{Result, internal_err};

use super::super::complement::{self, Additivity, Cell, Protected, Table};
use super::super::plan::Value;
use super::{Sheet, Verdict};
use crate::veil::grade::key_hashes;

/// Longest search for the cells of one measure that stay back.
const SEARCH_MAX: Duration = Duration::from_secs(2);
/// Longest search for all measures of one answer.
const SEARCHES_MAX: Duration = Duration::from_secs(10);

/// The rows of one grouping set, a table of its own to the ledger.
pub(crate) struct SetOfRows {
    /// Bit `j` from the last key: that key is a total here. None where the answer is no grouping sets.
    pub(crate) totals: Option<u64>,
    /// Its rows in order.
    pub(crate) rows: Vec<usize>,
    /// Its keys by number.
    pub(crate) keys: Vec<usize>,
}

/// What an attacker would solve for.
type Measure = (Additivity, usize);

impl Sheet {
    /// One for each grouping set, the finest first.
    pub(crate) fn sets(&self) -> Result<Vec<SetOfRows>> {
        let dimensions = self.dimensions();
        if !self.spec.grouping_sets {
            let keys = (0..dimensions).collect();
            return Ok(vec![SetOfRows { totals: None, rows: (0..self.len()).collect(), keys }]);
        }
        let mut by_totals: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
        for (row, totals) in self.totals()?.iter().enumerate() {
            by_totals.entry(*totals).or_default().push(row);
        }
        let set = |(totals, rows)| {
            let keys = (0..dimensions).filter(|key| !is_total(totals, *key, dimensions)).collect();
            SetOfRows { totals: Some(totals), rows, keys }
        };
        Ok(by_totals.into_iter().map(set).collect())
    }

    /// How many of the columns are keys.
    fn dimensions(&self) -> usize {
        self.spec.groups - usize::from(self.spec.grouping_sets)
    }

    /// By row, which keys are totals: told by the number of the set, never by NULL.
    pub(super) fn totals(&self) -> Result<Vec<u64>> {
        let dimensions = self.dimensions();
        let Some(number) = self.cells.columns().get(dimensions) else {
            return internal_err!("the number of the grouping set is missing");
        };
        let number = cast(number, &DataType::UInt64)?;
        let Some(number) = number.as_primitive_opt::<UInt64Type>() else {
            return internal_err!("the number of the grouping set has another type");
        };
        let mask = (1_u64 << dimensions) - 1;
        if number.null_count() > 0 || number.values().iter().any(|number| number & !mask != 0) {
            return internal_err!("the number of a grouping set is not one of a set");
        }
        Ok(UInt64Array::values(number).to_vec())
    }

    /// Whether a key is a total in a row.
    pub(super) fn is_total(&self, totals: u64, key: usize) -> bool {
        is_total(totals, key, self.dimensions())
    }

    /// V-COMP: what further cells stay back, so that totals give no small one away. All that is counted in a row stays or goes
    /// together: a mean times a count is a sum.
    pub(super) fn protect_margins(&mut self) -> Result<()> {
        if !self.spec.grouping_sets {
            return Ok(());
        }
        let small = self.small_rows();
        let places = self.places_in_table()?;
        let mut withheld = small.clone();
        let started = Instant::now();
        for (measure, of_measure) in self.measures() {
            let left = SEARCHES_MAX.saturating_sub(started.elapsed()).min(SEARCH_MAX);
            let table = self.table_of(measure, &small, &places);
            match complement::protect(&table, measure.0, self.spec.thresholds.min_persons, left) {
                Protected::Pattern(pattern) => {
                    withheld.iter_mut().zip(pattern).for_each(|(withheld, more)| *withheld |= more);
                }
                Protected::WithholdTable => {
                    for cell in of_measure {
                        (0..self.len()).for_each(|row| self.set(cell, row, Verdict::Withheld));
                    }
                }
            }
        }
        withheld.iter().enumerate().filter(|(_, withheld)| **withheld).for_each(|(row, _)| self.drop_row(row));
        Ok(())
    }

    /// Rows of which a count or sum failed a rule of its own.
    fn small_rows(&self) -> Vec<bool> {
        let counted: Vec<usize> = self.measures().into_values().flatten().collect();
        let fails = |row| counted.iter().any(|cell| self.verdict(*cell, row) == Verdict::Withheld);
        (0..self.len()).map(|row| !self.row_passes(row) || fails(row)).collect()
    }

    /// Each measure with the aggregates that are made of it.
    fn measures(&self) -> BTreeMap<Measure, Vec<usize>> {
        let mut measures: BTreeMap<Measure, Vec<usize>> = BTreeMap::new();
        for (cell, rule) in self.spec.cells.iter().enumerate() {
            let of: Vec<Measure> = match &rule.value {
                Value::Persons(tally) => vec![(Additivity::DistinctPersons, *tally)],
                Value::Total(tally) => vec![(Additivity::Sums, *tally)],
                Value::Mean { total, count } => vec![(Additivity::Sums, *total), (Additivity::Sums, *count)],
                Value::Moment { of, .. } => of.iter().map(|tally| (Additivity::Sums, *tally)).collect(),
                Value::Institutions(_) | Value::Other { .. } => Vec::new(),
            };
            for measure in of {
                measures.entry(measure).or_default().push(cell);
            }
        }
        measures
    }

    fn places_in_table(&self) -> Result<Vec<Vec<Option<u64>>>> {
        let dimensions = self.dimensions();
        let hashes = key_hashes(self.keys().get(..dimensions).unwrap_or_default())?;
        let place = |(row, totals): (usize, &u64)| {
            let of = |(key, column): (usize, &Vec<u64>)| {
                if is_total(*totals, key, dimensions) { None } else { column.get(row).copied() }
            };
            hashes.iter().enumerate().map(of).collect()
        };
        Ok(self.totals()?.iter().enumerate().map(place).collect())
    }

    #[expect(clippy::cast_precision_loss, reason = "counts of persons stay far below 2^53")]
    fn table_of(&self, (kind, tally): Measure, small: &[bool], places: &[Vec<Option<u64>>]) -> Table {
        let cell = |(row, (withheld, at)): (usize, (&bool, &Vec<Option<u64>>))| {
            let tallied = self.tally(row, tally).copied().unwrap_or_default();
            let persons = tallied.counted.persons;
            let additive = if kind == Additivity::Sums { tallied.total } else { persons as f64 };
            Cell { at: at.clone(), persons, additive, withheld: *withheld }
        };
        let cells = small.iter().zip(places).enumerate().map(cell).collect();
        Table { dimensions: self.dimensions(), cells }
    }
}

/// Whether a key is a total: the lowest bit is the last key's.
fn is_total(totals: u64, key: usize, dimensions: usize) -> bool {
    totals >> (dimensions - 1 - key) & 1 == 1
}
