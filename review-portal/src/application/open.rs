//! Applications that somebody may be waited for in, some hundreds of ten thousand, and sittings of those on a meeting. They are kept as
//! they were read, each as long as its row is the one that was read.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::civil::Date;
use policies::ApplicationId;
use policies::application::Rules;

use super::list::marks_of;
use super::model::{Mark, course, named};
use super::records;
use crate::accounts::User;
use crate::board::Course;
use crate::error::PortalError;
use crate::meetings::{Item, sittings};
use crate::portal::Portal;

/// Applications whose sittings are kept: some meetings.
const SITTINGS_MAX: usize = 1000;

/// An application's sittings by the revision of its row, as they stood on a day.
type OnDay = (i64, Date, Arc<Vec<Item>>);

/// What was read, each with the revision of its row: another revision is read anew, so none is ever older than its row.
#[derive(Default)]
pub(crate) struct Kept {
    courses: Mutex<BTreeMap<ApplicationId, (i64, Arc<Course>)>>,
    /// As they stood on a day.
    sittings: Mutex<BTreeMap<ApplicationId, OnDay>>,
}

impl Kept {
    fn get(&self, id: &ApplicationId, revision: i64) -> Option<Arc<Course>> {
        let kept = self.courses.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(id).filter(|(known, _)| *known == revision).map(|(_, course)| Arc::clone(course))
    }

    fn put(&self, revision: i64, course: &Arc<Course>) {
        let mut kept = self.courses.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(course.state.id.clone(), (revision, Arc::clone(course)));
    }

    /// Forgets what is not open any more.
    fn retain(&self, open: &BTreeSet<ApplicationId>) {
        let mut kept = self.courses.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|id, _| open.contains(id));
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Kept")
    }
}

/// All of them, the latest change last. Who calls this answers for what it shows to whom.
pub(crate) async fn open(portal: &Portal) -> Result<Vec<Arc<Course>>, PortalError> {
    let found = sqlx::query_as::<_, Found>(
        "select rank, id, revision from application_mark join application on id = application
         where mark = $1 order by rank",
    );
    let found = found.bind(Mark::Open.word()).fetch_all(portal.db.pool()).await?;
    let courses = courses(portal, found).await?;
    portal.open.retain(&courses.iter().map(|course| course.state.id.clone()).collect());
    Ok(courses)
}

/// Those that this person may possibly see, and others: casbin is to be asked for each. The latest change last.
pub(crate) async fn open_to(portal: &Portal, user: &User) -> Result<Vec<Arc<Course>>, PortalError> {
    let mut found = Vec::new();
    for mark in marks_of(portal, user) {
        let some = sqlx::query_as::<_, Found>(
            "select open.rank, id, revision from application_mark open join application on id = open.application
             where open.mark = $1
               and exists (select 1 from application_mark own where own.application = open.application and own.mark = $2)
             order by open.rank",
        );
        found.extend(some.bind(Mark::Open.word()).bind(mark.word()).fetch_all(portal.db.pool()).await?);
    }
    found.sort_unstable();
    found.dedup();
    courses(portal, found).await
}

/// Place of the last change, number, revision.
type Found = (i64, String, i64);

/// All sittings of an application as they stand on `today`; `revision` is its row's.
pub(crate) async fn sittings_of(
    portal: &Portal,
    (id, revision): (&ApplicationId, i64),
    today: Date,
) -> Result<Arc<Vec<Item>>, PortalError> {
    let kept = || portal.open.sittings.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((known, day, items)) = kept().get(id)
        && (*known, *day) == (revision, today)
    {
        return Ok(Arc::clone(items));
    }
    // Read after the revision was: never older than it.
    let records = records(portal.db.pool(), id).await?;
    let items = Arc::new(sittings(id, &records, Rules::current(), today));
    let mut kept = kept();
    if kept.len() >= SITTINGS_MAX {
        kept.clear();
    }
    kept.insert(id.clone(), (revision, today, Arc::clone(&items)));
    Ok(items)
}

async fn courses(portal: &Portal, found: Vec<Found>) -> Result<Vec<Arc<Course>>, PortalError> {
    let mut courses = Vec::with_capacity(found.len());
    for (_, id, revision) in found {
        let id = named(&id)?;
        if let Some(kept) = portal.open.get(&id, revision) {
            courses.push(kept);
            continue;
        }
        let row = sqlx::query_as::<_, (i64, String, String, String)>(
            "select revision, state, since, asked from application where id = $1",
        );
        let (revision, state, since, asked) = row.bind(id.as_str()).fetch_one(portal.db.pool()).await?;
        let course = Arc::new(course((state, since, asked))?);
        portal.open.put(revision, &course);
        courses.push(course);
    }
    Ok(courses)
}
