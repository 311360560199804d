//! Rows of the long-term care tables.

use super::facts::Source;
use super::{Cell, Truth};
use crate::SyntheticError;
use crate::facilities::Facilities;
use crate::records::{Certification, LongTermClaim};

impl Truth {
    /// Adds what a monthly claim states.
    pub(super) fn long_term(&mut self, claim: &LongTermClaim, facilities: &Facilities) -> Result<(), SyntheticError> {
        if facilities.at(claim.facility).is_none() {
            return Ok(());
        }
        let facility = self.see(claim.facility, |seen| seen.long_term = true);
        let on = claim.month.first();
        let prefecture = claim.municipality.get(..2).unwrap_or_default();
        self.facts.see(Source::Ltc, on);
        self.facts.place(Source::Ltc, on, prefecture, Some(claim.municipality));
        if let Some(death) = claim.died_on {
            self.facts.died(Source::Ltc, death);
        }
        for line in &claim.lines {
            let row = [
                Cell::U64(claim.person),
                Cell::Date(on),
                Cell::U32(facility),
                Cell::Text(prefecture),
                Cell::Text(claim.municipality),
                Cell::Text(claim.level.word()),
                Cell::text(line.code.get(..2)),
                Cell::Text(line.code),
                Cell::Int(line.unit_points * line.count),
                Cell::Int(line.count),
            ];
            self.row("ltc.claims", &row)?;
        }
        Ok(())
    }

    /// Adds what a certification states.
    pub(super) fn certification(&mut self, one: &Certification) -> Result<(), SyntheticError> {
        let prefecture = one.municipality.get(..2).unwrap_or_default();
        self.facts.see(Source::Ltc, one.applied_on);
        self.facts.place(Source::Ltc, one.applied_on, prefecture, Some(one.municipality));
        let mut row = vec![
            Cell::U64(one.person),
            Cell::Date(one.applied_on),
            Cell::Date(one.certified_on),
            Cell::Date(one.valid.0),
            Cell::Date(one.valid.1),
            Cell::Text(one.level.word()),
            Cell::Text(one.first_judgement.word()),
            tenths(one.minutes),
        ];
        row.extend(one.scores.iter().map(|score| tenths(*score)));
        row.extend([Cell::Text(one.dementia_word()), Cell::Text(one.bedridden_word())]);
        self.row("ltc.certifications", &row)
    }
}

/// What a reader makes of the text with one decimal.
fn tenths(value: i32) -> Cell<'static> {
    Cell::double(format!("{}.{}", value / 10, value % 10).parse().ok())
}
