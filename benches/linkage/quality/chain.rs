//! The real chain, a step a function: four layouts accepted, four batches, tokens of one run, a crosswalk, opened as the enclave does.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use arrow::array::AsArray;
use arrow::datatypes::UInt64Type;
use catalog::AddedSource;
use jiff::Timestamp;
use policies::keys::{KeyFolder, RunId, RunKey};
use policies::{LinkagePolicy, Zone};
use pseudonymizer::holder::{RunTokensJob, run_tokens};
use pseudonymizer::layout::accepted;
use pseudonymizer::link::{self, LinkJob};
use pseudonymizer::seal::BatchReader;
use pseudonymizer::{Job, Options, pseudonymize};

/// The four databases, in the order of the ledger.
pub(super) const SOURCES: [(&str, &str, &str); 4] = [
    ("claims4", "claims.csv", include_str!("../claims4.toml")),
    ("care4", "care.csv", include_str!("../care4.toml")),
    ("hospital4", "hospital.csv", include_str!("../hospital4.toml")),
    ("record4", "record.csv", include_str!("../record4.toml")),
];

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

/// Keys and folders.
pub(super) struct Chain {
    base: PathBuf,
    holder: KeyFolder,
    linkage: KeyFolder,
    enclave: KeyFolder,
    run: RunId,
}

impl Chain {
    /// Installs the sources, and makes keys unless they are there.
    pub(super) fn open(base: &Path) -> Self {
        let sources = base.join("sources");
        fs::create_dir_all(&sources).unwrap();
        for (id, _, text) in SOURCES {
            fs::write(sources.join(format!("{id}.toml")), text).unwrap();
        }
        let sources = AddedSource::read_folder(&sources).unwrap();
        catalog::install(sources).unwrap();
        let keys = |zone: Zone| {
            let path = base.join("keys").join(zone.as_str());
            KeyFolder::open(&path, zone).unwrap_or_else(|_| KeyFolder::init(&path, zone, NOW).unwrap())
        };
        let (holder, linkage, enclave) = (keys(Zone::Holder), keys(Zone::Linkage), keys(Zone::Enclave));
        for source in catalog::added_sources() {
            accepted::accept(source, &holder, Some(&linkage)).unwrap();
            linkage.trust(source.id(), &holder.signing("sign").unwrap().verifying()).unwrap();
        }
        let run: RunId = "bench-1".parse().unwrap();
        if holder.run_key(&run, NOW).is_err() {
            holder.keep_run_key(RunKey::generate(run.clone(), NOW), NOW).unwrap();
        }
        Self { base: base.to_owned(), holder, linkage, enclave, run }
    }

    fn raw(&self, file: &str) -> PathBuf {
        self.base.join("ledger").join(file)
    }

    fn batch(&self, id: &str) -> PathBuf {
        self.base.join("batch").join(id)
    }

    /// Reads a database into a batch unless it is there.
    pub(super) fn pseudonymize(&self, (id, file, _): (&str, &str, &str)) {
        if self.batch(id).exists() {
            return;
        }
        let raw = self.raw(file);
        let bytes = super::size(&raw);
        fs::create_dir_all(self.base.join("batch")).unwrap();
        let job = Job {
            source: id.parse().unwrap(),
            keys: &self.holder,
            link_to: self.linkage.recipient().unwrap(),
            release_to: self.enclave.recipient().unwrap(),
            out: self.batch(id),
            files: vec![raw],
            options: Options::default(),
        };
        let (began, busy) = (Instant::now(), super::processor_seconds());
        let report = pseudonymize(&job, NOW, &mut |_| true).unwrap();
        let seconds = began.elapsed().as_secs_f64();
        let megabytes = bytes as f64 / 1e6;
        let rows: u64 = report.files.iter().map(|file| file.records).sum();
        let core = megabytes / (super::processor_seconds() - busy);
        let rate = megabytes / seconds;
        println!(
            "{id}: {rows} rows, {megabytes:.0} MB pseudonymized in {seconds:.1} s, {rate:.1} MB/s, {core:.1} MB/s/core"
        );
    }

    /// The raw files have served, and take room.
    pub(super) fn forget_raw(&self) {
        for (_, file, _) in SOURCES {
            drop(fs::remove_file(self.raw(file)));
        }
    }

