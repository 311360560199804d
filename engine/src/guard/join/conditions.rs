//! What makes the rows of two sides meet, and whether it makes them rows of one person.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "asks for single variants of foreign enums; the exhaustive walks are in guard.rs and expression.rs"
)]

use datafusion::common::{Column, DFSchema, JoinType, NullEquality};
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{BinaryExpr, Expr, LogicalPlan, Operator};

use crate::error::Refusal;
use crate::guard::expression::total;
use crate::guard::facts::{Fact, Kind, Scope, Unique};
use crate::guard::planned;

/// What a join does, in words of its two sides.
pub(super) struct Sides {
    /// Facts of both, left first.
    pub(super) facts: Vec<Fact>,
    pub(super) schema: DFSchema,
    /// How many of them are the left's.
    pub(super) left: usize,
}

/// What makes two rows meet.
pub(super) struct Conditions {
    pub(super) equal: Vec<(Expr, Expr)>,
    pub(super) filter: Option<Expr>,
}

/// By what two row-level sides belong to one person.
#[derive(Clone, Copy)]
pub(super) struct Link {
    /// Equal person keys.
    pub(super) person: bool,
    /// Equal ids of a record.
    pub(super) record: Option<&'static str>,
}

impl Link {
    /// Whether a side meets each row of the other at most once.
    pub(super) fn once(self, unique: Unique) -> bool {
        match unique {
            Unique::No => false,
            Unique::Person => true,
            Unique::Record(kind) => self.record == Some(kind),
        }
    }
}

impl Conditions {
    pub(super) fn link(&self, sides: &Sides, nulls: NullEquality) -> Result<Link, Refusal> {
        let mut link = Link { person: false, record: None };
        let pairs = self.equal.iter().map(|(a, b)| (a, b, matches!(nulls, NullEquality::NullEqualsNothing)));
        let filters = self.filter.iter().flat_map(|filter| split_conjunction(filter)).filter_map(|part| match part {
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) => Some((&**left, &**right, true)),
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::IsNotDistinctFrom, right }) => {
                Some((&**left, &**right, false))
            }
            _ => None,
        });
        for (a, b, strict) in pairs.chain(filters) {
            let (Expr::Column(a), Expr::Column(b)) = (a, b) else { continue };
            if sides.is_left(a) == sides.is_left(b) {
                continue;
            }
            match (sides.scope().fact(a)?.kind, sides.scope().fact(b)?.kind) {
                // NULL meets NULL where equality is not strict: only keys that are never NULL tell one person then.
                (Kind::Key { exact: x }, Kind::Key { exact: y }) if strict || (x && y) => link.person = true,
                (Kind::Id(x), Kind::Id(y)) if strict && x == y => link.record = Some(x),
                _ => {}
            }
        }
        Ok(link)
    }

    pub(super) fn is_one_equality(&self) -> bool {
        self.equal.len() == 1 && self.filter.is_none()
    }

    /// Both sides' expressions, allowed and total.
    pub(super) fn guarded(self, sides: &Sides) -> Result<Self, Refusal> {
        let scope = sides.scope();
        for (a, b) in &self.equal {
            // Checked as the comparison it is, so that keys meet keys only.
            let equality = BinaryExpr::new(Box::new(a.clone()), Operator::Eq, Box::new(b.clone()));
            total(scope, Expr::BinaryExpr(equality))?;
        }
        self.total(scope)
    }

    pub(super) fn total(self, scope: Scope<'_>) -> Result<Self, Refusal> {
        let side = |expr: Expr| if matches!(expr, Expr::Column(_)) { Ok(expr) } else { total(scope, expr) };
        let equal = self.equal.into_iter().map(|(a, b)| Ok((side(a)?, side(b)?))).collect::<Result<_, Refusal>>()?;
        Ok(Self { equal, filter: self.filter.map(|filter| total(scope, filter)).transpose()? })
    }
}

impl Sides {
    pub(super) fn is_left(&self, column: &Column) -> bool {
        self.schema.maybe_index_of_column(column).is_some_and(|at| at < self.left)
    }
}

impl Sides {
    pub(super) fn of(
        (left, l): (&LogicalPlan, Vec<Fact>),
        (right, r): (&LogicalPlan, Vec<Fact>),
    ) -> Result<Self, Refusal> {
        let left_count = l.len();
        Ok(Self { facts: l.into_iter().chain(r).collect(), schema: joined(left, right)?, left: left_count })
    }

    pub(super) fn scope(&self) -> Scope<'_> {
        Scope { schema: &self.schema, facts: Some(&self.facts) }
    }

    /// Facts of the join's own columns.
    pub(super) fn output(&self, join_type: JoinType) -> Vec<Fact> {
        let (left, right) = self.facts.split_at(self.left.min(self.facts.len()));
        match join_type {
            JoinType::Inner | JoinType::Left | JoinType::Right | JoinType::Full => self.facts.clone(),
            JoinType::LeftSemi | JoinType::LeftAnti => left.to_vec(),
            JoinType::RightSemi | JoinType::RightAnti => right.to_vec(),
            JoinType::LeftMark => left.iter().copied().chain([Fact::PLAIN]).collect(),
            JoinType::RightMark => right.iter().copied().chain([Fact::PLAIN]).collect(),
        }
    }
}

pub(super) fn joined(left: &LogicalPlan, right: &LogicalPlan) -> Result<DFSchema, Refusal> {
    left.schema().join(right.schema()).map_err(planned)
}
