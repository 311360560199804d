//! The law of expressions on rows: whatever the guard lets through fails on no value, alone or simplified.
#![expect(
    clippy::string_slice,
    clippy::too_many_lines,
    reason = "tests: what goes wrong ends them, and figures are small"
)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int32Array, Int64Array, StringArray, UInt32Array, UInt64Array,
};
use arrow::datatypes::{Field, Schema};
use arrow::record_batch::RecordBatch;
use datafusion::common::DFSchema;
use datafusion::common::tree_node::TreeNode;
use datafusion::execution::SessionState;
use datafusion::logical_expr::execution_props::ExecutionProps;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::optimizer::analyzer::type_coercion::TypeCoercionRewriter;
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use datafusion::physical_expr::create_physical_expr;

use super::*;
use crate::execute::Limits;
use crate::relations::Relations;

/// Expressions of one run.
const EXPRESSIONS: u64 = 20_000;
/// Of them, how many the guard must let through at least: else the law is about little.
const PASSED_AT_LEAST: u64 = 8_000;

struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((z ^ (z >> 31)) % bound as u64).unwrap()
    }
}

/// What an expression of a type may look like: `I`, `F`, `S`, `D`, `T`, `B` stand for whole numbers, doubles, texts, dates,
/// timestamps and conditions, to be filled in turn.
fn shapes(of: char) -> &'static [&'static str] {
    match of {
        'I' => &[
            "i",
            "l",
            "u",
            "v",
            "0",
            "-1",
            "7",
            "(-2147483648)",
            "2147483647",
            "1000000",
            "(@I + @I)",
            "(@I - @I)",
            "(@I * @I)",
            "(@I / @I)",
            "(- @I)",
            "abs(@I)",
            "round(@I, -3)",
            "round(@I, 2)",
            "signum(@I)",
            "trunc(@I)",
            "coalesce(@I, @I, @I)",
            "nullif(@I, @I)",
            "nvl(@I, @I)",
            "nvl2(@I, @I, @I)",
            "greatest(@I, @I)",
            "least(@I, @I, @I)",
            "CAST(@F AS bigint)",
            "CAST(@F AS int)",
            "CAST(@S AS int)",
            "CAST(@S AS bigint)",
            "CAST(@B AS int)",
            "CAST(@I AS int)",
            "CAST(@I AS smallint)",
            "CAST(@I AS bigint unsigned)",
            "length(@S)",
            "strpos(@S, @S)",
            "regexp_count(@S, '[a-c]+')",
            "regexp_count(@S, 'x', 3)",
            "date_part('year', @D)",
            "date_part('dow', @D)",
            "date_part('day', @T)",
            "(@D - @D)",
            "to_unixtime(@D)",
            "to_unixtime(@T)",
            "age_at(@D, @D)",
            "fiscal_year(@D)",
            "CASE WHEN @B THEN @I ELSE @I END",
            "CASE @I WHEN @I THEN @I WHEN 3 THEN @I END",
            "extract(epoch FROM @D)",
            "extract(quarter FROM @T)",
        ],
        'F' => &[
            "f",
            "f",
            "0.0",
            "1.5",
            "1e308",
            "(-1e-308)",
            "CAST('NaN' AS double)",
            "CAST('-inf' AS double)",
            "(@F + @F)",
            "(@F - @F)",
            "(@F * @F)",
            "(@F / @F)",
            "(@I / @F)",
            "(@I * @F)",
            "(- @F)",
            "abs(@F)",
            "ceil(@F)",
            "floor(@F)",
            "round(@F)",
            "round(@F, 2)",
            "round(@F, -20)",
            "round(@F, 20)",
            "trunc(@F)",
            "trunc(@F, 3)",
            "signum(@F)",
            "ln(@F)",
            "exp(@F)",
            "sqrt(@F)",
            "sqrt(@I)",
            "power(@F, 2)",
            "power(@I, 2)",
            "power(@F, -1)",
            "power(@F, 0.5)",
            "coalesce(@F, @I)",
            "CAST(@S AS double)",
            "CAST(@I AS double)",
            "CAST(@I AS float)",
            "CAST(@F AS real)",
            "CASE WHEN @B THEN @F ELSE @I END",
            "@N",
            "(@N * @F)",
            "greatest(@F, @I)",
            "nullif(@F, @F)",
            "to_unixtime(@T) / 86400.0",
            "ceil(@I)",
            "floor(@I)",
        ],
        'N' => &[
            "CAST(@I AS decimal(4,2))",
            "CAST(@F AS decimal(22,10))",
            "CAST(@S AS decimal(10,3))",
            "(@N + @N)",
            "(@N * @N)",
            "(@N / @N)",
            "(@N - @I)",
            "round(@N, 2)",
            "abs(@N)",
            "ceil(@N)",
            "(- @N)",
            "CAST(@N AS decimal(38,10))",
            "coalesce(@N, @N)",
            "CASE WHEN @B THEN @N ELSE @I END",
            "greatest(@N, @N)",
            "CAST(@N AS decimal(3,3))",
            "signum(@N)",
            "trunc(@N, 1)",
            "sqrt(@N)",
        ],
        'S' => &[
            "s",
            "s",
            "t",
            "''",
            "'E11.9'",
            "'あ%_'",
            "(@S || @S)",
            "concat(@S, @I, @S)",
            "concat_ws(@S, @S, @S)",
            "upper(@S)",
            "lower(@S)",
            "left(@S, 3)",
            "left(@S, -10000)",
            "right(@S, -2)",
            "substr(@S, 2)",
            "substr(@S, 0, 10000)",
            "split_part(@S, '.', 2)",
            "btrim(@S)",
            "btrim(@S, @S)",
            "ltrim(@S)",
            "rtrim(@S)",
            "coalesce(@S, @S)",
            "nullif(@S, @S)",
            "CAST(@I AS text)",
            "CAST(@F AS text)",
            "CAST(@D AS text)",
            "CAST(@T AS text)",
            "CAST(@N AS text)",
            "CASE WHEN @B THEN @S ELSE @S END",
            "CAST(@B AS text)",
            "greatest(@S, @S)",
        ],
        'D' => &[
            "d",
            "d",
            "d2",
            "DATE '2022-02-28'",
            "DATE '1677-09-22'",
            "(@D + INTERVAL '1 month')",
            "(@D - INTERVAL '200 years')",
            "(@D + INTERVAL '200 years')",
            "(@D + INTERVAL '90 days')",
            "(INTERVAL '1 day' + @D)",
            "CAST(@T AS date)",
            "CAST(date_trunc('month', @D) AS date)",
            "coalesce(@D, @D)",
            "CASE WHEN @B THEN @D END",
            "greatest(@D, @D)",
            "(@D + INTERVAL '36 hours')",
            "nullif(@D, @D)",
        ],
        'T' => &[
            "CAST(@D AS timestamp)",
            "CAST(@D AS timestamp(0))",
            "CAST(@D AS timestamp(3))",
            "CAST(@D AS timestamp(6))",
            "date_trunc('year', @T)",
            "date_trunc('week', @D)",
            "date_trunc('quarter', @T)",
            "date_trunc('hour', @T)",
            "TIMESTAMP '1677-09-22T00:00:00'",
            "TIMESTAMP '2262-04-11T00:00:00'",
            "coalesce(@T, @T)",
            "least(@T, @T)",
            "CASE WHEN @B THEN @T ELSE @T END",
        ],
        _ => &[
            "b",
            "true",
            "(@I < @I)",
            "(@F >= @I)",
            "(@N = @I)",
            "(@S = @S)",
            "(@D <= @D)",
            "(@D < @T)",
            "(@T <> @T)",
            "(@B AND @B)",
            "(@B OR @B)",
            "(NOT @B)",
            "(@I BETWEEN @I AND @F)",
            "(@D BETWEEN @D AND @D)",
            "(@I IN (1, 2, @I))",
            "(@S IN ('a', 'b', 'c', 'd'))",
            "(@S LIKE 'E1%')",
            "(@S ILIKE '%あ_')",
            "(@I IS NULL)",
            "(@F IS NOT NULL)",
            "(@B IS TRUE)",
            "(@B IS NOT UNKNOWN)",
            "starts_with(@S, @S)",
            "ends_with(@S, @S)",
            "contains(@S, @S)",
            "regexp_like(@S, '^E1[0-4]')",
            "icd10_in(@S, 'E10-E14, I21.9')",
            "coalesce(@B, @B)",
            "(@F IS DISTINCT FROM @F)",
            "(@D - @D > 30)",
            "(@I = @F)",
            "(@S < CAST(@I AS text))",
        ],
    }
}

