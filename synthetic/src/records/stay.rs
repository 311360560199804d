//! A DPC stay: 様式1 and the EF, D and H rows of it.

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
    /// Further coded items: code, number of the payload, value.
    pub(crate) items: Vec<(&'static str, usize, String)>,
    /// 診断群分類番号, 14 characters.
    pub(crate) dpc: &'static str,
    /// What the D file bundles, one a calendar month; none where the stay is not paid by DPC.
    pub(crate) bundled: Vec<Bundled>,
    /// 重症度、医療・看護必要度, one a day.
    pub(crate) nursing: Vec<NursingDay>,
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

/// A month's bundled payment: a row of data class 93 of the D file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bundled {
    pub(crate) from: Date,
    pub(crate) to: Date,
    pub(crate) points_a_day: i32,
}

/// A day's assessment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NursingDay {
    pub(crate) on: Date,
    /// Monitoring and treatment, each 0 or 1.
    pub(crate) a: [u8; 7],
    /// State: 寝返り, 移乗, 口腔清潔, 食事摂取, 衣服の着脱, 指示が通じる, 危険行動.
    pub(crate) state: [u8; 7],
    /// Whether help is given with the second to the fifth of the states.
    pub(crate) help: [u8; 4],
    /// Surgery and the like, each 0 or 1.
    pub(crate) c: [u8; 7],
}

impl NursingDay {
    /// The number of A items present.
    pub(crate) fn a_score(&self) -> i32 {
        self.a.iter().copied().map(i32::from).sum()
    }

    /// State times help for the four that are helped with, the state alone for the other three (formats.md, 9.5).
    pub(crate) fn b_score(&self) -> i32 {
        let [turning, transfer, mouth, meals, clothes, instructions, danger] = self.state.map(i32::from);
        let [with_transfer, with_mouth, with_meals, with_clothes] = self.help.map(i32::from);
        let helped = transfer * with_transfer + mouth * with_mouth + meals * with_meals + clothes * with_clothes;
        turning + instructions + danger + helped
    }

    /// The number of C items present.
    pub(crate) fn c_score(&self) -> i32 {
        self.c.iter().copied().map(i32::from).sum()
    }
}
