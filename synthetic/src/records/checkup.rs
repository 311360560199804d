//! A health checkup of the insured aged 40 to 74.

use jiff::civil::Date;

use super::Stated;

/// One examination.
#[derive(Clone, Debug)]
pub(crate) struct Checkup {
    pub(crate) person: u64,
    pub(crate) facility: usize,
    pub(crate) stated: Stated,
    /// True municipality of the postcode, 5 digits.
    pub(crate) municipality: &'static str,
    pub(crate) checked_on: Date,
    /// Schema's column, 17-character item code, value as written, unit.
    pub(crate) measures: Vec<Measure>,
    /// 1 uncertain 2 … as coded: protein, glucose (1 − to 5 +++).
    pub(crate) urine: (u8, u8),
    /// 採血時間: 1 ten hours or more after a meal, 2 less.
    pub(crate) since_meal: u8,
    /// 1 yes 2 no.
    pub(crate) smokes: u8,
    /// 1 every day 2 sometimes 3 hardly ever.
    pub(crate) drinks: u8,
    /// 1 yes 2 no: pressure, glucose, lipids.
    pub(crate) takes: [u8; 3],
    /// 1 yes 2 no: stroke, heart, kidney.
    pub(crate) had: [u8; 3],
    /// 1 該当 2 予備群 3 非該当 4 判定不能.
    pub(crate) metabolic: u8,
    /// 1 積極的 2 動機付け 3 なし.
    pub(crate) guidance: u8,
}

/// A number as it stands in the file.
#[derive(Clone, Debug)]
pub(crate) struct Measure {
    pub(crate) code: &'static str,
    pub(crate) value: String,
    pub(crate) unit: &'static str,
}

impl Checkup {
    /// What a reader makes of an item's number.
    pub(crate) fn value(&self, code: &str) -> Option<f64> {
        self.measures.iter().find(|measure| measure.code == code)?.value.parse().ok()
    }
}
