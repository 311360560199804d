//! The committee's rules and the application's form as data: `policies/committee/` and `policies/forms/`, by edition.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use jiff::Span;
use jiff::civil::Date;
use serde::Deserialize;

use super::content::ApplicantKind;
use crate::source::{HolderSay, SourcePolicy};

const EDITIONS: [(&str, &str, &str); 1] =
    [("2026.1", include_str!("../../committee/2026.1.toml"), include_str!("../../forms/2026.1.toml"))];

static LOADED: LazyLock<Vec<Rules>> = LazyLock::new(|| EDITIONS.iter().filter_map(Rules::read).collect());

/// One edition of the rules.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// The edition's name; each event carries it.
    pub version: String,
    /// Datasets without a holder of their own.
    pub without_holder: BTreeSet<String>,
    /// Countries of use (ISO 3166-1 alpha-2).
    pub countries: BTreeSet<String>,
    /// Whose letters these are.
    pub letterhead: Letterhead,
    /// How votes count.
    pub vote: VoteRules,
    /// Who has a conflict of interest.
    pub conflict: ConflictRules,
    /// How long turns may take.
    pub days: Days,
    /// When an incident is to be reported.
    pub incident: IncidentRules,
    /// When it is to be told what came out.
    pub results: ResultRules,
    /// What does not need the full committee.
    pub lanes: Lanes,
    /// 審査基準.
    pub criteria: Vec<Item>,
    /// 受付確認.
    pub checklist: Vec<Item>,
    /// 誓約書.
    pub pledge: PledgeText,
    /// The form.
    #[serde(skip)]
    pub form: Form,
}

/// Who stands over letters.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Letterhead {
    /// Who decides.
    pub committee: Name,
    /// Who is asked.
    pub secretariat: Name,
}

/// What somebody is called.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Name {
    /// In Japanese.
    pub ja: String,
    /// In English.
    pub en: String,
}

/// How votes count.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VoteRules {
    /// Votes for or against that a decision needs.
    pub quorum: usize,
    /// A grant needs more than this share, numerator and denominator, of the votes for and against.
    pub majority: (usize, usize),
    /// Whether the chair decides a tie.
    pub casting_vote: bool,
    /// Seats that those who vote must hold between them.
    pub seats: BTreeSet<String>,
    /// Days of a vote by circulation.
    pub circulation_days: i32,
}

/// Who has a conflict of interest without having declared one.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConflictRules {
    /// How near a member's affiliation must be.
    pub scope: ConflictScope,
    /// Calendar years in which a paper written together counts.
    pub coauthor_years: i16,
}

/// How near is too near.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ConflictScope {
    /// The same department of the same institution; where one of both names no department, the institution.
    Department,
    /// The same institution.
    Institution,
}

/// How long turns may take.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Days {
    /// The completeness check.
    pub completeness: i32,
    /// The applicant's correction.
    pub correction: i32,
    /// A holder's opinion; after these days the committee may decide without it.
    pub holder_opinion: i32,
    /// A reviewer's opinion.
    pub review: i32,
    /// Days before an end at which it is told.
    pub expiry_warnings: Vec<i32>,
    /// Days before its end from which a use is shown as expiring.
    pub expiring: i32,
}

/// When an incident is to be reported.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IncidentRules {
    /// Days to the first report.
    pub first_report_days: i32,
    /// Days to the final report.
    pub final_report_days: i32,
}

/// When it is to be told what came out.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResultRules {
    /// Months after the closure.
    pub months: i32,
    /// Days before that day at which the applicant is reminded.
    pub warnings: Vec<i32>,
}

/// Ways that are shorter than the full committee.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lanes {
    /// Decided by the secretariat alone.
    pub secretariat: SecretariatLane,
    /// Decided by circulation, reported to the next meeting.
    pub urgent: UrgentLane,
}

/// What the secretariat may decide alone.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretariatLane {
    /// Parts of the content that may differ from what was granted.
    pub fields: BTreeSet<String>,
    /// Months by which the last day may move.
    pub extension_months_max: i32,
}

/// Who may ask for the urgent lane.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UrgentLane {
    /// Kinds of applicant.
    pub applicants: BTreeSet<ApplicantKind>,
}

/// A line of a list that people go through.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// Its word in events.
    pub id: String,
    /// In Japanese.
    pub ja: String,
    /// In English.
    pub en: String,
}

/// 誓約書.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PledgeText {
    /// Its edition: a pledge to an earlier one is asked for again.
    pub version: String,
    /// What is promised.
    pub clauses: Vec<Clause>,
}

/// One promise.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clause {
    /// In Japanese.
    pub ja: String,
    /// In English.
    pub en: String,
}

/// The form, one edition.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Form {
    /// The edition's name.
    pub version: String,
    /// Its sections in order.
    #[serde(rename = "section")]
    pub sections: Vec<Section>,
}

/// A section of the form.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Section {
    /// Its word.
    pub id: String,
    /// Heading in Japanese.
    pub ja: String,
    /// Heading in English.
    pub en: String,
    /// What is asked.
    #[serde(rename = "field")]
    pub fields: Vec<FormField>,
}

