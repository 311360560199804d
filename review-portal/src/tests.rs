//! The portal over real sockets: a real permit signer, real cookies, real forms.

mod editor;
mod failure;
mod flow;
mod guard;
mod linkage;
mod quality;
mod routes;
mod window;
mod workbench;
mod world;
