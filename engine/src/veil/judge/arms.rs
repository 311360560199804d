//! Arms left alone (disclosure.md, 4a; V-ZERO): where one of a key's two values is shown only, "the other is nearly empty" would be the
//! answer, so that it stays back too.

use std::collections::BTreeMap;

use arrow::array::Array;
use datafusion::common::Result;

use super::Sheet;
use crate::veil::complement::lonely_arm;
use crate::veil::grade::key_hashes;
use crate::veil::plan::TwoValued;

/// The rows that differ in one key only.
type Arms = BTreeMap<Vec<u64>, Vec<usize>>;

impl Sheet {
    /// Until nothing changes: an arm that goes may leave one of another key alone.
    pub(super) fn drop_lonely_arms(&mut self) -> Result<()> {
        let spec = std::sync::Arc::clone(&self.spec);
        if spec.two_valued.is_empty() {
            return Ok(());
        }
        let hashes = key_hashes(self.keys())?;
        let totals = if spec.grouping_sets { self.totals()? } else { vec![0; self.len()] };
        let keys: Vec<(TwoValued, Arms)> =
            spec.two_valued.iter().map(|of| (*of, self.arms_of(of.key, &hashes, &totals))).collect();
        let mut found = true;
        while found {
            found = false;
            for (of, arms) in &keys {
                for rows in arms.values() {
                    if !self.is_lonely(*of, rows) {
                        continue;
                    }
                    let shown: Vec<usize> = rows.iter().copied().filter(|row| self.row_passes(*row)).collect();
                    found |= !shown.is_empty();
                    for row in shown {
                        self.drop_row(row);
                    }
                }
            }
        }
        Ok(())
    }

    /// By the values of all other keys; rows of which this key is a total are left out.
    fn arms_of(&self, key: usize, hashes: &[Vec<u64>], totals: &[u64]) -> Arms {
        let mut arms = Arms::new();
        for (row, totals) in totals.iter().enumerate() {
            if self.spec.grouping_sets && self.is_total(*totals, key) {
                continue;
            }
            let others = hashes.iter().enumerate().filter(|(other, _)| *other != key);
            let others = others.filter_map(|(_, column)| column.get(row).copied()).collect();
            arms.entry(others).or_default().push(row);
        }
        arms
    }

    fn is_lonely(&self, of: TwoValued, rows: &[usize]) -> bool {
        let there = |row: &usize| self.keys().get(of.key).is_some_and(|column| column.is_valid(*row));
        let passes = |rows: &[usize]| rows.iter().map(|row| self.row_passes(*row)).collect::<Vec<_>>();
        let valued: Vec<usize> = rows.iter().copied().filter(there).collect();
        lonely_arm(&passes(rows), 2) || (of.null && lonely_arm(&passes(&valued), 2))
    }
}
