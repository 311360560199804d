//! Acts on an application: each is one command, answered by going back to its page (303).

use axum::extract::State;
use axum::response::Redirect;
use policies::UserId;
use policies::application::{Ballot, Command, Decision};

use crate::access::{
    Accept, Acts, Allowed, Assign, Decide, DeclareConflict, OpenVoting, Pledge, Return, Submit, Vote, Withdraw,
};
use crate::accounts;
use crate::application::{Change, change};
use crate::error::PortalError;
use crate::form::Posted;
use crate::portal::Portal;

type Done = Result<Redirect, PortalError>;

async fn act<A: Acts>(portal: &Portal, allowed: &Allowed<A>, posted: &Posted, command: Command) -> Done {
    let state = change(portal, allowed, Change::new(command, posted.once())).await?;
    Ok(Redirect::to(&format!("/applications/{}", state.id)))
}

/// `POST …/submit`
pub(crate) async fn submit(allowed: Allowed<Submit>, State(portal): State<Portal>, posted: Posted) -> Done {
    act(&portal, &allowed, &posted, Command::Submit { at: portal.now() }).await
}

/// `POST …/withdraw`
pub(crate) async fn withdraw(allowed: Allowed<Withdraw>, State(portal): State<Portal>, posted: Posted) -> Done {
    act(&portal, &allowed, &posted, Command::Withdraw).await
}

/// `POST …/accept`
pub(crate) async fn accept(allowed: Allowed<Accept>, State(portal): State<Portal>, posted: Posted) -> Done {
    act(&portal, &allowed, &posted, Command::Accept).await
}

/// `POST …/return`: field `comment`.
pub(crate) async fn send_back(allowed: Allowed<Return>, State(portal): State<Portal>, posted: Posted) -> Done {
    let comment = posted.one("comment").trim().to_owned();
    act(&portal, &allowed, &posted, Command::Return(comment)).await
}

/// `POST …/assign`: field `reviewer`, several times. Organisations are the accounts'.
pub(crate) async fn assign(allowed: Allowed<Assign>, State(portal): State<Portal>, posted: Posted) -> Done {
    let mut reviewers = std::collections::BTreeMap::new();
    for name in posted.all("reviewer") {
        let user: UserId = name.parse().map_err(|_| PortalError::BadForm)?;
        let account = accounts::find(&portal.db, &user).await?.ok_or(PortalError::BadForm)?;
        reviewers.insert(account.id, account.organisation);
    }
    act(&portal, &allowed, &posted, Command::AssignReviewers(reviewers)).await
}

/// `POST …/conflict`
pub(crate) async fn declare_conflict(
    allowed: Allowed<DeclareConflict>,
    State(portal): State<Portal>,
    posted: Posted,
) -> Done {
    change(&portal, &allowed, Change::new(Command::DeclareConflict, posted.once())).await?;
    // The file closes to who declared a conflict: back to the list.
    Ok(Redirect::to("/applications"))
}

/// `POST …/voting`
pub(crate) async fn open_voting(allowed: Allowed<OpenVoting>, State(portal): State<Portal>, posted: Posted) -> Done {
    act(&portal, &allowed, &posted, Command::OpenVoting).await
}

/// `POST …/vote`: fields `ballot` (`for`, `against`) and `comment`.
pub(crate) async fn vote(allowed: Allowed<Vote>, State(portal): State<Portal>, posted: Posted) -> Done {
    let ballot: Ballot = posted.one("ballot").parse().map_err(|_| PortalError::BadForm)?;
    let comment = posted.one("comment").trim().to_owned();
    act(&portal, &allowed, &posted, Command::Vote { ballot, comment }).await
}

/// `POST …/decide`: fields `decision` (`granted`, `granted-with-conditions`, `deferred`, `rejected`) and `text`.
pub(crate) async fn conclude(allowed: Allowed<Decide>, State(portal): State<Portal>, posted: Posted) -> Done {
    let text = posted.one("text").trim().to_owned();
    let decision = match posted.one("decision") {
        "deferred" => Decision::Deferred { reason: text },
        "granted" => Decision::Granted {},
        "granted-with-conditions" => Decision::GrantedWithConditions { conditions: text },
        "rejected" => Decision::Rejected { reason: text },
        _ => return Err(PortalError::BadForm),
    };
    act(&portal, &allowed, &posted, Command::Decide(decision)).await
}

/// `POST …/pledge`: field `agree` = `yes`.
pub(crate) async fn pledge(allowed: Allowed<Pledge>, State(portal): State<Portal>, posted: Posted) -> Done {
    if posted.one("agree") != "yes" {
        return Err(PortalError::BadForm);
    }
    act(&portal, &allowed, &posted, Command::SignPledge).await
}
