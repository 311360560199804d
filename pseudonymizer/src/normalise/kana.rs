//! A name by its sound: strict (what two careful registers share) and loose (what a slip leaves the same); formats.md 13.2.

use unicode_normalization::UnicodeNormalization;

use super::text;

/// A name in katakana.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Kana {
    /// Width, script, spaces, dashes and small letters made one.
    pub(crate) strict: String,
    /// Old letters merged, long marks and voiced marks dropped too.
    pub(crate) loose: String,
}

/// Reads a name. `None` if nothing is left, or if it holds a letter that is neither kana nor Latin.
pub(crate) fn name(written: &str) -> Option<Kana> {
    let strict = strict(written)?;
    let loose = loose(&strict);
    (!loose.is_empty()).then_some(Kana { strict, loose })
}

fn strict(written: &str) -> Option<String> {
    let folded = text::fold(written);
    let mut open = 0_u32;
    let mut sound = String::with_capacity(folded.len());
    for letter in folded.chars() {
        match letter {
            '(' | '[' | '{' | '「' | '『' | '【' | '〈' | '《' | '〔' => open = open.saturating_add(1),
            ')' | ']' | '}' | '」' | '』' | '】' | '〉' | '》' | '〕' => open = open.saturating_sub(1),
            _ if open > 0 || is_separator(letter) => {}
            letter => sound.push(plain(letter)),
        }
    }
    let readable = |letter: char| matches!(letter, 'ァ'..='ヺ' | 'ー' | 'A'..='Z' | '0'..='9');
    (!sound.is_empty() && sound.chars().all(readable)).then_some(sound)
}

fn is_separator(letter: char) -> bool {
    text::is_blank(letter) || matches!(letter, '・' | '.' | ',' | '\'' | '’')
}

/// Hiragana to katakana, dashes to the long mark, small letters to large ones, Latin to upper case.
fn plain(letter: char) -> char {
    let katakana = match letter {
        'ぁ'..='ゖ' => u32::from(letter).checked_add(0x60).and_then(char::from_u32).unwrap_or(letter),
        other => other,
    };
    match katakana {
        '-' | '‐' | '‑' | '–' | '—' | '―' | '−' => 'ー',
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
        other => other.to_ascii_uppercase(),
    }
}

fn loose(strict: &str) -> String {
    let mut merged = String::with_capacity(strict.len());
    let mut letters = strict.chars().peekable();
    while let Some(letter) = letters.next() {
        let row_b = letters.peek().copied().filter(|_| letter == 'ヴ').and_then(after_vu);
        if let Some(sound) = row_b {
            merged.push(sound);
            letters.next();
        } else {
            merged.push(merge(letter));
        }
    }
    merged.nfd().filter(|letter| !matches!(letter, '\u{3099}' | '\u{309A}' | 'ー')).collect()
}

fn after_vu(next: char) -> Option<char> {
    Some(match next {
        'ア' => 'バ',
        'イ' => 'ビ',
        'エ' => 'ベ',
        'オ' => 'ボ',
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn both(written: &str) -> (String, String) {
        let kana = name(written).unwrap();
        (kana.strict, kana.loose)
    }

    #[test]
    fn golden() {
        let cases = [
            ("ヤマダ　タロウ", "ヤマダタロウ", "ヤマタタロウ"),
            ("ﾔﾏﾀﾞ ﾀﾛｳ", "ヤマダタロウ", "ヤマタタロウ"),
            ("やまだ たろう", "ヤマダタロウ", "ヤマタタロウ"),
            ("ワタナベ　キョウコ", "ワタナベキヨウコ", "ワタナヘキヨウコ"),
            ("ｼﾞｮｰｼﾞ", "ジヨージ", "シヨシ"),
            ("オオノ（旧姓サトウ）ミヅキ", "オオノミヅキ", "オオノミスキ"),
            ("ヴァン・ヲカ", "ヴアンヲカ", "ハンオカ"),
            ("ｓｍｉｔｈ　ｊ．", "SMITHJ", "SMITHJ"),
            ("ジョ－ジ", "ジヨージ", "シヨシ"),
        ];
        for (written, strict, loose) in cases {
            assert_eq!(both(written), (strict.to_owned(), loose.to_owned()), "{written}");
        }
    }

    #[test]
    fn what_is_no_kana_is_no_name() {
        for written in ["", "　", "（ヤマダ）", "山田　太郎", "ヤマ●", "ヤマ？", "ﾞﾞ", "ー"] {
            assert!(name(written).is_none(), "{written}");
        }
    }

    proptest! {
        #[test]
        fn reading_twice_changes_nothing(written in "[ぁ-んァ-ヺー・ 　a-zＡ-Ｚ\u{FF66}-\u{FF9F}（）\\-]{0,24}") {
            if let Some(once) = name(&written) {
                let again = name(&once.strict).unwrap();
                prop_assert_eq!(&again.strict, &once.strict);
                prop_assert_eq!(&again.loose, &once.loose);
            }
        }

        #[test]
        fn any_text_is_read_without_a_panic(written in any::<String>()) {
            let _kana = name(&written);
        }
    }
}
