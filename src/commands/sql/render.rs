//! Forms of an answer: table for people, CSV and JSON for programs.

use anyhow::Result;
use arrow::array::{Array, ArrayRef, AsArray as _};
use arrow::datatypes::{DataType, Float32Type, Float64Type, Int64Type, UInt64Type};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use engine::client::{ClientAnswer, Refused};
use serde_json::{Value, json};

use crate::lang::Lang;
use crate::output;

/// Largest integer that every JSON reader keeps exactly (RFC 8259, section 6).
const EXACT_MAX: u64 = 1 << 53;

/// What everybody who sees the values has to know of them, as sentences: that they are made up, that they are a preview, that some were snapped, under
/// which conditions they were given.
pub(super) fn notices(answer: &ClientAnswer, lang: Lang) -> Vec<String> {
    let preview = word(answer, "grade") == "preview";
    let snapped = answer.veil.get("snapped").and_then(Value::as_u64).filter(|count| *count > 0);
    let dummy = answer.is_dummy.then(|| lang.text("sql-dummy"));
    let preview = preview.then(|| lang.text("sql-preview"));
    let snapped = snapped.map(|count| lang.with("sql-snapped", &[("count", &count.to_string())]));
    // A condition is one sentence on one line, whatever stands in it.
    let line = |text: &String| text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>();
    let conditions = answer.conditions.iter().map(|text| lang.with("sql-condition", &[("text", &line(text))]));
    dummy.into_iter().chain(preview).chain(snapped).chain(conditions).collect()
}

/// `{"columns":[…],"rows":[…],"veil":{…},"notices":[…]}`.
pub(super) fn answer_json(answer: &ClientAnswer, lang: Lang) -> Result<Value> {
    let columns: Vec<Value> = answer
        .schema
        .fields()
        .iter()
        .map(|field| json!({ "name": field.name(), "type": type_name(field.data_type()) }))
        .collect();
    let rows = rows(answer, value)?;
    Ok(json!({ "columns": columns, "rows": rows, "veil": answer.veil, "notices": notices(answer, lang),
        "dummy": answer.is_dummy, "cost": answer.cost }))
}

/// An aligned table below its notices, then what is said of withholding.
pub(crate) fn answer_table(answer: &ClientAnswer, lang: Lang) -> Result<String> {
    let header: Vec<&str> = answer.schema.fields().iter().map(|field| field.name().as_str()).collect();
    let rows = rows(answer, text)?;
    let reasons = answer.veil.get("reasons").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let reasons = reasons.collect::<Vec<_>>().join(", ");
    let values = [("grade", word(answer, "grade")), ("withheld", word(answer, "withheld")), ("reasons", &reasons)];
    let mut parts = notices(answer, lang);
    parts.extend([output::table(&header, &rows), lang.with("sql-withheld", &values), lang.text("sql-band")]);
    Ok(parts.join("\n"))
}

/// RFC 4180; an empty cell is NULL. Notices and the veil's word stand in the last lines, as comments: they go where the file goes.
pub(super) fn answer_csv(answer: &ClientAnswer, lang: Lang) -> Result<String> {
    let quote = |cell: &str| {
        if cell.contains([',', '"', '\n', '\r']) {
            format!("\"{}\"", cell.replace('"', "\"\""))
        } else {
            cell.to_owned()
        }
    };
    let line = |cells: &[String]| cells.iter().map(|cell| quote(cell)).collect::<Vec<_>>().join(",") + "\r\n";
    let header: Vec<String> = answer.schema.fields().iter().map(|field| field.name().clone()).collect();
    let body: String = rows(answer, text)?.iter().map(|row| line(row)).collect();
    let notices: Vec<String> = notices(answer, lang).iter().map(|notice| format!("# {notice}\r\n")).collect();
    let notices = notices.concat();
    Ok(format!("{}{body}{notices}# veil: {}\r\n", line(&header), answer.veil))
}

