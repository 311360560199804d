//! The truth of a ledger: whose each row is, and which subgroups it belongs to.

use std::fs;
use std::path::Path;

/// A row.
#[derive(Clone, Copy)]
pub(super) struct Row {
    pub(super) person: u32,
    pub(super) household: u64,
    pub(super) weight: u32,
    /// 0 to 3: claims, care, hospital, record.
    pub(super) database: u8,
    pub(super) twin: bool,
    /// In tens of years.
    pub(super) age: u8,
    pub(super) sex: u8,
    pub(super) prefecture: u8,
    pub(super) software: u8,
    /// Letters of errors and events, a bit each (see [`bit`]).
    pub(super) errors: u64,
}

/// All rows.
pub(super) struct Truth {
    pub(super) rows: Vec<Row>,
    /// Place in `rows` by database and serial number.
    places: [Vec<u32>; 4],
}

/// What the letters of a row's errors mean.
pub(super) const ERRORS: [(char, &str); 22] = [
    ('b', "wrong birth date"),
    ('s', "wrong sex"),
    ('k', "kana variant"),
    ('y', "kana typing error"),
    ('o', "names exchanged"),
    ('n', "kanji variant or lost"),
    ('i', "wrong number or branch"),
    ('r', "branch left out"),
    ('w', "width"),
    ('z', "zeros lost"),
    ('c', "card no longer right"),
    ('a', "chart given out again"),
    ('v', "id5 missing"),
    ('t', "person with id5 anomaly"),
    ('m', "person who married"),
    ('j', "marriage and card in one quarter"),
    ('d', "person with divorce in family"),
    ('h', "person who moved"),
    ('2', "person with two cards"),
    ('u', "person with a number given out again"),
    ('p', "person bound to a namesake's card"),
    ('f', "hard name"),
];

/// The bit of a letter; letters that no list has share the last.
pub(super) fn bit(letter: char) -> u64 {
    1 << ERRORS.iter().position(|(known, _)| *known == letter).unwrap_or(ERRORS.len())
}

fn database(serial: &str) -> Option<(usize, usize)> {
    let database = "nlde".find(serial.chars().next()?)?;
    Some((database, serial.get(1..)?.parse().ok()?))
}

impl Truth {
    pub(super) fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap();
        let mut truth = Self { rows: Vec::new(), places: Default::default() };
        for line in text.lines().skip(1) {
            let cells: Vec<&str> = line.split(',').collect();
            let [serial, person, household, twin, age, sex, prefecture, software, errors, weight] = cells[..] else {
                panic!("a row of another form")
            };
            let (database, number) = database(serial).unwrap();
            let places = &mut truth.places[database];
            if places.len() <= number {
                places.resize(number + 1, u32::MAX);
            }
            places[number] = u32::try_from(truth.rows.len()).unwrap();
            truth.rows.push(Row {
                person: person.parse().unwrap(),
                household: household.parse().unwrap(),
                weight: weight.parse().unwrap(),
                database: u8::try_from(database).unwrap(),
                twin: twin == "1",
                age: age.parse::<u8>().unwrap() / 10,
                sex: sex.parse().unwrap(),
                prefecture: prefecture.parse().unwrap(),
                software: software.as_bytes()[0],
                errors: errors.chars().map(bit).fold(0, |all, one| all | one),
            });
        }
        truth
    }

    /// Serial number and key of each row that has one, as CSV.
    pub(super) fn keyed(&self, keys: &[Option<u32>]) -> String {
        let mut text = "serial,key\n".to_owned();
        for (letter, places) in "nlde".chars().zip(&self.places) {
            let there = places.iter().enumerate().filter(|(_, place)| **place != u32::MAX);
            for (number, key) in there.filter_map(|(number, place)| Some((number, keys[*place as usize]?))) {
                text += &format!("{letter}{number},{key}\n");
            }
        }
        text
    }

    /// The place of a row.
    pub(super) fn place(&self, serial: &str) -> Option<usize> {
        let (database, number) = database(serial)?;
        self.places[database].get(number).filter(|place| **place != u32::MAX).map(|place| *place as usize)
    }
}
