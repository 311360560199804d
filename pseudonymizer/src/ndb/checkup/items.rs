//! Items of an examination by their 17-character codes: the first characters say what was measured, the last two how it is recorded
//! (01 and 12 a number, 11 a code, 49 a text, which is never read). Which item fills which column, and how, stands in the layout.

use std::borrow::Cow;

use crate::intake::Intake;
use crate::layout::{Form, Layout, Place, Scalar, Seen};
use crate::report::Reason;

/// Most items of one document that are kept; the official list has some 500.
const ITEMS_MAX: usize = 2000;

/// Longest value of an item, in bytes.
const VALUE_MAX: usize = 64;

/// Length of an item's code.
const CODE: usize = 17;

/// An item that has a column.
struct Item {
    front: Box<str>,
    column: Box<str>,
    form: Form,
    is_number: bool,
}

/// An observation that is open.
#[derive(Default)]
struct Open {
    code: String,
    number: String,
    coded: String,
    null: bool,
}

/// A recorded value of an item with a column.
struct Recorded {
    item: usize,
    value: String,
    is_code: bool,
}

/// The items of a layout, and those of a document.
pub(crate) struct Items {
    known: Vec<Item>,
    /// How many of the known ones hold at any time; those behind hold from the fourth period on.
    always: usize,
    suffixes: Option<Vec<(Box<str>, bool)>>,
    open: Vec<Open>,
    done: Vec<Recorded>,
    unlisted: u64,
}

impl Items {
    /// Of a layout, none recorded yet.
    pub(crate) fn of(layout: &Layout) -> Self {
        let mut known = items(layout, "item");
        let always = known.len();
        known.extend(items(layout, "item-2024"));
        let suffixes = layout.record("suffix").map(|record| {
            let fields = record.fields.iter();
            fields.filter_map(|field| Some((path(&field.place)?.into(), Form::content(field).is_some()))).collect()
        });
        Self { known, always, suffixes, open: Vec::new(), done: Vec::new(), unlisted: 0 }
    }

    /// Forgets what was recorded.
    pub(crate) fn clear(&mut self) {
        self.open.clear();
        self.done.clear();
        self.unlisted = 0;
    }

    /// An observation begins; they may nest.
    pub(crate) fn begin(&mut self) {
        self.open.push(Open::default());
    }

    /// Its code.
    pub(crate) fn code(&mut self, code: &str) {
        if let Some(open) = self.open.last_mut() {
            replace(&mut open.code, code);
        }
    }

    /// Its value as a number.
    pub(crate) fn number(&mut self, number: &str) {
        if let Some(open) = self.open.last_mut() {
            replace(&mut open.number, number);
        }
    }

    /// Its value as a code.
    pub(crate) fn coded(&mut self, coded: &str) {
        if let Some(open) = self.open.last_mut() {
            replace(&mut open.coded, coded);
        }
    }

    /// That it has no value.
    pub(crate) fn null(&mut self) {
        if let Some(open) = self.open.last_mut() {
            open.null = true;
        }
    }

    /// An observation ends.
    pub(crate) fn end(&mut self) {
        let Some(Open { code, number, coded, null }) = self.open.pop() else { return };
        let is_code = !coded.is_empty();
        let value = if is_code { coded } else { number };
        if null || value.trim().is_empty() || !self.suffix_keeps(&code) {
            return;
        }
        for (item, own) in self.known.iter().enumerate() {
            if code.starts_with(&*own.front) && self.done.len() < ITEMS_MAX {
                self.done.push(Recorded { item, value: value.clone(), is_code });
            }
        }
    }

    /// Whether the last two characters let the value pass; an unknown ending is counted.
    fn suffix_keeps(&mut self, code: &str) -> bool {
        let Some(suffixes) = &self.suffixes else { return true };
        let known = suffixes.iter().find(|(suffix, _)| code.len() == CODE && code.ends_with(&**suffix));
        self.unlisted = self.unlisted.saturating_add(u64::from(known.is_none()));
        known.is_some_and(|(_, keeps)| *keeps)
    }

    /// The value of a column: of the items that fill it, the first listed that is recorded.
    pub(crate) fn value(&self, column: &str, fourth: bool, intake: &mut Intake<'_>) -> Option<Scalar<'_>> {
        let (always, since) = self.known.split_at_checked(self.always)?;
        let fills = |offset: usize| {
            move |(at, item): (usize, &Item)| (*item.column == *column).then_some(at.saturating_add(offset))
        };
        let mut newer = since.iter().enumerate().filter_map(fills(self.always));
        let replaced = fourth && newer.clone().next().is_some();
        let mut older = always.iter().enumerate().filter_map(fills(0)).filter(|_| !replaced);
        let newer = newer.by_ref().filter(|_| replaced);
        let recorded = newer.chain(older.by_ref()).find_map(|at| self.done.iter().find(|one| one.item == at))?;
        let item = self.known.get(recorded.item)?;
        if item.is_number && recorded.is_code {
            intake.note(Reason::CellForm);
            return None;
        }
        match item.form.text(Cow::Borrowed(recorded.value.trim())) {
            Seen::Value(value) => Some(value),
            Seen::Malformed | Seen::Nothing => {
                intake.note(Reason::CellForm);
                None
            }
        }
    }

    /// Adds all that was recorded, so that equal records are known.
    pub(crate) fn say(&self, into: &mut Vec<u8>) {
        for one in &self.done {
            into.extend_from_slice(&one.item.to_be_bytes());
            into.extend_from_slice(one.value.as_bytes());
            into.push(0);
        }
    }

    /// Counts items whose ending the layout does not list.
    pub(crate) fn tell(&self, intake: &mut Intake<'_>) {
        for _ in 0..self.unlisted {
            intake.note(Reason::PartUnknown);
        }
    }
}

fn replace(own: &mut String, with: &str) {
    own.clear();
    // What is longer than any value has another form than all of them.
    own.push_str(if with.len() > VALUE_MAX { "?" } else { with });
}

fn path(place: &Place) -> Option<&str> {
    if let Place::Path(path) = place { Some(path) } else { None }
}

fn items(layout: &Layout, record: &str) -> Vec<Item> {
    let fields = layout.record(record).into_iter().flat_map(|record| &record.fields);
    fields
        .filter_map(|field| {
            let (_, column) = field.to.first()?.rsplit_once('.')?;
            let is_number = field.kind == Some(crate::layout::Kind::Decimal);
            let form = Form::content(field)?;
            Some(Item { front: path(&field.place)?.into(), column: column.into(), form, is_number })
        })
        .collect()
}
