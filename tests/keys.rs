//! Token keys by the command line: root, epochs, run keys, and what must not happen with them.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::world::{SUDARE, path, root, run, text};

const WORDS: &str = "correct horse battery staple";

struct Holders {
    dir: tempfile::TempDir,
}

impl Holders {
    /// A folder with a passphrase, and two holders of which the first has its epoch from a root.
    fn new() -> Self {
        let holders = Self { dir: tempfile::tempdir().unwrap() };
        holders.write("passphrase", &format!("{WORDS}\n"), 0o600);
        let (root, words) = (holders.at("root.age"), holders.at("passphrase"));
        ok(&["keys", "root", "init", "--out", path(&root), "--passphrase-file", path(&words)]);
        let ndb = holders.at("ndb");
        let made = ["keys", "init", "--zone", "holder", "--out", path(&ndb), "--root", path(&root)];
        ok(&[&made[..], &["--passphrase-file", path(&words)]].concat());
        ok(&["keys", "init", "--zone", "holder", "--out", path(&holders.at("ltc"))]);
        holders
    }

    fn at(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, text: &str, mode: u32) -> PathBuf {
        let at = self.at(name);
        fs::write(&at, text).unwrap();
        fs::set_permissions(&at, fs::Permissions::from_mode(mode)).unwrap();
        at
    }
}

fn ok(arguments: &[&str]) -> String {
    let output = run(&[arguments, &["--lang", "en"]].concat());
    assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
    said(&output)
}

/// The command ends with this code and says this.
fn fails(arguments: &[&str], code: i32, words: &str) {
    let output = run(&[arguments, &["--lang", "en"]].concat());
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", said(&output));
    assert!(said(&output).contains(words), "{arguments:?} said: {}", said(&output));
}

fn said(output: &Output) -> String {
    format!("{}{}", text(&output.stdout), text(&output.stderr))
}

#[test]
fn two_holders_share_an_epoch_from_a_root_and_prove_it() {
    let holders = Holders::new();
    let (ndb, ltc) = (holders.at("ndb"), holders.at("ltc"));
    let (wrapped, answers) = (holders.at("epoch.age"), holders.at("ndb.json"));
    ok(&["keys", "verify", "--keys", path(&ndb), "--out", path(&answers)]);
    fails(&["keys", "verify", "--keys", path(&ltc), "--against", path(&answers)], 1, "NOT equal");
    let (to, signer) = (ltc.join("public"), ndb.join("public"));
    ok(&["keys", "share-epoch", "--keys", path(&ndb), "--to", path(&to), "--out", path(&wrapped)]);
    let join = ["keys", "join-epoch", "--keys", path(&ltc), "--wrapped", path(&wrapped), "--from", "ndb"];
    fails(&join, 1, "sudare keys trust --keys");
    ok(&["keys", "trust", "--keys", path(&ltc), "--source", "ndb", "--holder", path(&signer)]);
    ok(&join);
    assert!(ok(&["keys", "verify", "--keys", path(&ltc), "--against", path(&answers)]).contains("equal: both holders"));
    fails(&["keys", "verify", "--keys", path(&ltc), "--against", path(&wrapped)], 2, "holds no known answers");

    // The root makes the lost folder again.
    let (root, words, again) = (holders.at("root.age"), holders.at("passphrase"), holders.at("again"));
    let made = ["keys", "init", "--zone", "holder", "--out", path(&again), "--root", path(&root)];
    ok(&[&made[..], &["--passphrase-file", path(&words)]].concat());
    ok(&["keys", "verify", "--keys", path(&again), "--against", path(&answers)]);
    let audit = ok(&["audit", "verify", path(holders.dir.path())]);
    assert!(audit.contains("every chain is whole"), "{audit}");
    never_printed(&holders);
}

#[test]
fn what_the_readme_says_of_token_keys_runs_as_it_stands() {
    let dir = tempfile::tempdir().unwrap();
    let words = dir.path().join("passphrase");
    fs::write(&words, WORDS).unwrap();
    fs::set_permissions(&words, fs::Permissions::from_mode(0o600)).unwrap();
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let block = readme.split("## Token keys").nth(1).unwrap().split("```").nth(1).unwrap();
    let lines: Vec<&str> = block.lines().filter(|line| line.starts_with("sudare ")).collect();
    assert_eq!(lines.len(), 8);
    for line in lines {
        let line = line.replacen("sudare", SUDARE, 1);
        let output = Command::new("bash").args(["-c", &line]).current_dir(dir.path()).output().unwrap();
        assert!(output.status.success(), "{line}: {}", said(&output));
    }
}

