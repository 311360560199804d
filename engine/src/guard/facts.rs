//! What the guard knows of a relation and of each of its columns while it walks a plan upwards.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "asks for single variants of foreign enums; the exhaustive walks are in guard.rs and expression.rs"
)]

use arrow::datatypes::DataType;
use catalog::{Class as VariableClass, HIDDEN_FACILITY};
use datafusion::common::{Column, DFSchema};
use datafusion::logical_expr::{Expr, LogicalPlan};

use serde::{Deserialize, Serialize};

use super::institutions::Institutions;
use crate::error::{Refusal, rules};
use crate::relations::PERSON_KEY;

/// What a column is, as far as rules depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Made by the guard; no query can name it.
    Hidden,
    /// A record's surrogate, unique to a person inside its database: `claim_id`, `stay_id`, `document_id`.
    Id(&'static str),
    /// The person key of the row's lineage. `exact`: never NULL, so equal to the lineage itself.
    Key {
        /// See above.
        exact: bool,
    },
    /// A plain measure, or one counted or summed per person (V-DECOMP).
    Measure,
    /// Anything else.
    Other,
    /// An institution's surrogate: compared, grouped, joined, never calculated with.
    Place,
}

/// How many values a column can have, as far as the query's own words tell (V-ZERO).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Values {
    /// Besides NULL; three mean many.
    some: u8,
    null: bool,
}

impl Values {
    pub(crate) const MANY: Self = Self { some: 3, null: true };
    /// NULL alone.
    pub(crate) const NULL: Self = Self { some: 0, null: true };

    pub(crate) fn new(some: usize, null: bool) -> Self {
        let some = u8::try_from(some).unwrap_or(u8::MAX).min(Self::MANY.some);
        if some == Self::MANY.some { Self::MANY } else { Self { some, null } }
    }

    pub(crate) fn or_null(self) -> Self {
        Self { null: true, ..self }
    }

    /// Where one of several is taken.
    pub(crate) fn or(self, other: Self) -> Self {
        Self::new(usize::from(self.some) + usize::from(other.some), self.null || other.null)
    }

    /// Where NULL is replaced by another's.
    pub(crate) fn coalesced(self, other: Self) -> Self {
        // The other's is mostly one of these already, which the query does not tell here.
        let few = self.some < Self::MANY.some && other.some < Self::MANY.some;
        if few { Self { some: (self.some + other.some).min(2), null: self.null && other.null } } else { Self::MANY }
    }

    /// Whether it has two arms: two values, or one and NULL. Then also whether NULL stands beside both.
    pub(crate) fn arms(self) -> Option<bool> {
        match (self.some, self.null) {
            (2, null) => Some(null),
            (1, true) => Some(false),
            _ => None,
        }
    }
}

/// One column of a row-level relation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fact {
    pub kind: Kind,
    /// Which institution columns ([`Place::bit`]) come from the same tables.
    pub sides: u64,
    /// Which lists ([`ListSide::bit`]) it depends on.
    pub lists: u64,
    /// It is the plain column of that number of the one list in `lists`.
    pub list_column: Option<usize>,
    /// Whether the query's own words decide where it is NULL: then nobody and few without it must look the same (V-ZERO).
    pub chosen: bool,
    /// A value as it stands in the records, or an aggregate per person of one: no condition of the query is in it (V-DECOMP).
    pub plain: bool,
    /// How many values it can have.
    pub values: Values,
    /// It is that number of an institution, among those of its relation.
    pub institutions: Option<usize>,
}

impl Fact {
    pub(crate) const HIDDEN: Self = Self {
        kind: Kind::Hidden,
        sides: 0,
        lists: 0,
        list_column: None,
        chosen: false,
        plain: false,
        values: Values::MANY,
        institutions: None,
    };
    pub(crate) const PLAIN: Self = Self { kind: Kind::Other, ..Self::HIDDEN };

    /// What is derived from both and is neither.
    pub(crate) fn mixed(self, other: Self) -> Self {
        let (sides, lists) = (self.sides | other.sides, self.lists | other.lists);
        Self { sides, lists, chosen: true, ..Self::PLAIN }
    }
}

/// A hidden column of institutions: one a row, or the list that a grouping by person carried up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub name: String,
    pub bit: u64,
    /// From the null side of an outer join.
    pub optional: bool,
}

/// An open relation that was joined to rows and may have multiplied them (V-LEDGER-WEIGHT).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ListSide {
    pub bit: u64,
    /// How many columns tell its rows apart; grouping by all of them makes rows count alike again.
    pub columns: usize,
}

impl ListSide {
    /// Nothing a query can group by covers this one.
    pub(crate) const NEVER_COVERED: usize = usize::MAX;
}

/// What tells the rows of a relation apart at the most: a join with it then repeats no row of the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unique {
    /// Nothing is known.
    No,
    /// One row a person.
    Person,
    /// One row a record, by the kind of its id.
    Record(&'static str),
}

