//! The portal over real sockets: a real permit signer, real cookies, real forms.

mod factors;
mod failure;
pub(crate) mod flow;
mod guard;
mod linkage;
mod quality;
mod routes;
pub(crate) mod world;
