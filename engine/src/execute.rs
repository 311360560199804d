//! A session over what one permit sees: prepare (guard and veil), then execute (check again, run, report).

mod explain;
pub(crate) mod keep;
mod parameters;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use arrow::datatypes::{Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use datafusion::common::runtime::SpawnedTask;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::execution::SessionState;
use datafusion::logical_expr::LogicalPlan;
use datafusion::optimizer::{Optimizer, OptimizerRule};
use futures::FutureExt;
use hmac::{Hmac, KeyInit, Mac};
use policies::Profile;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::answer::{Answer, Band, Reason, VeilReport};
use crate::error::{QueryError, Refusal, rules};
use crate::limits::{EngineLimits, Progress, Reading};
use crate::relations::Relations;
use crate::veil::grade::Keeper;
use crate::veil::sketch::PersonMarks;
use crate::{guard, state};

mod prints;
mod stages;

/// The keyed offset of a withheld count is below this (V-WITHHELD-BAND).
const OFFSET_BELOW: u64 = 5;

/// What one permit sees, with the parameters of its veil.
#[derive(Debug)]
pub struct Session {
    relations: Relations,
    profile: Profile,
    keeper: Keeper,
    limits: Limits,
    veil_key: VeilKey,
}

/// How much a query may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of memory.
    pub memory_bytes: usize,
    /// Longest run.
    pub run_max: Duration,
    /// Partitions that run at once.
    pub partitions: usize,
}

impl Default for Limits {
    fn default() -> Self {
        EngineLimits::default().of_a_query()
    }
}

/// The enclave's `veil` key: offsets of withheld counts are drawn from it. Wiped on drop.
pub struct VeilKey(Zeroizing<Vec<u8>>);

impl VeilKey {
    /// Takes the key's bytes over.
    pub fn new(bytes: &[u8]) -> Self {
        Self(Zeroizing::new(bytes.to_vec()))
    }

    /// The keyed function of the release line: the same for all projects, so that equal crowds look equal everywhere.
    fn marks(&self) -> PersonMarks {
        PersonMarks::new(&self.derived(b"person marks"))
    }

    /// A key of its own for each purpose.
    pub(crate) fn derived(&self, purpose: &[u8]) -> [u8; 32] {
        let Ok(mut mac) = <Hmac<Sha256> as KeyInit>::new_from_slice(&self.0) else { return [0; 32] };
        mac.update(purpose);
        mac.finalize().into_bytes().into()
    }
}

impl std::fmt::Debug for VeilKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("VeilKey")
    }
}

/// A guarded and veiled query, ready to run once.
#[derive(Debug)]
pub struct Prepared {
    plan: LogicalPlan,
    state: SessionState,
    schema: SchemaRef,
    fingerprint: String,
    reasons: Vec<Reason>,
    reading: Arc<Reading>,
}

impl Prepared {
    /// Columns of the answer.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// SHA-256 (hex) of the veiled plan: the same query over the same tables has the same.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// How much of it has been read.
    pub(crate) fn progress(&self) -> Progress {
        self.reading.progress()
    }

    /// Rules that the plan is subject to.
    pub fn reasons(&self) -> &[Reason] {
        &self.reasons
    }
}

impl Session {
    /// A session over relations, under a permit's profile; its keeper shows cells in the permit's grade.
    pub fn new(relations: Relations, profile: Profile, keeper: Keeper, veil_key: VeilKey, limits: Limits) -> Self {
        Self { relations, profile, keeper, limits, veil_key }
    }

    /// Parses, guards and veils. Reads no row.
    pub async fn prepare(&self, sql: &str) -> Result<Prepared, Refusal> {
        // Planning runs over text that anybody may write: an unwind in it is a refusal like any other.
        let prepared = AssertUnwindSafe(self.prepare_unguarded(sql)).catch_unwind().await;
        prepared.unwrap_or_else(|_| Err(Refusal::of(&rules::NOT_PLANNED)))
    }

    async fn prepare_unguarded(&self, sql: &str) -> Result<Prepared, Refusal> {
        let parsed = guard::statement::expanded(guard::statement::parse(sql)?, self.relations.views())?;
        let mut state = state::session_state(&self.relations, &self.limits).map_err(|e| Refusal::from_planning(&e))?;
        let reading = Arc::new(Reading::default());
        state.config_mut().set_extension(Arc::clone(&reading));
        self.refuse_unknown_tables(&state, &parsed.statement)?;
        let plan = state.statement_to_plan(parsed.statement).await.map_err(|e| Refusal::from_planning(&e))?;
        let plan = joined(plan, &state)?;
        let veiled = guard::veil(plan, &self.relations, &self.profile, &self.veil_key.marks(), parsed.series_rows)?;
        let plan = analyzed(veiled.plan, &state)?;
        let schema = Arc::new(Schema::new(plan.schema().fields().clone()));
        let fingerprint = prints::fingerprint(&plan, &self.relations);
        Ok(Prepared { plan, state, schema, fingerprint, reasons: veiled.reasons, reading })
    }

