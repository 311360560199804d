//! Setting up factors: by who is signed in, or by who gave the password and has none yet.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use policies::passkey::{Base64Url, Registration, verify_registration};
use sha2::{Digest, Sha256};

use crate::accounts::{self, User};
use crate::alerts;
use crate::attempts::{self, Guess, Turn};
use crate::error::PortalError;
use crate::factors::{Factor, Factors, passkeys, recovery, reset, totp};
use crate::form::Posted;
use crate::pages::page;
use crate::pages::sign_in::welcome;
use crate::portal::Portal;
use crate::visit::{Ceremony, Frame, Visit};

/// The longest name of a passkey.
const LABEL_MAX: usize = 60; // letters

#[derive(Template)]
#[template(path = "account/second_factor.html")]
struct SetUpPage {
    frame: Frame,
    first: bool,
    totp: totp::SetUp,
    make: Make,
    problem: Option<String>,
}

/// What a form asks of a new passkey.
struct Make {
    challenge: String,
    domain: String,
    credentials: String,
    user: String,
    user_id: String,
    demo: bool,
}

#[derive(Template)]
#[template(path = "account/codes.html")]
struct CodesPage {
    frame: Frame,
    codes: Vec<String>,
}

/// Who may set up a factor. `first`: there is none yet, and the session is open by half.
async fn who(portal: &Portal, visit: &Visit) -> Result<(User, bool), PortalError> {
    match (visit.user(), &visit.half) {
        (Some(user), _) => Ok((user.clone(), false)),
        // Who has a factor gives it before another one is added; whose factors were ended, the code that was handed over.
        (None, Some(user)) => {
            let factors = Factors::of(&portal.db, &user.id).await?;
            let may = factors.none() && (!factors.is_reset || visit.may_set_up().await?);
            if may { Ok((user.clone(), true)) } else { Err(PortalError::NotSignedIn { next: None }) }
        }
        _ => Err(PortalError::NotSignedIn { next: None }),
    }
}

/// `GET /account/second-factor`
pub(crate) async fn set_up(mut visit: Visit, State(portal): State<Portal>) -> Result<Response, PortalError> {
    let Ok((user, first)) = who(&portal, &visit).await else { return Ok(Redirect::to("/sign-in").into_response()) };
    visit.csrf().await?;
    form(&portal, &visit, (&user, first), None).await
}

async fn form(
    portal: &Portal,
    visit: &Visit,
    (user, first): (&User, bool),
    problem: Option<&str>,
) -> Result<Response, PortalError> {
    let frame = visit.frame(portal);
    let problem = problem.map(|key| frame.say(key));
    let known = passkeys::of(&portal.db, &user.id).await?;
    let credentials: Vec<String> = known.iter().map(|passkey| passkey.credential.to_string()).collect();
    let make = Make {
        challenge: visit.challenge(Ceremony::Register, portal.now()).await?.to_string(),
        domain: portal.party.id.clone(),
        credentials: credentials.join(" "),
        user: user.id.to_string(),
        // A handle that tells a found device nothing (WebAuthn Level 3, §14.6.1).
        user_id: Base64Url::of(Sha256::digest(format!("sudare user\0{}", user.id)).as_slice()).to_string(),
        demo: portal.demo.is_some(),
    };
    let totp = totp::begin(&portal.db, &portal.factor_key, &user.id).await?;
    page(&SetUpPage { frame, first, totp, make, problem })
}

/// `POST /account/totp`: field `code`, the first one of the new secret.
pub(crate) async fn take_totp(
    visit: Visit,
    State(portal): State<Portal>,
    posted: Posted,
) -> Result<Response, PortalError> {
    let (user, first) = who(&portal, &visit).await?;
    let now = portal.now();
    let refused = async |problem| {
        let page = form(&portal, &visit, (&user, first), Some(problem)).await?;
        Ok((StatusCode::BAD_REQUEST, page).into_response())
    };
    if attempts::count(&portal.db, Guess::SecondFactor(&user.id), now).await? == Turn::Wait {
        return refused("sign-in.wait").await;
    }
    let mut work = portal.db.begin().await?;
    if !totp::confirm(&mut work, &portal.factor_key, &user.id, posted.one("code"), now).await? {
        drop(work);
        return refused("second.wrong").await;
    }
    alerts::factor_changed(&portal, &mut work, &user.id, "totp").await?;
    work.commit().await?;
    attempts::forgive(&portal.db, Guess::SecondFactor(&user.id)).await?;
    added(&portal, &visit, (&user, first), Factor::Totp).await
}

