//! The portal over real sockets: a real permit signer, real cookies, real forms.

mod accessibility;
#[path = "../../tests/browser.rs"]
#[expect(
    dead_code,
    clippy::disallowed_methods,
    reason = "shared with the end-to-end tests, which need all of it and write pictures"
)]
mod browser;
mod contact;
mod documents;
mod draft;
mod dummy;
mod editor;
mod factors;
mod failure;
pub(crate) mod flow;
mod forged;
mod guard;
mod journey;
mod linkage;
mod office;
mod oidc;
mod permits;
mod quality;
mod reset;
mod routes;
mod start;
mod workbench;
pub(crate) mod world;
