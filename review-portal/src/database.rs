//! The portal's database: SQLite, one file, readable by this user alone.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use sqlx::SqlitePool;
use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use crate::error::PortalError;

static MIGRATOR: Migrator = sqlx::migrate!("migrations/sqlite");

const CONNECTIONS_MAX: u32 = 8;
const BUSY_MAX: Duration = Duration::from_secs(10);

/// An open database with all migrations applied.
#[derive(Clone, Debug)]
pub struct Database(SqlitePool);

impl Database {
    /// Opens or makes the file at `path` (mode 0600) and brings it up to date.
    pub async fn open(path: &Path) -> Result<Self, PortalError> {
        OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(path)
            .map_err(|cause| PortalError::DatabaseFile { path: path.to_owned(), cause })?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_MAX);
        let pool = SqlitePoolOptions::new().max_connections(CONNECTIONS_MAX).connect_with(options).await?;
        MIGRATOR.run(&pool).await.map_err(PortalError::Migrate)?;
        Ok(Self(pool))
    }

    /// Finishes what is under way and closes the file.
    pub async fn close(&self) {
        self.0.close().await;
    }

    pub(crate) fn pool(&self) -> &SqlitePool {
        &self.0
    }

    /// A transaction that holds the write lock from its beginning, so that what it read still holds when it writes.
    pub(crate) async fn begin(&self) -> Result<sqlx::Transaction<'static, sqlx::Sqlite>, PortalError> {
        Ok(self.0.begin_with("begin immediate").await?)
    }
}
