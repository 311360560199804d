//! What a researcher would use otherwise, without any protection.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

use datafusion::prelude::{ParquetReadOptions, SessionConfig, SessionContext};

/// In a process of its own, by its Python package; see `benches/duckdb_times.py`.
pub(crate) struct DuckDb {
    child: Child,
    asks: ChildStdin,
    tells: BufReader<ChildStdout>,
}

impl DuckDb {
    pub(crate) fn start(plain: &Path) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut child = Command::new(root.join("target/tests-python/bin/python"))
            .arg(root.join("benches/duckdb_times.py"))
            .arg(plain)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the Python of ./tests/setup");
        let (asks, tells) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, asks, tells }
    }

    pub(crate) fn milliseconds(&mut self, sql: &str) -> f64 {
        writeln!(self.asks, "{sql}").expect("DuckDB listens");
        let mut line = String::new();
        self.tells.read_line(&mut line).expect("DuckDB answers");
        line.trim().parse().unwrap_or_else(|_| panic!("DuckDB does not answer: {sql}"))
    }
}

impl Drop for DuckDb {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// With its own defaults, two partitions.
pub(crate) struct DataFusion;

impl DataFusion {
    #[expect(clippy::disallowed_methods, reason = "the comparison is with DataFusion as it comes")]
    pub(crate) fn milliseconds(runtime: &tokio::runtime::Runtime, plain: &Path, sql: &str) -> f64 {
        runtime.block_on(async {
            let context = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(2));
            for table in synthetic::analysis::TABLES {
                let (schema, name) = table.split_once('.').unwrap();
                let folder = plain.join(schema).join(name).display().to_string();
                context.sql(&format!("CREATE SCHEMA IF NOT EXISTS {schema}")).await.unwrap();
                context.register_parquet(table, &folder, ParquetReadOptions::default()).await.unwrap();
            }
            let began = Instant::now();
            context.sql(sql).await.unwrap().collect().await.unwrap();
            began.elapsed().as_secs_f64() * 1_000.0
        })
    }
}
