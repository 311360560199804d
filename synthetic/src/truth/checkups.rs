//! Rows of `ndb.checkups` and `ndb.guidance`.

use super::facts::Source;
use super::{Cell, Truth};
use crate::SyntheticError;
use crate::records::{Checkup, Guidance};

/// Item codes in the order of the schema's columns `height_cm` to `hemoglobin`.
const NUMBERS: [&str; 18] = [
    "9N001000000000001",
    "9N006000000000001",
    "9N011000000000001",
    "9N016160100000001",
    "9A751000000000001",
    "9A761000000000001",
    "3F015000002327101",
    "3F070000002327101",
    "3F077000002327101",
    "3B035000002327201",
    "3B045000002327201",
    "3B090000002327101",
    "3D010000001926101",
    "3D046000001906202",
    "3C015000002327101",
    "8A065000002391901",
    "3C020000002327101",
    "2A030000001930101",
];

impl Truth {
    /// Adds what a checkup states.
    pub(super) fn checkup(&mut self, one: &Checkup) -> Result<(), SyntheticError> {
        let facility = self.see(one.facility, |_| ());
        self.facts.see(Source::Ndb, one.checked_on);
        let prefecture = one.municipality.get(..2).unwrap_or_default();
        self.facts.place(Source::Ndb, one.checked_on, prefecture, Some(one.municipality));
        let mut row = vec![
            Cell::U64(one.person),
            Cell::Date(one.checked_on),
            Cell::U32(facility),
            Cell::Bool(one.since_meal == 1),
        ];
        row.extend(NUMBERS.iter().map(|code| Cell::double(one.value(code))));
        row.extend([Cell::Text(urine(one.urine.0)), Cell::Text(urine(one.urine.1))]);
        row.push(Cell::Text(if one.smokes == 1 { "current" } else { "no" }));
        row.push(Cell::Text(match one.drinks {
            1 => "daily",
            2 => "sometimes",
            _ => "rarely",
        }));
        row.extend(one.takes.iter().chain(&one.had).map(|answer| Cell::Bool(*answer == 1)));
        row.push(Cell::Text(match one.metabolic {
            1 => "yes",
            2 => "pre",
            3 => "none",
            _ => "unknown",
        }));
        row.push(Cell::Text(match one.guidance {
            1 => "active",
            2 => "motivational",
            _ => "none",
        }));
        self.row("ndb.checkups", &row)
    }

    /// Adds what a course of guidance states.
    pub(super) fn guidance(&mut self, one: &Guidance) -> Result<(), SyntheticError> {
        self.see(one.facility, |_| ());
        self.facts.see(Source::Ndb, one.started_on);
        let prefecture = one.municipality.get(..2).unwrap_or_default();
        self.facts.place(Source::Ndb, one.started_on, prefecture, Some(one.municipality));
        let row = [
            Cell::U64(one.person),
            Cell::Date(one.started_on),
            Cell::date(one.ended_on),
            Cell::Text(if one.level == 1 { "active" } else { "motivational" }),
            Cell::Bool(one.completed),
        ];
        self.row("ndb.guidance", &row)
    }
}

/// 1 − 2 ± 3 + 4 ++ 5 +++ (formats.md, 8.1).
fn urine(code: u8) -> &'static str {
    match code {
        1 => "-",
        2 => "+-",
        3 => "1+",
        4 => "2+",
        _ => "3+",
    }
}
