//! A made-up set as hard as Splink's `historical_50k`.

use std::fs;
use std::path::Path;

/// Records and persons of Splink's `historical_50k`.
const RECORDS: usize = 50_578;
const PERSONS: usize = 5_156;

/// Persons who have name and place from the one before: famous families, sons named after their fathers.
const KIN: f64 = 0.025;

/// A made-up set as hard as `historical_50k`: as many records and persons, 3 to 21 records a person, and of each column the share that
/// is missing, how often two records of one person say the same, and how often two of anybody do, as counted in that set:
///
/// | column | missing | same, of one person | same, of anybody |
/// |---|---|---|---|
/// | first name | 0.00 | 0.43 | 0.013 |
/// | surname | 0.09 | 0.71 | 0.0007 |
/// | birth date | 0.23 | 0.51 | 0.002 (0.37 of all are a first of January) |
/// | place of birth | 0.14 | 0.80 | 0.005 |
/// | postcode | 0.23 | 0.59 | 0.00015 |
/// | sex | 0.22 | 0.92 | 0.73 |
pub(super) fn write(raw: &Path) {
    let mut dice = Dice(20_261_121);
    let words = |dice: &mut Dice, many: usize, syllables: u64| -> Vec<String> {
        (0..many).map(|_| (0..=1 + dice.below(syllables)).map(|_| dice.syllable()).collect()).collect()
    };
    let lists = Lists {
        first: words(&mut dice, 900, 1),
        last: words(&mut dice, 9_000, 2),
        places: words(&mut dice, 2_000, 2),
        occupations: words(&mut dice, 600, 2),
    };
    let mut sizes: Vec<usize> = (0..PERSONS).map(|_| dice.size()).collect();
    while sizes.iter().sum::<usize>() != RECORDS {
        let (at, sum) = (dice.below(PERSONS as u64) as usize, sizes.iter().sum::<usize>());
        sizes[at] = if sum < RECORDS { (sizes[at] + 1).min(21) } else { (sizes[at] - 1).max(3) };
    }
    let mut text =
        "truth,first_name,surname,dob,birth_place,occupation,postcode,given,family,sex,home,birth\n".to_owned();
    let mut before: Option<Who> = None;
    for (person, records) in sizes.into_iter().enumerate() {
        let who = before.take().filter(|_| dice.chance(KIN)).map(|of| of.kin(&mut dice, &lists));
        let who = who.unwrap_or_else(|| Who::new(&mut dice, &lists));
        for record in 0..records {
            text += &format!("r-{person}-{record},{}\n", who.record(&mut dice, &lists));
        }
        before = Some(who);
    }
    fs::write(raw.join("records.csv"), text).unwrap();
}

/// Names, places and occupations, the commonest first.
struct Lists {
    first: Vec<String>,
    last: Vec<String>,
    places: Vec<String>,
    occupations: Vec<String>,
}

/// `SplitMix64` (Steele, Lea, Flood 2014).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn chance(&mut self, share: f64) -> bool {
        self.unit() < share
    }

    fn syllable(&mut self) -> String {
        let pick = |dice: &mut Self, of: &[u8]| char::from(of[dice.below(of.len() as u64) as usize]);
        let mut made: String = [pick(self, b"bcdfghjklmnprstvw"), pick(self, b"aeiou")].into_iter().collect();
        if self.chance(0.4) {
            made.push(pick(self, b"lmnrst"));
        }
        made
    }

    /// A place in a list, the first ones commonest (Zipf's law with this exponent, by inversion of its integral).
    fn zipf(&mut self, many: usize, exponent: f64) -> usize {
        let power = 1.0 - exponent;
        let top = (many as f64).powf(power) - 1.0;
        ((self.unit() * top + 1.0).powf(1.0 / power) - 1.0) as usize % many
    }

    /// Records of a person: 3 to 21, few more often than many.
    fn size(&mut self) -> usize {
        3 + (19.0 * self.unit().powf(1.7)) as usize
    }

    fn slip(&mut self, word: &str) -> String {
        let mut letters: Vec<char> = word.chars().collect();
        let at = self.below(letters.len() as u64) as usize;
        match self.below(3) {
            0 if letters.len() > 1 => drop(letters.remove(at)),
            1 => letters.insert(at, char::from(b'a' + self.below(26) as u8)),
            _ => letters[at] = char::from(b'a' + self.below(26) as u8),
        }
        letters.into_iter().collect()
    }
}

/// A person of the made-up set.
struct Who {
    first: String,
    nickname: String,
    middle: String,
    last: String,
    title: String,
    sex: u64,
    place: String,
    county: String,
    occupation: String,
    district: u64,
    unit: u64,
    born: [u64; 3],
}

