//! Views of the workspace: a view's text takes the place of its name, and is looked at and guarded again with the whole query.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{self, Ident, ObjectName, Query, TableAlias, TableFactor, VisitMut, VisitorMut};

use super::{Parsed, parse, work};
use crate::error::{Refusal, rules};

/// Views inside views at most.
const DEPTH_MAX: usize = 4;
/// Uses of views in a query at most, those inside views counted.
const USES_MAX: usize = 16;

/// The query with its views in their places.
pub(crate) fn expanded(parsed: Parsed, views: &BTreeMap<String, Arc<str>>) -> Result<Parsed, Refusal> {
    expanded_inside(parsed, views, 0)
}

/// The same for a query that is to stand inside so many views itself.
pub(crate) fn expanded_inside(
    mut parsed: Parsed,
    views: &BTreeMap<String, Arc<str>>,
    depth: usize,
) -> Result<Parsed, Refusal> {
    if views.is_empty() {
        return Ok(parsed);
    }
    let mut expand = Expand { views, depth, uses: 0, series_rows: parsed.series_rows };
    if let Statement::Statement(statement) = &mut parsed.statement
        && let ast::Statement::Query(query) = statement.as_mut()
        && let ControlFlow::Break(refusal) = query.visit(&mut expand)
    {
        return Err(refusal);
    }
    Ok(Parsed { series_rows: expand.series_rows, ..parsed })
}

struct Expand<'a> {
    views: &'a BTreeMap<String, Arc<str>>,
    depth: usize,
    uses: usize,
    series_rows: u64,
}

impl VisitorMut for Expand<'_> {
    type Break = Refusal;

    fn post_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<Refusal> {
        let TableFactor::Table { name, alias, args: None, .. } = factor else { return ControlFlow::Continue(()) };
        let Some((own, sql)) = self.view(name) else { return ControlFlow::Continue(()) };
        match self.query(&sql) {
            Ok(subquery) => {
                let own = TableAlias { explicit: true, name: Ident::new(own), columns: Vec::new(), at: None };
                let alias = Some(alias.take().unwrap_or(own));
                *factor = TableFactor::Derived { lateral: false, subquery, alias, sample: None };
                ControlFlow::Continue(())
            }
            Err(refusal) => ControlFlow::Break(refusal),
        }
    }
}

impl Expand<'_> {
    fn view(&self, name: &ObjectName) -> Option<(String, Arc<str>)> {
        let own = work::in_work(name)?.ok()?;
        let sql = self.views.get(&format!("work.{own}"))?;
        Some((own, Arc::clone(sql)))
    }

    fn query(&mut self, sql: &str) -> Result<Box<Query>, Refusal> {
        self.uses += 1;
        if self.depth >= DEPTH_MAX || self.uses > USES_MAX {
            return Err(Refusal::of(&rules::WORK_VIEWS));
        }
        let parsed = parse(sql)?;
        self.series_rows = self.series_rows.max(parsed.series_rows);
        let Statement::Statement(statement) = parsed.statement else { return Err(Refusal::of(&rules::NOT_PLANNED)) };
        let ast::Statement::Query(mut query) = *statement else { return Err(Refusal::of(&rules::NOT_PLANNED)) };
        self.depth += 1;
        let visited = query.visit(self);
        self.depth -= 1;
        match visited {
            ControlFlow::Break(refusal) => Err(refusal),
            ControlFlow::Continue(()) => Ok(query),
        }
    }
}
