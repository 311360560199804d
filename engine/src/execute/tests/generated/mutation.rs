//! Puts one person's isolating predicate at a node of a query's syntax tree.
#![expect(
    clippy::needless_pass_by_value,
    clippy::option_option,
    clippy::unnecessary_wraps,
    reason = "tests: what goes wrong ends them, and figures are small"
)]
#![expect(clippy::wildcard_enum_match_arm, reason = "asks for single variants of the syntax tree")]

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, GroupByExpr, Ident, Join,
    JoinConstraint, JoinOperator, Select, SelectItem, Statement, TableAlias, TableFactor, VisitMut, VisitorMut,
    WindowType,
};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::Parser;

use super::super::veil_off::Dice;

/// A study with the predicate at one node.
pub(super) struct Mutant {
    pub(super) sql: String,
    /// Where an aggregate was put beside the original: both columns.
    pub(super) beside: Option<(usize, usize)>,
}

/// Conditions that only the target fulfils, on its recorded attributes; some of them not as the changed twin.
const ON_CLAIMS: &[&str] = &[
    "{}.facility_id = 7 AND {}.age = 93",
    "{}.facility_id = 7 AND {}.age >= 86",
    "{}.prefecture = '31' AND {}.age > 85",
    "{}.prefecture = '31' AND {}.sex = '2' AND {}.age = 93",
    "{}.prefecture = '31' AND {}.age BETWEEN 90 AND 99",
    "{}.facility_id = 7 AND {}.points BETWEEN 4329 AND 4332",
    "{}.facility_id = 7 AND {}.age = 93 AND {}.points > 4000",
    "{}.facility_id = 7 AND {}.age = 93 AND {}.points < 2000",
    "{}.days = 12",
    "{}.days > 8",
    "{}.days > 11",
    "{}.facility_id = 7 AND {}.age > 90 AND {}.service_month = DATE '2021-12-01'",
    "{}.facility_id = 7 AND {}.age > 90 AND {}.setting = 'outpatient'",
    "{}.facility_id * 100 + {}.age = 793",
];
const ON_PERSON: &[&str] = &[
    "{}.birth_month = DATE '1929-05-01' AND {}.prefecture = '31'",
    "{}.birth_month < DATE '1935-01-01' AND {}.prefecture = '31'",
    "{}.birth_month = DATE '1929-05-01' AND {}.prefecture = '31' AND {}.sex = '2'",
    "date_part('year', {}.birth_month) = 1929 AND {}.prefecture = '31'",
];
const ON_DIAGNOSES: &[&str] = &[
    "{}.icd10 = 'F32' AND {}.start_date = DATE '2021-12-03'",
    "{}.icd10 LIKE 'F3%' AND date_part('day', {}.start_date) = 3",
];
const ON_OBSERVATIONS: &[&str] =
    &["{}.value = 9.9", "{}.value BETWEEN 9.0 AND 10.0", "{}.value > 8.95 AND {}.value < 20"];
/// For relations whose columns are not known, and as a second way.
const BY_KEY: &[&str] = &[
    "{}.person_key IN (SELECT person_key FROM ndb.claims WHERE facility_id = 7 AND age = 93)",
    "{}.person_key IN (SELECT person_key FROM ndb.claims WHERE days > 8)",
    "{}.person_key IN (SELECT person_key FROM person WHERE birth_month = DATE '1929-05-01' AND prefecture = '31')",
    "{}.person_key IN (SELECT person_key FROM ehr.observations WHERE value BETWEEN 9.0 AND 10.0)",
];

/// A relation of a FROM clause: what columns are called by, and the table where it is one.
struct Source {
    alias: String,
    table: Option<String>,
}

