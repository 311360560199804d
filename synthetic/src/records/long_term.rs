//! Long-term care: certifications of need and monthly claims.

use jiff::civil::Date;

use super::Stated;
use crate::calendar::Month;

/// 要介護状態区分.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct CareLevel(
    /// 0 要支援1, 1 要支援2, 2 to 6 要介護1 to 5.
    pub(crate) usize,
);

impl CareLevel {
    /// The official code.
    pub(crate) fn code(self) -> &'static str {
        ["12", "13", "21", "22", "23", "24", "25"].get(self.0).copied().unwrap_or("25")
    }

    /// The schema's word.
    pub(crate) fn word(self) -> &'static str {
        ["s1", "s2", "c1", "c2", "c3", "c4", "c5"].get(self.0).copied().unwrap_or("c5")
    }

    /// Needs support only.
    pub(crate) fn preventive(self) -> bool {
        self.0 < 2
    }
}

/// One provider's claim for a person and month: a 01 record with its 02 lines.
#[derive(Clone, Debug)]
pub(crate) struct LongTermClaim {
    pub(crate) person: u64,
    pub(crate) month: Month,
    pub(crate) facility: usize,
    /// 交換情報識別番号.
    pub(crate) exchange: &'static str,
    pub(crate) stated: Stated,
    /// True municipality, 5 digits.
    pub(crate) municipality: &'static str,
    pub(crate) level: CareLevel,
    pub(crate) valid: (Date, Date),
    /// Day of death where service stopped for it.
    pub(crate) died_on: Option<Date>,
    pub(crate) lines: Vec<ServiceLine>,
}

/// 明細情報.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ServiceLine {
    /// Kind (2) and item (4).
    pub(crate) code: &'static str,
    pub(crate) unit_points: i32,
    pub(crate) count: i32,
}

/// A certification of need.
#[derive(Clone, Debug)]
pub(crate) struct Certification {
    pub(crate) person: u64,
    pub(crate) stated: Stated,
    pub(crate) municipality: &'static str,
    pub(crate) applied_on: Date,
    pub(crate) age: i32,
    pub(crate) certified_on: Date,
    pub(crate) valid: (Date, Date),
    pub(crate) level: CareLevel,
    pub(crate) first_judgement: CareLevel,
    /// Tenths of minutes.
    pub(crate) minutes: i32,
    /// Tenths of points, groups 1 to 5.
    pub(crate) scores: [i32; 5],
    /// 0 (自立) to 7 (M).
    pub(crate) dementia: usize,
    /// 0 (自立) to 8 (C2).
    pub(crate) bedridden: usize,
}

impl Certification {
    /// The schema's word of the dementia scale.
    pub(crate) fn dementia_word(&self) -> &'static str {
        ["0", "1", "2a", "2b", "3a", "3b", "4", "M"].get(self.dementia).copied().unwrap_or("M")
    }

    /// The schema's word of the bedridden scale.
    pub(crate) fn bedridden_word(&self) -> &'static str {
        ["0", "J1", "J2", "A1", "A2", "B1", "B2", "C1", "C2"].get(self.bedridden).copied().unwrap_or("C2")
    }
}
