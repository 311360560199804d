//! Unions: of cells with cells, or of rows with rows whose person stands at the same position (V-UNION-OPEN, V-UNION-ROWS).

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Expr, LogicalPlan, Projection, Union};

use super::expression::no;
use super::facts::{self, Fact, Kind, Level, ListSide, Open, Place, Rows, Unique, Values, Walked};
use super::{Guard, planned};
use crate::error::{Refusal, rules};

/// Branches of a union at most (disclosure.md, "Limits against load").
const BRANCHES_MAX: usize = 64;

impl Guard<'_> {
    pub(super) fn union(&mut self, node: Union) -> Result<Walked, Refusal> {
        if node.inputs.len() > BRANCHES_MAX {
            return no(&rules::BRANCHES);
        }
        let inputs = node.inputs.into_iter().map(|input| self.walk(Arc::unwrap_or_clone(input)));
        let inputs = inputs.collect::<Result<Vec<_>, Refusal>>()?;
        if inputs.iter().any(Walked::is_rows) { self.union_rows(inputs) } else { union_open(inputs) }
    }

    fn union_rows(&mut self, inputs: Vec<Walked>) -> Result<Walked, Refusal> {
        let mut branches: Vec<(LogicalPlan, Rows)> = Vec::new();
        for input in inputs {
            match input.level {
                Level::Rows(rows) => branches.push((input.plan, rows)),
                Level::Open(_) => return no(&rules::UNION_ROWS),
            }
        }
        let lineage = self.hidden_name();
        let count = branches.iter().map(|(_, rows)| rows.places.len()).max().unwrap_or(0);
        let names: Vec<String> = (0..count).map(|_| self.hidden_name()).collect();
        // Branches may repeat a person's rows as their writer likes (V-LEDGER-WEIGHT): nothing covers that.
        let repeats = ListSide { bit: self.list_bit()?, columns: ListSide::NEVER_COVERED };
        let mut union = Rows {
            lineage,
            exact: true,
            places: Vec::new(),
            lists: vec![repeats],
            unique: Unique::No,
            institutions: None,
            fanout: 1,
            facts: Vec::new(),
        };
        for (at, name) in names.iter().enumerate() {
            union.places.push(merged_place(name, at, &branches));
        }
        let types = place_types(&branches, count)?;
        let mut plans = Vec::new();
        for (at, (plan, rows)) in branches.into_iter().enumerate() {
            let visible = visible_facts(&rows);
            if at == 0 {
                union.facts = visible;
            } else {
                union.facts = merged_facts(&union.facts, &visible)?;
            }
            union.exact &= rows.exact;
            union.fanout = union.fanout.max(rows.fanout);
            union.lists.extend(rows.lists.iter().copied());
            plans.push(Arc::new(aligned(plan, &rows, &union, &types)?));
        }
        union.facts.extend(union.hidden().map(|_| Fact::HIDDEN).collect::<Vec<_>>());
        let plan = Union::try_new_with_loose_types(plans).map_err(planned)?;
        Ok(Walked { plan: LogicalPlan::Union(plan), level: Level::Rows(union) })
    }
}

fn union_open(inputs: Vec<Walked>) -> Result<Walked, Refusal> {
    let mut rows = 0_u64;
    let mut plans = Vec::new();
    for input in inputs {
        if let Level::Open(open) = input.level {
            rows = rows.saturating_add(open.rows);
        }
        plans.push(Arc::new(input.plan));
    }
    let plan = Union::try_new_with_loose_types(plans).map_err(planned)?;
    Ok(Walked { plan: LogicalPlan::Union(plan), level: Level::Open(Open { rows, catalog: false }) })
}

fn visible_facts(rows: &Rows) -> Vec<Fact> {
    // What lists a column came from is forgotten, so that no grouping covers them (see `ListSide`).
    let visible = rows.facts.iter().filter(|fact| fact.kind != Kind::Hidden);
    visible.map(|fact| Fact { list_column: None, ..*fact }).collect()
}

fn merged_facts(left: &[Fact], right: &[Fact]) -> Result<Vec<Fact>, Refusal> {
    let merged = left.iter().zip(right).map(|(a, b)| {
        let kind = match (a.kind, b.kind) {
            (Kind::Key { exact: a }, Kind::Key { exact: b }) => Kind::Key { exact: a && b },
            (Kind::Key { .. }, _) | (_, Kind::Key { .. }) => return no(&rules::UNION_ROWS),
            (a, b) if a == b => a,
            (Kind::Id(_), _) | (_, Kind::Id(_)) => return no(&rules::UNION_ROWS),
            (Kind::Place, _) | (_, Kind::Place) => Kind::Place,
            _ => Kind::Other,
        };
        Ok(Fact { kind, chosen: a.chosen || b.chosen, values: united(a.values, b.values), ..a.mixed(*b) })
    });
    merged.collect()
}

/// Branches with the same two arms have these, and no more.
fn united(one: Values, other: Values) -> Values {
    if one == other && one.arms().is_some() { one } else { one.or(other) }
}

fn merged_place(name: &str, at: usize, branches: &[(LogicalPlan, Rows)]) -> Place {
    let found = branches.iter().filter_map(|(_, rows)| rows.places.get(at));
    let bit = found.clone().fold(0, |bits, place| bits | place.bit);
    let missing = branches.iter().any(|(_, rows)| rows.places.len() <= at);
    Place { name: name.to_owned(), bit, optional: missing || found.into_iter().any(|place| place.optional) }
}

/// One type for each institution column: branches that carry single institutions do not mix with grouped ones yet.
fn place_types(branches: &[(LogicalPlan, Rows)], count: usize) -> Result<Vec<DataType>, Refusal> {
    (0..count)
        .map(|at| {
            let mut types = branches.iter().filter_map(|(plan, rows)| {
                let name = &rows.places.get(at)?.name;
                plan.schema().fields().iter().find(|field| field.name() == name).map(|field| field.data_type().clone())
            });
            let first = types.next().ok_or_else(|| Refusal::of(&rules::NOT_PLANNED))?;
            if types.all(|other| other == first) { Ok(first) } else { no(&rules::UNION_ROWS) }
        })
        .collect()
}

/// A branch with its visible columns in order, then the hidden ones under the union's names.
fn aligned(plan: LogicalPlan, rows: &Rows, union: &Rows, types: &[DataType]) -> Result<LogicalPlan, Refusal> {
    let schema = Arc::clone(plan.schema());
    let visible = schema.iter().zip(&rows.facts).filter(|(_, fact)| fact.kind != Kind::Hidden);
    let mut exprs: Vec<Expr> = visible.map(|(field, _)| Expr::Column(field.into())).collect();
    exprs.push(facts::named(&schema, &rows.lineage)?.alias(&union.lineage));
    for (at, (place, found)) in union.places.iter().zip(types).enumerate() {
        let expr = match rows.places.get(at) {
            Some(own) => facts::named(&schema, &own.name)?,
            None => Expr::Literal(ScalarValue::try_from(found).map_err(planned)?, None),
        };
        exprs.push(expr.alias(&place.name));
    }
    let plan = Projection::try_new(exprs, Arc::new(plan)).map_err(planned)?;
    Ok(LogicalPlan::Projection(plan))
}
