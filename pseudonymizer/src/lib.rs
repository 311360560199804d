#![doc = include_str!("../README.md")]

mod atoms;
mod cell;
mod content;
mod dpc;
mod ehr;
pub mod epoch;
mod flat;
mod intake;
mod job;
pub mod layout;
mod lines;
pub mod link;
mod ltc;
mod ndb;
mod normalise;
mod quarantine;
pub mod release;
mod report;
mod rows;
pub mod seal;
mod surrogate;
mod tokens;

pub use job::{InvalidSource, Job, Progress, PseudonymizeError, Source, pseudonymize};
pub use normalise::VERSION as NORMALISER_VERSION;
pub use report::{FileReport, Reason, Report};
