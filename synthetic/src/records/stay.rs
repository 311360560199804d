//! A DPC stay: 様式1 and the EF rows of it.

use jiff::civil::Date;

use super::Stated;

/// One stay from admission to discharge.
#[derive(Clone, Debug)]
pub(crate) struct Stay {
    pub(crate) person: u64,
    pub(crate) hospital: usize,
    pub(crate) stated: Stated,
    /// True municipality of the postcode, 5 digits.
    pub(crate) municipality: &'static str,
    pub(crate) sex: u8,
    /// Completed years at admission.
    pub(crate) age: i32,
    pub(crate) admitted_on: Date,
    pub(crate) discharged_on: Date,
    pub(crate) main: &'static str,
    /// ICD-10 of the comorbidities.
    pub(crate) comorbidities: Vec<&'static str>,
    pub(crate) complication: Option<&'static str>,
    pub(crate) emergency: bool,
    pub(crate) ambulance: bool,
    /// 入院経路: 1 home, 4 another hospital, 5 a care facility.
    pub(crate) route_in: u8,
    /// 退院先: 1 home (own outpatient), 4 another hospital, 5 a care facility, 9 other (death).
    pub(crate) discharge_to: u8,
    /// 退院時転帰.
    pub(crate) outcome: u8,
    pub(crate) died_within_24h: bool,
    pub(crate) height_cm: i32,
    pub(crate) weight_kg: String,
    pub(crate) smoking_index: i32,
    /// Japan Coma Scale: 0, 1, 10 …
    pub(crate) jcs: (&'static str, &'static str),
    /// Ten digits, 0 to 2 or 3 each.
    pub(crate) adl: (String, String),
    /// K code and day.
    pub(crate) operation: Option<(&'static str, Date)>,
    /// Further coded items: code, payload 2.
    pub(crate) items: Vec<(&'static str, String)>,
    pub(crate) acts: Vec<StayItem>,
    pub(crate) insurer: String,
    pub(crate) receipt_type: String,
}

/// An act with one part: an E row and an F row of EF.
#[derive(Clone, Debug)]
pub(crate) struct StayItem {
    pub(crate) on: Date,
    /// データ区分.
    pub(crate) category: &'static str,
    pub(crate) code: &'static str,
    pub(crate) name: &'static str,
    pub(crate) quantity: f64,
    pub(crate) points: i32,
}
