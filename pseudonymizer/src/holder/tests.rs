//! A rotation from end to end with three holders' batches of the samples, and what must not pass; run tokens of a batch.

mod answers;
mod asked;
mod rotation;
mod runs;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use arrow::array::AsArray;
use arrow::record_batch::RecordBatch;
use jiff::Timestamp;
use policies::Zone;
use policies::keys::{Epoch, Epochs, KeyFolder, SealIdentity, SecretBytes};
use tempfile::TempDir;

use super::*;
use crate::link::{BridgeCheck, BridgeReport, LinkError, LinkJob, LinkReport};
use crate::seal::BatchReader;
use crate::{Job, Options, epoch, link, pseudonymize};

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

/// Holders that share an epoch, and the two zones behind them, all trusting whom they should.
struct World {
    dir: TempDir,
    holders: BTreeMap<&'static str, KeyFolder>,
    linkage: KeyFolder,
    enclave: KeyFolder,
    /// Batch folders with their source.
    batches: Vec<(&'static str, PathBuf)>,
}

impl World {
    fn new(files: &[(&'static str, &[&str])]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let make = |name: &str, zone| KeyFolder::init(&dir.path().join(name), zone, NOW).unwrap();
        let (linkage, enclave) = (make("linkage", Zone::Linkage), make("enclave", Zone::Enclave));
        let mut holders: BTreeMap<&'static str, KeyFolder> = BTreeMap::new();
        for (source, _) in files {
            if holders.contains_key(source) {
                continue;
            }
            let keys = make(&format!("{source}-keys"), Zone::Holder);
            if let Some(first) = holders.values().next() {
                epoch::join(&keys, &epoch::wrap(first, &keys.recipient().unwrap()).unwrap()).unwrap();
            }
            keys.trust("linkage", &linkage.signing("sign").unwrap().verifying()).unwrap();
            linkage.trust(source, &keys.signing("sign").unwrap().verifying()).unwrap();
            holders.insert(source, keys);
        }
        let mut world = Self { dir, holders, linkage, enclave, batches: Vec::new() };
        for (number, (source, files)) in files.iter().enumerate() {
            world.pseudonymize(source, files, &format!("{source}-{number}"));
        }
        world
    }

    fn pseudonymize(&mut self, source: &'static str, files: &[&str], name: &str) {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
        let out = self.path(name);
        let job = Job {
            source: source.parse().unwrap(),
            keys: &self.holders[source],
            link_to: self.linkage.recipient().unwrap(),
            release_to: self.enclave.recipient().unwrap(),
            out: out.clone(),
            files: files.iter().map(|file| fixtures.join(file)).collect(),
            options: Options::default(),
        };
        pseudonymize(&job, NOW, &mut |_| true).unwrap();
        self.batches.push((source, out));
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn tokens(&self) -> Vec<PathBuf> {
        self.batches.iter().map(|(_, folder)| folder.join("tokens")).collect()
    }

    fn link(&self) -> Result<LinkReport, LinkError> {
        self.link_as(false)
    }

    fn link_as(&self, rebuild: bool) -> Result<LinkReport, LinkError> {
        let (out, tokens) = (self.path("crosswalk"), self.tokens());
        let job = LinkJob { rebuild, ..LinkJob::new(&self.linkage, &out, &tokens, link::fixture::policy()) };
        link::run(&job, NOW, &mut |_| {})
    }

    /// Person keys by atom.
    fn persons(&self) -> BTreeMap<Vec<u8>, u64> {
        let rows = link::fixture::crosswalk(&self.path("crosswalk"), &self.enclave);
        rows.into_iter().map(|(atom, (key, _))| (atom.to_vec(), key.unwrap())).collect()
    }

    /// Gives all holders the next epoch, but the one named another, and begins the rotation.
    fn begin(&self, astray: Option<&str>) {
        let shared = SecretBytes::generate();
        for (source, keys) in &self.holders {
            let own = SecretBytes::generate();
            let key = if astray == Some(source) { &own } else { &shared };
            let next = Epoch { number: 2, fingerprint: key.fingerprint(), root: None, made_at: NOW };
            let mut epochs = Epochs::open(keys).unwrap();
            epochs.prepare(next, key).unwrap();
            epochs.start().unwrap();
        }
    }

    fn bridge(&self, source: &str, name: &str) -> Result<Bridge, HolderError> {
        let own = |(of, folder): &(&'static str, PathBuf)| (*of == source).then(|| folder.clone());
        let batches: Vec<PathBuf> = self.batches.iter().filter_map(own).collect();
        let (keys, out) = (&self.holders[source], self.path(name));
        let made =
            bridge(&BridgeJob { keys, batches: &batches, link_to: self.linkage.recipient().unwrap(), out: &out })?;
        Epochs::open(keys).unwrap().bridge_made(&made.sha256).unwrap();
        Ok(made)
    }

    /// All holders' bridges.
    fn bridges(&self, round: &str) -> Vec<PathBuf> {
        let name = |source: &&str| format!("bridge-{source}-{round}");
        self.holders.keys().for_each(|source| {
            self.bridge(source, &name(source)).unwrap();
        });
        self.holders.keys().map(|source| self.path(&name(source))).collect()
    }

    fn check(&self, bridges: &[PathBuf], out: &str) -> Result<BridgeReport, LinkError> {
        let (crosswalk, tokens, out) = (self.path("crosswalk"), self.tokens(), self.path(out));
        let job = BridgeCheck {
            keys: &self.linkage,
            crosswalk: &crosswalk,
            tokens: &tokens,
            bridges,
            policy: link::fixture::policy(),
            out: &out,
        };
        link::check_bridges(&job, NOW)
    }

    fn renew(&self, at: usize) -> Result<Renewed, HolderError> {
        let (source, folder) = &self.batches[at];
        renew(&RenewJob {
            keys: &self.holders[source],
            batch: folder,
            link_to: self.linkage.recipient().unwrap(),
            release_to: self.enclave.recipient().unwrap(),
        })
    }
}

fn read(path: &Path, identity: &SealIdentity) -> Vec<RecordBatch> {
    BatchReader::open(path, identity).unwrap().collect::<Result<_, _>>().unwrap()
}
