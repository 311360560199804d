//! One stay, as 様式1 tells it.

use jiff::civil::Date;

use crate::rows::StayRow;

/// The columns of `dpc.stays`, owned.
#[derive(Default)]
pub(crate) struct Facts {
    pub(crate) facility: String,
    pub(crate) age: Option<i32>,
    pub(crate) sex: Option<&'static str>,
    pub(crate) admitted_on: Option<Date>,
    pub(crate) discharged_on: Option<Date>,
    pub(crate) main_icd10: Option<String>,
    pub(crate) emergency: Option<bool>,
    pub(crate) ambulance: Option<bool>,
    pub(crate) route_in: Option<String>,
    pub(crate) discharge_to: Option<String>,
    pub(crate) outcome: Option<Outcome>,
    pub(crate) died_within_24h: Option<bool>,
    pub(crate) height_cm: Option<f64>,
    pub(crate) weight_kg: Option<f64>,
    pub(crate) smoking_index: Option<i32>,
    pub(crate) jcs: [Option<String>; 2],
    pub(crate) adl: [Option<i32>; 2],
}

impl Facts {
    /// The row, without id; points and classification are what other files add.
    pub(crate) fn row(&self) -> StayRow<'_> {
        let [jcs_admission, jcs_discharge] = &self.jcs;
        let [adl_admission, adl_discharge] = self.adl;
        StayRow {
            facility_code: Some(&self.facility),
            age: self.age,
            sex: self.sex,
            admitted_on: self.admitted_on,
            discharged_on: self.discharged_on,
            dpc_code: None,
            main_icd10: self.main_icd10.as_deref(),
            emergency: self.emergency,
            ambulance: self.ambulance,
            route_in: self.route_in.as_deref(),
            discharge_to: self.discharge_to.as_deref(),
            outcome: self.outcome.map(Outcome::word),
            died_of_main: self.outcome.map(|outcome| outcome == Outcome::DiedOfMain),
            died_within_24h: self.died_within_24h,
            height_cm: self.height_cm,
            weight_kg: self.weight_kg,
            smoking_index: self.smoking_index,
            jcs_admission: jcs_admission.as_deref(),
            jcs_discharge: jcs_discharge.as_deref(),
            adl_admission,
            adl_discharge,
            ..StayRow::default()
        }
    }
}

/// 退院時転帰.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// 6: of the disease that took most resources.
    DiedOfMain,
    /// 7: of another one.
    DiedOfOther,
    Improved,
    Other,
    Recovered,
    Remission,
    Unchanged,
    Worse,
}

impl Outcome {
    /// Reads the code.
    pub(crate) fn read(code: &[u8]) -> Option<Self> {
        Some(match code {
            b"1" => Self::Recovered,
            b"2" => Self::Improved,
            b"3" => Self::Remission,
            b"4" => Self::Unchanged,
            b"5" => Self::Worse,
            b"6" => Self::DiedOfMain,
            b"7" => Self::DiedOfOther,
            b"9" => Self::Other,
            _ => return None,
        })
    }

    /// Whether the person died.
    pub(crate) fn died(self) -> bool {
        matches!(self, Self::DiedOfMain | Self::DiedOfOther)
    }

    fn word(self) -> &'static str {
        match self {
            Self::DiedOfMain | Self::DiedOfOther => "died",
            Self::Improved => "improved",
            Self::Other => "other",
            Self::Recovered => "recovered",
            Self::Remission => "remission",
            Self::Unchanged => "unchanged",
            Self::Worse => "worse",
        }
    }
}
