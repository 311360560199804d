//! An aggregate that leaves rows behind: its hidden columns, and the veil above it (DESIGN.md, rules 2 and 6).

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::DFSchema;
use datafusion::logical_expr::expr::{AggregateFunction, TryCast};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{Aggregate, Case, Expr, Extension, LogicalPlan, lit, not};

use super::aggregate::{covers, function_of};
use super::expression::{no, total};
use super::facts::{self, Fact, Kind, Level, Open, Rows, Scope, Unique, Walked};
use super::statistics::{self, Asked, Source};
use super::{Guard, measure, planned};
use crate::answer::Reason;
use crate::error::{Refusal, rules};
use crate::veil::plan::{CellRule, Check, PlaceColumn, ROWS, Value, Veil, VeilSpec};
use crate::veil::tally::{self, Counting};
use crate::veil::totals::AMOUNTS_MAX;

/// Cells of a grouped veil, roughly, where joins of open relations are estimated.
const CELLS: u64 = 3_000;

/// One shown aggregate: itself, allowed and total, and what decides over it.
pub(super) struct Watched {
    pub(super) expr: Expr,
    pub(super) value: Value,
    pub(super) checks: Vec<Check>,
    /// Where its argument is there, and what that depends on; none if every row has one.
    pub(super) argument: Option<(Expr, Fact)>,
}

/// The amounts that one veil tallies, each once.
pub(super) struct Amounts(Vec<Expr>);

impl Amounts {
    /// With the rows' own, which counts one a row.
    fn new() -> Self {
        Self(vec![lit(1.0)])
    }

    /// The number of the tally of an amount (Float64, NULL where a row has none).
    pub(super) fn tally(&mut self, amount: Expr) -> Result<usize, Refusal> {
        if let Some(at) = self.0.iter().position(|known| *known == amount) {
            return Ok(at);
        }
        if self.0.len() >= AMOUNTS_MAX {
            return no(&rules::AGGREGATES);
        }
        self.0.push(amount);
        Ok(self.0.len() - 1)
    }

    /// The number of the tally that counts the rows where a condition holds.
    pub(super) fn rows_where(&mut self, condition: Expr) -> Result<usize, Refusal> {
        self.tally(one_where(condition))
    }
}

