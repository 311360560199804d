//! Symbol and number of an insured person: exact, and a core that survives lost zeros (formats.md 13.5).

use super::text;

/// Longest number or symbol on a card, in characters, with room for a slip.
const LENGTH_MAX: usize = 40;

/// Digits from which on zeros in a symbol are a filler.
const FILLER_MIN: usize = 4;

/// A symbol or a number.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Part {
    /// Width, case, blanks and dashes made one; zeros and hyphens kept.
    pub(crate) exact: String,
    /// Leading zeros of each run of digits dropped, and hyphens and dots.
    pub(crate) core: String,
}

/// Reads a symbol: may be empty (late elderly, some municipalities). `None` if it holds a placeholder, or is a filler of four
/// digits or more: shorter ones are symbols that insurers use.
pub(crate) fn symbol(written: &str) -> Option<Part> {
    part(written).filter(|part| part.exact.len() < FILLER_MIN || !text::is_filler(&part.core))
}

/// Reads a number: never empty, never zeros alone or a row of nines.
pub(crate) fn number(written: &str) -> Option<Part> {
    part(written).filter(|part| !part.core.is_empty() && !text::is_filler(&part.core))
}

fn part(written: &str) -> Option<Part> {
    let exact = exact(written)?;
    // Once more, for zeros that a dropped hyphen has brought to the front.
    let core = core(&core(&exact));
    Some(Part { exact, core })
}

fn exact(written: &str) -> Option<String> {
    let letters: Vec<char> = text::fold_capital(written).chars().collect();
    let last = letters.len().saturating_sub(1);
    let unified = letters.iter().enumerate().map(|(at, letter)| match letter {
        'ー' | 'の' if at > 0 && at < last => '-',
        dash if text::is_dash(*dash) && at > 0 && at < last => '-',
        other => *other,
    });
    let readable = letters.len() <= LENGTH_MAX && !letters.iter().copied().any(text::is_placeholder);
    readable.then(|| unified.collect())
}

fn core(exact: &str) -> String {
    let mut core = String::with_capacity(exact.len());
    let mut letters = exact.chars().peekable();
    let mut inside = false;
    while let Some(letter) = letters.next() {
        let more = letters.peek().is_some_and(char::is_ascii_digit);
        if letter == '0' && !inside && more {
            continue;
        }
        inside = letter.is_ascii_digit();
        if !matches!(letter, '-' | '.') {
            core.push(letter);
        }
    }
    core
}
