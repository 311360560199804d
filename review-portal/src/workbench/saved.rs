//! Queries that a project keeps. Each save is a new version, told apart by who and when; nothing is overwritten.

use jiff::Timestamp;
use policies::ProjectId;

use super::running::Number;
use super::{SQL_MAX, runs};
use crate::access::{Allowed, Query};
use crate::database::Database;
use crate::error::PortalError;
use crate::portal::Portal;
use crate::record::Note;

/// Longest title.
const TITLE_MAX: usize = 200; // characters
/// A project's list stays one page.
pub(crate) const QUERIES_MAX: i64 = 500;
/// A query's versions stay one page.
const VERSIONS_MAX: i64 = 500;

/// What a form wants kept.
#[derive(Clone, Debug)]
pub(crate) struct Text {
    pub(crate) title: String,
    pub(crate) sql: String,
}

/// Why a form's text cannot be kept; the message files have `saved.problem.<word>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    Full,
    Sql,
    Title,
}

impl Problem {
    #[cfg(test)]
    pub(crate) const ALL: [Self; 3] = [Self::Full, Self::Sql, Self::Title];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Sql => "sql",
            Self::Title => "title",
        }
    }
}

/// What came of a save.
#[derive(Debug)]
pub(crate) enum Saved {
    /// A colleague saved meanwhile; nothing was kept.
    Behind,
    /// Kept under this number.
    Kept(Number),
    /// Not kept.
    Problem(Problem),
}

/// What a list says of one version of a saved query.
#[derive(Clone, Debug)]
pub(crate) struct Heading {
    pub(crate) query: Number,
    pub(crate) version: i64,
    pub(crate) title: String,
    pub(crate) saved_at: Timestamp,
    /// Name in both languages, as the account has it.
    pub(crate) by: (String, String),
}

type Row = (String, i64, String, String, String, String);

impl Text {
    fn problem(&self) -> Option<Problem> {
        let (title, sql) = (self.title.trim(), self.sql.trim());
        if title.is_empty() || title.chars().count() > TITLE_MAX || title.chars().any(char::is_control) {
            Some(Problem::Title)
        } else if sql.is_empty() || self.sql.len() > SQL_MAX || sql.contains('\0') {
            Some(Problem::Sql)
        } else {
            None
        }
    }
}

/// Keeps a new query under the number that its form drew; the same form sent twice is one query.
pub(crate) async fn create(
    portal: &Portal,
    allowed: &Allowed<Query>,
    text: &Text,
    wanted: Number,
) -> Result<Saved, PortalError> {
    if let Some(problem) = text.problem() {
        return Ok(Saved::Problem(problem));
    }
    let (project, now) = (project(allowed)?, portal.now());
    let mut work = portal.db.begin().await?;
    let known = sqlx::query_scalar::<_, String>("select project from saved_query where id = $1");
    match known.bind(wanted.as_str()).fetch_optional(&mut *work).await? {
        Some(of) if of == project.as_str() => return Ok(Saved::Kept(wanted)),
        Some(_) => return Err(PortalError::BadForm),
        None => {}
    }
    let count = sqlx::query_scalar::<_, i64>("select count(*) from saved_query where project = $1");
    if count.bind(project.as_str()).fetch_one(&mut *work).await? >= QUERIES_MAX {
        return Ok(Saved::Problem(Problem::Full));
    }
    let insert = sqlx::query("insert into saved_query (id, project, created_at) values ($1, $2, $3)");
    let insert = insert.bind(wanted.as_str()).bind(project.as_str()).bind(format!("{now:.6}"));
    insert.execute(&mut *work).await?;
    let insert = sqlx::query(ADD);
    let insert = insert.bind(wanted.as_str()).bind(1_i64).bind(text.title.trim()).bind(text.sql.as_str());
    insert.bind(format!("{now:.6}")).bind(allowed.user.id.as_str()).execute(&mut *work).await?;
    note(allowed, project, &wanted, 1, text).append(&portal.audit, now).await?;
    work.commit().await?;
    Ok(Saved::Kept(wanted))
}

