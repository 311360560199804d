//! What the planner knows of a prepared statement's parameters before any value is bound.

use std::panic::AssertUnwindSafe;

use datafusion::arrow::datatypes::DataType;
use futures::FutureExt;

use super::Session;
use crate::guard::statement::{Parsed, Template, expanded, for_planning};
use crate::state;

impl Session {
    /// Types of the parameters in order; `None` where the plan does not tell. Reads no row and refuses nothing: the guard
    /// does, with values in their places.
    pub(crate) async fn parameter_types(&self, template: &Template) -> Vec<Option<DataType>> {
        let found = AssertUnwindSafe(self.placeholder_types(template)).catch_unwind().await;
        let found = found.ok().flatten().unwrap_or_default();
        let of = |number: usize| found.get(&format!("${number}")).cloned().flatten();
        (1..=template.count()).map(of).collect()
    }

    async fn placeholder_types(
        &self,
        template: &Template,
    ) -> Option<std::collections::HashMap<String, Option<DataType>>> {
        let statement = for_planning(&template.numbered())?;
        let statement = expanded(Parsed { statement, series_rows: 0 }, self.relations.views()).ok()?.statement;
        let state = state::session_state(&self.relations, &self.limits).ok()?;
        state.statement_to_plan(statement).await.ok()?.get_parameter_types().ok()
    }
}
