//! Casts on rows: what does not fit is NULL, and decimals go on as doubles, which never fail (V-TOTAL).

use arrow::datatypes::DataType;
use datafusion::logical_expr::expr::TryCast;
use datafusion::logical_expr::{Expr, ExprSchemable};

use super::{no, total};
use crate::error::{Refusal, rules};
use crate::functions::total::{finite, within_calendar};
use crate::guard::facts::{Scope, bare};

/// A cast that gives NULL in the place of an error.
pub(super) fn try_cast(scope: Scope<'_>, inner: Expr, to: &DataType) -> Result<Expr, Refusal> {
    let cast = |inner: Expr, to: &DataType| Expr::TryCast(TryCast::new(Box::new(inner), to.clone()));
    if !scope.below() {
        return Ok(cast(total(scope, inner)?, to));
    }
    let literal = matches!(bare(&inner), Expr::Literal(..));
    let from = inner.get_type(scope.schema).map_err(|_| Refusal::of(&rules::NOT_PLANNED))?;
    // Numbers and texts as dates could leave the calendar, and then fail where they are calculated with.
    let dated = is_temporal(to) && !is_temporal(&from);
    if matches!(to, DataType::Decimal256(..)) || (!literal && (!is_plain(to) || dated)) {
        return no(&rules::OPERATOR);
    }
    let inner = total(scope, inner)?;
    let inner = if is_temporal(&from) && !literal { within_calendar(inner) } else { inner };
    let inner = without_decimals(scope, cast(inner, to));
    // Texts may say `NaN` or `inf`.
    let endless = matches!(to, DataType::Float16 | DataType::Float32 | DataType::Float64) && !from.is_integer();
    Ok(if endless && !literal { finite(inner) } else { inner })
}

/// Decimals fail on the row whose result leaves their digits; doubles do not.
pub(super) fn without_decimals(scope: Scope<'_>, expr: Expr) -> Expr {
    let decimal = expr.get_type(scope.schema).is_ok_and(|found| found.is_decimal());
    if scope.below() && decimal { Expr::TryCast(TryCast::new(Box::new(expr), DataType::Float64)) } else { expr }
}

fn is_temporal(found: &DataType) -> bool {
    matches!(found, DataType::Date32 | DataType::Date64 | DataType::Timestamp(..))
}

/// Types that values of rows may be brought to. A time zone's gaps would fail on the row that falls into one.
fn is_plain(to: &DataType) -> bool {
    to.is_numeric()
        || matches!(
            to,
            DataType::Boolean
                | DataType::Date32
                | DataType::Date64
                | DataType::Null
                | DataType::Timestamp(_, None)
                | DataType::Utf8
                | DataType::LargeUtf8
                | DataType::Utf8View
        )
}
