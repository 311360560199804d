//! Killed processes leave nothing half-done.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::world::{PERSONS, SUDARE, copy_of, path, prepared, run, text};

#[test]
fn a_killed_release_leaves_no_half_release_and_the_next_run_works() {
    let world = copy_of(&prepared(PERSONS, "none"));
    let enclave = world.path().join("enclave");
    let releases = world.path().join("other-releases");
    let arguments = |version: &str| -> Vec<String> {
        let path = |name: &str| enclave.join(name).to_str().unwrap().to_owned();
        [
            "release",
            "--dataset",
            &format!("ndb/{version}"),
            "--content",
            &path("inbox/ndb/content"),
            "--crosswalk",
            &path("inbox/crosswalk"),
            "--keys",
            &path("keys"),
            "--out",
            releases.to_str().unwrap(),
        ]
        .map(ToOwned::to_owned)
        .to_vec()
    };
    for (attempt, wait) in [30u64, 120, 300, 600, 1000].into_iter().enumerate() {
        let version = format!("2026.{}", attempt + 1);
        let mut child =
            Command::new(SUDARE).args(arguments(&version)).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(wait));
        let _over_already = child.kill();
        child.wait().unwrap();
        let folder = releases.join("ndb").join(&version);
        assert!(!folder.exists() || folder.join("manifest.json").exists(), "a half release stands at {version}");
    }
    let output = run(&arguments("2026.9").iter().map(String::as_str).collect::<Vec<_>>());
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(releases.join("ndb/2026.9/manifest.json").exists());
    let left: Vec<_> = fs::read_dir(releases.join("ndb"))
        .unwrap()
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().contains("partial"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
    let again = run(&arguments("2026.9").iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(again.status.code(), Some(1), "a release is immutable");
}

/// `pseudonymize` of the DPC holder of that world.
fn pseudonymize(world: &Path, out: &Path, raw: &Path) -> Command {
    let at = |name: &str| world.join(name);
    let mut command = Command::new(SUDARE);
    command.args(["pseudonymize", "--lang", "en", "--source", "dpc", "--keys", path(&at("holder/dpc/keys"))]);
    command.args(["--link-to", path(&at("linkage/keys/public")), "--release-to", path(&at("enclave/keys/public"))]);
    command.args(["--out", path(out), path(raw)]);
    command
}

/// So many files that they are read in several units (pseudonymizer/README.md): each act of the demo's DPC files in one of its own.
fn many_files(from: &Path, to: &Path) -> usize {
    fs::create_dir_all(to).unwrap();
    let mut files = 0;
    for file in fs::read_dir(from).unwrap().flatten() {
        let (bytes, name) = (fs::read(file.path()).unwrap(), file.file_name().to_string_lossy().into_owned());
        if !name.starts_with("EFn") {
            fs::write(to.join(name), bytes).unwrap();
            files += 1;
            continue;
        }
        let mut lines = bytes.split_inclusive(|byte| *byte == b'\n');
        let header = lines.next().unwrap();
        for (number, line) in lines.enumerate() {
            fs::write(to.join(format!("{name}.{number:05}.txt")), [header, line].concat()).unwrap();
            files += 1;
        }
    }
    files
}

/// What a batch says it holds: all but names and times that are drawn anew for each.
fn counts(batch: &Path) -> Value {
    let mut report: Value = serde_json::from_slice(&fs::read(batch.join("report.json")).unwrap()).unwrap();
    for drawn in ["batch", "created_at"] {
        assert!(report.as_object_mut().unwrap().remove(drawn).is_some());
    }
    let manifest: Value = serde_json::from_slice(&fs::read(batch.join("batch.json")).unwrap()).unwrap();
    for told in ["atoms", "tables", "quarantined", "layouts"] {
        report[format!("batch.{told}")] = manifest[told].clone();
    }
    report
}

#[test]
fn a_killed_pseudonymize_leaves_no_half_batch_and_the_same_command_goes_on() {
    let world = copy_of(&prepared(PERSONS, "none"));
    let (raw, whole, out) = (world.path().join("raw"), world.path().join("whole"), world.path().join("out"));
    let files = many_files(&world.path().join("holder/dpc/raw"), &raw);
    assert!(files > 2 * 4096, "{files} files are too few for three units");
    let began = Instant::now();
    let output = pseudonymize(world.path(), &whole, &raw).output().unwrap();
    let took = began.elapsed();
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(counts(&whole)["batch.atoms"].as_u64().unwrap() > 100);

    let partial = world.path().join("out.partial");
    let (mut waits, mut killed, mut kept) = (Vec::new(), 0, 0);
    for round in 0..3_u32 {
        // Anywhere in the run: a random point of each third.
        let wait = took.mul_f64((f64::from(round) + rand::random::<f64>()) / 3.0);
        waits.push(wait);
        let mut child =
            pseudonymize(world.path(), &out, &raw).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(wait);
        child.kill().unwrap();
        killed += u32::from(child.wait().unwrap().code().is_none());
        assert!(!out.exists() || out.join("batch.sig").exists(), "half a batch stands after {waits:?}");
        kept += usize::from(partial.join("parts").exists());
    }
    assert!(killed > 0 && kept > 0, "no run was killed at work: {waits:?}, {took:?}");
    let output = pseudonymize(world.path(), &out, &raw).output().unwrap();
    assert!(output.status.success(), "{waits:?}: {}", text(&output.stderr));
    assert_eq!(counts(&out), counts(&whole), "{waits:?}");
    assert!(!partial.exists(), "what was kept for going on is still there");

    // Once more changes nothing.
    let before = (fs::read(out.join("batch.json")).unwrap(), fs::read(out.join("tokens/tokens.arrow.age")).unwrap());
    let output = pseudonymize(world.path(), &out, &raw).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let after = (fs::read(out.join("batch.json")).unwrap(), fs::read(out.join("tokens/tokens.arrow.age")).unwrap());
    assert_eq!(before, after);
}

#[test]
fn a_demo_killed_while_preparing_goes_on_where_it_stopped() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("demo");
    let arguments = [
        "demo",
        "--once",
        "--dir",
        path(&folder),
        "--persons",
        "500",
        "--seed",
        "3",
        "--portal",
        "127.0.0.1:0",
        "--engine",
        "127.0.0.1:0",
    ];
    for wait in [200u64, 900, 1800] {
        let mut child =
            Command::new(SUDARE).args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(wait));
        let _over_already = child.kill();
        child.wait().unwrap();
    }
    let output = run(&arguments);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("in_care"), "{}", text(&output.stdout));
}
