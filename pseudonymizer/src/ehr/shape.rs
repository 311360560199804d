//! What of a document must be known before it is walked: the types of its resources, for keys stand in any order, and how deep it
//! nests.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};

/// Most resources of a document.
const ENTRIES_MAX: usize = 100_000;

/// What of a document must be known before it is walked: keys stand in any order.
#[derive(Deserialize)]
pub(super) struct Shape<'v> {
    #[serde(rename = "resourceType", borrow, default)]
    pub(super) kind: Option<Cow<'v, str>>,
    #[serde(borrow, default)]
    pub(super) timestamp: Option<Cow<'v, str>>,
    #[serde(borrow, default)]
    pub(super) entry: Entries<'v>,
}

/// Types of the resources, in their order; none where an entry has no resource.
#[derive(Default)]
pub(super) struct Entries<'v>(pub(super) Vec<Option<Kind<'v>>>);

#[derive(Deserialize)]
struct Entry<'v> {
    #[serde(borrow, default)]
    resource: Option<Kind<'v>>,
}

/// A resource's type.
#[derive(Deserialize)]
pub(super) struct Kind<'v> {
    #[serde(rename = "resourceType", borrow)]
    pub(super) kind: Cow<'v, str>,
}

impl<'de: 'v, 'v> Deserialize<'de> for Entries<'v> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_seq(Self::default())
    }
}

impl<'de: 'v, 'v> Visitor<'de> for Entries<'v> {
    type Value = Self;

    fn expecting(&self, into: &mut fmt::Formatter<'_>) -> fmt::Result {
        into.write_str("entries")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut from: A) -> Result<Self, A::Error> {
        while let Some(entry) = from.next_element::<Entry<'v>>()? {
            if self.0.len() == ENTRIES_MAX {
                return Err(A::Error::custom("too many entries"));
            }
            self.0.push(entry.resource);
        }
        Ok(self)
    }
}

/// Whether arrays and objects nest deeper than so many levels.
pub(super) fn is_deeper(document: &[u8], levels: usize) -> bool {
    let (mut depth, mut at) = (0_usize, 0_usize);
    while let Some(byte) = document.get(at) {
        match byte {
            b'"' => at = end_of_string(document, at.saturating_add(1)),
            b'{' | b'[' => {
                depth = depth.saturating_add(1);
                if depth > levels {
                    return true;
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        at = at.saturating_add(1);
    }
    false
}

/// The place of the quote that ends a string.
fn end_of_string(document: &[u8], from: usize) -> usize {
    let mut at = from;
    loop {
        let rest = document.get(at..).unwrap_or_default();
        let Some(next) = memchr::memchr2(b'"', b'\\', rest) else { return document.len() };
        if rest.get(next) == Some(&b'"') {
            return at.saturating_add(next);
        }
        at = at.saturating_add(next).saturating_add(2);
    }
}
