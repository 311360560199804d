//! A document or bundle of the electronic health record.

use jiff::civil::Date;

use super::Stated;

/// What a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DocumentKind {
    /// 健診結果報告書.
    Checkup,
    /// 退院時サマリー.
    DischargeSummary,
    /// 診療情報提供書.
    Referral,
}

/// One document with its coded entries.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    pub(crate) person: u64,
    pub(crate) facility: usize,
    pub(crate) stated: Stated,
    pub(crate) municipality: &'static str,
    pub(crate) kind: DocumentKind,
    pub(crate) issued_on: Date,
    pub(crate) died_on: Option<Date>,
    pub(crate) conditions: Vec<Condition>,
    pub(crate) observations: Vec<Observation>,
    pub(crate) allergies: Vec<Allergy>,
    pub(crate) medications: Vec<Medication>,
    /// Narrative: never leaves the holder.
    pub(crate) narrative: String,
}

/// 傷病名.
#[derive(Clone, Debug)]
pub(crate) struct Condition {
    /// 7 digits of the receipt master.
    pub(crate) code: &'static str,
    pub(crate) suspected: bool,
    pub(crate) undisclosed: bool,
    pub(crate) onset_on: Date,
}

/// 検査 or 感染症.
#[derive(Clone, Debug)]
pub(crate) struct Observation {
    pub(crate) infection: bool,
    pub(crate) jlac: &'static str,
    pub(crate) observed_on: Date,
    /// A number as written, or positive (true) or negative.
    pub(crate) value: Result<String, bool>,
    pub(crate) unit: &'static str,
    pub(crate) reference: Option<(&'static str, &'static str)>,
    /// `H`, `L` or `N`.
    pub(crate) interpretation: &'static str,
}

/// アレルギー.
#[derive(Clone, Debug)]
pub(crate) struct Allergy {
    /// YJ code or JFAGY code.
    pub(crate) code: &'static str,
    pub(crate) drug: bool,
}

/// 処方.
#[derive(Clone, Debug)]
pub(crate) struct Medication {
    /// 9 digits; written as YJ code.
    pub(crate) drug: &'static str,
    pub(crate) dose: f64,
    pub(crate) days: i32,
    pub(crate) prescribed_on: Date,
}
