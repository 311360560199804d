//! Tallies over rows in the order of the person key: a person's rows in a cell follow each other, so a person is complete when
//! the next one comes, and nothing is kept by person (DESIGN.md, "The flow", 3).
//!
//! Exact, or an error: a key that goes back, or two partitions that share a person in a cell, ends the run, and the stage is
//! counted again by person.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Float64Array, ListBuilder, UInt64Array, UInt64Builder};
use arrow::datatypes::UInt64Type;
use datafusion::common::{DataFusionError, Result, internal_err};
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};

use super::mask::lets_through;
use super::sketch::{PersonMark, PersonMarks, weight};
use super::sums::Sums;
use super::tallied::{Tallied, WORDS};
use super::tally::columns;

/// Rows do not come in the order of the person key.
#[derive(Debug, thiserror::Error)]
#[error("rows do not come in the order of the person key")]
pub(crate) struct OutOfOrder;

/// Words before the tallies in a state: the first and the last person of a cell.
const RANGE: usize = 2;

/// Tallies of many cells at once.
pub(super) struct Runs {
    width: usize,
    dominance_n: usize,
    marks: PersonMarks,
    /// The largest key read so far, with its mark.
    last: Option<(u64, PersonMark)>,
    cells: Vec<Cell>,
    /// `width` a cell: totals of the person that is being read, and the same in parts.
    totals: Vec<f64>,
    parts: Vec<u64>,
    /// `width` a cell: what complete persons add; none where nobody has that amount.
    sums: Vec<Option<Box<Sums>>>,
    /// Partial cells of other partitions, by cell.
    merged: Vec<Vec<(u64, u64)>>,
}

/// The person being read in one cell.
#[derive(Clone, Copy, Default)]
struct Cell {
    first: u64,
    person: u64,
    mark: Option<PersonMark>,
    present: u64,
}

impl Runs {
    pub(super) fn new(width: usize, dominance_n: usize, marks: PersonMarks) -> Self {
        Self {
            width,
            dominance_n,
            marks,
            last: None,
            cells: Vec::new(),
            totals: Vec::new(),
            parts: Vec::new(),
            sums: Vec::new(),
            merged: Vec::new(),
        }
    }

    fn grow(&mut self, total: usize) {
        if self.cells.len() < total {
            self.cells.resize(total, Cell::default());
            self.totals.resize(total * self.width, 0.0);
            self.parts.resize(total * self.width, 0);
            self.sums.resize(total * self.width, None);
        }
    }

    fn mark(&mut self, person: u64) -> Result<PersonMark> {
        match self.last {
            Some((last, mark)) if last == person => Ok(mark),
            Some((last, _)) if last > person => Err(DataFusionError::External(Box::new(OutOfOrder))),
            _ => {
                let mark = self.marks.of(person);
                self.last = Some((person, mark));
                Ok(mark)
            }
        }
    }

    /// Adds the person of a cell to its sums.
    fn complete(&mut self, at: usize) {
        let Some(cell) = self.cells.get_mut(at) else { return };
        let (Some(mark), mut present) = (cell.mark, std::mem::take(&mut cell.present)) else { return };
        while present != 0 {
            let amount = present.trailing_zeros() as usize;
            present &= present - 1;
            let place = at * self.width + amount;
            if let (Some(total), Some(parts), Some(sums)) =
                (self.totals.get_mut(place), self.parts.get_mut(place), self.sums.get_mut(place))
            {
                let sums = sums.get_or_insert_with(|| Box::new(Sums::EMPTY));
                sums.add(mark, std::mem::take(total), std::mem::take(parts));
            }
        }
    }

    fn row(&mut self, at: usize, person: u64, row: usize, amounts: &[&Float64Array]) -> Result<()> {
        let mark = self.mark(person)?;
        let Some(cell) = self.cells.get(at).copied() else { return internal_err!("a cell has no place") };
        if cell.mark.is_none() || cell.person != person {
            self.complete(at);
            let first = if cell.mark.is_none() { person } else { cell.first };
            if let Some(cell) = self.cells.get_mut(at) {
                *cell = Cell { first, person, mark: Some(mark), present: 0 };
            }
        }
        let place = at * self.width;
        let totals = self.totals.get_mut(place..).into_iter().flatten();
        let parts = self.parts.get_mut(place..).into_iter().flatten();
        let mut present = 0;
        for ((amount, column), (total, parts)) in amounts.iter().enumerate().zip(totals.zip(parts)) {
            if column.is_valid(row) {
                let value = column.values().get(row).copied().unwrap_or_default();
                present |= 1 << amount;
                *total += value;
                *parts = parts.wrapping_add(weight(value));
            }
        }
        if let Some(cell) = self.cells.get_mut(at) {
            cell.present |= present;
        }
        Ok(())
    }

