//! Roots: the same keys from both kinds, and what is wrong, cut or open is refused.

use std::fs::{self, Permissions};
use std::path::Path;
use std::process::Command;

use age::secrecy::SecretString;
use cryptoki::object::{Attribute, KeyType, ObjectClass};
use hkdf::Hkdf;
use proptest::prelude::*;

use super::*;

/// Little work: these tests are not about scrypt's slowness.
const LOG_WORK: u8 = 4;

fn words(text: &str) -> Passphrase {
    Passphrase::new(SecretString::from(text.to_owned()))
}

fn sealed(dir: &Path) -> (PathBuf, Root) {
    let path = dir.join("root.age");
    let root = Root::seal_with(&path, &words("six random words of ours"), LOG_WORK).unwrap();
    (path, root)
}

#[test]
fn a_sealed_root_opens_by_its_passphrase_alone() {
    let dir = tempfile::tempdir().unwrap();
    let (path, made) = sealed(dir.path());
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let opened = Root::open(&path, &words("six random words of ours")).unwrap();
    assert_eq!(opened.fingerprint().unwrap(), made.fingerprint().unwrap());
    assert!(opened.epoch(3).unwrap().same(&made.epoch(3).unwrap()));
    assert!(!opened.epoch(3).unwrap().same(&made.epoch(4).unwrap()));
    assert!(matches!(Root::open(&path, &words("six random words of theirs")), Err(RootError::Passphrase { .. })));
    assert!(matches!(Root::seal_with(&path, &words("x"), LOG_WORK), Err(RootError::Exists { .. })));
    fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    assert!(matches!(Root::open(&path, &words("six random words of ours")), Err(RootError::Open { .. })));
}

#[test]
fn a_root_that_was_cut_or_changed_does_not_open() {
    let dir = tempfile::tempdir().unwrap();
    let (path, _) = sealed(dir.path());
    let whole = fs::read(&path).unwrap();
    let open = |bytes: &[u8]| {
        durable::replace_private(&path, bytes).unwrap();
        Root::open(&path, &words("six random words of ours")).map(|_| ())
    };
    for length in (0..whole.len()).step_by(7).chain([whole.len() - 1]) {
        assert!(matches!(open(&whole[..length]), Err(RootError::Form { .. })), "{length} bytes");
    }
    for place in (0..whole.len()).step_by(7) {
        let mut bytes = whole.clone();
        bytes[place] ^= 1;
        assert!(open(&bytes).is_err(), "byte {place}");
    }
    open(&whole).unwrap();
    // Work beyond the bound is refused before it is done.
    let text = String::from_utf8_lossy(&whole).into_owned();
    let line = text.lines().nth(1).unwrap();
    let heavy = line.strip_suffix(" 4").unwrap().to_owned() + " 40";
    let at = whole.windows(line.len()).position(|part| part == line.as_bytes()).unwrap();
    let heavy = [&whole[..at], heavy.as_bytes(), &whole[at + line.len()..]].concat();
    assert!(matches!(open(&heavy), Err(RootError::Work { .. })));
}

#[test]
fn something_else_that_is_sealed_or_said_is_no_root() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("root");
    let open = |bytes: &[u8]| {
        durable::replace_private(&path, bytes).unwrap();
        Root::open(&path, &words("p")).map(|_| ())
    };
    let long = vec![b'a'; 70_000];
    for bytes in [&b""[..], b"{}", b"\xff", br#"{"root":"file"}"#, &long] {
        assert!(matches!(open(bytes), Err(RootError::Form { .. })));
    }
    let place = TokenPlace { module: "libtoken.so".into(), token: "t".to_owned(), key: "k".to_owned() };
    let described = token::describe(&place, "0123456789abcdef", Timestamp::UNIX_EPOCH);
    assert!(matches!(open(described.as_bytes()), Err(RootError::ModulePath)));
    let place = TokenPlace { module: "/nowhere/libtoken.so".into(), ..place };
    let described = token::describe(&place, "0123456789abcdef", Timestamp::UNIX_EPOCH);
    assert!(matches!(open(described.as_bytes()), Err(RootError::Module { .. })));
}

proptest! {
    /// What a token can compute by one HMAC is HKDF's expansion as RFC 5869 has it.
    #[test]
    fn one_hmac_is_the_expansion(root: [u8; 32], number: u32) {
        let mut expected = [0; 32];
        let info = format!("sudare|epoch|v1|{number}");
        Hkdf::<Sha256>::from_prk(&root).unwrap().expand(info.as_bytes(), &mut expected).unwrap();
        let root = Root(Inner::Sealed(SecretBytes::from_slice(&root).unwrap()));
        let derived = root.epoch(number).unwrap();
        prop_assert_eq!(derived.expose(), &expected);
    }
}

const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";

/// Set for the process that a test starts with a token folder of its own: the library reads its configuration from a variable.
const INSIDE: &str = "SUDARE_TEST_TOKENS";

