//! Statistics at the veil: moments, quantiles and distinct values (disclosure.md, 4f; V-DOF, V-SHAPE, V-POSITION, V-CDISTINCT).

use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::expr::{AggregateFunction, TryCast};
use datafusion::logical_expr::{BinaryExpr, Case, Expr, ExprSchemable, LogicalPlan, Operator, lit, not};
use policies::Profile;

use super::aggregate::function_of;
use super::cells::{Amounts, Watched};
use super::expression::{no, total};
use super::facts::{self, Fact, Kind, Rows, Scope, bare};
use crate::error::{Refusal, rules};
use crate::functions;
use crate::veil::distinct::distinct;
use crate::veil::observed::moments::Moment;
use crate::veil::observed::{Statistic, observed};
use crate::veil::plan::{Check, Value};
use number::Number;
pub(super) use number::to_keep;

mod number;

/// Moments of one set of variables in one SELECT (V-MOMENTS).
const MOMENTS_MAX: usize = 2;
/// Quantiles of one variable in one SELECT (V-POSITION).
const QUANTILES_MAX: usize = 9;
/// Significant digits of a moment.
const MOMENT_DIGITS: u8 = 4;
/// Significant digits that take the noise of binary fractions off a quantile; it is rounded already.
const QUANTILE_DIGITS: u8 = 6;
/// More than any count has.
const COUNT_DIGITS: u8 = 15;

/// The rows that an aggregate is over, and what holds of them.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) plan: &'a LogicalPlan,
    pub(super) scope: Scope<'a>,
    pub(super) rows: &'a Rows,
    pub(super) profile: &'a Profile,
    /// Joins may have repeated rows.
    pub(super) weighted: bool,
}

/// What one SELECT has asked for so far, by the words of the arguments.
#[derive(Default)]
pub(super) struct Asked(Vec<(String, Statistic)>);

impl Asked {
    /// Notes a statistic; false if there are more of its kind than may be.
    fn note(&mut self, of: &str, statistic: Statistic) -> bool {
        let moment = |of: Statistic| matches!(of, Statistic::Moment(_));
        if !self.0.iter().any(|(known, other)| known == of && *other == statistic) {
            self.0.push((of.to_owned(), statistic));
        }
        let same = self.0.iter().filter(|(known, other)| known == of && moment(*other) == moment(statistic));
        same.count() <= if moment(statistic) { MOMENTS_MAX } else { QUANTILES_MAX }
    }
}

/// The statistic that an aggregate is, watched; none if it is no statistic but a count, a sum or anything else.
pub(super) fn watched(
    source: Source<'_>,
    expr: &Expr,
    asked: &mut Asked,
    amounts: &mut Amounts,
) -> Result<Option<Watched>, Refusal> {
    let function = function_of(expr.clone())?;
    let name = function.func.name();
    if functions::QUANTILES.contains(&name) {
        quantile(source, &function, asked, amounts).map(Some)
    } else if functions::MOMENTS.contains(&name) {
        moment(source, &function, asked, amounts).map(Some)
    } else if name == "approx_distinct" || (name == "count" && function.params.distinct) {
        values(source, &function, amounts)
    } else {
        Ok(None)
    }
}

/// Variables of a statistic: where all of them are there, and each as a number, there alone.
struct Variables {
    present: Expr,
    fact: Fact,
    amounts: Vec<Expr>,
    words: String,
}

impl Variables {
    /// None if one of them is no plain number.
    fn of(source: Source<'_>, args: &[Expr]) -> Result<Option<Self>, Refusal> {
        let (mut fact, mut chosen) = (Fact::PLAIN, false);
        let (mut totals, mut words) = (Vec::new(), Vec::new());
        for arg in args {
            let Some(Number { optional }) = number::of(source, arg)? else { return Ok(None) };
            chosen |= optional;
            fact = fact.mixed(source.scope.mixture(arg)?);
            words.push(bare(arg).to_string());
            totals.push(total(source.scope, arg.clone())?);
        }
        let there = totals.iter().cloned().map(Expr::is_not_null).reduce(Expr::and);
        let Some(present) = there else { return Ok(None) };
        let alone = totals.len() == 1;
        let amount = |total: Expr| {
            let number = as_number(total);
            if alone { number } else { where_present(&present, number) }
        };
        let amounts = totals.into_iter().map(amount).collect();
        Ok(Some(Self { present, fact: Fact { chosen, ..fact }, amounts, words: words.join(", ") }))
    }

