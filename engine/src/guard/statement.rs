//! The first look, at the text and its syntax tree: one query, nothing but a query, and only what the plan will still show.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the syntax tree's enums are asked for single variants; what the plan shows is walked exhaustively"
)]

mod parameters;
mod views;
mod work;

use std::ops::ControlFlow;

use datafusion::sql::parser::{DFParserBuilder, Statement};
use datafusion::sql::sqlparser::ast::{
    self, Distinct, Expr, FunctionArg, FunctionArgExpr, ObjectName, Query, Select, Spanned, TableFactor, Value, Visit,
    Visitor,
};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::ParserError;
use datafusion::sql::sqlparser::tokenizer::{Location, Token, Tokenizer};

pub(crate) use parameters::{Template, samples};
pub(crate) use views::{expanded, expanded_inside};
pub(crate) use work::{Change, WorkStatement};

use super::{JOINS_MAX, series};
use crate::error::{Refusal, Rule, rules};
use crate::functions;

/// Text of a query at most, in bytes (disclosure.md, "Limits against load").
const TEXT_BYTES_MAX: usize = 256 * 1024;
/// Operators in a text at most: bounds how deep an expression can grow without brackets.
const OPERATORS_MAX: usize = 400;
/// Brackets inside each other at most (the parser's own limit).
const DEPTH_MAX: usize = 50;

/// Bytes of one literal or name: an operator may hold it once for each row of a batch.
const LITERAL_BYTES_MAX: usize = 10_000;

/// A single query whose syntax tree shows nothing that is refused.
pub(crate) struct Parsed {
    /// The query.
    pub statement: Statement,
    /// Rows of the longest generated series in it.
    pub series_rows: u64,
}

/// Parses and looks.
pub(crate) fn parse(sql: &str) -> Result<Parsed, Refusal> {
    looked(statement_of(sql)?)
}

/// One statement of any kind.
fn statement_of(sql: &str) -> Result<Statement, Refusal> {
    if sql.len() > TEXT_BYTES_MAX {
        return Err(Refusal::of(&rules::TEXT));
    }
    look_at_tokens(sql)?;
    let parsed = DFParserBuilder::new(sql)
        .with_dialect(&GenericDialect {})
        .with_recursion_limit(DEPTH_MAX)
        .build()
        .and_then(|mut parser| parser.parse_statements())
        .map_err(|error| syntax(sql, &error))?;
    let Ok([statement]) = <[Statement; 1]>::try_from(Vec::from(parsed)) else {
        return Err(Refusal::of(&rules::STATEMENTS));
    };
    Ok(statement)
}

/// A query whose syntax tree has been looked at.
fn looked(statement: Statement) -> Result<Parsed, Refusal> {
    let query = query_of(&statement)?;
    let mut look = Look { joins: 0, series_rows: 0 };
    match query.visit(&mut look) {
        ControlFlow::Break(refusal) => Err(refusal),
        ControlFlow::Continue(()) => Ok(Parsed { series_rows: look.series_rows, statement }),
    }
}

/// A text whose parameters have no values yet, for the planner to say what it knows of them. Nothing of it is ever run.
pub(crate) fn for_planning(sql: &str) -> Option<Statement> {
    if sql.len() > TEXT_BYTES_MAX {
        return None;
    }
    look_at_tokens(sql).ok()?;
    let parser = DFParserBuilder::new(sql).with_dialect(&GenericDialect {}).with_recursion_limit(DEPTH_MAX).build();
    let parsed = parser.and_then(|mut parser| parser.parse_statements()).ok()?;
    let [statement] = <[Statement; 1]>::try_from(Vec::from(parsed)).ok()?;
    query_of(&statement).ok()?;
    Some(statement)
}