fn random(dice: &mut Dice, of: char, depth: usize) -> String {
    let all = shapes(of);
    let leaves: Vec<&&str> = all.iter().filter(|shape| !shape.contains('@')).collect();
    let shape = if depth == 0 && !leaves.is_empty() {
        leaves[dice.below(leaves.len())]
    } else {
        all[dice.below(if depth == 0 { 1 } else { all.len() })]
    };
    let mut parts = shape.split('@');
    let mut text = parts.next().unwrap().to_owned();
    for part in parts {
        text += &random(dice, part.chars().next().unwrap(), depth.saturating_sub(1));
        text += &part[1..];
    }
    text
}

/// Columns of all types that the analysis schema has, with the values that are most likely to fail.
fn extremes() -> RecordBatch {
    let long = "x".repeat(5_000);
    let texts = [
        "",
        "E119",
        "NaN",
        "-9223372036854775808",
        "9999-99-99",
        "あいう\u{301}",
        "ｅ１１",
        "1e400",
        &long,
        "\0",
        "inf",
    ];
    let floats = [
        0.0,
        -0.0,
        1.5,
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::MAX,
        f64::MIN,
        f64::MIN_POSITIVE,
        1e18,
        9.3e18,
    ];
    let days = [0, 19_000, i32::MIN, i32::MAX, -719_163, -719_162, 2_932_896, 95_026_236, -106_752, 106_751, -1];
    let ints = [0, 1, -1, i32::MIN, i32::MAX, i32::MIN + 1, 93, 2, 100_000, -7, 3];
    let longs = [0, i64::MIN, i64::MAX, i64::MIN + 1, 1 << 53, -1, 1, 86_400, i64::from(i32::MAX) + 1, 7, -2];
    let shorts = [0, u32::MAX, 1, 2, 3, 4, 5, 6, 7, 8, 9];
    let wides = [0, u64::MAX, 1, u64::MAX - 1, 1 << 63, 3, 4, 5, 6, 7, 8];
    let days2: Vec<Option<i32>> = days.iter().rev().copied().map(Some).collect();
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("i", Arc::new(nulled(Int32Array::from(ints.to_vec()).iter().collect()).into_iter().collect::<Int32Array>())),
        ("l", Arc::new(nulled(longs.map(Some).to_vec()).into_iter().collect::<Int64Array>())),
        ("u", Arc::new(nulled(shorts.map(Some).to_vec()).into_iter().collect::<UInt32Array>())),
        ("v", Arc::new(nulled(wides.map(Some).to_vec()).into_iter().collect::<UInt64Array>())),
        ("f", Arc::new(nulled(floats.map(Some).to_vec()).into_iter().collect::<Float64Array>())),
        ("s", Arc::new(nulled(texts.map(Some).to_vec()).into_iter().collect::<StringArray>())),
        ("t", Arc::new(nulled(texts.iter().rev().copied().map(Some).collect()).into_iter().collect::<StringArray>())),
        ("d", Arc::new(nulled(days.map(Some).to_vec()).into_iter().collect::<Date32Array>())),
        ("d2", Arc::new(nulled(days2).into_iter().collect::<Date32Array>())),
        ("b", Arc::new((0..12).map(|row| (row < 11).then_some(row % 2 == 0)).collect::<BooleanArray>())),
    ];
    let fields: Vec<Field> =
        columns.iter().map(|(name, values)| Field::new(*name, values.data_type().clone(), true)).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns.into_iter().map(|(_, values)| values).collect())
        .unwrap()
}

