#![doc = include_str!("../README.md")]

mod admission;
mod answer;
mod checker;
pub mod client;
mod describe;
mod error;
mod execute;
mod flight;
mod functions;
mod guard;
mod guarding;
mod ledger;
mod limits;
mod person;
mod planner;
mod refused;
mod relations;
mod release;
mod service;
mod state;
mod status_feed;
mod tables;
mod veil;
mod work;

pub use admission::Rejection;
pub use answer::{Answer, Band, Reason, VeilReport};
pub use error::{QueryError, Refusal, Rule};
pub use execute::{Limits, Prepared, Session, VeilKey};
pub use flight::VEIL_KEY;
pub use limits::EngineLimits;
pub use refused::{Refused, RefusedObject, codes};
pub use relations::{RelationKind, Relations};
pub use release::{Release, ReleaseError, Releases};
pub use service::{Clock, EngineConfig, ServeError, serve};
pub use status_feed::FeedError;
pub use veil::grade::Keeper;
