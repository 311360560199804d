//! What every layout must keep: each position has exactly one action, and nothing that names a person leaves.

use std::collections::BTreeSet;

use super::{Action, Attribute, By, Class, Fate, Field, Kind, Layout, LayoutError, Place, Reader, Record};

/// Checks all rules; the first that is broken is told.
pub(super) fn check(layout: &Layout) -> Result<(), LayoutError> {
    let wrong = |record: &str, field: Option<&Field>, what: String| wrong(layout, record, field, what);
    if !is_word(&layout.id) || !is_word(&layout.source) {
        return Err(wrong("", None, "`id` and `source` are lower-case letters, digits, `-` and `_`".to_owned()));
    }
    if layout.unknown == Fate::Read {
        return Err(wrong("", None, "unknown records are put into quarantine or dropped, never read".to_owned()));
    }
    let mut tags = BTreeSet::new();
    for record in &layout.records {
        if !tags.insert(record.tag.as_str()) {
            return Err(wrong(&record.tag, None, "stands twice; list a record once".to_owned()));
        }
        positions(layout.reader, record).map_err(|what| wrong(&record.tag, None, what))?;
        let mut names = BTreeSet::new();
        for field in &record.fields {
            if !names.insert(field.name.as_str()) || !is_word(&field.name) {
                let what = "a field's name is one lower-case word and stands once in its record".to_owned();
                return Err(wrong(&record.tag, Some(field), what));
            }
            meaning(field).map_err(|what| wrong(&record.tag, Some(field), what))?;
        }
    }
    Ok(())
}

/// Says which rule is broken where; `record` is empty for the layout itself.
pub(super) fn wrong(layout: &Layout, record: &str, field: Option<&Field>, what: String) -> LayoutError {
    LayoutError::Rule {
        layout: layout.id.clone(),
        record: if record.is_empty() { "-".to_owned() } else { record.to_owned() },
        field: field.map_or_else(String::new, |field| format!(", field {}", field.name)),
        what,
    }
}

fn is_word(text: &str) -> bool {
    (1..=60).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_'))
}

/// Each position of the official layout is covered once.
fn positions(reader: Reader, record: &Record) -> Result<(), String> {
    if record.fate != Fate::Read {
        return if record.fields.is_empty() {
            Ok(())
        } else {
            Err("a record without reading has no fields".to_owned())
        };
    }
    let mut covered = vec![0_u16; usize::from(record.width).saturating_add(1)];
    for field in &record.fields {
        match (&field.place, reader) {
            (Place::At(from, to), Reader::Tagged | Reader::Delimited | Reader::Form1) => {
                for at in *from..=*to {
                    let cell = covered.get_mut(usize::from(at));
                    let cell =
                        cell.ok_or_else(|| format!("position {at} lies behind the layout's {}", record.width))?;
                    *cell = cell.saturating_add(1);
                }
            }
            (Place::Header(_), Reader::Delimited) | (Place::Path(_), Reader::CheckupXml | Reader::Fhir) => {}
            _ => return Err(format!("field {} has a kind of place that this reader does not know", field.name)),
        }
    }
    match covered.iter().skip(1).position(|times| *times != 1) {
        Some(at) => Err(format!("position {} has {} actions; each has exactly one", at.saturating_add(1), {
            covered.get(at.saturating_add(1)).copied().unwrap_or_default()
        })),
        None => Ok(()),
    }
}

/// Class, action and what belongs to it fit together.
fn meaning(field: &Field) -> Result<(), String> {
    let leaves = matches!(field.action, Action::Keep | Action::Generalise | Action::Shift);
    match (field.class, field.action) {
        (_, Action::DeIdentify) => {
            return Err("no table takes text yet, so text is not de-identified but dropped; use `drop`".to_owned());
        }
        (_, Action::Shift) => {
            let what = "the pseudonymized tier keeps dates as they are (schema.md); use `keep`, `generalise` or `drop`";
            return Err(what.to_owned());
        }
        (Class::Direct, Action::Keep | Action::Generalise) if !coarse_birth_or_place(field) => {
            return Err("a direct identifier never leaves; use `tokenise` or `drop`".to_owned());
        }
        (Class::FreeText, Action::Keep | Action::Generalise | Action::Tokenise) => {
            return Err("free text never leaves; use `drop`".to_owned());
        }
        _ => {}
    }
    if field.action == Action::Tokenise && field.identity.is_empty() {
        return Err("what is tokenised says what it is of the person: `as = [\"kana\"]`".to_owned());
    }
    if field.action == Action::Drop && !field.identity.is_empty() {
        return Err("what is dropped cannot be part of a token; use `tokenise`".to_owned());
    }
    if field.action == Action::Keep && field.kind.is_none() {
        return Err("what is kept has a `type`, so that text of another form cannot slip through".to_owned());
    }
    if (field.action == Action::Generalise) != field.by.is_some() {
        return Err("`by` says how a value is generalised, and stands with `generalise` alone".to_owned());
    }
    let own = field.to.iter().all(|to| to == "person.birth_date" || to == "person.birth_month");
    let own = own && field.identity.contains(&Attribute::Birth);
    if !(leaves || own || field.to.is_empty()) {
        return Err("what does not leave fills no column; take `to` away".to_owned());
    }
    if field.role.is_some() && !(leaves && matches!(field.kind, Some(Kind::Date | Kind::Month))) {
        return Err(
            "`role` says what a date means that is kept: it stands with `type = \"date\"` or `\"month\"`".to_owned()
        );
    }
    form_of_by(field)
}

/// Birth dates and postcodes identify as they stand; their month, age, or municipality does not by itself.
fn coarse_birth_or_place(field: &Field) -> bool {
    field.action == Action::Generalise
        && matches!(field.by, Some(By::Age | By::Month | By::Year | By::Municipality))
        && field.identity.iter().all(|attribute| matches!(attribute, Attribute::Birth | Attribute::Postcode))
}

fn form_of_by(field: &Field) -> Result<(), String> {
    let fits = match &field.by {
        Some(By::Age | By::Month | By::Year) => matches!(field.kind, None | Some(Kind::Date)),
        Some(By::Band(width)) => *width > 0 && matches!(field.kind, Some(Kind::Int | Kind::Decimal)),
        Some(By::Prefix(length)) => *length > 0 && field.kind == Some(Kind::Code),
        Some(By::Institution | By::Insurer | By::Municipality) | None => true,
    };
    if fits { Ok(()) } else { Err("`by` does not fit the field's `type`".to_owned()) }
}
