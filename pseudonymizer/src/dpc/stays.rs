//! Which stay a row belongs to: hospital, patient, admission, the same words in every file of the survey.

use jiff::civil::Date;

use crate::atoms::Owner;
use crate::cell;
use crate::intake::Intake;
use crate::normalise::{chart, date};
use crate::report::Reason;
use crate::tokens::Identity;

/// What every row of every file begins with.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct CaseKey {
    /// 10 digits; the survey's 9 lack the fee table.
    pub(super) facility: String,
    /// データ識別番号, normalised.
    pub(super) chart: String,
    pub(super) admitted_on: Date,
}

impl CaseKey {
    /// Reads the three fields. The reason why the row must be put aside, if so.
    pub(super) fn read([facility, data_id, admitted_on]: [&[u8]; 3]) -> Result<Self, Reason> {
        let code = cell::digits(facility, 9).ok_or(Reason::NoFacility)?;
        let (prefecture, number) = code.split_at_checked(2).ok_or(Reason::NoFacility)?;
        let chart = cell::cp932(data_id).and_then(|written| chart::read(&written)).ok_or(Reason::IdentifierForm)?;
        let admitted_on = date::day(admitted_on).ok_or(Reason::NoDate)?;
        Ok(Self { facility: format!("{prefecture}1{number}"), chart, admitted_on })
    }

    /// What a row without birth date says about its patient.
    pub(super) fn identity(&self) -> Identity {
        Identity { facility: Some(self.facility.clone()), chart: Some(self.chart.clone()), ..Identity::default() }
    }

    /// Begins the stay, or goes on with it.
    pub(super) fn resume(&self, identity: &Identity, intake: &mut Intake<'_>) -> Option<Owner> {
        intake.resume(identity, &[&self.facility, &self.chart, &self.admitted_on.to_string()])
    }
}

/// A stay that rows are read of.
pub(super) struct Stay {
    pub(super) key: CaseKey,
    pub(super) owner: Owner,
}

/// The stay of the row before: rows of a stay stand together, so most rows are of it and nothing is read or hashed again.
#[derive(Default)]
pub(super) struct Current {
    said: [Vec<u8>; 3],
    stay: Option<Stay>,
}

impl Current {
    /// The stay of a row; none if its patient stays out. The reason why the row must be put aside, if so.
    pub(super) fn of(&mut self, said: [&[u8]; 3], intake: &mut Intake<'_>) -> Result<Option<&Stay>, Reason> {
        let known = self.stay.is_some() && self.said.iter().zip(said).all(|(known, said)| known == said);
        if !known {
            self.stay = None;
            let key = CaseKey::read(said)?;
            self.stay = key.resume(&key.identity(), intake).map(|owner| Stay { key, owner });
            for (known, said) in self.said.iter_mut().zip(said) {
                known.clear();
                known.extend_from_slice(said);
            }
        }
        Ok(self.stay.as_ref())
    }
}

/// Counts a stay that ends before it begins, or something that was done outside of it.
pub(super) fn check_order(
    admitted_on: Date,
    discharged_on: Option<Date>,
    done_on: Option<Date>,
    intake: &mut Intake<'_>,
) {
    let backwards = discharged_on.is_some_and(|left| left < admitted_on);
    let outside = done_on.is_some_and(|done| done < admitted_on || discharged_on.is_some_and(|left| done > left));
    if backwards || outside {
        intake.note(Reason::DateOrder);
    }
}
