//! A guarded plan as text: the logical plan with its veils, before anything is known of the data.

use super::Prepared;

impl Prepared {
    /// One line a node. No operators, statistics or files (disclosure.md, V-EXPLAIN).
    pub(crate) fn explained(&self) -> Vec<String> {
        self.plan.display_indent().to_string().lines().map(str::to_owned).collect()
    }
}
