//! Two writers, a killed writer, a forger: the stream is what was committed, once, in order.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use jiff::Timestamp;
use tokio::task::JoinSet;

use super::{NewEvent, append, done_before, position, read};
use crate::database::Database;
use crate::database::tests::{fresh, named, opened};
use crate::error::PortalError;

fn event(kind: &str, once: Option<&str>) -> NewEvent {
    NewEvent {
        kind: kind.to_owned(),
        body: "{\"題\":\"簾\"}".to_owned(),
        at: Timestamp::UNIX_EPOCH,
        actor: "pi".to_owned(),
        policy: "1".to_owned(),
        once: once.map(str::to_owned),
    }
}

async fn write(db: &Database, stream: &str, expected: u64, events: &[NewEvent]) -> Result<u64, PortalError> {
    let mut work = db.begin().await?;
    let version = append(&mut work, stream, expected, events).await?;
    work.commit().await?;
    Ok(version)
}

#[tokio::test]
async fn streams_are_read_as_they_were_written() {
    let dir = tempfile::tempdir().unwrap();
    let db = opened(dir.path()).await;
    assert_eq!(write(&db, "A-1", 0, &[event("drafted", Some("k")), event("submitted", None)]).await.unwrap(), 2);
    assert_eq!(write(&db, "A-2", 0, &[event("drafted", None)]).await.unwrap(), 1);
    assert_eq!(write(&db, "A-1", 2, &[event("accepted", None)]).await.unwrap(), 3);
    assert_eq!(write(&db, "A-3", 0, &[]).await.unwrap(), 0);
    let kinds = |events: Vec<super::StoredEvent>| {
        events.into_iter().map(|event| (event.version, event.kind)).collect::<Vec<_>>()
    };
    let first = read(db.pool(), "A-1").await.unwrap();
    assert_eq!((first[0].body.as_str(), first[0].at), ("{\"題\":\"簾\"}", Timestamp::UNIX_EPOCH));
    assert_eq!(kinds(first), [(1, "drafted".into()), (2, "submitted".into()), (3, "accepted".into())]);
    assert!(read(db.pool(), "A-9").await.unwrap().is_empty());
    let mut work = db.begin().await.unwrap();
    assert_eq!(position(&mut work, "A-1").await.unwrap(), 4, "among all events");
    assert_eq!(position(&mut work, "A-2").await.unwrap(), 3);
    assert_eq!(done_before(&mut work, "pi", "k").await.unwrap().as_deref(), Some("A-1"));
    assert_eq!(done_before(&mut work, "co", "k").await.unwrap(), None);
    drop(work);
    // The same key again, in whatever stream: refused, and the event before it in the same change is not there either.
    let again = write(&db, "A-2", 1, &[event("edited", None), event("edited", Some("k"))]).await;
    assert!(matches!(again, Err(PortalError::ChangedMeanwhile)));
    assert_eq!(read(db.pool(), "A-2").await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_writers_at_once_exactly_one_wins() {
    let dir = tempfile::tempdir().unwrap();
    let db = opened(dir.path()).await;
    for expected in 0..5 {
        let mut writers = JoinSet::new();
        for writer in 0..4 {
            let db = db.clone();
            writers.spawn(async move { write(&db, "A-1", expected, &[event(&format!("by-{writer}"), None)]).await });
        }
        let ended = writers.join_all().await;
        assert_eq!(ended.iter().filter(|ended| ended.is_ok()).count(), 1, "{ended:?}");
        let lost = |ended: &&Result<u64, PortalError>| matches!(ended, Err(PortalError::ChangedMeanwhile));
        assert_eq!(ended.iter().filter(lost).count(), 3, "{ended:?}");
    }
    let versions: Vec<_> = read(db.pool(), "A-1").await.unwrap().iter().map(|event| event.version).collect();
    assert_eq!(versions, [1, 2, 3, 4, 5]);
    assert!(matches!(write(&db, "A-1", 9, &[event("x", None)]).await, Err(PortalError::ChangedMeanwhile)));
}

#[tokio::test]
async fn nobody_rewrites_what_happened() {
    let dir = tempfile::tempdir().unwrap();
    let db = opened(dir.path()).await;
    write(&db, "A-1", 0, &[event("drafted", None)]).await.unwrap();
    let mut tries = vec!["update event set kind = 'submitted'", "update event set version = 2", "delete from event"];
    if format!("{db:?}").contains("Postgres") {
        tries.push("truncate event");
    }
    for sql in tries {
        let refused = sqlx::query(sql).execute(db.pool()).await.unwrap_err();
        assert!(refused.to_string().contains("append-only"), "{sql}: {refused}");
    }
    assert_eq!(read(db.pool(), "A-1").await.unwrap()[0].kind, "drafted");
}

const KILLED: &str = "SUDARE_TEST_KILLED";

/// The test starts itself as another process, which is killed between its event and its commit.
#[tokio::test]
async fn of_a_killed_writer_nothing_stays() {
    #[expect(clippy::disallowed_methods, reason = "how the other process knows that it is the other")]
    if let Ok(url) = std::env::var(KILLED) {
        let db = Database::open(&url.parse().unwrap()).await.unwrap();
        let mut work = db.begin().await.unwrap();
        append(&mut work, "A-1", 0, &[event("drafted", None)]).await.unwrap();
        println!("\nhalf");
        return std::future::pending().await;
    }
    let dir = tempfile::tempdir().unwrap();
    let url = fresh(dir.path()).await;
    let db = Database::open(&url).await.unwrap();
    let mut writer = Command::new(std::env::current_exe().unwrap());
    writer.args(["--exact", "events::tests::of_a_killed_writer_nothing_stays", "--nocapture"]);
    let mut writer = writer.env(KILLED, named(&url)).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(writer.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap() == "half"), "the writer ended before it wrote");
    writer.kill().unwrap();
    writer.wait().unwrap();
    assert!(read(db.pool(), "A-1").await.unwrap().is_empty());
    assert_eq!(write(&db, "A-1", 0, &[event("submitted", None)]).await.unwrap(), 1, "and nobody waits for its lock");
}
