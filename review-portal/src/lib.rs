#![doc = include_str!("../README.md")]

mod access;
pub mod accounts;
mod acts;
mod application;
mod attempts;
mod authenticator;
pub mod catalog;
mod database;
mod error;
mod factors;
mod form;
mod language;
mod notice;
mod pages;
mod passwords;
mod peer;
mod portal;
mod query;
mod record;
mod review;
mod serve;
mod session;
mod signer;
pub mod tokens;
mod visit;

pub use authenticator::DemoAuthenticator;
pub use database::{Database, DatabaseUrl, DatabaseUrlError};
pub use error::PortalError;
pub use language::refusal_in_japanese;
pub use passwords::Weakness;
pub use query::{AnswerColumn, PortalAnswer, PortalRefusal, QueryRunner};
pub use review::ReviewPlace;
pub use serve::{PortalConfig, serve};

#[cfg(test)]
mod tests;
