//! What waits for whom, since when and until when, and what comes to its end: from states and events alone, nothing is stored.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::{Span, Timestamp};
use policies::UserId;
use policies::application::{
    Application, Event, EventRecord, Incident, IncidentStep, Interest, Phase, Round, Rules, Sitting, Usage, Way, day_of,
};

/// An application with what only its events say.
#[derive(Clone, Debug)]
pub(crate) struct Course {
    pub(crate) state: Application,
    /// When each reviewer of the running round was asked.
    pub(crate) asked: BTreeMap<UserId, Timestamp>,
    /// When the present stage began.
    pub(crate) since: Timestamp,
}

/// When each reviewer of the running round was asked.
pub(crate) fn asked(records: &[EventRecord]) -> BTreeMap<UserId, Timestamp> {
    let mut asked = BTreeMap::new();
    for record in records {
        if let Event::ReviewersAssigned { reviewers } = &record.event {
            asked.retain(|user, _| reviewers.contains_key(user));
            for user in reviewers.keys() {
                asked.entry(user.clone()).or_insert(record.at);
            }
        } else if matches!(record.event, Event::Amended { .. }) {
            asked.clear();
        }
    }
    asked
}

/// Somebody's turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Turn {
    pub(crate) who: Who,
    pub(crate) task: Task,
    pub(crate) since: Date,
    /// The last day; none where the rules set none.
    pub(crate) due: Option<Date>,
}

impl Turn {
    /// Whether the last day is over on `today`.
    pub(crate) fn is_overdue(&self, today: Date) -> bool {
        self.due.is_some_and(|due| due < today)
    }
}

/// Who is waited for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Who {
    Applicant,
    Chair,
    /// Who answers for a dataset.
    Holder(String),
    Member(UserId),
    /// Whose condition it is.
    Owner(UserId),
    Reviewer(UserId),
    Secretariat,
}

impl Who {
    /// The words of all kinds.
    pub(crate) const WORDS: [&'static str; 7] =
        ["secretariat", "chair", "reviewer", "holder", "applicant", "member", "owner"];

    /// The word in the messages.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Applicant => "applicant",
            Self::Chair => "chair",
            Self::Holder(_) => "holder",
            Self::Member(_) => "member",
            Self::Owner(_) => "owner",
            Self::Reviewer(_) => "reviewer",
            Self::Secretariat => "secretariat",
        }
    }
}

macro_rules! tasks {
    ($($name:ident = $word:literal,)*) => {
        /// What somebody is to do.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum Task {
            $($name,)*
        }

        impl Task {
            #[cfg(test)]
            pub(crate) const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The word in the messages (`board.task.…`).
            pub(crate) fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }
        }
    };
}

tasks! {
    AnswerHolder = "answer-holder",
    AnswerRestriction = "answer-restriction",
    Assign = "assign",
    CertifyDeletion = "certify-deletion",
    Check = "check",
    Close = "close",
    ConfirmCondition = "confirm-condition",
    Correct = "correct",
    Decide = "decide",
    DeclareInterest = "declare-interest",
    EndIncident = "end-incident",
    FileResults = "file-results",
    FinalReport = "final-report",
    FirstReport = "first-report",
    GiveOpinion = "give-opinion",
    Join = "join",
    Permit = "permit",
    Pledge = "pledge",
    PublishResults = "publish-results",
    ReportCondition = "report-condition",
    ReportToMeeting = "report-to-meeting",
    Resume = "resume",
    Schedule = "schedule",
    Vote = "vote",
    Write = "write",
}

/// Whose turn it is on `today`: everybody whom the application waits for.
pub(crate) fn turns(rules: &Rules, course: &Course, today: Date) -> Vec<Turn> {
    let state = &course.state;
    let mut turns = Vec::new();
    if let Some(round) = &state.round {
        turns.extend(of_round(rules, course, round, today));
    }
    if let Some(usage) = &state.usage {
        turns.extend(of_usage(course, usage, today));
        turns.extend(of_results(rules, usage));
        turns.extend(usage.incidents.iter().filter_map(|incident| of_incident(rules, incident)));
    }
    let unreported = state.outcomes.iter().filter(|outcome| outcome.is_to_be_reported());
    turns.extend(unreported.map(|outcome| office(Task::ReportToMeeting, day_of(outcome.at), None)));
    turns
}

fn office(task: Task, since: Date, due: Option<Date>) -> Turn {
    Turn { who: Who::Secretariat, task, since, due }
}

