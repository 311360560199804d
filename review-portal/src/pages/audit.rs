//! The portal's audit chain, for the auditor.

use std::path::PathBuf;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use policies::audit;
use serde::Deserialize;

use crate::access::{Allowed, AuditReading};
use crate::dates::{self, Moment};
use crate::error::PortalError;
use crate::language::Language;
use crate::pages::page;
use crate::portal::Portal;
use crate::visit::Frame;

const ENTRIES_ON_PAGE: usize = 200;

#[derive(Template)]
#[template(path = "audit/list.html")]
struct ListPage {
    frame: Frame,
    whole: bool,
    total: usize,
    lines: Vec<Line>,
    earlier: Option<u64>,
}

struct Line {
    seq: u64,
    at: Moment,
    actor: String,
    action: String,
    object: String,
    detail: String,
    hash: String,
}

/// Which part of the chain.
#[derive(Deserialize)]
pub(crate) struct Part {
    /// Entries before this number only.
    before: Option<u64>,
}

/// `GET /audit`: the latest entries first, with whether the chain is whole. Reading is recorded too.
pub(crate) async fn list(
    allowed: Allowed<AuditReading>,
    State(portal): State<Portal>,
    Query(part): Query<Part>,
) -> Result<Response, PortalError> {
    let note = crate::record::Note::new(&allowed.user.id, "audit:read", "portal");
    note.append(&portal.audit, portal.now()).await?;
    let folder = portal.audit_folder.clone();
    let (whole, entries) = tokio::task::spawn_blocking(move || read(&folder)).await.map_err(PortalError::task)??;
    let before = part.before.unwrap_or(u64::MAX);
    let total = entries.len();
    let shown = entries.into_iter().rev().filter(|entry| entry.seq < before).take(ENTRIES_ON_PAGE);
    let lines: Vec<Line> = shown.map(|entry| line(entry, allowed.visit.language)).collect();
    let earlier = lines.last().map(|line| line.seq).filter(|seq| *seq > 1);
    page(&ListPage { frame: allowed.visit.frame(&portal), whole, total, lines, earlier })
}

fn read(folder: &PathBuf) -> Result<(bool, Vec<audit::Entry>), PortalError> {
    let report = audit::verify(std::slice::from_ref(folder)).map_err(PortalError::Audit)?;
    Ok((report.whole(), audit::read(folder).map_err(PortalError::Audit)?))
}

fn line(entry: audit::Entry, language: Language) -> Line {
    let detail: Vec<_> = entry.detail.iter().map(|(name, value)| format!("{name}={value}")).collect();
    Line {
        seq: entry.seq,
        at: dates::at(entry.at, language),
        actor: entry.actor,
        action: entry.action,
        object: entry.object,
        detail: detail.join(" "),
        hash: entry.hash.chars().take(12).collect(),
    }
}
