//! `sudare portal`: upkeep of the portal's database.

use anyhow::{Result, anyhow};
use review_portal::Database;

use crate::cli::{Portal, PortalDatabase};
use crate::lang::Lang;
use crate::output::{self, Outcome};
use crate::progress::Step;

pub(crate) fn run(arguments: Portal, lang: Lang) -> Result<Outcome> {
    let Portal::Rebuild { database } = arguments;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(rebuild(database, lang))
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
