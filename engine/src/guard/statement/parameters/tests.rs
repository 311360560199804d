//! What is bound is one literal and nothing else, whatever it contains.

use datafusion::sql::sqlparser::ast::Value;
use datafusion::sql::sqlparser::parser::Parser;
use proptest::prelude::*;

use super::*;

fn bound(sql: &str, values: &[ScalarValue]) -> Result<String, &'static str> {
    Template::read(sql).and_then(|template| template.bind(values)).map_err(|refusal| refusal.code)
}

#[test]
fn values_stand_where_the_marks_stood() {
    let values = [ScalarValue::Int32(Some(-3)), ScalarValue::from("O'Hara\n$2"), ScalarValue::Date32(Some(19_358))];
    assert_eq!(
        bound("SELECT '$9', \"$8\" -- $7 ?\nFROM t WHERE 東京 = $2 AND a>=$1 AND d < $3 OR $1 IS NULL", &values)
            .unwrap(),
        "SELECT '$9', \"$8\" -- $7 ?\nFROM t WHERE 東京 = 'O''Hara\n$2' AND a>=(-3) AND d < DATE '2023-01-01' OR (-3) IS NULL"
    );
    let values = [ScalarValue::Float64(Some(1e300)), ScalarValue::Utf8(None), ScalarValue::Boolean(Some(false))];
    assert_eq!(bound("SELECT ? , ?,?", &values).unwrap(), "SELECT 1e300 , NULL,FALSE");
    assert_eq!(Template::read("SELECT ?, ?").unwrap().numbered(), "SELECT $1, $2");
}

#[test]
fn what_does_not_fit_is_refused() {
    let one = [ScalarValue::Int64(Some(1))];
    for (sql, values) in [
        ("SELECT 1", &one[..]),
        ("SELECT $1, $2", &one[..]),
        ("SELECT $2", &one[..]),
        ("SELECT $0", &one[..]),
        ("SELECT $name", &one[..]),
        ("SELECT $1, ?", &one[..]),
        ("SELECT $999999999999999999999", &one[..]),
        ("SELECT $1", &[ScalarValue::Float64(Some(f64::NAN))][..]),
        ("SELECT $1", &[ScalarValue::Date32(Some(i32::MIN))][..]),
        ("SELECT $1", &[ScalarValue::Binary(Some(vec![1]))][..]),
    ] {
        assert_eq!(bound(sql, values).unwrap_err(), "guard/parameters", "{sql}");
    }
}

proptest! {
    /// A text stays one string literal of just that content, so that no value can change what the statement is.
    #[test]
    fn a_bound_text_is_one_literal(text in any::<String>()) {
        let sql = bound("SELECT $1", &[ScalarValue::from(text.as_str())]).unwrap();
        let tokens = Tokenizer::new(&GenericDialect {}, &sql).tokenize().unwrap();
        prop_assert_eq!(tokens.last(), Some(&Token::SingleQuotedString(text)));
        prop_assert_eq!(tokens.len(), 3);
    }

    #[test]
    fn a_bound_number_is_read_as_itself(whole in any::<i64>(), double in any::<f64>()) {
        prop_assume!(double.is_finite());
        for (value, expected) in [
            (ScalarValue::Int64(Some(whole)), whole.to_string()),
            (ScalarValue::Float64(Some(double)), format!("{double:?}")),
        ] {
            let sql = bound("SELECT $1", &[value]).unwrap();
            let text = sql.trim_start_matches("SELECT ").trim_matches(['(', ')']).to_owned();
            prop_assert_eq!(&text, &expected);
            let digits = text.trim_start_matches('-');
            let parsed = Parser::new(&GenericDialect {}).try_with_sql(digits).unwrap().parse_value().unwrap().value;
            prop_assert_eq!(parsed, Value::Number(digits.to_owned(), false));
        }
    }

    /// The statement outside its places is not touched.
    #[test]
    fn the_rest_of_the_text_stays(before in "[a-z \n'あ]{0,20}", after in "[a-z \n)あ]{0,20}") {
        let sql = format!("{before}$1{after}");
        if let Ok(template) = Template::read(&sql) {
            prop_assert_eq!(template.numbered(), sql);
        }
    }
}
