//! The only place where our nodes become operators.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::common::{Result, internal_err};
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::execution::context::QueryPlanner;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{LogicalPlan, UserDefinedLogicalNode};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_planner::{DefaultPhysicalPlanner, ExtensionPlanner, PhysicalPlanner};

use crate::veil::plan::Veil;
use crate::veil::shown::Shown;

/// DataFusion's planner with judged cells as leaves.
#[derive(Debug)]
pub(crate) struct VeilingPlanner;

#[async_trait]
impl QueryPlanner for VeilingPlanner {
    async fn create_physical_plan(&self, plan: &LogicalPlan, session: &dyn Session) -> Result<Arc<dyn ExecutionPlan>> {
        let planner = DefaultPhysicalPlanner::with_extension_planners(vec![Arc::new(ShownPlanner)]);
        planner.create_physical_plan(plan, session).await
    }
}

struct ShownPlanner;

#[async_trait]
impl ExtensionPlanner for ShownPlanner {
    async fn plan_extension(
        &self,
        _: &dyn PhysicalPlanner,
        node: &dyn UserDefinedLogicalNode,
        _: &[&LogicalPlan],
        _: &[Arc<dyn ExecutionPlan>],
        _: &dyn Session,
        _: &PhysicalPlanningContext,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        if node.as_any().downcast_ref::<Veil>().is_some() {
            return internal_err!("a veil is judged before the plan above it runs");
        }
        let Some(shown) = node.as_any().downcast_ref::<Shown>() else { return Ok(None) };
        let cells = shown.cells();
        let plan = MemorySourceConfig::try_new_exec(&[vec![cells.clone()]], cells.schema(), None)?;
        Ok(Some(plan))
    }
}