impl Guard<'_> {
    pub(super) fn cells(
        &mut self,
        plan: LogicalPlan,
        rows: &Rows,
        groups: Vec<(Expr, Fact)>,
        aggregates: Vec<Expr>,
    ) -> Result<Walked, Refusal> {
        refuse_named_groups(&groups)?;
        let schema = Arc::clone(plan.schema());
        let scope = Scope { schema: &schema, facts: Some(&rows.facts) };
        let weighted = !covers(rows, &groups);
        let names = NamePreserver::new_for_projection();
        let (mut visible, mut hidden, mut cells) = (Vec::new(), Vec::new(), Vec::new());
        let mut amounts = Amounts::new();
        let keys = groups.iter().fold(Fact::PLAIN, |sum, (_, fact)| sum.mixed(*fact));
        let row_places = self.place_columns(&schema, rows, keys.sides, None, (&mut hidden, &mut amounts))?;
        let source = Source { plan: &plan, scope, rows, profile: self.profile, weighted };
        let mut asked = Asked::default();
        for expr in aggregates {
            let saved = names.save(&expr);
            let watched = match statistics::watched(source, &expr, &mut asked, &mut amounts)? {
                Some(watched) => watched,
                None => watched(scope, rows, expr, weighted, &mut amounts)?,
            };
            let rounded = is_rounded(&watched.expr);
            visible.push(saved.restore(watched.expr));
            let places = match &watched.argument {
                None => Vec::new(),
                Some((present, fact)) => {
                    let sides = keys.sides | fact.sides;
                    self.place_columns(&schema, rows, sides, Some(present), (&mut hidden, &mut amounts))?
                }
            };
            cells.push(CellRule { value: watched.value, checks: watched.checks, places, rounded });
        }
        self.note_reasons(&cells, &row_places);
        let counting = Counting::default();
        let tallies = self.tallies(&schema, rows, (amounts, counting.clone()), &mut hidden)?;
        let spec = VeilSpec {
            groups: groups.len(),
            two_valued: Vec::new(),
            cells,
            tallies,
            row_places,
            counting,
            thresholds: self.profile.into(),
            max_groups: self.profile.max_groups,
        };
        let open = if groups.is_empty() { 1 } else { CELLS };
        let group_expr = groups.into_iter().map(|(expr, _)| expr).collect();
        visible.extend(hidden);
        let aggregate = Aggregate::try_new(Arc::new(plan), group_expr, visible).map_err(planned)?;
        let veil = Veil::try_new(LogicalPlan::Aggregate(aggregate), Arc::new(spec)).map_err(planned)?;
        let plan = LogicalPlan::Extension(Extension { node: Arc::new(veil) });
        Ok(Walked { plan, level: Level::Open(Open { rows: open, catalog: false }) })
    }

    fn note_reasons(&mut self, cells: &[CellRule], row_places: &[PlaceColumn]) {
        self.reasons.push(Reason::FewPersons);
        let even = |check: &Check| matches!(check, Check::Even(_) | Check::Branch { even: true, .. });
        if cells.iter().any(|cell| cell.checks.iter().any(even)) {
            self.reasons.push(Reason::Dominance);
        }
        if !row_places.is_empty() || cells.iter().any(|cell| !cell.places.is_empty()) {
            self.reasons.push(Reason::FewInstitutions);
        }
    }

    /// Adds the hidden column of all tallies; its name.
    fn tallies(
        &mut self,
        schema: &DFSchema,
        rows: &Rows,
        (amounts, counting): (Amounts, Counting),
        hidden: &mut Vec<Expr>,
    ) -> Result<String, Refusal> {
        let name = self.hidden_name();
        let function = tally::tally(amounts.0.len(), self.profile.dominance_n, self.marks.clone(), counting);
        let mut args = vec![facts::named(schema, &rows.lineage)?];
        args.extend(amounts.0);
        let call = AggregateFunction::new_udf(function, args, false, None, vec![], None);
        hidden.push(Expr::AggregateFunction(call).alias(&name));
        Ok(name)
    }

    /// Adds the hidden columns of institutions that are asked: all that every row has, and those of outer sides that `sides`
    /// says the cell reads.
    fn place_columns(
        &mut self,
        schema: &DFSchema,
        rows: &Rows,
        sides: u64,
        present: Option<&Expr>,
        (hidden, amounts): (&mut Vec<Expr>, &mut Amounts),
    ) -> Result<Vec<PlaceColumn>, Refusal> {
        let mut columns = Vec::new();
        if self.profile.min_institutions == 0 {
            return Ok(columns);
        }
        for place in rows.places.iter().filter(|place| !place.optional || place.bit & sides != 0) {
            let name = self.hidden_name();
            let institution = facts::named(schema, &place.name)?;
            let there = institution.clone().is_not_null();
            hidden.push(self.places(institution, present.cloned().unwrap_or_else(|| lit(true))).alias(&name));
            let there = match present.cloned() {
                Some(present) => present.and(there),
                None => there,
            };
            let persons = if place.optional { Some(amounts.rows_where(there)?) } else { None };
            columns.push(PlaceColumn { name, persons });
        }
        Ok(columns)
    }
}

/// Keys and ids would be handed out as they are.
fn refuse_named_groups(groups: &[(Expr, Fact)]) -> Result<(), Refusal> {
    for (_, fact) in groups {
        match fact.kind {
            Kind::Hidden => return no(&rules::RESERVED),
            Kind::Id(_) => return no(&rules::TECHNICAL),
            Kind::Key { .. } => return no(&rules::PERSON_KEY),
            Kind::Measure | Kind::Other | Kind::Place => {}
        }
    }
    Ok(())
}

fn watched(
    scope: Scope<'_>,
    rows: &Rows,
    expr: Expr,
    weighted: bool,
    amounts: &mut Amounts,
) -> Result<Watched, Refusal> {
    let function = function_of(expr)?;
    let name = function.func.name();
    if !matches!(name, "avg" | "count" | "sum") {
        return no(refused_aggregate(name));
    }
    if function.params.filter.is_some() {
        return no(&rules::ARM);
    }
    if !function.params.order_by.is_empty() {
        return no(&rules::AGGREGATE);
    }
    if name == "count" {
        counted(scope, rows, function, weighted, amounts)
    } else {
        summed(scope, function, weighted, amounts)
    }
}

/// Sums and means are rounded, counts are not.
fn is_rounded(expr: &Expr) -> bool {
    matches!(expr, Expr::AggregateFunction(function) if matches!(function.func.name(), "avg" | "sum"))
}

