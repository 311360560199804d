#![doc = include_str!("../README.md")]

pub mod codes;
pub mod datasets;
pub mod encryption;
pub mod facility;
pub mod manifest;
pub mod person_key;
pub mod schema;
pub mod sealed;

pub use encryption::{DatasetKey, aad_prefix};
pub use manifest::{Manifest, ManifestError, ReleaseId};
pub use person_key::{BucketCount, PersonKey, bucket_of};
pub use schema::{
    Class, Column, ColumnType, HIDDEN_FACILITY, SOURCES, Table, content_schema, facility_facts_schema,
    person_facts_schema, person_source_schema, release_schema, table, tables,
};
