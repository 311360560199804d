//! Minutes from streams that the rules made.