fn word<'a>(answer: &'a ClientAnswer, name: &str) -> &'a str {
    answer.veil.get(name).and_then(Value::as_str).unwrap_or("?")
}

/// A refusal as sentences for the person at the terminal.
pub(super) fn refusal(refused: &Refused, lang: Lang) -> String {
    let place = match (refused.line, refused.column) {
        (Some(line), Some(column)) => {
            lang.with("sql-place", &[("line", &line.to_string()), ("column", &column.to_string())])
        }
        _ => String::new(),
    };
    let japanese = if lang == Lang::Ja { review_portal::refusal_in_japanese(&refused.code) } else { None };
    let (message, hint) = japanese.unwrap_or((&refused.message, &refused.hint));
    let values = [("code", refused.code.as_str()), ("rule", &refused.rule), ("place", &place), ("message", message)];
    format!("{}\n{}", lang.with("sql-refused", &values), lang.with("sql-hint", &[("hint", hint)]))
}

/// Cells as text; none for NULL.
pub(in crate::commands) fn cells(answer: &ClientAnswer) -> Result<Vec<Vec<Option<String>>>> {
    rows(answer, |column, row| if column.is_null(row) { Ok(None) } else { text(column, row).map(Some) })
}

fn rows<T>(answer: &ClientAnswer, cell: impl Fn(&ArrayRef, usize) -> Result<T>) -> Result<Vec<Vec<T>>> {
    let mut rows = Vec::new();
    for batch in &answer.batches {
        for row in 0..batch.num_rows() {
            rows.push(batch.columns().iter().map(|column| cell(column, row)).collect::<Result<Vec<T>>>()?);
        }
    }
    Ok(rows)
}

/// The type as answers name it.
pub(in crate::commands) fn type_name(kind: &DataType) -> &'static str {
    if kind.is_integer() {
        return "int";
    }
    if kind.is_floating() {
        return "float";
    }
    #[expect(clippy::wildcard_enum_match_arm, reason = "every other type is shown as text")]
    match kind {
        DataType::Boolean => "bool",
        DataType::Date32 | DataType::Date64 => "date",
        DataType::Decimal32(..) | DataType::Decimal64(..) | DataType::Decimal128(..) | DataType::Decimal256(..) => {
            "decimal"
        }
        DataType::Duration(_) | DataType::Interval(_) => "interval",
        DataType::Timestamp(..) => "timestamp",
        _ => "text",
    }
}

fn value(column: &ArrayRef, row: usize) -> Result<Value> {
    if column.is_null(row) {
        return Ok(Value::Null);
    }
    let kind = column.data_type();
    if kind.is_unsigned_integer() {
        let number = arrow::compute::cast(column, &DataType::UInt64)?.as_primitive::<UInt64Type>().value(row);
        return Ok(if number <= EXACT_MAX { json!(number) } else { json!(number.to_string()) });
    }
    if kind.is_integer() {
        let number = arrow::compute::cast(column, &DataType::Int64)?.as_primitive::<Int64Type>().value(row);
        return Ok(if number.unsigned_abs() <= EXACT_MAX { json!(number) } else { json!(number.to_string()) });
    }
    #[expect(clippy::wildcard_enum_match_arm, reason = "every other type is shown as text")]
    Ok(match kind {
        DataType::Boolean => json!(column.as_boolean().value(row)),
        DataType::Float32 => json!(column.as_primitive::<Float32Type>().value(row)),
        // A number that is not finite has no JSON form: serde_json writes null.
        DataType::Float64 => json!(column.as_primitive::<Float64Type>().value(row)),
        _ => json!(text(column, row)?),
    })
}

fn text(column: &ArrayRef, row: usize) -> Result<String> {
    let options = FormatOptions::default();
    Ok(ArrayFormatter::try_new(column.as_ref(), &options)?.value(row).try_to_string()?)
}
