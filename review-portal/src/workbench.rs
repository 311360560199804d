//! What stands behind a project's SQL page: runs and their history, saved queries, the permit's schema, help after a refusal.

pub(crate) mod ask;
pub(crate) mod desk;
pub(crate) mod diff;
pub(crate) mod point;
pub(crate) mod running;
pub(crate) mod runs;
pub(crate) mod saved;
pub(crate) mod schema;
pub(crate) mod suggest;
pub(crate) mod trial;

/// The engine reads no longer query (`guard/too-long`), so none is kept.
pub(crate) const SQL_MAX: usize = 256 * 1024; // bytes
