//! What is left of a resource: a small tree of the allowed paths with values in the form of their types, once for content and once
//! for tokens. All that code asks for is asked here; what the layout does not let through is not there.

use std::borrow::Cow;

use jiff::civil::Date;

/// A part of a view.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum View<'v> {
    /// A day.
    Day(Date),
    /// Yes or no.
    Flag(bool),
    /// A reference, known by its equality alone.
    Link(u64),
    /// Several, as many as have something.
    List(Vec<View<'v>>),
    /// Named parts.
    Map(Vec<(&'v str, View<'v>)>),
    /// Not there.
    #[default]
    Nothing,
    /// A number.
    Number(f64),
    /// A code; for tokens, words.
    Text(Cow<'v, str>),
}

impl<'v> View<'v> {
    /// The part behind a path of names and numbers of places, `a.0.b`.
    pub(super) fn at(&self, path: &str) -> &View<'v> {
        path.split('.').fold(self, |view, step| match (view, step.parse::<usize>()) {
            (Self::List(list), Ok(place)) => list.get(place).unwrap_or(&NOTHING),
            (Self::Map(map), Err(_)) => map.iter().find(|(name, _)| *name == step).map_or(&NOTHING, |(_, view)| view),
            _ => &NOTHING,
        })
    }

    /// The text behind a path.
    pub(super) fn text(&self, path: &str) -> Option<&str> {
        if let Self::Text(text) = self.at(path) { Some(text) } else { None }
    }

    /// The number behind a path.
    pub(super) fn number(&self, path: &str) -> Option<f64> {
        if let Self::Number(number) = self.at(path) { Some(*number) } else { None }
    }

    /// The day behind a path; a year or a month alone is none.
    pub(super) fn day(&self, path: &str) -> Option<Date> {
        if let Self::Day(day) = self.at(path) { Some(*day) } else { None }
    }

    /// Yes or no behind a path.
    pub(super) fn flag(&self, path: &str) -> Option<bool> {
        if let Self::Flag(flag) = self.at(path) { Some(*flag) } else { None }
    }

    /// The reference behind a path.
    pub(super) fn link(&self, path: &str) -> Option<u64> {
        if let Self::Link(link) = self.at(path) { Some(*link) } else { None }
    }

    /// The parts of a list behind a path; what is no list stands for itself.
    pub(super) fn list(&self, path: &str) -> impl Iterator<Item = &View<'v>> {
        let part = self.at(path);
        let list = if let Self::List(list) = part { list.as_slice() } else { &[] };
        let is_one = !matches!(part, Self::List(_) | Self::Nothing);
        list.iter().chain(is_one.then_some(part))
    }

    /// The text that this part is.
    pub(super) fn word(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// System and code of each coding of a concept.
    pub(super) fn codings(&self, path: &str) -> impl Iterator<Item = (&str, &str)> {
        self.at(path).list("coding").filter_map(|coding| Some((coding.text("system")?, coding.text("code")?)))
    }

    /// The extension of that name.
    pub(super) fn extension(&self, name: &str) -> Option<&View<'v>> {
        self.list("extension").find(|extension| extension.text("url") == Some(name))
    }

    /// All texts in it, for tests that look for what must not be there.
    #[cfg(test)]
    pub(super) fn texts(&self) -> Vec<String> {
        match self {
            Self::List(list) => list.iter().flat_map(View::texts).collect(),
            Self::Map(map) => map.iter().flat_map(|(_, view)| view.texts()).collect(),
            Self::Text(text) => vec![text.clone().into_owned()],
            Self::Day(_) | Self::Flag(_) | Self::Link(_) | Self::Number(_) | Self::Nothing => Vec::new(),
        }
    }
}

static NOTHING: View<'static> = View::Nothing;
