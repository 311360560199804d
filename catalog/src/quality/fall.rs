//! Whether linkage got worse for somebody: two releases of one dataset, compared group by group.

use super::{Axis, Quality, Shown, float};

/// A group whose linkage rate fell.
#[derive(Clone, Debug, PartialEq)]
pub struct Fall {
    /// The other source.
    pub to: String,
    /// How persons are grouped; none for all persons.
    pub group: Option<(Axis, String)>,
    /// Points by which it fell at least, whatever rounding did; none where all persons' rate was shown and no longer is.
    pub points: Option<f64>,
}

impl Fall {
    fn size(&self) -> f64 {
        self.points.unwrap_or(f64::INFINITY)
    }
}

/// The group that fell most from `last` to `now`, if it fell by more than `limit` points.
///
/// Groups are compared that both show. The points are the least that the rounded counts allow: a fall that rounding can explain
/// is none. A source whose rate over all persons is shown no more, or that is not there any more, counts as fallen.
pub fn fallen(last: &Quality, now: &Quality, limit: f64) -> Option<Fall> {
    let base = last.rules.base.max(now.rules.base);
    let mut falls = Vec::new();
    for link in &last.links {
        if let Some(before) = link.total {
            let after = now.links.iter().find(|other| other.to == link.to).and_then(|other| other.total);
            let points = after.map(|after| least_fall(before, after, base));
            falls.push(Fall { to: link.to.clone(), group: None, points });
        }
        for table in &link.tables {
            for cell in &table.cells {
                let after = now.shown(&link.to, table.axis, &cell.group);
                if let (Some(before), Some(after)) = (cell.shown, after) {
                    let points = Some(least_fall(before, after, base));
                    falls.push(Fall { to: link.to.clone(), group: Some((table.axis, cell.group.clone())), points });
                }
            }
        }
    }
    // The first of equals: all persons before their groups.
    let worst = falls.into_iter().rev().max_by(|a, b| a.size().total_cmp(&b.size()))?;
    (worst.size() > limit).then_some(worst)
}

/// Points of 100 by which the true rate fell at the least.
fn least_fall(before: Shown, after: Shown, base: u64) -> f64 {
    let off = float(base) / 2.0;
    let lowest = (float(before.linked) - off).max(0.0) / (float(before.persons) + off);
    let highest = (float(after.linked) + off) / (float(after.persons) - off).max(1.0);
    (lowest - highest.min(1.0)) * 100.0
}
