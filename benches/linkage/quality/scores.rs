//! Persons as linked beside persons as they are.
//!
//! - traceability: of all claims, the share that carry the main key of their person, the one on most of the person's claims (Sato 2023);
//! - identifiability: of all claims, the share that are of the main person of their key, the one most of the key's claims are of;
//! - pairs: of all pairs of rows under one key, the share that are of one person (precision), and the other way round (recall);
//! - B-cubed: for each row the share of rows under its key that are of its person (precision), and of its person's rows that are under
//!   its key (recall), as a mean over rows;
//! - recall of a subgroup: of the pairs of rows of one person of which one or both are in the subgroup, counted once for each such row,
//!   the share that is under one key.

use std::collections::{BTreeMap, HashMap};

use super::truth::{ERRORS, Row, Truth, bit};

/// A subgroup with fewer rows than this says nothing.
const ROWS_MIN: u64 = 500;

/// Rows of one person under one key.
#[derive(Clone, Copy, Default)]
struct Cell {
    rows: [u64; 4],
    weight: u64,
}

impl Cell {
    fn add(&mut self, other: &Self) {
        self.weight += other.weight;
        self.rows.iter_mut().zip(other.rows).for_each(|(own, other)| *own += other);
    }

    fn count(&self) -> u64 {
        self.rows.iter().sum()
    }

    fn pairs(&self) -> u64 {
        pairs(self.count())
    }

    /// Of two databases.
    fn across(&self) -> u64 {
        self.pairs() - self.rows.iter().copied().map(pairs).sum::<u64>()
    }
}

fn pairs(rows: u64) -> u64 {
    rows * rows.saturating_sub(1) / 2
}

/// Pairs found, and pairs there are.
#[derive(Clone, Copy, Default)]
struct Recall {
    rows: u64,
    found: u64,
    there: u64,
}

impl Recall {
    fn share(self) -> f64 {
        ratio(self.found, self.there)
    }
}

/// All figures.
pub(super) struct Scores {
    rows: u64,
    lost: u64,
    persons: u64,
    keys: u64,
    traceability: f64,
    identifiability: f64,
    whole: f64,
    mixed: f64,
    /// Precision and recall of all pairs, of pairs across databases, and B-cubed.
    pairs: [(f64, f64); 3],
    groups: BTreeMap<(&'static str, String), Recall>,
    /// Keys that mix persons, by what is odd about them.
    mixing: BTreeMap<&'static str, u64>,
}

fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 1.0 } else { part as f64 / whole as f64 }
}

impl Scores {
    pub(super) fn of(truth: &Truth, keys: &[Option<u32>]) -> Self {
        let mut cells: HashMap<(u32, u32), Cell> = HashMap::new();
        for (row, key) in truth.rows.iter().zip(keys) {
            let Some(key) = key else { continue };
            let cell = cells.entry((row.person, *key)).or_default();
            cell.rows[usize::from(row.database)] += 1;
            cell.weight += u64::from(row.weight);
        }
        let (mut persons, mut by_key): (HashMap<u32, Side>, HashMap<u32, Side>) = Default::default();
        for ((person, key), cell) in &cells {
            persons.entry(*person).or_default().add(cell);
            by_key.entry(*key).or_default().add(cell);
        }
        let weight: u64 = cells.values().map(|cell| cell.weight).sum();
        let rows: u64 = cells.values().map(Cell::count).sum();
        let main = |sides: &HashMap<u32, Side>| ratio(sides.values().map(|side| side.most).sum(), weight);
        let of_one = |sides: &HashMap<u32, Side>| {
            ratio(sides.values().filter(|side| side.parts == 1).count() as u64, sides.len() as u64)
        };
        let cubed = |side: &dyn Fn(&(u32, u32)) -> u64| {
            let sum: f64 = cells.iter().map(|(at, cell)| (cell.count() as f64).powi(2) / side(at) as f64).sum();
            sum / rows as f64
        };
        let total = |take: fn(&Cell) -> u64| {
            let of = |sides: &HashMap<u32, Side>| sides.values().map(|side| take(&side.all)).sum::<u64>();
            let both: u64 = cells.values().map(take).sum();
            (ratio(both, of(&by_key)), ratio(both, of(&persons)))
        };
        Self {
            rows,
            lost: keys.iter().filter(|key| key.is_none()).count() as u64,
            persons: persons.len() as u64,
            keys: by_key.len() as u64,
            traceability: main(&persons),
            identifiability: main(&by_key),
            whole: of_one(&persons),
            mixed: 1.0 - of_one(&by_key),
            pairs: [
                total(Cell::pairs),
                total(Cell::across),
                (cubed(&|at| by_key[&at.1].all.count()), cubed(&|at| persons[&at.0].all.count())),
            ],
            groups: groups(truth, keys, &cells, &persons),
            mixing: mixing(truth, keys, &by_key),
        }
    }

    /// The least recall of a subgroup by age, sex, prefecture, software and twins. What went wrong in a row, and which database it is
    /// in, says how hard it is to link, not whom linkage treats worse: both are listed without a goal.
    fn worst(&self) -> (String, f64) {
        let apart = ["database", "error"];
        let all = self.groups.iter().filter(|((what, _), recall)| !apart.contains(what) && recall.rows >= ROWS_MIN);
        let worst = all.min_by(|a, b| a.1.share().total_cmp(&b.1.share()));
        worst.map_or_else(
            || ("none".to_owned(), 1.0),
            |((what, which), recall)| (format!("{what} {which}"), recall.share()),
        )
    }