fn refused_aggregate(name: &str) -> &'static crate::error::Rule {
    if name == "grouping" { &rules::GROUPING_SETS } else { &rules::AGGREGATE }
}

fn counted(
    scope: Scope<'_>,
    rows: &Rows,
    function: AggregateFunction,
    weighted: bool,
    amounts: &mut Amounts,
) -> Result<Watched, Refusal> {
    let distinct = function.params.distinct;
    if measure::counts_rows(&function) && !distinct {
        refuse_weights(weighted)?;
        let expr = Expr::AggregateFunction(function);
        // One row a person: rows and persons are one number, and the ledger need not find out.
        let value = if rows.unique == Unique::Person { Value::Persons(ROWS) } else { Value::Total(ROWS) };
        return Ok(Watched { expr, value, checks: vec![Check::Even(ROWS)], argument: None });
    }
    let Some(fact) = measure::counted_column(scope, &function)? else { return no(&rules::ARM) };
    let key = match fact.kind {
        Kind::Hidden => return no(&rules::RESERVED),
        Kind::Key { .. } => true,
        Kind::Id(_) | Kind::Measure | Kind::Other | Kind::Place => false,
    };
    if distinct && !key {
        return no(&rules::DISTINCT_COUNT);
    }
    if distinct && rows.holds(fact) {
        let expr = Expr::AggregateFunction(function);
        return Ok(Watched { expr, value: Value::Persons(ROWS), checks: Vec::new(), argument: None });
    }
    if !distinct {
        refuse_weights(weighted)?;
    }
    let column = function.params.args.first().cloned().unwrap_or_else(|| lit(1.0));
    let present = column.is_not_null();
    let tally = amounts.rows_where(present.clone())?;
    let absent = amounts.rows_where(not(present.clone()))?;
    let rest = Check::Branch { tally: absent, chosen: fact.chosen, even: !distinct };
    let (value, enough) = if distinct {
        (Value::Persons(tally), Check::Persons { tally, more: 0 })
    } else {
        (Value::Total(tally), Check::Even(tally))
    };
    let expr = Expr::AggregateFunction(function);
    Ok(Watched { expr, value, checks: vec![enough, rest], argument: Some((present, fact)) })
}

fn summed(
    scope: Scope<'_>,
    mut function: AggregateFunction,
    weighted: bool,
    amounts: &mut Amounts,
) -> Result<Watched, Refusal> {
    if function.params.distinct {
        return no(&rules::AGGREGATE);
    }
    if !measure::summed_measure(scope, &function)? {
        let [arg] = function.params.args.as_slice() else { return no(&rules::DECOMP) };
        return no(if has_selector(arg) { &rules::ARM } else { &rules::DECOMP });
    }
    refuse_weights(weighted)?;
    let Some(arg) = function.params.args.pop() else { return no(&rules::DECOMP) };
    let fact = scope.column_fact(&arg)?.ok_or_else(|| Refusal::of(&rules::DECOMP))?;
    let arg = total(scope, arg)?;
    function.params.args.push(arg.clone());
    let present = arg.clone().is_not_null();
    let amount = Expr::TryCast(TryCast::new(Box::new(arg), DataType::Float64));
    let tally = amounts.tally(amount)?;
    let absent = amounts.rows_where(not(present.clone()))?;
    let checks = vec![Check::Even(tally), Check::Branch { tally: absent, chosen: fact.chosen, even: true }];
    let value = if function.func.name() == "avg" {
        Value::Mean { total: tally, count: amounts.rows_where(present.clone())? }
    } else {
        Value::Total(tally)
    };
    Ok(Watched { expr: Expr::AggregateFunction(function), value, checks, argument: Some((present, fact)) })
}

/// Whether a condition hides in an argument: only for the sentence.
fn has_selector(arg: &Expr) -> bool {
    matches!(facts::bare(arg), Expr::Case(_)) || arg.to_string().contains("CASE")
}

fn refuse_weights(weighted: bool) -> Result<(), Refusal> {
    if weighted { no(&rules::WEIGHT) } else { Ok(()) }
}

fn one_where(condition: Expr) -> Expr {
    let arm = (Box::new(condition), Box::new(lit(1.0)));
    Expr::Case(Case { expr: None, when_then_expr: vec![arm], else_expr: None })
}
