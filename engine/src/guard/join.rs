//! Joins: which lineages become one, what an open list does to rows, and what no rule covers (V-LINEAGE-MERGE, V-SEMI, V-OPEN-CODELIST).
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "asks for single variants of foreign enums; the exhaustive walks are in guard.rs and expression.rs"
)]

use std::sync::Arc;

use datafusion::common::{JoinType, NullEquality};
use datafusion::logical_expr::{Expr, Join, LogicalPlan};

use super::expression::no;
use super::facts::{self, Fact, Kind, Level, ListSide, Open, Rows, Scope, Unique, Walked};
use super::{Guard, JOINS_MAX, planned};
use crate::error::{Refusal, rules};
use conditions::{Conditions, Link, Sides, joined};

mod conditions;

/// Rows that a join of open relations may make (disclosure.md, "Limits against load").
const OPEN_ROWS_MAX: u64 = 10_000_000;
/// Rows of a list that may be joined to rows without an equality.
const LOOSE_LIST_ROWS_MAX: u64 = 5_000;
/// Rows that lists may make of one row, roughly.
const FANOUT_MAX: u64 = 100_000;
/// Lists joined to rows at most: each has a bit of 64.
const LISTS_MAX: u32 = 64;

impl Guard<'_> {
    pub(super) fn join(&mut self, node: Join) -> Result<Walked, Refusal> {
        self.joins += 1;
        if self.joins > JOINS_MAX {
            return no(&rules::JOINS);
        }
        let left = self.walk(Arc::unwrap_or_clone(Arc::clone(&node.left)))?;
        let right = self.walk(Arc::unwrap_or_clone(Arc::clone(&node.right)))?;
        let conditions = Conditions { equal: node.on, filter: node.filter };
        let shape = Shape {
            join_type: node.join_type,
            nulls: node.null_equality,
            null_aware: node.null_aware,
            kind: node.join_constraint,
        };
        match (left.level, right.level) {
            (Level::Open(l), Level::Open(r)) => open_join((left.plan, l), (right.plan, r), conditions, shape),
            (Level::Rows(rows), Level::Open(open)) => {
                self.list_on_right((left.plan, rows), (right.plan, open), conditions, shape)
            }
            (Level::Open(open), Level::Rows(rows)) => {
                self.list_on_left((left.plan, open), (right.plan, rows), conditions, shape)
            }
            (Level::Rows(l), Level::Rows(r)) => {
                // NOT IN as SQL has it drops every row without a key as soon as the list has one entry, and every row at all for
                // one NULL in it: one person would move a crowd. Here a row without a key is in no list.
                let shape = Shape { null_aware: false, ..shape };
                self.same_person((left.plan, l), (right.plan, r), conditions, shape)
            }
        }
    }

    fn list_on_right(
        &mut self,
        (left, rows): (LogicalPlan, Rows),
        (right, open): (LogicalPlan, Open),
        conditions: Conditions,
        shape: Shape,
    ) -> Result<Walked, Refusal> {
        let bit = self.list_bit()?;
        let list = list_facts(&right, bit);
        let columns = list.len();
        let sides = Sides::of((&left, rows.facts.clone()), (&right, list))?;
        let multiplies = multiplies(open, &conditions, shape.join_type, &right);
        let conditions = conditions.guarded(&sides)?;
        refuse_loose(open, &conditions)?;
        let mut result = rows;
        match shape.join_type {
            JoinType::Inner | JoinType::Left | JoinType::LeftSemi | JoinType::LeftAnti | JoinType::LeftMark => {}
            JoinType::Right => result.become_optional(),
            JoinType::Full => return no(&rules::FULL_JOIN),
            JoinType::RightSemi | JoinType::RightAnti | JoinType::RightMark => return no(&rules::SEMI),
        }
        result.facts = sides.output(shape.join_type);
        if matches!(shape.join_type, JoinType::Right) {
            weaken(result.facts.iter_mut().take(sides.left));
        }
        if multiplies {
            result.lists.push(ListSide { bit, columns });
            result.unique = Unique::No;
            result.fan_out(open.rows)?;
        }
        build(left, right, conditions, shape, Level::Rows(result))
    }

    fn list_on_left(
        &mut self,
        (left, open): (LogicalPlan, Open),
        (right, rows): (LogicalPlan, Rows),
        conditions: Conditions,
        shape: Shape,
    ) -> Result<Walked, Refusal> {
        let bit = self.list_bit()?;
        let list = list_facts(&left, bit);
        let columns = list.len();
        let sides = Sides::of((&left, list), (&right, rows.facts.clone()))?;
        let multiplies = multiplies(open, &conditions, shape.join_type, &left);
        let conditions = conditions.guarded(&sides)?;
        refuse_loose(open, &conditions)?;
        let mut result = rows;
        match shape.join_type {
            JoinType::Inner | JoinType::Right | JoinType::RightSemi | JoinType::RightAnti | JoinType::RightMark => {}
            JoinType::Left => result.become_optional(),
            JoinType::Full => return no(&rules::FULL_JOIN),
            // Cells picked by whether rows exist: one bit carried by a crowd.
            JoinType::LeftSemi | JoinType::LeftAnti | JoinType::LeftMark => return no(&rules::SEMI),
        }
        result.facts = sides.output(shape.join_type);
        if matches!(shape.join_type, JoinType::Left) {
            weaken(result.facts.iter_mut().skip(sides.left));
        }
        if multiplies {
            result.lists.push(ListSide { bit, columns });
            result.unique = Unique::No;
            result.fan_out(open.rows)?;
        }
        build(left, right, conditions, shape, Level::Rows(result))
    }

    pub(super) fn list_bit(&mut self) -> Result<u64, Refusal> {
        if self.lists >= LISTS_MAX {
            return no(&rules::JOINS);
        }
        self.lists += 1;
        Ok(1 << (self.lists - 1))
    }

    /// Two row-level sides: of one person, or refused.
    fn same_person(
        &mut self,
        (left, l): (LogicalPlan, Rows),
        (right, r): (LogicalPlan, Rows),
        conditions: Conditions,
        shape: Shape,
    ) -> Result<Walked, Refusal> {
        let sides = Sides::of((&left, l.facts.clone()), (&right, r.facts.clone()))?;
        let link = conditions.link(&sides, shape.nulls)?;
        if link.person
            && matches!(shape.join_type, JoinType::LeftSemi)
            && conditions.is_one_equality()
            && !r.places.is_empty()
        {
            return self.semi_with_places((left, l), (right, r), conditions, shape);
        }
        let conditions = linked(conditions.guarded(&sides)?, link, ((&left, &l), (&right, &r)), shape.join_type)?;
        let mut facts = sides.output(shape.join_type);
        let (left_once, right_once) = (link.once(l.unique), link.once(r.unique));
        let repeats = match shape.join_type {
            JoinType::Inner => !left_once && !right_once,
            JoinType::Left => !right_once,
            JoinType::Right => !left_once,
            _ => false,
        };
        let mut rows = match shape.join_type {
            JoinType::Inner | JoinType::Left => merged(l, r, matches!(shape.join_type, JoinType::Left)),
            JoinType::Right => merged(r, l, true),
            JoinType::LeftSemi | JoinType::LeftAnti | JoinType::LeftMark => l,
            JoinType::RightSemi | JoinType::RightAnti | JoinType::RightMark => r,
            JoinType::Full => return no(&rules::FULL_JOIN),
        };
        if matches!(shape.join_type, JoinType::Inner | JoinType::Left | JoinType::Right) {
            // What stands once for several rows of the other side is no measure of these.
            let middle = sides.left.min(facts.len());
            let (of_left, of_right) = facts.split_at_mut(middle);
            if !right_once {
                forget_measures(of_left);
            }
            if !left_once {
                forget_measures(of_right);
            }
        }
        rows.facts = facts;
        match shape.join_type {
            JoinType::Left => weaken(rows.facts.iter_mut().skip(sides.left)),
            JoinType::Right => weaken(rows.facts.iter_mut().take(sides.left)),
            _ => {}
        }
        if repeats {
            rows.lists.push(ListSide { bit: self.list_bit()?, columns: ListSide::NEVER_COVERED });
        }
        build(left, right, conditions, shape, Level::Rows(rows))
    }

    /// `person_key IN (SELECT person_key …)`: the institutions of the inner rows count as well (A342), so the inner side is
    /// grouped by person, with its institutions, and joined.
    fn semi_with_places(
        &mut self,
        left: (LogicalPlan, Rows),
        (right, r): (LogicalPlan, Rows),
        conditions: Conditions,
        shape: Shape,
    ) -> Result<Walked, Refusal> {
        let exact = r.exact;
        let persons = self.persons_of(right, r)?;
        let Level::Rows(rows) = &persons.level else { return no(&rules::SEMI) };
        let key = facts::named(persons.plan.schema(), &rows.lineage)?;
        let on = conditions.equal.into_iter().map(|(outer, _)| (outer, key.clone())).collect();
        let conditions = Conditions { equal: on, filter: None };
        if !exact {
            return no(&rules::SEMI);
        }
        let (plan, mut kept) = left;
        kept.facts.extend(rows.facts.iter().map(|_| Fact::HIDDEN));
        kept.places.extend(rows.places.iter().cloned());
        let shape = Shape { join_type: JoinType::Inner, ..shape };
        build(plan, persons.plan.clone(), conditions, shape, Level::Rows(kept))
    }
}

