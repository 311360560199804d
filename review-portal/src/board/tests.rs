//! Whose turn it is in streams that the rules made.