fn of_round(rules: &Rules, course: &Course, round: &Round, today: Date) -> Vec<Turn> {
    let since = day_of(round.since);
    let after = |days| Some(after(since, days));
    match &round.phase {
        Phase::Draft {} => vec![Turn { who: Who::Applicant, task: Task::Write, since, due: None }],
        Phase::Submitted {} => {
            let waited_for = round.content.members.keys().filter(|member| !course.state.joined.contains_key(member));
            let members = waited_for.map(|member| of_member(&course.state, member, since, today));
            members.chain([office(Task::Check, since, after(rules.days.completeness))]).collect()
        }
        Phase::Returned { .. } => {
            vec![Turn { who: Who::Applicant, task: Task::Correct, since, due: after(rules.days.correction) }]
        }
        Phase::UnderReview {} | Phase::Deferred {} => of_review(rules, course, round, today),
        Phase::Scheduled { sitting } => of_sitting(rules, course, round, (sitting, today)),
        Phase::Granted { .. } => of_grant(course, round, today),
        Phase::Rejected {} | Phase::Revoked { .. } | Phase::Withdrawn {} => Vec::new(),
    }
}

/// Holders and reviewers are heard; then there is a day to be found.
fn of_review(rules: &Rules, course: &Course, round: &Round, today: Date) -> Vec<Turn> {
    let state = &course.state;
    let mut turns = of_holders(rules, round);
    let open: Vec<_> = round
        .reviewers
        .iter()
        .filter(|(user, reviewer)| {
            !matches!(reviewer.interest, Interest::Conflict { .. }) && !state.is_conflicted(rules, user, today)
        })
        .collect();
    for (user, reviewer) in &open {
        let task = match reviewer.interest {
            Interest::Asked => Task::DeclareInterest,
            Interest::None if !round.opinions.contains_key(*user) => Task::GiveOpinion,
            Interest::None | Interest::Conflict { .. } => continue,
        };
        let since = day_of(course.asked.get(*user).copied().unwrap_or(round.since));
        let due = Some(after(since, rules.days.review));
        turns.push(Turn { who: Who::Reviewer((*user).clone()), task, since, due });
    }
    let seated = |seat: &String| open.iter().any(|(_, reviewer)| reviewer.card.seats.contains(seat));
    let since = day_of(round.since);
    if open.len() < rules.vote.quorum || !rules.vote.seats.iter().all(seated) {
        turns.push(office(Task::Assign, since, None));
    } else if turns.iter().all(|turn| matches!(turn.who, Who::Holder(_)) && turn.is_overdue(today)) {
        turns.push(office(Task::Schedule, since, None));
    }
    turns
}

fn of_holders(rules: &Rules, round: &Round) -> Vec<Turn> {
    let open = round.holders.values().filter(|request| request.answer.is_none());
    let turn = |request: &policies::application::HolderRequest| Turn {
        who: Who::Holder(request.dataset.clone()),
        task: Task::AnswerHolder,
        since: after(request.due, -rules.days.holder_opinion),
        due: Some(request.due),
    };
    open.map(turn).collect()
}

/// Votes on the day of the meeting, or until the last day of the circulation, then the chair's decision.
fn of_sitting(rules: &Rules, course: &Course, round: &Round, (sitting, today): (&Sitting, Date)) -> Vec<Turn> {
    let state = &course.state;
    let (on, since) = (sitting.on, day_of(round.since));
    let begins = if sitting.way == Way::Meeting { on } else { since };
    let is_open = begins <= today;
    let mut turns = of_holders(rules, round);
    let silent = |(user, reviewer): (&UserId, &policies::application::Reviewer)| {
        let task = match reviewer.interest {
            _ if state.is_conflicted(rules, user, today) => return None,
            Interest::Asked => Task::DeclareInterest,
            Interest::None if is_open && !round.votes.contains_key(user) => Task::Vote,
            Interest::None | Interest::Conflict { .. } => return None,
        };
        let since = if task == Task::Vote { begins } else { since };
        Some(Turn { who: Who::Reviewer(user.clone()), task, since, due: Some(on) })
    };
    turns.extend(round.reviewers.iter().filter_map(silent));
    let voted = state.tally(rules, today).votes() >= rules.vote.quorum;
    if voted || on <= today {
        turns.push(Turn { who: Who::Chair, task: Task::Decide, since, due: Some(on) });
    }
    turns
}

/// Conditions, then trainings and pledges, then the permit.
fn of_grant(course: &Course, round: &Round, today: Date) -> Vec<Turn> {
    let since = day_of(round.since);
    let conditions: Vec<_> = round
        .open_conditions()
        .map(|(_, open)| {
            let due = Some(open.condition.due);
            let owner = || Who::Owner(open.condition.owner.clone());
            match open.reported {
                None => Turn { who: owner(), task: Task::ReportCondition, since, due },
                Some(_) => office(Task::ConfirmCondition, since, due),
            }
        })
        .collect();
    if !conditions.is_empty() {
        return conditions;
    }
    let state = &course.state;
    let mut turns: Vec<_> = state.unready_members(today).map(|member| of_member(state, member, since, today)).collect();
    if round.content.members.keys().any(|member| state.is_ready(member, today)) {
        turns.push(office(Task::Permit, since, None));
    }
    turns
}