/// The conditions with what makes both sides one person, or a refusal.
fn linked(
    mut conditions: Conditions,
    link: Link,
    ((left, l), (right, r)): ((&LogicalPlan, &Rows), (&LogicalPlan, &Rows)),
    join_type: JoinType,
) -> Result<Conditions, Refusal> {
    if link.person {
        return Ok(conditions);
    }
    let side_by_side = matches!(join_type, JoinType::Inner | JoinType::Left | JoinType::Right | JoinType::Full);
    if link.record.is_none() {
        return no(if side_by_side { &rules::LINEAGES } else { &rules::SEMI });
    }
    if !(l.exact && r.exact) {
        return no(&rules::LINEAGES);
    }
    // A record's id belongs to one person: saying so lets the lineages merge (disclosure.md, 4a; L071).
    conditions.equal.push((facts::named(left.schema(), &l.lineage)?, facts::named(right.schema(), &r.lineage)?));
    Ok(conditions)
}

fn forget_measures(facts: &mut [Fact]) {
    for fact in facts {
        fact.plain = false;
        if fact.kind == Kind::Measure {
            fact.kind = Kind::Other;
        }
    }
}

/// The class of the kept side, with the other's institutions and lists.
fn merged(kept: Rows, mut other: Rows, outer: bool) -> Rows {
    if outer {
        other.become_optional();
    }
    let places = kept.places.into_iter().chain(other.places).collect();
    let lists = kept.lists.into_iter().chain(other.lists).collect();
    // An inner join keeps one row a person only if both sides have it; else one row a record of the kept side at most.
    let unique = if other.unique == Unique::Person { kept.unique } else { Unique::No };
    let fanout = kept.fanout.saturating_mul(other.fanout);
    Rows { places, lists, unique, fanout, ..kept }
}

