//! Rows that are kept for later statements (schema `work`): what the guard knew of them when they were made is written down,
//! and is all that it knows when they are read again. Nothing becomes better by being stored.

use std::collections::BTreeSet;
use std::sync::Arc;

use datafusion::common::Column;
use datafusion::logical_expr::{Expr, LogicalPlan, Projection, Sort, SortExpr};
use policies::Profile;
use serde::{Deserialize, Serialize};

use super::expression::no;
use super::facts::{self, Fact, Kind, Level, ListSide, Place, Rows, Unique, Values, Walked};
use super::{Guard, ROW_TABLES_MAX, planned, statistics};
use crate::answer::Reason;
use crate::error::{Refusal, rules};
use crate::relations::{PERSON_KEY, Relations};
use crate::veil::sketch::PersonMarks;

/// Characters of a name at most.
pub(crate) const NAME_MAX: usize = 60;

/// What is known of kept rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeptRows {
    /// Visible columns in order, the person key among them.
    pub(crate) columns: Vec<KeptColumn>,
    places: Vec<KeptPlace>,
    lists: Vec<KeptList>,
    unique: KeptUnique,
    fanout: u64,
}

/// One visible column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeptColumn {
    pub(crate) name: String,
    kind: KeptKind,
    sides: u64,
    lists: u64,
    list_column: Option<usize>,
    chosen: bool,
    plain: bool,
    values: Values,
    numbers: KeptNumbers,
}

/// What a column is as a plain number, as a date under one, and as a column under no expression at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeptNumbers {
    pub(super) column: Option<KeptNumber>,
    pub(super) date: Option<KeptNumber>,
    pub(super) number: Option<KeptNumber>,
}

