//! A query that would be answered, where a refusal's hint has one: offered as one click.

use super::schema::{Column, PERSON_KEY, Schema, Table};
use crate::query::PortalRefusal;

/// The engine's code for a query that would hand out rows.
const ROWS_AT_ROOT: &str = "guard/rows-at-root";

/// Groups that a first look is mostly about, in this order; then whatever else describes a person.
const GROUPS: [&str; 6] = ["prefecture", "sex", "age_group", "age_band", "setting", "service_month"];

/// The hint's query, written for the tables of this permit. None if the hint has none or the permit lacks what it names.
pub(crate) fn query(refusal: &PortalRefusal, sql: &str, schema: &Schema) -> Option<String> {
    if refusal.code == ROWS_AT_ROOT {
        return count(sql, schema);
    }
    let sample = sample(&refusal.hint)?;
    let named = words(sample).collect::<Vec<_>>();
    let tables = named.windows(2).filter_map(|pair| match pair {
        [keyword, table] if is_keyword(keyword, &["from", "join"]) => Some(*table),
        _ => None,
    });
    let mut tables = tables.peekable();
    tables.peek()?;
    let tables: Vec<&Table> = tables.map(|name| schema.table(name)).collect::<Option<_>>()?;
    let has = |name: &str| tables.iter().any(|table| table.columns.iter().any(|column| column.name == name));
    // Every granted table of rows has its key; any other name with an underscore must be a column, or made by the sample itself.
    let made = |name: &str| {
        named.windows(2).any(|pair| matches!(pair, [before, after] if is_keyword(before, &["as"]) && *after == name))
    };
    let is_column = |word: &str| word.contains('_') && !word.contains('.');
    named.iter().all(|word| !is_column(word) || has(word) || made(word)).then(|| sample.to_owned())
}

/// 「先に数える」: persons by a group, from the first granted table that the refused query names.
fn count(sql: &str, schema: &Schema) -> Option<String> {
    let has_persons = |table: &&Table| table.columns.iter().any(|column| column.name == PERSON_KEY);
    let named = words(sql).find_map(|word| schema.table(word).filter(|table| has_persons(table)));
    let table = named.or_else(|| schema.tables.iter().find(has_persons))?;
    let group = group(table)?;
    Some(format!(
        "SELECT {0}, count(DISTINCT person_key) AS persons\nFROM {1}\nGROUP BY {0}\nORDER BY {0}",
        group.name, table.name
    ))
}

fn group(table: &Table) -> Option<&Column> {
    let by_name = |name: &&str| table.columns.iter().find(|column| column.name == *name);
    let describes =
        |column: &&Column| matches!(column.class.as_str(), "quasi" | "sensitive") && column.name != PERSON_KEY;
    GROUPS.iter().find_map(by_name).or_else(|| table.columns.iter().find(describes))
}

/// The complete query at the end of a hint; none where it is only a piece of one.
fn sample(hint: &str) -> Option<&str> {
    let start = hint.find("SELECT ")?;
    let sample = hint.get(start..)?.trim_end_matches(['.', '。']);
    // A statement that begins before the SELECT is more than a question: it would make something.
    let is_whole = !sample.contains('…') && !hint.get(..start)?.contains("CREATE ");
    (is_whole && sample.contains(" FROM ")).then_some(sample)
}

fn words(sql: &str) -> impl Iterator<Item = &str> {
    sql.split(|letter: char| !(letter.is_alphanumeric() || matches!(letter, '_' | '.'))).filter(|word| !word.is_empty())
}

fn is_keyword(word: &str, keywords: &[&str]) -> bool {
    keywords.iter().any(|keyword| word.eq_ignore_ascii_case(keyword))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(tables: &[(&str, &[&str])]) -> Schema {
        let column = |name: &&str| Column {
            name: (*name).to_owned(),
            kind: String::new(),
            label: String::new(),
            class: "quasi".to_owned(),
        };
        let table = |(name, columns): &(&str, &[&str])| Table {
            name: (*name).to_owned(),
            release: "ndb/2026.1".to_owned(),
            columns: columns.iter().map(column).collect(),
        };
        Schema { tables: tables.iter().map(table).collect() }
    }

    fn refused(code: &str, hint: &str) -> PortalRefusal {
        PortalRefusal { code: code.to_owned(), hint: hint.to_owned(), ..PortalRefusal::default() }
    }

    #[test]
    fn rows_become_a_count_over_the_table_that_was_asked_for() {
        let schema = schema(&[
            ("facility", &["facility_id", "beds"]),
            ("ndb.claims", &["person_key", "claim_id", "sex", "prefecture"]),
            ("ndb.drugs", &["person_key", "yj_code"]),
        ]);
        let rows = refused("guard/rows-at-root", "count or sum over groups");
        let of = |sql: &str| query(&rows, sql, &schema).unwrap();
        assert!(
            of("SELECT * FROM ndb.claims")
                .contains("SELECT prefecture, count(DISTINCT person_key) AS persons\nFROM ndb.claims")
        );
        assert!(
            of("select * from NDB.DRUGS d")
                .contains("SELECT yj_code, count(DISTINCT person_key) AS persons\nFROM ndb.drugs")
        );
        assert!(of("select * from facility").contains("FROM ndb.claims"), "a code list has no persons");
        assert!(of("'; drop table x; --").contains("FROM ndb.claims"));
        assert!(query(&rows, "select 1", &Schema::default()).is_none());
    }

    #[test]
    fn a_hints_query_is_offered_only_where_the_permit_has_all_that_it_names() {
        let hint = "count them: SELECT sex, count(DISTINCT person_key) AS all_persons FROM ndb.claims GROUP BY sex";
        let with = |columns: &[&str]| {
            query(&refused("guard/expression-in-aggregate", hint), "", &schema(&[("ndb.claims", columns)]))
        };
        assert!(with(&["person_key", "sex"]).unwrap().ends_with("GROUP BY sex"));
        assert!(with(&["sex"]).is_none());
        assert!(
            query(&refused("guard/expression-in-aggregate", hint), "", &schema(&[("dpc.stays", &["person_key"])]))
                .is_none()
        );
        for piece in [
            "use SELECT floor(points/1000.0) … GROUP BY 1",
            "write PARTITION BY person_key",
            "e.g. CREATE TABLE work.c AS SELECT person_key FROM ndb.claims",
        ] {
            assert!(
                query(
                    &refused("guard/expression-in-aggregate", piece),
                    "",
                    &schema(&[("ndb.claims", &["person_key"])])
                )
                .is_none(),
                "{piece}"
            );
        }
    }
}