/// A question.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FormField {
    /// Its word in the content's answers.
    pub id: String,
    /// How it is answered.
    pub kind: FieldKind,
    /// Longest answer in characters.
    #[serde(default = "line_max")]
    pub max: usize,
    /// Whether the answer is published with the grant.
    #[serde(default)]
    pub public: bool,
    /// Whether a submission may lack it.
    #[serde(default)]
    pub optional: bool,
    /// Words that may be chosen.
    #[serde(default)]
    pub options: Vec<Item>,
    /// In Japanese.
    pub ja: String,
    /// In English.
    pub en: String,
    /// What to write, in Japanese.
    #[serde(default)]
    pub help_ja: String,
    /// What to write, in English.
    #[serde(default)]
    pub help_en: String,
}

/// How a question is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FieldKind {
    /// One of the options.
    Choice,
    /// A box that must be ticked; the answer is `yes`.
    Confirm,
    /// One line.
    Line,
    /// Several lines.
    Text,
}

fn line_max() -> usize {
    200
}

impl Rules {
    /// The rules under which new events happen.
    ///
    /// # Panics
    /// Never in a build whose tests passed: the embedded files are read by one.
    #[expect(clippy::expect_used, reason = "the editions are embedded, and a test reads each of them")]
    pub fn current() -> &'static Self {
        LOADED.last().expect("an embedded edition of the rules is broken")
    }

    /// The rules of an edition that an event names.
    pub fn of(version: &str) -> Option<&'static Self> {
        LOADED.iter().find(|rules| rules.version == version)
    }

    fn read((version, rules, form): &(&str, &str, &str)) -> Option<Self> {
        let rules: Self = toml::from_str(rules).ok()?;
        let form: Form = toml::from_str(form).ok()?;
        (rules.version == *version && form.version == *version).then_some(Self { form, ..rules })
    }

    /// How the holder of a dataset is heard; none where it has no holder of its own. A source that is not built in may refuse.
    pub fn holder_say(&self, dataset: &str) -> Option<HolderSay> {
        if self.without_holder.contains(dataset) {
            return None;
        }
        Some(SourcePolicy::built_in(dataset).map_or(HolderSay::Consent, |policy| policy.holder_say))
    }

    /// The words of all criteria.
    pub fn criterion_ids(&self) -> impl Iterator<Item = &str> {
        self.criteria.iter().map(|criterion| criterion.id.as_str())
    }

    /// Whether a grant has its majority, or the chair's casting vote.
    pub fn is_majority(&self, approvals: usize, votes: usize) -> Majority {
        let (numerator, denominator) = self.vote.majority;
        match (approvals * denominator).cmp(&(votes * numerator)) {
            std::cmp::Ordering::Greater => Majority::For,
            std::cmp::Ordering::Equal if self.vote.casting_vote && votes > 0 => Majority::Tie,
            std::cmp::Ordering::Less | std::cmp::Ordering::Equal => Majority::Against,
        }
    }
}

/// What votes come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Majority {
    /// No grant.
    Against,
    /// A grant.
    For,
    /// The chair's casting vote decides.
    Tie,
}

impl Form {
    /// All questions in order.
    pub fn fields(&self) -> impl Iterator<Item = &FormField> {
        self.sections.iter().flat_map(|section| &section.fields)
    }

    /// What is wrong with the answers: the question, and whether it is too long (else missing).
    pub(super) fn problems(&self, answers: &BTreeMap<String, String>) -> Vec<(String, bool)> {
        let mut problems = Vec::new();
        for field in self.fields() {
            let answer = answers.get(&field.id).map_or("", |answer| answer.trim());
            let is_given = match field.kind {
                FieldKind::Choice => field.options.iter().any(|option| option.id == answer),
                FieldKind::Confirm => answer == "yes",
                FieldKind::Line | FieldKind::Text => !answer.is_empty(),
            };
            if answer.chars().count() > field.max {
                problems.push((field.id.clone(), true));
            } else if !is_given && !field.optional {
                problems.push((field.id.clone(), false));
            }
        }
        problems
    }
}

/// The day after so many days.
pub(super) fn after_days(day: Date, days: i32) -> Date {
    day.saturating_add(Span::new().days(days))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_edition_is_read_and_names_its_parts_once() {
        assert_eq!(LOADED.len(), EDITIONS.len());
        for rules in LOADED.iter() {
            let unique = |ids: Vec<&str>| ids.iter().collect::<BTreeSet<_>>().len() == ids.len() && !ids.is_empty();
            assert!(unique(rules.criterion_ids().collect()));
            assert!(unique(rules.checklist.iter().map(|item| item.id.as_str()).collect()));
            assert!(unique(rules.form.fields().map(|field| field.id.as_str()).collect()));
            assert!(rules.vote.quorum > 0 && rules.vote.majority.0 < rules.vote.majority.1);
            assert_eq!(rules.days.expiry_warnings, [60, 30, 7]);
        }
    }

    #[test]
    fn an_unknown_source_may_refuse_and_persons_have_no_holder() {
        let rules = Rules::current();
        assert_eq!(rules.holder_say("ndb"), Some(HolderSay::Opinion));
        assert_eq!(rules.holder_say("registry"), Some(HolderSay::Consent));
        assert_eq!(rules.holder_say("person"), None);
    }
}