/// Keeps a new version of a query whose latest version is still `base`.
pub(crate) async fn add(
    portal: &Portal,
    allowed: &Allowed<Query>,
    text: &Text,
    (query, base): (&Number, i64),
) -> Result<Saved, PortalError> {
    let now = portal.now();
    let project = project(allowed)?;
    if let Some(problem) = text.problem() {
        return Ok(Saved::Problem(problem));
    }
    let mut work = portal.db.begin().await?;
    let latest = sqlx::query_as::<_, (i64, String, String)>(
        "select version.version, version.title, version.sql from saved_query_version version
         join saved_query on saved_query.id = version.query
         where version.query = $1 and saved_query.project = $2 order by version.version desc limit 1",
    );
    let latest = latest.bind(query.as_str()).bind(project.as_str()).fetch_optional(&mut *work).await?;
    let (latest, title, sql) = latest.ok_or(PortalError::NotFound)?;
    if title == text.title.trim() && sql == text.sql {
        // Nothing changed, or the same form came twice.
        return Ok(Saved::Kept(query.clone()));
    }
    if latest != base {
        return Ok(Saved::Behind);
    }
    if latest >= VERSIONS_MAX {
        return Ok(Saved::Problem(Problem::Full));
    }
    let insert = sqlx::query(ADD);
    let insert = insert.bind(query.as_str()).bind(latest + 1).bind(text.title.trim()).bind(text.sql.as_str());
    let insert = insert.bind(format!("{now:.6}")).bind(allowed.user.id.as_str());
    if let Err(cause) = insert.execute(&mut *work).await {
        // On a database without one writer at a time the key decides who came second.
        let second = cause.as_database_error().is_some_and(sqlx::error::DatabaseError::is_unique_violation);
        return if second { Ok(Saved::Behind) } else { Err(PortalError::Database(cause)) };
    }
    note(allowed, project, query, latest + 1, text).append(&portal.audit, now).await?;
    work.commit().await?;
    Ok(Saved::Kept(query.clone()))
}

const ADD: &str = "insert into saved_query_version (query, version, title, sql, saved_at, saved_by)
                   values ($1, $2, $3, $4, $5, $6)";

/// The latest version of each query of the project, the last saved first, at most `count`.
pub(crate) async fn list(db: &Database, allowed: &Allowed<Query>, count: i64) -> Result<Vec<Heading>, PortalError> {
    let rows = sqlx::query_as::<_, Row>(
        "select version.query, version.version, version.title, version.saved_at, account.name_ja, account.name_en
         from saved_query_version version
         join saved_query on saved_query.id = version.query
         join account on account.id = version.saved_by
         where saved_query.project = $1 and version.version =
             (select max(other.version) from saved_query_version other where other.query = version.query)
         order by version.saved_at desc, version.query limit $2",
    );
    let rows = rows.bind(project(allowed)?.as_str()).bind(count).fetch_all(db.pool()).await?;
    rows.into_iter().map(heading).collect()
}

/// All versions of a query of the project, the latest first; never empty.
pub(crate) async fn versions(
    db: &Database,
    allowed: &Allowed<Query>,
    query: &Number,
) -> Result<Vec<Heading>, PortalError> {
    let rows = sqlx::query_as::<_, Row>(
        "select version.query, version.version, version.title, version.saved_at, account.name_ja, account.name_en
         from saved_query_version version
         join saved_query on saved_query.id = version.query
         join account on account.id = version.saved_by
         where version.query = $1 and saved_query.project = $2 order by version.version desc",
    );
    let rows = rows.bind(query.as_str()).bind(project(allowed)?.as_str()).fetch_all(db.pool()).await?;
    if rows.is_empty() {
        return Err(PortalError::NotFound);
    }
    rows.into_iter().map(heading).collect()
}

/// The text of a version that [`versions`] told of.
pub(crate) async fn sql(db: &Database, of: &Heading) -> Result<String, PortalError> {
    let find = sqlx::query_scalar::<_, String>("select sql from saved_query_version where query = $1 and version = $2");
    let found = find.bind(of.query.as_str()).bind(of.version).fetch_optional(db.pool()).await?;
    found.ok_or(PortalError::Stored)
}

fn heading((query, version, title, saved_at, name_ja, name_en): Row) -> Result<Heading, PortalError> {
    let query = query.parse().map_err(|_| PortalError::Stored)?;
    let saved_at = saved_at.parse().map_err(|_| PortalError::Stored)?;
    Ok(Heading { query, version, title, saved_at, by: (name_ja, name_en) })
}

fn project(allowed: &Allowed<Query>) -> Result<&ProjectId, PortalError> {
    allowed.project.as_ref().ok_or(PortalError::NotFound)
}

/// The chain keeps the text's hash: literals of a query may say what was looked for.
fn note(allowed: &Allowed<Query>, project: &ProjectId, query: &Number, version: i64, text: &Text) -> Note {
    Note::new(&allowed.user.id, "query:saved", project)
        .with("query", query.as_str())
        .with("version", version)
        .with("sql_sha256", runs::sha256(&text.sql))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::Language;

    #[test]
    fn every_problem_has_its_sentence() {
        for problem in Problem::ALL {
            let key = format!("saved.problem.{}", problem.as_str());
            assert_ne!(Language::Ja.say(&key), key);
        }
    }

    #[test]
    fn a_title_is_one_line_and_a_query_is_not_empty() {
        let problem = |title: &str, sql: &str| Text { title: title.to_owned(), sql: sql.to_owned() }.problem();
        assert_eq!(problem("人数", "select 1"), None);
        assert_eq!(problem(" ", "select 1"), Some(Problem::Title));
        assert_eq!(problem("a\nb", "select 1"), Some(Problem::Title));
        assert_eq!(problem("a", " \n"), Some(Problem::Sql));
        assert_eq!(problem("a", &"x".repeat(SQL_MAX + 1)), Some(Problem::Sql));
    }
}
