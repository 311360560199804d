//! Mistakes in what records state about people, at the rates of formats.md, 14. The truth stays beside them.

use crate::calendar::Month;
use crate::digits;
use crate::random::Dice;
use crate::records::Stated;

/// Makes mistakes, or none.
pub(crate) struct Mistakes {
    realistic: bool,
}

/// A kana name written otherwise than in the register: small kana, long vowels, voiced marks.
const KANA: f64 = 0.009;
/// A kanji name with another form of a character, one that could not be written, or none at all.
const KANJI: f64 = 0.025;
/// Symbol and number in the other width.
const WIDTH: f64 = 0.02;
/// Zeros in front of a number lost on the way.
const ZEROS: f64 = 0.003;
/// No branch number where one is known.
const BRANCH: f64 = 0.03;
/// The other sex.
const SEX: f64 = 0.0015;
/// A wrong birth date.
const BIRTH: f64 = 0.0015;
/// A receipt sent twice.
const TWICE: f64 = 0.015;

impl Mistakes {
    pub(crate) fn new(realistic: bool) -> Self {
        Self { realistic }
    }

    /// Whether a receipt is sent a second time.
    pub(crate) fn sends_twice(&self, dice: &mut Dice) -> bool {
        self.realistic && dice.chance(TWICE)
    }

    /// The statement as it will be recorded.
    pub(crate) fn spoil(&self, dice: &mut Dice, mut stated: Stated) -> Stated {
        if !self.realistic {
            return stated;
        }
        if dice.chance(KANA) {
            misread(dice, &mut stated);
        }
        if dice.chance(KANJI) {
            stated.kanji = miswritten(dice, &stated.kanji);
        }
        if dice.chance(WIDTH) {
            stated.symbol = other_width(&stated.symbol);
            stated.number = other_width(&stated.number);
        }
        if dice.chance(ZEROS) {
            stated.number = stated.number.trim_start_matches(['0', '０']).to_owned();
        }
        if dice.chance(BRANCH) {
            stated.branch = None;
        }
        if dice.chance(SEX) {
            stated.sex = 3 - stated.sex;
        }
        if dice.chance(BIRTH) {
            let day = i32::from(stated.birth.day());
            let day = if day > 20 { day - 10 } else { day + 1 };
            stated.birth = Month::of(stated.birth).day(day);
        }
        stated
    }
}

/// Another spelling of the same sound, or a slip of the ear.
fn misread(dice: &mut Dice, stated: &mut Stated) {
    let change: fn(&str) -> String = match dice.below(4) {
        0 => large,
        1 => {
            |kana| kana.replace("ョウ", "ョー").replace("ュウ", "ュー").replace("ユウ", "ユー").replace("オオ", "オー")
        }
        2 => |kana| kana.replace("ヅ", "ズ").replace("ヂ", "ジ"),
        _ => |kana| kana.replacen('ザ', "サ", 1).replacen('ダ', "タ", 1).replacen('ガ', "カ", 1),
    };
    stated.family_kana = change(&stated.family_kana);
    stated.given_kana = change(&stated.given_kana);
}

fn large(kana: &str) -> String {
    const SMALL: &str = "ァィゥェォッャュョ";
    const LARGE: &str = "アイウエオツヤユヨ";
    let grown = |sign: char| SMALL.chars().zip(LARGE.chars()).find(|(small, _)| *small == sign).map(|(_, large)| large);
    kana.chars().map(|sign| grown(sign).unwrap_or(sign)).collect()
}

fn miswritten(dice: &mut Dice, kanji: &str) -> String {
    const FORMS: [(char, char); 8] = [
        ('高', '髙'),
        ('崎', '﨑'),
        ('辺', '邊'),
        ('辺', '邉'),
        ('斉', '齋'),
        ('沢', '澤'),
        ('浜', '濱'),
        ('桜', '櫻'),
    ];
    if let Some((one, other)) = FORMS.iter().find(|(one, other)| kanji.contains([*one, *other])) {
        let swap = |sign: char| {
            if sign == *one {
                *other
            } else if sign == *other {
                *one
            } else {
                sign
            }
        };
        return kanji.chars().map(swap).collect();
    }
    match dice.below(3) {
        // A character that the institution's font does not have.
        0 => kanji.chars().enumerate().map(|(at, sign)| if at == 0 { '●' } else { sign }).collect(),
        1 => kanji.replace('　', ""),
        _ => String::new(),
    }
}

/// Half width as full width and the other way round; a symbol with kanji stays as it is.
fn other_width(text: &str) -> String {
    if text.is_ascii() {
        return digits::full_width(text);
    }
    let half = |sign: char| match sign {
        '！'..='～' => char::from_u32(u32::from(sign) - 0xfee0).unwrap_or(sign),
        other => other,
    };
    let narrow: String = text.chars().map(half).collect();
    if narrow.is_ascii() { narrow } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_and_kana_go_both_ways() {
        assert_eq!(other_width("12"), "１２");
        assert_eq!(other_width("１２"), "12");
        assert_eq!(other_width("埼１２"), "埼１２");
        assert_eq!(large("キョウコ"), "キヨウコ");
    }
}
