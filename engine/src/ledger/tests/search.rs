//! The index against a look at every number.

use proptest::prelude::*;

use super::count;
use crate::ledger::numbers::{FEW, NO_ORIGIN, Numbers, agreeing};
use crate::veil::sketch::{SUMS, Sketch};

fn crowd(from: u64, size: u64, step: u64) -> Sketch {
    count((0..size).map(|person| from + person * step)).unwrap().sketch
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn it_finds_what_a_scan_finds(
        crowds in prop::collection::vec((0_u64..60, 10_u64..80, 1_u64..3), 1..60), kept in 0_usize..60,
    ) {
        let all: Vec<_> = crowds.iter().map(|(from, size, step)| crowd(*from, *size, *step)).filter(|s| s.spread() > FEW).collect();
        let mut numbers = Numbers::default();
        for sketch in &all {
            numbers.push(*sketch, 0.0, NO_ORIGIN);
        }
        numbers.truncate(kept);
        let kept = kept.min(all.len());
        for sketch in &all {
            let scan = all[..kept].iter().position(|known| agreeing(known, sketch) >= SUMS - FEW);
            prop_assert_eq!(numbers.near(sketch, kept).map(|id| id as usize), scan);
            let equal = all[..kept].iter().position(|known| known == sketch);
            prop_assert_eq!(numbers.equal(sketch).map(|id| id as usize), equal);
        }
    }
}
