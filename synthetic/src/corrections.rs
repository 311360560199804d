//! What becomes of receipts after they are sent: corrected (再請求), returned (返戻) and sent again or never (取下げ), sent twice.
//!
//! What is sent again stands in a later claim month than any other receipt of its key (institution, treatment month, kind,
//! person, prescriber), and only a receipt that is alone under its key is ever sent again: the latest claim month holds. A DPC
//! receipt is never withdrawn for good.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::calendar::{LAST, Month};
use crate::random::Dice;
use crate::records::{Claim, Form, Record};
use crate::write::Sent;

/// How often, of all receipts that are alone under their key (estimates).
const CORRECTED: f64 = 0.010;
const RETURNED: f64 = 0.002;
const REPEATED: f64 = 0.005;
/// Months until something is sent again, at most.
const LATEST: i32 = 3;

/// The way that a receipt takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// First with a mistake, again without it so many months later.
    Corrected { later: i32, mistake: Mistake },
    /// As nearly all go.
    Once,
    /// The very same a second time, so many months later.
    Repeated { later: i32 },
    /// Returned by the payer's side, and sent again so many months later, if at all.
    Returned { later: Option<i32> },
}

/// What was wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mistake {
    /// The last diagnosis was missing.
    Diagnosis,
    /// So many points too many.
    Points(i32),
}

/// What makes receipts versions of one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Key {
    facility: usize,
    month: Month,
    /// Coarser than the receipt type.
    kind: u8,
    prescriber: Option<usize>,
}

/// The ways of all records of a person; what is no claim goes once.
pub(crate) fn ways(dice: &mut Dice, records: &[Record]) -> Vec<Way> {
    let mut under: HashMap<Key, usize> = HashMap::new();
    for claim in records.iter().filter_map(claim) {
        *under.entry(key(claim)).or_default() += 1;
    }
    let way = |record| match claim(record) {
        Some(claim) if under.get(&key(claim)) == Some(&1) => draw(dice, claim),
        _ => Way::Once,
    };
    records.iter().map(way).collect()
}

fn claim(record: &Record) -> Option<&Claim> {
    if let Record::Claim(claim) = record { Some(claim) } else { None }
}

fn key(claim: &Claim) -> Key {
    let (kind, prescriber) = match &claim.form {
        Form::Medical => (0, None),
        Form::Dpc(_) => (1, None),
        Form::Dental(_) => (2, None),
        Form::Pharmacy(one) => (3, Some(one.prescriber)),
    };
    Key { facility: claim.facility, month: claim.month, kind, prescriber }
}

fn draw(dice: &mut Dice, claim: &Claim) -> Way {
    let chance = dice.unit();
    let later = Some(dice.between(1, LATEST)).filter(|later| claim.month.plus(*later) <= LAST);
    let points = 10 * dice.between(1, 30);
    let (missing, gone) = (dice.chance(0.5), dice.chance(0.5));
    match later {
        Some(later) if chance < CORRECTED => {
            let mistake =
                if missing && claim.diagnoses.len() > 1 { Mistake::Diagnosis } else { Mistake::Points(points) };
            Way::Corrected { later, mistake }
        }
        _ if (CORRECTED..CORRECTED + RETURNED).contains(&chance) => {
            let later = later.filter(|_| !gone);
            // A stay in a DPC hospital is told from others by the chart number on its claim: without it nothing would say whose it is.
            if later.is_none() && matches!(claim.form, Form::Dpc(_)) { Way::Once } else { Way::Returned { later } }
        }
        Some(later) if (CORRECTED + RETURNED..CORRECTED + RETURNED + REPEATED).contains(&chance) => {
            Way::Repeated { later }
        }
        _ => Way::Once,
    }
}

impl Way {
    /// Whether the receipt holds in the end.
    pub(crate) fn holds(self) -> bool {
        self != Self::Returned { later: None }
    }

    /// Everything that is sent, in order.
    pub(crate) fn versions(self, claim: &Claim) -> Vec<(Cow<'_, Claim>, Sent)> {
        let usual = Sent::default();
        let again = |later| (Cow::Borrowed(claim), Sent { later, ..usual });
        match self {
            Self::Once => vec![again(0)],
            Self::Corrected { later, mistake } => vec![(Cow::Owned(mistaken(claim, mistake)), usual), again(later)],
            Self::Repeated { later } => vec![again(0), again(later)],
            Self::Returned { later } => {
                let first = Claim { attempt: 1, ..claim.clone() };
                let mut versions = vec![(Cow::Owned(first), Sent { returned: true, ..usual })];
                versions.extend(later.map(again));
                versions
            }
        }
    }
}

fn mistaken(claim: &Claim, mistake: Mistake) -> Claim {
    let mut first = Claim { attempt: 1, ..claim.clone() };
    match mistake {
        Mistake::Diagnosis => first.diagnoses.truncate(first.diagnoses.len().saturating_sub(1)),
        Mistake::Points(more) => first.points += more,
    }
    first
}
