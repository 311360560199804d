//! The portal's database: SQLite in one file that this user alone may read, or PostgreSQL by URL. One SQL text for both.

mod url;

use std::fmt;
use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions, install_default_drivers};
use sqlx::migrate::Migrator;
use sqlx::{Any, AnyPool, Executor, Transaction};

pub use url::{DatabaseUrl, DatabaseUrlError};

use crate::error::PortalError;

static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");

const CONNECTIONS_MAX: u32 = 8;
/// Longest wait for a connection, and for the write lock; the latter stands in the statements below too.
const BUSY_MAX: Duration = Duration::from_secs(10);

/// Each connection to SQLite begins so: a commit is on the disk when it returns.
const SQLITE_SETTINGS: &str =
    "pragma busy_timeout = 10000; pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on";

/// The encoding of a PostgreSQL database that orders text by its bytes, as SQLite does; moments are stored as text.
const LOCALE: &str = "select case when 'B' < 'a' and '2.5Z' < '2Z' then getdatabaseencoding()::text else '' end";

/// A transaction that holds the one write lock of the database.
pub(crate) type Work = Transaction<'static, Any>;

/// An open database with all migrations applied.
#[derive(Clone)]
pub struct Database {
    pool: AnyPool,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Postgres,
    Sqlite,
}

impl Database {
    /// Opens the database, or makes the SQLite file (mode 0600), and brings it up to date.
    pub async fn open(at: &DatabaseUrl) -> Result<Self, PortalError> {
        install_default_drivers();
        let (kind, migrator) = match at.sqlite() {
            Some(path) => {
                touch(path)?;
                (Kind::Sqlite, &SQLITE)
            }
            None => (Kind::Postgres, &POSTGRES),
        };
        let pool = connect(kind, at.options()?).await?;
        if kind == Kind::Postgres && sqlx::query_scalar::<_, String>(LOCALE).fetch_one(&pool).await? != "UTF8" {
            return Err(PortalError::DatabaseLocale);
        }
        let db = Self { pool, kind };
        // All steps or none, and one after the other where two start at once.
        let mut work = db.begin().await?;
        // `run_direct`: the compiler cannot show of `run` that its future may move between threads.
        migrator.run_direct(None, &mut *work, false).await.map_err(PortalError::Migrate)?;
        work.commit().await?;
        Ok(db)
    }

    /// Finishes what is under way and closes the database.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    pub(crate) fn pool(&self) -> &AnyPool {
        &self.pool
    }

    /// A transaction that holds the write lock from its beginning, so that what it read still holds when it writes, a commit does
    /// not fail because of another, and the audit chain has the order of the commits.
    ///
    /// In PostgreSQL the lock is an advisory one (section 13.3.5 of its manual) over read-committed statements: each sees what the
    /// lock's holders before it have committed. `serializable` would tell of a conflict at the commit only, when the audit entry
    /// is written already. Who holds the lock asks through it alone: another connection might wait for one that waits for the lock.
    pub(crate) async fn begin(&self) -> Result<Work, PortalError> {
        let begin = match self.kind {
            Kind::Postgres => {
                "begin isolation level read committed; set local lock_timeout = '10s';
                 select pg_advisory_xact_lock(8314034922)"
            }
            Kind::Sqlite => "begin immediate",
        };
        Ok(self.pool.begin_with(begin).await?)
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Database({:?})", self.kind)
    }
}

async fn connect(kind: Kind, options: AnyConnectOptions) -> Result<AnyPool, PortalError> {
    let pool = AnyPoolOptions::new().max_connections(CONNECTIONS_MAX).acquire_timeout(BUSY_MAX);
    let pool = pool.after_connect(move |connection, _| {
        Box::pin(async move {
            if kind == Kind::Sqlite {
                connection.execute(SQLITE_SETTINGS).await?;
            }
            Ok(())
        })
    });
    Ok(pool.connect_with(options).await?)
}

/// Makes the file with its mode. One that exists is not opened: closing it again would drop the locks that SQLite holds on it in this
/// process (sqlite.org/howtocorrupt.html, 2.2).
fn touch(path: &Path) -> Result<(), PortalError> {
    match OpenOptions::new().create_new(true).write(true).mode(0o600).open(path) {
        Err(cause) if cause.kind() != ErrorKind::AlreadyExists => {
            Err(PortalError::DatabaseFile { path: path.to_owned(), cause })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
pub(crate) mod tests;
