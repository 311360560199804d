//! The portal over real sockets: a real permit signer, real cookies, real forms.

mod accessibility;
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
mod quality;
mod routes;
mod start;
mod window;
mod workbench;
pub(crate) mod world;
