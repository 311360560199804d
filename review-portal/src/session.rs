//! Signed-in browsers in the portal's database: tower-sessions on sqlx 0.9.

use sha2::{Digest, Sha256};
use sqlx::AnyPool;
use time::OffsetDateTime;
use tower_sessions::SessionStore;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{Error, Result};

/// Sessions in table `session`, by the SHA-256 of the cookie's value.
#[derive(Clone, Debug)]
pub(crate) struct Sessions(AnyPool);

impl Sessions {
    pub(crate) fn new(pool: AnyPool) -> Self {
        Self(pool)
    }

    /// Forgets sessions that are over.
    pub(crate) async fn sweep(&self, now_seconds: i64) -> std::result::Result<(), sqlx::Error> {
        let sweep = sqlx::query("delete from session where expires_at < $1").bind(now_seconds);
        sweep.execute(&self.0).await.map(drop)
    }
}

#[async_trait::async_trait]
impl SessionStore for Sessions {
    async fn create(&self, record: &mut Record) -> Result<()> {
        // 128 random bits do not meet twice; if they did, the insert would fail and the visitor would try again.
        let insert = sqlx::query("insert into session (id, body, expires_at) values ($1, $2, $3)");
        let insert = insert.bind(name(&record.id)).bind(body(record)?).bind(record.expiry_date.unix_timestamp());
        insert.execute(&self.0).await.map(drop).map_err(|cause| backend(&cause))
    }

    async fn save(&self, record: &Record) -> Result<()> {
        // Never an insert: a request that began before the person signed out would bring the session back at its end.
        let save = sqlx::query("update session set body = $2, expires_at = $3 where id = $1");
        let save = save.bind(name(&record.id)).bind(body(record)?).bind(record.expiry_date.unix_timestamp());
        save.execute(&self.0).await.map(drop).map_err(|cause| backend(&cause))
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let load = sqlx::query_as::<_, (String, i64)>("select body, expires_at from session where id = $1");
        let Some((body, expires_at)) =
            load.bind(name(id)).fetch_optional(&self.0).await.map_err(|cause| backend(&cause))?
        else {
            return Ok(None);
        };
        let expiry_date = OffsetDateTime::from_unix_timestamp(expires_at).map_err(|_| decode())?;
        let data = serde_json::from_str(&body).map_err(|_| decode())?;
        Ok((expiry_date > OffsetDateTime::now_utc()).then_some(Record { id: *id, data, expiry_date }))
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        let delete = sqlx::query("delete from session where id = $1").bind(name(id));
        delete.execute(&self.0).await.map(drop).map_err(|cause| backend(&cause))
    }
}

fn name(id: &Id) -> String {
    hex::encode(Sha256::digest(id.0.to_be_bytes()))
}

fn body(record: &Record) -> Result<String> {
    serde_json::to_string(&record.data).map_err(|_| Error::Encode("session".to_owned()))
}

fn decode() -> Error {
    Error::Decode("session".to_owned())
}

fn backend(cause: &sqlx::Error) -> Error {
    Error::Backend(cause.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::Database;
    use crate::database::tests::fresh;

    #[tokio::test]
    async fn signing_out_is_not_undone_by_a_request_that_ends_later() {
        let folder = tempfile::tempdir().unwrap();
        let db = Database::open(&fresh(folder.path()).await).await.unwrap();
        let sessions = Sessions::new(db.pool().clone());
        let expiry_date = OffsetDateTime::now_utc() + time::Duration::minutes(30);
        let mut record = Record { id: Id::default(), data: std::collections::HashMap::new(), expiry_date };
        sessions.create(&mut record).await.unwrap();
        let under_way = sessions.load(&record.id).await.unwrap().unwrap();
        sessions.delete(&record.id).await.unwrap();
        sessions.save(&under_way).await.unwrap();
        assert!(sessions.load(&record.id).await.unwrap().is_none());
    }
}