fn look_at_tokens(sql: &str) -> Result<(), Refusal> {
    let dialect = GenericDialect {};
    let Ok(tokens) = Tokenizer::new(&dialect, sql).tokenize_with_location() else {
        return Err(Refusal::of(&rules::SYNTAX));
    };
    let mut operators = 0;
    for token in &tokens {
        let comment = matches!(&token.token, Token::Whitespace(_));
        if !comment && token.token.to_string().len() > LITERAL_BYTES_MAX {
            return Err(placed(&rules::LITERAL, token.span.start));
        }
        match &token.token {
            // Hidden columns are found by their names: nobody else may write one, quoted or not (V-HIDDEN).
            Token::Word(word) if word.value.starts_with("__") => {
                return Err(placed(&rules::RESERVED, token.span.start));
            }
            Token::Word(word) => {
                operators += usize::from(matches!(word.value.to_ascii_lowercase().as_str(), "and" | "or" | "not"));
            }
            Token::Whitespace(_) | Token::Comma | Token::Number(..) | Token::SingleQuotedString(_) => {}
            _ => operators += 1,
        }
    }
    if operators > OPERATORS_MAX { Err(Refusal::of(&rules::TOO_DEEP)) } else { Ok(()) }
}

/// A parser's error in our words; the place is read from its text, nothing else is.
fn syntax(sql: &str, error: &datafusion::common::DataFusionError) -> Refusal {
    if let datafusion::common::DataFusionError::SQL(cause, _) = error.find_root()
        && matches!(cause.as_ref(), ParserError::RecursionLimitExceeded)
    {
        return Refusal::of(&rules::TOO_DEEP);
    }
    let first = sql.split_whitespace().next().unwrap_or_default().to_ascii_lowercase();
    let text = error.to_string();
    let number_after = |word: &str| {
        let rest = text.rsplit_once(word)?.1.trim_start();
        rest.split(|c: char| !c.is_ascii_digit()).next()?.parse::<u64>().ok()
    };
    let rule = statement_rule(&first).unwrap_or(&rules::SYNTAX);
    match (number_after("Line:"), number_after("Column:")) {
        (Some(line), Some(column)) => Refusal::of(rule).at(line, column),
        _ => Refusal::of(rule),
    }
}

fn query_of(statement: &Statement) -> Result<&Query, Refusal> {
    let rule = match statement {
        Statement::Statement(statement) => match statement.as_ref() {
            ast::Statement::Query(query) => return Ok(query),
            other => {
                let text = other.to_string();
                let first = text.split_whitespace().next().unwrap_or_default().to_ascii_lowercase();
                statement_rule(&first).unwrap_or(&rules::DDL)
            }
        },
        Statement::CopyTo(_) => &rules::COPY,
        Statement::CreateExternalTable(_) => &rules::DDL,
        Statement::Explain(_) => &rules::EXPLAIN,
        Statement::Reset(_) => &rules::SETTING,
    };
    Err(Refusal::of(rule).at(1, 1))
}

/// The sentence for a statement by its first word.
fn statement_rule(first: &str) -> Option<&'static Rule> {
    Some(match first {
        "explain" | "analyze" => &rules::EXPLAIN,
        "copy" | "unload" | "load" => &rules::COPY,
        "set" | "reset" | "use" | "pragma" => &rules::SETTING,
        "show" | "describe" | "desc" => &rules::META,
        "prepare" | "execute" | "deallocate" => &rules::PREPARE,
        "create" | "drop" | "alter" | "insert" | "update" | "delete" | "truncate" | "merge" | "grant" | "revoke"
        | "begin" | "start" | "commit" | "rollback" | "savepoint" | "vacuum" | "call" | "declare" | "attach"
        | "install" | "lock" => &rules::DDL,
        _ => return None,
    })
}

struct Look {
    joins: usize,
    series_rows: u64,
}

fn placed(rule: &Rule, at: Location) -> Refusal {
    Refusal::of(rule).at(at.line, at.column)
}

fn no(rule: &Rule, at: &impl Spanned) -> ControlFlow<Refusal> {
    ControlFlow::Break(placed(rule, at.span().start))
}