#[test]
fn a_root_in_a_token_never_leaves_it() {
    if let Some(dir) = std::env::var_os(INSIDE) {
        return inside_a_token(Path::new(&dir));
    }
    assert!(
        Path::new(MODULE).exists(),
        "SoftHSM 2 is not installed, so roots in tokens are not tested: run ./tests/setup (Debian package softhsm2)"
    );
    let dir = tempfile::tempdir().unwrap();
    let conf = dir.path().join("softhsm2.conf");
    fs::create_dir(dir.path().join("tokens")).unwrap();
    let text = format!("directories.tokendir = {}\n", dir.path().join("tokens").display());
    durable::replace(&conf, text.as_bytes()).unwrap();
    for label in ["sudare", "twin", "twin"] {
        let made = Command::new("softhsm2-util")
            .args(["--init-token", "--free", "--label", label, "--pin", "1234", "--so-pin", "12345678"])
            .env("SOFTHSM2_CONF", &conf)
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    }
    let run = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "keys::root::tests::a_root_in_a_token_never_leaves_it", "--nocapture"])
        .env("SOFTHSM2_CONF", &conf)
        .env(INSIDE, dir.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stdout).into_owned() + &*String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success() && said.contains("1 passed"), "{said}");
}

fn inside_a_token(dir: &Path) {
    let place =
        |token: &str, key: &str| TokenPlace { module: MODULE.into(), token: token.to_owned(), key: key.to_owned() };
    let path = dir.join("root.json");
    let ours = place("sudare", "root");
    let made = Root::generate_in_token(&path, &ours, &words("1234"), Timestamp::UNIX_EPOCH).unwrap();
    let (name, epoch) = (made.fingerprint().unwrap(), made.epoch(7).unwrap());
    assert!(!epoch.same(&made.epoch(8).unwrap()));
    drop(made);

    // The wrong PIN first: SoftHSM lets a second session in without asking while the first stands.
    assert!(matches!(Root::open(&path, &words("4321")), Err(RootError::Pin { .. })));
    let again = Root::open(&path, &words("1234")).unwrap();
    assert_eq!((again.kind(), again.fingerprint().unwrap()), ("pkcs11", name.clone()));
    assert!(again.epoch(7).unwrap().same(&epoch));
    // The token gives no value out.
    let Inner::Token(root) = &again.0 else { panic!("not in a token") };
    let values = root.session.get_attributes(root.key, &[cryptoki::object::AttributeType::Value]);
    assert!(values.is_err() || values.unwrap().is_empty());
    drop(again);

    let second = dir.join("second.json");
    let refused = |place: TokenPlace| {
        Root::generate_in_token(&second, &place, &words("1234"), Timestamp::UNIX_EPOCH).err().unwrap()
    };
    assert!(matches!(refused(ours.clone()), RootError::KeyExists { .. }));
    assert!(matches!(refused(place("twin", "root")), RootError::Token { .. }));
    assert!(matches!(refused(place("none", "root")), RootError::Token { .. }));
    assert!(!second.exists());
    imported_keys(&path, &ours, &name);
}

/// A key that was known outside computes what the sealed kind computes, and is refused as a root.
fn imported_keys(path: &Path, ours: &TokenPlace, name: &str) {
    let session = token::sign_in(ours, &words("1234")).unwrap();
    let import = |label: &str| {
        session
            .create_object(&[
                Attribute::Class(ObjectClass::SECRET_KEY),
                Attribute::KeyType(KeyType::GENERIC_SECRET),
                Attribute::Label(label.as_bytes().to_vec()),
                Attribute::Token(true),
                Attribute::Private(true),
                Attribute::Sensitive(true),
                Attribute::Extractable(false),
                Attribute::Sign(true),
                Attribute::Value(vec![7; 32]),
            ])
            .unwrap()
    };
    let key = import("imported");
    let known = Root(Inner::Sealed(SecretBytes::from_slice(&[7; 32]).unwrap()));
    let inside = token::hmac(&session, key, b"sudare|epoch|v1|9\x01").unwrap().unwrap();
    assert_eq!(*inside, *known.epoch(9).unwrap().expose());
    drop(session);

    let place = |key: &str| TokenPlace { key: key.to_owned(), ..ours.clone() };
    let open = |place: &TokenPlace| {
        durable::replace_private(path, token::describe(place, name, Timestamp::UNIX_EPOCH).as_bytes()).unwrap();
        Root::open(path, &words("1234")).map(|_| ())
    };
    assert!(matches!(open(&place("imported")), Err(RootError::Extractable { .. })));
    assert!(matches!(open(&place("missing")), Err(RootError::KeyMissing { .. })));
    open(ours).unwrap();
    let other = token::describe(ours, "0000000000000000", Timestamp::UNIX_EPOCH);
    durable::replace_private(path, other.as_bytes()).unwrap();
    assert!(matches!(Root::open(path, &words("1234")), Err(RootError::OtherKey { .. })));
}
