//! The 31 day columns of an act, a drug or a material.

use jiff::civil::Date;

use super::super::buffer::Line;
use crate::cell;
use crate::intake::Intake;
use crate::layout::Span;
use crate::report::Reason;

/// What the day columns say.
#[derive(Clone, Copy, Default)]
pub(super) struct Days {
    /// First day with a count.
    first: Option<Date>,
    /// Counts of all days.
    sum: i32,
}

impl Days {
    /// Reads the columns; a count on a day that the month does not have is counted as implausible.
    pub(super) fn read(line: Line<'_>, columns: Span, month: Date, intake: &mut Intake<'_>) -> Self {
        let mut days = Self::default();
        for (day, cell) in (1_i8..).zip(line.cells(columns)) {
            // Most are blank.
            if cell.is_empty() {
                continue;
            }
            let count = intake.cell(cell, cell::int).unwrap_or(0);
            if count <= 0 {
                continue;
            }
            days.sum = days.sum.saturating_add(count);
            match Date::new(month.year(), month.month(), day) {
                Ok(on) => days.first = days.first.or(Some(on)),
                Err(_) => intake.note(Reason::CellImplausible),
            }
        }
        days
    }

    /// The first day; counts if the days do not add up to what the record says.
    pub(super) fn checked(self, stated: Option<i32>, intake: &mut Intake<'_>) -> Option<Date> {
        if self.sum > 0 && stated.is_some_and(|stated| stated != self.sum) {
            intake.note(Reason::CellImplausible);
        }
        self.first
    }
}
