//! A permit's row filters as expressions over a stored table.

use arrow::datatypes::{DataType, Schema};
use datafusion::common::{Column, ScalarValue};
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, lit};
use jiff::civil::Date;
use policies::RowFilter;

/// A value of a permit's row filter does not fit the column's type. Nothing is served under such a permit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the permit's row filter on {column} has a value that is none of the column's type")]
pub(crate) struct InvalidFilter {
    column: String,
}

/// All filters that name a column of `schema`, as one condition; `None` if none does. A missing value satisfies no filter.
pub(crate) fn row_filter(filters: &[RowFilter], schema: &Schema) -> Result<Option<Expr>, InvalidFilter> {
    let mut conditions = Vec::new();
    for filter in filters {
        let Ok(field) = schema.field_with_name(&filter.column) else { continue };
        let value = |text: &String| {
            literal(text, field.data_type()).ok_or_else(|| InvalidFilter { column: filter.column.clone() })
        };
        let column = Expr::Column(Column::from_name(field.name()));
        if !filter.any_of.is_empty() {
            let list = filter.any_of.iter().map(value).collect::<Result<Vec<_>, _>>()?;
            conditions.push(column.clone().in_list(list, false));
        }
        if let Some(from) = &filter.from {
            conditions.push(column.clone().gt_eq(value(from)?));
        }
        if let Some(to) = &filter.to {
            conditions.push(column.lt_eq(value(to)?));
        }
    }
    Ok(conjunction(conditions))
}

fn literal(text: &str, kind: &DataType) -> Option<Expr> {
    #[expect(clippy::wildcard_enum_match_arm, reason = "other types cannot be filtered, which the permit is told")]
    let value = match kind {
        DataType::Utf8 => ScalarValue::Utf8(Some(text.to_owned())),
        DataType::Date32 => ScalarValue::Date32(Some(catalog::codes::days(text.parse::<Date>().ok()?))),
        DataType::Int32 => ScalarValue::Int32(Some(text.parse().ok()?)),
        DataType::UInt32 => ScalarValue::UInt32(Some(text.parse().ok()?)),
        DataType::Float64 => ScalarValue::Float64(Some(text.parse().ok()?)),
        DataType::Boolean => ScalarValue::Boolean(Some(text.parse().ok()?)),
        _ => return None,
    };
    Some(lit(value))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn check(filter: &RowFilter, expected: Result<Option<&str>, ()>) {
        let schema = catalog::release_schema(catalog::table("ndb.claims").unwrap());
        let found = row_filter(std::slice::from_ref(filter), &schema).map(|found| found.map(|expr| expr.to_string()));
        assert_eq!(found.map_err(|_| ()), expected.map(|text| text.map(str::to_owned)));
    }

    fn filter(column: &str, any_of: &[&str], from: Option<&str>, to: Option<&str>) -> RowFilter {
        RowFilter {
            column: column.to_owned(),
            any_of: any_of.iter().map(|value| (*value).to_owned()).collect::<BTreeSet<_>>(),
            from: from.map(str::to_owned),
            to: to.map(str::to_owned),
        }
    }

    #[test]
    fn a_filter_speaks_in_the_columns_type_or_not_at_all() {
        check(
            &filter("prefecture", &["13", "27"], None, None),
            Ok(Some("prefecture IN ([Utf8(\"13\"), Utf8(\"27\")])")),
        );
        check(
            &filter("service_month", &[], Some("2023-04-01"), Some("2024-03-01")),
            Ok(Some("service_month >= Date32(\"2023-04-01\") AND service_month <= Date32(\"2024-03-01\")")),
        );
        check(&filter("age", &[], Some("65"), None), Ok(Some("age >= Int32(65)")));
        check(&filter("no_such_column", &["x"], None, None), Ok(None));
        check(&filter("service_month", &[], Some("2023-13-01"), None), Err(()));
        check(&filter("person_key", &["1"], None, None), Err(()));
    }
}
