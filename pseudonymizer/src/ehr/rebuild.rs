//! A document, rebuilt from its allowed paths, resource by resource.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::shape::Shape;
use super::tree::{Node, Plan};
use super::view::View;
use super::walk::{Gathered, Key, Once, Tally, Views, Walk};
use crate::layout::Fate;

/// A document, rebuilt.
pub(super) struct Document<'v> {
    pub(super) bundle: Views<'v>,
    pub(super) resources: Vec<Resource<'v>>,
}

/// A resource, rebuilt.
pub(super) struct Resource<'v> {
    /// Its type, if the layout has it.
    pub(super) kind: &'v str,
    pub(super) fate: Fate,
    /// What references name.
    pub(super) link: Option<u64>,
    pub(super) views: Views<'v>,
}

/// Walks a document whose shape is known.
pub(super) fn rebuild<'v>(
    document: &'v [u8],
    shape: &Shape<'_>,
    plan: &'v Plan,
    tally: &Tally,
) -> serde_json::Result<Document<'v>> {
    DocumentSeed { shape, plan, tally }.deserialize(&mut serde_json::Deserializer::from_slice(document))
}

struct DocumentSeed<'v, 't> {
    shape: &'t Shape<'t>,
    plan: &'v Plan,
    tally: &'t Tally,
}

impl<'de: 'v, 'v> DeserializeSeed<'de> for DocumentSeed<'v, '_> {
    type Value = Document<'v>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de: 'v, 'v> Visitor<'de> for DocumentSeed<'v, '_> {
    type Value = Document<'v>;

    fn expecting(&self, into: &mut fmt::Formatter<'_>) -> fmt::Result {
        into.write_str("a bundle")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Document<'v>, A::Error> {
        let mut gathered = Gathered::new();
        let mut once = Once::default();
        let mut resources = Vec::new();
        let bundle = &self.plan.bundle;
        while let Some((is_entry, found)) = from.next_key_seed(Key(|key: &str| (key == "entry", bundle.child(key))))? {
            match found {
                _ if is_entry => {
                    let node = found.map(|(_, _, node)| node);
                    resources = from.next_value_seed(EntriesSeed { node, seed: &self })?;
                }
                Some((place, name, node)) => {
                    once.take(place)?;
                    gathered.push(name, from.next_value_seed(Walk { node, tally: self.tally })?);
                }
                None => {
                    from.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(Document { bundle: gathered.map(), resources })
    }
}

struct EntriesSeed<'v, 't> {
    node: Option<&'v Node>,
    seed: &'t DocumentSeed<'v, 't>,
}

impl<'de: 'v, 'v> DeserializeSeed<'de> for EntriesSeed<'v, '_> {
    type Value = Vec<Resource<'v>>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de: 'v, 'v> Visitor<'de> for EntriesSeed<'v, '_> {
    type Value = Vec<Resource<'v>>;

    fn expecting(&self, into: &mut fmt::Formatter<'_>) -> fmt::Result {
        into.write_str("entries")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Self::Value, A::Error> {
        let kinds = &self.seed.shape.entry.0;
        let mut resources = Vec::with_capacity(kinds.len());
        for kind in kinds {
            let (kind, fate, node) = match kind {
                Some(kind) => self.seed.plan.record(&kind.kind),
                None => ("", Fate::Drop, None),
            };
            let empty = Resource { kind, fate, link: None, views: Views::default() };
            let url = self.node.and_then(|node| node.child("fullUrl")).map(|(_, _, node)| node);
            let node = node.filter(|_| fate == Fate::Read);
            let seed = EntrySeed { url, node, tally: self.seed.tally, into: empty };
            let Some(resource) = from.next_element_seed(seed)? else { break };
            resources.push(resource);
        }
        Ok(resources)
    }
}

struct EntrySeed<'v, 't> {
    url: Option<&'v Node>,
    node: Option<&'v Node>,
    tally: &'t Tally,
    into: Resource<'v>,
}

impl<'de: 'v, 'v> DeserializeSeed<'de> for EntrySeed<'v, '_> {
    type Value = Resource<'v>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de: 'v, 'v> Visitor<'de> for EntrySeed<'v, '_> {
    type Value = Resource<'v>;

    fn expecting(&self, into: &mut fmt::Formatter<'_>) -> fmt::Result {
        into.write_str("an entry")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut from: A) -> Result<Resource<'v>, A::Error> {
        let mut once = Once::default();
        while let Some(part) = from.next_key_seed(Key(Part::of))? {
            match (part, self.node, self.url) {
                (Part::Resource, Some(node), _) => {
                    once.take(0)?;
                    self.into.views = from.next_value_seed(Walk { node, tally: self.tally })?;
                }
                (Part::Url, _, Some(node)) => {
                    once.take(1)?;
                    let views = from.next_value_seed(Walk { node, tally: self.tally })?;
                    self.into.link = if let View::Link(link) = views.content { Some(link) } else { None };
                }
                _ => {
                    from.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(self.into)
    }
}

/// A part of an entry.
#[derive(Clone, Copy)]
enum Part {
    Other,
    Resource,
    Url,
}

impl Part {
    fn of(key: &str) -> Self {
        match key {
            "fullUrl" => Self::Url,
            "resource" => Self::Resource,
            _ => Self::Other,
        }
    }
}
