//! Acts that count carry their person's passkey signature: begun here, signed in the browser, finished here.
//!
//! The page that prepares an act calls [`begin`] with the record as it will stand and its SHA-256, and shows the page of
//! [`crate::pages::act`], which hands the record to the signing desk. What comes back from there is read by [`finish`], which gives
//! the record and the signature back: once, to the same person in the same session, within five minutes. The permit signer checks
//! the signature again by its own registry: an act of an application by a passkey that does not stand there is refused before it is
//! recorded, for a permit could not follow it.

use jiff::SignedDuration;
use policies::passkey::{ActSignature, Base64Url, Challenge, RelyingParty};
use policies::{ApplicationId, SessionId, UserId};

use crate::error::PortalError;
use crate::factors::passkeys;
use crate::form::Posted;
use crate::portal::Portal;
use crate::visit::Visit;

/// How long an act waits for its signature.
const WAITS: SignedDuration = SignedDuration::from_mins(5);

/// What is to be signed.
#[derive(Clone, Debug)]
pub(crate) struct Unsigned<'a> {
    /// The application that it belongs to, if any.
    pub(crate) application: Option<&'a ApplicationId>,
    /// The record, JSON, kept as it is.
    pub(crate) record: String,
    /// Its SHA-256, hexadecimal.
    pub(crate) hash: &'a str,
}

/// An act that waits for its signature, as the page needs it.
#[derive(Clone, Debug)]
pub(crate) struct PendingAct {
    pub(crate) id: String,
    /// The record, as it goes to the desk.
    pub(crate) record: String,
    /// The person's passkeys.
    pub(crate) credentials: Vec<Base64Url>,
    /// The domain that they are made for.
    pub(crate) domain: String,
}

/// Keeps the act until it is signed. Refuses who has no passkey, or none that counts for an application's acts.
pub(crate) async fn begin(portal: &Portal, visit: &Visit, act: Unsigned<'_>) -> Result<PendingAct, PortalError> {
    let (signed, user) = visit.signed.as_ref().ok_or(PortalError::NotSignedIn { next: None })?;
    let passkeys = passkeys::of(&portal.db, &user.id).await?;
    if passkeys.is_empty() {
        return Err(PortalError::PasskeyNeeded);
    }
    let mut credentials: Vec<Base64Url> = passkeys.into_iter().map(|passkey| passkey.credential).collect();
    if act.application.is_some() {
        let (enrolled, by) = (portal.signer.enrolments(&user.id).await?, user.actor());
        credentials.retain(|credential| enrolled.knows(&by, credential));
        if credentials.is_empty() {
            return Err(PortalError::PasskeyNotEnrolled);
        }
    }
    let now = portal.now();
    let id = String::from(SessionId::random());
    let until = now.checked_add(WAITS).map_err(|_| PortalError::Stored)?;
    let mut work = portal.db.begin().await?;
    let forget = sqlx::query("delete from pending_act where expires_at < $1").bind(now.as_second());
    forget.execute(&mut *work).await?;
    let insert = sqlx::query(
        "insert into pending_act (id, account, session, application, record, hash, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7)",
    );
    let insert = insert.bind(&id).bind(user.id.as_str()).bind(signed.session.as_str());
    let insert = insert.bind(act.application.map(ApplicationId::as_str)).bind(&act.record).bind(act.hash);
    insert.bind(until.as_second()).execute(&mut *work).await?;
    work.commit().await?;
    Ok(PendingAct { id, record: act.record, credentials, domain: portal.desk.id.clone() })
}

/// Takes the signature of an act of that application, and gives the record with it. Fields `act`, and `credential`, `authenticator_data`, `client_data`, `signature` (base64url), or `demo`.
pub(crate) async fn finish(
    portal: &Portal,
    visit: &Visit,
    application: Option<&ApplicationId>,
    posted: &Posted,
) -> Result<(String, ActSignature), PortalError> {
    let (signed, user) = visit.signed.as_ref().ok_or(PortalError::NotSignedIn { next: None })?;
    let now = portal.now();
    let find = sqlx::query_as::<_, (Option<String>, String, String)>(
        "select application, record, hash from pending_act
         where id = $1 and account = $2 and session = $3 and expires_at >= $4",
    );
    let find = find.bind(posted.one("act")).bind(user.id.as_str()).bind(signed.session.as_str());
    let found = find.bind(now.as_second()).fetch_optional(portal.db.pool()).await?;
    let found = found.filter(|(begun_for, ..)| begun_for.as_deref() == application.map(ApplicationId::as_str));
    let (_, record, hash) = found.ok_or(PortalError::PendingAct)?;
    let challenge = challenge(&hash)?;
    let signature = signature(portal, &user.id, posted, (&challenge, &portal.desk))?;
    if application.is_some() {
        let enrolled = portal.signer.enrolments(&user.id).await?;
        if !enrolled.knows(&user.actor(), &signature.credential) {
            return Err(PortalError::PasskeyNotEnrolled);
        }
    }
    passkeys::verify(&portal.db, Some(&user.id), &signature, (&challenge, &portal.desk), now).await?;
    // Two at the same moment: one of them finds it gone.
    let take = sqlx::query("delete from pending_act where id = $1").bind(posted.one("act"));
    if take.execute(portal.db.pool()).await?.rows_affected() == 0 {
        return Err(PortalError::PendingAct);
    }
    Ok((record, signature))
}

/// The assertion that a form carries, or, in the demo and on its button, one by the software authenticator.
pub(crate) fn signature(
    portal: &Portal,
    user: &UserId,
    posted: &Posted,
    (challenge, party): (&Challenge, &RelyingParty),
) -> Result<ActSignature, PortalError> {
    match &portal.demo {
        Some(demo) if posted.one("demo") == "yes" => Ok(demo.assert(user, challenge, party)),
        _ => assertion(posted),
    }
}

/// The assertion that a form carries.
pub(crate) fn assertion(posted: &Posted) -> Result<ActSignature, PortalError> {
    let part = |name| posted.one(name).parse::<Base64Url>().map_err(PortalError::Passkey);
    Ok(ActSignature {
        credential: part("credential")?,
        authenticator_data: part("authenticator_data")?,
        client_data: part("client_data")?,
        signature: part("signature")?,
    })
}

fn challenge(hash: &str) -> Result<Challenge, PortalError> {
    hex::decode(hash).ok().and_then(|bytes| bytes.try_into().ok()).ok_or(PortalError::Stored)
}
