//! Persons who have said that a source may not use their records (opt-out): their tokens, kept in the holder's zone so that files
//! read again stay without them.

use std::collections::HashSet;

use crate::tokens::{KINDS, Token};

/// Tokens of the persons to leave out.
#[derive(Default)]
pub(crate) struct Absent(HashSet<(u8, Token)>);

impl Absent {
    /// Whether one of the tokens is a person's who stays out. Tokens of a name may be shared by namesakes of one birthday: they
    /// stay out too, since a record too few harms less than one too many.
    pub(crate) fn holds(&self, tokens: &[Option<Token>; KINDS]) -> bool {
        !self.0.is_empty()
            && (0_u8..).zip(tokens).any(|(kind, token)| token.is_some_and(|token| self.0.contains(&(kind, token))))
    }
}

impl FromIterator<(u8, Token)> for Absent {
    fn from_iter<I: IntoIterator<Item = (u8, Token)>>(tokens: I) -> Self {
        Self(tokens.into_iter().collect())
    }
}
