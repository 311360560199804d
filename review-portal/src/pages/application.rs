//! Applications: list, draft, read, and every act on the way to a permit.

mod act;
mod draft;
mod edit;
mod list;
mod permit;
mod show;

pub(crate) use act::{
    accept, assign, conclude, declare_conflict, open_voting, pledge, send_back, submit, vote, withdraw,
};
pub(crate) use edit::{create, edit, new, save};
pub(crate) use list::list;
pub(crate) use permit::{close, permit, revoke};
pub(crate) use show::show;
