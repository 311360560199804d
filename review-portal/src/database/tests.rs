//! Both databases behave alike. PostgreSQL is tested where `SUDARE_TEST_POSTGRES` names a server, as `tests/run` does.

use std::collections::BTreeMap;
use std::path::Path;
use std::str::FromStr;

use secrecy::SecretString;
use sqlx::any::{AnyConnectOptions, install_default_drivers};
use sqlx::{AnyConnection, AssertSqlSafe, ConnectOptions, Connection, Executor};
use tokio::task::JoinSet;

use super::{Database, DatabaseUrl, POSTGRES, SQLITE};
use crate::error::PortalError;

/// A database of its own for one test: a file in `folder`, or one more on the server. Those stay there: it is a throw-away server.
pub(crate) async fn fresh(folder: &Path) -> DatabaseUrl {
    #[expect(clippy::disallowed_methods, reason = "the tests' own setting")]
    let Ok(server) = std::env::var("SUDARE_TEST_POSTGRES") else { return folder.join("portal.sqlite").into() };
    install_default_drivers();
    let mut options = AnyConnectOptions::from_str(&server).unwrap();
    let mut connection: AnyConnection = options.connect().await.unwrap();
    let name = format!("sudare_{}", policies::SessionId::random().as_str());
    let create = format!("create database {name} template template0 encoding 'UTF8' locale 'C'");
    connection.execute(AssertSqlSafe(create)).await.unwrap();
    connection.close().await.unwrap();
    options.database_url.set_path(&name);
    DatabaseUrl::secret(SecretString::from(String::from(options.database_url))).unwrap()
}

/// What names it, for another process; the server of the tests asks for no password.
pub(crate) fn named(url: &DatabaseUrl) -> String {
    url.sqlite().map_or_else(|| url.options().unwrap().database_url.to_string(), |path| path.display().to_string())
}

/// An open one.
pub(crate) async fn opened(folder: &Path) -> Database {
    Database::open(&fresh(folder).await).await.unwrap()
}

#[test]
fn migrations_of_both_have_the_same_numbers_and_names() {
    let list = |migrator: &sqlx::migrate::Migrator| {
        migrator.iter().map(|step| (step.version, step.description.to_string())).collect::<Vec<_>>()
    };
    assert!(list(&SQLITE).len() >= 6);
    assert_eq!(list(&SQLITE), list(&POSTGRES));
}

type Columns = BTreeMap<(String, String), (String, bool)>;

async fn columns(db: &Database, sql: &'static str) -> Columns {
    let rows = sqlx::query_as::<_, (String, String, String, i64)>(sql).fetch_all(db.pool()).await.unwrap();
    let columns = rows.into_iter().map(|(table, column, kind, required)| ((table, column), (kind, required == 1)));
    columns.filter(|((table, _), _)| !table.starts_with('_') && !table.starts_with("sqlite_")).collect()
}

#[tokio::test]
async fn both_end_in_the_same_tables() {
    let dir = tempfile::tempdir().unwrap();
    let sqlite = Database::open(&dir.path().join("x.sqlite").into()).await.unwrap();
    let sqlite = columns(
        &sqlite,
        "select t.name, c.name, lower(c.type), c.\"notnull\" from sqlite_master t join pragma_table_info(t.name) c
         where t.type = 'table'",
    )
    .await;
    assert!(sqlite.len() > 40);
    assert!(sqlite.values().all(|(kind, _)| kind == "text" || kind == "bigint"), "{sqlite:?}");
    let other = opened(dir.path()).await;
    if other.kind == super::Kind::Postgres {
        let postgres = "select table_name::text, column_name::text, data_type::text,
                        case is_nullable when 'NO' then 1::bigint else 0::bigint end
                        from information_schema.columns where table_schema = 'public'";
        assert_eq!(columns(&other, postgres).await, sqlite);
    }
}

#[tokio::test]
async fn opening_twice_changes_nothing_and_opening_at_once_works() {
    let dir = tempfile::tempdir().unwrap();
    let url = fresh(dir.path()).await;
    let (first, second) = tokio::join!(Database::open(&url), Database::open(&url));
    let (first, second) = (first.unwrap(), second.unwrap());
    assert!(format!("{first:?}{second:?}").len() < 50, "no URL in it");
    first.close().await;
    Database::open(&url).await.unwrap();
}

/// Read, think, write: the sum is right however many do it at once, and nobody fails.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_wait_for_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let db = opened(dir.path()).await;
    sqlx::query("insert into sign_in_failure (name, failures, at) values ('n', 0, 0)")
        .execute(db.pool())
        .await
        .unwrap();
    let mut writers = JoinSet::new();
    for _ in 0..6 {
        let db = db.clone();
        writers.spawn(async move {
            for _ in 0..5 {
                let mut work = db.begin().await.unwrap();
                let failures = sqlx::query_scalar::<_, i64>("select failures from sign_in_failure where name = $1");
                let failures = failures.bind("n").fetch_one(&mut *work).await.unwrap();
                tokio::task::yield_now().await;
                let update = sqlx::query("update sign_in_failure set failures = $1 where name = $2");
                update.bind(failures + 1).bind("n").execute(&mut *work).await.unwrap();
                work.commit().await.unwrap();
            }
        });
    }
    while let Some(ended) = writers.join_next().await {
        ended.unwrap();
    }
    let sum = sqlx::query_scalar::<_, i64>("select failures from sign_in_failure").fetch_one(db.pool()).await.unwrap();
    assert_eq!(sum, 30);
}

#[tokio::test]
async fn what_databases_refuse_has_a_type() {
    let dir = tempfile::tempdir().unwrap();
    let db = opened(dir.path()).await;
    let insert = || sqlx::query("insert into session (id, body, expires_at) values ('x', $1, 1)");
    insert().bind("{}").execute(db.pool()).await.unwrap();
    let again = insert().bind("{}").execute(db.pool()).await.unwrap_err();
    assert!(matches!(PortalError::from(again), PortalError::ChangedMeanwhile));
    let nul = sqlx::query_scalar::<_, String>("select body from session where id = $1").bind("\0");
    if let Err(refused) = nul.fetch_optional(db.pool()).await {
        assert!(matches!(PortalError::from(refused), PortalError::BadForm));
    }
    // A change that was not committed is gone.
    let mut work = db.begin().await.unwrap();
    sqlx::query("delete from session").execute(&mut *work).await.unwrap();
    drop(work);
    let kept = sqlx::query_scalar::<_, i64>("select count(*) from session").fetch_one(db.pool()).await.unwrap();
    assert_eq!(kept, 1);
}
