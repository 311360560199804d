//! Rows of a token file, tokens permuted as they are read.

use std::path::Path;

use arrow::array::{Array, AsArray, Date32Array, FixedSizeBinaryArray};
use arrow::datatypes::{DataType, Date32Type};
use arrow::record_batch::RecordBatch;

use crate::link::atoms::{Atom, KINDS, Kind, Months};
use crate::link::error::LinkError;
use crate::link::permutation::{Block, Permutation};

/// Some rows in memory.
pub(super) struct Rows<'a> {
    source: u8,
    batch: u32,
    ids: &'a FixedSizeBinaryArray,
    tokens: Vec<Permuted<'a>>,
    first: &'a Date32Array,
    last: &'a Date32Array,
}

/// A column of tokens as this zone knows them; where there is none, the block means nothing.
struct Permuted<'a> {
    column: &'a FixedSizeBinaryArray,
    blocks: Vec<Block>,
}

impl<'a> Rows<'a> {
    /// `source` and `place`: those of the batch.
    pub(super) fn of(
        batch: &'a RecordBatch,
        (source, place): (u8, u32),
        permutation: &Permutation,
        path: &Path,
    ) -> Result<Self, LinkError> {
        let lacks = |what| LinkError::Form { path: path.to_owned(), what };
        let bytes = |what: &'static str| {
            batch
                .column_by_name(what)
                .filter(|column| *column.data_type() == DataType::FixedSizeBinary(16))
                .and_then(|column| column.as_fixed_size_binary_opt())
                .ok_or_else(|| lacks(what))
        };
        let date = |what: &'static str| {
            batch
                .column_by_name(what)
                .and_then(|column| column.as_primitive_opt::<Date32Type>())
                .ok_or_else(|| lacks(what))
        };
        let tokens = Kind::AT_REST.into_iter().map(|kind| Ok(Permuted::of(bytes(kind.name())?, permutation)));
        let tokens = tokens.collect::<Result<_, LinkError>>()?;
        let (first, last) = (date("first_month")?, date("last_month")?);
        Ok(Self { source, batch: place, ids: bytes("atom")?, tokens, first, last })
    }

    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }

    /// An atom that rows can be read into.
    pub(super) fn blank(&self) -> Atom {
        Atom { id: [0; 16], source: self.source, batch: self.batch, tokens: [None; KINDS], months: None }
    }

    /// Reads the atom of a row. None where the id is not one.
    pub(super) fn read(&self, row: usize, into: &mut Atom) -> Option<()> {
        into.id = self.ids.value(row).try_into().ok()?;
        for (token, column) in into.tokens.iter_mut().zip(&self.tokens) {
            *token = column.at(row);
        }
        into.months = self.months_at(row);
        Some(())
    }

    fn months_at(&self, row: usize) -> Option<Months> {
        let month = |column: &Date32Array| if column.is_null(row) { None } else { month_number(column.value(row)) };
        let (first, last) = (month(self.first)?, month(self.last)?);
        Some(Months { first: first.min(last), last: first.max(last) })
    }
}

impl<'a> Permuted<'a> {
    fn of(column: &'a FixedSizeBinaryArray, permutation: &Permutation) -> Self {
        let mut blocks = Vec::new();
        if column.null_count() < column.len() {
            // INVARIANT: each is 16 bytes wide; the schema was looked at.
            blocks.extend(column.value_data().as_chunks().0.iter().map(|token: &[u8; 16]| Block::from(*token)));
            permutation.apply_all(&mut blocks);
        }
        Self { column, blocks }
    }

    fn at(&self, row: usize) -> Option<[u8; 16]> {
        let block = self.blocks.get(row).filter(|_| self.column.is_valid(row))?;
        Some((*block).into())
    }
}

/// Months since year 0 of a day counted from 1970-01-01, in the Gregorian calendar (Hinnant, "chrono-compatible low-level date
/// algorithms": years that begin in March, eras of 400 years). `None` outside the years -9999 to 9999.
fn month_number(days: i32) -> Option<i32> {
    const DAYS_OF_ERA: i32 = 146_097;
    /// From 0000-03-01 to 1970-01-01.
    const BEFORE_1970: i32 = 719_468;
    let days = days.checked_add(BEFORE_1970)?;
    let (era, day) = (days.div_euclid(DAYS_OF_ERA), days.rem_euclid(DAYS_OF_ERA));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * year + year / 4 - year / 100);
    // March is 0.
    let month = (5 * of_year + 2) / 153;
    let months = (era * 400 + year) * 12 + month + 2;
    (-9999 * 12..10_000 * 12).contains(&months).then_some(months)
}

#[cfg(test)]
mod tests {
    use jiff::civil::{Date, date};
    use proptest::prelude::*;

    use super::*;

    fn agrees(day: Date) -> bool {
        month_number(catalog::codes::days(day)) == Some(i32::from(day.year()) * 12 + i32::from(day.month()) - 1)
    }

    #[test]
    fn the_ends_of_the_calendar_have_months_and_what_is_beyond_has_none() {
        let (first, last) = (Date::MIN, Date::MAX);
        assert!(agrees(first) && agrees(last) && agrees(date(1970, 1, 1)) && agrees(date(2000, 2, 29)));
        for day in [catalog::codes::days(first) - 1, catalog::codes::days(last) + 1, i32::MIN, i32::MAX] {
            assert_eq!(month_number(day), None);
        }
    }

    proptest! {
        #[test]
        fn months_are_those_of_the_calendar(year in -9999_i16..=9999, month in 1_i8..=12, last: bool) {
            let first = date(year, month, 1);
            let day = if last { first.last_of_month() } else { first };
            prop_assert!(agrees(day));
        }
    }
}
