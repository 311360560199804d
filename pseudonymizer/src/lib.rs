#![doc = include_str!("../README.md")]

pub mod absent;
mod atoms;
mod cell;
mod delivery;
mod dpc;
mod ehr;
pub mod epoch;
mod flat;
#[doc(hidden)]
pub mod fuzz;
pub mod holder;
mod intake;
mod job;
pub mod layout;
mod leak_scan;
mod lines;
pub mod link;
mod ltc;
pub mod measure;
mod ndb;
mod normalise;
mod quarantine;
pub mod release;
mod report;
mod rows;
pub mod seal;
mod spool;
mod stays;
mod surrogate;
mod tokens;
mod versions;

pub use job::{Job, Options, Progress, PseudonymizeError, pseudonymize};
pub use normalise::VERSION as NORMALISER_VERSION;
pub use report::{FileReport, Reason, Report};
