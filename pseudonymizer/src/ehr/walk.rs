//! A resource, walked once: values at allowed paths are built into views, all others are passed over without being built.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::tree::Node;
use super::view::View;
use crate::layout::{Form, Scalar, Seen};

/// Most parts of the views of a document: what a hostile one may take of the memory.
const PARTS_MAX: u32 = 2_000_000;

/// What may leave, and what goes into tokens.
#[derive(Default)]
pub(super) struct Views<'v> {
    pub(super) content: View<'v>,
    pub(super) identity: View<'v>,
}

/// Counts while a document is walked.
#[derive(Default)]
pub(super) struct Tally {
    parts: Cell<u32>,
    /// Values of another form than their field's.
    pub(super) malformed: Cell<u64>,
}

/// A key, read without keeping it.
pub(super) struct Key<F>(pub(super) F);

impl<'de, T, F: FnOnce(&str) -> T> DeserializeSeed<'de> for Key<F> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<T, D::Error> {
        from.deserialize_str(self)
    }
}

impl<T, F: FnOnce(&str) -> T> Visitor<'_> for Key<F> {
    type Value = T;

    fn expecting(&self, into: &mut fmt::Formatter<'_>) -> fmt::Result {
        into.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<T, E> {
        Ok((self.0)(key))
    }
}

/// Refuses a key that stands twice: which of the two counts is anybody's guess.
#[derive(Default)]
pub(super) struct Once(u64);

impl Once {
    pub(super) fn take<E: Error>(&mut self, place: u32) -> Result<(), E> {
        let bit = 1_u64.checked_shl(place).unwrap_or(0);
        if bit == 0 || self.0 & bit != 0 {
            return Err(E::custom("a key stands twice"));
        }
        self.0 |= bit;
        Ok(())
    }
}

/// Parts gathered of a list or map, for both views.
pub(super) struct Gathered<'v> {
    content: Vec<(&'v str, View<'v>)>,
    identity: Vec<(&'v str, View<'v>)>,
}

impl<'v> Gathered<'v> {
    pub(super) const fn new() -> Self {
        Self { content: Vec::new(), identity: Vec::new() }
    }

    pub(super) fn push(&mut self, name: &'v str, views: Views<'v>) {
        if views.content != View::Nothing {
            self.content.push((name, views.content));
        }
        if views.identity != View::Nothing {
            self.identity.push((name, views.identity));
        }
    }

    pub(super) fn map(self) -> Views<'v> {
        let map = |parts: Vec<_>| if parts.is_empty() { View::Nothing } else { View::Map(parts) };
        Views { content: map(self.content), identity: map(self.identity) }
    }
}

/// A value at a node.
#[derive(Clone, Copy)]
pub(super) struct Walk<'v, 't> {
    pub(super) node: &'v Node,
    pub(super) tally: &'t Tally,
}

impl<'v> Walk<'v, '_> {
    fn view<E: Error>(self, seen: Option<Seen<'v>>) -> Result<View<'v>, E> {
        let Some(seen) = seen else { return Ok(View::Nothing) };
        let parts = self.tally.parts.get().saturating_add(1);
        self.tally.parts.set(parts);
        if parts > PARTS_MAX {
            return Err(E::custom("too many values"));
        }
        Ok(match seen {
            Seen::Value(Scalar::Day(day)) => View::Day(day),
            Seen::Value(Scalar::Flag(flag)) => View::Flag(flag),
            Seen::Value(Scalar::Link(link)) => View::Link(link),
            Seen::Value(Scalar::Number(number)) => View::Number(number),
            Seen::Value(Scalar::Text(text)) => View::Text(text),
            Seen::Nothing => View::Nothing,
            Seen::Malformed => {
                self.tally.malformed.set(self.tally.malformed.get().saturating_add(1));
                View::Nothing
            }
        })
    }

    fn both<E: Error>(self, read: impl Fn(&'v Form) -> Seen<'v>) -> Result<Views<'v>, E> {
        let content = self.view(self.node.content.as_ref().map(&read))?;
        let identity = self.view(self.node.identity.as_ref().map(&read))?;
        Ok(Views { content, identity })
    }

    fn number<E: Error>(self, number: f64) -> Result<Views<'v>, E> {
        self.both(|form| form.number(number))
    }
}

impl<'de: 'v, 'v> DeserializeSeed<'de> for Walk<'v, '_> {
    type Value = Views<'v>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_any(self)
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "whole numbers of documents are far below 2^53; larger ones are no values"
)]
impl<'de: 'v, 'v> Visitor<'de> for Walk<'v, '_> {
    type Value = Views<'v>;

    fn expecting(&self, into: &mut fmt::Formatter<'_>) -> fmt::Result {
        into.write_str("a value")
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<Views<'v>, E> {
        self.both(|form| form.flag(flag))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Views<'v>, E> {
        self.number(number as f64)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Views<'v>, E> {
        self.number(number as f64)
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Views<'v>, E> {
        self.number(number)
    }

    fn visit_unit<E: Error>(self) -> Result<Views<'v>, E> {
        Ok(Views::default())
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Views<'v>, E> {
        self.both(|form| form.text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Views<'v>, E> {
        self.both(|form| form.text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Views<'v>, A::Error> {
        let mut all = Views { content: View::List(Vec::new()), identity: View::List(Vec::new()) };
        while let Some(views) = from.next_element_seed(self)? {
            add(&mut all.content, views.content);
            add(&mut all.identity, views.identity);
        }
        Ok(Views { content: filled(all.content), identity: filled(all.identity) })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Views<'v>, A::Error> {
        let mut gathered = Gathered::new();
        let mut once = Once::default();
        if !self.node.is_inner() {
            while from.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            return Ok(Views::default());
        }
        while let Some(found) = from.next_key_seed(Key(|key: &str| self.node.child(key)))? {
            let Some((place, name, node)) = found else {
                from.next_value::<IgnoredAny>()?;
                continue;
            };
            once.take(place)?;
            gathered.push(name, from.next_value_seed(Walk { node, ..self })?);
        }
        Ok(gathered.map())
    }
}

fn add<'v>(list: &mut View<'v>, part: View<'v>) {
    if let View::List(list) = list
        && part != View::Nothing
    {
        list.push(part);
    }
}

fn filled(list: View<'_>) -> View<'_> {
    if list == View::List(Vec::new()) { View::Nothing } else { list }
}