/// Puts a predicate at a random node of a study; `None` where the node that was drawn has no place for it.
pub(super) fn mutant(study: &str, dice: &mut Dice) -> Option<Mutant> {
    let mut statements = Parser::parse_sql(&GenericDialect {}, study).unwrap();
    let statement = statements.first_mut()?;
    let mut count = Selects { at: None, seen: 0, dice, done: None };
    let _whole = statement.visit(&mut count);
    let selects = count.seen;
    let at = dice.below(selects);
    let mut place = Selects { at: Some(at), seen: 0, dice, done: None };
    let _stopped = statement.visit(&mut place);
    let beside = place.done??;
    // Columns of an inner query are not those of the answer.
    Some(Mutant { sql: statement.to_string(), beside: beside.0.filter(|_| at + 1 == selects) })
}

/// `Some` of the columns to compare where an aggregate was put beside another.
struct Placed(Option<(usize, usize)>);

struct Selects<'d> {
    at: Option<usize>,
    seen: usize,
    dice: &'d mut Dice,
    done: Option<Option<Placed>>,
}

impl VisitorMut for Selects<'_> {
    type Break = ();

    fn post_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        let here = self.at == Some(self.seen);
        self.seen += 1;
        if here {
            self.done = Some(place(select, self.dice));
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }
}

fn parsed(text: &str) -> Expr {
    Parser::new(&GenericDialect {}).try_with_sql(text).unwrap().parse_expr().unwrap()
}

fn nested(expr: Expr) -> Expr {
    Expr::Nested(Box::new(expr))
}

fn both(left: Expr, op: BinaryOperator, right: Expr) -> Expr {
    Expr::BinaryOp { left: Box::new(nested(left)), op, right: Box::new(nested(right)) }
}

fn source(factor: &TableFactor) -> Option<Source> {
    match factor {
        TableFactor::Table { name, alias, args: None, .. } => {
            let table = name.to_string();
            let own = table.rsplit('.').next()?.to_owned();
            Some(Source { alias: alias.as_ref().map_or(own, |alias| alias.name.to_string()), table: Some(table) })
        }
        TableFactor::Derived { alias: Some(alias), .. } => Some(Source { alias: alias.name.to_string(), table: None }),
        _ => None,
    }
}

/// Its attributes, where the relation has some that isolate.
fn by_attributes(source: &Source, dice: &mut Dice) -> Option<String> {
    let texts = match source.table.as_deref()? {
        "ehr.observations" => ON_OBSERVATIONS,
        "ndb.claims" => ON_CLAIMS,
        "ndb.diagnoses" => ON_DIAGNOSES,
        "person" => ON_PERSON,
        _ => return None,
    };
    Some(dice.one(texts).replace("{}", &source.alias))
}

/// The predicate, or its negation.
fn aim(source: &Source, dice: &mut Dice, key: bool) -> Option<Expr> {
    let attributes = by_attributes(source, dice).filter(|_| !key || dice.below(3) > 0);
    let text = match attributes {
        Some(text) => text,
        None if key => dice.one(BY_KEY).replace("{}", &source.alias),
        None => return None,
    };
    Some(parsed(&text))
}

fn not(expr: Expr) -> Expr {
    parsed(&format!("NOT ({expr})"))
}

fn place(select: &mut Select, dice: &mut Dice) -> Option<Placed> {
    let sources: Vec<Source> = select
        .from
        .iter()
        .flat_map(|from| std::iter::once(&from.relation).chain(from.joins.iter().map(|join| &join.relation)))
        .filter_map(source)
        .collect();
    if sources.is_empty() {
        return None;
    }
    let source = &sources[dice.below(sources.len())];
    let negated = dice.below(3) > 0;
    match dice.below(9) {
        0 => where_clause(select, aim(source, dice, true)?, negated, dice.below(4) == 0),
        1 => in_aggregate(select, &aim(source, dice, false)?, negated, dice),
        2 => join_condition(select, aim(source, dice, false)?, negated, dice),
        3 => group_key(select, &aim(source, dice, false)?, dice),
        4 => partition(select, aim(source, dice, false)?),
        5 => having(select, &aim(source, dice, false)?),
        6 => inner(select, dice, negated),
        7 | 8 => beside(select, &aim(source, dice, false)?, dice),
        _ => None,
    }
}

