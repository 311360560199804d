//! What an application asks for, as its readers see it.

use askama::Template;
use policies::application::{Content, FormField, Rules};

use super::show::Sight;
use crate::application::Act;

#[derive(Template)]
#[template(path = "application/content.html")]
pub(super) struct ContentPanel<'a> {
    sight: &'a Sight,
    content: &'a Content,
}

impl<'a> ContentPanel<'a> {
    pub(super) fn of(sight: &'a Sight) -> Option<Self> {
        Some(Self { sight, content: sight.state.content()? })
    }

    fn questions(&self) -> impl Iterator<Item = (&'static FormField, &str)> {
        Rules::current().form.fields().map(|field| (field, self.content.answer(&field.id)))
    }

    fn question<'f>(&self, field: &'f FormField) -> &'f str {
        if self.sight.frame.is_ja() { &field.ja } else { &field.en }
    }
}
