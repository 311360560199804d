//! Bytes to text, and the characters that two decoders of the same bytes disagree on (formats.md 13.1).

use std::borrow::Cow;

use encoding_rs::SHIFT_JIS;
use unicode_normalization::UnicodeNormalization;

/// Decodes a cell as CP932 (Windows' extension of Shift JIS). `None` if a byte has no character.
pub(crate) fn cp932(bytes: &[u8]) -> Option<Cow<'_, str>> {
    SHIFT_JIS.decode_without_bom_handling_and_without_replacement(bytes)
}

/// Compatibility form (NFKC) with the twin characters of CP932 and JIS X 0208 decoders made one.
pub(crate) fn fold(text: &str) -> String {
    text.chars().map(twin).nfkc().collect()
}

/// Blank of any width.
pub(crate) fn is_blank(letter: char) -> bool {
    matches!(letter, ' ' | '\u{3000}' | '\u{A0}' | '\t')
}

/// Whether a letter stands for one that could not be written: gaiji, placeholders, replacement.
pub(crate) fn is_placeholder(letter: char) -> bool {
    matches!(letter, '\u{E000}'..='\u{F8FF}' | '●' | '■' | '?' | '？' | '〓' | '*' | '\u{FFFD}')
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
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twins_meet() {
        assert_eq!(fold("～"), fold("〜"));
        assert_eq!(fold("－"), fold("−"));
        assert_eq!(fold("—"), fold("―"));
        assert_eq!(fold("ＡＢ１"), "AB1");
    }

    #[test]
    fn a_byte_without_character_is_no_text() {
        assert_eq!(cp932(&[0x8e, 0x52]).as_deref(), Some("山"));
        assert!(cp932(&[0xff]).is_none());
        assert!(cp932(&[0xf0, 0x40]).unwrap().chars().all(is_placeholder));
    }
}