fn nulled<T>(mut values: Vec<Option<T>>) -> Vec<Option<T>> {
    values.push(None);
    values
}

struct Bench {
    state: SessionState,
    schema: DFSchema,
    facts: Vec<Fact>,
    batch: RecordBatch,
}

impl Bench {
    fn new() -> Self {
        let batch = extremes();
        let schema = DFSchema::try_from(batch.schema().as_ref().clone()).unwrap();
        let facts = vec![Fact::PLAIN; batch.num_columns()];
        let state = crate::state::session_state(&Relations::default(), &Limits::default()).unwrap();
        Self { state, schema, facts, batch }
    }

    fn coerced(&self, expr: Expr) -> datafusion::common::Result<Expr> {
        expr.rewrite(&mut TypeCoercionRewriter::new(&self.schema)).map(|done| done.data)
    }

    /// The guarded expression, as it would run; nothing where it is refused.
    fn guarded(&self, sql: &str) -> Option<Expr> {
        let expr = self.coerced(self.state.create_logical_expr(sql, &self.schema).ok()?).ok()?;
        let scope = Scope { schema: &self.schema, facts: Some(&self.facts) };
        let expr = total(scope, expr).ok()?;
        Some(self.coerced(expr).unwrap_or_else(|error| panic!("{sql}: {error}")))
    }

