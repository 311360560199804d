//! Documents that are read on a page and kept on paper: the content once, as a [`Document`]; `pages/document/*.html` shows it,
//! `documents/document.typ` prints it.
#![expect(unused_qualifications, reason = "code that askama writes for an enum")]

mod glyphs;
mod paper;
#[cfg(test)]
pub(crate) mod tests;

pub(crate) use paper::{PaperError, print};

use std::borrow::Borrow;

use askama::Template;
use serde::Serialize;

use crate::dates::Moment;

/// What a document says, in the order in which it says it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Document {
    /// `ja` or `en`.
    pub(crate) language: &'static str,
    /// What kind of document it is, over the title; "" where the title says so.
    pub(crate) kind: String,
    pub(crate) title: String,
    /// Its reference.
    pub(crate) number: String,
    /// A day of our era.
    pub(crate) date: Moment,
    /// Who writes to whom; none for what is only laid before a meeting.
    pub(crate) letterhead: Option<Letterhead>,
    pub(crate) blocks: Vec<Block>,
    /// What each sheet of paper says at its head; none outside the demo.
    pub(crate) mark: Option<String>,
}

/// Who writes to whom.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Letterhead {
    /// Line by line, the name last.
    pub(crate) addressee: Vec<String>,
    /// Who decides, then who is asked.
    pub(crate) sender: Vec<String>,
}

/// A part of a document.
#[derive(Clone, Debug, Serialize, Template)]
#[serde(tag = "kind", content = "it", rename_all = "kebab-case")]
#[template(path = "document/block.html")]
pub(crate) enum Block {
    /// That there is nothing, and why.
    Empty {
        title: String,
        words: String,
    },
    /// Names and what stands behind them.
    Facts(Vec<Fact>),
    /// Opened at a click; on paper it is open, and left out of a table.
    Folded {
        title: String,
        words: Words,
    },
    Heading(Words),
    List {
        is_numbered: bool,
        items: Vec<Vec<Block>>,
    },
    /// Smaller, about what stands above it.
    Meta(Words),
    Section(Vec<Block>),
    Table(Table),
    /// A paragraph; its line breaks stay.
    Text(Words),
}

/// A name and what stands behind it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Fact {
    pub(crate) name: String,
    pub(crate) blocks: Vec<Block>,
}

/// Rows whose first cell names them.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) head: Vec<String>,
    pub(crate) rows: Vec<Vec<Vec<Block>>>,
}

/// A run of words.
pub(crate) type Words = Vec<Span>;

/// Words of one look.
#[derive(Clone, Debug, Serialize, Template)]
#[serde(tag = "kind", content = "it", rename_all = "kebab-case")]
#[template(path = "document/span.html")]
pub(crate) enum Span {
    /// What asks for somebody's eye.
    Alert(String),
    Code(String),
    /// Leads on within the portal; on paper its words alone.
    Link {
        to: String,
        words: String,
    },
    Small(String),
    Strong(String),
    Text(String),
    Time(Moment),
}

impl Span {
    pub(crate) fn text(words: impl Into<String>) -> Self {
        Self::Text(words.into())
    }

    pub(crate) fn strong(words: impl Into<String>) -> Self {
        Self::Strong(words.into())
    }

    pub(crate) fn small(words: impl Into<String>) -> Self {
        Self::Small(words.into())
    }

    pub(crate) fn link(to: impl Into<String>, words: impl Into<String>) -> Self {
        Self::Link { to: to.into(), words: words.into() }
    }
}

impl Block {
    /// A paragraph of plain words.
    pub(crate) fn text(words: impl Into<String>) -> Self {
        Self::Text(vec![Span::text(words)])
    }

    pub(crate) fn heading(words: impl Into<String>) -> Self {
        Self::Heading(vec![Span::text(words)])
    }

    /// A list of lines without numbers.
    pub(crate) fn list(lines: impl IntoIterator<Item = Words>) -> Self {
        Self::List { is_numbered: false, items: lines.into_iter().map(|words| vec![Self::Text(words)]).collect() }
    }

    pub(crate) fn numbered(lines: impl IntoIterator<Item = Words>) -> Self {
        Self::List { is_numbered: true, items: lines.into_iter().map(|words| vec![Self::Text(words)]).collect() }
    }
}

impl Fact {
    pub(crate) fn new(name: impl Into<String>, blocks: Vec<Block>) -> Self {
        Self { name: name.into(), blocks }
    }

    /// A name with one line behind it.
    pub(crate) fn line(name: impl Into<String>, words: Words) -> Self {
        Self::new(name, vec![Block::Text(words)])
    }
}

impl Table {
    /// What a column is called, for a reader who sees each row as a card.
    pub(crate) fn label(&self, column: impl Borrow<usize>) -> &str {
        self.head.get(*column.borrow()).map_or("", String::as_str)
    }
}

/// Parts as they stand on a page; each escapes its own words.
pub(crate) fn html<T: Template>(parts: &[T]) -> askama::Result<String> {
    parts.iter().map(Template::render).collect()
}
