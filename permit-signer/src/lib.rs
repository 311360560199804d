#![doc = include_str!("../README.md")]

mod desk;
mod error;
mod registry;
mod serve;
mod signer;
mod store;
mod witnesses;

pub use desk::{DeskConfig, serve_desk};
pub use error::SignerError;
pub use registry::Registrar;
pub use serve::{SignerConfig, serve};
