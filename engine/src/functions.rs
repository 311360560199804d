//! The functions that SQL may name: explicit lists, so that a new version of DataFusion adds nothing by itself.
//!
//! Source: disclosure.md, section 7. A test compares the registry with these lists and fails on names never seen.

use std::sync::Arc;

use datafusion::catalog::TableFunction;
use datafusion::execution::SessionStateDefaults;
use datafusion::logical_expr::{AggregateUDF, ScalarUDF, WindowUDF};

pub(crate) mod choice;
mod dates;
pub(crate) mod icd10;
mod own;
pub(crate) mod text;
pub(crate) mod total;

/// Scalars for rows: total on every value once the guard has rewritten casts, divisors and integers.
pub(crate) const SCALARS_BELOW: &[&str] = &[
    "abs",
    "age_at",
    "btrim",
    "ceil",
    "character_length",
    "coalesce",
    "concat",
    "concat_ws",
    "contains",
    "date_part",
    "date_trunc",
    "ends_with",
    "exp",
    "fiscal_year",
    "floor",
    "greatest",
    "icd10_in",
    "least",
    "left",
    "ln",
    "lower",
    "ltrim",
    "nullif",
    "nvl",
    "nvl2",
    "power",
    "regexp_count",
    "regexp_like",
    "right",
    "round",
    "rtrim",
    "signum",
    "split_part",
    "sqrt",
    "starts_with",
    "strpos",
    "substr",
    "to_unixtime",
    "trunc",
    "upper",
];

/// Scalars for cells and code lists only.
pub(crate) const SCALARS_ABOVE: &[&str] =
    &["cbrt", "initcap", "isnan", "iszero", "log", "log10", "log2", "nanvl", "pi"];

/// Aggregates inside a group that is one person.
pub(crate) const AGGREGATES_PER_PERSON: &[&str] = &[
    "any_value",
    "avg",
    "bool_and",
    "bool_or",
    "count",
    "first_value",
    "last_value",
    "max",
    "median",
    "min",
    "nth_value",
    "stddev",
    "stddev_pop",
    "string_agg",
    "sum",
    "var",
    "var_pop",
];

/// Quantiles.
pub(crate) const QUANTILES: &[&str] =
    &["approx_median", "approx_percentile_cont", "approx_percentile_cont_with_weight", "median", "percentile_cont"];

/// Moments of one variable and of two.
pub(crate) const MOMENTS: &[&str] = &[
    "corr",
    "covar_pop",
    "covar_samp",
    "regr_avgx",
    "regr_avgy",
    "regr_count",
    "regr_intercept",
    "regr_r2",
    "regr_slope",
    "regr_sxx",
    "regr_sxy",
    "regr_syy",
    "stddev",
    "stddev_pop",
    "var",
    "var_pop",
];

/// All aggregates that SQL may name at all; which ones a place allows is the guard's matter.
pub(crate) const AGGREGATES: &[&str] = &[
    "any_value",
    "approx_distinct",
    "approx_median",
    "approx_percentile_cont",
    "approx_percentile_cont_with_weight",
    "array_agg",
    "avg",
    "bit_and",
    "bit_or",
    "bit_xor",
    "bool_and",
    "bool_or",
    "corr",
    "count",
    "covar_pop",
    "covar_samp",
    "first_value",
    "grouping",
    "last_value",
    "max",
    "median",
    "min",
    "nth_value",
    "percentile_cont",
    "regr_avgx",
    "regr_avgy",
    "regr_count",
    "regr_intercept",
    "regr_r2",
    "regr_slope",
    "regr_sxx",
    "regr_sxy",
    "regr_syy",
    "stddev",
    "stddev_pop",
    "string_agg",
    "sum",
    "var",
    "var_pop",
];

/// Window functions.
pub(crate) const WINDOWS: &[&str] = &[
    "cume_dist",
    "dense_rank",
    "first_value",
    "lag",
    "last_value",
    "lead",
    "nth_value",
    "ntile",
    "percent_rank",
    "rank",
    "row_number",
];

/// Functions in FROM.
pub(crate) const TABLE_FUNCTIONS: &[&str] = &["generate_series", "range"];

/// Names that differ from call to call: refused with a sentence of their own.
pub(crate) const VOLATILE: &[&str] = &[
    "current_date",
    "current_time",
    "current_timestamp",
    "localtime",
    "localtimestamp",
    "now",
    "rand",
    "random",
    "today",
    "uuid",
];

/// Names that tell about the engine or the files: refused with a sentence of their own.
pub(crate) const META: &[&str] =
    &["arrow_field", "arrow_metadata", "arrow_typeof", "file_row_index", "input_file_name", "version", "with_metadata"];

/// The scalars that a session registers.
pub(crate) fn scalars() -> Vec<Arc<ScalarUDF>> {
    let wanted = |function: &Arc<ScalarUDF>| {
        SCALARS_BELOW.contains(&function.name()) || SCALARS_ABOVE.contains(&function.name())
    };
    let ours = [dates::age_at(), dates::fiscal_year(), icd10::icd10_in()];
    SessionStateDefaults::default_scalar_functions().into_iter().filter(wanted).chain(ours).collect()
}

/// The aggregates that a session registers.
pub(crate) fn aggregates() -> Vec<Arc<AggregateUDF>> {
    let wanted = |function: &Arc<AggregateUDF>| AGGREGATES.contains(&function.name());
    SessionStateDefaults::default_aggregate_functions().into_iter().filter(wanted).collect()
}

/// The window functions that a session registers.
pub(crate) fn windows() -> Vec<Arc<WindowUDF>> {
    let wanted = |function: &Arc<WindowUDF>| WINDOWS.contains(&function.name());
    SessionStateDefaults::default_window_functions().into_iter().filter(wanted).collect()
}

/// The table functions that a session registers.
pub(crate) fn table_functions() -> Vec<Arc<TableFunction>> {
    let wanted = |function: &TableFunction| TABLE_FUNCTIONS.contains(&function.name());
    SessionStateDefaults::default_table_functions().into_iter().filter(|function| wanted(function)).collect()
}

/// Whether SQL may call a function of that name anywhere.
pub(crate) fn is_known(name: &str) -> bool {
    let scalar =
        |function: &Arc<ScalarUDF>| function.name() == name || function.aliases().iter().any(|alias| alias == name);
    let aggregate =
        |function: &Arc<AggregateUDF>| function.name() == name || function.aliases().iter().any(|alias| alias == name);
    WINDOWS.contains(&name) || scalars().iter().any(scalar) || aggregates().iter().any(aggregate)
}

#[cfg(test)]
mod tests;
