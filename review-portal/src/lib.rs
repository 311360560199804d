#![doc = include_str!("../README.md")]

mod access;
pub mod accounts;
mod acts;
mod alerts;
mod application;
mod assets;
mod attempts;
mod authenticator;
mod board;
pub mod catalog;
pub mod contact;
mod database;
mod dates;
pub mod dummy;
mod error;
mod events;
mod factors;
mod form;
mod language;
mod meetings;
mod notices;
mod outbox;
mod pages;
mod passwords;
mod peer;
mod portal;
mod precedents;
mod private_file;
mod query;
mod rebuild;
mod record;
mod register;
mod reminders;
mod review;
mod serve;
mod session;
mod signer;
pub mod tokens;
mod visit;
mod waiting;
mod workbench;

pub use authenticator::DemoAuthenticator;
pub use database::{Database, DatabaseUrl, DatabaseUrlError};
pub use error::PortalError;
pub use language::refusal_in_japanese;
pub use outbox::{MailError, NOTICE, SmtpConfig, SmtpTls, WebhookConfig, WebhookError};
pub use passwords::Weakness;
pub use private_file::PrivateFileError;
pub use query::{AnswerColumn, DummyEngine, PortalAnswer, PortalRefusal, QueryProgress, QueryRunner, Scanned, Watch};
pub use rebuild::{Rebuilt, rebuild};
pub use review::ReviewPlace;
pub use serve::{PortalConfig, serve};

#[cfg(test)]
pub(crate) mod tests;