/// `POST /account/passkey`: fields `client_data`, `attestation` (base64url), `label`; or `demo`.
pub(crate) async fn add_passkey(
    visit: Visit,
    State(portal): State<Portal>,
    posted: Posted,
) -> Result<Response, PortalError> {
    let (user, first) = who(&portal, &visit).await?;
    let now = portal.now();
    let challenge = visit.take_challenge(Ceremony::Register, now).await?;
    let registration = match &portal.demo {
        Some(demo) if posted.one("demo") == "yes" => demo.register(&user.id, &challenge, &portal.party),
        _ => Registration {
            client_data: posted.one("client_data").parse()?,
            attestation: posted.one("attestation").parse()?,
        },
    };
    let registered = verify_registration(&registration, &challenge, &portal.party)?;
    let label: String = posted.one("label").trim().chars().take(LABEL_MAX).collect();
    passkeys::add(&portal.db, &portal.audit, &user.id, (&registered, &label), now).await?;
    let mut work = portal.db.begin().await?;
    alerts::factor_changed(&portal, &mut work, &user.id, "passkey").await?;
    work.commit().await?;
    added(&portal, &visit, (&user, first), Factor::Passkey).await
}

/// After a new factor: the first one opens the session, and who has no codes on paper gets some.
async fn added(
    portal: &Portal,
    visit: &Visit,
    (user, first): (&User, bool),
    factor: Factor,
) -> Result<Response, PortalError> {
    if first {
        let mut work = portal.db.begin().await?;
        reset::finish(&mut work, &user.id).await?;
        work.commit().await?;
        welcome(portal, visit, user, (visit.institution.as_ref(), factor)).await?;
    }
    if Factors::of(&portal.db, &user.id).await?.recovery_left == 0 {
        return codes(portal, visit, user).await;
    }
    Ok(Redirect::to("/account").into_response())
}

/// `POST /account/recovery`
pub(crate) async fn renew_codes(
    visit: Visit,
    State(portal): State<Portal>,
    _posted: Posted,
) -> Result<Response, PortalError> {
    let user = visit.user().cloned().ok_or(PortalError::NotSignedIn { next: None })?;
    codes(&portal, &visit, &user).await
}

/// Fresh codes, on the answer itself and nowhere else: they are kept as hashes only.
async fn codes(portal: &Portal, visit: &Visit, user: &User) -> Result<Response, PortalError> {
    let mut work = portal.db.begin().await?;
    let codes = recovery::renew(&mut work, &user.id).await?;
    alerts::factor_changed(portal, &mut work, &user.id, "recovery codes").await?;
    work.commit().await?;
    page(&CodesPage { frame: visit.frame(portal), codes })
}

/// `POST /account/passkey/remove`: field `credential`. The last factor stays.
pub(crate) async fn remove_passkey(
    visit: Visit,
    State(portal): State<Portal>,
    posted: Posted,
) -> Result<Redirect, PortalError> {
    let user = visit.user().cloned().ok_or(PortalError::NotSignedIn { next: None })?;
    let credential: Base64Url = posted.one("credential").parse()?;
    let factors = Factors::of(&portal.db, &user.id).await?;
    if !factors.totp && factors.passkeys < 2 {
        return Err(PortalError::Forbidden);
    }
    let mut work = portal.db.begin().await?;
    if !passkeys::remove(&mut work, &user.id, &credential).await? {
        return Err(PortalError::NotFound);
    }
    alerts::factor_changed(&portal, &mut work, &user.id, "passkey removed").await?;
    // Who has the lost device may have a session, too.
    let now = portal.now();
    accounts::end_sessions(&mut work, &user.id, now).await?;
    work.commit().await?;
    visit.reopen(now).await?;
    Ok(Redirect::to("/account"))
}