impl Who {
    fn new(dice: &mut Dice, lists: &Lists) -> Self {
        let one = |dice: &mut Dice, list: &[String], exponent: f64| list[dice.zipf(list.len(), exponent)].clone();
        // Half are born from 1850 to 1874; of a quarter the year is all that is known.
        let back = if dice.chance(0.5) { dice.below(25) } else { (dice.unit().powi(2) * 300.0) as u64 };
        let (month, day) = if dice.chance(0.27) { (1, 1) } else { (1 + dice.below(12), 1 + dice.below(28)) };
        Self {
            first: one(dice, &lists.first, 0.9),
            nickname: one(dice, &lists.first, 0.9),
            middle: one(dice, &lists.first, 0.9),
            last: one(dice, &lists.last, 0.65),
            title: one(dice, &lists.last, 0.65),
            sex: u64::from(dice.chance(0.16)) + 1,
            place: one(dice, &lists.places, 0.8),
            county: one(dice, &lists.places, 0.8),
            occupation: one(dice, &lists.occupations, 0.9),
            district: dice.zipf(2_500, 0.4) as u64,
            unit: dice.below(4_000),
            born: [1_875 - back, month, day],
        }
    }

    /// A son, a brother or a sister.
    fn kin(self, dice: &mut Dice, lists: &Lists) -> Self {
        let other = Self::new(dice, lists);
        let years = if dice.chance(0.5) { dice.below(6) } else { 20 + dice.below(20) };
        let born = [self.born[0] - years, other.born[1], other.born[2]];
        let first = if dice.chance(0.4) { self.first } else { other.first };
        Self { first, born, sex: other.sex, ..self }
    }

    /// One record: each value on its own, and some records poor in all.
    fn record(&self, dice: &mut Dice, lists: &Lists) -> String {
        let poor = if dice.chance(0.35) { 1.9 } else { 0.6 };
        let any = |dice: &mut Dice, list: &[String]| list[dice.below(list.len() as u64) as usize].clone();
        let first = match dice.unit() / poor {
            roll if roll < 0.18 => self.nickname.clone(),
            roll if roll < 0.26 => dice.slip(&self.first),
            roll if roll < 0.33 => self.middle.clone(),
            roll if roll < 0.35 => self.first.chars().take(1).collect(),
            roll if roll < 0.36 => any(dice, &lists.first),
            _ => self.first.clone(),
        };
        let last = match dice.unit() / poor {
            roll if roll < 0.09 => String::new(),
            roll if roll < 0.15 => self.title.clone(),
            roll if roll < 0.22 => dice.slip(&self.last),
            roll if roll < 0.23 => any(dice, &lists.last),
            _ => self.last.clone(),
        };
        let place = match dice.unit() / poor {
            roll if roll < 0.14 => String::new(),
            roll if roll < 0.22 => self.county.clone(),
            roll if roll < 0.24 => any(dice, &lists.places),
            _ => self.place.clone(),
        };
        let (postcode, home) = self.home(dice, poor);
        let [dob, birth] = self.birth(dice, poor);
        let sex = if dice.chance(0.22) {
            0
        } else if dice.chance(0.04) {
            3 - self.sex
        } else {
            self.sex
        };
        let sex = if sex == 0 { String::new() } else { sex.to_string() };
        let occupation = if dice.chance(0.5) { "" } else { &self.occupation };
        format!("{first},{last},{dob},{place},{occupation},{postcode},{first},{last},{sex},{home},{birth}")
    }

    /// The postcode as in Britain, and the seven digits that `splink_side.py` writes for such a one.
    fn home(&self, dice: &mut Dice, poor: f64) -> (String, String) {
        let (district, unit) = match dice.unit() / poor {
            roll if roll < 0.23 => return (String::new(), String::new()),
            roll if roll < 0.36 => (self.district, dice.below(4_000)),
            roll if roll < 0.40 => (dice.below(2_500), dice.below(4_000)),
            _ => (self.district, self.unit),
        };
        let letter = |of: u64| char::from(b"abdefghjlnpqrstuwxyz"[of as usize % 20]);
        let (area, number) = (district / 25, district % 25 + 1);
        let outward = format!("{}{}{number}", letter(area), letter(area / 20 + 7));
        let inward = format!("{}{}{}", unit / 400, letter(unit / 20), letter(unit));
        (format!("{outward} {inward}"), format!("{:03}{:04}", district % 1_000, unit))
    }

    /// The birth date, and it 300 years later in digits.
    fn birth(&self, dice: &mut Dice, poor: f64) -> [String; 2] {
        let [mut year, mut month, mut day] = self.born;
        match dice.unit() / poor {
            roll if roll < 0.23 => return [String::new(), String::new()],
            roll if roll < 0.35 => (month, day) = (1, 1),
            roll if roll < 0.41 => year -= dice.below(5),
            roll if roll < 0.45 => month = 1 + dice.below(12),
            roll if roll < 0.49 => day = 1 + dice.below(28),
            _ => {}
        }
        [format!("{year:04}-{month:02}-{day:02}"), format!("{:04}{month:02}{day:02}", year + 300)]
    }
}
