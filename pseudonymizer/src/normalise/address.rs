//! The line of an address below the postcode: for the tokens of one linkage run alone.

use super::text;

/// Letters below which a line is no address.
const LETTERS_MIN: usize = 4;

/// Half width, capital letters, no blanks; dashes of any kind are `-`, points and commas go. `None` for what stands in for an address.
pub(crate) fn read(written: &str) -> Option<String> {
    let mut line: String = text::words(&text::fold_capital(written))?.concat();
    line = line.chars().map(|letter| if text::is_dash(letter) { '-' } else { letter }).collect();
    let letters = line.chars().count();
    let readable = letters >= LETTERS_MIN
        && !line.chars().any(text::is_placeholder)
        && line.chars().any(char::is_alphabetic)
        && !line.chars().all(|letter| line.starts_with(letter));
    readable.then_some(line)
}
