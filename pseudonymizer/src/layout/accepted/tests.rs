//! Who must sign, and what a changed file is worth.

use jiff::Timestamp;

use super::*;

const REGISTRY: &str = include_str!("../../../../examples/sources/registry.toml");

struct Desk {
    dir: tempfile::TempDir,
    holder: KeyFolder,
    other: KeyFolder,
}

impl Desk {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let make = |name: &str, zone| KeyFolder::init(&dir.path().join(name), zone, Timestamp::UNIX_EPOCH).unwrap();
        let (holder, other) = (make("holder", Zone::Holder), make("linkage", Zone::Linkage));
        Self { dir, holder, other }
    }

    fn source(&self, changes: &[(&str, &str)]) -> AddedSource {
        let text = changes.iter().fold(REGISTRY.to_owned(), |text, (from, to)| {
            assert!(text.contains(from), "{from}");
            text.replace(from, to)
        });
        let path = self.dir.path().join("registry.toml");
        durable::replace(&path, text.as_bytes()).unwrap();
        AddedSource::read(&path).unwrap()
    }

    fn accepted(&self, name: &str) -> PathBuf {
        self.dir.path().join("holder/accepted").join(name)
    }
}

const DROP_ONSET: (&str, &str) = (
    "class = \"sensitive\", action = \"keep\", type = \"date\", to = [\"registry.cases.onset_on\"]",
    "class = \"sensitive\", action = \"drop\"",
);
const NO_ONSET: (&str, &str) =
    ("  { name = \"onset_on\", type = \"date\", class = \"S\", ja = \"発病日\", en = \"Day of onset\" },\n", "");

#[test]
fn two_persons_decide_what_leaves_and_one_what_does_not() {
    let desk = Desk::new();
    let (whole, less) = (desk.source(&[]), desk.source(&[DROP_ONSET, NO_ONSET]));
    assert!(matches!(open(&whole, &desk.holder), Err(AcceptError::NotAccepted { .. })));
    assert!(matches!(accept(&less, &desk.holder, None), Err(AcceptError::Second { .. })));
    let first = accept(&less, &desk.holder, Some(&desk.other)).unwrap();
    assert_eq!((first.lets_through.len(), first.second.is_some()), (8, true));
    assert_eq!(open(&less, &desk.holder).unwrap().id, "registry");

    let Err(AcceptError::Second { what, .. }) = accept(&whole, &desk.holder, None) else { panic!("one is not enough") };
    assert_eq!(what, "onset_on (発病年月日) into registry.cases.onset_on");
    assert!(matches!(open(&whole, &desk.holder), Err(AcceptError::Changed { .. })));
    accept(&whole, &desk.holder, Some(&desk.other)).unwrap();
    // Back and forth within what both have agreed to.
    accept(&less, &desk.holder, None).unwrap();
    let again = accept(&whole, &desk.holder, None).unwrap();
    assert_eq!((again.lets_through.len(), again.second), (1, None));
    open(&whole, &desk.holder).unwrap();
}

#[test]
fn the_second_signature_is_another_persons() {
    let desk = Desk::new();
    let source = desk.source(&[]);
    assert!(matches!(accept(&source, &desk.holder, Some(&desk.holder)), Err(AcceptError::SameKey)));
    for zone in [Zone::Enclave, Zone::Permit, Zone::Portal] {
        let path = desk.dir.path().join(zone.as_str());
        let keys = KeyFolder::init(&path, zone, Timestamp::UNIX_EPOCH).unwrap();
        assert!(matches!(accept(&source, &desk.holder, Some(&keys)), Err(AcceptError::Zone { .. })));
    }
    assert!(!desk.accepted("registry.sig").exists());
}

#[test]
fn no_file_of_an_acceptance_can_be_changed_or_borrowed() {
    let desk = Desk::new();
    let source = desk.source(&[]);
    accept(&source, &desk.holder, Some(&desk.other)).unwrap();
    let whole = ["registry.toml", "registry.both.toml", "registry.sig"].map(|name| {
        let path = desk.accepted(name);
        let bytes = fs::read(&path).unwrap();
        (path, bytes)
    });
    for (path, bytes) in &whole {
        for place in [10, bytes.len() / 2, bytes.len() - 10] {
            let mut changed = bytes.clone();
            changed[place] ^= 1;
            durable::replace(path, &changed).unwrap();
            assert!(open(&source, &desk.holder).is_err(), "{} at {place}", path.display());
        }
        durable::replace(path, bytes).unwrap();
        open(&source, &desk.holder).unwrap();
    }
    // Another holder's acceptance is not this one's.
    let other = KeyFolder::init(&desk.dir.path().join("third"), Zone::Holder, Timestamp::UNIX_EPOCH).unwrap();
    fs::create_dir_all(other.path().join("accepted")).unwrap();
    for (path, bytes) in &whole {
        durable::replace(&other.path().join("accepted").join(path.file_name().unwrap()), bytes).unwrap();
    }
    assert!(matches!(open(&source, &other), Err(AcceptError::Signature { .. })));
}

#[test]
fn a_holder_alone_cannot_put_a_wider_layout_beside_an_agreed_one() {
    let desk = Desk::new();
    let (less, whole) = (desk.source(&[DROP_ONSET, NO_ONSET]), desk.source(&[]));
    accept(&less, &desk.holder, Some(&desk.other)).unwrap();
    let mut signatures: Signatures = serde_json::from_slice(&fs::read(desk.accepted("registry.sig")).unwrap()).unwrap();
    let key = desk.holder.signing("sign").unwrap();
    signatures.sha256 = whole.sha256();
    signatures.holder = sign(&key, &message(USED, "registry", &whole.sha256()));
    durable::replace(&desk.accepted("registry.toml"), whole.text().as_bytes()).unwrap();
    durable::replace(&desk.accepted("registry.sig"), &serde_json::to_vec(&signatures).unwrap()).unwrap();
    assert!(matches!(open(&whole, &desk.holder), Err(AcceptError::Signature { .. })));
    // Nor by signing twice.
    let agreed = message(AGREED, "registry", &whole.sha256());
    signatures.both = [sign(&key, &agreed), sign(&key, &agreed)];
    signatures.both_sha256 = whole.sha256();
    durable::replace(&desk.accepted("registry.both.toml"), whole.text().as_bytes()).unwrap();
    durable::replace(&desk.accepted("registry.sig"), &serde_json::to_vec(&signatures).unwrap()).unwrap();
    assert!(matches!(open(&whole, &desk.holder), Err(AcceptError::Signature { .. })));
}
