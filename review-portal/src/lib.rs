#![doc = include_str!("../README.md")]

mod access;
pub mod accounts;
mod application;
mod assets;
pub mod catalog;
mod database;
mod dates;
mod error;
#[cfg_attr(not(test), expect(dead_code, reason = "applications still have a table of events of their own"))]
mod events;
mod form;
mod language;
mod pages;
mod portal;
mod query;
mod record;
mod register;
mod review;
mod serve;
mod session;
mod signer;
pub mod tokens;
mod visit;
mod waiting;
mod workbench;

pub use database::{Database, DatabaseUrl, DatabaseUrlError};
pub use error::PortalError;
pub use language::refusal_in_japanese;
pub use query::{AnswerColumn, PortalAnswer, PortalRefusal, QueryRunner};
pub use review::ReviewPlace;
pub use serve::{PortalConfig, serve};

#[cfg(test)]
mod tests;
