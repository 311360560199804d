//! From a posted form to a command. Whatever the form says about people is held against accounts.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use policies::UserId;
use policies::application::{
    Application, Audience, Ballot, Certificate, Command, Condition, Decision, Finding, FindingsByCriterion, Fulfilment,
    HolderAnswer, IncidentKind, IncidentReport, IncidentStep, Narrowing, Opinion, ReviewerCard, Rules, Sitting,
    Training, Vote, Way,
};

use crate::accounts;
use crate::application::Act;
use crate::error::PortalError;
use crate::form::Posted;
use crate::portal::Portal;

type Read<T> = Result<T, PortalError>;

#[expect(clippy::too_many_lines, reason = "one line an act")]
/// The command that a form asks for; none for acts that have no form of their own here: the permit is the signer's to make, an
/// amendment begins with what was granted.
pub(super) async fn read(portal: &Portal, state: &Application, act: Act, posted: &Posted) -> Read<Option<Command>> {
    Ok(Some(match act {
        Act::Accept => Command::Accept { checklist: words(posted, "checklist") },
        Act::Amend => {
            let granted = state.usage.as_ref().map(|usage| usage.content.clone());
            Command::Amend { content: granted.ok_or(PortalError::NotFound)? }
        }
        Act::AnswerHolder => {
            let consent = match posted.one("consent") {
                "" => None,
                word => Some(one_of(word, [("yes", true), ("no", false)])?),
            };
            Command::AnswerHolder {
                request: posted.one("request").to_owned(),
                answer: HolderAnswer { consent, text: text(posted, "text") },
            }
        }
        Act::AnswerRestriction => {
            Command::AnswerRestriction { restriction: number(posted, "restriction")?, text: text(posted, "text") }
        }
        Act::Assign => Command::AssignReviewers { reviewers: reviewers(portal, posted).await? },
        Act::CertifyDeletion => {
            Command::CertifyDeletion { certificate: Certificate { text: text(posted, "text"), sha256: None } }
        }
        Act::Close => Command::Close { report: text(posted, "report") },
        Act::Comment => Command::Comment {
            field: posted.one("field").to_owned(),
            text: text(posted, "text"),
            audience: one_of(
                posted.one("audience"),
                [("applicant", Audience::Applicant), ("internal", Audience::Internal)],
            )?,
        },
        Act::ConfirmCondition => Command::ConfirmCondition { condition: number(posted, "condition")? },
        Act::Decide => Command::Decide { decision: decision(state, posted)?, findings: findings(posted)? },
        Act::DeclareInterest => Command::DeclareInterest { conflict: conflict(posted)? },
        Act::FileResults => Command::FileResults { summary: text(posted, "summary") },
        Act::FollowIncident => Command::FollowIncident { incident: number(posted, "incident")?, step: step(posted)? },
        Act::GiveOpinion => {
            Command::GiveOpinion { opinion: Opinion { findings: findings(posted)?, text: text(posted, "text") } }
        }
        Act::Join => Command::Join {
            training: Training { course: text(posted, "course"), until: date(posted, "until")?, sha256: None },
        },
        Act::Permit => return Ok(None),
        Act::Pledge => Command::SignPledge { version: agreed(posted)? },
        Act::PublishResults => Command::PublishResults { filing: number(posted, "filing")? },
        Act::ReportCondition => {
            Command::ReportCondition { condition: number(posted, "condition")?, text: text(posted, "text") }
        }
        Act::ReportIncident => Command::ReportIncident { report: incident(posted)? },
        Act::ReportToMeeting => Command::ReportToMeeting { on: date(posted, "on")? },
        Act::Restrict => Command::Restrict {
            narrowing: narrowing(posted)?,
            reason: text(posted, "reason"),
            answer_by: date(posted, "answer_by")?,
        },
        Act::Resume => Command::Resume { reason: text(posted, "reason") },
        Act::Return => Command::Return { comment: text(posted, "comment") },
        Act::ReturnResults => {
            Command::ReturnResults { filing: number(posted, "filing")?, comment: text(posted, "comment") }
        }
        Act::Revoke => Command::Revoke { reason: text(posted, "reason") },
        Act::Schedule => Command::Schedule {
            sitting: Sitting {
                on: date(posted, "on")?,
                way: one_of(posted.one("way"), [("meeting", Way::Meeting), ("circulation", Way::Circulation)])?,
            },
        },
        Act::Submit => Command::Submit {},
        Act::Suspend => Command::Suspend { reason: text(posted, "reason") },
        Act::Vote => Command::Vote { vote: vote(posted)? },
        Act::Withdraw => Command::Withdraw {},
    }))
}

fn text(posted: &Posted, name: &str) -> String {
    posted.one(name).trim().to_owned()
}

fn number(posted: &Posted, name: &str) -> Read<u32> {
    posted.one(name).parse().map_err(|_| PortalError::BadForm)
}

fn date(posted: &Posted, name: &str) -> Read<Date> {
    posted.one(name).trim().parse().map_err(|_| PortalError::BadForm)
}

fn words(posted: &Posted, name: &str) -> BTreeSet<String> {
    posted.all(name).map(str::to_owned).collect()
}

/// Lines of a text field that are not blank.
fn lines(posted: &Posted, name: &str) -> impl Iterator<Item = String> {
    posted
        .one(name)
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect::<Vec<_>>()
        .into_iter()
}

