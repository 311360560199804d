//! What acts are made of: opinions, votes, decisions, conditions, sittings, restrictions, incidents.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::content::Affiliation;
use crate::id::UserId;
use crate::permit::DatasetGrant;

/// Who is to read a comment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Audience {
    /// The applicant's side too.
    Applicant,
    /// Secretariat and committee only.
    Internal,
}

/// A training certificate (研修修了証).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Training {
    /// Which course.
    pub course: String,
    /// Last day on which it holds.
    pub until: Date,
    /// SHA-256 (hex) of the document, if one was handed in.
    #[serde(default)]
    pub sha256: Option<String>,
}

/// A reviewer as the secretariat names one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReviewerCard {
    /// Where the person works.
    pub affiliation: Affiliation,
    /// Seats of the committee that the person holds.
    #[serde(default)]
    pub seats: BTreeSet<String>,
    /// With whom the person wrote papers, and the last year of one.
    #[serde(default)]
    pub coauthors: BTreeMap<UserId, i16>,
}

/// What a holder says: an opinion, or consent or its refusal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HolderAnswer {
    /// Where consent is asked: given or refused; none for an opinion.
    pub consent: Option<bool>,
    /// In words.
    pub text: String,
}

/// Whether a criterion is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fulfilment {
    /// It is.
    Met,
    /// Partly, or under a condition.
    Partly,
    /// It is not.
    Unmet,
}

/// A finding about one criterion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// Whether it is met.
    pub fulfilment: Fulfilment,
    /// Why.
    pub reason: String,
}

/// Findings by the criterion's word.
pub type FindingsByCriterion = BTreeMap<String, Finding>;

/// A reviewer's opinion, hidden from the other reviewers until all are in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opinion {
    /// A finding for each criterion.
    pub findings: FindingsByCriterion,
    /// What else there is to say; may be empty.
    pub text: String,
}

/// When and how the committee votes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sitting {
    /// Day of the meeting, or last day of the circulation.
    pub on: Date,
    /// In what way.
    pub way: Way,
}

/// How a committee votes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Way {
    /// 持ち回り: in writing.
    Circulation,
    /// 会議.
    Meeting,
}

/// One reviewer's vote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vote {
    /// For, against or neither.
    pub ballot: Ballot,
    /// What the reviewer says to it; may be empty.
    pub comment: String,
}

/// For or against a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ballot {
    /// Neither: present, and not counted.
    Abstain,
    /// Against.
    Against,
    /// For.
    For,
}

impl Ballot {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::For, Self::Against, Self::Abstain];

    /// The word in forms.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Abstain => "abstain",
            Self::Against => "against",
            Self::For => "for",
        }
    }
}

/// 承認／条件付き承認／継続審査／不承認, or that the votes do not carry any of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "decision", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Decision {
    /// Decided again later.
    Deferred {
        /// Why.
        reason: String,
    },
    /// Granted.
    Granted {},
    /// Granted under conditions.
    GrantedWithConditions {
        /// The conditions.
        conditions: Vec<Condition>,
    },
    /// The votes carry nothing: too few, or a seat missing. The committee votes again.
    #[serde(rename = "no-decision")]
    Undecided {},
    /// Rejected.
    Rejected {
        /// Why.
        reason: String,
    },
}

impl Decision {
    /// The word in pages.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Deferred { .. } => "deferred",
            Self::Granted {} => "granted",
            Self::GrantedWithConditions { .. } => "granted-with-conditions",
            Self::Undecided {} => "no-decision",
            Self::Rejected { .. } => "rejected",
        }
    }

    /// Whether something is granted.
    pub fn is_grant(&self) -> bool {
        matches!(self, Self::Granted {} | Self::GrantedWithConditions { .. })
    }
}

/// A condition of a grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// In words, as the letter and the permit say it.
    pub text: String,
    /// Whose it is to meet it, by sign-in name.
    pub owner: UserId,
    /// By when.
    pub due: Date,
    /// Columns, `table.column`, that the permit leaves out because of it.
    #[serde(default)]
    pub excludes: BTreeSet<String>,
}

/// What a restriction takes away from a running permit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Narrowing {
    /// Columns, `table.column`; a whole table where no column is named: `table`.
    #[serde(default)]
    pub columns: BTreeSet<String>,
    /// Members.
    #[serde(default)]
    pub members: BTreeSet<UserId>,
    /// Limits of purpose or outputs in words; they stand in the permit as conditions.
    #[serde(default)]
    pub limits: Vec<String>,
}

impl Narrowing {
    /// Whether nothing is taken away.
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty() && self.members.is_empty() && self.limits.iter().all(|limit| limit.trim().is_empty())
    }
}

/// Takes columns out of what is granted.
pub(super) fn without_columns<'a>(
    datasets: &mut BTreeMap<String, DatasetGrant>,
    columns: impl Iterator<Item = &'a String>,
) {
    for named in columns {
        for grant in datasets.values_mut() {
            grant.tables.remove(named);
            if let Some((table, column)) = named.rsplit_once('.')
                && let Some(granted) = grant.tables.get_mut(table)
            {
                granted.remove(column);
            }
        }
    }
    for grant in datasets.values_mut() {
        grant.tables.retain(|_, columns| !columns.is_empty());
    }
    datasets.retain(|_, grant| !grant.tables.is_empty());
}

/// データ消去の措置報告: that the project's temporary data and key are destroyed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// What was destroyed, and how.
    pub text: String,
    /// SHA-256 (hex) of the enclave's record of it, where there is one.
    #[serde(default)]
    pub sha256: Option<String>,
}

/// What an incident is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IncidentKind {
    /// 不適切利用.
    ImproperUse,
    /// 紛失・漏えい.
    Loss,
    /// 誤った持出し.
    MistakenRelease,
    /// 識別のおそれ.
    SuspectedIdentification,
}

impl IncidentKind {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Loss, Self::SuspectedIdentification, Self::MistakenRelease, Self::ImproperUse];

    /// The word in forms.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ImproperUse => "improper-use",
            Self::Loss => "loss",
            Self::MistakenRelease => "mistaken-release",
            Self::SuspectedIdentification => "suspected-identification",
        }
    }
}

/// An incident as it was reported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IncidentReport {
    /// What kind.
    pub kind: IncidentKind,
    /// From 1, slight, to 3, grave.
    pub severity: u8,
    /// What happened, in words.
    pub text: String,
    /// Day on which it was noticed.
    pub noticed_on: Date,
}

/// What is done about an incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "kebab-case", deny_unknown_fields)]
pub enum IncidentStep {
    /// It is over.
    Closed {
        /// What was learnt.
        text: String,
    },
    /// The final report went to the ministry.
    FinalReport {
        /// To whom.
        addressee: String,
    },
    /// The first report went to the ministry.
    FirstReport {
        /// To whom.
        addressee: String,
    },
    /// Something was found out or done.
    Note {
        /// What.
        text: String,
    },
}
