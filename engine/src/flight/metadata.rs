//! Catalogs, schemas, tables and columns over Flight SQL: of the permit, and of nothing else (disclosure.md, V-META).

use std::collections::BTreeSet;
use std::sync::LazyLock;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow_flight::sql::metadata::{SqlInfoData, SqlInfoDataBuilder};
use arrow_flight::sql::{Command, SqlInfo};

use crate::relations::{CATALOG, DEFAULT_SCHEMA};
use crate::tables::Granted;

/// All are tables, whatever is behind them.
const TABLE_TYPE: &str = "TABLE";

/// Where Flight SQL has a column's comment.
const REMARKS: &str = "ARROW:FLIGHT:SQL:REMARKS";

/// A question about what there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Question {
    Catalogs,
    Schemas,
    SqlInfo,
    TableTypes,
    Tables,
}

impl Question {
    /// `None`: not a question of this kind.
    pub(super) fn of(command: &Command) -> Option<Self> {
        #[expect(clippy::wildcard_enum_match_arm, reason = "an allow-list: all other commands are refused")]
        match command {
            Command::CommandGetCatalogs(_) => Some(Self::Catalogs),
            Command::CommandGetDbSchemas(_) => Some(Self::Schemas),
            Command::CommandGetSqlInfo(_) => Some(Self::SqlInfo),
            Command::CommandGetTableTypes(_) => Some(Self::TableTypes),
            Command::CommandGetTables(_) => Some(Self::Tables),
            _ => None,
        }
    }
}

/// The answer to a question, from the session's tables. `None` if the command is no question.
pub(super) fn answer(command: Command, tables: &[Granted]) -> Option<Result<RecordBatch, ArrowError>> {
    #[expect(clippy::wildcard_enum_match_arm, reason = "an allow-list: all other commands are refused")]
    let built = match command {
        Command::CommandGetCatalogs(command) => {
            let mut builder = command.into_builder();
            builder.append(CATALOG);
            builder.build()
        }
        Command::CommandGetDbSchemas(command) => {
            let mut builder = command.into_builder();
            let schemas: BTreeSet<&str> = tables.iter().map(|table| split(&table.name).0).collect();
            for schema in schemas {
                builder.append(CATALOG, schema);
            }
            builder.build()
        }
        Command::CommandGetTables(command) => {
            let mut builder = command.into_builder();
            for granted in tables {
                let (schema, table) = split(&granted.name);
                let columns = visible(&granted.name, &granted.provider.schema());
                if let Err(error) = builder.append(CATALOG, schema, table, TABLE_TYPE, &columns) {
                    return Some(Err(ArrowError::ExternalError(Box::new(error))));
                }
            }
            builder.build()
        }
        Command::CommandGetTableTypes(command) => {
            let mut builder = command.into_builder();
            builder.append(TABLE_TYPE);
            builder.build()
        }
        Command::CommandGetSqlInfo(command) => {
            let Some(data) = sql_info() else { return Some(Err(ArrowError::ComputeError("sql info".to_owned()))) };
            command.into_builder(data).build()
        }
        _ => return None,
    };
    Some(built.map_err(|error| ArrowError::ExternalError(Box::new(error))))
}

fn split(name: &str) -> (&str, &str) {
    name.split_once('.').unwrap_or((DEFAULT_SCHEMA, name))
}

/// Columns that the researcher sees, with what the catalog says of them.
fn visible(table: &str, schema: &SchemaRef) -> Schema {
    let about = catalog::table(table);
    let fields = schema.fields().iter().filter(|field| !field.name().starts_with("__")).map(|field| {
        let column = about.and_then(|about| about.column(field.name()));
        let remarks = column.map(|column| (REMARKS.to_owned(), column.ja.clone()));
        field.as_ref().clone().with_metadata(remarks.into_iter().collect())
    });
    Schema::new(fields.collect::<Vec<_>>())
}

fn sql_info() -> Option<&'static SqlInfoData> {
    static DATA: LazyLock<Option<SqlInfoData>> = LazyLock::new(|| {
        let mut builder = SqlInfoDataBuilder::new();
        builder.append(SqlInfo::FlightSqlServerName, "Sudare");
        builder.append(SqlInfo::FlightSqlServerVersion, env!("CARGO_PKG_VERSION"));
        builder.append(SqlInfo::FlightSqlServerReadOnly, true);
        builder.append(SqlInfo::FlightSqlServerSql, true);
        builder.append(SqlInfo::FlightSqlServerSubstrait, false);
        builder.append(SqlInfo::FlightSqlServerCancel, true);
        builder.append(SqlInfo::FlightSqlServerBulkIngestion, false);
        // 0: no transactions.
        builder.append(SqlInfo::FlightSqlServerTransaction, 0_i32);
        builder.build().ok()
    });
    DATA.as_ref()
}
