//! Changes of a workspace in two steps: prepared while the query runs, and made visible after the audit log has them.

use std::sync::{Mutex, PoisonError};

use arrow::datatypes::Schema;
use jiff::Timestamp;
use policies::Permit;

use super::manifest::{Content, Header, Manifest, Partial, Unpublished, View, retire};
use super::{KEPT_FOR, Scope, Sources, TableWriter, Workspace, charged, failed, seal};
use crate::error::QueryError;

/// What is left to do, once.
type Step = Box<dyn FnOnce() -> Result<(), QueryError> + Send>;

/// A change that waits for its entry in the audit log.
pub(crate) struct Publication {
    /// What the audit log calls it.
    pub(crate) action: &'static str,
    /// The object's whole name.
    pub(crate) object: String,
    step: Mutex<Option<Step>>,
}

impl Publication {
    /// `action`: `work:created` or `work:dropped`.
    pub(crate) fn new(action: &'static str, name: &str) -> Self {
        Self { action, object: format!("work.{name}"), step: Mutex::new(None) }
    }

    /// What the statement prepared.
    pub(crate) fn prepare(&self, step: impl FnOnce() -> Result<(), QueryError> + Send + 'static) {
        *self.step.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(step));
    }

    /// Makes it visible. Waits for the disk.
    pub(crate) fn publish(&self) -> Result<(), QueryError> {
        let step = self.step.lock().unwrap_or_else(PoisonError::into_inner).take();
        step.ok_or(QueryError::Workspace)?()
    }
}

impl Workspace {
    /// A writer for the rows of a new table.
    pub(crate) fn writer(
        &self,
        (permit, sources): (&Permit, &Sources),
        name: &str,
        now: Timestamp,
    ) -> Result<TableWriter, QueryError> {
        let partial = Partial::create(&self.folder, seal::fresh_id()).map_err(|error| failed(&error))?;
        let secret = self.key.of_files(&partial.id);
        let room = self.all.bytes_max.saturating_sub(charged(&self.objects(now)));
        Ok(TableWriter::new(partial, header(permit, sources, name, now)?, secret, room))
    }

    /// A new view.
    pub(crate) fn view(
        &self,
        (permit, sources): (&Permit, &Sources),
        (name, sql): (&str, String),
        schema: &Schema,
        now: Timestamp,
    ) -> Result<Unpublished, QueryError> {
        let header = header(permit, sources, name, now)?;
        let view = View::new(sql, schema).ok_or(QueryError::Workspace)?;
        let partial = Partial::create(&self.folder, seal::fresh_id()).map_err(|error| failed(&error))?;
        Ok(Unpublished { partial, manifest: Manifest::new(header, Content::View(view)) })
    }

    /// Makes an object visible, if nobody has taken its name or the last place since it was begun.
    pub(crate) fn publish(&self, object: Unpublished, now: Timestamp) -> Result<(), QueryError> {
        let _changing = self.changing();
        let objects = self.objects(now);
        let taken = objects.iter().any(|other| other.manifest.name == object.manifest.name);
        if taken || objects.len() >= super::OBJECTS_MAX {
            return Err(QueryError::WorkspaceFull);
        }
        object.appear(&self.folder, &self.key)
    }

    /// Takes an object away.
    pub(crate) fn drop_object(&self, name: &str, view: bool, now: Timestamp) -> Result<(), QueryError> {
        let _changing = self.changing();
        let objects = self.objects(now);
        let is = |object: &&super::Object| object.manifest.name == name && object.manifest.content.is_view() == view;
        let found = objects.iter().find(is).ok_or(QueryError::Workspace)?;
        retire(&found.folder);
        if found.folder.is_dir() { Err(QueryError::Workspace) } else { Ok(()) }
    }
}

fn header(permit: &Permit, sources: &Sources, name: &str, now: Timestamp) -> Result<Header, QueryError> {
    Ok(Header {
        project: permit.project.clone(),
        permit: permit.id.to_string(),
        name: name.to_owned(),
        created_at: now,
        expires_at: now.checked_add(KEPT_FOR).map_err(|_| QueryError::Workspace)?,
        scope: Scope::of(permit, sources).ok_or(QueryError::Workspace)?,
    })
}