    /// The tallies of a cell's complete persons.
    fn tallied(&self, at: usize) -> impl Iterator<Item = Tallied> {
        let sums = self.sums.get(at * self.width..(at + 1) * self.width).unwrap_or_default();
        sums.iter().map(|sums| sums.as_ref().map_or_else(Tallied::default, |sums| sums.tallied(self.dominance_n)))
    }

    /// Takes the first cells out, complete.
    fn taken(&mut self, emit_to: EmitTo) -> Self {
        for at in 0..self.cells.len() {
            self.complete(at);
        }
        let count = match emit_to {
            EmitTo::All => self.cells.len(),
            EmitTo::First(count) => count.min(self.cells.len()),
        };
        let wide = count * self.width;
        let mut merged = std::mem::take(&mut self.merged);
        let kept = merged.split_off(count.min(merged.len()));
        self.merged = kept;
        Self {
            width: self.width,
            dominance_n: self.dominance_n,
            marks: self.marks.clone(),
            last: None,
            cells: self.cells.drain(..count).collect(),
            totals: self.totals.drain(..wide).collect(),
            parts: self.parts.drain(..wide).collect(),
            sums: self.sums.drain(..wide).collect(),
            merged,
        }
    }

    fn apart(&mut self) -> Result<()> {
        for ranges in &mut self.merged {
            ranges.sort_unstable();
            let touches = ranges.windows(2).any(|pair| matches!(pair, [(_, last), (first, _)] if last >= first));
            if touches {
                return Err(DataFusionError::External(Box::new(OutOfOrder)));
            }
        }
        Ok(())
    }
}

impl GroupsAccumulator for Runs {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.grow(total);
        let (persons, amounts) = columns(values)?;
        for (row, (person, group)) in persons.values().iter().zip(groups).enumerate() {
            if persons.is_valid(row) && lets_through(filter, row) {
                self.row(*group, *person, row, &amounts)?;
            }
        }
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let mut taken = self.taken(emit_to);
        taken.apart()?;
        let mut lists = ListBuilder::with_capacity(UInt64Builder::new(), taken.cells.len());
        for at in 0..taken.cells.len() {
            let mut words = Vec::with_capacity(taken.width * WORDS);
            taken.tallied(at).for_each(|tallied| tallied.write(&mut words));
            lists.values().append_slice(&words);
            lists.append(true);
        }
        Ok(Arc::new(lists.finish()))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let taken = self.taken(emit_to);
        let mut lists = ListBuilder::with_capacity(UInt64Builder::new(), taken.cells.len());
        for (at, cell) in taken.cells.iter().enumerate() {
            if cell.mark.is_some() {
                let mut words = vec![cell.first, cell.person];
                taken.tallied(at).for_each(|tallied| tallied.write(&mut words));
                lists.values().append_slice(&words);
            }
            lists.append(true);
        }
        Ok(vec![Arc::new(lists.finish())])
    }

    fn merge_batch(&mut self, values: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        self.grow(total);
        if self.merged.len() < total {
            self.merged.resize(total, Vec::new());
        }
        let lists = match values {
            [lists] => lists.as_list_opt::<i32>(),
            _ => None,
        };
        let Some(lists) = lists else { return internal_err!("a tally's state is one list") };
        for (list, group) in lists.iter().zip(groups) {
            let Some(list) = list else { continue };
            let Some(words) = list.as_primitive_opt::<UInt64Type>().map(UInt64Array::values) else {
                return internal_err!("a tally's state has other types");
            };
            let (Some([first, last]), Some(words)) = (words.first_chunk::<RANGE>(), words.get(RANGE..)) else {
                continue;
            };
            if let Some(ranges) = self.merged.get_mut(*group) {
                ranges.push((*first, *last));
            }
            let sums = self.sums.get_mut(*group * self.width..).into_iter().flatten();
            for (tallied, sums) in words.chunks(WORDS).filter_map(Tallied::read).zip(sums) {
                if tallied.counted.persons > 0 {
                    sums.get_or_insert_with(|| Box::new(Sums::EMPTY)).merge(&tallied);
                }
            }
        }
        Ok(())
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let rows = values.first().map_or(0, Array::len);
        let mut each = Self::new(self.width, self.dominance_n, self.marks.clone());
        each.update_batch(values, &(0..rows).collect::<Vec<_>>(), filter, rows)?;
        each.state(EmitTo::All)
    }

    fn size(&self) -> usize {
        let filled = self.sums.iter().flatten().count();
        self.cells.capacity() * size_of::<Cell>()
            + self.totals.capacity() * 2 * size_of::<f64>()
            + self.sums.capacity() * size_of::<usize>()
            + filled * size_of::<Sums>()
            + self.merged.iter().map(|ranges| ranges.capacity() * 2 * size_of::<u64>()).sum::<usize>()
    }
}
