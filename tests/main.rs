//! End to end: the real binary, real sockets, real clients, made-up people.

#![expect(clippy::disallowed_methods, reason = "a test may wait, read the clock and write scratch files")]
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test ends at the first thing that goes wrong"
)]

mod browser;
mod chain;
mod command_line;
mod dummy;
mod durability;
mod examples;
mod grades;
mod journey;
mod keys;
mod layouts;
mod leak;
mod link_input;
mod linkage;
mod opt_out;
mod pages;
mod permits;
mod person;
mod plain;
mod readme;
mod refusals;
mod register;
mod services;
mod tables;
mod tamper;
mod tidy;
mod tls;
mod world;