/// Neither a key nor the passphrase stands in any file that leaves, or in a chain.
fn never_printed(holders: &Holders) {
    let secrets: Vec<String> = ["ndb", "ltc"]
        .iter()
        .flat_map(|name| fs::read_dir(holders.at(name).join("secret")).unwrap())
        .map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap().trim().to_owned())
        .chain([WORDS.to_owned()])
        .collect();
    for file in ["root.age", "epoch.age", "ndb.json", "ndb/audit.jsonl", "ltc/audit.jsonl", "ndb/epochs.json"] {
        let bytes = fs::read(holders.at(file)).unwrap();
        for secret in &secrets {
            let found = bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
            assert!(!found, "a secret stands in {file}");
        }
    }
}

#[test]
fn a_passphrase_never_comes_as_an_argument_and_a_wrong_one_opens_nothing() {
    let holders = Holders::new();
    let root = holders.at("root.age");
    let show = |file: &Path| {
        let output =
            run(&["keys", "root", "show", "--root", path(&root), "--passphrase-file", path(file), "--lang", "en"]);
        (output.status.code(), said(&output))
    };
    let (code, whole) = show(&holders.at("passphrase"));
    assert!(code == Some(0) && whole.contains("sealed"), "{whole}");
    for (file, words) in [
        (holders.write("wrong", "correct horse battery stable", 0o600), "does not open with this passphrase"),
        (holders.write("open", WORDS, 0o644), "can be read by other users"),
        (holders.write("empty", "\n", 0o600), "holds no passphrase"),
        (holders.at("absent"), "cannot read the passphrase"),
    ] {
        let (code, said) = show(&file);
        assert!(code == Some(1) && said.contains(words), "{said}");
        assert!(!said.contains("horse"), "{said}");
    }
    // By a descriptor.
    let line = format!(
        "{SUDARE} keys root show --root {} --passphrase-file /dev/fd/3 3< {}",
        path(&root),
        path(&holders.at("passphrase"))
    );
    let output = Command::new("bash").args(["-c", &line]).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    let short = holders.write("short", "four words", 0o600);
    let out = holders.at("second.age");
    fails(&["keys", "root", "init", "--out", path(&out), "--passphrase-file", path(&short)], 1, "too short");
    let words = holders.at("passphrase");
    fails(&["keys", "root", "init", "--out", path(&root), "--passphrase-file", path(&words)], 1, "never overwritten");
    let zone = ["keys", "init", "--zone", "linkage", "--out", path(&out), "--root", path(&root)];
    fails(&[&zone[..], &["--passphrase-file", path(&words)]].concat(), 1, "has no epochs");
    fails(&["keys", "init", "--zone", "holder", "--out", path(&out), "--root", path(&root)], 2, "--passphrase-file");
    assert!(!out.exists());
}

#[test]
fn a_rotation_is_prepared_but_not_switched_without_a_verdict() {
    let holders = Holders::new();
    let (ndb, ltc, root) = (holders.at("ndb"), holders.at("ltc"), holders.at("root.age"));
    let (words, wrapped, public) = (holders.at("passphrase"), holders.at("e.age"), ltc.join("public"));
    let rotate = |step| ["keys", "epoch", "rotate", "--keys", path(&ndb), step];
    fails(&rotate("--start"), 1, "there is no next epoch");
    let new = ["keys", "epoch", "new", "--keys", path(&ndb), "--root", path(&root), "--passphrase-file", path(&words)];
    assert!(ok(&new).contains("next"));
    fails(&["keys", "epoch", "new", "--keys", path(&ndb)], 1, "a rotation to epoch 2 is under way");
    ok(&["keys", "share-epoch", "--keys", path(&ndb), "--to", path(&public), "--out", path(&wrapped), "--next"]);
    let join = ["keys", "join-epoch", "--keys", path(&ltc), "--wrapped", path(&wrapped)];
    fails(&join, 1, "follows another epoch");
    fails(&rotate("--switch"), 1, "the rotation has not begun");
    assert!(ok(&rotate("--start")).contains("the rotation has begun"));
    fails(&rotate("--switch"), 1, "no bridge");
    fails(&rotate("--destroy"), 1, "only after the switch");
    let verdict = holders.write("verdict.jws", "e30.e30.e30", 0o600);
    let with = [&rotate("--switch")[..], &["--verdict", path(&verdict)]].concat();
    fails(&with, 1, "trusts no key of linkage yet");
    ok(&rotate("--cancel"));
    assert!(!ndb.join("secret/epoch-next.key").exists());
    let listed = ok(&["keys", "epoch", "list", "--keys", path(&ndb)]);
    assert!(listed.contains("removed") && listed.contains("current"), "{listed}");
    assert!(ok(&new).contains('3'), "a given-up number is not used again");
    fails(&[&rotate("--start")[..], &["--destroy"]].concat(), 2, "cannot be used with");
}

