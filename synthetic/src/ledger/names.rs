//! Names as common as in Japan: kana surnames by a Zipf–Mandelbrot law (the commonest 1.4 % of persons, ten 10 %, a hundred 33 %, sum
//! of squares 0.0019), given names by sex and generation (0.0026 to 0.0087). The common ones are real, the rare ones are made up of
//! plausible parts (`research/pseudonymization-anchors.md`, part 2, the arithmetic).

use std::collections::HashSet;

use crate::names;
use crate::random::Dice;

/// A name with its ways of being written.
struct Entry {
    kana: String,
    kanji: Vec<String>,
}

/// Names by rank, with cumulative shares.
struct List {
    names: Vec<Entry>,
    upto: Vec<f64>,
}

pub(super) struct Names {
    surnames: List,
    /// By sex (0 male, 1 female), then by generation.
    given: Vec<[List; 4]>,
}

/// A name drawn: kana and kanji.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Drawn {
    pub(super) kana: String,
    pub(super) kanji: String,
}

const SURNAMES: usize = 10_000;
const GIVEN: usize = 900;
/// Flattening of the Zipf–Mandelbrot law by sex and generation, fitted to the sums of squares above.
const FLAT: [[f64; 4]; 2] = [[15.0, 21.0, 29.0, 45.0], [6.0, 14.0, 28.0, 45.0]];

impl List {
    fn new(mut names: Vec<Entry>, size: usize, flat: f64, slope: f64) -> Self {
        names.truncate(size);
        let mut sum = 0.0;
        let mut upto: Vec<f64> = Vec::with_capacity(names.len());
        let mut rank = 1.0;
        for _ in &names {
            sum += f64::powf(rank + flat, -slope);
            upto.push(sum);
            rank += 1.0;
        }
        for one in &mut upto {
            *one /= sum;
        }
        Self { names, upto }
    }

    fn draw(&self, dice: &mut Dice) -> Drawn {
        let unit = dice.unit();
        let at = self.upto.partition_point(|upto| *upto <= unit);
        let entry = self.names.get(at).or_else(|| self.names.last());
        // The first way of writing is the commonest.
        let place = if dice.chance(0.5) { 0 } else { dice.below(64) };
        let drawn = entry.map(|entry| {
            let kanji = entry.kanji.get(place % entry.kanji.len().max(1)).cloned().unwrap_or_default();
            Drawn { kana: entry.kana.clone(), kanji }
        });
        drawn.unwrap_or_else(|| Drawn { kana: "サトウ".to_owned(), kanji: "佐藤".to_owned() })
    }

    #[cfg(test)]
    fn squares(&self) -> f64 {
        let mut before = 0.0;
        self.upto.iter().map(|upto| (upto - std::mem::replace(&mut before, *upto)).powi(2)).sum()
    }
}

impl Names {
    pub(super) fn new() -> Self {
        let surnames = List::new(surnames(), SURNAMES, 8.0, 0.96);
        let given = (0..2_u8).map(|sex| {
            [0, 1, 2, 3].map(|era: usize| {
                let flat = FLAT.get(usize::from(sex)).and_then(|eras| eras.get(era)).copied().unwrap_or(20.0);
                List::new(given(sex, era), GIVEN, flat, 1.1)
            })
        });
        Self { surnames, given: given.collect() }
    }

    pub(super) fn surname(&self, dice: &mut Dice) -> Drawn {
        self.surnames.draw(dice)
    }

    pub(super) fn given(&self, dice: &mut Dice, sex: u8, born: i16) -> Drawn {
        let era = names::era(born);
        match self.given.get(usize::from(sex == 2)).and_then(|eras| eras.get(era)) {
            Some(list) => list.draw(dice),
            None => self.surnames.draw(dice),
        }
    }
}

fn push(list: &mut Vec<Entry>, known: &mut HashSet<String>, kana: &str, kanji: String) {
    if known.insert(kana.to_owned()) {
        list.push(Entry { kana: kana.to_owned(), kanji: vec![kanji] });
    } else if let Some(entry) = list.iter_mut().find(|entry| entry.kana == kana)
        && !entry.kanji.contains(&kanji)
        && entry.kanji.len() < 6
    {
        entry.kanji.push(kanji);
    }
}

