//! Between the edge and the veil: a permit's tables become a session, its statement a guarded plan.

pub(crate) mod keeping;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use async_trait::async_trait;
use policies::keys::SecretBytes;
use policies::{Grade, Permit, Profile, ProjectId, Tier};
use zeroize::Zeroizing;

use crate::admission::Rejection;
use crate::answer::{Answer, Band, Cost, Reason, VeilReport};
use crate::describe::{self, Cells, Inquiry};
use crate::error::{QueryError, Refusal, rules};
use crate::execute::{Limits, Prepared, Session, VeilKey};
use crate::flight::{Ending, Guard, Guarded, Shape};
use crate::guard::statement::{Template, WorkStatement, parse, samples};
use crate::ledger::{Ledger, LedgerError};
use crate::limits::{Progress, day};
use crate::relations::{RelationKind, Relations};
use crate::release::Releases;
use crate::service::Clock;
use crate::tables::{Granted, granted};
use crate::veil::grade::Keeper;
use crate::work::{KeptAs, Workspaces};

/// The guard of this engine.
pub(crate) struct VeiledGuard {
    key: SecretBytes,
    ledgers: Ledgers,
    workspaces: Arc<Workspaces>,
    clock: Clock,
    limits: Limits,
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
    /// `key`: the enclave's `veil` key; `ledgers`: the folder of the projects' ledgers; `limits`: of one query.
    pub(crate) fn new(
        key: SecretBytes,
        (ledgers, workspaces): (PathBuf, Workspaces),
        clock: Clock,
        limits: Limits,
    ) -> Self {
        let own = Zeroizing::new(VeilKey::new(key.expose()).derived(b"ledger"));
        let ledgers = Ledgers { folder: ledgers, key: own, open: Mutex::default() };
        Self { key, ledgers, workspaces: Arc::new(workspaces), clock, limits }
    }

    fn keeper(&self, permit: &Permit, profile: &Profile) -> Result<Keeper, Ending> {
        let ledger = self.ledgers.of(&permit.project).map_err(|error| {
            tracing::error!(problem = %error, "a project's ledger cannot be used");
            QueryError::from_ledger(&error)
        })?;
        Ok(Keeper::new(permit.grade, ledger, profile, day((self.clock)()))?)
    }

    fn session(&self, permit: &Permit, tables: Vec<Granted>) -> Result<Session, Ending> {
        // Answers of another tier than this engine makes are never passed off as the permit's.
        if permit.tier != Tier::Pseudonymized {
            return Err(Rejection::NotSupported.into());
        }
        let profile = Profile::named(&permit.profile).map_err(|_| Rejection::PermitUnusable)?;
        let keeper = self.keeper(permit, &profile)?;
        let relations = relations(tables);
        Ok(Session::new(relations, profile, keeper, VeilKey::new(self.key.expose()), self.limits))
    }
}

/// A permit's tables by name, each marked as rows of persons or as open.
fn relations(tables: Vec<Granted>) -> Relations {
    let mut relations = Relations::default();
    for table in tables {
        let columns = table.visible();
        let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
        relations = match (table.kept, table.kind) {
            (Some(KeptAs::Table(kept)), _) => relations.with_kept(&table.name, table.provider, kept),
            (Some(KeptAs::View(sql)), _) => relations.with_view(&table.name, sql),
            (None, RelationKind::Open) => relations.with_open(&table.name, table.provider),
            (None, RelationKind::Rows) => relations.with_rows(&table.name, table.provider, &columns),
        };
    }
    relations
}

