//! Five queries through the veil beside DuckDB without one, on the same release: `cargo bench --bench engine -- --persons 20000`.
//!
//! Ours: encrypted Parquet, guard, veil, Flight SQL on loopback, audit entry synced to disk. DuckDB: the same files decrypted, in
//! its own process, two threads. Both alternately; medians of seven. Needs `./tests/setup` (Python environment with DuckDB).

#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a benchmark ends at the first thing that goes wrong"
)]

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use catalog::{DatasetKey, Manifest, aad_prefix};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::basic::{Compression, ZstdLevel};
use parquet::encryption::decrypt::FileDecryptionProperties;
use parquet::file::properties::WriterProperties;
use policies::Zone;
use policies::keys::{KeyFolder, VerifyingKey};
use serde_json::Value;

const SUDARE: &str = env!("CARGO_BIN_EXE_sudare");
const ROUNDS: usize = 7;

const QUERIES: [(&str, &str); 5] = [
    (
        "points by prefecture, sex",
        "SELECT prefecture, sex, count(*) AS n, sum(points) AS points FROM ndb.claims GROUP BY 1, 2",
    ),
    (
        "persons by ICD-10 code",
        "SELECT icd10, count(DISTINCT person_key) AS persons FROM ndb.diagnoses WHERE NOT suspected GROUP BY 1",
    ),
    (
        "per person, then histogram",
        "WITH m AS (SELECT person_key, count(DISTINCT left(yj_code, 7)) AS n FROM ndb.drugs GROUP BY person_key) SELECT n, count(*) AS users FROM m GROUP BY n",
    ),
    (
        "four databases linked",
        "WITH n AS (SELECT DISTINCT person_key FROM ndb.claims), l AS (SELECT DISTINCT person_key FROM ltc.claims), d AS (SELECT DISTINCT person_key FROM dpc.stays), e AS (SELECT DISTINCT person_key FROM ehr.observations) SELECT count(*) AS n, count(l.person_key) AS l, count(d.person_key) AS d, count(e.person_key) AS e FROM n LEFT JOIN l ON l.person_key = n.person_key LEFT JOIN d ON d.person_key = n.person_key LEFT JOIN e ON e.person_key = n.person_key",
    ),
    (
        "readmission in 30 days",
        "WITH s AS (SELECT person_key, discharged_on, lead(admitted_on) OVER (PARTITION BY person_key ORDER BY admitted_on) AS next_on FROM dpc.stays) SELECT CASE WHEN next_on <= discharged_on + INTERVAL '30 days' THEN 'back' ELSE 'not back' END AS what, count(*) AS stays FROM s GROUP BY 1",
    ),
];

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let persons = arguments
        .iter()
        .position(|it| it == "--persons")
        .and_then(|at| arguments.get(at + 1))
        .cloned()
        .unwrap_or_else(|| "20000".to_owned());
    let base = Path::new(SUDARE).ancestors().nth(2).unwrap().join("bench-data");
    fs::create_dir_all(&base).unwrap();
    let demo = base.join(format!("demo-{persons}"));
    let mut server = serve(&demo, &persons);
    let plain = base.join(format!("plain-{persons}"));
    decrypt(&demo, &plain);
    let mut duckdb = DuckDb::start(&plain);
    let about: Value = serde_json::from_slice(&fs::read(demo.join("demo.json")).unwrap()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    println!(
        "{:28} {:>10} {:>10} {:>7}   medians of {ROUNDS}, {persons} persons",
        "query", "sudare ms", "DuckDB ms", "ratio"
    );
    for (name, sql) in QUERIES {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..=ROUNDS {
            ours.push(ask(&runtime, &about, sql));
            theirs.push(duckdb.time(sql));
        }
        let (ours, theirs) = (median(&mut ours[1..]), median(&mut theirs[1..]));
        println!("{name:28} {ours:10.1} {theirs:10.1} {:7.1}", ours / theirs);
    }
    server.kill().unwrap();
    server.wait().unwrap();
}

fn serve(demo: &Path, persons: &str) -> Child {
    let _absent = fs::remove_file(demo.join("demo.json"));
    let child = Command::new(SUDARE)
        .args([
            "demo",
            "--dir",
            demo.to_str().unwrap(),
            "--persons",
            persons,
            "--portal",
            "127.0.0.1:0",
            "--engine",
            "127.0.0.1:0",
        ])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    while !demo.join("demo.json").exists() {
        std::thread::sleep(Duration::from_millis(100));
    }
    std::thread::sleep(Duration::from_secs(2));
    child
}

fn ask(runtime: &tokio::runtime::Runtime, about: &Value, sql: &str) -> f64 {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let (server, token, project) =
        (text(&about["engine"]), text(&about["accounts"]["researcher"]["token"]), text(&about["projects"][0]["id"]));
    let began = Instant::now();
    runtime.block_on(engine::client::query(&server, &token, Some(&project), sql)).unwrap();
    began.elapsed().as_secs_f64() * 1000.0
}

/// The releases as plain Parquet, the same buckets and row groups.
fn decrypt(demo: &Path, plain: &Path) {
    if plain.exists() {
        fs::remove_dir_all(plain).unwrap();
    }
    let keys = KeyFolder::open(&demo.join("enclave/keys"), Zone::Enclave).unwrap();
    let (kek, signer) = (keys.bytes("kek").unwrap(), VerifyingKey::read(&keys.public("sign")).unwrap());
    for dataset in ["ndb", "ltc", "dpc", "ehr"] {
        let release = demo.join("enclave/releases").join(dataset).join("2026.1");
        let manifest = Manifest::read(&release, &signer).unwrap();
        let key = DatasetKey::unwrap(&manifest.wrapped_key, &kek, &manifest.release).unwrap();
        for (name, table) in &manifest.tables {
            let folder: PathBuf = plain.join(name.replace('.', "/"));
            fs::create_dir_all(&folder).unwrap();
            for file in &table.files {
                let bucket = file.bucket.unwrap_or(0);
                let properties = FileDecryptionProperties::builder(key.expose().to_vec())
                    .with_aad_prefix(aad_prefix(&manifest.release, name, bucket))
                    .build()
                    .unwrap();
                let options = ArrowReaderOptions::new().with_file_decryption_properties(properties);
                let reader = ParquetRecordBatchReaderBuilder::try_new_with_options(
                    File::open(release.join(&file.path)).unwrap(),
                    options,
                )
                .unwrap();
                let settings = WriterProperties::builder()
                    .set_compression(Compression::ZSTD(ZstdLevel::try_new(1).unwrap()))
                    .build();
                let target = File::create(folder.join(format!("{bucket:03}.parquet"))).unwrap();
                let mut writer =
                    ArrowWriter::try_new(target, std::sync::Arc::clone(reader.schema()), Some(settings)).unwrap();
                for batch in reader.build().unwrap() {
                    writer.write(&batch.unwrap()).unwrap();
                }
                writer.close().unwrap();
            }
        }
    }
}

struct DuckDb {
    _child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl DuckDb {
    fn start(plain: &Path) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut child = Command::new(root.join("target/tests-python/bin/python"))
            .arg(root.join("benches/duckdb_times.py"))
            .arg(plain)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("run ./tests/setup first");
        let (input, output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Self { _child: child, input, output }
    }

    /// Milliseconds of one query, as DuckDB's own process measures them.
    fn time(&mut self, sql: &str) -> f64 {
        writeln!(self.input, "{}", sql.replace('\n', " ")).unwrap();
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim().parse().unwrap()
    }
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
