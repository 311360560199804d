//! LIFE.
