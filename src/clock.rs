//! The edge that reads the clock; everything below takes the time as an argument.

use jiff::Timestamp;

/// Now.
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}
