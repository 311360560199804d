//! The application's rules from the users' side (scenario.md, steps 8 to 20, 38 and 39), and their laws under arbitrary acts.

mod amendment;
mod committee;
mod forged;
mod form;
mod laws;
mod paths;
mod refusals;
mod running;
mod samples;
mod sittings;
mod size;
mod table;
mod world;