    fn simplified(&self, expr: Expr) -> datafusion::common::Result<Expr> {
        let context = SimplifyContext::builder().with_schema(Arc::new(self.schema.clone())).build();
        ExprSimplifier::new(context).simplify(expr)
    }

    fn run(&self, expr: &Expr) -> datafusion::common::Result<ArrayRef> {
        let (props, planning) = (ExecutionProps::new(), PhysicalPlanningContext::default());
        let physical = create_physical_expr(expr, &self.schema, &props, &planning)?;
        physical.evaluate(&self.batch)?.into_array(self.batch.num_rows())
    }

    /// Whether an expression is let through; if it is and does not run, why.
    fn attempt(&self, sql: &str) -> Result<bool, String> {
        let tried = catch_unwind(AssertUnwindSafe(|| {
            let Some(expr) = self.guarded(sql) else { return Ok(false) };
            self.run(&expr).map_err(|error| format!("{sql}: {error}"))?;
            let simplified = self.simplified(expr).map_err(|error| format!("simplifying {sql}: {error}"))?;
            self.run(&simplified).map_err(|error| format!("simplified {sql}: {error}"))?;
            Ok(true)
        }));
        tried.unwrap_or_else(|_| Err(format!("unwinds: {sql}")))
    }

    /// Whether an expression is let through; it must then run.
    fn check(&self, sql: &str) -> bool {
        self.attempt(sql).unwrap_or_else(|failure| panic!("{failure}"))
    }
}

