//! Two small registers in one place: their holders, the linkage zone, the enclave, and batches that no honest holder makes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Date32Array, FixedSizeBinaryBuilder, RecordBatch};
use arrow::datatypes::{Schema, UInt64Type};
use policies::Zone;
use policies::keys::KeyFolder;
use pseudonymizer::seal::{BatchReader, BatchWriter};
use serde_json::Value;
use tempfile::TempDir;

use crate::world::{SUDARE, path, root, run, text};

const HEADER: &str = "届出番号,氏名,フリガナ,性別,生年月日,郵便番号,被保険者証記号,被保険者証番号,保険者番号,医療機関コード,診断年月日,発病年月日,類型,疾病コード,転帰,備考";
const FAMILIES: [(&str, &str); 5] =
    [("山田", "ヤマダ"), ("佐藤", "サトウ"), ("鈴木", "スズキ"), ("高橋", "タカハシ"), ("中村", "ナカムラ")];
const GIVEN: [(&str, &str); 4] = [("一郎", "イチロウ"), ("健二", "ケンジ"), ("誠", "マコト"), ("和夫", "カズオ")];
/// Persons of the registers; each has one of the names, a card, and a birth date that some share.
pub(super) const PERSONS: usize = 20;

/// A token row as a holder writes it. Kinds that are not named are missing.
#[derive(Clone, Debug, Default)]
pub(super) struct Row {
    pub(super) atom: [u8; 16],
    pub(super) tokens: BTreeMap<String, [u8; 16]>,
    /// Days since 1970-01-01.
    pub(super) months: Option<(i32, i32)>,
}

pub(super) struct Desk {
    dir: TempDir,
}

impl Desk {
    /// Keys and trust of all zones. `clinic` has not yet joined the epoch of `registry`.
    pub(super) fn new() -> Self {
        let desk = Self { dir: tempfile::tempdir().unwrap() };
        let model = fs::read_to_string(root().join("examples/sources/registry.toml")).unwrap();
        fs::create_dir(desk.at("sources")).unwrap();
        for source in ["registry", "clinic"] {
            let file = desk.at("sources").join(format!("{source}.toml"));
            let own = model
                .replace("\"registry\"", &format!("\"{source}\""))
                .replace("registry.cases", &format!("{source}.cases"));
            fs::write(&file, own).unwrap();
        }
        for (name, zone) in
            [("registry", "holder"), ("clinic", "holder"), ("linkage", "linkage"), ("enclave", "enclave")]
        {
            desk.ok(&["keys", "init", "--zone", zone, "--out", path(&desk.at(name))]);
        }
        for source in ["registry", "clinic"] {
            let (layout, keys) = (desk.at("sources").join(format!("{source}.toml")), desk.at(source));
            desk.ok(&["layout", "accept", path(&layout), "--keys", path(&keys), "--second", path(&desk.at("linkage"))]);
            for zone in ["linkage", "enclave"] {
                desk.trust(zone, source);
            }
        }
        desk
    }

    /// With the clinic in the epoch, a batch of each holder, and a crosswalk of both.
    pub(super) fn linked() -> Self {
        let desk = Self::new();
        desk.join_epoch();
        // Each person twice, ten months apart, so that all cards are used side by side.
        let all = (0..PERSONS).flat_map(|person| [line(person, 1), line(person, 11)]).collect::<Vec<_>>();
        desk.batch("registry", "r1", &all);
        desk.batch("clinic", "c1", &(0..PERSONS).map(|person| line(person, 6)).collect::<Vec<_>>());
        let said = desk.ok(&desk.link(&["r1", "c1"]));
        assert!(said.contains(&format!("are {PERSONS} persons")), "{said}");
        desk
    }

