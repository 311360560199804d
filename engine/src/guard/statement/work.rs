//! The three statements that change something: CREATE TABLE and CREATE VIEW AS SELECT, and DROP, in the schema `work` alone.
//! Every other one stays refused by its first word (V-DDL).

use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{self, ObjectName, ObjectType, Query, Spanned};
use datafusion::sql::sqlparser::tokenizer::Location;

use super::{Parsed, looked, placed, statement_of};
use crate::error::{Refusal, Rule, rules};
use crate::guard::kept::is_plain;
use crate::relations::CATALOG;

/// The schema of a project's own tables and views.
pub(crate) const SCHEMA: &str = "work";

/// A change of the project's workspace.
pub(crate) struct WorkStatement {
    /// The object's own name, without its schema.
    pub(crate) name: String,
    pub(crate) change: Change,
}

/// Which one.
pub(crate) enum Change {
    DropTable,
    DropView,
    /// Its query, ready to be planned.
    Table(Box<Parsed>),
    /// The same, with its text.
    View(Box<Parsed>, String),
}

impl WorkStatement {
    /// `None`: it is none of the three, or names nothing in `work`; the guard judges it.
    pub(crate) fn of(sql: &str) -> Result<Option<Self>, Refusal> {
        if !may_change(sql) {
            return Ok(None);
        }
        let Statement::Statement(statement) = statement_of(sql)? else { return Ok(None) };
        let text = statement.to_string();
        let (name, change, whole) = match *statement {
            ast::Statement::CreateTable(create) => {
                let Some(name) = in_work(&create.name) else { return Ok(None) };
                let query = create.query.ok_or_else(|| Refusal::of(&rules::WORK_FORM))?;
                let whole = format!("CREATE TABLE {} AS {query}", create.name);
                (name, Change::Table(Box::new(inner(query)?)), whole)
            }
            ast::Statement::CreateView(create) => {
                let Some(name) = in_work(&create.name) else { return Ok(None) };
                let whole = format!("CREATE VIEW {} AS {}", create.name, create.query);
                let select = create.query.to_string();
                (name, Change::View(Box::new(inner(create.query)?), select), whole)
            }
            ast::Statement::Drop { object_type, names, .. } => {
                let [object] = names.as_slice() else { return Ok(None) };
                let Some(name) = in_work(object) else { return Ok(None) };
                let change = match object_type {
                    ObjectType::Table => Change::DropTable,
                    ObjectType::View => Change::DropView,
                    _ => return Ok(None),
                };
                (name, change, format!("DROP {object_type} {object}"))
            }
            _ => return Ok(None),
        };
        let name = name?;
        // Printed again from its parts alone: what is missing then is an option.
        if whole == text { Ok(Some(Self { name, change })) } else { Err(Refusal::of(&rules::WORK_FORM).at(1, 1)) }
    }
}

fn inner(query: Box<Query>) -> Result<Parsed, Refusal> {
    looked(Statement::Statement(Box::new(ast::Statement::Query(query))))
}

/// Whether the first word is CREATE or DROP.
fn may_change(sql: &str) -> bool {
    use datafusion::sql::sqlparser::dialect::GenericDialect;
    use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};
    if sql.len() > super::TEXT_BYTES_MAX {
        return false;
    }
    let Ok(tokens) = Tokenizer::new(&GenericDialect {}, sql).tokenize() else { return false };
    let first = tokens.into_iter().find(|token| !matches!(token, Token::Whitespace(_)));
    let Some(Token::Word(word)) = first else { return false };
    word.quote_style.is_none() && ["create", "drop"].iter().any(|verb| word.value.eq_ignore_ascii_case(verb))
}

/// The name behind `work.`; `None` if it stands in another schema or in none.
pub(super) fn in_work(name: &ObjectName) -> Option<Result<String, Refusal>> {
    let at = name.span().start;
    let parts: Vec<String> = name
        .0
        .iter()
        .map(|part| part.as_ident())
        .map(|ident| {
            ident.map(|ident| match ident.quote_style {
                Some(_) => ident.value.clone(),
                None => ident.value.to_lowercase(),
            })
        })
        .collect::<Option<_>>()?;
    let own = match parts.as_slice() {
        [schema, own] if schema == SCHEMA => own,
        [catalog, schema, own] if catalog == CATALOG && schema == SCHEMA => own,
        _ => return None,
    };
    Some(checked(own, at))
}

