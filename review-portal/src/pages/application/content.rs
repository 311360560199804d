//! What an application asks for, as its readers see it, and what changed in it.

use askama::Template;
use policies::application::{Content, FormField, Problem, Rules, Shell};

use super::difference::{self, Line};
use super::edit::open_points;
use super::shell::Columns;
use super::show::Sight;
use crate::application::Act;

#[derive(Template)]
#[template(path = "application/content.html")]
pub(super) struct ContentPanel<'a> {
    sight: &'a Sight,
    content: &'a Content,
}

/// Parts with a line of their own, in the form's order.
const PARTS: [&str; 10] =
    ["project", "applicant-kind", "urgent", "members", "period", "tier", "profile", "grade", "rows", "ethics"];

impl<'a> ContentPanel<'a> {
    pub(super) fn of(sight: &'a Sight) -> Option<Self> {
        Some(Self { sight, content: sight.state.content()? })
    }

    fn columns(&self, shell: &Shell) -> Columns {
        Columns::of(&self.sight.frame, shell)
    }

    fn questions(&self) -> impl Iterator<Item = (&'static FormField, String)> {
        let answer = |field: &FormField| difference::answer(&self.sight.frame, field, self.content.answer(&field.id));
        Rules::current().form.fields().map(move |field| (field, answer(field)))
    }

    fn question<'f>(&self, field: &'f FormField) -> &'f str {
        if self.sight.frame.is_ja() { &field.ja } else { &field.en }
    }

    /// Name and words of each part that has some.
    fn parts(&self) -> Vec<(String, String)> {
        let frame = &self.sight.frame;
        let part = |part: &&str| {
            let (ja, en) = Problem::name_of(part);
            let words = difference::entries(frame, self.content, part).join("\n");
            (!words.is_empty()).then(|| (if frame.is_ja() { ja } else { en }, words))
        };
        PARTS.iter().filter_map(part).collect()
    }

    /// What the one who writes has to mend before submission.
    fn open_points(&self) -> Vec<(String, String)> {
        if !self.is_writing() {
            return Vec::new();
        }
        open_points(&self.sight.frame, self.content, self.sight.today)
    }

    /// Whether the applicant writes now: a draft that is not complete can be withdrawn, not submitted.
    fn is_writing(&self) -> bool {
        use policies::application::Phase;
        let phase = self.sight.state.round.as_ref().map(|round| &round.phase);
        let writes = matches!(phase, Some(Phase::Draft {} | Phase::Returned { .. }));
        writes && self.sight.state.applicant.as_ref() == Some(&self.sight.user.id)
    }

    /// The parts in which the content differs from what was returned or, in an amendment, from what was granted.
    fn changes(&self) -> Vec<Line> {
        let Some(round) = &self.sight.state.round else { return Vec::new() };
        let before = round.before.as_ref().or(round.granted.as_ref());
        before.map(|before| difference::lines(&self.sight.frame, before, &round.content)).unwrap_or_default()
    }
}