fn one_of<T: Copy, const N: usize>(word: &str, choices: [(&str, T); N]) -> Read<T> {
    let chosen = choices.iter().find(|(known, _)| *known == word);
    chosen.map(|(_, choice)| *choice).ok_or(PortalError::BadForm)
}

fn agreed(posted: &Posted) -> Read<String> {
    if posted.one("agree") == "yes" { Ok(posted.one("version").to_owned()) } else { Err(PortalError::BadForm) }
}

/// `interest` = `none` or `conflict`, then with its `text`.
fn conflict(posted: &Posted) -> Read<Option<String>> {
    let is_conflict = one_of(posted.one("interest"), [("none", false), ("conflict", true)])?;
    Ok(is_conflict.then(|| text(posted, "text")))
}

fn vote(posted: &Posted) -> Read<Vote> {
    let ballot = Ballot::ALL.into_iter().find(|ballot| ballot.as_str() == posted.one("ballot"));
    Ok(Vote { ballot: ballot.ok_or(PortalError::BadForm)?, comment: text(posted, "comment") })
}

/// `finding-<criterion>` = `met`, `partly` or `unmet`, and `reason-<criterion>`.
fn findings(posted: &Posted) -> Read<FindingsByCriterion> {
    let mut findings = FindingsByCriterion::new();
    for criterion in Rules::current().criterion_ids() {
        let fulfilments = [("met", Fulfilment::Met), ("partly", Fulfilment::Partly), ("unmet", Fulfilment::Unmet)];
        let fulfilment = match posted.one(&format!("finding-{criterion}")) {
            "" => continue,
            word => one_of(word, fulfilments)?,
        };
        let reason = text(posted, &format!("reason-{criterion}"));
        findings.insert(criterion.to_owned(), Finding { fulfilment, reason });
    }
    Ok(findings)
}

/// `decision`, with `text` for deferral and rejection; conditions as `condition`, `owner`, `due`, `excludes` in the same order.
fn decision(state: &Application, posted: &Posted) -> Read<Decision> {
    let reason = text(posted, "text");
    Ok(match posted.one("decision") {
        "deferred" => Decision::Deferred { reason },
        "granted" => Decision::Granted {},
        "granted-with-conditions" => Decision::GrantedWithConditions { conditions: conditions(state, posted)? },
        "no-decision" => Decision::Undecided {},
        "rejected" => Decision::Rejected { reason },
        _ => return Err(PortalError::BadForm),
    })
}

fn conditions(state: &Application, posted: &Posted) -> Read<Vec<Condition>> {
    let texts: Vec<&str> = posted.all("condition").map(str::trim).collect();
    let at = |name: &'static str| posted.all(name).map(str::trim).chain(std::iter::repeat(""));
    let rows = texts.into_iter().zip(at("owner")).zip(at("due")).zip(at("excludes"));
    let mut conditions = Vec::new();
    for (((text, owner), due), excludes) in rows.filter(|(((text, _), _), _)| !text.is_empty()) {
        let owner: Option<UserId> = if owner.is_empty() { state.applicant.clone() } else { owner.parse().ok() };
        conditions.push(Condition {
            text: text.to_owned(),
            owner: owner.ok_or(PortalError::BadForm)?,
            due: due.parse().map_err(|_| PortalError::BadForm)?,
            excludes: excludes.split_whitespace().map(str::to_owned).collect(),
        });
    }
    Ok(conditions)
}

async fn reviewers(portal: &Portal, posted: &Posted) -> Read<BTreeMap<UserId, ReviewerCard>> {
    let mut reviewers = BTreeMap::new();
    for name in posted.all("reviewer") {
        let user: UserId = name.parse().map_err(|_| PortalError::BadForm)?;
        let account = accounts::find(&portal.db, &user).await?.ok_or(PortalError::BadForm)?;
        reviewers.insert(account.id.clone(), account.card());
    }
    Ok(reviewers)
}

fn narrowing(posted: &Posted) -> Read<Narrowing> {
    let members = posted.all("member").map(|name| name.parse().map_err(|_| PortalError::BadForm));
    Ok(Narrowing {
        columns: words(posted, "column").into_iter().chain(lines(posted, "columns")).collect(),
        members: members.collect::<Result<_, _>>()?,
        limits: lines(posted, "limits").collect(),
    })
}

fn incident(posted: &Posted) -> Read<IncidentReport> {
    let kind = IncidentKind::ALL.into_iter().find(|kind| kind.as_str() == posted.one("incident-kind"));
    Ok(IncidentReport {
        kind: kind.ok_or(PortalError::BadForm)?,
        severity: u8::try_from(number(posted, "severity")?).map_err(|_| PortalError::BadForm)?,
        text: text(posted, "text"),
        noticed_on: date(posted, "noticed_on")?,
    })
}

fn step(posted: &Posted) -> Read<IncidentStep> {
    let text = text(posted, "text");
    Ok(match posted.one("step") {
        "closed" => IncidentStep::Closed { text },
        "final-report" => IncidentStep::FinalReport { addressee: text },
        "first-report" => IncidentStep::FirstReport { addressee: text },
        "note" => IncidentStep::Note { text },
        _ => return Err(PortalError::BadForm),
    })
}
