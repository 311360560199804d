//! What a passing cell is shown as: the exact number, known to the project's ledger, or a perturbed one (DESIGN.md, "Grades").

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{ArrayRef, UInt64Array};
use arrow::compute::take;
use arrow::row::{RowConverter, SortField};
use datafusion::common::Result;
use jiff::civil::Date;
use policies::profile::Budget;
use policies::{Grade, Profile};
use sha2::{Digest, Sha256};

use super::judge::sets::SetOfRows;
use super::judge::{Sheet, Verdict, significant};
use super::plan::{CellRule, ROWS, Value, VeilSpec};
use super::preview::{ExpectedError, Perturbation};
use super::rounding::{round_sum, sum_base};
use super::tallied::Tallied;
use crate::error::QueryError;
use crate::ledger::{Budgets, Ledger, Number, TableNumbers, Verdict as Recalled};

/// Perturbed numbers are compared one by one: sums of them are no one's number.
const ALONE: usize = 0;
/// Significant digits of statistics in preview answers that are not made of counts and sums.
const PREVIEW_DIGITS: u8 = 2;

/// Counts of institutions are shown as multiples of this.
const INSTITUTIONS_BASE: f64 = 5.0;

/// How a session's cells are shown.
#[derive(Clone)]
pub struct Keeper {
    ledger: Arc<Mutex<Ledger>>,
    budget: Budget,
    /// The day that budgets count by.
    today: Date,
    values: Values,
}

#[derive(Clone)]
enum Values {
    Exact { round_sums: f64 },
    Perturbed(Arc<Perturbation>),
}

/// What a plan is known by: itself, and itself without its literals.
#[derive(Clone, Copy)]
pub(crate) struct PlanPrints {
    pub(crate) plan: [u8; 32],
    pub(crate) shape: [u8; 32],
}

impl std::fmt::Debug for Keeper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Keeper({:?})", self.grade())
    }
}

impl Keeper {
    /// Shows cells in that grade, with a project's ledger. A perturbed group that differs from an earlier one by few persons has its
    /// value, or equal noise would tell that the groups are equal.
    pub(crate) fn new(
        grade: Grade,
        ledger: Arc<Mutex<Ledger>>,
        profile: &Profile,
        today: Date,
    ) -> Result<Self, QueryError> {
        let values = match grade {
            Grade::Exact => Values::Exact { round_sums: profile.round_sums },
            Grade::Preview => {
                let perturbation = Perturbation::new(&profile.preview, profile.min_persons).map_err(|error| {
                    tracing::error!(profile = %profile.name, problem = %error, "a disclosure profile cannot be used");
                    QueryError::Failed
                })?;
                Values::Perturbed(Arc::new(perturbation))
            }
        };
        Ok(Self { ledger, budget: profile.budget, today, values })
    }

    /// With a ledger that ends with the session: for measurements and tests. `today`: the day that budgets count by.
    pub fn of_session(grade: Grade, profile: &Profile, today: Date) -> Result<Self, QueryError> {
        Self::new(grade, Arc::new(Mutex::new(Ledger::in_memory())), profile, today)
    }

    /// The grade of what it shows.
    pub fn grade(&self) -> Grade {
        match self.values {
            Values::Exact { .. } => Grade::Exact,
            Values::Perturbed(_) => Grade::Preview,
        }
    }

    /// How far what it shows is from the truth.
    pub(crate) fn error(&self) -> Option<ExpectedError> {
        match &self.values {
            Values::Exact { .. } => None,
            Values::Perturbed(perturbation) => Some(perturbation.expected_error()),
        }
    }

    /// Settles what each passing cell is shown as. Returns how many values were taken from earlier answers.
    pub(crate) fn settle(&self, sheet: &mut Sheet, prints: PlanPrints) -> Result<u64, QueryError> {
        count_institutions(sheet);
        let rounded: HashSet<usize> = sheet.spec().cells.iter().filter_map(CellRule::rounded_tally).collect();
        let mut snapped = 0;
        for set in sheet.sets().map_err(|e| QueryError::from_running(&e))? {
            let prints = prints.of_set(set.totals);
            snapped += match &self.values {
                Values::Exact { round_sums } => {
                    let share = |part| if rounded.contains(&tally_of(part)) { *round_sums } else { 0.0 };
                    let value = |part, tallied: &Tallied| number(part, tallied, share(part));
                    let numbers = Numbers::of(sheet, prints, set, &[], value)?;
                    let verdicts = self.recalled(&numbers, self.budget.window)?;
                    numbers.write(sheet, &verdicts)
                }
                Values::Perturbed(perturbation) => {
                    let value = |part, tallied: &Tallied| perturbed(part, tallied, perturbation);
                    let numbers = Numbers::of(sheet, prints, set, &[Part::Persons(ROWS)], value)?;
                    let verdicts = self.recalled(&numbers, ALONE)?;
                    numbers.write_perturbed(sheet, &verdicts)
                }
            };
        }
        Ok(snapped)
    }

