//! Applications: list, draft, read, and every act on the way to a permit and after it.

mod act;
pub(super) mod attachment;
mod content;
mod difference;
mod draft;
mod edit;
mod form;
mod input;
mod interest;
pub(super) mod invitation;
mod list;
mod review;
mod running;
pub(super) mod shell;
mod show;
pub(super) mod training;

pub(crate) use act::act;
pub(crate) use edit::{create, edit, new, save};
pub(crate) use interest::interest;
pub(crate) use list::list;
pub(crate) use show::show;
