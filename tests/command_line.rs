//! The command line as a newcomer meets it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::world::{demo_once, path, prepared, run, text};

#[test]
fn every_command_has_help_with_an_example() {
    let commands: [&[&str]; 41] = [
        &["demo"],
        &["dummy", "make"],
        &["synthesize"],
        &["keys", "init"],
        &["keys", "show"],
        &["keys", "share-epoch"],
        &["keys", "join-epoch"],
        &["keys", "trust"],
        &["keys", "verify"],
        &["keys", "root", "init"],
        &["keys", "root", "show"],
        &["keys", "epoch", "new"],
        &["keys", "epoch", "list"],
        &["keys", "epoch", "show"],
        &["keys", "epoch", "rotate"],
        &["keys", "run-key", "new"],
        &["keys", "run-key", "share"],
        &["keys", "run-key", "join"],
        &["keys", "run-key", "wipe"],
        &["pseudonymize"],
        &["link", "run"],
        &["link", "report"],
        &["link", "diff"],
        &["release"],
        &["catalog", "publish"],
        &["catalog", "list"],
        &["catalog", "show"],
        &["catalog", "export"],
        &["serve"],
        &["opt-out", "add"],
        &["opt-out", "list"],
        &["opt-out", "remove"],
        &["portal", "rebuild"],
        &["portal", "contact"],
        &["portal", "reset-factors"],
        &["permit", "show"],
        &["permit", "verify"],
        &["permit", "revoke"],
        &["sql"],
        &["audit", "verify"],
        &["audit", "show"],
    ];
    for command in commands {
        let output = run(&command.iter().copied().chain(["--help"]).collect::<Vec<_>>());
        let help = text(&output.stdout);
        assert!(output.status.success(), "{command:?}");
        let example = ["Example:\n  sudare ", "Examples:\n  sudare "].iter().any(|words| help.contains(words));
        assert!(example, "{command:?} has no example:\n{help}");
        assert!(help.contains("--lang"), "{command:?}");
    }
}

#[test]
fn keys_are_made_once_listed_by_fingerprint_and_never_printed() {
    let dir = tempfile::tempdir().unwrap();
    let keys = dir.path().join("keys");
    let made = run(&["keys", "init", "--zone", "holder", "--out", path(&keys)]);
    assert!(made.status.success(), "{}", text(&made.stderr));
    let again = run(&["keys", "init", "--zone", "holder", "--out", path(&keys), "--lang", "en"]);
    assert_eq!(again.status.code(), Some(1));
    assert!(text(&again.stderr).contains("holds keys already"), "{}", text(&again.stderr));
    let shown = run(&["keys", "show", path(&keys)]);
    let printed = format!("{}{}", text(&shown.stdout), text(&made.stdout));
    for entry in fs::read_dir(keys.join("secret")).unwrap() {
        let file = entry.unwrap().path();
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600, "{}", file.display());
        let name = file.file_stem().unwrap().to_str().unwrap().to_owned();
        assert!(printed.contains(&name), "{name} is not listed");
        assert!(!printed.contains(fs::read_to_string(&file).unwrap().trim()), "the secret {name} was printed");
    }
}

#[test]
fn a_command_given_another_zones_keys_refuses() {
    let world = prepared(crate::world::PERSONS, "none");
    let dir = tempfile::tempdir().unwrap();
    let output = run(&[
        "link",
        "run",
        "--keys",
        path(&world.join("enclave/keys")),
        "--out",
        path(&dir.path().join("x")),
        "--lang",
        "en",
        path(&world.join("linkage/inbox/ndb/tokens")),
    ]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("holds the secrets of the enclave zone"), "{}", text(&output.stderr));
}

#[test]
fn link_refuses_a_folder_that_holds_content() {
    let world = prepared(crate::world::PERSONS, "none");
    let dir = tempfile::tempdir().unwrap();
    for folder in ["holder/ndb/batch", "enclave/inbox/ndb"] {
        let out = dir.path().join("x");
        let output = run(&[
            "link",
            "run",
            "--keys",
            path(&world.join("linkage/keys")),
            "--out",
            path(&out),
            "--lang",
            "en",
            path(&world.join(folder)),
        ]);
        assert_eq!(output.status.code(), Some(1), "{folder}");
        assert!(text(&output.stderr).contains("content"), "{folder}: {}", text(&output.stderr));
        assert!(!out.join("crosswalk.json").exists());
    }
}

#[test]
fn misuse_is_exit_two_and_messages_come_in_both_languages() {
    assert_eq!(run(&["sql", "--server", "grpc://127.0.0.1:1", "--token-file", "/nonexistent"]).status.code(), Some(2));
    assert_eq!(run(&["no-such-command"]).status.code(), Some(2));
    let dir = tempfile::tempdir().unwrap();
    let show = |lang| text(&run(&["audit", "verify", path(dir.path()), "--lang", lang]).stderr);
    assert!(show("en").starts_with("error: no audit chain"), "{}", show("en"));
    assert!(show("ja").starts_with("エラー: "), "{}", show("ja"));
}

#[test]
fn a_busy_port_another_version_and_a_foreign_folder_each_give_one_sentence() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("thesis.tex"), "x").unwrap();
    let foreign = run(&["demo", "--once", "--dir", path(dir.path()), "--lang", "en"]);
    assert!(text(&foreign.stderr).contains("is not empty and is no demo folder"), "{}", text(&foreign.stderr));

    let world = crate::world::copy_of(&prepared(crate::world::PERSONS, "none"));
    let other = run(&["demo", "--once", "--dir", path(world.path()), "--persons", "4000", "--lang", "en"]);
    assert!(text(&other.stderr).contains("other settings"), "{}", text(&other.stderr));

    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let busy = demo_once(world.path(), crate::world::PERSONS, "none", &address);
    assert_eq!(busy.status.code(), Some(1));
    let said = text(&busy.stderr);
    assert!(said.contains(&format!("address {address} is in use")), "{said}");
    assert_eq!(said.lines().filter(|line| line.starts_with("error")).count(), 1, "{said}");
}
