//! Reminders: of what comes to its end, and of turns whose last day is over. What is due follows from state and day alone; a daily
//! look writes the notices through the outbox, each once.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use policies::Role;
use policies::access::Relation;
use policies::application::{Application, Rules, day_of};
use tokio::sync::watch;

use crate::access::relation;
use crate::accounts::{self, User};
use crate::application::model::{Mark, course};
use crate::board::{Course, Ending, Task, Who, ends, turns};
use crate::contact;
use crate::database::Database;
use crate::dates;
use crate::error::PortalError;
use crate::language::Language;
use crate::notices::fill;
use crate::outbox::{self, Kind, Post};

/// How often it is looked whether another day has begun, or a failed look is tried again.
const LOOK_EVERY: Duration = Duration::from_mins(10);

/// Something that somebody is to be told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reminder {
    pub(crate) what: What,
    pub(crate) to: Vec<Who>,
    /// The last day.
    pub(crate) last: Date,
    /// The same for each day on which it is due: who was told once is not told again.
    pub(crate) key: String,
}

/// Of what somebody is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// It ends.
    Ends(Ending),
    /// It is over, and the use has stopped by itself.
    Lapsed(Ending),
    /// A turn's last day is over.
    Overdue(Task),
    /// Results are to be filed soon.
    Results,
}

/// What is due on `today`.
pub(crate) fn reminders(rules: &Rules, course: &Course, today: Date) -> Vec<Reminder> {
    let ends = ends(rules, &course.state, today).into_iter().map(|end| {
        let mut to = vec![Who::Applicant];
        let mut key = end.what.word().to_owned();
        if let Ending::Training(user) = &end.what {
            to.push(Who::Member(user.clone()));
            key = format!("{key}/{user}");
        }
        let when = end.warning.map_or_else(|| "lapsed".to_owned(), |days| days.to_string());
        let key = format!("{key}/{}/{when}", end.last);
        let what = if end.warning.is_some() { What::Ends(end.what) } else { What::Lapsed(end.what) };
        Reminder { what, to, last: end.last, key }
    });
    let overdue = turns(rules, course, today).into_iter().filter(|turn| turn.is_overdue(today)).filter_map(|turn| {
        let last = turn.due?;
        let whose = match &turn.who {
            Who::Applicant | Who::Chair | Who::Secretariat => "",
            Who::Holder(dataset) => dataset.as_str(),
            Who::Member(user) | Who::Owner(user) | Who::Reviewer(user) => user.as_str(),
        };
        let key = format!("overdue/{}/{}/{whose}/{last}", turn.task.as_str(), turn.who.word());
        Some(Reminder { what: What::Overdue(turn.task), last, key, to: vec![turn.who] })
    });
    ends.chain(overdue).chain(results(rules, &course.state, today)).collect()
}

/// That results are still to be filed, on the days before that the rules name.
fn results(rules: &Rules, state: &Application, today: Date) -> Option<Reminder> {
    let last = state.usage.as_ref()?.results_due(rules)?;
    let left = (last - today).get_days();
    let warning = rules.results.warnings.iter().copied().filter(|days| (0..=*days).contains(&left)).min()?;
    let key = format!("results/{last}/{warning}");
    Some(Reminder { what: What::Results, to: vec![Who::Applicant], last, key })
}

/// Looks once a day, and tells.
pub(crate) struct Reminding {
    pub(crate) db: Database,
    /// Where readers find the portal, empty for paths alone.
    pub(crate) base: String,
    pub(crate) clock: fn() -> Timestamp,
}

impl Reminding {
    /// Looks until the sender of `stop` is gone.
    pub(crate) async fn run(self, mut stop: watch::Receiver<()>) {
        let mut looked = None;
        loop {
            let now = (self.clock)();
            if looked != Some(day_of(now)) {
                match remind(&self.db, &self.base, now).await {
                    Ok(()) => looked = Some(day_of(now)),
                    Err(error) => tracing::error!(code = error.code(), "reminders cannot be read or written"),
                }
            }
            tokio::select! {
                _ = stop.changed() => return,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }
}

/// Writes the notices of all that is due; what was written before is left as it is.
pub(crate) async fn remind(db: &Database, base: &str, now: Timestamp) -> Result<(), PortalError> {
    let today = day_of(now);
    let (people, languages) = (accounts::list(db).await?, contact::languages(db.pool()).await?);
    let open = sqlx::query_as::<_, (String, String, String)>(
        "select state, since, asked from application join application_mark on application = id where mark = $1 order by id",
    );
    for row in open.bind(Mark::Open.word()).fetch_all(db.pool()).await? {
        let course = course(row)?;
        let due = reminders(Rules::current(), &course, today);
        if !due.is_empty() {
            tell(db, &Telling { state: &course.state, people: &people, languages: &languages, base, now }, &due)
                .await?;
        }
    }
    Ok(())
}

struct Telling<'a> {
    state: &'a Application,
    people: &'a [User],
    languages: &'a BTreeMap<String, Language>,
    base: &'a str,
    now: Timestamp,
}

/// All notices of one application, or none.
async fn tell(db: &Database, telling: &Telling<'_>, due: &[Reminder]) -> Result<(), PortalError> {
    let mut work = db.begin().await?;
    for reminder in due {
        for user in telling.people.iter().filter(|user| reminder.to.iter().any(|who| telling.is(user, who))) {
            let account = user.id.as_str();
            let language = telling.languages.get(account).copied().unwrap_or_default();
            let (subject, body) = telling.words(reminder, language);
            let dedup = format!("{}/reminder/{}/{account}", telling.state.id, reminder.key);
            let post = Post { dedup, kind: Kind::Mail, recipient: account, language, subject, body };
            outbox::post(&mut work, post, telling.now).await?;
        }
    }
    Ok(work.commit().await?)
}

impl Telling<'_> {
    /// Whether this account is meant. Who asks here is not told what the others are waited for; a conflict keeps the title away.
    fn is(&self, user: &User, who: &Who) -> bool {
        let has = |role| user.roles.contains(&role) && !self.state.is_party(&user.id);
        match who {
            Who::Applicant => self.state.applicant.as_ref() == Some(&user.id),
            Who::Chair => has(Role::Chair) && relation(self.state, user, day_of(self.now)) != Relation::Conflicted,
            Who::Holder(dataset) => has(Role::Steward) && user.holds.iter().any(|source| source.as_str() == dataset),
            Who::Member(named) | Who::Owner(named) | Who::Reviewer(named) => user.id == *named,
            Who::Secretariat => has(Role::Secretariat),
        }
    }

    fn words(&self, reminder: &Reminder, language: Language) -> (String, String) {
        let (key, task) = match &reminder.what {
            What::Ends(what) => (what.word().to_owned(), String::new()),
            What::Lapsed(what) => (format!("{}-lapsed", what.word()), String::new()),
            What::Results => ("results".to_owned(), String::new()),
            What::Overdue(task) => ("overdue".to_owned(), language.say(&format!("board.task.{}", task.as_str()))),
        };
        let title = self.state.content().map_or("", |content| content.title.as_str());
        let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
        let day = dates::day(reminder.last, language);
        let link = format!("{}/applications/{}", self.base.trim_end_matches('/'), self.state.id);
        let places = [("title", title.as_str()), ("number", self.state.id.as_str()), ("day", &day), ("task", &task)];
        let part = |name: &str| fill(&language.say(&format!("reminder.{key}.{name}")), &places);
        (part("subject"), format!("{}\n\n{link}\n\n{}", part("body"), language.say("reminder.foot")))
    }
}

#[cfg(test)]
mod tests;
