//! A case of the made-up register of infectious diseases: a source besides the four.

use jiff::civil::Date;

use super::Stated;

/// One notification.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) person: u64,
    pub(crate) facility: usize,
    pub(crate) stated: Stated,
    pub(crate) diagnosed_on: Date,
    pub(crate) onset_on: Option<Date>,
    /// 類型: 1 to 5, N 新型インフルエンザ等感染症.
    pub(crate) category: &'static str,
    pub(crate) icd10: &'static str,
    /// 1 recovered, 2 under care, 3 died, 9 unknown.
    pub(crate) outcome: &'static str,
    /// Free text: never leaves the holder.
    pub(crate) remark: String,
}