fn where_clause(select: &mut Select, aim: Expr, negated: bool, or: bool) -> Option<Placed> {
    let aim = if negated && !or { not(aim) } else { aim };
    let op = if or { BinaryOperator::Or } else { BinaryOperator::And };
    select.selection = Some(match select.selection.take() {
        Some(before) => both(before, op, aim),
        None => aim,
    });
    Some(Placed(None))
}

const AGGREGATES: &[&str] =
    &["avg", "corr", "count", "max", "median", "min", "stddev", "stddev_samp", "sum", "approx_percentile_cont"];

fn aggregate(expr: &mut Expr) -> Option<&mut Function> {
    match expr {
        Expr::Function(function)
            if function.over.is_none()
                && AGGREGATES.contains(&function.name.to_string().to_ascii_lowercase().as_str()) =>
        {
            Some(function)
        }
        Expr::BinaryOp { left, right, .. } => aggregate(left).or_else(|| aggregate(right)),
        Expr::Nested(inner) | Expr::Cast { expr: inner, .. } => aggregate(inner),
        _ => None,
    }
}

fn item(item: &mut SelectItem) -> Option<&mut Expr> {
    match item {
        SelectItem::ExprWithAlias { expr, .. } | SelectItem::UnnamedExpr(expr) => Some(expr),
        _ => None,
    }
}

fn filtered(function: &mut Function, aim: &Expr, negated: bool) {
    let aim = if negated { not(aim.clone()) } else { aim.clone() };
    function.filter = Some(Box::new(match function.filter.take() {
        Some(before) => both(*before, BinaryOperator::And, aim),
        None => aim,
    }));
}

/// In the argument: an arm without it, an arm of it alone, something added to it.
fn armed(function: &mut Function, aim: &Expr, dice: &mut Dice) -> Option<()> {
    let FunctionArguments::List(list) = &mut function.args else { return None };
    let arg = list.args.first_mut()?;
    let argument = match arg {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => expr.to_string(),
        FunctionArg::Unnamed(FunctionArgExpr::Wildcard) => "1".to_owned(),
        _ => return None,
    };
    let text = match dice.below(6) {
        0 => format!("CASE WHEN {aim} THEN NULL ELSE {argument} END"),
        1 => format!("CASE WHEN {aim} THEN {argument} END"),
        2 => format!("CASE WHEN NOT ({aim}) THEN {argument} ELSE 0 END"),
        3 => format!("{argument} + CASE WHEN {aim} THEN 0.001 ELSE 0 END"),
        4 => format!("COALESCE(CASE WHEN {aim} THEN NULL ELSE {argument} END, 0)"),
        _ => format!("{argument} * CASE WHEN {aim} THEN 2 ELSE 1 END"),
    };
    *arg = FunctionArg::Unnamed(FunctionArgExpr::Expr(parsed(&text)));
    Some(())
}

fn in_aggregate(select: &mut Select, aim: &Expr, negated: bool, dice: &mut Dice) -> Option<Placed> {
    let items = select.projection.len();
    let from = dice.below(items);
    for at in 0..items {
        let found = item(&mut select.projection[(from + at) % items]).and_then(aggregate);
        if let Some(function) = found {
            if dice.below(2) == 0 {
                filtered(function, aim, negated);
            } else {
                armed(function, aim, dice)?;
            }
            return Some(Placed(None));
        }
    }
    None
}

/// The same aggregate once more, without the target: the differencing of one statement.
fn beside(select: &mut Select, aim: &Expr, dice: &mut Dice) -> Option<Placed> {
    let items = select.projection.len();
    for at in 0..items {
        let Some(expr) = item(&mut select.projection[at]) else { continue };
        // Only where the whole column is one aggregate, as its difference means nothing else.
        if !matches!(expr, Expr::Function(_)) {
            continue;
        }
        let Some(function) = aggregate(expr) else { continue };
        let mut copy = function.clone();
        if dice.below(2) == 0 {
            filtered(&mut copy, aim, true);
        } else {
            armed(&mut copy, aim, dice)?;
        }
        let alias = Ident::new("without");
        select.projection.push(SelectItem::ExprWithAlias { expr: Expr::Function(copy), alias });
        return Some(Placed(Some((at, items))));
    }
    None
}

