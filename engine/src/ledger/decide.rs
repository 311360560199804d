//! What each number is, seen from all that is known: few persons, a combination, or fresh.

use sha2::{Digest, Sha256};

use super::numbers::{FEW, Numbers};
use super::{Number, TableNumbers, Verdict};
use crate::veil::sketch::Sketch;

/// Searches for combinations of two numbers that an answer may cost. At about 1 µs each (4 µs among groups of 20 persons) this is
/// under a second; the window is whole (300) up to 222 cells, 66 at 1,000, 2 at 33,000.
const PAIR_SEARCHES_MAX: usize = 400_000;
/// The same for combinations of three: the window is 300 for one cell, 43 for 47, 9 for 1,000.
const TRIPLE_SEARCHES_MAX: usize = 720_000;
/// Searches a cell and number of the window: three each for numbers and for totals.
const PAIR_SEARCHES: usize = 6;
/// Searches a cell and square of the window: four for each pair of twice as many.
const TRIPLE_SEARCHES: usize = 8;

/// How a cell came to be what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Finding {
    /// Near to nothing that is known.
    Fresh,
    /// Already shown by this very cell of this very plan.
    Repeated,
    /// Shown with the value of a combination.
    Snapped,
    /// Not shown.
    Withheld,
}

/// A cell as it is shown: `value` belongs to `sketch`, which may be a known one near to the cell's own.
pub(super) struct Cell {
    pub(super) finding: Finding,
    pub(super) sketch: Sketch,
    pub(super) value: f64,
    pub(super) persons: u64,
    /// Known numbers that it is combined from.
    pub(super) from: Vec<u32>,
    /// Its own tentative number.
    pub(super) id: Option<u32>,
}

impl Cell {
    pub(super) fn is_shown(&self) -> bool {
        !matches!(self.finding, Finding::Withheld)
    }

    pub(super) fn verdict(&self) -> Verdict {
        match self.finding {
            Finding::Fresh | Finding::Repeated => Verdict::Fresh,
            Finding::Snapped => Verdict::Snapped(self.value),
            Finding::Withheld => Verdict::Withheld,
        }
    }

    fn withheld() -> Self {
        Self { finding: Finding::Withheld, sketch: Sketch::EMPTY, value: 0.0, persons: 0, from: Vec::new(), id: None }
    }
}

/// All cells in order; each becomes known, tentatively, before the next is judged.
pub(super) fn cells(numbers: &mut Numbers, table: &TableNumbers, window: usize) -> Vec<Vec<Cell>> {
    let count = table.measures.iter().flatten().flatten().count().max(1);
    let pairs = window.min(PAIR_SEARCHES_MAX / (PAIR_SEARCHES * count));
    let triples = pairs.min((TRIPLE_SEARCHES_MAX / (TRIPLE_SEARCHES * count)).isqrt());
    let known = numbers.len();
    let mut all = Vec::with_capacity(table.measures.len());
    for (measure, column) in table.measures.iter().enumerate() {
        let mut cells = Vec::with_capacity(column.len());
        for (row, number) in column.iter().enumerate() {
            cells.push(match number {
                Some(number) => {
                    let search = Search { number, pairs, triples, known, origin: origin(table, measure, row) };
                    search.cell(numbers)
                }
                None => Cell::withheld(),
            });
        }
        all.push(cells);
    }
    all
}

/// Which cell of which plan: the keys name a row better than its position, which a later release may change.
pub(super) fn origin(table: &TableNumbers, measure: usize, row: usize) -> u64 {
    let mut hash = Sha256::new_with_prefix(table.plan);
    hash.update((measure as u64).to_le_bytes());
    if table.keys.is_empty() {
        hash.update((row as u64).to_le_bytes());
    }
    for key in table.keys.iter().filter_map(|column| column.get(row)) {
        hash.update(key.to_le_bytes());
    }
    let digest: [u8; 32] = hash.finalize().into();
    digest.first_chunk().map_or(1, |bytes| u64::from_le_bytes(*bytes).max(1))
}

struct Search<'a> {
    number: &'a Number,
    pairs: usize,
    triples: usize,
    /// Numbers that were known before this table.
    known: usize,
    origin: u64,
}

/// Known numbers with their signs.
type Terms = Vec<(bool, u32)>;

