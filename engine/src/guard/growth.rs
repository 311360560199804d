//! How large expressions become once projections are written into each other, as conditions are on their way down: each step of
//! `x + x AS x` doubles them (V-RES).
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "asks for single variants of foreign enums; the exhaustive walks are in guard.rs and expression.rs"
)]

use datafusion::common::DFSchema;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::{Expr, LogicalPlan};

use super::expression::no;
use super::planned;
use crate::error::{Refusal, rules};

/// Parts of one expression at most, written out to the columns of tables.
const PARTS_MAX: u64 = 5_000;

/// Refuses a plan in which an expression, written out, has too many parts.
pub(super) fn refuse(plan: &LogicalPlan) -> Result<(), Refusal> {
    sizes(plan).map(drop)
}

/// Parts of each output column, written out.
fn sizes(plan: &LogicalPlan) -> Result<Vec<u64>, Refusal> {
    let mut inputs = Vec::new();
    for input in plan.inputs() {
        inputs.push(sizes(input)?);
    }
    let mut found = match plan {
        LogicalPlan::Aggregate(node) => all(&node.group_expr, node.input.schema(), &inputs.concat())?,
        LogicalPlan::Filter(node) => {
            size(&node.predicate, node.input.schema(), &inputs.concat())?;
            inputs.concat()
        }
        LogicalPlan::Projection(node) => all(&node.expr, node.input.schema(), &inputs.concat())?,
        LogicalPlan::Union(_) => {
            let widest = |at: usize| inputs.iter().filter_map(|input| input.get(at)).copied().max().unwrap_or(1);
            (0..plan.schema().fields().len()).map(widest).collect()
        }
        _ => inputs.concat(),
    };
    found.resize(plan.schema().fields().len(), 1);
    Ok(found)
}

fn all(exprs: &[Expr], schema: &DFSchema, inputs: &[u64]) -> Result<Vec<u64>, Refusal> {
    exprs.iter().map(|expr| size(expr, schema, inputs)).collect()
}

fn size(expr: &Expr, schema: &DFSchema, inputs: &[u64]) -> Result<u64, Refusal> {
    let mut parts: u64 = 0;
    let counted = expr.apply(|part| {
        let one = match part {
            Expr::Column(column) => {
                schema.index_of_column(column).ok().and_then(|at| inputs.get(at)).copied().unwrap_or(1)
            }
            _ => 1,
        };
        parts = parts.saturating_add(one);
        Ok(TreeNodeRecursion::Continue)
    });
    counted.map_err(planned)?;
    if parts > PARTS_MAX { no(&rules::NODES) } else { Ok(parts) }
}
