//! Between the edge and the veil: a permit's tables become a session, its statement a guarded plan.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use policies::keys::SecretBytes;
use policies::{Grade, Permit, Profile, Tier};

use crate::admission::Rejection;
use crate::answer::Answer;
use crate::error::QueryError;
use crate::execute::{Limits, Prepared, Session, VeilKey};
use crate::flight::{Ending, Guard, Guarded};
use crate::guard::statement::parse;
use crate::relations::{RelationKind, Relations};
use crate::tables::Granted;

/// The guard of this engine.
pub(crate) struct VeiledGuard {
    key: SecretBytes,
}

impl VeiledGuard {
    /// `key`: the enclave's `veil` key.
    pub(crate) fn new(key: SecretBytes) -> Self {
        Self { key }
    }

    fn session(&self, permit: &Permit, tables: Vec<Granted>) -> Result<Session, Rejection> {
        // Answers of another grade or tier than this engine makes are never passed off as the permit's.
        if permit.grade != Grade::Exact || permit.tier != Tier::Pseudonymized {
            return Err(Rejection::NotSupported);
        }
        let profile = Profile::named(&permit.profile).map_err(|_| Rejection::PermitUnusable)?;
        let mut relations = Relations::default();
        for table in tables {
            let columns = table.visible();
            let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
            relations = match table.kind {
                RelationKind::Open => relations.with_open(&table.name, table.provider),
                RelationKind::Rows => relations.with_rows(&table.name, table.provider, &columns),
            };
        }
        Ok(Session::new(relations, profile, permit.grade, VeilKey::new(self.key.expose()), Limits::default()))
    }
}

#[async_trait]
impl Guard for VeiledGuard {
    async fn guard(
        &self,
        permit: Arc<Permit>,
        tables: Vec<Granted>,
        sql: Arc<str>,
    ) -> Result<Box<dyn Guarded>, Ending> {
        let session = self.session(&permit, tables)?;
        let prepared = session.prepare(&sql).await?;
        Ok(Box::new(Veiled { session, prepared, tables: tables_of(&sql) }))
    }
}

struct Veiled {
    session: Session,
    prepared: Prepared,
    tables: Vec<String>,
}

#[async_trait]
impl Guarded for Veiled {
    fn schema(&self) -> SchemaRef {
        Arc::clone(self.prepared.schema())
    }

    fn tables(&self) -> Vec<String> {
        self.tables.clone()
    }

    async fn execute(self: Box<Self>) -> Result<Answer, QueryError> {
        let Self { session, prepared, .. } = *self;
        session.execute(prepared).await
    }
}

/// Tables that a guarded statement names, for the audit log.
fn tables_of(sql: &str) -> Vec<String> {
    let Ok(parsed) = parse(sql) else { return Vec::new() };
    let found = datafusion::sql::resolve::resolve_table_references(&parsed.statement, true);
    found.map(|(tables, _)| tables.iter().map(ToString::to_string).collect()).unwrap_or_default()
}