impl Search<'_> {
    fn cell(&self, numbers: &mut Numbers) -> Cell {
        // Weights too small for a sketch would hide what they add: such a number is not told.
        let least = usize::try_from(self.number.persons / 2).map_or(FEW, |half| half.min(FEW));
        if self.number.persons <= FEW as u64 || self.number.sketch.spread() <= least {
            return Cell::withheld();
        }
        let Some(terms) = self.terms(numbers) else {
            let id = numbers.push(self.number.sketch, self.number.value, self.origin);
            return self.shown(Finding::Fresh, self.number.sketch, self.number.value, Vec::new(), Some(id));
        };
        if let [(true, id)] = *terms.as_slice()
            && self.is_own(numbers, id)
        {
            return self.shown(Finding::Repeated, self.number.sketch, self.number.value, vec![id], None);
        }
        let (sketch, value) = combined(numbers, &terms);
        let id = (terms.len() > 1).then(|| numbers.push(sketch, value, super::numbers::NO_ORIGIN));
        self.shown(Finding::Snapped, sketch, value, terms.into_iter().map(|(_, id)| id).collect(), id)
    }

    fn shown(&self, finding: Finding, sketch: Sketch, value: f64, from: Vec<u32>, id: Option<u32>) -> Cell {
        Cell { finding, sketch, value, persons: self.number.persons, from, id }
    }

    fn is_own(&self, numbers: &Numbers, id: u32) -> bool {
        (id as usize) < self.known
            && numbers.known(id).is_some_and(|known| known.origin == self.origin && known.sketch == self.number.sketch)
    }

    fn terms(&self, numbers: &Numbers) -> Option<Terms> {
        let near = |sketch: &Sketch| numbers.near(sketch, numbers.len());
        let whole = &self.number.sketch;
        near(whole)
            .map(|id| vec![(true, id)])
            .or_else(|| self.pair(numbers, near))
            .or_else(|| self.triple(numbers, near))
    }

    /// Whether a combination has a good part of the number's persons, and is not merely as small as the number: ten persons are
    /// near to nobody, and so to all that cancels out.
    fn explained(&self, numbers: &Numbers, terms: Terms) -> Option<Terms> {
        let (combined, _) = combined(numbers, &terms);
        let sums = self.number.sketch.sums().iter().zip(combined.sums());
        let shared = sums.filter(|(own, other)| **own != 0 && own == other).count();
        (shared * 3 >= self.number.sketch.spread()).then_some(terms)
    }

    /// a + b, a − b, b − a: one of the window, the other any.
    fn pair(&self, numbers: &Numbers, near: impl Fn(&Sketch) -> Option<u32>) -> Option<Terms> {
        let whole = &self.number.sketch;
        let found = |terms| self.explained(numbers, terms);
        numbers.recent(self.pairs).find_map(|id| {
            let one = &numbers.known(id)?.sketch;
            near(&minus(whole, one))
                .and_then(|other| found(vec![(true, id), (true, other)]))
                .or_else(|| near(&plus(whole, one)).and_then(|other| found(vec![(true, other), (false, id)])))
                .or_else(|| near(&minus(one, whole)).and_then(|other| found(vec![(true, id), (false, other)])))
        })
    }

    /// a + b − c and a − b − c: two of the window, the third any.
    fn triple(&self, numbers: &Numbers, near: impl Fn(&Sketch) -> Option<u32>) -> Option<Terms> {
        let whole = &self.number.sketch;
        let window: Vec<_> =
            numbers.recent(self.triples).filter_map(|id| Some((id, numbers.known(id)?.sketch))).collect();
        for (position, (a, one)) in window.iter().enumerate() {
            let (with, without) = (plus(whole, one), minus(whole, one));
            for (b, two) in window.iter().take(position) {
                let known = |terms| self.explained(numbers, terms);
                let found = near(&plus(&with, two))
                    .and_then(|c| known(vec![(true, c), (false, *a), (false, *b)]))
                    .or_else(|| near(&minus(&with, two)).and_then(|c| known(vec![(true, c), (true, *b), (false, *a)])))
                    .or_else(|| {
                        near(&plus(&without, two)).and_then(|c| known(vec![(true, c), (true, *a), (false, *b)]))
                    })
                    .or_else(|| {
                        near(&minus(two, &without)).and_then(|c| known(vec![(true, *a), (true, *b), (false, c)]))
                    });
                if found.is_some() {
                    return found;
                }
            }
        }
        None
    }
}

/// The sketch and the value of a combination.
fn combined(numbers: &Numbers, terms: &Terms) -> (Sketch, f64) {
    let (mut sketch, mut value) = (Sketch::EMPTY, 0.0);
    for (plus, known) in terms.iter().filter_map(|(plus, id)| Some((*plus, numbers.known(*id)?))) {
        if plus {
            sketch += &known.sketch;
            value += known.value;
        } else {
            sketch -= &known.sketch;
            value -= known.value;
        }
    }
    (sketch, value)
}

fn plus(one: &Sketch, other: &Sketch) -> Sketch {
    let mut sum = *one;
    sum += other;
    sum
}

fn minus(one: &Sketch, other: &Sketch) -> Sketch {
    let mut difference = *one;
    difference -= other;
    difference
}
