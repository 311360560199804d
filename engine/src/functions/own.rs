//! A scalar function of our own: a name, its types, and what it does with whole columns.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use datafusion::common::{Result, plan_err};
use datafusion::logical_expr::type_coercion::binary::type_union_resolution;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

/// What tells one function of ours from another is its name alone.
#[derive(Debug)]
pub(super) struct Own {
    name: &'static str,
    signature: Signature,
    returns: Returns,
    run: fn(&[ArrayRef]) -> Result<ArrayRef>,
}

/// What a function gives back.
#[derive(Clone, Debug)]
pub(super) enum Returns {
    /// Always the same type.
    Always(DataType),
    /// The type of its first argument, whatever that is.
    AsGiven,
    /// The type that all arguments can be brought to.
    Common,
}

impl Own {
    /// Arguments of exactly these types; the planner casts to them.
    pub(super) fn exact(
        name: &'static str,
        args: Vec<DataType>,
        returned: DataType,
        run: fn(&[ArrayRef]) -> Result<ArrayRef>,
    ) -> Self {
        Self { name, signature: Signature::exact(args, Volatility::Immutable), returns: Returns::Always(returned), run }
    }

    /// One argument of any type, which is also the result's.
    pub(super) fn same(name: &'static str, run: fn(&[ArrayRef]) -> Result<ArrayRef>) -> Self {
        Self { name, signature: Signature::any(1, Volatility::Immutable), returns: Returns::AsGiven, run }
    }

    /// Any number of arguments of any types.
    pub(super) fn variadic(name: &'static str, returns: Returns, run: fn(&[ArrayRef]) -> Result<ArrayRef>) -> Self {
        let signature = match returns {
            Returns::Common => Signature::user_defined(Volatility::Immutable),
            Returns::Always(_) | Returns::AsGiven => Signature::variadic_any(Volatility::Immutable),
        };
        Self { name, signature, returns, run }
    }

    /// Ready to be called.
    pub(super) fn udf(self) -> Arc<ScalarUDF> {
        Arc::new(ScalarUDF::new_from_impl(self))
    }
}

/// A call of one of our functions.
pub(super) fn call(function: &Arc<ScalarUDF>, args: Vec<Expr>) -> Expr {
    Expr::ScalarFunction(datafusion::logical_expr::expr::ScalarFunction::new_udf(Arc::clone(function), args))
}

impl PartialEq for Own {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Own {}

impl Hash for Own {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl ScalarUDFImpl for Own {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, found: &[DataType]) -> Result<Vec<DataType>> {
        let Some(common) = type_union_resolution(found) else { return plan_err!("no type fits all arguments") };
        Ok(vec![common; found.len()])
    }

    fn return_type(&self, found: &[DataType]) -> Result<DataType> {
        match (&self.returns, found.iter().find(|found| !found.is_null()).or_else(|| found.first())) {
            (Returns::Always(returned), _) => Ok(returned.clone()),
            (Returns::AsGiven | Returns::Common, Some(given)) => Ok(given.clone()),
            (Returns::AsGiven | Returns::Common, None) => plan_err!("an argument is missing"),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = args.args.iter().map(|arg| arg.to_array(args.number_rows)).collect::<Result<Vec<_>>>()?;
        (self.run)(&arrays).map(ColumnarValue::Array)
    }
}
