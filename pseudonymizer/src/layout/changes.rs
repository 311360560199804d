//! What one version of a layout lets through that another does not. Fields are compared by where they stand, not by what they
//! are called: a new name for an old column changes nothing, an old name over a new column does.

use super::{Action, Attribute, By, Field, Kind, Layout, Place, Reader, Record, slot};

/// One field that leaves in one version and not, or not so, in the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Tag of the record, or its name.
    pub record: String,
    /// Name of the field.
    pub field: String,
    /// Its name in the official layout.
    pub ja: String,
    /// What became of the place before.
    pub before: Option<Action>,
    /// What becomes of it.
    pub after: Option<Action>,
    /// Columns that it fills where it leaves.
    pub to: Vec<String>,
}

/// How two layouts differ in what they let through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Leaves in the second and not, or not so finely or so far, in the first.
    pub lets_through: Vec<Change>,
    /// Leaves in the first and not, or not so, in the second.
    pub holds_back: Vec<Change>,
    /// Goes into tokens in the second alone.
    pub tokenises: Vec<Change>,
}

/// What `new` lets through that `old` does not, and the other way round. Without `old`, all is new.
pub fn diff(old: Option<&Layout>, new: &Layout) -> Changes {
    Changes { lets_through: beyond(old, Some(new)), holds_back: beyond(Some(new), old), tokenises: tokenised(old, new) }
}

/// Fields of `new` that leave and are not covered by every field of `old` that stands there.
fn beyond(old: Option<&Layout>, new: Option<&Layout>) -> Vec<Change> {
    let Some(new) = new else { return Vec::new() };
    let old = old.filter(|old| same_form(old, new));
    let mut changes = Vec::new();
    for (record, field) in fields(new).filter(|(_, field)| leaves(field)) {
        let there = at(old, record, field);
        if there.is_empty() || !there.iter().all(|known| covers(known, field)) {
            changes.push(change(record, field, there.first().map(|known| known.action)));
        }
    }
    changes
}

fn tokenised(old: Option<&Layout>, new: &Layout) -> Vec<Change> {
    let old = old.filter(|old| same_form(old, new));
    let tokens = |field: &Field| !field.identity.is_empty();
    let mut changes = Vec::new();
    for (record, field) in fields(new).filter(|(_, field)| tokens(field)) {
        let there = at(old, record, field);
        let known = |attribute: &Attribute| there.iter().any(|known| known.identity.contains(attribute));
        if !field.identity.iter().all(known) {
            changes.push(change(record, field, there.first().map(|known| known.action)));
        }
    }
    changes
}

fn change(record: &Record, field: &Field, before: Option<Action>) -> Change {
    Change {
        record: if record.tag.is_empty() { record.ja.clone() } else { record.tag.clone() },
        field: field.name.clone(),
        ja: field.ja.clone(),
        before,
        after: Some(field.action),
        to: field.to.clone(),
    }
}

fn fields(layout: &Layout) -> impl Iterator<Item = (&Record, &Field)> {
    layout.records.iter().flat_map(|record| record.fields.iter().map(move |field| (record, field)))
}

/// Whether the places of both mean the same: a position does not, once the cells are cut elsewhere.
fn same_form(old: &Layout, new: &Layout) -> bool {
    old.reader == new.reader && (old.delimiter == new.delimiter || new.reader != Reader::Delimited)
}

/// The fields of `old` that stand, wholly or in part, where `field` stands.
fn at<'l>(old: Option<&'l Layout>, record: &Record, field: &Field) -> Vec<&'l Field> {
    let Some(known) = old.and_then(|old| old.record(&record.tag)) else { return Vec::new() };
    known.fields.iter().filter(|known| overlap(&known.place, &field.place)).collect()
}

fn overlap(one: &Place, other: &Place) -> bool {
    match (one, other) {
        (Place::At(from, to), Place::At(other_from, other_to)) => from <= other_to && other_from <= to,
        _ => one == other,
    }
}

/// Whether something of the field is seen in the enclave: what is kept, and birth and sex, which go into `person` even where they
/// are read for tokens alone.
fn leaves(field: &Field) -> bool {
    slot::may(field, slot::Use::Content)
        || field.identity.iter().any(|attribute| matches!(attribute, Attribute::Birth | Attribute::Sex))
}

/// Whether `known` lets everything through that `field` does.
fn covers(known: &Field, field: &Field) -> bool {
    let content = |field: &Field| slot::may(field, slot::Use::Content);
    let told = |attribute: Attribute| !field.identity.contains(&attribute) || known.identity.contains(&attribute);
    let columns = field.to.iter().all(|to| known.to.contains(to));
    let words =
        known.values.is_empty() || (!field.values.is_empty() && field.values.iter().all(|word| holds(known, word)));
    let finer = match (&known.by, &field.by) {
        (None, None) => known.kind == field.kind && (known.codes.is_none() || known.codes == field.codes),
        (None, Some(By::Band(_) | By::Prefix(_))) => known.kind == field.kind,
        (None, Some(By::Month | By::Year)) => known.kind == Some(Kind::Date),
        (Some(known_by), Some(by)) => known.kind == field.kind && coarser(known_by, by),
        (None, Some(_)) | (Some(_), None) => false,
    };
    leaves(known)
        && told(Attribute::Birth)
        && told(Attribute::Sex)
        && (!content(field) || (content(known) && words && finer))
        && columns
}

fn holds(known: &Field, (word, stored): (&String, &String)) -> bool {
    known.values.get(word) == Some(stored)
}

/// Whether `by` follows from `known`.
fn coarser(known: &By, by: &By) -> bool {
    match (known, by) {
        (By::Month, By::Year) => true,
        (By::Band(known), By::Band(by)) => *known > 0 && by.is_multiple_of(*known),
        (By::Prefix(known), By::Prefix(by)) => by <= known,
        _ => known == by,
    }
}

#[cfg(test)]
mod tests;