    fn goals(&self) -> [(String, f64, f64); 5] {
        let (worst, least) = self.worst();
        [
            ("traceability".to_owned(), self.traceability, 0.997),
            ("identifiability".to_owned(), self.identifiability, 0.999),
            ("pairs: precision".to_owned(), self.pairs[0].0, 0.9995),
            ("pairs: recall".to_owned(), self.pairs[0].1, 0.995),
            (format!("worst subgroup's recall ({worst})"), least, 0.98),
        ]
    }

    /// Whether every goal is reached.
    pub(super) fn reached(&self) -> bool {
        self.goals().iter().all(|(_, found, goal)| found >= goal)
    }

    pub(super) fn print(&self) {
        println!(
            "\n{} rows of {} persons under {} keys; {} rows without a key",
            self.rows, self.persons, self.keys, self.lost
        );
        println!("\n{:<52} {:>9} {:>9}", "", "measured", "goal");
        for (what, found, goal) in self.goals() {
            println!("{what:<52} {found:>9.5} {goal:>9} {}", if found >= goal { "reached" } else { "MISSED" });
        }
        println!("{:<52} {:>9.5}", "persons whole", self.whole);
        println!("{:<52} {:>9.5}", "keys mixing persons", self.mixed);
        for (what, (precision, recall)) in ["pairs across databases", "B-cubed"].iter().zip(&self.pairs[1..]) {
            println!("{:<52} {precision:>9.5}", format!("{what}: precision"));
            println!("{:<52} {recall:>9.5}", format!("{what}: recall"));
        }
        println!("\nkeys mixing persons, by the first that holds of their rows");
        for (what, keys) in &self.mixing {
            println!("  {what:<50} {keys:>9}");
        }
        println!("\nrecall by subgroup (the pairs of rows that touch it)");
        for ((what, which), recall) in self.groups.iter().filter(|(_, recall)| recall.rows >= ROWS_MIN) {
            println!("  {:<40} {:>9} rows {:>9.5}", format!("{what}: {which}"), recall.rows, recall.share());
        }
    }
}

/// A person's keys, or a key's persons.
#[derive(Default)]
struct Side {
    all: Cell,
    most: u64,
    parts: u32,
}

impl Side {
    fn add(&mut self, cell: &Cell) {
        self.all.add(cell);
        self.most = self.most.max(cell.weight);
        self.parts += 1;
    }
}

fn groups(
    truth: &Truth,
    keys: &[Option<u32>],
    cells: &HashMap<(u32, u32), Cell>,
    persons: &HashMap<u32, Side>,
) -> BTreeMap<(&'static str, String), Recall> {
    // By what a row says of its subgroups, so that names are made once.
    let mut by_value: HashMap<(&'static str, u32), Recall> = HashMap::new();
    for (row, key) in truth.rows.iter().zip(keys) {
        let Some(key) = key else { continue };
        let found = cells[&(row.person, *key)].count() - 1;
        let there = persons[&row.person].all.count() - 1;
        for value in values(row) {
            let recall = by_value.entry(value).or_default();
            *recall = Recall { rows: recall.rows + 1, found: recall.found + found, there: recall.there + there };
        }
    }
    by_value.into_iter().map(|((what, value), recall)| ((what, name(what, value)), recall)).collect()
}

/// What may explain that a key mixes persons, in this order.
fn mixing(truth: &Truth, keys: &[Option<u32>], by_key: &HashMap<u32, Side>) -> BTreeMap<&'static str, u64> {
    let mut rows: HashMap<u32, Vec<&Row>> = HashMap::new();
    for (row, key) in truth.rows.iter().zip(keys) {
        if let Some(key) = key.filter(|key| by_key[key].parts > 1) {
            rows.entry(key).or_default().push(row);
        }
    }
    let mut counts = BTreeMap::new();
    for rows in rows.values() {
        let has = |letters: &str| rows.iter().any(|row| letters.chars().any(|letter| row.errors & bit(letter) != 0));
        let one = |of: fn(&Row) -> u64| rows.iter().all(|row| of(row) == of(rows[0]));
        let what = match () {
            () if rows.iter().any(|row| row.twin) && one(|row| row.household) => "1 twins",
            () if has("p") => "2 bound to a namesake's card",
            () if has("t") => "3 id5 anomaly",
            () if has("a") => "4 chart given out again",
            () if has("u") => "5 number given out again",
            () if has("bs") => "6 wrong birth date or sex",
            () if one(|row| row.household) => "7 one household",
            () if has("iyok") => "8 wrong number or name",
            () => "9 namesakes, and what is left",
        };
        *counts.entry(what).or_default() += 1;
    }
    counts
}

fn values(row: &Row) -> impl Iterator<Item = (&'static str, u32)> {
    let plain = [
        ("age", u32::from(row.age)),
        ("database", u32::from(row.database)),
        ("prefecture", u32::from(row.prefecture)),
        ("sex", u32::from(row.sex)),
        ("software", u32::from(row.software)),
        ("twin", u32::from(row.twin)),
    ];
    let errors = row.errors;
    let tagged = (0..).zip(ERRORS).filter(move |(at, _)| errors & 1 << at != 0).map(|(at, _)| ("error", at));
    plain.into_iter().chain(tagged).chain((errors == 0).then_some(("error", u32::MAX)))
}

fn name(what: &str, value: u32) -> String {
    match what {
        "age" => format!("{value}0 to {value}9"),
        "database" => ["claims", "care", "hospital", "record"][value as usize].to_owned(),
        "error" => ERRORS.get(value as usize).map_or_else(|| "none".to_owned(), |(_, name)| (*name).to_owned()),
        "prefecture" => format!("{value:02}"),
        "sex" => if value == 1 { "men" } else { "women" }.to_owned(),
        "software" => char::from_u32(value).unwrap().to_string(),
        _ => if value == 1 { "yes" } else { "no" }.to_owned(),
    }
}
