//! The second step: a passkey, a code by time, or a recovery code.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};

use super::{Goal, local, welcome};
use crate::accounts::User;
use crate::acts;
use crate::alerts;
use crate::attempts::{self, Guess, Turn};
use crate::error::PortalError;
use crate::factors::{Factor, Factors, passkeys, recovery, reset, totp};
use crate::form::Posted;
use crate::pages::act::Ask;
use crate::pages::page;
use crate::peer::Address;
use crate::portal::Portal;
use crate::record::Note;
use crate::visit::{Ceremony, Frame, Visit};

#[expect(clippy::struct_excessive_bools, reason = "each says whether one way is offered")]
#[derive(Template)]
#[template(path = "sign_in/second.html")]
struct SecondPage {
    frame: Frame,
    ask: Ask,
    passkeys: bool,
    totp: bool,
    recovery: bool,
    reset: bool,
    problem: Option<String>,
}

/// `GET /sign-in/second`
pub(crate) async fn second(
    mut visit: Visit,
    State(portal): State<Portal>,
    Query(goal): Query<Goal>,
) -> Result<Response, PortalError> {
    let Some(user) = visit.half.clone() else { return Ok(Redirect::to("/sign-in").into_response()) };
    visit.csrf().await?;
    form(&portal, &visit, (&user, local(&goal.next)), None).await
}

async fn form(
    portal: &Portal,
    visit: &Visit,
    (user, next): (&User, &str),
    problem: Option<&str>,
) -> Result<Response, PortalError> {
    let factors = Factors::of(&portal.db, &user.id).await?;
    let frame = visit.frame(portal);
    let problem = problem.map(|key| frame.say(key));
    let passkeys = passkeys::of(&portal.db, &user.id).await?;
    let credentials: Vec<String> = passkeys.iter().map(|passkey| passkey.credential.to_string()).collect();
    let ask = Ask {
        challenge: visit.challenge(Ceremony::SignIn, portal.now()).await?.to_string(),
        domain: portal.party.id.clone(),
        credentials: credentials.join(" "),
        next: next.to_owned(),
        demo: portal.demo.is_some(),
    };
    let (totp, recovery) = (factors.totp, factors.recovery_left > 0);
    let reset = factors.none() && factors.is_reset;
    page(&SecondPage { frame, ask, passkeys: !passkeys.is_empty(), totp, recovery, reset, problem })
}

/// `POST /sign-in/second`: fields `with` (`passkey`, `recovery`, `reset`, `totp`), `code` or the assertion, `next`.
pub(crate) async fn confirm(
    visit: Visit,
    State(portal): State<Portal>,
    Address(address): Address,
    posted: Posted,
) -> Result<Response, PortalError> {
    let user = visit.half.clone().ok_or(PortalError::NotSignedIn { next: None })?;
    let now = portal.now();
    let next = local(posted.one("next")).to_owned();
    let here = attempts::count(&portal.db, Guess::Address(&address), now).await?;
    let turn = attempts::count(&portal.db, Guess::SecondFactor(&user.id), now).await?;
    let (Turn::Go { .. }, Turn::Go { last }) = (here, turn) else {
        let page = form(&portal, &visit, (&user, &next), Some("sign-in.wait")).await?;
        return Ok((StatusCode::UNAUTHORIZED, page).into_response());
    };
    let problem = match given(&portal, &visit, &user, &posted).await {
        Ok(Some(Given::Reset)) => {
            attempts::forgive(&portal.db, Guess::SecondFactor(&user.id)).await?;
            attempts::forgive(&portal.db, Guess::Address(&address)).await?;
            visit.open_set_up().await?;
            return Ok(Redirect::to("/account/second-factor").into_response());
        }
        Ok(Some(Given::Factor(factor))) => {
            attempts::forgive(&portal.db, Guess::SecondFactor(&user.id)).await?;
            attempts::forgive(&portal.db, Guess::Address(&address)).await?;
            welcome(&portal, &visit, &user, (visit.institution.as_ref(), factor)).await?;
            if factor == Factor::Recovery {
                alerts::recovery_used(&portal, &user.id).await?;
                // Who is down to paper sets up something better.
                return Ok(Redirect::to("/account").into_response());
            }
            return Ok(Redirect::to(&next).into_response());
        }
        Ok(None) => "second.wrong".to_owned(),
        Err(PortalError::Passkey(error)) => error.code().replace("passkey/", "passkey-error."),
        Err(error) => return Err(error),
    };
    visit.count_try().await?;
    if last {
        // Whoever it was had the password.
        alerts::locked_out(&portal, &user.id, "second factor").await?;
    }
    Note::new(&user.id, "account:second-factor-refused", &user.id).append(&portal.audit, now).await?;
    Ok((StatusCode::UNAUTHORIZED, form(&portal, &visit, (&user, &next), Some(&problem)).await?).into_response())
}

/// What the form proves.
enum Given {
    Factor(Factor),
    /// The code that an operator handed over.
    Reset,
}

/// What the form proves, if it proves anything.
async fn given(portal: &Portal, visit: &Visit, user: &User, posted: &Posted) -> Result<Option<Given>, PortalError> {
    let now = portal.now();
    let (db, id) = (&portal.db, &user.id);
    let proved = match posted.one("with") {
        "passkey" => {
            let challenge = visit.take_challenge(Ceremony::SignIn, now).await?;
            let act = acts::signature(portal, id, posted, (&challenge, &portal.party))?;
            passkeys::verify(db, Some(id), &act, (&challenge, &portal.party), now).await?;
            Some(Factor::Passkey)
        }
        "reset" => {
            // While a factor is there it is that which counts.
            let fits = Factors::of(db, id).await?.none() && reset::fits(db, id, posted.one("code"), now).await?;
            return Ok(fits.then_some(Given::Reset));
        }
        "recovery" => recovery::redeem(db, id, posted.one("code"), now).await?.then_some(Factor::Recovery),
        "totp" => totp::check(db, &portal.factor_key, id, posted.one("code"), now).await?.then_some(Factor::Totp),
        _ => return Err(PortalError::BadForm),
    };
    Ok(proved.map(Given::Factor))
}
