//! What this process knows: the sources that are built in, and those that were installed at its start.

use std::sync::OnceLock;

use policies::SourcePolicy;

use crate::added::{self, AddedSource, AddedSourceError};
use crate::schema::{self, SOURCES, Table};

/// Why the sources were not installed.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// The catalog has been read, or sources have been installed before.
    #[error("sources are added once, at the start of a process, before anything reads the catalog")]
    Late,
    /// Two of the sources have one name.
    #[error(transparent)]
    Sources(AddedSourceError),
}

/// Adds `sources` for the rest of the process. Whoever reads the catalog later sees them; a second or a late call is refused.
pub fn install(sources: Vec<AddedSource>) -> Result<(), InstallError> {
    let known = Known::with(sources).map_err(InstallError::Sources)?;
    KNOWN.set(known).map_err(|_| InstallError::Late)
}

/// All sources in the order that settles ties in `person`: those built in, then the added ones by name.
pub fn sources() -> &'static [&'static str] {
    static NAMES: OnceLock<Vec<&'static str>> = OnceLock::new();
    NAMES.get_or_init(|| SOURCES.into_iter().chain(known().added.iter().map(AddedSource::id)).collect())
}

/// The added sources, by name.
pub fn added_sources() -> &'static [AddedSource] {
    &known().added
}

/// The added source of that name.
pub fn added_source(id: &str) -> Option<&'static AddedSource> {
    added_sources().iter().find(|source| source.id() == id)
}

/// What holds for a source, built in or added.
pub fn policy(source: &str) -> Option<SourcePolicy> {
    match added_source(source) {
        Some(added) => Some(added.policy().clone()),
        None => SourcePolicy::built_in(source).ok(),
    }
}

/// All tables: those of schema.md in its order, then those of added sources.
pub fn tables() -> &'static [Table] {
    &known().tables
}

struct Known {
    added: Vec<AddedSource>,
    tables: Vec<Table>,
}

impl Known {
    fn with(mut added: Vec<AddedSource>) -> Result<Self, AddedSourceError> {
        added::in_order(&mut added)?;
        let mut tables = schema::built_in();
        tables.extend(added.iter().flat_map(AddedSource::tables).cloned());
        Ok(Self { added, tables })
    }

    fn built_in() -> Self {
        Self { added: Vec::new(), tables: schema::built_in() }
    }
}

static KNOWN: OnceLock<Known> = OnceLock::new();

fn known() -> &'static Known {
    KNOWN.get_or_init(Known::built_in)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::added::tests::{REGISTRY, registry};

    #[test]
    fn added_tables_come_after_those_that_are_built_in() {
        let zoster = registry(&REGISTRY.replace("registry", "zoster")).unwrap();
        let known = Known::with(vec![zoster.clone(), registry(REGISTRY).unwrap()]).unwrap();
        let names: Vec<_> = known.tables.iter().rev().take(4).map(|table| table.name.as_str()).collect();
        assert_eq!(names, ["zoster.contacts", "zoster.cases", "registry.contacts", "registry.cases"]);
        assert_eq!(known.tables.len(), schema::built_in().len() + 4);
        assert!(matches!(Known::with(vec![zoster.clone(), zoster]), Err(AddedSourceError::Twice { .. })));
    }

    #[test]
    fn a_catalog_that_was_read_takes_no_source() {
        let before = tables().len();
        assert!(matches!(install(vec![registry(REGISTRY).unwrap()]), Err(InstallError::Late)));
        assert_eq!(tables().len(), before);
        assert_eq!(sources(), SOURCES);
        assert!(policy("registry").is_none() && policy("ndb").is_some());
    }
}
