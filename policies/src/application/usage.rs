//! What runs under a permit: restrictions, suspension, its end, incidents.

use jiff::civil::Date;
use jiff::{Span, Timestamp};
use serde::{Deserialize, Serialize};

use super::actor::day_of;
use super::content::Content;
use super::parts::{Certificate, Condition, IncidentReport, IncidentStep, Narrowing};
use super::rules::IncidentRules;
use crate::id::{PermitId, UserId};

/// What runs under a permit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Usage {
    /// The permit that holds; an amendment or a restriction replaces it.
    pub permit: PermitId,
    /// Since when there is a permit.
    pub since: Timestamp,
    /// What was granted.
    pub content: Content,
    /// Conditions under which it was granted.
    pub conditions: Vec<Condition>,
    /// Restrictions in their order.
    pub restrictions: Vec<Restriction>,
    /// Why it is suspended.
    pub suspended: Option<String>,
    /// How it ended.
    pub ending: Option<Ending>,
    /// What came out, in plain words.
    pub results: Option<String>,
    /// Incidents in their order.
    pub incidents: Vec<Incident>,
}

/// A restriction of a running permit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Restriction {
    /// What was taken away.
    pub narrowing: Narrowing,
    /// Why.
    pub reason: String,
    /// By when the user is to answer.
    pub answer_by: Date,
    /// What the user answered.
    pub answer: Option<String>,
    /// When it was made.
    pub at: Timestamp,
}

/// How a use ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ending {
    /// In what way.
    pub how: Ended,
    /// データ消去の措置報告, once certified.
    pub certificate: Option<Certificate>,
}

/// In what way a use ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ended", rename_all = "lowercase", deny_unknown_fields)]
pub enum Ended {
    /// 利用終了.
    Closed {
        /// The report on erased data.
        report: String,
    },
    /// 承諾取消し.
    Revoked {
        /// Why.
        reason: String,
    },
}

/// An incident and what was done about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Incident {
    /// As reported.
    pub report: IncidentReport,
    /// By whom.
    pub by: UserId,
    /// When.
    pub at: Timestamp,
    /// What was done, in order.
    pub steps: Vec<(Timestamp, IncidentStep)>,
}

impl Incident {
    /// Whether it is over.
    pub fn is_closed(&self) -> bool {
        self.steps.iter().any(|(_, step)| matches!(step, IncidentStep::Closed { .. }))
    }

    /// The last days for the first and the final report to the ministry.
    pub fn due(&self, rules: &IncidentRules) -> [Date; 2] {
        let begun = day_of(self.at);
        [rules.first_report_days, rules.final_report_days].map(|days| begun.saturating_add(Span::new().days(days)))
    }
}

impl Usage {
    /// Whether it neither ended nor is suspended by somebody.
    pub fn is_running(&self) -> bool {
        self.ending.is_none() && self.suspended.is_none()
    }

    /// The last day on which the use may go on: of the period, or of the ethics approval if that ends earlier.
    pub fn last_day(&self) -> Option<Date> {
        let period = self.content.period.as_ref().map(|period| period.until);
        let ethics = self.content.ethics.as_ref().map(|ethics| ethics.until);
        period.into_iter().chain(ethics).min()
    }
}
