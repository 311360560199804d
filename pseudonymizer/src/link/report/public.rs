//! What of a report may leave the linkage zone: no count that a few persons make up, and none that follows from the others.

use serde_json::Value;

use super::LinkReport;

/// Counts below this are not shown (NDB guideline 3rd ed., publication of results: no cell of fewer than ten persons).
const FEW: f64 = 10.0;
/// How few is written; none and few look the same.
const FEW_SHOWN: &str = "<10";
/// Numbers that count no persons, atoms or tokens.
const NOT_COUNTED: [&str; 2] = ["run", "last_full"];
/// Probabilities and shares.
const SHARES: [&str; 4] = ["from", "to", "precision", "recall"];
/// What says nothing outside the zone: random names of batches.
const INSIDE: [&str; 2] = ["batches_added", "held_already"];

impl LinkReport {
    /// The report as it may leave the zone.
    pub fn public(&self) -> Result<Value, serde_json::Error> {
        Ok(veiled(serde_json::to_value(self)?))
    }
}

/// Counts below ten as `<10`, all others to the nearest ten, so that a small one does not follow from a sum; shares to four digits;
/// without the names of batches. Whatever number is not known to count nobody is taken for a count.
pub fn veiled(value: Value) -> Value {
    match value {
        Value::Array(values) => values.into_iter().map(veiled).collect(),
        Value::Object(fields) => {
            let shown = fields.into_iter().filter(|(name, _)| !INSIDE.contains(&name.as_str()));
            Value::Object(shown.map(|(name, value)| (name.clone(), field(&name, value))).collect())
        }
        Value::Number(number) => number.as_f64().map_or(Value::Null, shown),
        other @ (Value::Bool(_) | Value::Null | Value::String(_)) => other,
    }
}

fn field(name: &str, value: Value) -> Value {
    match value.as_f64() {
        Some(_) if NOT_COUNTED.contains(&name) => value,
        Some(share) if SHARES.contains(&name) => Value::from((share * 10_000.0).round() / 10_000.0),
        _ => veiled(value),
    }
}

/// Counts that a model estimates are no whole numbers. A double holds every count of persons, atoms and tokens exactly.
fn shown(count: f64) -> Value {
    if count < FEW {
        return Value::from(FEW_SHOWN);
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative, and far below 2^53")]
    let tens = (count / FEW).round() as u64;
    Value::from(tens.saturating_mul(10))
}