#[test]
fn no_expression_that_is_let_through_fails_on_a_value() {
    let bench = Bench::new();
    let seed = 0x5D;
    let mut dice = Dice(seed);
    let (mut passed, mut failures) = (0, Vec::new());
    for at in 0..EXPRESSIONS {
        let of = ['I', 'F', 'S', 'D', 'T', 'B', 'N'][dice.below(7)];
        let depth = 1 + dice.below(4);
        let sql = random(&mut dice, of, depth);
        let sql = if at == 0 { "i + 1".to_owned() } else { sql };
        match bench.attempt(&sql) {
            Ok(let_through) => passed += u64::from(let_through),
            Err(failure) => failures.push(failure),
        }
    }
    failures.sort_by_key(String::len);
    failures.truncate(12);
    assert!(failures.is_empty(), "seed {seed}: {failures:#?}");
    assert!(passed >= PASSED_AT_LEAST, "{passed} of {EXPRESSIONS}, seed {seed}");
}

/// Each shape alone, with plain columns, and whether it is let through.
#[test]
fn every_shape_is_let_through_with_plain_columns() {
    let bench = Bench::new();
    let mut refused = Vec::new();
    for of in ['I', 'F', 'N', 'S', 'D', 'T', 'B'] {
        // A product of two 32-bit columns may leave 62 bits, and says so.
        for shape in shapes(of).iter().filter(|shape| **shape != "(@I * @I)") {
            let mut sql = (*shape).to_owned();
            for (mark, column) in [
                ("@I", "i"),
                ("@F", "f"),
                ("@N", "CAST(i AS decimal(10,2))"),
                ("@S", "s"),
                ("@D", "d"),
                ("@T", "CAST(d2 AS timestamp)"),
                ("@B", "b"),
            ] {
                sql = sql.replace(mark, column);
            }
            match bench.attempt(&sql) {
                Ok(true) => {}
                Ok(false) => refused.push(sql),
                Err(failure) => refused.push(failure),
            }
        }
    }
    assert!(refused.is_empty(), "{refused:#?}");
}

#[test]
fn what_has_no_total_form_is_refused() {
    let bench = Bench::new();
    for sql in [
        "power(f, f)",
        "power(f, 3)",
        "power(2, i)",
        "to_unixtime(s)",
        "to_unixtime(i)",
        "icd10_in(s, t)",
        "icd10_in(s, 'E1-')",
        "CAST(s AS date)",
        "CAST(i AS date)",
        "CAST(d AS timestamp) - CAST(d2 AS timestamp)",
        "log(f)",
        "i % 2",
        "left(s, i)",
        "CAST(d AS timestamp) + INTERVAL '1 day'",
        "d + INTERVAL '201 years'",
        "CAST(s AS timestamp)",
        "repeat(s, 2)",
        "regexp_like(s, t)",
        "d + i",
    ] {
        assert!(!bench.check(sql), "{sql}");
    }
}

#[test]
fn nested_calls_do_not_double_the_plan() {
    let bench = Bench::new();
    for (open, close) in
        [("coalesce(", ", i)"), ("(1 / ", ")"), ("(", " / 1)"), ("round(", ", 2)"), ("abs(", ")"), ("nvl(i, ", ")")]
    {
        let sql = format!("{}i{}", open.repeat(30), close.repeat(30));
        let _let_through = bench.check(&sql);
    }
    let between = format!("{}b{}", "(".repeat(20), " BETWEEN false AND true)".repeat(20));
    assert!(!bench.check(&between));
}

#[test]
fn nothing_infinite_and_no_endless_text_comes_out() {
    let bench = Bench::new();
    for sql in ["f * 1e308", "f / 1e-308", "exp(f)", "CAST(s AS double)", "ln(f)", "power(f, 2)", "f - f + f"] {
        let values = bench.run(&bench.guarded(sql).unwrap()).unwrap();
        let values = arrow::array::AsArray::as_primitive::<arrow::datatypes::Float64Type>(&values);
        assert!(values.iter().flatten().all(f64::is_finite), "{sql}");
    }
    let text = bench.run(&bench.guarded("s || s || concat(s, s) || concat_ws(s, s, s)").unwrap()).unwrap();
    let text = arrow::array::AsArray::as_string::<i32>(&text);
    assert!(text.iter().flatten().all(|text| text.chars().count() <= 4_000));
}
