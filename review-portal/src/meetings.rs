//! Sittings of the committee: on which days, with what on the agenda, and the minutes (議事録) of what was decided. All of it is read
//! from events: a vote that a later sitting replaced stands in its own minutes still.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use policies::application::{
    Application, Event, EventRecord, HolderRequest, Interest, Lane, Outcome, Phase, Round, Rules, Sitting, Tally,
    apply, day_of,
};
use policies::{ApplicationId, UserId};

use crate::application::model::{DAY, Mark};
use crate::database::Database;
use crate::error::PortalError;

/// Days with a sitting or a report to one, and how much stands on each.
pub(crate) async fn calendar(db: &Database) -> Result<BTreeMap<Date, usize>, PortalError> {
    // From `day:` to before `day;`, the byte after the colon.
    let days = sqlx::query_as::<_, (String, i64)>(
        "select mark, count(*) from application_mark where mark > $1 and mark < $2 group by mark",
    );
    let read = |(mark, count): (String, i64)| {
        let day = mark.strip_prefix(DAY).and_then(|day| day.parse().ok());
        day.zip(usize::try_from(count).ok()).ok_or(PortalError::Stored)
    };
    days.bind(DAY).bind("day;").fetch_all(db.pool()).await?.into_iter().map(read).collect()
}

/// Applications that stand or stood on a sitting of that day, or were reported to it; for a day to come also those whose decision is
/// still to be reported. The latest change first, each with its row's revision.
pub(crate) async fn on_or_unreported(
    db: &Database,
    on: Date,
    today: Date,
) -> Result<Vec<(Application, i64)>, PortalError> {
    let states = sqlx::query_as::<_, (String, i64)>(
        "select state, revision from application where id in (select application from application_mark where mark = $1 or mark = $2)
         order by updated_at desc, id",
    );
    let day = Mark::Day(on.to_string()).word();
    let other = if on >= today { Mark::Unreported.word() } else { day.clone() };
    let states = states.bind(day).bind(other).fetch_all(db.pool()).await?;
    let read = |(state, revision): (String, i64)| {
        serde_json::from_str(&state).map(|state| (state, revision)).map_err(|_| PortalError::Stored)
    };
    states.into_iter().map(read).collect()
}

/// Days of sittings that an application stood or stands on.
pub(crate) fn days_of(state: &Application) -> BTreeSet<Date> {
    let decided = state.outcomes.iter().filter_map(|outcome| outcome.sitting.as_ref()).map(|sitting| sitting.on);
    let reported = state.outcomes.iter().filter_map(|outcome| outcome.reported_on);
    let running = state.round.as_ref().and_then(sitting_of).map(|sitting| sitting.on);
    decided.chain(reported).chain(running).collect()
}

fn sitting_of(round: &Round) -> Option<&Sitting> {
    if let Phase::Scheduled { sitting } = &round.phase { Some(sitting) } else { None }
}

/// One application on one sitting.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) application: ApplicationId,
    pub(crate) title: String,
    pub(crate) round: u32,
    pub(crate) sitting: Sitting,
    pub(crate) lane: Lane,
    /// Reviewers without a conflict, with whether they voted.
    pub(crate) eligible: BTreeMap<UserId, bool>,
    /// 退席: who has a conflict of interest.
    pub(crate) recused: BTreeSet<UserId>,
    /// Who has not said whether there is one, and cannot vote.
    pub(crate) undeclared: BTreeSet<UserId>,
    /// Seats that those without a conflict hold; after the decision, that those who voted held.
    pub(crate) seats: BTreeSet<String>,
    pub(crate) holders: Vec<HolderRequest>,
    /// What was decided; none before.
    pub(crate) result: Option<Minutes>,
}

/// What a sitting came to.
#[derive(Clone, Debug)]
pub(crate) struct Minutes {
    pub(crate) outcome: Outcome,
    pub(crate) tally: Tally,
}

