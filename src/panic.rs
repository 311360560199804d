//! A panic tells where, never with what: the payload may quote data.

use std::panic;

/// Replaces the default hook, which prints the payload.
pub(crate) fn install_hook() {
    panic::set_hook(Box::new(|info| {
        let place =
            info.location().map_or_else(|| "an unknown place".to_owned(), |at| format!("{}:{}", at.file(), at.line()));
        crate::output::note(&format!("sudare: internal error at {place}; please report this line"));
    }));
}
