//! What a run made of earlier persons: a line an event that names no key, and beside it, sealed to the enclave, which keys went into
//! which, so that whoever holds a crosswalk can say what became of a person of an earlier one.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray, UInt32Array, UInt64Array};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::record_batch::RecordBatch;
use jiff::Timestamp;
use policies::keys::SealRecipient;
use rand::Rng;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::absent::Turns;
use super::atoms::Kind;
use super::error::LinkError;
use super::keys::Event;
use super::report::LinkReport;
use crate::seal::BatchWriter;

/// Why persons changed, as a word for machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// New batches, lists or answers.
    Added,
    /// A batch was withdrawn.
    BatchForgotten,
    /// All batches were read again.
    Rebuilt,
    /// A source was forgotten.
    SourceForgotten,
}

impl Reason {
    fn code(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::BatchForgotten => "batch-forgotten",
            Self::Rebuilt => "rebuilt",
            Self::SourceForgotten => "source-forgotten",
        }
    }
}

/// The events of one run.
pub(crate) struct Events<'a> {
    pub(crate) at: Timestamp,
    pub(crate) run: u32,
    pub(crate) reason: Reason,
    /// Digest of the policy.
    pub(crate) policy: &'a str,
    pub(crate) persons: &'a [Event],
    pub(crate) turns: &'a Turns,
}

impl Events<'_> {
    /// One line each, and the SHA-256 over them, hexadecimal.
    pub(crate) fn lines(&self) -> (Vec<u8>, String) {
        let mut text = Vec::new();
        let mut rng = rand::rng();
        for event in self.persons.iter().map(Self::told).chain(self.turned()) {
            let mut line = json!({
                "at": self.at, "run": self.run, "id": format!("{:016x}", rng.next_u64()), "reason": self.reason.code(),
                "rules": self.policy,
            });
            if let (Some(line), Value::Object(event)) = (line.as_object_mut(), event) {
                line.extend(event);
            }
            text.extend_from_slice(format!("{line}\n").as_bytes());
        }
        let digest = hex::encode(Sha256::digest(&text));
        (text, digest)
    }

    fn told(event: &Event) -> Value {
        let names = |kinds: &BTreeSet<Kind>| kinds.iter().map(|kind| kind.name()).collect::<Vec<_>>();
        match event {
            Event::Born { persons, atoms } => json!({ "event": "born", "persons": persons, "atoms": atoms }),
            Event::Merged { persons, atoms, kinds, .. } => {
                json!({ "event": "merged", "persons": persons, "atoms": atoms, "kinds": names(kinds) })
            }
            Event::Retired { keys } => json!({ "event": "retired", "persons": keys.len() }),
            Event::Split { persons, atoms, kinds, .. } => {
                json!({ "event": "split", "persons": persons, "atoms": atoms, "kinds": names(kinds) })
            }
        }
    }

    fn turned(&self) -> impl Iterator<Item = Value> {
        let turns = [("retired", "opt-out", &self.turns.retired), ("restored", "opt-out ended", &self.turns.restored)];
        turns.into_iter().flat_map(|(event, reason, by_source)| {
            by_source.iter().map(move |(source, persons)| {
                json!({ "event": event, "reason": reason, "source": source, "persons": persons })
            })
        })
    }

    /// Writes which keys ended in which, if any did. `false` if there was nothing to write.
    pub(crate) fn seal(&self, path: &Path, to: &SealRecipient) -> Result<bool, LinkError> {
        let mut rows: Vec<(&str, u64, Option<u64>)> = Vec::new();
        for event in self.persons {
            match event {
                Event::Born { .. } => {}
                Event::Merged { from, to, .. } => rows.extend(from.iter().map(|from| ("merged", *from, Some(*to)))),
                Event::Retired { keys } => rows.extend(keys.iter().map(|key| ("retired", *key, None))),
                Event::Split { from, to, .. } => rows.extend(to.iter().map(|to| ("split", *from, Some(*to)))),
            }
        }
        if rows.is_empty() {
            return Ok(false);
        }
        rows.sort_unstable();
        let schema = Arc::new(Schema::new(vec![
            Field::new("run", DataType::UInt32, false),
            Field::new("event", DataType::Utf8, false),
            Field::new("from_key", DataType::UInt64, false),
            Field::new("to_key", DataType::UInt64, true),
            Field::new("reason", DataType::Utf8, false),
        ]));
        let columns: Vec<ArrayRef> = vec![
            Arc::new(UInt32Array::from(vec![self.run; rows.len()])),
            Arc::new(StringArray::from_iter_values(rows.iter().map(|row| row.0))),
            Arc::new(UInt64Array::from_iter_values(rows.iter().map(|row| row.1))),
            Arc::new(rows.iter().map(|row| row.2).collect::<UInt64Array>()),
            Arc::new(StringArray::from_iter_values(rows.iter().map(|_| self.reason.code()))),
        ];
        let batch = RecordBatch::try_new(Arc::clone(&schema), columns).map_err(LinkError::Arrow)?;
        let mut writer = BatchWriter::create(path, &schema, to).map_err(LinkError::seal)?;
        writer.write(&batch).map_err(LinkError::seal)?;
        writer.finish().map_err(LinkError::seal)?;
        Ok(true)
    }

    /// Counts them in the report.
    pub(crate) fn count(&self, report: &mut LinkReport) {
        (report.born, report.merged, report.split) = (0, 0, 0);
        for event in self.persons {
            match event {
                Event::Born { persons, .. } => report.born += persons,
                Event::Merged { .. } => report.merged += 1,
                Event::Retired { .. } => {}
                Event::Split { .. } => report.split += 1,
            }
        }
    }
}
