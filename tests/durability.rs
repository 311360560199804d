//! Killed processes leave nothing half-done.

use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

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
