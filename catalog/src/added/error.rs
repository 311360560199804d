//! Why a file of an added source is refused: which file, table and column, and what is allowed there.

use std::io;
use std::path::PathBuf;

use policies::SourceId;

/// Why a source cannot be added.
#[derive(Debug, thiserror::Error)]
pub enum AddedSourceError {
    /// A column that is not allowed.
    #[error("{}, table {table}, column {column}: {fault}", path.display())]
    Column {
        /// The file.
        path: PathBuf,
        /// Which table.
        table: String,
        /// Which column.
        column: String,
        /// What is wrong.
        fault: ColumnFault,
    },
    /// A folder without a source.
    #[error("{} holds no source: no file in it ends in .toml", path.display())]
    Empty {
        /// The folder.
        path: PathBuf,
    },
    /// Not TOML, a key that is missing or unknown, a value of another type.
    #[error("{}, line {line}: {}", path.display(), .what.replace('\n', " "))]
    Form {
        /// The file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// What the parser said; it names the keys that are allowed.
        what: String,
    },
    /// The file or folder cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// Where.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// The source itself.
    #[error("{}, [source]: {fault}", path.display())]
    Source {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        fault: SourceFault,
    },
    /// A table that is not allowed.
    #[error("{}, table {table}: {fault}", path.display())]
    Table {
        /// The file.
        path: PathBuf,
        /// Which table.
        table: String,
        /// What is wrong.
        fault: TableFault,
    },
    /// Two files of one name.
    #[error("{} names the source {id}, which {} names too; each source has one file", path.display(), other.display())]
    Twice {
        /// The file.
        path: PathBuf,
        /// The other file.
        other: PathBuf,
        /// Which source.
        id: SourceId,
    },
}

/// What is wrong with a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourceFault {
    /// A bound that cannot be kept.
    #[error("max_quarantine_share is a share from 0 to 1, admission_max_multiplicity 1 at least")]
    Bounds,
    /// A name with a meaning of its own.
    #[error(
        "this id is taken; choose another than ndb, ltc, dpc, ehr, person, facility, code, work, truth, public and the names of zones"
    )]
    Taken,
    /// No table.
    #[error("a source has at least one [[table]]")]
    Tables,
    /// An empty title or description.
    #[error("title_ja, title_en, description_ja and description_en may not be empty")]
    Words,
}

/// What is wrong with a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TableFault {
    /// No column beside the person key.
    #[error("a table has at least one column beside person_key, which is implied")]
    Columns,
    /// Not a name in the source's own schema.
    #[error("a table's name is the source's id, a dot, a small letter, then up to 39 small letters, digits or '_'")]
    Name,
    /// Named twice.
    #[error("this name stands twice in the file")]
    Twice,
    /// An empty description.
    #[error("ja, en, source_ja and source_en may not be empty")]
    Words,
}

/// What is wrong with a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ColumnFault {
    /// Another class than those of an added source.
    #[error(
        "class is one of M (measure), Q (quasi-identifier), S (sensitive), T (technical); direct identifiers and free text have no place in a table"
    )]
    Class,
    /// A measure of another type.
    #[error("a measure (class M) has type int or double")]
    Measure,
    /// Not a column's name.
    #[error("a column's name is a small letter, then up to 39 small letters, digits or '_'")]
    Name,
    /// An institution or insurer of another form.
    #[error(
        "facility_id, prescriber_facility_id and insurer_id have type u32 and class Q: numbers take the place of the codes"
    )]
    Place,
    /// A name with a meaning of its own.
    #[error("this name is taken; person_key is implied, record numbers and codes of institutions never reach a table")]
    Taken,
    /// Named twice.
    #[error("this name stands twice in the table")]
    Twice,
    /// Another type.
    #[error("type is one of bool, date, double, int, text; u32 for facility_id, prescriber_facility_id and insurer_id")]
    Type,
    /// An empty description.
    #[error("ja and en may not be empty")]
    Words,
}
