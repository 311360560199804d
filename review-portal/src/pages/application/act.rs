//! `POST /applications/{application}/{act}`: one command, answered by going back to the application's page (303). An act that counts
//! is first shown for its signature, and recorded when that came.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use policies::application::{Command, EventRecord};

use super::form;
use crate::access::AllowedAct;
use crate::acts::{self, Unsigned};
use crate::application::{Act, Change, change, content_head, kept, permits, prepare, records};
use crate::error::PortalError;
use crate::form::Posted;
use crate::pages::act::{Paper, ask};
use crate::portal::Portal;

/// Does what the path and the form say.
pub(crate) async fn act(
    allowed: AllowedAct,
    State(portal): State<Portal>,
    posted: Posted,
) -> Result<Response, PortalError> {
    if !posted.one("act").is_empty() {
        return signed(&portal, &allowed, &posted).await;
    }
    match form::read(&portal, &allowed.application, allowed.act, &posted).await? {
        None => permits::issue(&portal, &allowed, posted.once()).await?,
        Some(command) if command.must_be_signed() => return sign(&portal, &allowed, command).await,
        Some(command) => {
            if allowed.act == Act::Submit {
                let head = content_head(&records(portal.db.pool(), &allowed.application.id).await?);
                kept::all_read(&portal.db, &allowed.application.id, head).await?;
            }
            permits::before(&portal, &allowed, &command).await?;
            change(&portal, &allowed, Change::new(command, posted.once())).await?;
            permits::after(&portal, &allowed).await;
        }
    }
    Ok(next(&allowed, &posted))
}

/// The page that asks for the signature.
async fn sign(portal: &Portal, allowed: &AllowedAct, command: Command) -> Result<Response, PortalError> {
    let record = prepare(portal, allowed, command).await?;
    let unsigned = Unsigned {
        application: Some(&record.application),
        record: serde_json::to_string(&record).map_err(|_| PortalError::Stored)?,
        hash: &record.hash,
    };
    let pending = acts::begin(portal, &allowed.visit, unsigned).await?;
    let title = allowed.visit.language.say(&format!("act.{}", allowed.act.as_str()));
    let action = format!("/applications/{}/{}", record.application, allowed.act.as_str());
    ask(portal, &allowed.visit, (title, action), (Paper::Record, &pending))
}

/// Records an act with its signature.
async fn signed(portal: &Portal, allowed: &AllowedAct, posted: &Posted) -> Result<Response, PortalError> {
    let (record, signature) = acts::finish(portal, &allowed.visit, Some(&allowed.application.id), posted).await?;
    let record: EventRecord = serde_json::from_str(&record).map_err(|_| PortalError::Stored)?;
    let command = record.event.clone().asked();
    // The address says which act casbin was asked for; the record says which one was signed.
    if !command.must_be_signed() || act_of(&command) != Some(allowed.act) {
        return Err(PortalError::BadForm);
    }
    let signed = Change { signed: Some((record, signature)), ..Change::new(command.clone(), None) };
    match change(portal, allowed, signed).await {
        Ok(_) => {
            permits::after(portal, allowed).await;
            Ok(next(allowed, posted))
        }
        // Somebody else's act came first, so the record has another place now: the same act, to be signed there.
        Err(PortalError::ChangedMeanwhile) => {
            let again = sign(portal, allowed, command).await?;
            Ok((StatusCode::CONFLICT, again).into_response())
        }
        Err(error) => Err(error),
    }
}

fn act_of(command: &Command) -> Option<Act> {
    match command.kind() {
        "accepted" => Some(Act::Accept),
        "condition-confirmed" => Some(Act::ConfirmCondition),
        "decided" => Some(Act::Decide),
        "holder-answered" => Some(Act::AnswerHolder),
        "pledge-signed" => Some(Act::Pledge),
        "resumed" => Some(Act::Resume),
        "vote-cast" => Some(Act::Vote),
        _ => None,
    }
}

fn next(allowed: &AllowedAct, posted: &Posted) -> Response {
    let page = format!("/applications/{}", allowed.application.id);
    let place = if allowed.act == Act::Amend {
        format!("{page}/edit")
    } else if allowed.act == Act::DeclareInterest && posted.one("interest") != "none" {
        // The file is closed to who declared a conflict.
        "/applications".to_owned()
    } else {
        page
    };
    Redirect::to(&place).into_response()
}
