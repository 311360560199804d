#![doc = include_str!("../README.md")]

pub mod analysis;
mod calendar;
mod care;
mod corrections;
mod course;
mod digits;
mod error;
mod facilities;
mod ledger;
mod mistakes;
mod names;
mod places;
mod population;
mod random;
mod records;
mod synthesize;
mod truth;
mod write;

pub use error::SyntheticError;
pub use ledger::{LedgerOptions, LedgerSummary, Shape, ledger};
pub use synthesize::{Errors, Options, Progress, Summary, synthesize};
