//! What a record leaves to those below it.

use jiff::civil::Date;

use super::super::buffer::Line;
use super::super::dialect::Dialect;
use crate::cell;
use crate::intake::Intake;
use crate::layout::Span;
use crate::normalise::date;
use crate::report::Reason;

/// Records without 診療識別 that may follow the first of a group (formats.md 1).
const CONTINUED_MAX: usize = 98;

/// The group that a record stands in.
#[derive(Default)]
pub(super) struct Group<'r> {
    /// 診療識別, blank on the records of a group but the first.
    section: Option<&'r str>,
    continued: usize,
    /// 調剤: form, and the days of the dispensing that the drugs below belong to.
    pub(super) form: Option<&'r str>,
    pub(super) dispensing: Dispensing,
}

impl<'r> Group<'r> {
    /// 診療識別 of a record: its own, or that of the group it continues. Behind too many it is unknown.
    pub(super) fn section(&mut self, line: Line<'r>, class: Span, intake: &mut Intake<'_>) -> Option<&'r str> {
        if !class.is_open() {
            return None;
        }
        if let Some(own) = intake.cell(line.cell(class), |cell| cell::digits(cell, 2)) {
            self.section = Some(own);
            self.continued = 0;
            return Some(own);
        }
        self.continued = self.continued.saturating_add(1);
        if self.continued > CONTINUED_MAX && self.section.take().is_some() {
            intake.note(Reason::RecordOrder);
        }
        self.section
    }
}

/// CZ of 調剤.
#[derive(Clone, Copy, Default)]
pub(super) struct Dispensing {
    pub(super) prescribed_on: Option<Date>,
    pub(super) dispensed_on: Option<Date>,
    pub(super) quantity: Option<i32>,
}

impl Dispensing {
    pub(super) fn read(line: Line<'_>, dialect: &Dialect, month: Date, intake: &mut Intake<'_>) -> Self {
        let mut day =
            |field: Span| intake.cell(line.cell(field), |cell| date::day(cell).or_else(|| day_of(cell, month)));
        let (prescribed_on, dispensed_on) = (day(dialect.cz.rx_date), day(dialect.cz.dispensed_date));
        let quantity = intake.cell(line.cell(dialect.cz.dispensed_quantity), cell::int);
        Self { prescribed_on, dispensed_on, quantity }
    }
}

/// A day of the month in one or two digits, as some 調剤 files write it.
fn day_of(cell: &[u8], month: Date) -> Option<Date> {
    let day = i8::try_from(cell::int(cell)?).ok().filter(|_| cell.len() <= 2)?;
    Date::new(month.year(), month.month(), day).ok()
}
