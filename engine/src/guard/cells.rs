//! An aggregate that leaves rows behind: its hidden columns, and the veil above it (DESIGN.md, rules 2 and 6).

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::DFSchema;
use datafusion::logical_expr::expr::{AggregateFunction, TryCast};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{Aggregate, Case, Expr, Extension, LogicalPlan, lit, not};

use super::aggregate::function_of;
use super::branches::{self, checks::Whole, keys, keys::Counted};
use super::expression::{no, total};
use super::facts::{self, Fact, Kind, Level, Open, Rows, Scope, Unique, Walked};
use super::sets::Keys;
use super::statistics::{self, Asked, Source};
use super::{Guard, institutions, measure, planned};
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
    /// Where its argument is there, and each branch of it, with what that depends on; none if every row has one.
    pub(super) arguments: Vec<(Expr, Fact)>,
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
        groups: Keys,
        aggregates: Vec<Expr>,
    ) -> Result<Walked, Refusal> {
        refuse_named_groups(&groups.keys)?;
        let schema = Arc::clone(plan.schema());
        let scope = Scope { schema: &schema, facts: Some(&rows.facts) };
        let weighted = !groups.cover(rows);
        let names = NamePreserver::new_for_projection();
        let (mut visible, mut hidden, mut cells) = (Vec::new(), Vec::new(), Vec::new());
        let mut amounts = Amounts::new();
        let keys = groups.keys.iter().fold(Fact::PLAIN, |sum, (_, fact)| sum.mixed(*fact));
        let row_places = self.place_columns(&schema, rows, keys.sides, None, (&mut hidden, &mut amounts))?;
        let source = Source { plan: &plan, scope, rows, profile: self.profile, weighted };
        let mut asked = Asked::default();
        for expr in aggregates {
            let saved = names.save(&expr);
            let watched = match &rows.institutions {
                Some(of) => institutions::watched(scope, of, expr, &mut amounts)?,
                None => match statistics::watched(source, &expr, &mut asked, &mut amounts)? {
                    Some(watched) => watched,
                    None => watched(scope, rows, expr, weighted, &mut amounts)?,
                },
            };
            let rounded = is_rounded(&watched.expr);
            visible.push(saved.restore(watched.expr));
            let mut places = Vec::new();
            for (present, fact) in &watched.arguments {
                let sides = keys.sides | fact.sides;
                places.extend(self.place_columns(&schema, rows, sides, Some(present), (&mut hidden, &mut amounts))?);
            }
            cells.push(CellRule { value: watched.value, checks: watched.checks, places, rounded });
        }
        self.note_reasons(&cells, &row_places);
        let counting = Counting::default();
        if groups.has_sets() {
            // Each set reads a batch from its beginning again.
            counting.by_person();
        }
        let by_place = self.tallies_by_place(&schema, rows, (&amounts, &counting), &mut hidden)?;
        let person = facts::named(&schema, &rows.lineage)?;
        let tallies = self.tallies(person, (amounts, counting.clone()), &mut hidden);
        let spec = VeilSpec {
            groups: groups.columns(),
            grouping_sets: groups.has_sets(),
            two_valued: groups.two_valued(),
            cells,
            tallies,
            by_place,
            row_places,
            counting,
            thresholds: self.profile.into(),
            max_groups: self.profile.max_groups,
        };
        let open = if groups.columns() == 0 { 1 } else { CELLS };
        let group_expr = groups.into_group_expr();
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

    /// The same tallies by institution, where groups by institution are aggregated again.
    fn tallies_by_place(
        &mut self,
        schema: &DFSchema,
        rows: &Rows,
        (amounts, counting): (&Amounts, &Counting),
        hidden: &mut Vec<Expr>,
    ) -> Result<Option<String>, Refusal> {
        let Some(of) = &rows.institutions else { return Ok(None) };
        // Windows bring rows into the order of their institutions.
        counting.by_person();
        let same = Amounts(amounts.0.clone());
        Ok(Some(self.tallies(facts::named(schema, &of.place)?, (same, counting.clone()), hidden)))
    }

    /// Adds the hidden column of all tallies by person, or by institution; its name.
    fn tallies(&mut self, whose: Expr, (amounts, counting): (Amounts, Counting), hidden: &mut Vec<Expr>) -> String {
        let name = self.hidden_name();
        let function = tally::tally(amounts.0.len(), self.profile.dominance_n, self.marks.clone(), counting);
        let mut args = vec![whose];
        args.extend(amounts.0);
        let call = AggregateFunction::new_udf(function, args, false, None, vec![], None);
        hidden.push(Expr::AggregateFunction(call).alias(&name));
        name
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
    mut function: AggregateFunction,
    weighted: bool,
    amounts: &mut Amounts,
) -> Result<Watched, Refusal> {
    let distinct = function.params.distinct;
    let filter = filter_of(scope, &mut function)?;
    let rows_only = measure::counts_rows(&function) && !distinct;
    if rows_only && filter.is_none() {
        refuse_weights(weighted)?;
        let expr = Expr::AggregateFunction(function);
        // One row a person: rows and persons are one number, and the ledger need not find out.
        let value = if rows.unique == Unique::Person { Value::Persons(ROWS) } else { Value::Total(ROWS) };
        return Ok(Watched { expr, value, checks: vec![Check::Even(ROWS)], arguments: Vec::new() });
    }
    let column = measure::counted_column(scope, &function)?;
    let argument = counted_argument(scope, &function, column, rows_only)?;
    if distinct && !argument.keys {
        return no(&rules::DISTINCT_COUNT);
    }
    if distinct && filter.is_none() && column.is_some_and(|fact| rows.holds(fact)) {
        let expr = Expr::AggregateFunction(function);
        return Ok(Watched { expr, value: Value::Persons(ROWS), checks: Vec::new(), arguments: Vec::new() });
    }
    if !distinct {
        refuse_weights(weighted)?;
    }
    let plain = column.filter(|_| filter.is_none());
    let fact = match plain {
        Some(fact) => fact,
        None => mixture(scope, function.params.args.first(), filter.as_ref())?,
    };
    let counted = if rows_only { None } else { Some(argument.argument) };
    let present = present(filter.as_ref(), counted.as_ref());
    let absent = not(present.clone());
    let tally = amounts.rows_where(present.clone())?;
    let (value, enough) = if distinct {
        (Value::Persons(tally), Check::Persons { tally, more: 0 })
    } else {
        (Value::Total(tally), Check::Even(tally))
    };
    let mut arguments = vec![(present, fact)];
    let rest = if distinct && plain.is_none() {
        // Whoever has the argument in one row and not in another is counted: the others are persons, not rows.
        Check::Others { tally, chosen: true }
    } else {
        if plain.is_none() {
            arguments.push((absent.clone(), fact));
        }
        Check::Branch { tally: amounts.rows_where(absent)?, chosen: fact.chosen, even: !distinct }
    };
    if let Some(counted) = counted {
        function.params.args = vec![counted];
    }
    function.params.filter = filter.map(Box::new);
    Ok(Watched { expr: Expr::AggregateFunction(function), value, checks: vec![enough, rest], arguments })
}

fn counted_argument(
    scope: Scope<'_>,
    function: &AggregateFunction,
    column: Option<Fact>,
    rows_only: bool,
) -> Result<Counted, Refusal> {
    let keys = match column.map(|fact| fact.kind) {
        Some(Kind::Hidden) => return no(&rules::RESERVED),
        Some(Kind::Key { .. }) => true,
        Some(Kind::Id(_) | Kind::Measure | Kind::Other | Kind::Place) | None => false,
    };
    match function.params.args.as_slice() {
        [argument] if column.is_none() && !rows_only => keys::counted(scope, argument),
        // A key or an id may be counted as it stands.
        [argument] => Ok(Counted { argument: argument.clone(), keys }),
        [] => Ok(Counted { argument: lit(1), keys }),
        _ => no(&rules::AGGREGATE),
    }
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
    let filter = filter_of(scope, &mut function)?;
    let Some(arg) = function.params.args.pop() else { return no(&rules::DECOMP) };
    let mut parts = branches::addends(scope, &arg)?;
    if let Some(filter) = &filter {
        parts = branches::passing(parts, filter);
    }
    refuse_weights(weighted)?;
    let fact = match scope.column_fact(&arg)?.filter(|_| filter.is_none()) {
        Some(fact) => fact,
        None => mixture(scope, Some(&arg), filter.as_ref())?,
    };
    let arg = total(scope, arg)?;
    let seen = branches::filtered(filter.as_ref(), arg.clone());
    let present = seen.clone().is_not_null();
    let amount = Expr::TryCast(TryCast::new(Box::new(seen), DataType::Float64));
    let whole = Whole { amount, present: present.clone() };
    let (tally, checks) = branches::checks::of(&parts, &whole, amounts)?;
    let value = if function.func.name() == "avg" {
        Value::Mean { total: tally, count: amounts.rows_where(present.clone())? }
    } else {
        Value::Total(tally)
    };
    let mut arguments = vec![(present, fact)];
    // A branch that nobody chose may be empty: there no institution is asked.
    for part in parts.iter().filter(|part| part.chosen && !part.guard.is_empty()) {
        let branch = (branches::all_of(&part.guard), fact);
        if !arguments.contains(&branch) {
            arguments.push(branch);
        }
    }
    function.params.args.push(arg);
    function.params.filter = filter.map(Box::new);
    Ok(Watched { expr: Expr::AggregateFunction(function), value, checks, arguments })
}

/// Takes the condition behind FILTER, allowed and total.
fn filter_of(scope: Scope<'_>, function: &mut AggregateFunction) -> Result<Option<Expr>, Refusal> {
    function.params.filter.take().map(|filter| total(scope, *filter)).transpose()
}

/// Where a FILTER passes and an argument is there; never unknown.
fn present(filter: Option<&Expr>, argument: Option<&Expr>) -> Expr {
    let passes = filter.map(|filter| Expr::IsTrue(Box::new(filter.clone())));
    let there = argument.map(|argument| argument.clone().is_not_null());
    passes.into_iter().chain(there).reduce(Expr::and).unwrap_or_else(|| lit(true))
}

/// What an argument and the condition behind FILTER depend on.
fn mixture(scope: Scope<'_>, argument: Option<&Expr>, filter: Option<&Expr>) -> Result<Fact, Refusal> {
    let each = |sum: Fact, expr| Ok(sum.mixed(scope.mixture(expr)?));
    argument.into_iter().chain(filter).try_fold(Fact { chosen: true, ..Fact::PLAIN }, each)
}

fn refuse_weights(weighted: bool) -> Result<(), Refusal> {
    if weighted { no(&rules::WEIGHT) } else { Ok(()) }
}

fn one_where(condition: Expr) -> Expr {
    let arm = (Box::new(condition), Box::new(lit(1.0)));
    Expr::Case(Case { expr: None, when_then_expr: vec![arm], else_expr: None })
}
