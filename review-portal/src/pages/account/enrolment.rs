//! A request that a passkey may count: signed by the passkey and by the portal, carried to the permit signer by an operator.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use jiff::Timestamp;
use policies::jws::Document;
use policies::passkey::{Base64Url, Enrolment, EnrolmentCode, EnrolmentRequest};
use serde::{Deserialize, Serialize};

use crate::acts::{self, Unsigned};
use crate::error::PortalError;
use crate::factors::passkeys;
use crate::form::Posted;
use crate::pages::act::Paper;
use crate::pages::{act, page};
use crate::portal::Portal;
use crate::record::Note;
use crate::visit::{Frame, Visit};

#[derive(Template)]
#[template(path = "account/enrolment.html")]
struct EnrolmentPage {
    frame: Frame,
    code: String,
    request: String,
}

/// What waits for the passkey's signature.
#[derive(Serialize, Deserialize)]
struct Wanted {
    enrolment: Enrolment,
    made_at: Timestamp,
}

/// `POST /account/enrolment`: field `credential`.
pub(crate) async fn begin(visit: Visit, State(portal): State<Portal>, posted: Posted) -> Result<Response, PortalError> {
    let user = visit.user().cloned().ok_or(PortalError::NotSignedIn { next: None })?;
    let credential: Base64Url = posted.one("credential").parse()?;
    let known = passkeys::of(&portal.db, &user.id).await?;
    let passkey = known.into_iter().find(|passkey| passkey.credential == credential).ok_or(PortalError::NotFound)?;
    let enrolment = Enrolment {
        user: user.id,
        roles: user.roles,
        seats: user.seats,
        holds: user.holds,
        affiliation: user.affiliation,
        relying_party: portal.desk.clone(),
        credential,
        key: passkey.key,
    };
    let wanted = Wanted { enrolment, made_at: portal.now() };
    let hash = hex::encode(EnrolmentRequest::challenge(&wanted.enrolment, wanted.made_at)?);
    let record = serde_json::to_string(&wanted).map_err(|_| PortalError::Stored)?;
    let mut pending = acts::begin(&portal, &visit, Unsigned { application: None, record, hash: &hash }).await?;
    pending.credentials.retain(|known| *known == wanted.enrolment.credential);
    let title = visit.language.say("enrolment.title");
    act::ask(&portal, &visit, (title, "/account/enrolment/signed".to_owned()), (Paper::Enrolment, &pending))
}

/// `POST /account/enrolment/signed`: shows the request and its code.
pub(crate) async fn finish(
    visit: Visit,
    State(portal): State<Portal>,
    posted: Posted,
) -> Result<Response, PortalError> {
    let user = visit.user().cloned().ok_or(PortalError::NotSignedIn { next: None })?;
    let (record, proof) = acts::finish(&portal, &visit, None, &posted).await?;
    let Wanted { enrolment, made_at } = serde_json::from_str(&record).map_err(|_| PortalError::PendingAct)?;
    let request = EnrolmentRequest { enrolment, made_at, proof };
    request.check()?;
    let credential = request.enrolment.credential.to_string();
    let request = request.sign(&portal.sign_key).map_err(PortalError::Sign)?;
    let note = Note::new(&user.id, "account:enrolment-asked", &user.id).with("credential", credential);
    note.append(&portal.audit, portal.now()).await?;
    let code = EnrolmentCode::of(&request).to_string();
    page(&EnrolmentPage { frame: visit.frame(&portal), code, request })
}