impl Session {
    /// A session over what a permit names, without a service around it: for measurements.
    pub fn of_permit(
        (permit, releases): (&Permit, &Releases),
        profile: Profile,
        keeper: Keeper,
        veil_key: VeilKey,
        limits: Limits,
    ) -> Result<Self, Rejection> {
        Ok(Self::new(relations(granted(permit, releases)?), profile, keeper, veil_key, limits))
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
        let described = |cells: Cells, reasons: Vec<Reason>, tables: Vec<String>| {
            Box::new(Described { cells, reasons, tables, grade: permit.grade })
        };
        if let Some(statement) = WorkStatement::of(&sql)? {
            let workspace = self.workspaces.of(&permit);
            let session = || self.session(&permit, tables);
            let changing = keeping::guarded(session, (&permit, workspace), statement, (self.clock)()).await?;
            return Ok(Box::new(changing));
        }
        match Inquiry::of(&sql)? {
            Some(Inquiry::Tables { schema }) => {
                Ok(described(describe::tables(&tables, schema.as_deref()), Vec::new(), Vec::new()))
            }
            Some(Inquiry::Columns { table }) => {
                let cells = describe::columns(&tables, &table)?;
                Ok(described(cells, Vec::new(), vec![table]))
            }
            Some(Inquiry::Plan { sql }) => {
                let prepared = self.session(&permit, tables)?.prepare(&sql).await?;
                let reasons = prepared.reasons().to_vec();
                Ok(described(describe::explained(&prepared.explained(), &reasons), reasons, tables_of(&sql)))
            }
            None => {
                let sizes: HashMap<String, u64> =
                    tables.iter().filter_map(|table| Some((table.name.clone(), table.rows?))).collect();
                let session = self.session(&permit, tables)?;
                let prepared = session.prepare(&sql).await?;
                let scans = session.scans(&prepared).into_iter();
                let scans = scans.filter_map(|(table, columns)| Some((*sizes.get(&table)?, columns)));
                let cost = scans.fold(Cost::default(), |cost, (rows, columns)| cost.with(rows, columns));
                Ok(Box::new(Veiled { session, prepared, tables: tables_of(&sql), cost }))
            }
        }
    }

    async fn shape(&self, permit: Arc<Permit>, tables: Vec<Granted>, template: Template) -> Result<Shape, Ending> {
        let kinds = if template.count() == 0 {
            Vec::new()
        } else {
            self.session(&permit, tables.clone())?.parameter_types(&template).await
        };
        let mut refused = Ending::from(Refusal::of(&rules::NOT_PLANNED));
        for values in samples(&kinds) {
            let sql = template.bind(&values)?;
            match self.guard(Arc::clone(&permit), tables.clone(), sql.into()).await {
                Ok(guarded) => return Ok(Shape { columns: guarded.schema(), parameters: parameters(&kinds) }),
                Err(ending) => refused = ending,
            }
        }
        Err(refused)
    }

    fn kept(&self, permit: &Permit) -> Vec<Granted> {
        self.workspaces.of(permit).granted(permit, (self.clock)())
    }
}

/// Columns of the row that is bound; where the plan does not tell the type it is `Null`.
fn parameters(kinds: &[Option<DataType>]) -> SchemaRef {
    let field = |(at, kind): (usize, &Option<DataType>)| {
        Field::new(format!("${}", at + 1), kind.clone().unwrap_or(DataType::Null), true)
    };
    Arc::new(Schema::new(kinds.iter().enumerate().map(field).collect::<Vec<_>>()))
}

struct Veiled {
    session: Session,
    prepared: Prepared,
    tables: Vec<String>,
    cost: Cost,
}

#[async_trait]
impl Guarded for Veiled {
    fn schema(&self) -> SchemaRef {
        Arc::clone(self.prepared.schema())
    }

    fn tables(&self) -> Vec<String> {
        self.tables.clone()
    }

    fn progress(&self) -> Progress {
        self.prepared.progress()
    }

    fn cost(&self) -> Option<Cost> {
        Some(self.cost)
    }

    async fn execute(self: Box<Self>) -> Result<Answer, QueryError> {
        let Self { session, prepared, .. } = *self;
        session.execute(prepared).await
    }
}

/// A question's answer, known without a run.
struct Described {
    cells: Cells,
    reasons: Vec<Reason>,
    tables: Vec<String>,
    grade: Grade,
}

#[async_trait]
impl Guarded for Described {
    fn schema(&self) -> SchemaRef {
        Arc::clone(self.cells.schema())
    }

    fn tables(&self) -> Vec<String> {
        self.tables.clone()
    }

    async fn execute(self: Box<Self>) -> Result<Answer, QueryError> {
        let batches = vec![self.cells.batch().ok_or(QueryError::Failed)?];
        // Nothing was counted, so nothing was withheld.
        let veil = VeilReport {
            grade: self.grade,
            withheld: Band::Few,
            snapped: 0,
            error: None,
            reasons: self.reasons.clone(),
        };
        Ok(Answer { schema: self.schema(), batches, veil })
    }
}

/// Tables that a guarded statement names, for the audit log.
fn tables_of(sql: &str) -> Vec<String> {
    let Ok(parsed) = parse(sql) else { return Vec::new() };
    let found = datafusion::sql::resolve::resolve_table_references(&parsed.statement, true);
    found.map(|(tables, _)| tables.iter().map(ToString::to_string).collect()).unwrap_or_default()
}