impl Rows {
    /// One person's rows times the lists stay far below what a query may hold: running out would tell of this person.
    fn fan_out(&mut self, times: u64) -> Result<(), Refusal> {
        self.fanout = self.fanout.saturating_mul(times);
        if self.fanout > FANOUT_MAX { no(&rules::CROSS_JOIN) } else { Ok(()) }
    }

    /// The null side of an outer join.
    fn become_optional(&mut self) {
        self.exact = false;
        for place in &mut self.places {
            place.optional = true;
        }
    }
}

/// Keys of a null side are no longer the lineage itself.
fn weaken<'a>(facts: impl Iterator<Item = &'a mut Fact>) {
    for fact in facts {
        fact.chosen = true;
        fact.values = fact.values.or_null();
        if let Kind::Key { exact } = &mut fact.kind {
            *exact = false;
        }
    }
}

fn open_join(
    (left, l): (LogicalPlan, Open),
    (right, r): (LogicalPlan, Open),
    conditions: Conditions,
    shape: Shape,
) -> Result<Walked, Refusal> {
    let sides = Sides { facts: Vec::new(), schema: joined(&left, &right)?, left: 0 };
    let scope = Scope { schema: &sides.schema, facts: None };
    let conditions = conditions.total(scope)?;
    let rows = if conditions.equal.is_empty() { l.rows.saturating_mul(r.rows) } else { l.rows.max(r.rows) };
    if rows > OPEN_ROWS_MAX {
        return no(&rules::CROSS_JOIN);
    }
    build(left, right, conditions, shape, Level::Open(Open { rows, catalog: false }))
}

/// Whether a list may make several rows of one, as its writer likes.
fn multiplies(open: Open, conditions: &Conditions, join_type: JoinType, list: &LogicalPlan) -> bool {
    let keeps = matches!(
        join_type,
        JoinType::LeftSemi
            | JoinType::LeftAnti
            | JoinType::LeftMark
            | JoinType::RightSemi
            | JoinType::RightAnti
            | JoinType::RightMark
    );
    // The first column of a code list is its key: by another one it gives several rows, as many as the query chooses.
    let key = |side: &Expr| matches!(side, Expr::Column(c) if list.schema().maybe_index_of_column(c) == Some(0));
    let by_key = conditions.equal.iter().any(|(a, b)| key(a) || key(b));
    let looked_up = open.catalog && by_key && conditions.filter.is_none();
    !(keeps || looked_up || open.rows <= 1)
}

fn refuse_loose(open: Open, conditions: &Conditions) -> Result<(), Refusal> {
    let loose = conditions.equal.is_empty() && open.rows > LOOSE_LIST_ROWS_MAX;
    if loose { no(&rules::CROSS_JOIN) } else { Ok(()) }
}

fn list_facts(plan: &LogicalPlan, bit: u64) -> Vec<Fact> {
    let column = |at| Fact { lists: bit, list_column: Some(at), chosen: true, ..Fact::PLAIN };
    (0..plan.schema().fields().len()).map(column).collect()
}

/// What of a join is taken over as it stands.
#[derive(Clone, Copy)]
struct Shape {
    join_type: JoinType,
    nulls: NullEquality,
    null_aware: bool,
    kind: datafusion::common::JoinConstraint,
}

fn build(
    left: LogicalPlan,
    right: LogicalPlan,
    conditions: Conditions,
    shape: Shape,
    level: Level,
) -> Result<Walked, Refusal> {
    let join = Join::try_new(
        Arc::new(left),
        Arc::new(right),
        conditions.equal,
        conditions.filter,
        shape.join_type,
        shape.kind,
        shape.nulls,
        shape.null_aware,
    );
    Ok(Walked { plan: LogicalPlan::Join(join.map_err(planned)?), level })
}
