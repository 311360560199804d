//! The allow-list as a tree of names, made once a file: what a resource's path must be to be looked at.

use crate::layout::{Fate, Form, Layout, Place, Record};

/// A name in a path, what stands below it and what becomes of a value that stands there.
#[derive(Debug, Default)]
pub(super) struct Node {
    children: Vec<(Box<str>, Node)>,
    pub(super) content: Option<Form>,
    pub(super) identity: Option<Form>,
}

impl Node {
    fn of(record: &Record) -> Self {
        let mut root = Self::default();
        for field in &record.fields {
            let (content, identity) = (Form::content(field), Form::identity(field));
            let Place::Path(path) = &field.place else { continue };
            if content.is_some() || identity.is_some() {
                root.insert(path.split('.'), content, identity);
            }
        }
        root
    }

    fn insert(&mut self, mut path: std::str::Split<'_, char>, content: Option<Form>, identity: Option<Form>) {
        let Some(name) = path.next() else {
            (self.content, self.identity) = (content, identity);
            return;
        };
        if let Some((_, child)) = self.children.iter_mut().find(|(own, _)| **own == *name) {
            child.insert(path, content, identity);
        } else {
            let mut child = Self::default();
            child.insert(path, content, identity);
            self.children.push((name.into(), child));
        }
    }

    /// Place, name and node of a child.
    pub(super) fn child(&self, name: &str) -> Option<(u32, &str, &Self)> {
        let found = self.children.iter().zip(0_u32..).find(|((own, _), _)| **own == *name);
        found.map(|((own, child), place)| (place, &**own, child))
    }

    /// Whether something stands below.
    pub(super) fn is_inner(&self) -> bool {
        !self.children.is_empty()
    }

    #[cfg(test)]
    pub(super) fn widest(&self) -> usize {
        self.children.iter().map(|(_, child)| child.widest()).max().unwrap_or(0).max(self.children.len())
    }
}

/// What becomes of resources, by type.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) bundle: Node,
    records: Vec<(Box<str>, Fate, Node)>,
    unknown: Fate,
}

impl Plan {
    /// Of a layout.
    pub(super) fn of(layout: &Layout) -> Self {
        let records: Vec<_> =
            layout.records.iter().map(|record| (record.tag.as_str().into(), record.fate, Node::of(record))).collect();
        let bundle = layout.record("Bundle").map(Node::of).unwrap_or_default();
        Self { bundle, records, unknown: layout.unknown }
    }

    /// A type's name as the layout has it, its fate and its tree.
    pub(super) fn record(&self, tag: &str) -> (&str, Fate, Option<&Node>) {
        let found = self.records.iter().find(|(own, _, _)| **own == *tag);
        found.map_or(("", self.unknown, None), |(own, fate, node)| (&**own, *fate, Some(node)))
    }
}
