//! A name by its sound: strict (what two careful registers share) and loose (what a slip leaves the same); formats.md 13.2.

use unicode_normalization::{UnicodeNormalization, char::compose};

use super::{placeholder, text};

/// A name in katakana.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Kana {
    /// Width, script, spaces, dashes and small letters made one.
    pub(crate) strict: String,
    /// Old letters merged, long marks and voiced marks dropped too.
    pub(crate) loose: String,
    /// The end of `strict` that is the given name, where one space stood before it.
    pub(crate) given: Option<String>,
}

/// Reads a name. `None` if nothing is left, if it holds a letter that is neither kana nor Latin, or if it stands in for a name.
pub(crate) fn name(written: &str) -> Option<Kana> {
    let (strict, given) = letters(written)?;
    let loose = loose(&strict);
    let named = !loose.is_empty() && !placeholder::is_name(&strict, given.as_deref());
    named.then_some(Kana { strict, loose, given })
}

/// The strict form and its given name, placeholders too.
pub(crate) fn letters(written: &str) -> Option<(String, Option<String>)> {
    let (strict, given) = text::join(&text::words(written)?, sound);
    let readable = |letter: char| matches!(letter, 'ァ'..='ヺ' | 'ー' | 'A'..='Z' | '0'..='9');
    (!strict.is_empty() && strict.chars().all(readable)).then_some((strict, given))
}

/// Hiragana to katakana, dashes to the long mark, small letters to large ones, Latin to upper case, iteration marks written out.
fn sound(before: Option<char>, letter: char) -> char {
    let katakana = match letter {
        'ぁ'..='ゖ' | 'ゝ' | 'ゞ' => u32::from(letter).checked_add(0x60).and_then(char::from_u32).unwrap_or(letter),
        other => other,
    };
    match katakana {
        'ヽ' => before.unwrap_or(katakana),
        'ヾ' => before.map_or(katakana, |before| compose(before, '\u{3099}').unwrap_or(before)),
        dash if text::is_dash(dash) => 'ー',
        small => large(small).to_ascii_uppercase(),
    }
}

fn large(small: char) -> char {
    match small {
        'ァ' => 'ア',
        'ィ' => 'イ',
        'ゥ' => 'ウ',
        'ェ' => 'エ',
        'ォ' => 'オ',
        'ッ' => 'ツ',
        'ャ' => 'ヤ',
        'ュ' => 'ユ',
        'ョ' => 'ヨ',
        'ヮ' => 'ワ',
        'ヵ' => 'カ',
        'ヶ' => 'ケ',
        other => other,
    }
}

fn loose(strict: &str) -> String {
    let mut merged = String::with_capacity(strict.len());
    let mut letters = strict.chars().peekable();
    while let Some(letter) = letters.next() {
        match letters.peek().copied().filter(|_| letter == 'ヴ').and_then(after_vu) {
            Some((sound, whole)) => {
                merged.push(sound);
                if whole {
                    letters.next();
                }
            }
            None => merged.push(merge(letter)),
        }
    }
    merged.nfd().filter(|letter| !matches!(letter, '\u{3099}' | '\u{309A}' | 'ー')).collect()
}

/// What ヴ is before a letter, and whether the letter goes with it: ヴァ is バ, ヴュ is ビュ.
fn after_vu(next: char) -> Option<(char, bool)> {
    Some(match next {
        'ア' => ('バ', true),
        'イ' => ('ビ', true),
        'エ' => ('ベ', true),
        'オ' => ('ボ', true),
        'ヤ' | 'ユ' | 'ヨ' => ('ビ', false),
        _ => return None,
    })
}

fn merge(letter: char) -> char {
    match letter {
        'ヲ' => 'オ',
        'ヰ' | 'ヸ' => 'イ',
        'ヱ' | 'ヹ' => 'エ',
        'ヅ' => 'ズ',
        'ヂ' => 'ジ',
        'ヴ' => 'ブ',
        'ヷ' => 'バ',
        'ヺ' => 'ボ',
        other => other,
    }
}
