//! Pages of the list.
