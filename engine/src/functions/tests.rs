//! docs/sql.md says what these lists say.

use super::*;

const DOCUMENT: &str = include_str!("../../../docs/sql.md");

fn listed(section: &str) -> Vec<&'static str> {
    let (_, rest) = DOCUMENT.split_once(&format!("<!-- {section} -->")).unwrap();
    let (list, _) = rest.split_once("<!-- end -->").unwrap();
    list.split('`').skip(1).step_by(2).collect()
}

#[test]
fn the_document_lists_what_is_allowed() {
    for (section, names) in [
        ("scalars-below", SCALARS_BELOW),
        ("scalars-above", SCALARS_ABOVE),
        ("aggregates-per-person", AGGREGATES_PER_PERSON),
        ("aggregates", AGGREGATES),
        ("windows", WINDOWS),
        ("table-functions", TABLE_FUNCTIONS),
    ] {
        assert_eq!(listed(section), names, "{section}");
        assert!(names.is_sorted(), "{section}");
    }
}

#[test]
fn the_document_lists_the_operators() {
    use datafusion::logical_expr::Operator;
    let spoken: Vec<String> = [
        Operator::And,
        Operator::Or,
        Operator::Eq,
        Operator::NotEq,
        Operator::Lt,
        Operator::LtEq,
        Operator::Gt,
        Operator::GtEq,
        Operator::IsDistinctFrom,
        Operator::IsNotDistinctFrom,
        Operator::Plus,
        Operator::Minus,
        Operator::Multiply,
        Operator::Divide,
        Operator::StringConcat,
    ]
    .into_iter()
    .filter(|op| crate::guard::is_allowed(*op))
    .map(|op| op.to_string().replace("!=", "<>"))
    .collect();
    assert_eq!(listed("operators-below"), spoken);
}
