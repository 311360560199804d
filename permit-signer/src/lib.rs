#![doc = include_str!("../README.md")]

mod error;
mod registry;
mod serve;
mod signer;
mod store;
mod witnesses;

pub use error::SignerError;
pub use registry::Registrar;
pub use serve::{SignerConfig, serve};
