//! End to end: the real binary, real sockets, real clients, made-up people.

#![expect(clippy::disallowed_methods, reason = "a test may wait, read the clock and write scratch files")]

mod chain;
mod command_line;
mod durability;
mod leak;
mod pages;
mod permits;
mod person;
mod refusals;
mod tamper;
mod tidy;
mod world;
