//! A signed batch, and every way in which one is not believed.

use tempfile::TempDir;

use super::*;

fn manifest(key: &SigningKey) -> BatchManifest {
    BatchManifest {
        format: FORMAT,
        source: "ndb".to_owned(),
        batch: "00112233445566778899aabbccddeeff".to_owned(),
        created_at: Timestamp::UNIX_EPOCH,
        normaliser: "2".to_owned(),
        layouts: BTreeMap::from([("uke-medical".to_owned(), "ab".to_owned())]),
        holder: key.verifying().fingerprint(),
        epoch: "0011".to_owned(),
        atoms: 2,
        tables: BTreeMap::from([("ndb.claims".to_owned(), 3)]),
        quarantined: 1,
        files: BTreeMap::new(),
        leak_scan: Some(LeakScan { values: 30, hits: 0 }),
        absent: 0,
    }
}

fn put(folder: &Path, name: &str, bytes: &[u8]) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    policies::durable::replace(&path, bytes).unwrap();
}

struct Batch {
    dir: TempDir,
    key: SigningKey,
}

impl Batch {
    /// With two files in `content/` and one in `tokens/`.
    fn new() -> Self {
        let (dir, key) = (tempfile::tempdir().unwrap(), SigningKey::generate());
        let mut manifest = manifest(&key);
        for (name, bytes) in [
            ("content/ndb.claims.arrow.age", b"claims"),
            ("content/person.arrow.age", b"person"),
            ("tokens/t", b"tokens"),
        ] {
            put(dir.path(), name, bytes);
            manifest.files.insert(name.to_owned(), digest(&dir.path().join(name)).unwrap());
        }
        manifest.write(dir.path(), &key).unwrap();
        Self { dir, key }
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn verified(&self) -> Result<BatchManifest, BatchError> {
        SignedBatch::read(self.path())?.verify(&self.key.verifying())
    }

    fn check(&self, part: &str) -> Result<(), BatchError> {
        self.verified().unwrap().check_part(part, &self.path().join(part))
    }
}

#[test]
fn a_signed_batch_is_read_as_it_was_written() {
    let batch = Batch::new();
    assert_eq!(SignedBatch::read(batch.path()).unwrap().source(), "ndb");
    let read = batch.verified().unwrap();
    assert_eq!(read.files.len(), 3);
    assert_eq!(BatchManifest { files: BTreeMap::new(), ..read }, manifest(&batch.key));
    batch.check("content").unwrap();
    batch.check("tokens").unwrap();
    let line = fs::read_to_string(batch.path().join("batch.sig")).unwrap();
    assert_eq!((line.lines().count(), line.trim_end().split(' ').count(), line.len()), (1, 2, 128 + 1 + 64 + 1));
}

#[test]
fn another_signer_is_named_by_its_fingerprint() {
    let batch = Batch::new();
    let other = SigningKey::generate();
    let refused = SignedBatch::read(batch.path()).unwrap().verify(&other.verifying()).unwrap_err();
    let told = refused.to_string();
    assert!(told.contains(&other.verifying().fingerprint()) && told.contains(&batch.key.verifying().fingerprint()));
    // The same bytes, signed again by somebody else under the holder's name.
    batch.verified().unwrap().write(batch.path(), &other).unwrap();
    assert!(matches!(batch.verified(), Err(BatchError::NotTrusted { .. })));
    let by_itself = SignedBatch::read(batch.path()).unwrap().verify(&other.verifying());
    assert!(matches!(by_itself, Err(BatchError::Holder { .. })));
}

#[test]
fn a_manifest_cannot_change_unnoticed() {
    let batch = Batch::new();
    let whole = fs::read(batch.path().join("batch.json")).unwrap();
    for at in (0..whole.len()).step_by(9) {
        let mut bent = SignedBatch::read(batch.path()).unwrap();
        bent.bytes[at] ^= 1;
        assert!(matches!(bent.verify(&batch.key.verifying()), Err(BatchError::Signature { .. })), "byte {at}");
    }
    put(batch.path(), "batch.json", &[whole, b"\n".to_vec()].concat());
    assert!(matches!(batch.verified(), Err(BatchError::Signature { .. })));
}

#[test]
fn a_batch_without_a_signature_or_with_a_bent_one_is_refused() {
    let batch = Batch::new();
    let line = fs::read_to_string(batch.path().join("batch.sig")).unwrap();
    let key = batch.key.verifying().to_hex();
    for bent in
        ["", "\n", "ab cd", &line.replace(' ', "\n"), &format!("{}{line}", "0"), &format!("{} {key}", "0".repeat(128))]
    {
        put(batch.path(), "batch.sig", bent.as_bytes());
        assert!(matches!(batch.verified(), Err(BatchError::Signature { .. })), "{bent}");
    }
    fs::remove_file(batch.path().join("batch.sig")).unwrap();
    assert!(matches!(batch.verified(), Err(BatchError::Missing { .. })));
}

#[test]
fn another_format_is_said() {
    let batch = Batch::new();
    let sign = |text: &str| {
        let line = format!("{} {}\n", hex::encode(batch.key.sign(text.as_bytes())), batch.key.verifying().to_hex());
        put(batch.path(), "batch.sig", line.as_bytes());
        put(batch.path(), "batch.json", text.as_bytes());
        batch.verified().unwrap_err()
    };
    assert!(matches!(sign(r#"{"format":1,"source":"ndb"}"#), BatchError::Format { found: 1, .. }));
    assert!(matches!(sign(r#"{"format":2,"source":"ndb"}"#), BatchError::Invalid { .. }));
    assert!(matches!(sign(r#"{"source":"ndb"}"#), BatchError::Invalid { .. }));
}

#[test]
fn files_are_those_that_were_signed_for() {
    let batch = Batch::new();
    let content = batch.path().join("content");
    put(&content, "person.arrow.age", b"another");
    assert!(matches!(batch.check("content"), Err(BatchError::Changed { .. })));
    batch.check("tokens").unwrap();
    put(&content, "person.arrow.age", b"person");
    batch.check("content").unwrap();
    put(&content, "ndb.drugs.arrow.age", b"more");
    assert!(matches!(batch.check("content"), Err(BatchError::Unlisted { .. })));
    fs::remove_file(content.join("ndb.drugs.arrow.age")).unwrap();
    fs::remove_file(content.join("ndb.claims.arrow.age")).unwrap();
    assert!(matches!(batch.check("content"), Err(BatchError::Missing { .. })));
}

#[test]
fn a_listed_path_stays_in_its_part() {
    let batch = Batch::new();
    let told = digest(&batch.path().join("tokens/t")).unwrap();
    for name in ["content/../tokens/t", "content/..", "content/", "content//t", "content/a\\b"] {
        let mut manifest = batch.verified().unwrap();
        manifest.files.insert(name.to_owned(), told.clone());
        let refused = manifest.check_part("content", &batch.path().join("content"));
        assert!(matches!(refused, Err(BatchError::Invalid { .. })), "{name}");
    }
}

#[test]
fn a_scan_that_was_not_made_is_not_passed() {
    let whole = manifest(&SigningKey::generate());
    let passed = |values, hits| {
        BatchManifest { leak_scan: Some(LeakScan { values, hits }), ..whole.clone() }.has_passed_leak_scan()
    };
    assert!(whole.has_passed_leak_scan());
    assert!(!passed(30, 1));
    assert!(!passed(0, 0));
    assert!(!BatchManifest { leak_scan: None, ..whole.clone() }.has_passed_leak_scan());
    let empty = BTreeMap::from([("ndb.claims".to_owned(), 0), ("person".to_owned(), 2)]);
    let nothing = BatchManifest { leak_scan: Some(LeakScan { values: 0, hits: 0 }), tables: empty, ..whole.clone() };
    assert!(nothing.has_passed_leak_scan());
}