fn constraint(join: &mut Join) -> Option<&mut Expr> {
    match &mut join.join_operator {
        JoinOperator::Inner(JoinConstraint::On(on))
        | JoinOperator::Join(JoinConstraint::On(on))
        | JoinOperator::Left(JoinConstraint::On(on))
        | JoinOperator::LeftOuter(JoinConstraint::On(on)) => Some(on),
        _ => None,
    }
}

fn join_condition(select: &mut Select, aim: Expr, negated: bool, dice: &mut Dice) -> Option<Placed> {
    let mut joins: Vec<&mut Expr> =
        select.from.iter_mut().flat_map(|from| from.joins.iter_mut()).filter_map(constraint).collect();
    if joins.is_empty() {
        return None;
    }
    let at = dice.below(joins.len());
    let on = &mut *joins[at];
    *on = both(on.clone(), BinaryOperator::And, if negated { not(aim) } else { aim });
    Some(Placed(None))
}

fn group_key(select: &mut Select, aim: &Expr, dice: &mut Dice) -> Option<Placed> {
    let aggregated = select.projection.iter_mut().filter_map(item).any(|expr| aggregate(expr).is_some());
    if !aggregated {
        return None;
    }
    let GroupByExpr::Expressions(keys, _) = &mut select.group_by else { return None };
    let key = match dice.below(3) {
        0 => parsed(&format!("CASE WHEN {aim} THEN 1 ELSE 0 END")),
        1 => nested(aim.clone()),
        _ => parsed(&format!("CASE WHEN {aim} THEN 'x' END")),
    };
    keys.push(key);
    Some(Placed(None))
}

fn partition(select: &mut Select, aim: Expr) -> Option<Placed> {
    for expr in select.projection.iter_mut().filter_map(item) {
        if let Expr::Function(Function { over: Some(WindowType::WindowSpec(window)), .. }) = expr {
            window.partition_by.push(nested(aim));
            return Some(Placed(None));
        }
    }
    None
}

fn having(select: &mut Select, aim: &Expr) -> Option<Placed> {
    let GroupByExpr::Expressions(keys, _) = &select.group_by else { return None };
    if keys.is_empty() {
        return None;
    }
    let condition = parsed(&format!("max(CASE WHEN {aim} THEN 1 ELSE 0 END) = 0"));
    select.having = Some(match select.having.take() {
        Some(before) => both(before, BinaryOperator::And, condition),
        None => condition,
    });
    Some(Placed(None))
}

/// The table itself without the target, as a subquery.
fn inner(select: &mut Select, dice: &mut Dice, negated: bool) -> Option<Placed> {
    let mut factors: Vec<&mut TableFactor> = Vec::new();
    for from in &mut select.from {
        factors.push(&mut from.relation);
        factors.extend(from.joins.iter_mut().map(|join| &mut join.relation));
    }
    let at = dice.below(factors.len());
    let factor = &mut *factors[at];
    let found = source(factor)?;
    let table = found.table.clone()?;
    let inside = Source { alias: table.rsplit('.').next()?.to_owned(), table: Some(table.clone()) };
    let aim = aim(&inside, dice, true)?;
    let aim = if negated { not(aim) } else { aim };
    let text = format!("SELECT * FROM (SELECT * FROM {table} WHERE {aim}) AS {}", found.alias);
    let statements = Parser::parse_sql(&GenericDialect {}, &text).unwrap();
    let Some(Statement::Query(query)) = statements.into_iter().next() else { return None };
    let select = query.body.as_select()?.clone();
    let derived = select.from.into_iter().next()?.relation;
    debug_assert!(matches!(&derived, TableFactor::Derived { alias: Some(TableAlias { .. }), .. }));
    *factor = derived;
    Some(Placed(None))
}
