//! The only place where our nodes become operators.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::common::{Result, internal_err};
use datafusion::execution::context::QueryPlanner;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{LogicalPlan, UserDefinedLogicalNode};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_planner::{DefaultPhysicalPlanner, ExtensionPlanner, PhysicalPlanner};

use crate::veil::exec::VeilExec;
use crate::veil::plan::Veil;

/// DataFusion's planner with the veil's operator.
#[derive(Debug)]
pub(crate) struct VeilingPlanner;

#[async_trait]
impl QueryPlanner for VeilingPlanner {
    async fn create_physical_plan(&self, plan: &LogicalPlan, session: &dyn Session) -> Result<Arc<dyn ExecutionPlan>> {
        let planner = DefaultPhysicalPlanner::with_extension_planners(vec![Arc::new(VeilPlanner)]);
        planner.create_physical_plan(plan, session).await
    }
}

struct VeilPlanner;

#[async_trait]
impl ExtensionPlanner for VeilPlanner {
    async fn plan_extension(
        &self,
        _: &dyn PhysicalPlanner,
        node: &dyn UserDefinedLogicalNode,
        _: &[&LogicalPlan],
        inputs: &[Arc<dyn ExecutionPlan>],
        _: &dyn Session,
        _: &PhysicalPlanningContext,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let Some(veil) = node.as_any().downcast_ref::<Veil>() else { return Ok(None) };
        let [cells] = inputs else { return internal_err!("a veil has one input") };
        let found = cells.schema();
        if veil.spec().hidden().any(|name| found.field_with_name(name).is_err()) {
            return internal_err!("the operator under a veil lost a hidden column");
        }
        let schema = Arc::clone(veil.schema().inner());
        Ok(Some(Arc::new(VeilExec::new(Arc::clone(cells), Arc::clone(veil.spec()), schema))))
    }
}
