//! What of a report may leave the linkage zone: no count that a few persons make up, and none that follows from the others.

use serde_json::Value;

use super::LinkReport;

/// Counts below this are not shown (NDB guideline 3rd ed., publication of results: no cell of fewer than ten persons).
const FEW: u64 = 10;
/// How few is written; none and few look the same.
const FEW_SHOWN: &str = "<10";
/// Numbers that count no persons, atoms or tokens.
const NOT_COUNTED: [&str; 2] = ["run", "last_full"];
/// What says nothing outside the zone: random names of batches.
const INSIDE: [&str; 2] = ["batches_added", "batches_skipped"];

impl LinkReport {
    /// The report as it may leave the zone.
    pub fn public(&self) -> Result<Value, serde_json::Error> {
        Ok(veiled(serde_json::to_value(self)?))
    }
}

/// Counts below ten as `<10`, all others to the nearest ten, so that a small one does not follow from a sum; without the names of
/// batches. Whatever number is not known to count nobody is taken for a count.
pub fn veiled(value: Value) -> Value {
    match value {
        Value::Array(values) => values.into_iter().map(veiled).collect(),
        Value::Object(fields) => {
            let shown = fields.into_iter().filter(|(name, _)| !INSIDE.contains(&name.as_str()));
            let each = |(name, value): (String, Value)| {
                let keep = NOT_COUNTED.contains(&name.as_str()) && value.is_number();
                (name, if keep { value } else { veiled(value) })
            };
            Value::Object(shown.map(each).collect())
        }
        Value::Number(number) => number.as_u64().map_or(Value::Null, shown),
        other @ (Value::Bool(_) | Value::Null | Value::String(_)) => other,
    }
}

fn shown(count: u64) -> Value {
    if count < FEW { Value::from(FEW_SHOWN) } else { Value::from(count.saturating_add(FEW / 2) / FEW * FEW) }
}
