//! A rebuilt table equals the one that the changes wrote, whatever became of it in between.

use policies::application::Decision;

use super::{Rebuilt, rebuild, rebuild_by};
use crate::Database;
use crate::board::tests::{decided, reviewed, stream, submitted, used};
use crate::database::tests::opened;
use crate::error::PortalError;
use crate::events::{self, NewEvent};
use crate::tests::flow::{Cast, content_with};
use crate::tests::world::World;

type Row = (String, String, Option<String>, String, String, String, String, String, String);
type Rows = (Vec<Row>, Vec<(String, i64, String)>, Vec<(String, String, i64, i64, i64, String)>);

/// All that is kept beside events.
async fn rows(db: &Database) -> Rows {
    let rows = "select id, applicant, project, stage, state, created_at, updated_at, since, asked from application order by id";
    let marks = "select mark, rank, application from application_mark order by mark, rank, application";
    let lines = "select application, kind, number, at, days, body from public_line order by application, kind, number";
    (
        sqlx::query_as(rows).fetch_all(db.pool()).await.unwrap(),
        sqlx::query_as(marks).fetch_all(db.pool()).await.unwrap(),
        sqlx::query_as(lines).fetch_all(db.pool()).await.unwrap(),
    )
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
    assert_eq!(before.0.len(), 2);
    assert!(before.1.len() > 20 && before.2.len() > 3, "{before:?}");
    let mut heard = Vec::new();
    let whole = rebuild(&db, |done, of| heard.push((done, of))).await.unwrap();
    assert_eq!((whole.streams, whole.corrected, whole.without_events), (2, 0, 0));
    assert!(heard.is_sorted() && heard.last() == Some(&(whole.events, whole.events)) && whole.events > 8);
    // Two rows that have each other's project, and a stage that nobody decided.
    for sql in [
        "update application set project = null",
        "update application set project = 'other-2026', stage = 'active', applicant = 'eve' where id like '%1'",
        "update application set project = 'fracture-2026', state = '{}', updated_at = '' where id like '%2'",
        // Somebody who has no part finds it, nobody finds the other; what is public says something else.
        "delete from application_mark where application like '%2'",
        "update application_mark set mark = 'person:eve' where mark = 'person:co'",
        "update public_line set body = '{}', days = 9",
    ] {
        sqlx::query(sql).execute(db.pool()).await.unwrap();
    }
    assert_ne!(rows(&db).await, before);
    let rebuilt = rebuild(&db, |_, _| {}).await.unwrap();
    assert_eq!(rebuilt, Rebuilt { corrected: 2, ..whole });
    assert_eq!(rows(&db).await, before);
    // One kind of row alone is found out, too.
    for sql in ["delete from public_line", "delete from application_mark where mark = 'open'"] {
        sqlx::query(sql).execute(db.pool()).await.unwrap();
        assert_ne!(rebuild(&db, |_, _| {}).await.unwrap().corrected, 0, "{sql}");
        assert_eq!(rows(&db).await, before, "{sql}");
    }
}

/// Streams of several stages, with other streams between them and no row beside the events.
async fn db_with_events() -> (tempfile::TempDir, Database) {
    let dir = tempfile::tempdir().unwrap();
    let db = opened(dir.path()).await;
    let account = "insert into account (id, name_ja, name_en, organisation, roles, password, created_at)
                   values ('pi', 'x', 'x', 'x', 'researcher', 'x', '')";
    sqlx::query(account).execute(db.pool()).await.unwrap();
    let rejected = Decision::Rejected { reason: "an advertisement".to_owned() };
    let mut work = db.begin().await.unwrap();
    for (number, events) in (1..).zip([submitted(), reviewed(), decided(rejected), used()]) {
        for record in stream(number, events) {
            let event = NewEvent {
                kind: record.event.kind().to_owned(),
                body: serde_json::to_string(&record).unwrap(),
                at: record.at,
                actor: record.by.user.to_string(),
                policy: record.policy.clone(),
                once: None,
            };
            events::append(&mut work, record.application.as_str(), record.seq - 1, &[event]).await.unwrap();
        }
    }
    events::append(&mut work, "meeting-1", 0, &[]).await.unwrap();
    work.commit().await.unwrap();
    (dir, db)
}

#[tokio::test]
async fn rows_are_made_where_there_are_none_and_those_without_events_are_told() {
    let (_dir, db) = db_with_events().await;
    let stray = "insert into application (id, applicant, stage, state, created_at, updated_at)
                 values ('A-1999-000001', 'pi', 's', '{}', '', '')";
    sqlx::query(stray).execute(db.pool()).await.unwrap();
    let rebuilt = rebuild(&db, |_, _| {}).await.unwrap();
    assert_eq!((rebuilt.streams, rebuilt.corrected, rebuilt.without_events), (4, 4, 1));
    let made = rows(&db).await;
    assert_eq!(
        made.0.iter().map(|row| row.3.as_str()).collect::<Vec<_>>(),
        ["s", "submitted", "under-review", "rejected", "active"]
    );
    assert_eq!(made.1.iter().filter(|(mark, ..)| mark == "open").count(), 3, "what is over waits for nobody");
    assert_eq!(made.2.iter().filter(|(_, kind, ..)| kind == "project").count(), 1);
    // An event that cannot be read: nothing of the rebuild stays.
    sqlx::query("delete from public_line").execute(db.pool()).await.unwrap();
    let spoilt = rows(&db).await;
    let again = rebuild_by(&db, |_, _| Err(PortalError::Stored), |_, _| {}).await;
    assert!(matches!(again, Err(PortalError::Stored)));
    assert_eq!(rows(&db).await, spoilt);
    assert_eq!(rebuild(&db, |_, _| {}).await.unwrap().corrected, 4);
    assert_eq!(rows(&db).await, made);
    assert_eq!(rebuild(&db, |_, _| {}).await.unwrap().corrected, 0);
}