fn checked(own: &str, at: Location) -> Result<String, Refusal> {
    let small = own.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    let rule: &Rule = &rules::WORK_NAME;
    if small && is_plain(own) { Ok(own.to_owned()) } else { Err(placed(rule, at)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(sql: &str) -> Result<Option<String>, &'static str> {
        WorkStatement::of(sql).map(|found| found.map(|found| found.name)).map_err(|refusal| refusal.code)
    }

    #[test]
    fn the_three_statements_are_read() {
        for sql in [
            "CREATE TABLE work.a AS SELECT 1",
            "create table WORK.A as select 1;",
            "CREATE TABLE \"work\".\"a\" AS SELECT 1",
            "-- first\nCREATE VIEW sudare.work.a AS SELECT 1",
            "CREATE VIEW work.a AS (SELECT 1)",
            "DROP TABLE work.a",
            "DROP VIEW work.a",
        ] {
            assert_eq!(read(sql), Ok(Some("a".to_owned())), "{sql}");
        }
    }

    #[test]
    fn everything_else_is_left_to_the_guard() {
        for sql in [
            "SELECT 1",
            "CREATE TABLE mine AS SELECT 1",
            "CREATE TABLE public.x AS SELECT 1",
            "CREATE TABLE ndb.claims AS SELECT 1",
            "CREATE TABLE other.work.x AS SELECT 1",
            "CREATE TABLE \"WORK\".x AS SELECT 1",
            "CREATE TABLE \"work.x\" AS SELECT 1",
            "CREATE SCHEMA work",
            "CREATE EXTERNAL TABLE work.x STORED AS CSV LOCATION '/etc/passwd'",
            "DROP TABLE ndb.claims",
            "DROP TABLE work.a, ndb.claims",
            "DROP SCHEMA work",
            "DROP INDEX work.a",
            "ALTER TABLE work.a ADD COLUMN x INT",
            "INSERT INTO work.a SELECT 1",
            "TRUNCATE TABLE work.a",
        ] {
            assert_eq!(read(sql), Ok(None), "{sql}");
            assert!(super::super::parse(sql).is_err() || sql == "SELECT 1", "{sql}");
        }
    }

    #[test]
    fn names_and_options_are_refused_with_a_sentence() {
        for (sql, code) in [
            ("CREATE TABLE work.\"a.b\" AS SELECT 1", "guard/work-name"),
            ("CREATE TABLE work.\"A\" AS SELECT 1", "guard/work-name"),
            ("CREATE TABLE work.\"../a\" AS SELECT 1", "guard/work-name"),
            ("CREATE TABLE work.__x AS SELECT 1", "guard/reserved-name"),
            ("CREATE OR REPLACE TABLE work.a AS SELECT 1", "guard/work-form"),
            ("CREATE TABLE IF NOT EXISTS work.a AS SELECT 1", "guard/work-form"),
            ("CREATE TEMPORARY TABLE work.a AS SELECT 1", "guard/work-form"),
            ("CREATE TABLE work.a (x INT)", "guard/work-form"),
            ("CREATE TABLE work.a (x INT) AS SELECT 1", "guard/work-form"),
            ("CREATE MATERIALIZED VIEW work.a AS SELECT 1", "guard/work-form"),
            ("CREATE VIEW work.a (x) AS SELECT 1", "guard/work-form"),
            ("DROP TABLE IF EXISTS work.a", "guard/work-form"),
            ("DROP TABLE work.a CASCADE", "guard/work-form"),
            ("CREATE TABLE work.a AS SELECT 1; SELECT 1", "guard/several-statements"),
            ("CREATE TABLE work.a AS SELECT random()", "guard/volatile"),
            ("CREATE TABLE work.a AS SELECT * FROM '/etc/passwd'", "guard/file"),
        ] {
            assert_eq!(read(sql), Err(code), "{sql}");
        }
    }
}
