//! `coalesce`, evaluated. DataFusion's own becomes a CASE that names each argument twice: nested, the plan doubles at every
//! level, and before that rewrite it cannot be evaluated at all.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef};
use arrow::compute::is_null;
use arrow::compute::kernels::zip::zip;
use datafusion::common::{Result, plan_err};
use datafusion::logical_expr::{Expr, ScalarUDF};

use super::own::{Own, Returns, call};

/// Name of [`coalesce`] in plans.
pub(crate) const COALESCE: &str = "coalesce";

static FUNCTION: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| Own::variadic(COALESCE, Returns::Common, first).udf());

/// The first argument that is not NULL.
pub(crate) fn coalesce(args: Vec<Expr>) -> Expr {
    call(&FUNCTION, args)
}

fn first(args: &[ArrayRef]) -> Result<ArrayRef> {
    let Some((found, rest)) = args.split_first() else { return plan_err!("an argument is missing") };
    let mut found = Arc::clone(found);
    for next in rest {
        if found.logical_null_count() == 0 {
            break;
        }
        found = zip(&is_null(&found)?, next, &found)?;
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use arrow::array::{AsArray, Int64Array};
    use arrow::datatypes::Int64Type;

    use super::*;

    #[test]
    fn the_first_value_that_is_there_is_taken() {
        let column = |values: [Option<i64>; 3]| Arc::new(Int64Array::from(values.to_vec())) as ArrayRef;
        let found = first(&[column([None, Some(1), None]), column([None, Some(2), Some(3)]), column([Some(4); 3])]);
        assert_eq!(found.unwrap().as_primitive::<Int64Type>().values(), &[4, 1, 3]);
        assert_eq!(first(&[column([None; 3])]).unwrap().null_count(), 3);
    }
}
