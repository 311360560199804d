//! What runs under a permit: restrictions, suspension, its end, incidents.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::{Span, Timestamp};
use serde::{Deserialize, Serialize};

use super::actor::day_of;
use super::content::Content;
use super::parts::{Certificate, Condition, IncidentReport, IncidentStep, Narrowing};
use super::rules::{IncidentRules, Rules};
use crate::id::{PermitId, UserId};

/// What runs under a permit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Usage {
    /// The permit that holds; an amendment or a restriction replaces it.
    pub permit: PermitId,
    /// The members whom it names, each with the last day of the training that it counted on.
    pub named: BTreeMap<UserId, Date>,
    /// Since when there is a permit.
    pub since: Timestamp,
    /// What was granted.
    pub content: Content,
    /// Conditions under which it was granted.
    pub conditions: Vec<Condition>,
    /// Restrictions in their order.
    pub restrictions: Vec<Restriction>,
    /// Whether a restriction or a resumption waits for its permit. The one before it is too wide, or has ended: none holds.
    #[serde(default)]
    pub awaits_permit: bool,
    /// Why it is suspended.
    pub suspended: Option<String>,
    /// How it ended.
    pub ending: Option<Ending>,
    /// What came out, for the public.
    pub results: Results,
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

/// 成果の概要: written by the applicant, read by the secretariat before the public reads it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Results {
    /// How often something was filed.
    pub filings: u32,
    /// What was filed last and not read yet.
    pub filed: Option<String>,
    /// Why the last filing went back, until there is another.
    pub returned: Option<String>,
    /// What is public.
    pub published: Option<String>,
}

/// How a use ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ending {
    /// In what way.
    pub how: Ended,
    /// When.
    pub at: Timestamp,
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
    /// Whether the final report went to its addressee.
    pub fn is_finally_reported(&self) -> bool {
        self.steps.iter().any(|(_, step)| matches!(step, IncidentStep::FinalReport { .. }))
    }

    /// Whether it is over.
    pub fn is_closed(&self) -> bool {
        self.steps.iter().any(|(_, step)| matches!(step, IncidentStep::Closed { .. }))
    }

    /// The last days for the first and the final report to the ministry.
    pub fn due(&self, rules: IncidentRules) -> [Date; 2] {
        let begun = day_of(self.at);
        [rules.first_report_days, rules.final_report_days].map(|days| begun.saturating_add(Span::new().days(days)))
    }
}

impl Usage {
    /// Whether it neither ended nor is suspended by somebody.
    pub fn is_running(&self) -> bool {
        self.ending.is_none() && self.suspended.is_none()
    }

    /// The last day to say what came out: some months after the use was closed. None while it goes on, once something waits to be
    /// read or is public, and after a revocation.
    pub fn results_due(&self, rules: &Rules) -> Option<Date> {
        let ending = self.ending.as_ref().filter(|ending| matches!(ending.how, Ended::Closed { .. }))?;
        let open = self.results.filed.is_none() && self.results.published.is_none();
        open.then(|| day_of(ending.at).saturating_add(Span::new().months(rules.results.months)))
    }

    /// The last day on which the use may go on: of the period, or of the ethics approval if that ends earlier.
    pub fn last_day(&self) -> Option<Date> {
        let period = self.content.period.as_ref().map(|period| period.until);
        let ethics = self.content.ethics.as_ref().map(|ethics| ethics.until);
        period.into_iter().chain(ethics).min()
    }
}