/// Rows of one lineage.
#[derive(Clone, Debug)]
pub(crate) struct Rows {
    /// Name of the hidden column that holds the person.
    pub lineage: String,
    /// Whether that column is never NULL.
    pub exact: bool,
    pub places: Vec<Place>,
    pub lists: Vec<ListSide>,
    pub unique: Unique,
    /// How many rows lists may have made of one, roughly.
    pub fanout: u64,
    /// Groups by institution, each row with the numbers of its own.
    pub institutions: Option<Institutions>,
    /// One for each field of the plan's schema.
    pub facts: Vec<Fact>,
}

/// A relation derived from cells, constants and code lists only.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Open {
    /// Rows at most, roughly.
    pub rows: u64,
    /// A code list as it stands in the catalog, perhaps filtered: nobody chose how often a code stands in it.
    pub catalog: bool,
}

/// See [`Rows`] and [`Open`].
#[derive(Clone, Debug)]
pub(crate) enum Level {
    Open(Open),
    Rows(Rows),
}

/// A guarded plan with what is known of it.
#[derive(Clone, Debug)]
pub(crate) struct Walked {
    pub plan: LogicalPlan,
    pub level: Level,
}

/// What a column of an analysis table is, by the catalog.
pub(crate) fn kind_of(table: &str, column: &str) -> Kind {
    match column {
        PERSON_KEY => Kind::Key { exact: true },
        HIDDEN_FACILITY => Kind::Hidden,
        "claim_id" => Kind::Id("claim"),
        "stay_id" => Kind::Id("stay"),
        "document_id" => Kind::Id("document"),
        "facility_id" | "insurer_id" | "prescriber_facility_id" => Kind::Place,
        _ => match catalog::table(table).and_then(|table| table.column(column)).map(|column| column.class) {
            Some(VariableClass::Measure) => Kind::Measure,
            _ => Kind::Other,
        },
    }
}

/// A stored truth value has two values, anything else many.
pub(crate) fn values_of(schema: &DFSchema, column: &str) -> Values {
    let found = schema.fields().iter().find(|field| field.name() == column);
    match found {
        Some(field) if *field.data_type() == DataType::Boolean => Values::new(2, field.is_nullable()),
        _ => Values::MANY,
    }
}

/// What tells the rows of an analysis table apart.
pub(crate) fn unique_of(table: &str) -> Unique {
    match table {
        "person" => Unique::Person,
        "ndb.claims" => Unique::Record("claim"),
        "dpc.stays" => Unique::Record("stay"),
        "ehr.documents" => Unique::Record("document"),
        _ => Unique::No,
    }
}

/// The columns that an expression may name, with their facts; for open relations there are none.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'a> {
    pub schema: &'a DFSchema,
    pub facts: Option<&'a [Fact]>,
}

impl<'a> Scope<'a> {
    /// Of a walked relation.
    pub(crate) fn of(walked: &'a Walked) -> Self {
        let facts = match &walked.level {
            Level::Open(_) => None,
            Level::Rows(rows) => Some(rows.facts.as_slice()),
        };
        Self { schema: walked.plan.schema(), facts }
    }

    /// Whether rows are in scope.
    pub(crate) fn below(self) -> bool {
        self.facts.is_some()
    }

    /// The fact of a column.
    pub(crate) fn fact(self, column: &Column) -> Result<Fact, Refusal> {
        let Some(facts) = self.facts else { return Ok(Fact::PLAIN) };
        let at = self.schema.maybe_index_of_column(column);
        at.and_then(|at| facts.get(at)).copied().ok_or_else(|| Refusal::of(&rules::NOT_PLANNED))
    }

    /// What a derived expression depends on.
    pub(crate) fn mixture(self, expr: &Expr) -> Result<Fact, Refusal> {
        expr.column_refs().into_iter().try_fold(Fact::PLAIN, |sum, column| Ok(sum.mixed(self.fact(column)?)))
    }

    /// The column that an expression is, looking through aliases and casts.
    pub(crate) fn column_fact(self, expr: &Expr) -> Result<Option<Fact>, Refusal> {
        match bare(expr) {
            Expr::Column(column) => self.fact(column).map(Some),
            _ => Ok(None),
        }
    }
}

/// An expression without aliases and casts around it.
pub(crate) fn bare(expr: &Expr) -> &Expr {
    match expr {
        Expr::Alias(alias) => bare(&alias.expr),
        Expr::Cast(cast) => bare(&cast.expr),
        Expr::TryCast(cast) => bare(&cast.expr),
        other => other,
    }
}

/// The column of that name in a plan's schema, as an expression.
pub(crate) fn named(schema: &DFSchema, name: &str) -> Result<Expr, Refusal> {
    let found = schema.iter().find(|(_, field)| field.name() == name);
    let (qualifier, field) = found.ok_or_else(|| Refusal::of(&rules::NOT_PLANNED))?;
    Ok(Expr::Column(Column::from((qualifier, field))))
}
