//! A planned table and the columns that it gave on dummy data: for who writes it, and for who judges it.

use policies::application::{Command, Content, Shell, Trial};

use crate::access::{Allowed, Edit};
use crate::application::{Change, change, content_head, records};
use crate::error::PortalError;
use crate::portal::Portal;
use crate::visit::Frame;
use crate::workbench::trial;

/// A shell's columns in words, and whether they are those of its query.
pub(crate) struct Columns {
    pub(crate) trial: Trial,
    /// Name and type.
    pub(crate) columns: Vec<(String, String)>,
}

impl Columns {
    pub(crate) fn of(frame: &Frame, shell: &Shell) -> Self {
        let column = |text: &String| match text.rsplit_once(' ') {
            Some((name, kind)) => (name.to_owned(), frame.say_of("type", kind)),
            None => (text.clone(), String::new()),
        };
        Self { trial: shell.trial(), columns: shell.columns.iter().map(column).collect() }
    }

    /// What is to be known of them, in a sentence.
    pub(crate) fn word(&self, frame: &Frame) -> String {
        frame.say_of("draft.shell", self.trial.as_str())
    }

    /// Whether the columns are not those of the query.
    pub(crate) fn is_open(&self) -> bool {
        self.trial != Trial::Current
    }
}

/// Why a shell did not run: which one, and the sentences for its field.
pub(super) struct Failure {
    pub(super) at: usize,
    pub(super) words: String,
}

/// Runs a shell of the saved content on dummy data and keeps its columns. The content is saved before, so nothing is lost by it.
pub(super) async fn attempt(
    portal: &Portal,
    allowed: &Allowed<Edit>,
    content: &Content,
    at: usize,
) -> Result<Option<Failure>, PortalError> {
    let frame = allowed.visit.frame(portal);
    let Some(shell) = content.shells.get(at).filter(|shell| !shell.sql.trim().is_empty()) else { return Ok(None) };
    let head = content_head(&records(portal.db.pool(), &allowed.application()?.id).await?);
    match trial::columns(portal, allowed, &shell.sql).await? {
        Err(refusal) => {
            let (message, hint) = frame.language.engine_refusal(&refusal);
            let words = format!("{} {message} {hint} ({})", frame.say("draft.shell.failed"), refusal.code);
            Ok(Some(Failure { at, words }))
        }
        Ok(columns) => {
            let mut content = content.clone();
            if let Some(shell) = content.shells.get_mut(at) {
                shell.tried = Shell::digest(&shell.sql);
                shell.columns = columns;
            }
            let keeping = Change { base: Some(head), ..Change::new(Command::Edit { content }, None) };
            change(portal, allowed, keeping).await?;
            Ok(None)
        }
    }
}