    /// What the ledger says of numbers; from now on it knows them.
    fn recalled(&self, numbers: &Numbers, window: usize) -> Result<Vec<Vec<Recalled>>, QueryError> {
        let Budget { cells_a_day, variants, .. } = self.budget;
        let budgets = Budgets { cells_a_day, variants_min: variants, window };
        let mut ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        ledger.settle(&numbers.table, &budgets, self.today).map_err(|e| QueryError::from_ledger(&e))
    }
}

/// One exact number of a cell: distinct persons of a tally, or its total.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Part {
    Persons(usize),
    Total(usize),
}

impl PlanPrints {
    /// Of one grouping set: a plan of its own, or two sets would count as two variants of one question.
    fn of_set(self, totals: Option<u64>) -> Self {
        let Some(totals) = totals else { return self };
        let of = |print: [u8; 32]| Sha256::new_with_prefix(print).chain_update(totals.to_le_bytes()).finalize().into();
        Self { plan: of(self.plan), shape: of(self.shape) }
    }
}

/// The numbers behind the passing cells of one grouping set, each once.
struct Numbers {
    table: TableNumbers,
    /// Rows of the sheet.
    rows: Vec<usize>,
    parts: HashMap<Part, usize>,
}

impl Numbers {
    fn of(
        sheet: &Sheet,
        prints: PlanPrints,
        set: SetOfRows,
        always: &[Part],
        number: impl Fn(Part, &Tallied) -> Number,
    ) -> Result<Self, QueryError> {
        let at = UInt64Array::from_iter_values(set.rows.iter().map(|row| *row as u64));
        let keys = set.keys.iter().filter_map(|key| sheet.keys().get(*key));
        let keys: Vec<ArrayRef> = keys
            .map(|column| take(column, &at, None))
            .collect::<std::result::Result<_, _>>()
            .map_err(|e| QueryError::from_running(&e.into()))?;
        let mut numbers = Self {
            table: TableNumbers {
                plan: prints.plan,
                shape: prints.shape,
                measures: Vec::new(),
                keys: key_hashes(&keys).map_err(|e| QueryError::from_running(&e))?,
            },
            rows: set.rows,
            parts: HashMap::new(),
        };
        for (cell, rule) in sheet.spec().cells.iter().enumerate() {
            for part in parts_of(&rule.value).into_iter().chain(always.iter().copied()) {
                numbers.add(sheet, cell, part, &number);
            }
        }
        numbers.join_rows();
        Ok(numbers)
    }

    /// A column that is the rows' own in every cell is that one and no second number. Whether some rows are missing in it was
    /// judged already: then they are many, or the cell is withheld (V-RATIO).
    fn join_rows(&mut self) {
        let rows = [Part::Persons(ROWS), Part::Total(ROWS)].map(|part| self.parts.get(&part).copied());
        for of in rows.into_iter().flatten() {
            let Some(own) = self.table.measures.get(of) else { continue };
            let same = |column: &usize| {
                let other = self.table.measures.get(*column).map(Vec::as_slice).unwrap_or_default();
                other.iter().zip(own).all(|(a, b)| match (a, b) {
                    (Some(a), Some(b)) => a.sketch == b.sketch,
                    (None, _) => true,
                    (Some(_), None) => false,
                })
            };
            let joined: Vec<usize> =
                self.parts.values().copied().filter(|column| *column != of && same(column)).collect();
            for column in joined {
                self.parts.values_mut().filter(|found| **found == column).for_each(|found| *found = of);
                if let Some(numbers) = self.table.measures.get_mut(column) {
                    numbers.fill_with(|| None);
                }
            }
        }
    }

