//! Who is reminded of what, and once.