    pub(super) fn at(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A batch folder's tokens.
    pub(super) fn tokens(&self, batch: &str) -> PathBuf {
        self.at(batch).join("tokens")
    }

    fn arguments(&self, arguments: &[&str]) -> Vec<String> {
        let sources = self.at("sources");
        let all = [arguments, &["--sources", path(&sources), "--lang", "en"]].concat();
        all.into_iter().map(str::to_owned).collect()
    }

    /// Runs a command: its exit code and what it said.
    pub(super) fn run(&self, arguments: &[impl AsRef<str>]) -> (Option<i32>, String) {
        let arguments: Vec<&str> = arguments.iter().map(AsRef::as_ref).collect();
        let all = self.arguments(&arguments);
        let output = run(&all.iter().map(String::as_str).collect::<Vec<_>>());
        (output.status.code(), format!("{}{}", text(&output.stdout), text(&output.stderr)))
    }

    /// A command that must work.
    pub(super) fn ok(&self, arguments: &[impl AsRef<str>]) -> String {
        let (code, said) = self.run(arguments);
        assert_eq!(code, Some(0), "{said}");
        said
    }

    /// A silent process of a command.
    pub(super) fn process(&self, arguments: &[String]) -> Command {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let mut command = Command::new(SUDARE);
        command.args(self.arguments(&arguments)).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    pub(super) fn trust(&self, zone: &str, source: &str) {
        let (keys, public) = (self.at(zone), self.at(source).join("public"));
        self.ok(&["keys", "trust", "--keys", path(&keys), "--source", source, "--holder", path(&public)]);
    }

    /// The clinic takes over the register's epoch key.
    pub(super) fn join_epoch(&self) {
        let (wrapped, to) = (self.at("epoch.age"), self.at("clinic/public"));
        let (from, clinic) = (self.at("registry"), self.at("clinic"));
        self.ok(&["keys", "share-epoch", "--keys", path(&from), "--to", path(&to), "--out", path(&wrapped)]);
        self.ok(&["keys", "join-epoch", "--keys", path(&clinic), "--wrapped", path(&wrapped)]);
    }

    /// The register's holder makes the key of a run, the clinic joins it.
    pub(super) fn share_run_key(&self, run: &str) {
        let (wrapped, to) = (self.at("run.age"), self.at("clinic/public"));
        let (from, clinic) = (self.at("registry"), self.at("clinic"));
        self.ok(&["keys", "run-key", "new", "--keys", path(&from), "--id", run]);
        let share = ["keys", "run-key", "share", "--keys", path(&from), "--id", run];
        self.ok(&[&share[..], &["--to", path(&to), "--out", path(&wrapped)]].concat());
        self.ok(&["keys", "run-key", "join", "--keys", path(&clinic), "--wrapped", path(&wrapped)]);
    }

    /// A batch's tokens of the run, in a folder of that name.
    pub(super) fn run_tokens(&self, batch: &str, run: &str) -> String {
        let source = if batch.starts_with('r') { "registry" } else { "clinic" };
        let (keys, out) = (self.at(source), self.at(&format!("{batch}-run")));
        let (batch, link_to) = (self.at(batch), self.at("linkage/public"));
        let what = ["tokens", "run", "--keys", path(&keys), "--batch", path(&batch), "--run", run];
        self.ok(&[&what[..], &["--link-to", path(&link_to), "--out", path(&out)]].concat());
        out.file_name().unwrap().to_str().unwrap().to_owned()
    }

    /// Reads lines as a source's batch, for the linkage zone and enclave of the desk.
    pub(super) fn batch(&self, source: &str, name: &str, lines: &[String]) {
        self.batch_for(source, name, lines, ["linkage", "enclave"]);
    }

    pub(super) fn batch_for(&self, source: &str, name: &str, lines: &[String], [link, release]: [&str; 2]) {
        let raw = self.at(&format!("{name}.csv"));
        fs::write(&raw, format!("{HEADER}\r\n{}\r\n", lines.join("\r\n"))).unwrap();
        let (keys, out) = (self.at(source), self.at(name));
        let (link, release) = (self.at(link).join("public"), self.at(release).join("public"));
        let what = ["pseudonymize", "--source", source, "--keys", path(&keys), "--link-to", path(&link)];
        self.ok(&[&what[..], &["--release-to", path(&release), "--out", path(&out), path(&raw)]].concat());
    }

    /// The command that links these batches in the desk's crosswalk.
    pub(super) fn link(&self, batches: &[&str]) -> Vec<String> {
        self.link_with("linkage", "crosswalk", batches)
    }

    pub(super) fn link_with(&self, keys: &str, out: &str, batches: &[&str]) -> Vec<String> {
        let tokens = batches.iter().map(|batch| self.tokens(batch));
        let words = ["link", "run", "--keys", path(&self.at(keys)), "--out", path(&self.at(out))].map(str::to_owned);
        words.into_iter().chain(tokens.map(|folder| path(&folder).to_owned())).collect()
    }

    /// Linking these batches is refused with the sentence, the crosswalk stays as it is to the byte, and afterwards the good
    /// batches link as if nothing had been.
    pub(super) fn refuses(&self, command: &[String], sentence: &str) {
        let before = self.crosswalk_bytes();
        let (code, said) = self.run(command);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains(sentence), "{said}");
        assert_eq!(before, self.crosswalk_bytes(), "the crosswalk was touched");
        let persons = self.persons();
        self.ok(&self.link(&["r1", "c1"]));
        assert_eq!(persons, self.persons());
        self.tidy();
    }

    /// Nothing temporary lies in the crosswalk's folder.
    pub(super) fn tidy(&self) {
        let entries = fs::read_dir(self.at("crosswalk")).unwrap().flatten();
        let names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        let temporary = ["partial", "tmp", "spill", "part-"];
        assert!(names.iter().all(|name| temporary.iter().all(|word| !name.contains(word))), "{names:?}");
    }

    /// What the enclave would take over.
    pub(super) fn crosswalk_bytes(&self) -> BTreeMap<String, Vec<u8>> {
        let entries = fs::read_dir(self.at("crosswalk")).unwrap().flatten();
        let named = entries.map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path()));
        named
            .filter(|(name, _)| name.starts_with("crosswalk"))
            .map(|(name, at)| (name, fs::read(at).unwrap()))
            .collect()
    }

    /// `crosswalk.json`.
    pub(super) fn marker(&self) -> Value {
        serde_json::from_slice(&self.crosswalk_bytes()["crosswalk.json"]).unwrap()
    }

    pub(super) fn report(&self) -> Value {
        serde_json::from_slice(&fs::read(self.at("crosswalk/report.json")).unwrap()).unwrap()
    }

    /// Person key by atom, as the enclave reads the crosswalk: of several files the later rows win.
    pub(super) fn persons(&self) -> BTreeMap<[u8; 16], u64> {
        let keys = KeyFolder::open(&self.at("enclave"), Zone::Enclave).unwrap();
        let mut found = BTreeMap::new();
        for name in self.crosswalk_bytes().keys().filter(|name| name.ends_with(".arrow.age")) {
            for batch in BatchReader::open(&self.at("crosswalk").join(name), &keys.seal().unwrap()).unwrap() {
                let batch = batch.unwrap();
                let keys = batch.column_by_name("person_key").unwrap().as_primitive::<UInt64Type>().clone();
                let atoms = batch.column_by_name("atom").unwrap().as_fixed_size_binary();
                for (atom, key) in atoms.iter().zip(keys.iter()) {
                    let atom: [u8; 16] = atom.unwrap().try_into().unwrap();
                    match key {
                        Some(key) => found.insert(atom, key),
                        None => found.remove(&atom),
                    };
                }
            }
        }
        found
    }

    /// The rows of a real batch.
    pub(super) fn rows(&self, batch: &str) -> Vec<Row> {
        let (schema, read) = self.token_table(batch);
        let kinds = schema.fields().iter().map(|field| field.name().clone()).filter(|name| name.len() == 2);
        let kinds: Vec<String> = kinds.collect();
        let mut rows = Vec::new();
        for batch in &read {
            let column = |name: &str| batch.column_by_name(name).unwrap();
            for at in 0..batch.num_rows() {
                let bytes = |name: &str| {
                    let column = column(name).as_fixed_size_binary();
                    column.is_valid(at).then(|| column.value(at).try_into().unwrap())
                };
                let tokens = kinds.iter().filter_map(|kind| Some((kind.clone(), bytes(kind)?)));
                rows.push(Row { atom: bytes("atom").unwrap(), tokens: tokens.collect(), months: None });
            }
        }
        rows
    }

    fn token_table(&self, batch: &str) -> (Arc<Schema>, Vec<RecordBatch>) {
        let keys = KeyFolder::open(&self.at("linkage"), Zone::Linkage).unwrap();
        let file = self.tokens(batch).join("tokens.arrow.age");
        let reader = BatchReader::open(&file, &keys.seal().unwrap()).unwrap();
        (reader.schema(), reader.map(|batch| batch.unwrap()).collect())
    }

    /// Writes `<name>/tokens/` as the clinic would: its real batch's columns and metadata, sealed to the linkage zone and signed
    /// with the clinic's key, but with these rows. Metadata by name win over the batch's own.
    pub(super) fn forge(&self, name: &str, rows: &[Row], metadata: &[(&str, &str)]) {
        let schema = self.token_table("c1").0;
        let mut told = schema.metadata().clone();
        // The list of objections that the real batch has beside it.
        told.retain(|entry, _| !entry.starts_with("sudare.absent"));
        told.insert("sudare.batch".to_owned(), name.to_owned());
        told.extend(metadata.iter().map(|(entry, value)| ((*entry).to_owned(), (*value).to_owned())));
        let schema = Arc::new(schema.as_ref().clone().with_metadata(told));
        let columns = schema.fields().iter().map(|field| column(rows, field.name())).collect();
        let batch = RecordBatch::try_new(Arc::clone(&schema), columns).unwrap();
        let folder = self.tokens(name);
        fs::create_dir_all(&folder).unwrap();
        let file = folder.join("tokens.arrow.age");
        let linkage = KeyFolder::open(&self.at("linkage"), Zone::Linkage).unwrap();
        let mut writer = BatchWriter::create(&file, &schema, &linkage.recipient().unwrap()).unwrap();
        writer.write(&batch).unwrap();
        writer.finish().unwrap();
        self.sign(&file, "clinic");
    }

    /// Signs a sealed token file with a holder's key.
    pub(super) fn sign(&self, file: &Path, holder: &str) {
        let key = KeyFolder::open(&self.at(holder), Zone::Holder).unwrap().signing("sign").unwrap();
        let (_, digest) = catalog::manifest::digest(file).unwrap();
        let digest: Vec<u8> = digest.as_bytes().chunks(2).map(hex_byte).collect();
        let signature = key.sign(&digest).map(|byte| format!("{byte:02x}")).concat();
        fs::write(file.with_file_name("tokens.sig"), format!("{signature}\n{}\n", key.verifying().to_hex())).unwrap();
    }
}