impl Item {
    /// The application as it stands on its sitting's agenda, if it does.
    fn of(state: &Application, rules: &Rules, today: Date) -> Option<Self> {
        let round = state.round.as_ref()?;
        let sitting = sitting_of(round)?.clone();
        let conflicted = |user: &UserId| {
            let declared = round.declared.get(user);
            matches!(declared, Some(Interest::Conflict { .. })) || state.is_conflicted(rules, user, today)
        };
        let eligible: BTreeMap<_, _> = state
            .eligible_reviewers(rules, today)
            .map(|(user, _)| (user.clone(), round.votes.contains_key(user)))
            .collect();
        let asked = |(user, reviewer): (&UserId, &policies::application::Reviewer)| {
            (reviewer.interest == Interest::Asked && !conflicted(user)).then(|| user.clone())
        };
        let seats =
            state.eligible_reviewers(rules, today).flat_map(|(_, reviewer)| reviewer.card.seats.iter().cloned());
        Some(Self {
            application: state.id.clone(),
            title: round.content.title.clone(),
            round: round.number,
            lane: round.lane(rules),
            eligible,
            recused: round
                .reviewers
                .keys()
                .chain(round.declared.keys())
                .filter(|user| conflicted(user))
                .cloned()
                .collect(),
            undeclared: round.reviewers.iter().filter_map(asked).collect(),
            seats: seats.collect(),
            holders: round.holders.values().cloned().collect(),
            sitting,
            result: None,
        })
    }

    /// Seats that must be held and are not.
    pub(crate) fn missing_seats<'a>(&'a self, rules: &'a Rules) -> impl Iterator<Item = &'a String> {
        rules.vote.seats.difference(&self.seats)
    }

    /// Who was there: who voted, or before the decision who may.
    pub(crate) fn present(&self) -> impl Iterator<Item = &UserId> {
        let decided = self.result.is_some();
        self.eligible.iter().filter(move |(_, voted)| **voted || !decided).map(|(user, _)| user)
    }

    /// Who might have voted and did not.
    pub(crate) fn absent(&self) -> impl Iterator<Item = &UserId> {
        let decided = self.result.is_some();
        self.eligible.iter().filter(move |(_, voted)| decided && !**voted).map(|(user, _)| user)
    }
}

/// All sittings of an application, those that were decided with their minutes, then the one that it stands on.
pub(crate) fn sittings(id: &ApplicationId, records: &[EventRecord], rules: &Rules, today: Date) -> Vec<Item> {
    let mut items = Vec::new();
    let mut state = Application::unwritten(id.clone());
    for record in records {
        let act = record.act();
        let day = day_of(record.at);
        let before = matches!(record.event, Event::Decided { .. }).then(|| Item::of(&state, act.rules, day)).flatten();
        let tally = before.is_some().then(|| state.tally(act.rules, day));
        state = apply(state, &act);
        if let Some((mut item, tally)) = before.zip(tally)
            && let Some(outcome) = state.outcomes.last()
        {
            item.lane = outcome.lane;
            item.seats.clone_from(&tally.seats);
            item.result = Some(Minutes { outcome: outcome.clone(), tally });
            items.push(item);
        }
    }
    // A report to a meeting comes after the decision, and the outcome knows of it.
    for minutes in items.iter_mut().filter_map(|item| item.result.as_mut()) {
        let now =
            state.outcomes.iter().find(|known| known.at == minutes.outcome.at && known.round == minutes.outcome.round);
        minutes.outcome.reported_on = now.and_then(|known| known.reported_on);
    }
    items.extend(Item::of(&state, rules, today));
    items
}

/// Decisions of the urgent lane that were reported to the meeting of that day.
pub(crate) fn reported(state: &Application, on: Date) -> impl Iterator<Item = &Outcome> {
    state.outcomes.iter().filter(move |outcome| outcome.reported_on == Some(on))
}

#[cfg(test)]
mod tests;