/// The common ones by frequency, then pairs of parts, then pairs with a part in front.
fn surnames() -> Vec<Entry> {
    let (mut list, mut known) = (Vec::new(), HashSet::new());
    for part in names::surnames_by_weight() {
        push(&mut list, &mut known, part.kana, part.kanji.to_owned());
    }
    // Rare names come in a mixed order, so that rank and part have nothing to do with each other.
    let mut made: Vec<(String, String)> = Vec::new();
    let before = parts("before");
    for (a, first) in parts("front").iter().enumerate() {
        for (b, second) in parts("back").iter().enumerate() {
            made.push((format!("{}{}", first.1, second.1), format!("{}{}", first.0, second.0)));
            if let Some(third) = before.get((a * 7 + b * 3) % before.len().max(1)) {
                let kana = format!("{}{}{}", third.1, first.1, second.1);
                made.push((kana, format!("{}{}{}", third.0, first.0, second.0)));
            }
            if let Some(third) = before.get((a * 5 + b * 11 + 4) % before.len().max(1)) {
                let kana = format!("{}{}{}", first.1, third.1, second.1);
                made.push((kana, format!("{}{}{}", first.0, third.0, second.0)));
            }
        }
    }
    made.sort_by_key(|(kana, _)| spot(kana));
    for (kana, kanji) in made {
        if known.insert(kana.clone()) {
            list.push(Entry { kana, kanji: vec![kanji] });
        }
    }
    list
}

fn given(sex: u8, era: usize) -> Vec<Entry> {
    let (mut list, mut known) = (Vec::new(), HashSet::new());
    for part in names::given_of(sex + 1, era) {
        push(&mut list, &mut known, part.kana, part.kanji.to_owned());
    }
    let (stems, ends) =
        if sex == 0 { (parts("male"), parts("male-end")) } else { (parts("female"), parts("female-end")) };
    let mut made: Vec<(String, String)> = Vec::new();
    for (kanjis, stem) in &stems {
        for (end_kanji, end) in &ends {
            for kanji in kanjis.chars() {
                made.push((format!("{stem}{end}"), format!("{kanji}{end_kanji}")));
            }
        }
    }
    // Another order in each generation: names go out of fashion.
    made.sort_by_key(|(kana, kanji)| (crate::random::mix(spot(kana) ^ era as u64), kanji.clone()));
    for (kana, kanji) in made {
        push(&mut list, &mut known, &kana, kanji);
    }
    list
}

/// Made-up parts of names: kanji (of a given name's first part, several to choose from) and kana.
fn parts(list: &str) -> Vec<(&'static str, &'static str)> {
    let rows = include_str!("../../data/name_parts.tsv").lines().skip(1).map(|line| line.split('\t'));
    rows.filter_map(|mut row| (row.next() == Some(list)).then(|| Some((row.next()?, row.next()?)))?).collect()
}

fn spot(kana: &str) -> u64 {
    kana.bytes().fold(11, |spot, byte| crate::random::mix(spot ^ u64::from(byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_as_common_as_in_japan() {
        let names = Names::new();
        assert_eq!(names.surnames.names.len(), SURNAMES);
        let upto = |rank: usize| names.surnames.upto[rank - 1];
        assert!((upto(1) - 0.014).abs() < 0.001 && (upto(10) - 0.1).abs() < 0.01 && (upto(100) - 0.33).abs() < 0.02);
        assert!((names.surnames.squares() - 0.00195).abs() < 0.0001, "{}", names.surnames.squares());
        for (sex, era, squares) in [(0, 0, 0.0047), (0, 1, 0.0039), (0, 3, 0.0026), (1, 0, 0.0087), (1, 3, 0.0026)] {
            let list = &names.given[sex][era];
            assert!(list.names.len() >= 700, "{sex} {era} {}", list.names.len());
            assert!((list.squares() / squares - 1.0).abs() < 0.15, "{sex} {era} {}", list.squares());
        }
    }
}
