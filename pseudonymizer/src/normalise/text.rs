//! Bytes to text, and the characters that two decoders of the same bytes disagree on (formats.md 13.1).

use std::borrow::Cow;

use encoding_rs::SHIFT_JIS;
use unicode_normalization::UnicodeNormalization;

/// Longest name, in characters. RE field 5 holds 20; the rest is room for other sources.
const NAME_MAX: usize = 60;

/// Digits from which on a row of nines is no number but a filler.
const NINES_MIN: usize = 6;

/// Decodes a cell as CP932 (Windows' extension of Shift JIS). `None` if a byte has no character.
pub(crate) fn cp932(bytes: &[u8]) -> Option<Cow<'_, str>> {
    SHIFT_JIS.decode_without_bom_handling_and_without_replacement(bytes)
}

/// Compatibility form (NFKC) with the twin characters of CP932 and JIS X 0208 decoders made one, and voiced marks that stand
/// alone composed with the letter before them.
pub(crate) fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_owned();
    }
    // Twins again after NFKC: it makes some of them out of vertical forms.
    text.chars().map(twin).nfkc().map(twin).collect()
}

/// [`fold`] without blanks.
pub(crate) fn fold_closed(text: &str) -> String {
    let mut folded = fold(text);
    folded.retain(|letter| !is_blank(letter));
    folded
}

/// [`fold_closed`] in capital letters. Folded once more, because a mark may compose with the capital alone.
pub(crate) fn fold_capital(text: &str) -> String {
    fold_closed(&fold_closed(text).to_ascii_uppercase())
}

/// Blank of any width, and what shows no width at all.
pub(crate) fn is_blank(letter: char) -> bool {
    matches!(letter, ' ' | '\u{3000}' | '\u{A0}' | '\t' | '\u{200B}' | '\u{2060}' | '\u{FEFF}')
}

/// Whether a letter stands for one that could not be written: gaiji, placeholders, replacement.
pub(crate) fn is_placeholder(letter: char) -> bool {
    matches!(
        letter,
        '\u{E000}'..='\u{F8FF}' | '\u{F0000}'..='\u{10FFFF}' | '●' | '■' | '□' | '○' | '◯' | '?' | '〓' | '*' | '\u{FFFD}'
    )
}

/// Whether digits say nothing: zeros alone, or a row of nines.
pub(crate) fn is_filler(digits: &str) -> bool {
    let all = |digit: u8| digits.bytes().all(|byte| byte == digit);
    !digits.is_empty() && (all(b'0') || (digits.len() >= NINES_MIN && all(b'9')))
}

/// The dash that a letter is, if it is one: a long mark of kana, or a hyphen.
pub(crate) fn is_dash(letter: char) -> bool {
    matches!(letter, '-' | '‐' | '‑' | '–' | '—' | '―' | '−')
}

/// A name's words, folded: what stands in brackets and marks between words dropped (formats.md 13.2). `None` if it is too long.
pub(crate) fn words(written: &str) -> Option<Vec<String>> {
    let mut open = 0_u32;
    let mut words = vec![String::new()];
    for letter in fold(written).chars() {
        match letter {
            '(' | '[' | '{' | '「' | '『' | '【' | '〈' | '《' | '〔' => open = open.saturating_add(1),
            ')' | ']' | '}' | '」' | '』' | '】' | '〉' | '》' | '〕' => open = open.saturating_sub(1),
            _ if open > 0 || is_mark(letter) => {}
            letter if is_blank(letter) => words.push(String::new()),
            letter => {
                if let Some(word) = words.last_mut() {
                    word.push(letter);
                }
            }
        }
    }
    words.retain(|word| !word.is_empty());
    let letters: usize = words.iter().map(|word| word.chars().count()).sum();
    (letters <= NAME_MAX).then_some(words)
}

/// A name read letter for letter, as a whole and the part behind its one space.
pub(crate) fn join(words: &[String], read: impl Fn(Option<char>, char) -> char) -> (String, Option<String>) {
    let mut last = None;
    let mut one = |word: &String| -> String {
        word.chars()
            .map(|letter| {
                let letter = read(last, letter);
                last = Some(letter);
                letter
            })
            .collect()
    };
    let read: Vec<String> = words.iter().map(&mut one).collect();
    let given = if let [_, given] = read.as_slice() { Some(given.clone()) } else { None };
    (read.concat(), given)
}

fn is_mark(letter: char) -> bool {
    matches!(letter, '・' | '·' | '.' | ',' | '、' | '。' | '\'' | '’' | '‘')
        || matches!(letter, '\u{FE00}'..='\u{FE0F}' | '\u{E0100}'..='\u{E01EF}')
}

fn twin(letter: char) -> char {
    match letter {
        '\u{FF5E}' => '\u{301C}',
        '\u{FF0D}' => '\u{2212}',
        '\u{2225}' => '\u{2016}',
        '\u{FFE0}' => '\u{A2}',
        '\u{FFE1}' => '\u{A3}',
        '\u{FFE2}' => '\u{AC}',
        '\u{2014}' => '\u{2015}',
        // Alone, their compatibility form is a space and the combining mark, which would never meet its letter.
        '\u{309B}' => '\u{3099}',
        '\u{309C}' => '\u{309A}',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_byte_without_character_is_no_text() {
        assert_eq!(cp932(&[0x8e, 0x52]).as_deref(), Some("山"));
        assert!(cp932(&[0xff]).is_none());
        for gaiji in [[0xf0, 0x40], [0xf9, 0xfc]] {
            assert!(cp932(&gaiji).unwrap().chars().all(is_placeholder));
        }
    }

    #[test]
    fn fillers() {
        assert!(["0", "0000", "999999", "99999999"].into_iter().all(is_filler));
        assert!(!["", "10", "99999", "9999998"].into_iter().any(is_filler));
    }

    proptest! {
        #[test]
        fn any_bytes_are_text_or_none(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _text = cp932(&bytes);
        }
    }
}
