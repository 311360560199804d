//! Sections of a document: which of them names a resource, so that a relative's disease is nobody's own and an infection is known
//! as one (formats.md 10.3).

use std::collections::HashMap;

use super::view::View;

/// What a section says about the resources that it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Section {
    /// 家族歴: about relatives.
    Family,
    /// 感染症情報.
    Infection,
    /// Another listed one.
    Plain,
    /// One that the layout does not list.
    Unknown,
}

/// Sections by what references name.
#[derive(Debug, Default)]
pub(super) struct Sections(HashMap<u64, Section>);

impl Sections {
    /// Of a composition's content.
    pub(super) fn of(composition: &View<'_>) -> Self {
        let mut sections = Self::default();
        sections.add(composition, 0);
        sections
    }

    fn add(&mut self, above: &View<'_>, level: usize) {
        for section in above.list("section") {
            let kind = match section.text("code.coding.0.code") {
                Some("family") => Section::Family,
                Some("infection") => Section::Infection,
                Some(_) => Section::Plain,
                None => Section::Unknown,
            };
            for link in section.list("entry").filter_map(|entry| entry.link("reference")) {
                let known = self.0.entry(link).or_insert(kind);
                *known = kind.min(*known);
            }
            if level == 0 {
                self.add(section, 1);
            }
        }
    }

    /// The section that names a resource; none is as good as a plain one.
    pub(super) fn section(&self, link: Option<u64>) -> Section {
        link.and_then(|link| self.0.get(&link)).copied().unwrap_or(Section::Plain)
    }
}