/// What keeps a member out of the permit: the training first.
fn of_member(state: &Application, member: &UserId, since: Date, today: Date) -> Turn {
    let training = state.joined.get(member);
    let trained = training.is_some_and(|training| training.until >= today);
    let task = if trained { Task::Pledge } else { Task::Join };
    let since = training.filter(|_| !trained).map_or(since, |training| training.until.max(since));
    Turn { who: Who::Member(member.clone()), task, since, due: None }
}

fn of_usage(course: &Course, usage: &Usage, today: Date) -> Vec<Turn> {
    let state = &course.state;
    let since = day_of(course.since);
    if let Some(ending) = &usage.ending {
        let open = ending.certificate.is_none();
        return open.then(|| office(Task::CertifyDeletion, since, None)).into_iter().collect();
    }
    let mut turns = Vec::new();
    if usage.suspended.is_some() {
        turns.push(office(Task::Resume, since, None));
    }
    let applicant = |task, since, due| Turn { who: Who::Applicant, task, since, due: Some(due) };
    let period = usage.content.period.as_ref().map(|period| period.until);
    turns.extend(period.filter(|last| *last < today).map(|last| applicant(Task::Close, last, last)));
    let open = usage.restrictions.iter().filter(|restriction| restriction.answer.is_none());
    turns.extend(open.map(|open| applicant(Task::AnswerRestriction, day_of(open.at), open.answer_by)));
    let granted = state.round.as_ref().is_some_and(|round| matches!(round.phase, Phase::Granted { .. }));
    if !granted {
        let since = day_of(usage.since);
        turns.extend(state.lapsed_members(today).map(|member| of_member(state, member, since, today)));
    }
    turns
}

/// Results that are to be filed after the closure, or read before they are public.
fn of_results(rules: &Rules, usage: &Usage) -> Option<Turn> {
    let ended = usage.ending.as_ref().map(|ending| day_of(ending.at));
    if usage.results.filed.is_some() {
        return Some(office(Task::PublishResults, ended.unwrap_or_else(|| day_of(usage.since)), None));
    }
    let due = usage.results_due(rules)?;
    Some(Turn { who: Who::Applicant, task: Task::FileResults, since: ended?, due: Some(due) })
}

/// What of an incident is to be told next.
fn of_incident(rules: &Rules, incident: &Incident) -> Option<Turn> {
    if incident.is_closed() {
        return None;
    }
    let since = day_of(incident.at);
    let told = |is: fn(&IncidentStep) -> bool| incident.steps.iter().any(|(_, step)| is(step));
    let due = |days| Some(after(since, days));
    Some(if !told(|step| matches!(step, IncidentStep::FirstReport { .. })) {
        office(Task::FirstReport, since, due(rules.incident.first_report_days))
    } else if !told(|step| matches!(step, IncidentStep::FinalReport { .. })) {
        office(Task::FinalReport, since, due(rules.incident.final_report_days))
    } else {
        office(Task::EndIncident, since, None)
    })
}

/// What comes to its end in a use that goes on, or has lapsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) what: Ending,
    /// The last day on which it holds.
    pub(crate) last: Date,
    /// Within how many days of its end it is told of; none: it is over.
    pub(crate) warning: Option<i32>,
}

/// What has an end.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Ending {
    /// 倫理審査の承認.
    Ethics,
    /// 利用期間.
    Period,
    /// A member's training.
    Training(UserId),
}

impl Ending {
    /// The word in the messages.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Ethics => "ethics",
            Self::Period => "period",
            Self::Training(_) => "training",
        }
    }
}

/// Ends within the longest warning of the rules, the next one first.
pub(crate) fn ends(rules: &Rules, state: &Application, today: Date) -> Vec<End> {
    let Some(usage) = state.usage.as_ref().filter(|usage| usage.ending.is_none()) else { return Vec::new() };
    let content = &usage.content;
    let ethics = content.ethics.as_ref().map(|ethics| (Ending::Ethics, ethics.until));
    let period = content.period.as_ref().map(|period| (Ending::Period, period.until));
    let trained = |user: &UserId| Some((Ending::Training(user.clone()), state.joined.get(user)?.until));
    let all = ethics.into_iter().chain(period).chain(content.members.keys().filter_map(trained));
    let near = |(what, last): (Ending, Date)| {
        let left = (last - today).get_days();
        let warning = rules.days.expiry_warnings.iter().copied().filter(|days| left <= *days).min()?;
        Some(End { what, last, warning: (left >= 0).then_some(warning) })
    };
    let mut ends: Vec<_> = all.filter_map(near).collect();
    ends.sort_by_key(|end| end.last);
    ends
}

/// The day so many days later.
fn after(day: Date, days: i32) -> Date {
    day.saturating_add(Span::new().days(days))
}

#[cfg(test)]
pub(crate) mod tests;
