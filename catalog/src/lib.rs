#![doc = include_str!("../README.md")]

pub mod added;
pub mod batch;
pub mod codes;
pub mod datasets;
pub mod encryption;
pub mod facility;
mod installed;
pub mod manifest;
pub mod person_key;
pub mod quality;
pub mod schema;
pub mod sealed;

pub use added::{AddedSource, AddedSourceError};
pub use batch::{BatchError, BatchManifest, SignedBatch};
pub use encryption::{DatasetKey, aad_prefix};
pub use installed::{InstallError, added_source, added_sources, install, policy, sources, tables};
pub use manifest::{Manifest, ManifestError, ReleaseId, ReleaseKind};
pub use person_key::{BucketCount, PersonKey, bucket_of};
pub use quality::Quality;
pub use schema::{
    Class, Column, ColumnType, HIDDEN_FACILITY, SOURCES, Table, content_schema, facility_facts_schema,
    person_facts_schema, person_source_schema, release_schema, table,
};