/// A plain number of kept rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeptNumber {
    pub(super) optional: bool,
    /// How many subqueries and factors lie between it and the records.
    pub(super) depth: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeptPlace {
    bit: u64,
    optional: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeptList {
    bit: u64,
    columns: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum KeptKind {
    Id(Record),
    Key,
    Measure,
    Other,
    Place,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum KeptUnique {
    No,
    Person,
    Record(Record),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Record {
    Claim,
    Document,
    Stay,
}

impl Record {
    fn of(name: &str) -> Result<Self, Refusal> {
        match name {
            "claim" => Ok(Self::Claim),
            "document" => Ok(Self::Document),
            "stay" => Ok(Self::Stay),
            _ => no(&rules::NOT_SUPPORTED),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Claim => "claim",
            Self::Document => "document",
            Self::Stay => "stay",
        }
    }
}

impl KeptColumn {
    fn of(name: &str, fact: Fact, numbers: KeptNumbers) -> Result<Self, Refusal> {
        // INVARIANT: taken apart by name, so that a new fact cannot be forgotten here.
        let Fact { kind, sides, lists, list_column, chosen, plain, values, institutions } = fact;
        if institutions.is_some() {
            return no(&rules::WORK_ROWS);
        }
        let kind = match kind {
            Kind::Hidden => return no(&rules::RESERVED),
            Kind::Id(record) => KeptKind::Id(Record::of(record)?),
            Kind::Key { exact: true } => KeptKind::Key,
            Kind::Key { exact: false } => return no(&rules::WORK_ROWS),
            Kind::Measure => KeptKind::Measure,
            Kind::Other => KeptKind::Other,
            Kind::Place => KeptKind::Place,
        };
        Ok(Self { name: name.to_owned(), kind, sides, lists, list_column, chosen, plain, values, numbers })
    }

    fn fact(&self, sides: &Bits, lists: &Bits) -> Fact {
        let kind = match self.kind {
            KeptKind::Id(record) => Kind::Id(record.name()),
            KeptKind::Key => Kind::Key { exact: true },
            KeptKind::Measure => Kind::Measure,
            KeptKind::Other => Kind::Other,
            KeptKind::Place => Kind::Place,
        };
        Fact {
            kind,
            sides: sides.now(self.sides),
            lists: lists.now(self.lists),
            list_column: self.list_column,
            chosen: self.chosen,
            plain: self.plain,
            values: self.values,
            institutions: None,
        }
    }
}

impl KeptRows {
    /// Of walked rows, whose lineage is never missing; visible columns as the plan names them.
    fn of(walked: &Walked) -> Result<Self, Refusal> {
        let Level::Rows(rows) = &walked.level else { return no(&rules::WORK_ROWS) };
        let Rows { lineage: _, exact, places, lists, unique, fanout, facts, institutions } = rows;
        if !*exact || institutions.is_some() {
            return no(&rules::WORK_ROWS);
        }
        let visible = walked.plan.schema().iter().zip(facts).filter(|(_, fact)| fact.kind != Kind::Hidden);
        let column = |((qualifier, field), fact): (_, &Fact)| {
            let column = Column::from((qualifier, field));
            KeptColumn::of(&column.name, *fact, statistics::to_keep(&walked.plan, &column))
        };
        let columns: Vec<_> = visible.map(column).collect::<Result<_, _>>()?;
        let unique = match unique {
            Unique::No => KeptUnique::No,
            Unique::Person => KeptUnique::Person,
            Unique::Record(record) => KeptUnique::Record(Record::of(record)?),
        };
        let places = places.iter().map(|place| KeptPlace { bit: place.bit, optional: place.optional });
        let lists = lists.iter().map(|list| KeptList { bit: list.bit, columns: list.columns });
        let kept = Self { columns, places: places.collect(), lists: lists.collect(), unique, fanout: *fanout };
        kept.has_one_key_and_plain_names()?;
        Ok(kept)
    }

    fn has_one_key_and_plain_names(&self) -> Result<(), Refusal> {
        let keys: Vec<_> = self.columns.iter().filter(|column| column.kind == KeptKind::Key).collect();
        if !matches!(keys.as_slice(), [key] if key.name == PERSON_KEY) {
            return no(&rules::WORK_ROWS);
        }
        let names: BTreeSet<_> = self.columns.iter().map(|column| column.name.to_lowercase()).collect();
        if names.len() < self.columns.len() {
            return no(&rules::DUPLICATE_NAME);
        }
        if self.columns.iter().all(|column| is_plain(&column.name)) { Ok(()) } else { no(&rules::WORK_COLUMN) }
    }

    /// What a column is as a number.
    pub(super) fn numbers(&self, name: &str) -> Option<&KeptNumbers> {
        self.columns.iter().find(|column| column.name == name).map(|column| &column.numbers)
    }

    /// Hidden columns as they are stored.
    pub(crate) fn place_columns(&self) -> impl Iterator<Item = String> {
        (0..self.places.len()).map(|at| format!("__place_{at}"))
    }

    fn sides(&self) -> u64 {
        let places = self.places.iter().map(|place| place.bit);
        self.columns.iter().map(|column| column.sides).chain(places).fold(0, |all, bits| all | bits)
    }

    fn list_bits(&self) -> u64 {
        let lists = self.lists.iter().map(|list| list.bit);
        self.columns.iter().map(|column| column.lists).chain(lists).fold(0, |all, bits| all | bits)
    }
}

/// Letters, digits and `_`, not `__` at the beginning, at most 60 characters.
pub(crate) fn is_plain(name: &str) -> bool {
    let letters = name.chars().all(|c| c.is_alphanumeric() || c == '_');
    letters && !name.is_empty() && !name.starts_with("__") && name.chars().count() <= NAME_MAX
}

/// Rows ready to be kept: sorted by person, under their visible names, then the institutions.
pub(crate) struct Keeping {
    pub(crate) plan: LogicalPlan,
    pub(crate) rows: KeptRows,
    pub(crate) reasons: Vec<Reason>,
}

/// Walks a plan whose rows are to be kept. Their root is row level: the opposite of what an answer needs.
pub(crate) fn keep(
    plan: LogicalPlan,
    relations: &Relations,
    profile: &Profile,
    marks: &PersonMarks,
    series_rows: u64,
) -> Result<Keeping, Refusal> {
    let mut guard = Guard { series_rows, ..Guard::new(relations, profile, marks) };
    let walked = guard.walk(plan)?;
    let rows = KeptRows::of(&walked)?;
    let mut reasons = guard.reasons;
    reasons.sort();
    reasons.dedup();
    let Level::Rows(known) = &walked.level else { return no(&rules::WORK_ROWS) };
    let schema = Arc::clone(walked.plan.schema());
    let visible = schema.iter().zip(&known.facts).filter(|(_, fact)| fact.kind != Kind::Hidden);
    let mut exprs: Vec<Expr> =
        visible.map(|((qualifier, field), _)| Expr::Column((qualifier, field).into()).alias(field.name())).collect();
    for (place, name) in known.places.iter().zip(rows.place_columns()) {
        exprs.push(facts::named(&schema, &place.name)?.alias(name));
    }
    let plan = Projection::try_new(exprs, Arc::new(walked.plan)).map_err(planned)?;
    let key = SortExpr { expr: facts::named(&plan.schema, PERSON_KEY)?, asc: true, nulls_first: false };
    let plan = LogicalPlan::Sort(Sort { expr: vec![key], input: Arc::new(LogicalPlan::Projection(plan)), fetch: None });
    Ok(Keeping { plan, rows, reasons })
}

impl Guard<'_> {
    /// Above a scan of kept rows: what is known of them, under this walk's names.
    pub(super) fn carry_kept(
        &mut self,
        kept: &KeptRows,
        visible: &[String],
        scan: LogicalPlan,
    ) -> Result<Walked, Refusal> {
        let sides = Bits::renamed(kept.sides(), || self.side_bit())?;
        let lists = Bits::renamed(kept.list_bits(), || self.list_bit())?;
        let schema = Arc::clone(scan.schema());
        let (mut exprs, mut facts) = (Vec::new(), Vec::new());
        for name in visible {
            let column = kept.columns.iter().find(|column| column.name == *name);
            let column = column.ok_or_else(|| Refusal::of(&rules::NOT_PLANNED))?;
            exprs.push(facts::named(&schema, name)?);
            facts.push(column.fact(&sides, &lists));
        }
        let lineage = self.hidden_name();
        exprs.push(facts::named(&schema, PERSON_KEY)?.alias(&lineage));
        facts.push(Fact::HIDDEN);
        let mut places = Vec::new();
        for (place, stored) in kept.places.iter().zip(kept.place_columns()) {
            let name = self.hidden_name();
            exprs.push(facts::named(&schema, &stored)?.alias(&name));
            facts.push(Fact::HIDDEN);
            places.push(Place { name, bit: sides.now(place.bit), optional: place.optional });
        }
        let of_list = |list: &KeptList| ListSide { bit: lists.now(list.bit), columns: list.columns };
        let unique = match kept.unique {
            KeptUnique::No => Unique::No,
            KeptUnique::Person => Unique::Person,
            KeptUnique::Record(record) => Unique::Record(record.name()),
        };
        let plan = Projection::try_new(exprs, Arc::new(scan)).map_err(planned)?;
        let lists = kept.lists.iter().map(of_list).collect();
        let rows = Rows { lineage, exact: true, places, lists, unique, fanout: kept.fanout, facts, institutions: None };
        Ok(Walked { plan: LogicalPlan::Projection(plan), level: Level::Rows(rows) })
    }

    fn side_bit(&mut self) -> Result<u64, Refusal> {
        if self.row_tables >= ROW_TABLES_MAX {
            return no(&rules::RELATIONS);
        }
        self.row_tables += 1;
        Ok(1 << (self.row_tables - 1))
    }
}

/// Bits as they were when rows were kept, and what they are in this walk.
struct Bits(Vec<(u64, u64)>);

impl Bits {
    fn renamed(used: u64, mut fresh: impl FnMut() -> Result<u64, Refusal>) -> Result<Self, Refusal> {
        let bits = (0..u64::BITS).map(|at| 1_u64 << at).filter(|bit| used & bit != 0);
        bits.map(|bit| Ok((bit, fresh()?))).collect::<Result<_, _>>().map(Self)
    }

    fn now(&self, bits: u64) -> u64 {
        self.0.iter().filter(|(then, _)| bits & then != 0).fold(0, |all, (_, now)| all | now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_keep_apart_what_was_apart() {
        let mut next = 4;
        let bits = Bits::renamed(0b1_0101, || {
            next <<= 1;
            Ok(next)
        })
        .unwrap();
        assert_eq!([0b1, 0b100, 0b1_0000, 0b101, 0].map(|then| bits.now(then)), [8, 16, 32, 24, 0]);
    }

    #[test]
    fn plain_names_are_letters_digits_and_underscores() {
        for name in ["a", "first_month", "初診月", "_x", "a1"] {
            assert!(is_plain(name), "{name}");
        }
        let long = "a".repeat(NAME_MAX + 1);
        for name in ["", "__x", "a.b", "count(*)", "a b", "a\"b", &long] {
            assert!(!is_plain(name), "{name}");
        }
    }
}
