//! From the grant to the end of the use: conditions, pledges, permit, restrictions, incidents.

use askama::Template;

use super::show::Sight;

#[derive(Template)]
#[template(path = "application/running.html")]
pub(super) struct RunningPanel<'a> {
    sight: &'a Sight,
}

impl<'a> RunningPanel<'a> {
    pub(super) fn of(sight: &'a Sight) -> Self {
        Self { sight }
    }
}