    /// What holds of any statistic: rows evenly spread, and who has no value is nobody or enough. The tally of the rows with it.
    fn checks(&self, more: u64, amounts: &mut Amounts) -> Result<(usize, Vec<Check>), Refusal> {
        let tally = amounts.rows_where(self.present.clone())?;
        let absent = amounts.rows_where(not(self.present.clone()))?;
        let rest = Check::Branch { tally: absent, chosen: self.fact.chosen, even: true };
        Ok((tally, vec![Check::Persons { tally, more }, Check::Even(tally), rest]))
    }

    fn argument(self) -> (Expr, Fact) {
        (self.present, self.fact)
    }
}

fn moment(
    source: Source<'_>,
    function: &AggregateFunction,
    asked: &mut Asked,
    amounts: &mut Amounts,
) -> Result<Watched, Refusal> {
    let name = function.func.name();
    let args = function.params.args.as_slice();
    let plain = is_plain(function) && function.params.order_by.is_empty();
    let variables = Moment::named(name).map_or(2, Moment::variables);
    if !plain || args.len() != variables || args.iter().any(|arg| arg.column_refs().is_empty()) {
        return no(&rules::MOMENTS);
    }
    refuse_weights(source)?;
    let Some(of) = Variables::of(source, args)? else { return no(&rules::MOMENTS) };
    // Degrees of freedom: of a line two are taken (V-DOF).
    let (tally, mut checks) = of.checks(variables as u64, amounts)?;
    let Some(moment) = Moment::named(name) else {
        let expr = Expr::AggregateFunction(totalled(source, function)?);
        return Ok(Watched { expr, value: Value::Total(tally), checks, arguments: vec![of.argument()] });
    };
    if !asked.note(&of.words, Statistic::Moment(moment)) {
        return no(&rules::MOMENTS);
    }
    let mut parts = vec![tally];
    for amount in &of.amounts {
        for power in [amount.clone(), product(amount, amount)] {
            let power = amounts.tally(power)?;
            checks.push(Check::Even(power));
            parts.push(power);
        }
    }
    if let [one, other] = of.amounts.as_slice() {
        parts.push(amounts.tally(product(one, other))?);
    }
    let mut args = of.amounts.clone();
    // SQL has the dependent variable first, an observation has it last.
    args.reverse();
    args.insert(0, facts::named(source.scope.schema, &source.rows.lineage)?);
    let expr = call(Statistic::Moment(moment), DataType::Float64, source, args);
    let value = Value::Moment { moment, of: parts, digits: MOMENT_DIGITS };
    Ok(Watched { expr, value, checks, arguments: vec![of.argument()] })
}

fn quantile(
    source: Source<'_>,
    function: &AggregateFunction,
    asked: &mut Asked,
    amounts: &mut Amounts,
) -> Result<Watched, Refusal> {
    let (true, Some(percent)) = (is_plain(function), percent_of(function)) else { return no(&rules::POSITION) };
    refuse_weights(source)?;
    let Some(arg) = function.params.args.first() else { return no(&rules::POSITION) };
    let Some(of) = Variables::of(source, std::slice::from_ref(arg))? else { return no(&rules::POSITION) };
    let returns = type_of(source, &Expr::AggregateFunction(function.clone()))?;
    let statistic = Statistic::Quantile { percent, whole: returns.is_integer() };
    let (Some(amount), true) = (of.amounts.first().cloned(), asked.note(&of.words, statistic)) else {
        return no(&rules::POSITION);
    };
    let (_, checks) = of.checks(0, amounts)?;
    let value = Value::Other { digits: QUANTILE_DIGITS };
    #[expect(clippy::cast_precision_loss, reason = "at most 95")]
    let fraction = lit(percent as f64 / 100.0);
    let args = vec![facts::named(source.scope.schema, &source.rows.lineage)?, amount, fraction];
    let expr = call(statistic, returns, source, args);
    Ok(Watched { expr, value, checks, arguments: vec![of.argument()] })
}

