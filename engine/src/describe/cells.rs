//! Answers to questions: short tables with the catalog's words in both languages.

use std::sync::Arc;

use arrow::array::StringArray;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use catalog::{Class, Column};

use crate::answer::Reason;
use crate::error::{Refusal, rules};
use crate::relations::{DEFAULT_SCHEMA, RelationKind};
use crate::tables::Granted;

/// A table of texts.
pub(crate) struct Cells {
    schema: SchemaRef,
    rows: Vec<Vec<Option<String>>>,
}

impl Cells {
    fn new(names: &[&str], rows: Vec<Vec<Option<String>>>) -> Self {
        let fields: Vec<Field> = names.iter().map(|name| Field::new(*name, DataType::Utf8, true)).collect();
        Self { schema: Arc::new(Schema::new(fields)), rows }
    }

    /// Columns.
    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// As a batch; `None` never happens, as all columns are texts of one length.
    pub(crate) fn batch(&self) -> Option<RecordBatch> {
        let column = |at: usize| self.rows.iter().map(|row| row.get(at).cloned().flatten()).collect::<StringArray>();
        let columns = (0..self.schema.fields().len()).map(|at| Arc::new(column(at)) as _).collect();
        RecordBatch::try_new(Arc::clone(&self.schema), columns).ok()
    }
}

/// `SHOW TABLES`.
pub(crate) fn tables(granted: &[Granted], schema: Option<&str>) -> Cells {
    let mut rows: Vec<_> = granted
        .iter()
        .filter_map(|table| {
            let (own, name) = table.name.split_once('.').unwrap_or((DEFAULT_SCHEMA, &table.name));
            let about = catalog::table(&table.name);
            let kind = match table.kind {
                RelationKind::Open => "open",
                RelationKind::Rows => "persons",
            };
            let row = [
                Some(own),
                Some(name),
                Some(kind),
                about.map(|about| about.ja.as_str()),
                about.map(|about| about.en.as_str()),
            ];
            schema.is_none_or(|schema| schema == own).then(|| row.map(|cell| cell.map(str::to_owned)).to_vec())
        })
        .collect();
    rows.sort();
    Cells::new(&["schema", "table", "rows", "comment_ja", "comment_en"], rows)
}

/// `DESCRIBE`: what the permit shows of a table. One that is not granted looks like one that does not exist (V-CATALOG).
pub(crate) fn columns(granted: &[Granted], table: &str) -> Result<Cells, Refusal> {
    let found = granted.iter().find(|granted| granted.name == table);
    let found = found.ok_or_else(|| Refusal::of(&rules::NO_SUCH_TABLE))?;
    let about = catalog::table(table);
    let schema = found.provider.schema();
    let rows = found.visible().into_iter().map(|name| {
        let column = about.and_then(|about| about.column(&name));
        let kind = schema.field_with_name(&name).map(|field| sql_type(field.data_type())).unwrap_or_default();
        vec![
            Some(name),
            Some(kind),
            column.map(|column| class(column).to_owned()),
            column.map(|column| column.ja.clone()),
            column.map(|column| column.en.clone()),
        ]
    });
    Ok(Cells::new(&["column", "type", "class", "comment_ja", "comment_en"], rows.collect()))
}

/// `EXPLAIN`: the guarded plan, then the rules that it is subject to, known before a row is read.
pub(crate) fn explained(plan: &[String], reasons: &[Reason]) -> Cells {
    let row = |kind: &str, text: String| vec![Some(kind.to_owned()), Some(text)];
    let plan = plan.iter().map(|line| row("plan", line.clone()));
    let rules = reasons.iter().filter_map(|reason| {
        let name = serde_json::to_value(reason).ok()?;
        Some(row("rule", name.as_str()?.to_owned()))
    });
    let rows = plan.chain(rules).collect();
    Cells::new(&["part", "text"], rows)
}

fn sql_type(kind: &DataType) -> String {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the types of the analysis schema have names in SQL; others keep Arrow's"
    )]
    match kind {
        DataType::Boolean => "BOOLEAN".to_owned(),
        DataType::Date32 => "DATE".to_owned(),
        DataType::Dictionary(_, value) => sql_type(value),
        DataType::Float64 => "DOUBLE".to_owned(),
        DataType::Int32 => "INTEGER".to_owned(),
        DataType::Int64 => "BIGINT".to_owned(),
        DataType::UInt32 => "INTEGER UNSIGNED".to_owned(),
        DataType::UInt64 => "BIGINT UNSIGNED".to_owned(),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "VARCHAR".to_owned(),
        other => other.to_string(),
    }
}

fn class(column: &Column) -> &'static str {
    match column.class {
        Class::Key => "key",
        Class::Measure => "measure",
        Class::Open => "open",
        Class::Quasi => "quasi-identifier",
        Class::Sensitive => "sensitive",
        Class::Technical => "technical",
    }
}
