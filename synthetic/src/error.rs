//! Every way in which making a population can fail.

use std::path::PathBuf;

/// Why a population could not be made. Says where, never what stood there.
#[derive(Debug, thiserror::Error)]
pub enum SyntheticError {
    /// Fewer than one person was asked for.
    #[error("a population needs at least one person")]
    NoPersons,
    /// A file or folder could not be made or written.
    #[error("cannot write {file}", file = .file.display())]
    Write {
        /// Where.
        file: PathBuf,
        /// What the operating system said.
        #[source]
        cause: std::io::Error,
    },
    /// A text holds a character that the official encoding does not know.
    #[error("{file}: a text does not fit into CP932", file = .file.display())]
    Encoding {
        /// The file in making.
        file: PathBuf,
    },
    /// A truth table could not be written.
    #[error("cannot write the truth table {table}")]
    Table {
        /// Its name in SQL.
        table: String,
        /// What Parquet said.
        #[source]
        cause: parquet::errors::ParquetError,
    },
    /// A row does not have the shape that the catalog names.
    #[error("truth table {table}: a row does not fit the catalog's schema")]
    Shape {
        /// The table's name in SQL.
        table: String,
    },
}

impl SyntheticError {
    /// Stable code, listed in `docs/errors.md`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoPersons => "synthetic/no-persons",
            Self::Write { .. } => "synthetic/write",
            Self::Encoding { .. } => "synthetic/encoding",
            Self::Table { .. } => "synthetic/table",
            Self::Shape { .. } => "synthetic/shape",
        }
    }

    /// What to do now.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NoPersons => "ask for one person or more",
            Self::Write { .. } | Self::Table { .. } => "check that the folder may be written and the disk has room",
            Self::Encoding { .. } | Self::Shape { .. } => "this is a defect of the generator: report it with the seed",
        }
    }
}
