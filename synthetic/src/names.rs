//! Names: common surnames and given names by generation, and the names of the planted canaries.

use std::sync::LazyLock;

use crate::random::Dice;

/// A part of a name as written and as read (full-width katakana).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// Kanji (or kana, where people are named so).
    pub(crate) kanji: &'static str,
    /// Reading.
    pub(crate) kana: &'static str,
}

/// A family and a given name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Name {
    /// Family name.
    pub(crate) family: Part,
    /// Given name.
    pub(crate) given: Part,
}

impl Name {
    /// Kanji with a full-width space.
    pub(crate) fn kanji(&self) -> String {
        format!("{}　{}", self.family.kanji, self.given.kanji)
    }

    /// Kana with `gap` between the parts.
    pub(crate) fn kana(&self, gap: &str) -> String {
        format!("{}{gap}{}", self.family.kana, self.given.kana)
    }
}

struct Lists {
    surnames: Vec<(Part, f64)>,
    /// By sex (0 male, 1 female), then by generation.
    given: [[Vec<Part>; 4]; 2],
}

static LISTS: LazyLock<Lists> = LazyLock::new(|| {
    let surnames = include_str!("../data/surnames.tsv").lines().skip(1).filter_map(|line| {
        let mut parts = line.split('\t');
        let part = Part { kanji: parts.next()?, kana: parts.next()? };
        Some((part, parts.next()?.parse().ok()?))
    });
    let mut given: [[Vec<Part>; 4]; 2] = Default::default();
    for line in include_str!("../data/given_names.tsv").lines().skip(1) {
        let parts: Vec<&str> = line.split('\t').collect();
        let [sex, era, kanji, kana] = parts.as_slice() else { continue };
        let place = sex.parse::<usize>().ok().zip(era.parse::<usize>().ok());
        if let Some(list) = place.and_then(|(sex, era)| given.get_mut(sex - 1)?.get_mut(era - 1)) {
            list.push(Part { kanji, kana });
        }
    }
    Lists { surnames: surnames.collect(), given }
});

/// A surname by its frequency.
pub(crate) fn surname(dice: &mut Dice) -> Part {
    let at = dice.weighted(LISTS.surnames.iter().map(|(_, weight)| *weight));
    LISTS.surnames.get(at).map_or(Part { kanji: "佐藤", kana: "サトウ" }, |(part, _)| *part)
}

/// A given name that is usual for the sex (1 male, 2 female) and the year of birth.
pub(crate) fn given(dice: &mut Dice, sex: u8, born: i16) -> Part {
    dice.pick(given_of(sex, era(born))).copied().unwrap_or(Part { kanji: "薫", kana: "カオル" })
}

/// The generation of a year of birth.
pub(crate) fn era(born: i16) -> usize {
    match born {
        ..1945 => 0,
        1945..1970 => 1,
        1970..1995 => 2,
        _ => 3,
    }
}

/// The given names of a sex (1 male, 2 female) and a generation.
pub(crate) fn given_of(sex: u8, era: usize) -> &'static [Part] {
    LISTS.given.get(usize::from(sex == 2)).and_then(|eras| eras.get(era)).map(Vec::as_slice).unwrap_or_default()
}

/// The surnames, the most frequent reading first.
pub(crate) fn surnames_by_weight() -> Vec<Part> {
    let mut all: Vec<(Part, f64)> = LISTS.surnames.clone();
    all.sort_by(|a, b| b.1.total_cmp(&a.1));
    all.into_iter().map(|(part, _)| part).collect()
}

/// The doctor who writes an institution's prescriptions.
pub(crate) fn doctor(facility: usize) -> String {
    let mut dice = Dice::new(4, facility as u64);
    let name = Name { family: surname(&mut dice), given: given(&mut dice, 1, 1970) };
    name.kanji()
}

/// The name of the canary numbered `at` (0 to 199): unlike any other in the population.
pub(crate) fn canary(at: usize) -> Name {
    let family = CANARY_FAMILIES.get(at % 10).copied().unwrap_or(("金糸雀", "カナリヤ"));
    let given = CANARY_GIVEN.get(at / 10 % 20).copied().unwrap_or(("蜃気楼", "シンキロウ"));
    Name { family: Part { kanji: family.0, kana: family.1 }, given: Part { kanji: given.0, kana: given.1 } }
}

const CANARY_FAMILIES: [(&str, &str); 10] = [
    ("金糸雀", "カナリヤ"),
    ("鸚鵡", "オウム"),
    ("鴛鴦", "オシドリ"),
    ("翡翠", "カワセミ"),
    ("鷦鷯", "ミソサザイ"),
    ("鶺鴒", "セキレイ"),
    ("啄木鳥", "キツツキ"),
    ("信天翁", "アホウドリ"),
    ("鳰鳥", "ニオドリ"),
    ("鵺鳴", "ヌエナキ"),
];

const CANARY_GIVEN: [(&str, &str); 20] = [
    ("蜃気楼", "シンキロウ"),
    ("饕餮", "トウテツ"),
    ("麒麟児", "キリンジ"),
    ("鳳凰丸", "ホウオウマル"),
    ("螺鈿", "ラデン"),
    ("瑠璃狼", "ルリロウ"),
    ("珊瑚樹", "サンゴジュ"),
    ("琥珀丸", "コハクマル"),
    ("魑魅", "チミ"),
    ("霹靂", "ヘキレキ"),
    ("薔薇丸", "バラマル"),
    ("朧月夜", "オボロヅキヨ"),
    ("篳篥", "ヒチリキ"),
    ("玻璃彦", "ハリヒコ"),
    ("瓢箪", "ヒョウタン"),
    ("檸檬", "レモン"),
    ("鼈甲", "ベッコウ"),
    ("芍薬", "シャクヤク"),
    ("曼珠", "マンジュ"),
    ("鬱金", "ウコン"),
];