/// The fraction in hundredths, if it is a literal from 0.05 to 0.95 without further digits: finer ones would count by trial.
fn percent_of(function: &AggregateFunction) -> Option<u64> {
    let args = function.params.args.as_slice();
    let order = function.params.order_by.as_slice();
    let name = function.func.name();
    if matches!(name, "median" | "approx_median") {
        return (args.len() == 1 && order.is_empty()).then_some(50);
    }
    let (value, fraction) = match (name, args) {
        ("percentile_cont", [value, fraction]) => (value, fraction),
        // The third is how exact an approximation is; the answer is exact.
        ("approx_percentile_cont", [value, fraction, rest @ ..]) if rest.iter().all(number::is_literal) => {
            (value, fraction)
        }
        _ => return None,
    };
    let falling = match order {
        [] => false,
        [sort] if bare(&sort.expr) == bare(value) => !sort.asc,
        _ => return None,
    };
    let Expr::Literal(literal, _) = bare(fraction) else { return None };
    let Ok(ScalarValue::Float64(Some(fraction))) = literal.cast_to(&DataType::Float64) else { return None };
    let percent = (5..=95_u32).find(|percent| (f64::from(*percent) / 100.0 - fraction).abs() < 1e-9)?;
    Some(u64::from(if falling { 100 - percent } else { percent }))
}

/// Distinct values of a plain column; none where persons are counted.
fn values(source: Source<'_>, function: &AggregateFunction, amounts: &mut Amounts) -> Result<Option<Watched>, Refusal> {
    let [arg] = function.params.args.as_slice() else { return no(&rules::DISTINCT_COUNT) };
    let fact = if let Expr::Column(column) = arg { Some(source.scope.fact(column)?) } else { None };
    if fact.is_some_and(|fact| matches!(fact.kind, Kind::Hidden | Kind::Key { .. })) && function.func.name() == "count"
    {
        return Ok(None);
    }
    // Persons under a condition are counted as persons.
    for column in arg.column_refs() {
        if function.func.name() == "count" && matches!(source.scope.fact(column)?.kind, Kind::Key { .. }) {
            return Ok(None);
        }
    }
    let params = &function.params;
    if params.filter.is_some() || !params.order_by.is_empty() {
        return no(&rules::DISTINCT_COUNT);
    }
    let column = total(source.scope, arg.clone())?;
    let (Some(fact), Some(Number { optional })) = (fact, number::plain_column(source, arg)) else {
        return no(&rules::DISTINCT_COUNT);
    };
    let fact = Fact { chosen: optional, ..fact };
    let returns = type_of(source, &Expr::AggregateFunction(function.clone()))?;
    let of = type_of(source, &column)?;
    let present = column.clone().is_not_null();
    let tally = amounts.rows_where(present.clone())?;
    let absent = amounts.rows_where(not(present.clone()))?;
    let rest = Check::Branch { tally: absent, chosen: fact.chosen, even: false };
    let args = vec![facts::named(source.scope.schema, &source.rows.lineage)?, column];
    let call = AggregateFunction::new_udf(distinct(of, returns), args, false, None, vec![], None);
    Ok(Some(Watched {
        expr: Expr::AggregateFunction(call),
        value: Value::Other { digits: COUNT_DIGITS },
        checks: vec![Check::Persons { tally, more: 0 }, rest],
        arguments: vec![(present, fact)],
    }))
}

/// Neither DISTINCT nor FILTER nor anything about NULL.
fn is_plain(function: &AggregateFunction) -> bool {
    let params = &function.params;
    !params.distinct && params.filter.is_none() && params.null_treatment.is_none()
}

fn refuse_weights(source: Source<'_>) -> Result<(), Refusal> {
    if source.weighted { no(&rules::WEIGHT) } else { Ok(()) }
}

fn call(statistic: Statistic, returns: DataType, source: Source<'_>, args: Vec<Expr>) -> Expr {
    let function = observed(statistic, returns, source.profile);
    Expr::AggregateFunction(AggregateFunction::new_udf(function, args, false, None, vec![], None))
}

fn totalled(source: Source<'_>, function: &AggregateFunction) -> Result<AggregateFunction, Refusal> {
    let mut function = function.clone();
    let args = function.params.args.into_iter().map(|arg| total(source.scope, arg));
    function.params.args = args.collect::<Result<_, _>>()?;
    Ok(function)
}

fn type_of(source: Source<'_>, expr: &Expr) -> Result<DataType, Refusal> {
    expr.get_type(source.scope.schema).map_err(|_| Refusal::of(&rules::NOT_PLANNED))
}

fn as_number(expr: Expr) -> Expr {
    Expr::TryCast(TryCast::new(Box::new(expr), DataType::Float64))
}

fn product(one: &Expr, other: &Expr) -> Expr {
    Expr::BinaryExpr(BinaryExpr::new(Box::new(one.clone()), Operator::Multiply, Box::new(other.clone())))
}

fn where_present(present: &Expr, amount: Expr) -> Expr {
    let arm = (Box::new(present.clone()), Box::new(amount));
    Expr::Case(Case { expr: None, when_then_expr: vec![arm], else_expr: None })
}
