//! The applications that a person may read, a page at a time.

use jiff::Timestamp;
use jiff::civil::Date;
use policies::Role;
use policies::access::{Action, Relation};
use policies::application::{Application, Rules, Stage, day_of};
use serde::Deserialize;

use super::model::Mark;
use crate::access::{Allowed, List, relation};
use crate::accounts::User;
use crate::error::PortalError;
use crate::portal::Portal;

/// Lines on one page.
const ON_PAGE: usize = 50;

/// One line of the list.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    pub(crate) state: Application,
    pub(crate) stage: Stage,
    /// Of the last change.
    pub(crate) updated_at: Timestamp,
    /// Of the last change among all changes.
    pub(crate) position: i64,
}

impl Listed {
    /// The title that is asked or was granted.
    pub(crate) fn title(&self) -> &str {
        title(&self.state)
    }
}

/// The title that is asked or was granted.
pub(crate) fn title(state: &Application) -> &str {
    state.content().map_or("", |content| content.title.as_str())
}

/// From where on the list is read: a change's place among all changes, so that nothing moves over the edge of a page unseen.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub(crate) struct Part {
    /// What changed before this only.
    pub(crate) before: Option<i64>,
    /// What changed after this only, the nearest page of it.
    pub(crate) after: Option<i64>,
}

/// A page of the list.
#[derive(Clone, Debug)]
pub(crate) struct Listing {
    /// The latest change first.
    pub(crate) lines: Vec<Listed>,
    /// Where the page with later changes begins, if there is one.
    pub(crate) newer: Option<i64>,
    /// Where the page with earlier changes begins, if there is one.
    pub(crate) older: Option<i64>,
}

/// All applications that casbin lets this person read, or declare interests in, the latest change first.
pub(crate) async fn list(portal: &Portal, allowed: &Allowed<List>, part: Part) -> Result<Listing, PortalError> {
    page_of(portal, &allowed.user, part, ON_PAGE).await
}

async fn page_of(portal: &Portal, user: &User, part: Part, lines: usize) -> Result<Listing, PortalError> {
    let seeing = Seeing { portal, user, today: day_of(portal.now()), marks: marks_of(portal, user) };
    if let Some(after) = part.after {
        let mut found = seeing.some(Side::After(after), lines + 1).await?;
        // Fewer than a page is left: then the first page is the one that is meant.
        if found.len() > lines {
            found.truncate(lines);
            found.reverse();
            let (first, last) = (found.first().map(|it| it.position), found.last().map(|it| it.position));
            return Ok(Listing { lines: found, newer: first, older: last });
        }
    }
    let before = part.before.filter(|_| part.after.is_none());
    let mut found = seeing.some(Side::Before(before.unwrap_or(i64::MAX)), lines + 1).await?;
    let has_older = found.len() > lines;
    found.truncate(lines);
    let (first, last) = (found.first().map(|it| it.position), found.last().map(|it| it.position));
    let newer = match first.filter(|_| before.is_some()) {
        Some(first) if !seeing.some(Side::After(first), 1).await?.is_empty() => Some(first),
        Some(_) | None => None,
    };
    Ok(Listing { lines: found, newer, older: last.filter(|_| has_older) })
}

/// Marks of all applications that this person may possibly see, and of others: casbin is asked for each.
pub(super) fn marks_of(portal: &Portal, user: &User) -> Vec<Mark> {
    let mut marks = vec![Mark::Person(user.id.to_string())];
    if portal.may(Some(&user.roles), Relation::Other, Action::ApplicationRead) {
        marks.push(Mark::All);
        return marks;
    }
    if user.roles.contains(&Role::Chair) {
        marks.push(Mark::Judged);
    }
    marks.extend(user.holds.iter().map(|source| Mark::Source(source.to_string())));
    marks
}

/// On which side of a change, the nearest to it first.
#[derive(Clone, Copy)]
enum Side {
    After(i64),
    Before(i64),
}

struct Seeing<'a> {
    portal: &'a Portal,
    user: &'a User,
    today: Date,
    marks: Vec<Mark>,
}

impl Seeing<'_> {
    /// So many that the person may see, or all that there are.
    async fn some(&self, mut side: Side, many: usize) -> Result<Vec<Listed>, PortalError> {
        let mut seen = Vec::new();
        loop {
            let found = self.found(side, many).await?;
            let is_last = found.len() < many;
            let Some((position, ..)) = found.last() else { return Ok(seen) };
            side = match side {
                Side::After(_) => Side::After(*position),
                Side::Before(_) => Side::Before(*position),
            };
            for row in found {
                seen.extend(self.listed(row)?);
            }
            if is_last || seen.len() >= many {
                seen.truncate(many);
                return Ok(seen);
            }
        }
    }

    /// The nearest under any of the marks, each once.
    async fn found(&self, side: Side, many: usize) -> Result<Vec<Row>, PortalError> {
        let (sql, at) = match side {
            Side::After(at) => (
                "select rank, state, updated_at from application_mark join application on id = application
                 where mark = $1 and rank > $2 order by rank limit $3",
                at,
            ),
            Side::Before(at) => (
                "select rank, state, updated_at from application_mark join application on id = application
                 where mark = $1 and rank < $2 order by rank desc limit $3",
                at,
            ),
        };
        let mut found = Vec::new();
        for mark in &self.marks {
            let rows = sqlx::query_as::<_, Row>(sql).bind(mark.word()).bind(at);
            let rows = rows.bind(i64::try_from(many).unwrap_or(i64::MAX));
            found.extend(rows.fetch_all(self.portal.db.pool()).await?);
        }
        match side {
            Side::After(_) => found.sort_by_key(|(position, ..)| *position),
            Side::Before(_) => found.sort_by_key(|(position, ..)| std::cmp::Reverse(*position)),
        }
        found.dedup_by_key(|(position, ..)| *position);
        found.truncate(many);
        Ok(found)
    }

    fn listed(&self, (position, state, updated_at): Row) -> Result<Option<Listed>, PortalError> {
        let state: Application = serde_json::from_str(&state).map_err(|_| PortalError::Stored)?;
        let relation = relation(&state, self.user, self.today);
        let may = |what| self.portal.may(Some(&self.user.roles), relation, what);
        if !may(Action::ApplicationRead) && !may(Action::ApplicationJudgeInterest) {
            return Ok(None);
        }
        let stage = state.stage(Rules::current(), self.today);
        let updated_at = updated_at.parse().map_err(|_| PortalError::Stored)?;
        Ok(Some(Listed { state, stage, updated_at, position }))
    }
}

type Row = (i64, String, String);

#[cfg(test)]
mod tests;
