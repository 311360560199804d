//! A name as written, variant characters made one (formats.md 13.3). Never the only key.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::{placeholder, text};

/// Variant characters and the form they are read as.
const VARIANTS: &str = include_str!("kanji.tsv");

/// A name in kanji.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Kanji {
    /// The whole name.
    pub(crate) whole: String,
    /// Its end that is the given name, where one space stood before it.
    pub(crate) given: Option<String>,
}

/// Reads a name. `None` if empty, if a character is a placeholder or gaiji, if it is written in kana or Latin alone, or if it
/// stands in for a name.
pub(crate) fn name(written: &str) -> Option<Kanji> {
    let (whole, given) = letters(written)?;
    (!placeholder::is_name(&whole, given.as_deref())).then_some(Kanji { whole, given })
}

/// The name and its given name, placeholders too.
pub(super) fn letters(written: &str) -> Option<(String, Option<String>)> {
    let (whole, given) = text::join(&text::words(written)?, form);
    let readable = whole.chars().any(is_kanji) && !whole.chars().any(text::is_placeholder);
    readable.then_some((whole, given))
}

fn is_kanji(letter: char) -> bool {
    matches!(letter, '\u{3400}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{3FFFF}' | '々')
}

fn form(before: Option<char>, letter: char) -> char {
    match letter {
        '々' | '〻' => before.unwrap_or('々'),
        dash if text::is_dash(dash) => 'ー',
        letter => plain(letter).to_ascii_uppercase(),
    }
}

fn plain(letter: char) -> char {
    static FORMS: LazyLock<HashMap<char, char>> = LazyLock::new(|| pairs().collect());
    FORMS.get(&letter).copied().unwrap_or(letter)
}

fn pairs() -> impl Iterator<Item = (char, char)> {
    VARIANTS.lines().filter_map(|line| {
        let (variant, read) = line.split_once('\t')?;
        Some((variant.chars().next()?, read.chars().next()?))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_table_is_settled_in_one_step_and_reachable() {
        let lines = VARIANTS.lines().filter(|line| !line.starts_with('#')).count();
        assert!(lines == pairs().count() && lines >= 150);
        assert_eq!(pairs().map(|(variant, _)| variant).collect::<HashSet<_>>().len(), lines, "a variant twice");
        for (variant, read) in pairs() {
            assert_eq!(plain(read), read);
            let apart = [variant, read].map(|letter| letter.to_string());
            assert!(apart.iter().all(|letter| text::fold(letter) == *letter), "{variant}: NFKC would come first");
        }
    }
}
