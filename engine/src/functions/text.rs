//! Text that cannot grow without bound: what joins texts on rows is cut (V-RES; a chain of `s || s` doubles at every step).

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray, StringArray, StringBuilder};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::common::{Result, plan_err};
use datafusion::logical_expr::{Expr, ScalarUDF};

use super::own::{Own, Returns, call};

/// Characters of a joined text at most; the rest is cut.
pub(crate) const CHARACTERS_MAX: usize = 4_000;

fn joining(name: &'static str, run: fn(&[ArrayRef]) -> Result<ArrayRef>) -> Arc<ScalarUDF> {
    Own::variadic(name, Returns::Always(DataType::Utf8), run).udf()
}

static OPERATOR: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| joining("join_texts", |args| joined(args, Nulls::Spread)));
static CONCAT: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| joining("concat", |args| joined(args, Nulls::Skip)));
static CONCAT_WS: LazyLock<Arc<ScalarUDF>> =
    LazyLock::new(|| joining("concat_ws", |args| joined(args, Nulls::Separated)));

/// What a NULL among the parts means.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Nulls {
    /// `concat_ws`: the first part stands between the others; those that are NULL are left out.
    Separated,
    /// `concat`: left out.
    Skip,
    /// `||`: the whole is NULL.
    Spread,
}

/// `left || right`.
pub(crate) fn join(left: Expr, right: Expr) -> Expr {
    call(&OPERATOR, vec![left, right])
}

/// `concat` or `concat_ws`.
pub(crate) fn concat(name: &str, args: Vec<Expr>) -> Expr {
    call(if name == "concat_ws" { &CONCAT_WS } else { &CONCAT }, args)
}

fn joined(args: &[ArrayRef], nulls: Nulls) -> Result<ArrayRef> {
    let texts = args.iter().map(|arg| Ok(cast(arg, &DataType::Utf8)?)).collect::<Result<Vec<_>>>()?;
    let texts: Vec<&StringArray> = texts.iter().map(AsArray::as_string::<i32>).collect();
    let (separators, parts) = match (nulls, texts.as_slice()) {
        (_, []) => return plan_err!("an argument is missing"),
        (Nulls::Separated, [first, rest @ ..]) => (Some(*first), rest),
        (Nulls::Skip | Nulls::Spread, all) => (None, all),
    };
    let rows = texts.first().map_or(0, Array::len);
    let mut built = StringBuilder::new();
    for row in 0..rows {
        let absent = separators.is_some_and(|separators| separators.is_null(row))
            || (nulls == Nulls::Spread && parts.iter().any(|part| part.is_null(row)));
        if absent {
            built.append_null();
            continue;
        }
        let separator = separators.map_or("", |separators| separators.value(row));
        let present = parts.iter().filter(|part| part.is_valid(row)).map(|part| part.value(row));
        built.append_value(one(present, separator));
    }
    Ok(Arc::new(built.finish()))
}

/// One row's text.
fn one<'a>(parts: impl Iterator<Item = &'a str>, separator: &'a str) -> String {
    let pieces = parts.enumerate().flat_map(|(at, part)| [if at == 0 { "" } else { separator }, part]);
    pieces.flat_map(str::chars).take(CHARACTERS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(nulls: Nulls, parts: &[Option<&str>], expected: Option<&str>) {
        let args: Vec<ArrayRef> =
            parts.iter().map(|part| Arc::new(StringArray::from(vec![*part])) as ArrayRef).collect();
        let found = joined(&args, nulls).unwrap();
        let found = found.as_string::<i32>();
        assert_eq!(found.is_valid(0).then(|| found.value(0)), expected);
    }

    #[test]
    fn nulls_mean_what_sql_says() {
        check(Nulls::Spread, &[Some("a"), Some("b")], Some("ab"));
        check(Nulls::Spread, &[Some("a"), None], None);
        check(Nulls::Skip, &[Some("a"), None, Some("b")], Some("ab"));
        check(Nulls::Skip, &[None], Some(""));
        check(Nulls::Separated, &[Some("-"), Some("a"), None, Some("b")], Some("a-b"));
        check(Nulls::Separated, &[None, Some("a")], None);
        check(Nulls::Separated, &[Some("-")], Some(""));
    }

    #[test]
    fn no_text_grows_beyond_the_bound() {
        let long = "あ".repeat(CHARACTERS_MAX - 1);
        let expected = format!("{long}い");
        check(Nulls::Spread, &[Some(&long), Some("いう")], Some(&expected));
        check(Nulls::Separated, &[Some(&long), Some("い"), Some("い")], Some(&format!("い{long}")));
    }
}