/// A notification of a person in that month of 2022.
pub(super) fn line(person: usize, month: usize) -> String {
    let ((family, family_kana), (given, given_kana)) = (FAMILIES[person % 5], GIVEN[person / 5]);
    let (number, year) = (100 * month + person, 50 + person % 7);
    format!(
        "K{number:05},{family}　{given},{family_kana}　{given_kana},男,19{year}/03/14,1001111,{},{},06131239,1311234566,2022/{month:02}/{:02},,N,U071,1,",
        100 + person,
        4500 + person,
        1 + person
    )
}

fn column(rows: &[Row], name: &str) -> ArrayRef {
    let date = |pick: fn((i32, i32)) -> i32| -> ArrayRef {
        Arc::new(rows.iter().map(|row| row.months.map(pick)).collect::<Date32Array>())
    };
    match name {
        "first_month" => return date(|months| months.0),
        "last_month" => return date(|months| months.1),
        _ => {}
    }
    let mut builder = FixedSizeBinaryBuilder::new(16);
    for row in rows {
        match (name, row.tokens.get(name)) {
            ("atom", _) => builder.append_value(row.atom).unwrap(),
            (_, Some(token)) => builder.append_value(token).unwrap(),
            (_, None) => builder.append_null(),
        }
    }
    Arc::new(builder.finish())
}

fn hex_byte(pair: &[u8]) -> u8 {
    u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()
}
