//! Rows of the DPC tables: 様式1, EF, D and H.

use super::facts::Source;
use super::{Cell, Truth};
use crate::SyntheticError;
use crate::records::Stay;

impl Truth {
    /// Adds what 様式1 and EF state of a stay.
    pub(super) fn stay(&mut self, stay: &Stay, number: u64) -> Result<(), SyntheticError> {
        let facility = self.see(stay.hospital, |seen| seen.dpc = true);
        self.facts.see(Source::Dpc, stay.admitted_on);
        self.facts.see(Source::Dpc, stay.discharged_on);
        let prefecture = stay.municipality.get(..2).unwrap_or_default();
        self.facts.place(Source::Dpc, stay.admitted_on, prefecture, Some(stay.municipality));
        let died = matches!(stay.outcome, 6 | 7);
        if died {
            self.facts.died(Source::Dpc, stay.discharged_on);
        }
        let (route, to) = (stay.route_in.to_string(), stay.discharge_to.to_string());
        let row = [
            Cell::U64(stay.person),
            Cell::U64(number),
            Cell::U32(facility),
            Cell::Int(stay.age),
            Cell::Text(if stay.sex == 1 { "1" } else { "2" }),
            Cell::Date(stay.admitted_on),
            Cell::Date(stay.discharged_on),
            // The D file tells it, where there is one.
            Cell::text((!stay.bundled.is_empty()).then_some(stay.dpc)),
            Cell::Text(stay.main),
            Cell::Bool(stay.emergency),
            Cell::Bool(stay.ambulance),
            Cell::Text(&route),
            Cell::Text(&to),
            Cell::Text(outcome(stay.outcome)),
            Cell::Bool(stay.outcome == 6),
            Cell::Bool(stay.died_within_24h),
            Cell::Double(f64::from(stay.height_cm)),
            Cell::double(stay.weight_kg.parse().ok()),
            Cell::Int(stay.smoking_index),
            Cell::Text(stay.jcs.0),
            Cell::Text(stay.jcs.1),
            Cell::Int(sum(&stay.adl.0)),
            Cell::Int(sum(&stay.adl.1)),
            Cell::Int(stay.acts.iter().map(|act| act.points).sum()),
        ];
        self.row("dpc.stays", &row)?;
        self.stay_parts(stay, number)
    }

    fn stay_parts(&mut self, stay: &Stay, number: u64) -> Result<(), SyntheticError> {
        let main = ["main", "admission", "resource"].map(|role| (stay.main, role));
        let beside = stay.comorbidities.iter().map(|icd10| (*icd10, "comorbidity"));
        let after = stay.complication.map(|icd10| (icd10, "complication"));
        for (icd10, role) in main.into_iter().chain(beside).chain(after) {
            let row = [Cell::U64(stay.person), Cell::U64(number), Cell::Text(icd10), Cell::Text(role)];
            self.row("dpc.diagnoses", &row)?;
        }
        if let Some((k, on)) = stay.operation {
            let row = [Cell::U64(stay.person), Cell::U64(number), Cell::Text(k), Cell::Date(on)];
            self.row("dpc.procedures", &row)?;
        }
        for (code, payload, value) in &stay.items {
            // The second payload goes by the code alone.
            let item = if *payload == 2 { (*code).to_owned() } else { format!("{code}-{payload}") };
            let number_of = Cell::double(value.parse().ok());
            let row = [Cell::U64(stay.person), Cell::U64(number), Cell::Text(&item), Cell::Text(value), number_of];
            self.row("dpc.form1", &row)?;
        }
        for day in &stay.nursing {
            let row = [
                Cell::U64(stay.person),
                Cell::U64(number),
                Cell::Date(day.on),
                Cell::Int(day.a_score()),
                Cell::Int(day.b_score()),
                Cell::Int(day.c_score()),
            ];
            self.row("dpc.nursing_need", &row)?;
        }
        for act in &stay.acts {
            let row = [
                Cell::U64(stay.person),
                Cell::U64(number),
                Cell::Date(act.on),
                Cell::Text(act.code),
                Cell::Text(act.category),
                Cell::Double(act.quantity),
                Cell::Int(act.points),
            ];
            self.row("dpc.items", &row)?;
        }
        Ok(())
    }
}

/// 退院時転帰.
fn outcome(code: u8) -> &'static str {
    match code {
        1 => "recovered",
        2 => "improved",
        3 => "remission",
        4 => "unchanged",
        5 => "worse",
        6 | 7 => "died",
        _ => "other",
    }
}

fn sum(digits: &str) -> i32 {
    digits.bytes().map(|digit| i32::from(digit.saturating_sub(b'0'))).sum()
}
