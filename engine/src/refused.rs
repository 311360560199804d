//! The `refused` object as it travels: in the details of a gRPC status, and on the command line's standard output.

use serde::{Deserialize, Serialize};

use crate::admission::Rejection;
use crate::error::{QueryError, Refusal, Rule, rules};
use crate::flight;

/// Why nothing was run, in words that people read and a code that programs read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{code} {rule}: {message}")]
pub struct Refused {
    /// Stable code, `guard/…`, `permit/…` or `session/…`.
    pub code: String,
    /// Rule of disclosure.md, section 2; `V-CATALOG` for a permit, `V-PROTOCOL` for a session.
    pub rule: String,
    /// One sentence.
    pub message: String,
    /// What can be done now.
    pub hint: String,
    /// Line in the query's text, from 1, where known.
    pub line: Option<u64>,
    /// Column in the query's text, from 1, where known.
    pub column: Option<u64>,
}

/// `{"refused": {…}}`, as the command line prints it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedObject {
    /// The object.
    pub refused: Refused,
}

impl Refused {
    /// Whether it is about the session or the permit, not about the query.
    pub fn is_about_permission(&self) -> bool {
        self.code.starts_with("permit/") || self.code.starts_with("session/")
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self {
            code: refusal.code.to_owned(),
            rule: refusal.rule.to_owned(),
            message: refusal.message.to_owned(),
            hint: refusal.hint.to_owned(),
            line: refusal.line,
            column: refusal.column,
        }
    }
}

impl From<&Rule> for Refused {
    fn from(rule: &Rule) -> Self {
        Refusal::of(rule).into()
    }
}

impl From<Rejection> for Refused {
    fn from(rejection: Rejection) -> Self {
        let rule = if rejection.code().starts_with("session/") { "V-PROTOCOL" } else { "V-CATALOG" };
        Self {
            code: rejection.code().to_owned(),
            rule: rule.to_owned(),
            message: rejection.to_string(),
            hint: rejection.hint().to_owned(),
            line: None,
            column: None,
        }
    }
}

/// Every code that the engine can answer with; `docs/errors.md` lists them.
pub fn codes() -> impl Iterator<Item = &'static str> {
    let failures = [
        QueryError::Failed,
        QueryError::TooLarge,
        QueryError::TooMuchMemory,
        QueryError::TooSlow,
        QueryError::Unveiled,
        QueryError::Workspace,
        QueryError::WorkspaceFull,
    ];
    let guard = rules::ALL.iter().chain(flight::RULES).map(|rule| rule.code);
    guard.chain(Rejection::CODES).chain(failures.map(QueryError::code)).chain(["audit/not-written"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_code_stands_for_two_things() {
        let mut all: Vec<_> = codes().collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}
