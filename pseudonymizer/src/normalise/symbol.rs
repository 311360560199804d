//! Symbol and number of an insured person: exact, and a core that survives lost zeros (formats.md 13.5).

use super::text;

/// Longest number or symbol on a card, in characters, with room for a slip.
const LENGTH_MAX: usize = 40;

/// A symbol or a number.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Part {
    /// Width, case, blanks and dashes made one; zeros and hyphens kept.
    pub(crate) exact: String,
    /// Leading zeros of each run of digits dropped, and hyphens and dots.
    pub(crate) core: String,
}

/// Reads a symbol: may be empty (late elderly, some municipalities). `None` if it holds a placeholder.
pub(crate) fn symbol(written: &str) -> Option<Part> {
    let exact = exact(written)?;
    let core = core(&exact);
    Some(Part { exact, core })
}

/// Reads a number: never empty.
pub(crate) fn number(written: &str) -> Option<Part> {
    symbol(written).filter(|part| !part.core.is_empty())
}

fn exact(written: &str) -> Option<String> {
    let letters: Vec<char> =
        text::fold(written).chars().filter(|letter| !text::is_blank(*letter)).flat_map(char::to_uppercase).collect();
    let last = letters.len().saturating_sub(1);
    let unified = letters.iter().enumerate().map(|(at, letter)| match letter {
        '‐' | '−' | 'ー' | '—' | '―' | 'の' if at > 0 && at < last => '-',
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn golden() {
        let cases = [
            ("１２３", "123", "123"),
            ("埼１００", "埼100", "埼100"),
            ("０１－平", "01-平", "1平"),
            ("００８９", "0089", "89"),
            ("０８９", "089", "89"),
            ("01234567", "01234567", "1234567"),
            ("１２の００３", "12-003", "123"),
            ("000", "000", "0"),
        ];
        for (written, exact, core) in cases {
            let part = number(written).unwrap();
            assert_eq!((part.exact.as_str(), part.core.as_str()), (exact, core), "{written}");
        }
        assert_eq!(symbol("").unwrap().exact, "");
        assert!(number(" ").is_none());
        assert!(number("１？３").is_none());
    }

    proptest! {
        #[test]
        fn width_does_not_matter(digits in "[0-9A-Z]{1,12}") {
            let wide: String = digits.chars().map(|c| char::from_u32(u32::from(c) + 0xFEE0).unwrap()).collect();
            prop_assert!(number(&digits) == number(&wide));
        }

        #[test]
        fn the_core_of_a_core_is_itself(digits in "[0-9-]{1,12}") {
            if let Some(part) = number(&digits) {
                prop_assert!(number(&part.core).is_none_or(|again| part.core.contains("00") || again.core.len() <= part.core.len()));
            }
        }
    }
}
