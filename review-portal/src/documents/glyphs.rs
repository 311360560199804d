//! Text as the paper's letters can show it: nothing turns the direction, nothing leaves the margin, no letter is missing unseen.

use serde_json::Value;

/// What stands for a letter that the fonts lack, as printers in Japan mark it (下駄, JIS X 0208 2-14).
const MISSING: char = '〓';

/// A word longer than this may be broken anywhere behind each so many letters.
const RUN_MAX: usize = 40;

/// A place where a line may be broken, without width.
const BREAK: char = '\u{200b}';

/// Makes every string in `value` fit; `covers` says which letters the fonts have.
pub(super) fn fit(value: &mut Value, covers: &impl Fn(char) -> bool) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(|value| fit(value, covers)),
        Value::Object(fields) => fields.values_mut().for_each(|value| fit(value, covers)),
        Value::String(text) => *text = fitting(text, covers),
        Value::Bool(_) | Value::Null | Value::Number(_) => {}
    }
}

fn fitting(text: &str, covers: &impl Fn(char) -> bool) -> String {
    let mut fit = String::with_capacity(text.len());
    let mut run = 0;
    for letter in text.chars().filter(|letter| !is_silent(*letter)) {
        run = if letter.is_ascii_graphic() || letter.is_alphabetic() && !is_wide(letter) { run + 1 } else { 0 };
        if run > RUN_MAX {
            fit.push(BREAK);
            run = 1;
        }
        fit.push(if is_space(letter) || !is_private(letter) && covers(letter) { letter } else { MISSING });
    }
    fit
}

fn is_space(letter: char) -> bool {
    matches!(letter, '\n' | ' ')
}

/// Controls, marks of direction and variation, joiners: they show nothing, and some turn what stands around them
/// (Unicode, `Default_Ignorable_Code_Point` and `Bidi_Control`).
fn is_silent(letter: char) -> bool {
    let is_control = letter.is_control() && letter != '\n';
    is_control
        || matches!(letter,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Letters of private use mean nothing to another reader, so archives refuse them (ISO 19005-2, 6.2.11.7).
fn is_private(letter: char) -> bool {
    matches!(letter, '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..)
}

/// Kana and kanji: a line may be broken behind each.
fn is_wide(letter: char) -> bool {
    letter >= '\u{2e80}'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_font_has_is_marked_and_what_turns_text_is_gone() {
        let covers = |letter: char| letter.is_ascii() || "髙木通知か\u{3099}".contains(letter);
        for (text, fit) in [
            ("髙木 A-1\nB", "髙木 A-1\nB"),
            ("か\u{3099}😀\u{fe0f}", "か\u{3099}〓"),
            ("知\u{202e}txt.exe\u{202c}\u{0}\u{7}", "知txt.exe"),
            ("\u{e000}\u{10ffff}\t通", "〓〓通"),
        ] {
            assert_eq!(fitting(text, &covers), fit);
        }
        let long = fitting(&"x".repeat(95), &covers);
        assert_eq!(long.split(BREAK).map(str::len).collect::<Vec<_>>(), [40, 40, 15]);
        let mut value = serde_json::json!({"a": ["\u{202e}b", {"c": "😀"}], "n": 1});
        fit(&mut value, &covers);
        assert_eq!(value, serde_json::json!({"a": ["b", {"c": "〓"}], "n": 1}));
    }
}
