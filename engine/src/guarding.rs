//! Between the edge and the veil: a permit's tables become a session, its statement a guarded plan.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use jiff::tz::TimeZone;
use policies::keys::SecretBytes;
use policies::{Grade, Permit, Profile, ProjectId, Tier};
use zeroize::Zeroizing;

use crate::admission::Rejection;
use crate::answer::Answer;
use crate::error::QueryError;
use crate::execute::{Limits, Prepared, Session, VeilKey};
use crate::flight::{Ending, Guard, Guarded};
use crate::guard::statement::parse;
use crate::ledger::{Ledger, LedgerError};
use crate::relations::{RelationKind, Relations};
use crate::service::Clock;
use crate::tables::Granted;
use crate::veil::grade::Keeper;

/// The guard of this engine.
pub(crate) struct VeiledGuard {
    key: SecretBytes,
    ledgers: Ledgers,
    clock: Clock,
}

/// The ledgers of the projects that have asked, each opened once.
struct Ledgers {
    folder: PathBuf,
    key: Zeroizing<[u8; 32]>,
    open: Mutex<HashMap<ProjectId, Arc<Mutex<Ledger>>>>,
}

impl Ledgers {
    fn of(&self, project: &ProjectId) -> Result<Arc<Mutex<Ledger>>, LedgerError> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ledger) = open.get(project) {
            return Ok(Arc::clone(ledger));
        }
        let ledger = Ledger::open(&self.folder, project.as_str(), &self.key)?;
        let ledger = Arc::new(Mutex::new(ledger));
        open.insert(project.clone(), Arc::clone(&ledger));
        Ok(ledger)
    }
}

impl VeiledGuard {
    /// `key`: the enclave's `veil` key; `ledgers`: the folder of the projects' ledgers.
    pub(crate) fn new(key: SecretBytes, ledgers: PathBuf, clock: Clock) -> Self {
        let own = Zeroizing::new(VeilKey::new(key.expose()).derived(b"ledger"));
        Self { key, ledgers: Ledgers { folder: ledgers, key: own, open: Mutex::default() }, clock }
    }

    fn keeper(&self, permit: &Permit, profile: &Profile) -> Result<Keeper, Ending> {
        if permit.grade == Grade::Preview {
            return Ok(Keeper::preview(profile)?);
        }
        let ledger = self.ledgers.of(&permit.project).map_err(|error| {
            tracing::error!(problem = %error, "a project's ledger cannot be used");
            QueryError::from_ledger(&error)
        })?;
        let today = (self.clock)().to_zoned(TimeZone::UTC).date();
        Ok(Keeper::exact(ledger, profile, today))
    }

    fn session(&self, permit: &Permit, tables: Vec<Granted>) -> Result<Session, Ending> {
        // Answers of another tier than this engine makes are never passed off as the permit's.
        if permit.tier != Tier::Pseudonymized {
            return Err(Rejection::NotSupported.into());
        }
        let profile = Profile::named(&permit.profile).map_err(|_| Rejection::PermitUnusable)?;
        let keeper = self.keeper(permit, &profile)?;
        let mut relations = Relations::default();
        for table in tables {
            let columns = table.visible();
            let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
            relations = match table.kind {
                RelationKind::Open => relations.with_open(&table.name, table.provider),
                RelationKind::Rows => relations.with_rows(&table.name, table.provider, &columns),
            };
        }
        Ok(Session::new(relations, profile, keeper, VeilKey::new(self.key.expose()), Limits::default()))
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
