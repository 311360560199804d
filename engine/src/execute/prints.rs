//! What a plan is known by in the ledger: itself, and itself without its literals (V-BUDGET).

use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{Expr, LogicalPlan};
use sha2::{Digest, Sha256};

use crate::relations::Relations;
use crate::veil::grade::PlanPrints;
use crate::work::Prints;

/// SHA-256 (hex) of a plan's text, and of the plans that made the workspace tables in it.
pub(super) fn fingerprint(plan: &LogicalPlan, relations: &Relations) -> String {
    let mut hash = Sha256::new_with_prefix(plan.display_indent().to_string());
    let visited = plan.apply(|node| {
        if let Some(made) = made(node, relations) {
            hash.update(made.plan);
        }
        Ok(TreeNodeRecursion::Continue)
    });
    // INVARIANT: the visit cannot fail, as its closure does not.
    drop(visited);
    hex::encode(hash.finalize())
}

/// What made the workspace table that a node scans: another statement under the same name is another table.
fn made(node: &LogicalPlan, relations: &Relations) -> Option<Prints> {
    let LogicalPlan::TableScan(scan) = node else { return None };
    relations.find(&scan.table_name)?.kept().map(|kept| kept.prints)
}

/// The prints of a plan.
pub(super) fn of(plan: &LogicalPlan, relations: &Relations) -> Result<PlanPrints> {
    let (mut whole, mut shape) = (Sha256::new(), Sha256::new());
    plan.apply(|node| {
        let kind = kind_of(node);
        for hash in [&mut whole, &mut shape] {
            hash.update(kind.as_bytes());
            hash.update([0]);
        }
        if let Some(made) = made(node, relations) {
            whole.update(made.plan);
            shape.update(made.shape);
        }
        for expr in node.expressions() {
            whole.update(expr.to_string().as_bytes());
            shape.update(without_literals(expr)?.to_string().as_bytes());
            whole.update([0]);
            shape.update([0]);
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(PlanPrints { plan: whole.finalize().into(), shape: shape.finalize().into() })
}

/// The node's kind, with what no expression of it says.
fn kind_of(node: &LogicalPlan) -> String {
    if let LogicalPlan::TableScan(scan) = node {
        return format!("TableScan {}", scan.table_name);
    }
    let text = node.display().to_string();
    text.split([':', ' ']).next().unwrap_or_default().to_owned()
}

/// Lists of literals count as one, whatever their length.
fn without_literals(expr: Expr) -> Result<Expr> {
    #[expect(clippy::wildcard_enum_match_arm, reason = "asks for two kinds; all others stay as they are")]
    let bare = |expr: Expr| match expr {
        Expr::InList(mut list) => {
            list.list.truncate(1);
            Ok(Transformed::yes(Expr::InList(list)))
        }
        Expr::Literal(..) => Ok(Transformed::yes(Expr::Literal(ScalarValue::Null, None))),
        other => Ok(Transformed::no(other)),
    };
    expr.transform_up(bare).map(|bare| bare.data)
}