    fn add(&mut self, sheet: &Sheet, cell: usize, part: Part, number: impl Fn(Part, &Tallied) -> Number) {
        let next = self.table.measures.len();
        let column = *self.parts.entry(part).or_insert(next);
        if column == next {
            self.table.measures.push(self.rows.iter().map(|_| None).collect());
        }
        let Some(rows) = self.table.measures.get_mut(column) else { return };
        for (row, place) in self.rows.iter().zip(rows) {
            if place.is_none() && sheet.verdict(cell, *row) != Verdict::Withheld {
                *place = sheet.tally(*row, tally_of(part)).map(|tallied| number(part, tallied));
            }
        }
    }

    /// What was found, as verdicts of the sheet. Returns how many values were taken from earlier answers.
    fn write(&self, sheet: &mut Sheet, verdicts: &[Vec<Recalled>]) -> u64 {
        let spec = Arc::clone(sheet.spec());
        let mut snapped = 0;
        for (cell, rule) in spec.cells.iter().enumerate() {
            if matches!(rule.value, Value::Institutions(_)) {
                continue;
            }
            for (at, row) in self.rows.iter().enumerate() {
                if sheet.verdict(cell, *row) == Verdict::Withheld {
                    continue;
                }
                let (verdict, taken) = shown(&rule.value, rule.rounded, |part| self.recalled(verdicts, part, at));
                snapped += u64::from(taken && verdict != Verdict::Withheld);
                sheet.set(cell, *row, verdict);
            }
        }
        snapped
    }

    /// The value of a part as it may be shown, and whether it is an earlier one.
    fn recalled(&self, verdicts: &[Vec<Recalled>], part: Part, at: usize) -> Option<(f64, bool)> {
        let column = self.parts.get(&part)?;
        let own = self.table.measures.get(*column)?.get(at)?.as_ref()?.value;
        let found = match verdicts.get(*column)?.get(at)? {
            Recalled::Fresh => (own, false),
            Recalled::Snapped(value) => (*value, true),
            Recalled::Withheld => return None,
        };
        found.0.is_finite().then_some(found)
    }

    /// The same for perturbed values; a row whose persons are few goes.
    fn write_perturbed(&self, sheet: &mut Sheet, verdicts: &[Vec<Recalled>]) -> u64 {
        let spec = Arc::clone(sheet.spec());
        let mut snapped = 0;
        for (at, row) in self.rows.iter().enumerate() {
            let part = |part| self.recalled(verdicts, part, at);
            if part(Part::Persons(ROWS)).is_none() {
                sheet.drop_row(*row);
                continue;
            }
            for (cell, rule) in spec.cells.iter().enumerate() {
                let (verdict, taken) = match &rule.value {
                    Value::Institutions(_) => continue,
                    Value::Mean { total, count } => {
                        let parts = part(Part::Total(*total)).zip(part(Part::Total(*count)));
                        let mean =
                            parts.and_then(|((sum, a), (count, b))| Some((Perturbation::mean(sum, count)?, a || b)));
                        mean.map_or((Verdict::Withheld, false), |(mean, taken)| (Verdict::Changed(mean), taken))
                    }
                    Value::Moment { digits, .. } | Value::Other { digits } => {
                        let coarse = |plain| Verdict::Changed(significant(plain, PREVIEW_DIGITS.min(*digits)));
                        (sheet.plain(cell, *row).map_or(Verdict::Withheld, coarse), false)
                    }
                    value @ (Value::Persons(_) | Value::Total(_)) => shown(value, true, part),
                };
                snapped += u64::from(taken && verdict != Verdict::Withheld);
                sheet.set(cell, *row, verdict);
            }
        }
        snapped
    }
}

/// A cell's verdict from its parts, and whether one of them was taken from an earlier answer.
fn shown(value: &Value, rounded: bool, part: impl Fn(Part) -> Option<(f64, bool)>) -> (Verdict, bool) {
    let one = |part: Option<(f64, bool)>| match part {
        None => (Verdict::Withheld, false),
        Some((_, false)) if !rounded => (Verdict::Plain, false),
        Some((number, taken)) => (Verdict::Changed(number), taken),
    };
    match value {
        Value::Persons(tally) => one(part(Part::Persons(*tally))),
        Value::Total(tally) => one(part(Part::Total(*tally))),
        Value::Mean { total, count } => match (part(Part::Total(*total)), part(Part::Total(*count))) {
            (Some((_, false)), Some((_, false))) if !rounded => (Verdict::Plain, false),
            (Some((total, a)), Some((count, b))) if count != 0.0 => (Verdict::Changed(total / count), a || b),
            _ => (Verdict::Withheld, false),
        },
        Value::Moment { moment, of, digits } => {
            let parts: Option<Vec<(f64, bool)>> = of.iter().map(|tally| part(Part::Total(*tally))).collect();
            let Some(parts) = parts else { return (Verdict::Withheld, false) };
            if parts.iter().all(|(_, taken)| !taken) {
                return (Verdict::Plain, false);
            }
            let sums: Vec<f64> = parts.iter().map(|(sum, _)| *sum).collect();
            let again = moment.of_sums(&sums).map(|value| significant(value, *digits));
            (again.map_or(Verdict::Withheld, Verdict::Changed), true)
        }
        Value::Institutions(_) => (Verdict::Withheld, false),
        // Rounded so coarsely that a few persons do not show.
        Value::Other { .. } => (Verdict::Plain, false),
    }
}

