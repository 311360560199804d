//! Tokens of the persons who stay out of the source, for the linkage zone: those of the holder's list, and those of the records
//! that it left out, by which other records of the same persons are found that the list alone does not name.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};

use super::people::People;
use crate::absent::{self, Tokens};
use crate::job::{PseudonymizeError, digest};
use crate::link;
use crate::spool::Facts;
use crate::tokens::KINDS;

/// Persons of one Arrow batch.
const ROWS: usize = 8192;

impl People<'_> {
    /// Writes the file, if the holder keeps a list, and adds to the token file's schema what it says of it: the signature over
    /// that file covers this one then. A refused kind tells nobody apart: tokens of it stand there only as somebody's own objection.
    pub(super) fn with_absent(
        &self,
        tokens: SchemaRef,
        refused: &[bool; KINDS],
    ) -> Result<SchemaRef, PseudonymizeError> {
        let (Some(persons), Some(changed_at)) = (self.absent.persons(), self.absent.changed_at()) else {
            return Ok(tokens);
        };
        let mut all: BTreeSet<Tokens> = persons.copied().collect();
        for bucket in 0..self.plan.buckets {
            for done in self.parts {
                for piece in done.part.facts(Facts::Absent, bucket, &self.folder.secrets().spool)? {
                    all.extend(absent::all(&piece).map(|tokens| admitted(tokens, refused)));
                }
            }
        }
        all.remove(&[None; KINDS]);
        // INVARIANT: in the order of the tokens, a list's persons and those found in the files cannot be told apart.
        let all: Vec<&Tokens> = all.iter().collect();
        let name = format!("tokens/{}", link::absent::FILE);
        let schema = Arc::new(Schema::new(absent::fields()));
        let mut file = self.writer(&name, schema, &self.job.link_to)?;
        for some in all.chunks(ROWS) {
            let rows = absent::rows(&file.schema, some).map(|rows| rows.columns().to_vec());
            file.write(rows)?;
        }
        file.file.finish()?;
        let digest = digest(&self.folder.path(&name))?;
        let mut metadata = tokens.metadata().clone();
        metadata.insert(link::absent::DIGEST.to_owned(), digest);
        metadata.insert(link::absent::CHANGED.to_owned(), changed_at.to_string());
        Ok(Arc::new(tokens.as_ref().clone().with_metadata(metadata)))
    }
}

fn admitted(tokens: Tokens, refused: &[bool; KINDS]) -> Tokens {
    let mut refused = refused.iter();
    tokens.map(|token| token.filter(|_| refused.next() == Some(&false)))
}
