//! `GET /`: for visitors what this is and where to go on, for who is signed in what waits for them.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use policies::Permit;
use policies::access::{Action, Relation};

use crate::accounts::User;
use crate::error::PortalError;
use crate::pages::page;
use crate::portal::Portal;
use crate::register::{PublicFigures, figures};
use crate::tokens::permits_of;
use crate::visit::{Frame, Visit};
use crate::waiting::{Waiting, waiting};

#[derive(Template)]
#[template(path = "home/visitor.html")]
struct VisitorPage {
    frame: Frame,
    figures: PublicFigures,
}

#[derive(Template)]
#[template(path = "home/person.html")]
struct PersonPage {
    frame: Frame,
    waiting: Waiting,
    permits: Vec<Permit>,
    /// Where this person's roles lead: address and word of the messages.
    ways: Vec<(&'static str, &'static str)>,
    may_create: bool,
}

/// `GET /`
pub(crate) async fn show(visit: Visit, State(portal): State<Portal>) -> Result<Response, PortalError> {
    let frame = visit.frame(&portal);
    match visit.user() {
        None => page(&VisitorPage { frame, figures: figures(&portal.db).await? }),
        Some(user) => page(&PersonPage {
            frame,
            waiting: waiting(&portal, user).await?,
            permits: permits_of(&portal.db, &user.id, portal.now()).await?,
            ways: ways(&portal, user),
            may_create: portal.may(Some(&user.roles), Relation::Other, Action::ApplicationCreate),
        }),
    }
}

fn ways(portal: &Portal, user: &User) -> Vec<(&'static str, &'static str)> {
    let dummy = portal.dummy.is_some().then_some(("/dummy", "dummy", Action::AccountRead));
    let all = [
        ("/applications", "applications", Action::ApplicationList),
        ("/projects", "projects", Action::AccountRead),
        ("/board", "board", Action::BoardRead),
        ("/mails", "mails", Action::AccountRead),
        ("/linkage", "linkage", Action::LinkageRead),
        ("/audit", "audit", Action::AuditRead),
        ("/catalog", "catalog", Action::CatalogRead),
    ];
    let may = |what| portal.may(Some(&user.roles), Relation::Other, what);
    dummy.into_iter().chain(all).filter(|(.., what)| may(*what)).map(|(path, word, _)| (path, word)).collect()
}
