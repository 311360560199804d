//! Questions about what there is, as statements: `SHOW TABLES`, `DESCRIBE`, `EXPLAIN SELECT`. They are answered from the
//! permit's tables and from the guarded plan; no row is read (disclosure.md, V-META, V-EXPLAIN).

mod cells;
mod words;

pub(crate) use cells::{Cells, columns, explained, tables};

use words::{Word, words};

use crate::error::{Refusal, rules};

/// A question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Inquiry {
    /// Columns of a table.
    Columns {
        /// Its name, as in the catalog.
        table: String,
    },
    /// The plan of a query.
    Plan {
        /// The query; its places in the text are those of the statement.
        sql: String,
    },
    /// Tables, all or of one schema.
    Tables {
        /// Which schema.
        schema: Option<String>,
    },
}

impl Inquiry {
    /// What a statement asks. `None`: it is no question of these kinds, and the guard judges it.
    pub(crate) fn of(sql: &str) -> Result<Option<Self>, Refusal> {
        let Some(words) = words(sql) else { return Ok(None) };
        let is = |at: usize, expected: &str| words.get(at).is_some_and(|word| word.is(expected));
        if is(0, "explain") {
            return plan(sql, &words).map(Some);
        }
        let name = |at: usize| name(words.get(at..).unwrap_or_default());
        if is(0, "show") && is(1, "tables") {
            let schema = match words.len() {
                2 => None,
                4 if is(2, "from") || is(2, "in") => Some(name(3)?),
                _ => return Err(Refusal::of(&rules::META)),
            };
            return Ok(Some(Self::Tables { schema }));
        }
        if is(0, "show") && is(1, "columns") && (is(2, "from") || is(2, "in")) {
            return Ok(Some(Self::Columns { table: name(3)? }));
        }
        if is(0, "describe") || is(0, "desc") {
            let at = if is(1, "table") && words.len() > 2 { 2 } else { 1 };
            return Ok(Some(Self::Columns { table: name(at)? }));
        }
        Ok(None)
    }
}

/// The query after `EXPLAIN`. `ANALYZE`, `VERBOSE`, `FORMAT` and options are refused.
fn plan(sql: &str, words: &[Word]) -> Result<Inquiry, Refusal> {
    let refused = || Refusal::of(&rules::EXPLAIN).at(1, 1);
    let first = words.iter().skip(1).find(|word| !word.is("(")).ok_or_else(refused)?;
    if !["select", "with", "from", "values"].iter().any(|word| first.is(word)) {
        return Err(refused());
    }
    let start = words.first().and_then(|word| word.bytes.clone()).ok_or_else(refused)?;
    let before = sql.get(..start.start).ok_or_else(refused)?;
    let after = sql.get(start.end..).ok_or_else(refused)?;
    // Blanks in the word's place, so that a refusal points where the reader looks.
    Ok(Inquiry::Plan { sql: format!("{before}{}{after}", " ".repeat(start.len())) })
}

/// `claims`, `ndb.claims`: one name, in up to three parts, and nothing behind it.
fn name(words: &[Word]) -> Result<String, Refusal> {
    let mut parts = Vec::new();
    for (at, word) in words.iter().enumerate() {
        match (at % 2, word.name()) {
            (0, Some(part)) => parts.push(part),
            (1, None) if word.is(".") => {}
            _ => return Err(Refusal::of(&rules::META)),
        }
    }
    if let [catalog, _, ..] = parts.as_slice()
        && catalog == crate::relations::CATALOG
    {
        parts.remove(0);
    }
    if parts.len() == 2 && parts.first().is_some_and(|schema| schema == crate::relations::DEFAULT_SCHEMA) {
        parts.remove(0);
    }
    let whole = words.len() % 2 == 1 && (1..=2).contains(&parts.len());
    if parts.iter().any(|part| part.eq_ignore_ascii_case("information_schema")) || !whole {
        return Err(Refusal::of(&rules::META));
    }
    Ok(parts.join("."))
}

#[cfg(test)]
mod tests;
