//! A statement's words, as far as questions need them.

use std::ops::Range;

use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

/// A word or sign.
pub(super) struct Word {
    token: Token,
    /// Where it stands in the text. Known for the first word alone.
    pub(super) bytes: Option<Range<usize>>,
}

impl Word {
    /// Whether it is this keyword or sign.
    pub(super) fn is(&self, expected: &str) -> bool {
        #[expect(clippy::wildcard_enum_match_arm, reason = "three kinds of tokens are asked for")]
        match &self.token {
            Token::Word(word) => word.quote_style.is_none() && word.value.eq_ignore_ascii_case(expected),
            Token::LParen => expected == "(",
            Token::Period => expected == ".",
            _ => false,
        }
    }

    /// As a name: lower case unless quoted.
    pub(super) fn name(&self) -> Option<String> {
        let Token::Word(word) = &self.token else { return None };
        Some(if word.quote_style.is_some() { word.value.clone() } else { word.value.to_ascii_lowercase() })
    }
}

/// All words and signs but blanks, comments and one semicolon at the end. `None`: not even that can be read, or the text
/// begins with no word.
pub(super) fn words(sql: &str) -> Option<Vec<Word>> {
    let mut tokens = Tokenizer::new(&GenericDialect {}, sql).tokenize().ok()?;
    tokens.retain(|token| !matches!(token, Token::Whitespace(_) | Token::EOF));
    tokens.pop_if(|token| *token == Token::SemiColon);
    let first = tokens.first()?;
    let Token::Word(word) = first else { return None };
    // Comments before the first word are rare; without them it stands at the beginning.
    let start = sql.len() - sql.trim_start().len();
    let end = start + word.value.len();
    let bytes = sql.get(start..end).filter(|text| *text == word.value).map(|_| start..end);
    let mut words: Vec<Word> = tokens.into_iter().map(|token| Word { token, bytes: None }).collect();
    if let Some(first) = words.first_mut() {
        first.bytes = bytes;
    }
    Some(words)
}