impl Visitor for Look {
    type Break = Refusal;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<Refusal> {
        if query.with.as_ref().is_some_and(|with| with.recursive) {
            return no(&rules::RECURSION, query);
        }
        let odd = query.fetch.is_some()
            || !query.locks.is_empty()
            || query.for_clause.is_some()
            || query.settings.is_some()
            || query.format_clause.is_some();
        if odd { no(&rules::NOT_SUPPORTED, query) } else { ControlFlow::Continue(()) }
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<Refusal> {
        if select.into.is_some() {
            return no(&rules::DDL, select);
        }
        if matches!(select.distinct, Some(Distinct::On(_))) {
            return no(&rules::LIMIT, select);
        }
        let lists = select.from.len().saturating_sub(1);
        self.joined(lists + select.from.iter().map(|from| from.joins.len()).sum::<usize>(), select)?;
        let odd = select.top.is_some()
            || !select.lateral_views.is_empty()
            || select.prewhere.is_some()
            || !select.connect_by.is_empty()
            || !select.cluster_by.is_empty()
            || !select.distribute_by.is_empty()
            || !select.sort_by.is_empty()
            || select.value_table_mode.is_some();
        if odd { no(&rules::NOT_SUPPORTED, select) } else { ControlFlow::Continue(()) }
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<Refusal> {
        let text = relation.to_string().to_ascii_lowercase();
        if text.contains("information_schema") || text.starts_with("pg_catalog") {
            return no(&rules::META, relation);
        }
        if text.contains('/') || text.contains('\\') || text.contains(':') {
            return no(&rules::FILE, relation);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<Refusal> {
        match factor {
            TableFactor::Table { sample: Some(_), .. } | TableFactor::Derived { sample: Some(_), .. } => {
                no(&rules::SAMPLE, factor)
            }
            TableFactor::Table { name, args: Some(args), .. } => self.table_function(name, &args.args),
            TableFactor::Function { name, args, .. } => self.table_function(name, args),
            TableFactor::Table { args: None, version, with_hints, partitions, .. } => {
                let odd = version.is_some() || !with_hints.is_empty() || !partitions.is_empty();
                if odd { no(&rules::NOT_SUPPORTED, factor) } else { ControlFlow::Continue(()) }
            }
            TableFactor::Derived { .. } => ControlFlow::Continue(()),
            TableFactor::NestedJoin { table_with_joins, .. } => self.joined(table_with_joins.joins.len(), factor),
            TableFactor::TableFunction { .. } => no(&rules::TABLE_FUNCTION, factor),
            _ => no(&rules::NOT_SUPPORTED, factor),
        }
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<Refusal> {
        match expr {
            Expr::Function(function) => {
                let name = function.name.to_string().to_ascii_lowercase();
                function_rule(&name).map_or(ControlFlow::Continue(()), |rule| no(rule, &function.name))
            }
            Expr::BinaryOp { left, right, .. } if is_placeholder(left) || is_placeholder(right) => {
                let key = |side: &Expr| side.to_string().to_ascii_lowercase().ends_with("person_key");
                no(if key(left) || key(right) { &rules::PERSON_KEY_LITERAL } else { &rules::PLACEHOLDER }, expr)
            }
            _ if is_placeholder(expr) => no(&rules::PLACEHOLDER, expr),
            _ => ControlFlow::Continue(()),
        }
    }
}

impl Look {
    /// Planning takes time for each join: too many are refused before (V-RES).
    fn joined(&mut self, joins: usize, at: &impl Spanned) -> ControlFlow<Refusal> {
        self.joins += joins;
        if self.joins > JOINS_MAX { no(&rules::JOINS, at) } else { ControlFlow::Continue(()) }
    }

    fn table_function(&mut self, name: &ObjectName, args: &[FunctionArg]) -> ControlFlow<Refusal> {
        if !functions::TABLE_FUNCTIONS.contains(&name.to_string().to_ascii_lowercase().as_str()) {
            return no(&rules::TABLE_FUNCTION, name);
        }
        let plain: Option<Vec<&Expr>> = args
            .iter()
            .map(|arg| match arg {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
                _ => None,
            })
            .collect();
        match plain.and_then(|args| series::rows(&args)) {
            Some(rows) if rows <= series::ROWS_MAX => {
                self.series_rows = self.series_rows.max(rows);
                ControlFlow::Continue(())
            }
            _ => no(&rules::GENERATED, name),
        }
    }
}

fn is_placeholder(expr: &Expr) -> bool {
    matches!(expr, Expr::Value(value) if matches!(value.value, Value::Placeholder(_)))
}

fn function_rule(name: &str) -> Option<&'static Rule> {
    let name = name.trim_matches('"');
    if functions::VOLATILE.contains(&name) {
        Some(&rules::VOLATILE)
    } else if functions::META.contains(&name) {
        Some(&rules::META)
    } else if functions::is_known(name) || matches!(name, "extract" | "substring" | "position" | "trim" | "ceiling") {
        None
    } else {
        Some(&rules::FUNCTION)
    }
}

#[cfg(test)]
mod tests;
