//! The portal over real sockets: a real permit signer, real cookies, real forms.

mod factors;
mod failure;
mod flow;
mod guard;
mod linkage;
mod quality;
mod routes;
mod world;
