//! Calls that become others: DataFusion's own fail on a value, grow without bound, or double the plan (V-TOTAL, V-RES).
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "asks for single variants of foreign enums; the exhaustive walks are in guard.rs and expression.rs"
)]

use arrow::datatypes::{DataType, TimeUnit};
use datafusion::logical_expr::expr::TryCast;
use datafusion::logical_expr::{Case, Expr, ExprSchemable};

use crate::error::{Refusal, rules};
use crate::functions::{choice, text, total};
use crate::guard::expression::no;
use crate::guard::facts::Scope;

/// The call in other words, if it has to be; arguments are total already.
pub(super) fn call(scope: Scope<'_>, name: &str, args: &[Expr]) -> Result<Option<Expr>, Refusal> {
    Ok(match (name, args) {
        // Both levels: DataFusion writes each argument twice before a row is read.
        ("coalesce" | "nvl", [_, ..]) => Some(choice::coalesce(args.to_vec())),
        ("nvl2", [asked, there, absent]) => Some(Expr::Case(Case {
            expr: None,
            when_then_expr: vec![(Box::new(asked.clone().is_not_null()), Box::new(there.clone()))],
            else_expr: Some(Box::new(absent.clone())),
        })),
        _ if !scope.below() => None,
        ("concat" | "concat_ws", [_, ..]) => Some(joined(scope, name, args)?),
        ("exp" | "ln" | "power" | "sqrt", [_, ..]) => {
            total::smooth(name, args.iter().map(|arg| try_cast(arg, DataType::Float64)).collect())
        }
        ("to_unixtime", [date]) => Some(seconds(scope, date)?),
        ("to_unixtime", _) => return no(&rules::FUNCTION_ARGUMENT),
        _ => None,
    })
}

fn joined(scope: Scope<'_>, name: &str, args: &[Expr]) -> Result<Expr, Refusal> {
    for arg in args {
        let found = arg.get_type(scope.schema).map_err(|_| Refusal::of(&rules::NOT_PLANNED))?;
        let plain = found.is_string() || found.is_numeric() || matches!(found, DataType::Boolean | DataType::Null);
        if !plain {
            return no(&rules::FUNCTION_ARGUMENT);
        }
    }
    Ok(text::concat(name, args.to_vec()))
}

/// Seconds since 1970 of a date or timestamp; texts would fail on the row that is none.
fn seconds(scope: Scope<'_>, date: &Expr) -> Result<Expr, Refusal> {
    let found = date.get_type(scope.schema).map_err(|_| Refusal::of(&rules::NOT_PLANNED))?;
    match found {
        DataType::Date32 | DataType::Date64 | DataType::Timestamp(_, None) => {
            let seconds = try_cast(date, DataType::Timestamp(TimeUnit::Second, None));
            Ok(try_cast(&seconds, DataType::Int64))
        }
        _ => no(&rules::FUNCTION_ARGUMENT),
    }
}

fn try_cast(expr: &Expr, to: DataType) -> Expr {
    Expr::TryCast(TryCast::new(Box::new(expr.clone()), to))
}
