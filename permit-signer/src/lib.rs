#![doc = include_str!("../README.md")]

mod error;
mod serve;
mod signer;
mod store;

pub use error::SignerError;
pub use serve::{SignerConfig, serve};
