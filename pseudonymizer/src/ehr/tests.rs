//! What the rebuilt views hold, and what they must not.