    /// Every scan of a prepared query: the table's name, and how many columns of it are read. From the plan alone.
    pub(crate) fn scans(&self, prepared: &Prepared) -> Vec<(String, usize)> {
        let mut scans = Vec::new();
        let Ok(plan) = prepared.state.optimize(&prepared.plan) else { return scans };
        let walked = plan.apply(|node| {
            if let LogicalPlan::TableScan(scan) = node
                && let Some(relation) = self.relations.find(&scan.table_name)
            {
                scans.push((relation.name().to_owned(), scan.projected_schema.fields().len()));
            }
            Ok(TreeNodeRecursion::Continue)
        });
        // The walk itself cannot fail.
        walked.map(|_| scans).unwrap_or_default()
    }

    /// Runs a prepared query. The error says nothing of data, whatever failed.
    pub async fn execute(&self, prepared: Prepared) -> Result<Answer, QueryError> {
        let (schema, fingerprint, reasons) =
            (Arc::clone(&prepared.schema), prepared.fingerprint.clone(), prepared.reasons.clone());
        let running = SpawnedTask::spawn(stages::run(
            prepared.plan,
            prepared.state,
            (self.keeper.clone(), self.relations.clone()),
        ));
        let cells = match tokio::time::timeout(self.limits.run_max, running.join()).await {
            Err(_) => return Err(QueryError::TooSlow),
            // An unwind: its payload may quote data and is dropped with it.
            Ok(Err(_)) => return Err(QueryError::Failed),
            Ok(Ok(result)) => result?,
        };
        let rows: usize = cells.batches.iter().map(RecordBatch::num_rows).sum();
        if rows as u64 > self.profile.max_rows {
            return Err(QueryError::TooLarge);
        }
        let count = cells.withheld + self.offset(&fingerprint);
        let veil = VeilReport {
            grade: self.keeper.grade(),
            withheld: Band::of(count),
            snapped: cells.snapped,
            error: self.keeper.error(),
            reasons,
        };
        Ok(Answer { schema, batches: cells.batches, veil })
    }

    /// 0 to 4, the same for the same plan, unknown without the key.
    fn offset(&self, fingerprint: &str) -> u64 {
        let Ok(mut mac) = <Hmac<Sha256> as KeyInit>::new_from_slice(&self.veil_key.0) else { return 0 };
        mac.update(b"withheld");
        mac.update(fingerprint.as_bytes());
        let digest = mac.finalize().into_bytes();
        digest.first_chunk::<8>().map_or(0, |bytes| u64::from_be_bytes(*bytes) % OFFSET_BELOW)
    }

    /// A table that is not granted must look exactly like one that does not exist (V-CATALOG).
    fn refuse_unknown_tables(
        &self,
        state: &SessionState,
        statement: &datafusion::sql::parser::Statement,
    ) -> Result<(), Refusal> {
        let references = state.resolve_table_references(statement).map_err(|e| Refusal::from_planning(&e))?;
        for reference in &references {
            let function = crate::functions::TABLE_FUNCTIONS.contains(&reference.table());
            if !function && self.relations.find(reference).is_none() {
                return Err(Refusal::of(&rules::NO_SUCH_TABLE));
            }
        }
        Ok(())
    }
}

fn analyzed(plan: LogicalPlan, state: &SessionState) -> Result<LogicalPlan, Refusal> {
    state
        .analyzer()
        .execute_and_check(plan, state.config_options(), |_, _| {})
        .map_err(|error| Refusal::from_planning(&error))
}

/// Types coerced, and subqueries brought to joins by a few named rules; what is left of them the guard refuses.
fn joined(plan: LogicalPlan, state: &SessionState) -> Result<LogicalPlan, Refusal> {
    let plan = analyzed(plan, state)?;
    Optimizer::with_rules(state::decorrelation_rules())
        .optimize(plan, state, |_: &LogicalPlan, _: &dyn OptimizerRule| {})
        .map_err(|error| Refusal::from_planning(&error))
}

#[cfg(test)]
mod tests;
