//! The attack and study cases, one JSON a line.

use serde::Deserialize;

/// One case.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Case {
    pub id: String,
    pub class: String,
    pub sql: Option<String>,
    pub sql_sequence: Option<Vec<String>>,
    pub expected: String,
}

impl Case {
    /// Its statements in order.
    pub(super) fn statements(&self) -> Vec<&str> {
        let one = self.sql.iter().map(String::as_str);
        one.chain(self.sql_sequence.iter().flatten().map(String::as_str)).collect()
    }
}

/// All cases.
pub(super) fn all() -> Vec<Case> {
    include_str!("fixtures/attacks.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
