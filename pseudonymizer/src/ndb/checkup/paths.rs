//! The allow-list of a document's paths as a tree, made once a file. Steps are names of elements; `//` is any depth, `[@a=v]` asks
//! for an attribute of the element, `[code=v]` for the code of the section around; the end is `@attribute`, or the element's text.

use crate::layout::{Fate, Form, Layout, Place};

/// What a value is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// A field of the head, by its place.
    Header(usize),
    /// An observation's code.
    ItemCode,
    /// That an observation has no value.
    Null,
    /// The code of a section.
    Section,
    /// An observation's number.
    Value,
    /// An observation's coded value.
    ValueCode,
}

/// Where a value goes: which layout's part, and what it is there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target {
    pub(super) part: usize,
    pub(super) what: What,
}

/// An attribute that is wanted.
#[derive(Debug)]
pub(super) struct Leaf {
    /// Place among the node's attributes.
    pub(super) attribute: usize,
    /// Attribute of the element and the value that it must have.
    pub(super) only: Option<(usize, Box<str>)>,
    /// Code that the section around must have.
    pub(super) section: Option<Box<str>>,
    pub(super) target: Target,
}

/// An element in a path.
#[derive(Debug, Default)]
pub(super) struct Node {
    children: Vec<(Box<str>, usize)>,
    below: Vec<(Box<str>, usize)>,
    /// Names of the attributes that leaves ask for.
    pub(super) attributes: Vec<Box<str>>,
    pub(super) leaves: Vec<Leaf>,
    /// Who wants the text.
    pub(super) text: Vec<Target>,
    /// Whether it is an observation, which holds a code and a value.
    pub(super) is_observation: bool,
}

/// Where in the tree an open element stands.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct State {
    node: Option<usize>,
    /// The innermost element around that has paths of any depth.
    deep: Option<usize>,
}

/// The tree.
#[derive(Debug)]
pub(super) struct Paths(Vec<Node>);

impl Paths {
    /// Of the layouts, whose parts are numbered in that order.
    pub(super) fn of(layouts: &[&Layout]) -> Self {
        let mut paths = Self(vec![Node::default()]);
        for (part, layout) in layouts.iter().enumerate() {
            for record in layout.records.iter().filter(|record| record.fate == Fate::Read) {
                for (place, field) in record.fields.iter().enumerate() {
                    let what = match (record.tag.as_str(), field.name.as_str()) {
                        ("ClinicalDocument", _) => What::Header(place),
                        ("observation", "item_code") => What::ItemCode,
                        ("observation", "value") => What::Value,
                        ("observation", "value_code") => What::ValueCode,
                        ("observation", "null_flavor") => What::Null,
                        _ => continue,
                    };
                    let used = Form::content(field).is_some() || Form::identity(field).is_some();
                    if let (Place::Path(path), true) = (&field.place, used) {
                        paths.insert(path, Target { part, what });
                    }
                }
            }
        }
        paths.insert("component//section/code/@code", Target { part: 0, what: What::Section });
        paths
    }

    fn insert(&mut self, path: &str, target: Target) {
        let (mut at, mut deep) = (0, false);
        let (mut only, mut section) = (None, None);
        for step in path.split('/') {
            if step.is_empty() {
                deep = true;
                continue;
            }
            let Some(node) = self.0.get_mut(at) else { return };
            if let Some(name) = step.strip_prefix('@') {
                let attribute = node.attribute(name);
                let only = only.map(|(name, value): (&str, &str)| (node.attribute(name), value.into()));
                node.leaves.push(Leaf { attribute, only, section, target });
                return;
            }
            let (name, condition) = step.split_once('[').map_or((step, ""), |(name, rest)| (name, rest));
            only = condition.strip_prefix('@').and_then(|asked| asked.strip_suffix(']')?.split_once('='));
            if let Some(code) = condition.strip_prefix("code=").and_then(|asked| asked.strip_suffix(']')) {
                section = Some(code.into());
            }
            at = self.step_or_new(at, name, std::mem::take(&mut deep));
        }
        if let Some(node) = self.0.get_mut(at) {
            node.text.push(target);
        }
    }

    fn step_or_new(&mut self, at: usize, name: &str, deep: bool) -> usize {
        let new = self.0.len();
        let Some(node) = self.0.get_mut(at) else { return new };
        let list = if deep { &mut node.below } else { &mut node.children };
        if let Some((_, known)) = list.iter().find(|(own, _)| **own == *name) {
            return *known;
        }
        list.push((name.into(), new));
        self.0.push(Node { is_observation: name == "observation", ..Node::default() });
        new
    }

    /// Where the root of a document stands.
    pub(super) fn root(&self) -> State {
        State { node: (!self.0.is_empty()).then_some(0), deep: None }
    }

    /// Where an element of that name inside another stands.
    pub(super) fn step(&self, above: State, name: &str) -> State {
        let find = |list: &[(Box<str>, usize)]| list.iter().find(|(own, _)| **own == *name).map(|(_, node)| *node);
        let child = above.node.and_then(|at| find(&self.0.get(at)?.children));
        let inside = above.node.filter(|at| self.0.get(*at).is_some_and(|node| !node.below.is_empty()));
        let deep = inside.or(above.deep);
        State { node: child.or_else(|| find(&self.0.get(deep?)?.below)), deep }
    }

    /// The node of an element, if a path leads through it.
    pub(super) fn node(&self, state: State) -> Option<&Node> {
        self.0.get(state.node?)
    }
}

impl Node {
    fn attribute(&mut self, name: &str) -> usize {
        let known = self.attributes.iter().position(|own| **own == *name);
        known.unwrap_or_else(|| {
            self.attributes.push(name.into());
            self.attributes.len().saturating_sub(1)
        })
    }
}
