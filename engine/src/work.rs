//! Workspace tables: row-level results that a project keeps inside the enclave between two statements, encrypted, in the order
//! of the person key like a release. Nothing of theirs is visible but veiled cells, and only under the scope they were made in.
//!
//! A folder a project, a folder an object: bucket files and a sealed manifest, or the sealed manifest alone for a view. Keys are
//! derived from the enclave's for each project and object, so that nothing can be put in another's place.

mod manifest;
mod publish;
mod scope;
mod seal;
mod table;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use datafusion::datasource::empty::EmptyTable;
use jiff::{SignedDuration, Timestamp};
use policies::keys::SecretBytes;
use policies::{Permit, ProjectId};
use serde::{Deserialize, Serialize};

pub(crate) use manifest::Unpublished;
pub(crate) use publish::Publication;
pub(crate) use scope::{Scope, Sources};
pub(crate) use table::TableWriter;

use crate::error::{QueryError, Refusal, rules};
use crate::guard::kept::KeptRows;
use crate::relations::RelationKind;
use crate::tables::{Granted, GrantedTable};
use manifest::{Content, Manifest};
use seal::ProjectKey;

/// Tables and views of a project at most: a study has some steps, not a warehouse.
const OBJECTS_MAX: usize = 20;
/// How long a table or view is kept: a month's work; then it is made again from the release, by a query in the audit log.
const KEPT_FOR: SignedDuration = SignedDuration::from_hours(30 * 24);

/// What is known of a workspace table's rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Kept {
    /// What the guard knew.
    pub(crate) rows: KeptRows,
    /// What the plan that made it is known by in the ledger: another plan under the same name is another question.
    pub(crate) prints: Prints,
    /// What was read for it.
    pub(crate) sources: Sources,
}

/// SHA-256 of a plan, and of the plan without its literals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Prints {
    pub(crate) plan: [u8; 32],
    pub(crate) shape: [u8; 32],
}

/// What an object of the workspace is to a session.
#[derive(Clone, Debug)]
pub(crate) enum KeptAs {
    /// Rows.
    Table(Arc<Kept>),
    /// The text of a query.
    View(Arc<str>),
}

/// The workspaces of all projects.
pub(crate) struct Workspaces {
    folder: PathBuf,
    key: SecretBytes,
    bytes_max: u64,
    /// Held while a list of objects is changed.
    changing: Mutex<()>,
}

impl Workspaces {
    /// `key`: the enclave's; others are derived from it. Clears what an earlier run left unfinished.
    pub(crate) fn open(folder: PathBuf, key: SecretBytes, bytes_max: u64) -> Self {
        for project in subfolders(&folder) {
            for object in subfolders(&project).into_iter().filter(|object| manifest::is_partial(object)) {
                remove(&object);
            }
        }
        Self { folder, key, bytes_max, changing: Mutex::new(()) }
    }

    /// The workspace of one project, as a permit shows it.
    pub(crate) fn of(self: &Arc<Self>, permit: &Permit) -> Workspace {
        let key = ProjectKey::of(&self.key, &permit.project);
        let folder = self.folder.join(seal::folder_name(permit.project.as_str()));
        Workspace { all: Arc::clone(self), key, folder, project: permit.project.clone() }
    }
}

/// One project's.
#[derive(Clone)]
pub(crate) struct Workspace {
    all: Arc<Workspaces>,
    key: ProjectKey,
    folder: PathBuf,
    project: ProjectId,
}

/// An object on disk whose manifest is believed.
struct Object {
    folder: PathBuf,
    manifest: Manifest,
}

impl Workspace {
    /// What a permit sees of it now. What has expired is removed; what is not believed is told and not shown.
    pub(crate) fn granted(&self, permit: &Permit, now: Timestamp) -> Vec<Granted> {
        let objects = self.objects(now);
        objects.iter().filter(|object| object.manifest.scope.is_within(permit)).filter_map(|o| self.shown(o)).collect()
    }

    fn shown(&self, object: &Object) -> Option<Granted> {
        let name = format!("work.{}", object.manifest.name);
        let shown = match &object.manifest.content {
            Content::Table(table) => table.stored(&object.folder, &self.key).and_then(|stored| {
                let provider = GrantedTable::new(Arc::new(stored), |_| true, &[]).ok()?;
                let kept = Some(KeptAs::Table(Arc::new(table.kept.clone())));
                Some(Granted { name, provider: Arc::new(provider), kind: RelationKind::Rows, kept, rows: None })
            }),
            Content::View(view) => view.schema().map(|schema| {
                let kept = Some(KeptAs::View(Arc::from(view.sql.as_str())));
                Granted {
                    name,
                    provider: Arc::new(EmptyTable::new(schema)),
                    kind: RelationKind::Rows,
                    kept,
                    rows: None,
                }
            }),
        };
        if shown.is_none() {
            tracing::error!("files of a workspace table are not what was written; it is not shown");
        }
        shown
    }

    /// Whether another object of that name may be made.
    pub(crate) fn has_room_for(&self, name: &str, now: Timestamp) -> Result<(), Refusal> {
        let objects = self.objects(now);
        if objects.iter().any(|object| object.manifest.name == name) {
            return Err(Refusal::of(&rules::WORK_EXISTS));
        }
        let full = objects.len() >= OBJECTS_MAX || charged(&objects) >= self.all.bytes_max;
        if full { Err(Refusal::of(&rules::WORK_FULL)) } else { Ok(()) }
    }

    /// Whether there is a table, or a view, of that name.
    pub(crate) fn has(&self, name: &str, view: bool, now: Timestamp) -> Result<(), Refusal> {
        let is = |object: &Object| object.manifest.name == name && object.manifest.content.is_view() == view;
        let found = self.objects(now).iter().any(is);
        if found { Ok(()) } else { Err(Refusal::of(&rules::NO_SUCH_TABLE)) }
    }

    /// All objects that are believed and have not expired.
    fn objects(&self, now: Timestamp) -> Vec<Object> {
        let mut objects = Vec::new();
        for folder in subfolders(&self.folder).into_iter().filter(|folder| !manifest::is_partial(folder)) {
            match Manifest::open(&folder, &self.key, &self.project) {
                Some(manifest) if manifest.expires_at <= now => {
                    manifest::retire(&folder);
                    tracing::info!("a workspace table has expired and was removed");
                }
                Some(manifest) => objects.push(Object { folder, manifest }),
                None => tracing::error!("a workspace manifest does not open with the project's key; it is not shown"),
            }
        }
        objects.sort_by(|a, b| a.manifest.name.cmp(&b.manifest.name));
        objects
    }

    fn changing(&self) -> std::sync::MutexGuard<'_, ()> {
        self.all.changing.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Bytes that count against the quota.
fn charged(objects: &[Object]) -> u64 {
    objects.iter().fold(0, |sum, object| sum.saturating_add(object.manifest.content.charged()))
}

/// A failure of the disk or of a key: told to the operator, one sentence to all others.
fn failed(error: &(impl std::error::Error + ?Sized)) -> QueryError {
    tracing::error!(problem = %error, "the workspace cannot be read or written");
    QueryError::Workspace
}

fn subfolders(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect()
}

fn remove(folder: &Path) {
    if let Err(error) = std::fs::remove_dir_all(folder) {
        tracing::error!(problem = %error, "a workspace folder cannot be removed");
    }
}