fn parts_of(value: &Value) -> Vec<Part> {
    match value {
        Value::Mean { total, count } => vec![Part::Total(*total), Part::Total(*count)],
        Value::Moment { of, .. } => of.iter().map(|tally| Part::Total(*tally)).collect(),
        Value::Institutions(_) | Value::Other { .. } => Vec::new(),
        Value::Persons(tally) => vec![Part::Persons(*tally)],
        Value::Total(tally) => vec![Part::Total(*tally)],
    }
}

fn tally_of(part: Part) -> usize {
    match part {
        Part::Persons(tally) | Part::Total(tally) => tally,
    }
}

/// The value is what is shown, so that what is taken from it later is what is known.
#[expect(clippy::cast_precision_loss, reason = "counts of persons stay far below 2^53")]
fn number(part: Part, tallied: &Tallied, round_sums: f64) -> Number {
    let persons = tallied.counted.persons;
    match part {
        // In sketches a person counts as the total of one.
        Part::Persons(_) => Number { sketch: tallied.who.of_ones(), value: persons as f64, persons },
        Part::Total(_) => {
            let base = if round_sums > 0.0 { sum_base(&tallied.largest, round_sums) } else { None };
            let value = base.map_or(tallied.total, |base| round_sum(tallied.total, base));
            Number { sketch: tallied.what, value, persons }
        }
    }
}

/// By key column and row, a hash of the value.
pub(super) fn key_hashes(keys: &[ArrayRef]) -> Result<Vec<Vec<u64>>> {
    let column = |values: &ArrayRef| {
        let converter = RowConverter::new(vec![SortField::new(values.data_type().clone())])?;
        let rows = converter.convert_columns(&[Arc::clone(values)])?;
        let hash = |bytes: &[u8]| Sha256::digest(bytes).first_chunk().map_or(0, |first| u64::from_le_bytes(*first));
        Ok(rows.iter().map(|row| hash(row.as_ref())).collect())
    };
    keys.iter().map(column).collect()
}

/// Institutions are counted to the nearest five, as distinct values are: no sketch of persons tells two such counts apart (V-CDISTINCT).
fn count_institutions(sheet: &mut Sheet) {
    let spec: Arc<VeilSpec> = Arc::clone(sheet.spec());
    for (cell, rule) in spec.cells.iter().enumerate() {
        let Value::Institutions(tally) = rule.value else { continue };
        for row in 0..sheet.len() {
            let counted = sheet.tally(row, tally).map(|tallied| (tallied.total / INSTITUTIONS_BASE).round());
            sheet.set(
                cell,
                row,
                counted.map_or(Verdict::Withheld, |fives| Verdict::Changed(fives * INSTITUTIONS_BASE)),
            );
        }
    }
}

/// A count or sum by the cell-key method; not a number where it is few (disclosure.md, 4d).
#[expect(clippy::cast_precision_loss, reason = "counts of persons stay far below 2^53")]
fn perturbed(part: Part, tallied: &Tallied, perturbation: &Perturbation) -> Number {
    let (persons, key) = (tallied.counted.contributors, tallied.who.cell_key());
    let count = perturbation.count(persons, key).map_or(f64::NAN, |shown| shown as f64);
    match part {
        Part::Persons(_) => Number { sketch: tallied.who.of_ones(), value: count, persons },
        Part::Total(_) => {
            let sum = perturbation.sum(tallied.total, &tallied.largest, persons, key);
            Number { sketch: tallied.what, value: if count.is_nan() { count } else { sum }, persons }
        }
    }
}