    /// Tokens of one run for all batches, unless they are there; kinds that more atoms share than `bound` are refused.
    pub(super) fn run_tokens(&self, bound: u32) -> Vec<PathBuf> {
        let mut folders = Vec::new();
        let run = self.base.join(format!("run-{bound}"));
        fs::create_dir_all(&run).unwrap();
        for (id, ..) in SOURCES {
            let out = run.join(id);
            if !out.exists() {
                let (began, busy) = (Instant::now(), super::processor_seconds());
                let job = RunTokensJob {
                    keys: &self.holder,
                    batch: &self.batch(id),
                    run: &self.run,
                    link_to: self.linkage.recipient().unwrap(),
                    max_multiplicity: bound,
                    only: None,
                    out: &out,
                };
                let made = run_tokens(&job, NOW).unwrap();
                let refused: Vec<&str> = made.refused.keys().copied().collect();
                println!(
                    "{id}: tokens of the run for {} atoms in {:.1} s ({:.1} s of processor time), {:.0} MB; refused kinds: {refused:?}",
                    made.atoms,
                    began.elapsed().as_secs_f64(),
                    super::processor_seconds() - busy,
                    super::size(&out) as f64 / 1e6
                );
            }
            folders.push(out);
        }
        folders
    }

    /// Links anew.
    pub(super) fn link(&self, run_tokens: &[PathBuf], policy: Option<&str>) {
        let out = self.base.join("link");
        drop(fs::remove_dir_all(&out));
        let tokens: Vec<PathBuf> = SOURCES.iter().map(|(id, ..)| self.batch(id).join("tokens")).collect();
        let policy = policy.map_or_else(LinkagePolicy::shipped, LinkagePolicy::read).unwrap();
        let job = LinkJob { run_tokens, ..LinkJob::new(&self.linkage, &out, &tokens, &policy) };
        let (began, busy) = (Instant::now(), super::processor_seconds());
        let report = link::run(&job, NOW, &mut |_| {}).unwrap();
        println!(
            "link: {} atoms to {} persons in {:.1} s ({:.1} s of processor time)",
            report.atoms,
            report.persons,
            began.elapsed().as_secs_f64(),
            super::processor_seconds() - busy
        );
        println!("{}", serde_json::to_string(&report).unwrap());
    }

    /// Which person an atom is of, persons counted from 0.
    pub(super) fn crosswalk(&self) -> HashMap<[u8; 16], u32> {
        let mut numbers: HashMap<u64, u32> = HashMap::new();
        let mut persons = HashMap::new();
        let file = fs::read_dir(self.base.join("link")).unwrap().flatten().map(|entry| entry.path()).find(|path| {
            let name = path.file_name().and_then(|name| name.to_str());
            name.is_some_and(|name| name.starts_with("crosswalk") && name.ends_with(".arrow.age"))
        });
        self.open_sealed(&file.expect("a crosswalk of one file"), &mut |batch| {
            let atoms = batch.column_by_name("atom").unwrap().as_fixed_size_binary();
            let keys = batch.column_by_name("person_key").unwrap().as_primitive::<UInt64Type>();
            for row in 0..batch.num_rows() {
                let next = u32::try_from(numbers.len()).unwrap();
                let person = *numbers.entry(keys.value(row)).or_insert(next);
                persons.insert(atoms.value(row).try_into().unwrap(), person);
            }
        });
        persons
    }

    /// Every row's serial number and atom.
    pub(super) fn serials(&self, (id, ..): (&str, &str, &str), each: &mut dyn FnMut(&str, [u8; 16])) {
        let file = self.batch(id).join("content").join(format!("{id}.rows.arrow.age"));
        self.open_sealed(&file, &mut |batch| {
            let atoms = batch.column_by_name("atom").unwrap().as_fixed_size_binary();
            let serials = batch.column_by_name("serial").unwrap().as_string::<i32>();
            for row in 0..batch.num_rows() {
                each(serials.value(row), atoms.value(row).try_into().unwrap());
            }
        });
    }

    fn open_sealed(&self, file: &Path, each: &mut dyn FnMut(&arrow::record_batch::RecordBatch)) {
        // A table without rows has no file.
        if !file.exists() {
            return;
        }
        for batch in BatchReader::open(file, &self.enclave.seal().unwrap()).unwrap() {
            each(&batch.unwrap());
        }
    }
}
