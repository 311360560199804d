//! A health checkup of the insured aged 40 to 74, and the guidance that some get after it.

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

/// A course of 特定保健指導.
#[derive(Clone, Debug)]
pub(crate) struct Guidance {
    pub(crate) person: u64,
    pub(crate) facility: usize,
    pub(crate) stated: Stated,
    /// True municipality of the postcode, 5 digits.
    pub(crate) municipality: &'static str,
    /// 1 積極的 2 動機付け.
    pub(crate) level: u8,
    /// First interview.
    pub(crate) started_on: Date,
    /// Last evaluation, or the day of breaking off; none while under way.
    pub(crate) ended_on: Option<Date>,
    pub(crate) completed: bool,
}

impl Guidance {
    /// 報告区分: 21 under way, 22 completed, 23 broken off. formats.md, 8.1 gives 21 to 25 without their meanings: these are
    /// assumptions.
    pub(crate) fn category(&self) -> &'static str {
        match (self.completed, self.ended_on) {
            (true, _) => "22",
            (false, Some(_)) => "23",
            (false, None) => "21",
        }
    }
}

impl Checkup {
    /// What a reader makes of an item's number.
    pub(crate) fn value(&self, code: &str) -> Option<f64> {
        self.measures.iter().find(|measure| measure.code == code)?.value.parse().ok()
    }
}
