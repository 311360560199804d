//! A rebuilt table equals the one that the changes wrote, whatever became of it in between.

use jiff::Timestamp;

use super::{Rebuilt, Row, rebuild, rebuild_by};
use crate::Database;
use crate::database::tests::opened;
use crate::error::PortalError;
use crate::events::{self, NewEvent};
use crate::tests::flow::{Cast, content_with};
use crate::tests::world::World;

type Rows = Vec<(String, String, Option<String>, String, String, String, String)>;

async fn rows(db: &Database) -> Rows {
    let all = "select id, applicant, project, stage, state, created_at, updated_at from application order by id";
    sqlx::query_as(all).fetch_all(db.pool()).await.unwrap()
}

#[tokio::test]
async fn applications_are_what_their_events_say() {
    let world = World::new().await;
    let cast = Cast::new(&world).await;
    cast.to_pledges().await;
    let other = content_with(&[("project", "other-2026")]);
    cast.pi.act("/applications", &other).await;
    let db = Database::open(&world.database).await.unwrap();
    let before = rows(&db).await;
    assert_eq!(before.len(), 2);
    let mut heard = Vec::new();
    let whole = rebuild(&db, |done, of| heard.push((done, of))).await.unwrap();
    assert_eq!((whole.streams, whole.corrected, whole.without_events), (2, 0, 0));
    assert!(heard.is_sorted() && heard.last() == Some(&(whole.events, whole.events)) && whole.events > 8);
    // Two rows that have each other's project, and a stage that nobody decided.
    for sql in [
        "update application set project = null",
        "update application set project = 'other-2026', stage = 'active', applicant = 'eve' where id like '%1'",
        "update application set project = 'fracture-2026', state = '{}', updated_at = '' where id like '%2'",
    ] {
        sqlx::query(sql).execute(db.pool()).await.unwrap();
    }
    assert_ne!(rows(&db).await, before);
    let rebuilt = rebuild(&db, |_, _| {}).await.unwrap();
    assert_eq!(rebuilt, Rebuilt { corrected: 2, ..whole });
    assert_eq!(rows(&db).await, before);
}

async fn db_with_events(streams: u32, each: u64) -> (tempfile::TempDir, Database) {
    let dir = tempfile::tempdir().unwrap();
    let db = opened(dir.path()).await;
    let account = "insert into account (id, name_ja, name_en, organisation, roles, password, created_at)
                   values ('pi', 'x', 'x', 'x', 'researcher', 'x', '')";
    sqlx::query(account).execute(db.pool()).await.unwrap();
    let mut work = db.begin().await.unwrap();
    for stream in 0..streams {
        let event = |number| NewEvent {
            kind: "edited".to_owned(),
            body: format!("{number}"),
            at: Timestamp::UNIX_EPOCH,
            actor: "pi".to_owned(),
            policy: "1".to_owned(),
            once: None,
        };
        let events: Vec<_> = (0..each).map(event).collect();
        events::append(&mut work, &format!("A-2026-{stream:06}"), 0, &events).await.unwrap();
    }
    events::append(&mut work, "meeting-1", 0, &[]).await.unwrap();
    work.commit().await.unwrap();
    (dir, db)
}

/// Counts events and sees that they come in order.
fn counted(stream: &str, bodies: &[String]) -> Result<Row, PortalError> {
    if !bodies.iter().enumerate().all(|(number, body)| *body == number.to_string()) {
        return Err(PortalError::Stored);
    }
    let text = |text: &str| text.to_owned();
    let state = bodies.len().to_string();
    let (applicant, created_at) = (text("pi"), text("1"));
    Ok(Row { id: text(stream), applicant, project: None, stage: text("s"), state, created_at, updated_at: text("2") })
}

#[tokio::test]
async fn rows_are_made_where_there_are_none_and_those_without_events_are_told() {
    let (_dir, db) = db_with_events(3, 12).await;
    let stray = "insert into application (id, applicant, stage, state, created_at, updated_at)
                 values ('A-1999-000001', 'pi', 's', '{}', '', '')";
    sqlx::query(stray).execute(db.pool()).await.unwrap();
    let rebuilt = rebuild_by(&db, counted, |_, _| {}).await.unwrap();
    assert_eq!(rebuilt, Rebuilt { streams: 3, events: 36, corrected: 3, without_events: 1 });
    let made = rows(&db).await;
    assert_eq!(made.len(), 4);
    assert!(made.iter().skip(1).all(|row| row.4 == "12"));
    // An event that cannot be read: nothing of the rebuild stays.
    let again = rebuild_by(&db, |_, _| Err(PortalError::Stored), |_, _| {}).await;
    assert!(matches!(again, Err(PortalError::Stored)));
    assert_eq!(rows(&db).await, made);
    assert_eq!(rebuild_by(&db, counted, |_, _| {}).await.unwrap().corrected, 0);
}
