//! Rows of `ltc.life`: one a column that says something (`records/life.rs` has the rule).

use super::facts::Source;
use super::{Cell, Truth};
use crate::SyntheticError;
use crate::records::{LifeReport, Said};

impl Truth {
    /// Adds what a row of a LIFE form states.
    pub(super) fn life(&mut self, one: &LifeReport) -> Result<(), SyntheticError> {
        let facility = self.see(one.facility, |seen| seen.long_term = true);
        if let Some(death) = one.died_on {
            self.facts.died(Source::Ltc, death);
        }
        // The users' file has no day: it says who they are and when they died, and nothing else.
        let Some(assessed_on) = one.assessed_on else { return Ok(()) };
        self.facts.see(Source::Ltc, assessed_on);
        for field in one.form.fields() {
            let (value, code) = match field.says(one.value(field.id)) {
                Some(Said::Number(value)) => (Cell::Double(value), Cell::Null),
                Some(Said::Code(code)) => (Cell::Null, Cell::Text(code)),
                None => continue,
            };
            let row = [
                Cell::U64(one.person),
                Cell::U32(facility),
                Cell::Date(assessed_on),
                Cell::Text(one.form.name()),
                Cell::Text(field.id),
                value,
                code,
            ];
            self.row("ltc.life", &row)?;
        }
        Ok(())
    }
}