#[test]
fn a_run_key_goes_to_the_other_holder_and_is_wiped() {
    let holders = Holders::new();
    let (ndb, ltc, wrapped) = (holders.at("ndb"), holders.at("ltc"), holders.at("run.age"));
    let public = ltc.join("public");
    ok(&["keys", "run-key", "new", "--keys", path(&ndb), "--id", "2026-11"]);
    let share = ["keys", "run-key", "share", "--keys", path(&ndb), "--id", "2026-11", "--to", path(&public)];
    ok(&[&share[..], &["--out", path(&wrapped)]].concat());
    let join = ["keys", "run-key", "join", "--keys", path(&ltc), "--wrapped", path(&wrapped)];
    assert!(ok(&join).contains("nobody's signature was asked for"));
    fails(&["keys", "join-epoch", "--keys", path(&ltc), "--wrapped", path(&wrapped)], 1, "have a command each");
    ok(&["keys", "run-key", "wipe", "--keys", path(&ltc), "--id", "2026-11"]);
    fails(&join, 1, "was wiped and does not come back");
    fails(&["keys", "run-key", "new", "--keys", path(&ndb), "--id", "../epoch"], 2, "a run is named by");
    let linkage = holders.at("linkage");
    ok(&["keys", "init", "--zone", "linkage", "--out", path(&linkage)]);
    fails(
        &["keys", "run-key", "new", "--keys", path(&linkage), "--id", "r"],
        1,
        "holds the secrets of the linkage zone",
    );
}

#[test]
fn a_root_lives_in_a_token() {
    const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";
    assert!(Path::new(MODULE).exists(), "SoftHSM 2 is not installed: run ./tests/setup (Debian package softhsm2)");
    let holders = Holders::new();
    fs::create_dir(holders.at("tokens")).unwrap();
    let conf = format!("directories.tokendir = {}\n", path(&holders.at("tokens")));
    let conf = holders.write("softhsm2.conf", &conf, 0o600);
    let (pin, root) = (holders.write("pin", "1234\n", 0o600), holders.at("root.json"));
    let at = |program: &str, arguments: &[&str]| {
        Command::new(program).args(arguments).env("SOFTHSM2_CONF", &conf).output().unwrap()
    };
    let token = ["--init-token", "--free", "--label", "sudare", "--pin", "1234", "--so-pin", "12345678"];
    assert!(at("softhsm2-util", &token).status.success());
    let init = ["keys", "root", "init", "--out", path(&root), "--pkcs11", MODULE, "--token", "sudare"];
    let made = at(SUDARE, &[&init[..], &["--passphrase-file", path(&pin)]].concat());
    assert!(made.status.success(), "{}", said(&made));
    let show = at(SUDARE, &["keys", "root", "show", "--root", path(&root), "--passphrase-file", path(&pin)]);
    assert!(text(&show.stdout) == text(&made.stdout) && text(&show.stdout).contains("pkcs11"), "{}", said(&show));
    let ndb = holders.at("ndb");
    let new = ["keys", "epoch", "new", "--keys", path(&ndb), "--root", path(&root), "--passphrase-file", path(&pin)];
    let new = at(SUDARE, &new);
    assert!(new.status.success(), "{}", said(&new));
    let wrong = holders.write("wrong", "4321\n", 0o600);
    let lang = ["--lang", "en"];
    let show = ["keys", "root", "show", "--root", path(&root), "--passphrase-file", path(&wrong)];
    let refused = at(SUDARE, &[&show[..], &lang].concat());
    assert!(
        refused.status.code() == Some(1) && said(&refused).contains("does not take this PIN"),
        "{}",
        said(&refused)
    );
}
