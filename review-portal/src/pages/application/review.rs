//! Completeness check, holders, reviewers, votes, decision: what those who judge see and do.

use askama::Template;

use super::show::Sight;

#[derive(Template)]
#[template(path = "application/review.html")]
pub(super) struct ReviewPanel<'a> {
    sight: &'a Sight,
}

impl<'a> ReviewPanel<'a> {
    pub(super) fn of(sight: &'a Sight) -> Self {
        Self { sight }
    }
}
