//! How names, dates and numbers look when they are wrong.

use jiff::civil::Date;

use crate::calendar::Month;
use crate::digits;
use crate::random::Dice;
use crate::records::Stated;

/// Another spelling of the same sound, or a slip of the ear.
pub(super) fn misread(dice: &mut Dice, stated: &mut Stated) {
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

/// Without small kana.
pub(crate) fn large(kana: &str) -> String {
    const SMALL: &str = "ァィゥェォッャュョ";
    const LARGE: &str = "アイウエオツヤユヨ";
    let grown = |sign: char| SMALL.chars().zip(LARGE.chars()).find(|(small, _)| *small == sign).map(|(_, large)| large);
    kana.chars().map(|sign| grown(sign).unwrap_or(sign)).collect()
}

/// A letter of one of the names changed, left out or doubled.
pub(super) fn mistyped(dice: &mut Dice, stated: &mut Stated) {
    const NEXT: &str = "アイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワ";
    let name = if dice.chance(0.4) { &mut stated.family_kana } else { &mut stated.given_kana };
    let letters: Vec<char> = name.chars().collect();
    if letters.len() < 2 {
        return;
    }
    let at = dice.below(letters.len());
    let other = NEXT.chars().nth(dice.below(44));
    let how = dice.below(3);
    let one = |(place, letter): (usize, char)| match (place == at, how) {
        (false, _) => [Some(letter), None],
        (true, 0) => [other, None],
        (true, 1) => [None, None],
        (true, _) => [Some(letter), Some(letter)],
    };
    *name = letters.into_iter().enumerate().flat_map(one).flatten().collect();
}

pub(super) fn miswritten(dice: &mut Dice, kanji: &str) -> String {
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

/// One digit of the number, or the branch, of somebody else.
pub(super) fn misnumbered(dice: &mut Dice, stated: &mut Stated) {
    if let Some(branch) = stated.branch.as_mut().filter(|_| dice.chance(0.3)) {
        *branch = format!("{:02}", dice.below(5));
        return;
    }
    let at = dice.below(stated.number.chars().count());
    let other = dice.below(10);
    let one = |(place, digit): (usize, char)| {
        if place == at && digit.is_ascii_digit() {
            char::from_digit(u32::try_from(other).unwrap_or(0), 10).unwrap_or(digit)
        } else {
            digit
        }
    };
    stated.number = stated.number.chars().enumerate().map(one).collect();
}

/// Half of wrong birth dates have one part wrong, a fifth day and month exchanged, a fifth another era (part 6).
pub(super) fn another_date(dice: &mut Dice, birth: Date) -> Date {
    let (year, month, day) = (i32::from(birth.year()), i32::from(birth.month()), i32::from(birth.day()));
    let of = |year: i32, month: i32, day: i32| Month(year * 12 + month - 1).day(day);
    match dice.below(10) {
        0 | 1 => of(year, month, (day + dice.between(1, 27) - 1) % 28 + 1),
        2 | 3 => of(year, (month + dice.between(1, 10) - 1) % 12 + 1, day),
        4 => of(
            (year + if dice.chance(0.5) { 1 } else { -1 } * if dice.chance(0.5) { 1 } else { 10 }).min(2025),
            month,
            day,
        ),
        5 | 6 if day <= 12 => of(year, day, month),
        // Taisho for Showa, Showa for Heisei and back: the same year of another era.
        7 | 8 => match year {
            1926..1940 => of(year - 14, month, day),
            1940..1952 => of(year + 63, month, day),
            1989..2020 => of(year - 63, month, day),
            _ => of(year, month, (day + 9) % 28 + 1),
        },
        5 | 6 => of(year, month, day - 10),
        _ => of((year + dice.between(1, 9)).min(2025), (month + 4) % 12 + 1, (day + dice.between(1, 20)) % 28 + 1),
    }
}

/// Half width as full width and the other way round; a symbol with kanji stays as it is.
pub(super) fn other_width(text: &str) -> String {
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
