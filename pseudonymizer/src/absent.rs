//! Persons who have said that a source may not use their records (opt-out): their tokens, kept in the holder's zone so that files
//! read again stay without them. `docs/opt-out.md` says what a holder does, and whom a list leaves out.

use std::collections::HashSet;

use jiff::Timestamp;
use policies::keys::{KeyFolder, SecretBytes};
use policies::source::SourceId;

mod error;
mod file;
mod list;

pub use error::OptOutError;
pub use list::{Change, Listed, Objections, add, anew, listed, remove};

use crate::tokens::{KINDS, Token};
use list::List;
pub(crate) use list::{fields, rows, tokens_at};

/// All tokens at rest of one person.
pub(crate) type Tokens = [Option<Token>; KINDS];

/// What is known of the persons who stay out of a source.
#[derive(Default)]
pub(crate) struct Absent {
    tokens: HashSet<(u8, Token)>,
    list: Option<List>,
}

impl Absent {
    /// The list of a source, if its holder keeps one. One that was made under another epoch or normaliser would find nobody, and is
    /// an error.
    pub(crate) fn open(keys: &KeyFolder, source: &SourceId, epoch: &SecretBytes) -> Result<Self, OptOutError> {
        let Some(list) = List::open(keys, source)? else { return Ok(Self::default()) };
        if !list.is_of(epoch) {
            return Err(OptOutError::Stale { source_name: source.clone() });
        }
        Ok(Self { tokens: list.persons.iter().flat_map(each).collect(), list: Some(list) })
    }

    /// Whether one of the tokens is a person's who stays out. Every kind counts: tokens of a name are shared by namesakes of one
    /// birthday and sex, those of a card without its branch by twins. They stay out too, since a record too few harms less than
    /// one too many.
    pub(crate) fn holds(&self, tokens: &Tokens) -> bool {
        !self.tokens.is_empty() && each(tokens).any(|token| self.tokens.contains(&token))
    }

    /// The tokens of each person of the list; none where the holder keeps none.
    pub(crate) fn persons(&self) -> Option<impl Iterator<Item = &Tokens>> {
        self.list.as_ref().map(|list| list.persons.iter())
    }

    /// When the list was last changed.
    pub(crate) fn changed_at(&self) -> Option<Timestamp> {
        self.list.as_ref().map(|list| list.changed_at)
    }
}

/// The tokens that there are, with their kinds' places.
pub(crate) fn each(tokens: &Tokens) -> impl Iterator<Item = (u8, Token)> {
    (0_u8..).zip(tokens).filter_map(|(kind, token)| Some((kind, (*token)?)))
}

/// Appends tokens of somebody who was left out.
pub(crate) fn put(tokens: &Tokens, to: &mut Vec<u8>) {
    for token in tokens {
        to.push(u8::from(token.is_some()));
        to.extend_from_slice(&token.unwrap_or_default());
    }
}

/// All that was appended to a piece; what is cut short ends it.
pub(crate) fn all(piece: &[u8]) -> impl Iterator<Item = Tokens> {
    const LENGTH: usize = 1 + size_of::<Token>();
    piece.chunks_exact(LENGTH * KINDS).map(|entry| {
        let mut tokens = entry.chunks_exact(LENGTH).map(|token| {
            let (there, token) = token.split_first()?;
            token.try_into().ok().filter(|_| *there == 1)
        });
        std::array::from_fn(|_| tokens.next().flatten())
    })
}

#[cfg(test)]
mod tests;
