//! `sudare portal`: upkeep of the portal's database.

use std::path::Path;

use anyhow::{Result, anyhow};
use policies::UserId;
use review_portal::{Database, accounts, contact};

use super::catalog::audit;
use crate::cli::{Portal, PortalDatabase};
use crate::clock;
use crate::lang::Lang;
use crate::output::{self, Misuse, Outcome};
use crate::progress::Step;

pub(crate) fn run(arguments: Portal, lang: Lang) -> Result<Outcome> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        match arguments {
            Portal::Contact { database, keys, user, mail, english } => {
                contact(database, &keys, &user, (mail.as_deref(), english), lang).await
            }
            Portal::Rebuild { database } => rebuild(database, lang).await,
            Portal::ResetFactors { database, keys, user, reason } => {
                reset(database, &keys, (&user, &reason), lang).await
            }
        }
    })
}

/// The account, which must be there: a misspelt name is the operator's, not the program's.
async fn known(database: &Database, user: &UserId, lang: Lang) -> Result<()> {
    match accounts::find(database, user).await? {
        Some(_) => Ok(()),
        None => Err(Misuse(lang.with("portal-no-account", &[("user", user.as_str())])).into()),
    }
}

async fn contact(
    database: PortalDatabase,
    keys: &Path,
    user: &UserId,
    contact: (Option<&str>, bool),
    lang: Lang,
) -> Result<Outcome> {
    let audit = audit(keys)?;
    let database = Database::open(&database.url()?).await?;
    known(&database, user, lang).await?;
    contact::set(&database, &audit, user, contact, clock::now()).await?;
    database.close().await;
    output::line(&lang.with("portal-contact-set", &[("user", user.as_str())]));
    Ok(Outcome::Done)
}

/// The code alone goes to standard output, what it is to standard error.
async fn reset(database: PortalDatabase, keys: &Path, (user, reason): (&UserId, &str), lang: Lang) -> Result<Outcome> {
    if reason.trim().is_empty() {
        return Err(Misuse(lang.text("portal-reason")).into());
    }
    let audit = audit(keys)?;
    let database = Database::open(&database.url()?).await?;
    known(&database, user, lang).await?;
    let handed = accounts::reset_factors(&database, &audit, user, reason, clock::now()).await?;
    database.close().await;
    let until = handed.until.to_string();
    output::note(&lang.with("portal-factors-reset", &[("user", user.as_str()), ("until", &until)]));
    output::line(handed.expose());
    output::note(&lang.text("portal-factors-enrolment"));
    Ok(Outcome::Done)
}

/// Rows that no event speaks of are a failure: they are what a change past the events leaves behind.
async fn rebuild(database: PortalDatabase, lang: Lang) -> Result<Outcome> {
    let database = Database::open(&database.url()?).await?;
    let step = Step::begin(&lang.text("portal-rebuild"), 0, "events");
    let rebuilt = review_portal::rebuild(&database, |done, of| {
        step.of(of);
        step.at(done);
    });
    let rebuilt = rebuilt.await?;
    step.end();
    database.close().await;
    let numbers = [
        ("streams", rebuilt.streams.to_string()),
        ("events", rebuilt.events.to_string()),
        ("corrected", rebuilt.corrected.to_string()),
    ];
    let numbers: Vec<_> = numbers.iter().map(|(name, number)| (*name, number.as_str())).collect();
    output::line(&lang.with("portal-rebuilt", &numbers));
    match rebuilt.without_events {
        0 => Ok(Outcome::Done),
        rows => Err(anyhow!(lang.with("portal-without-events", &[("rows", &rows.to_string())]))),
    }
}
