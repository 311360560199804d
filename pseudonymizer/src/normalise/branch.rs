//! Branch number (枝番): which person on a card (formats.md 13.6).

use super::text;

/// Two digits. Empty is absent, and absent is not `00`.
pub(crate) fn read(written: &str) -> Option<String> {
    let digits = text::fold_closed(written);
    let readable = matches!(digits.len(), 1 | 2) && digits.bytes().all(|digit| digit.is_ascii_digit());
    readable.then(|| format!("{digits:0>2}"))
}
