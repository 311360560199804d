//! The README's commands do what it says, as they stand there.

use std::fs;
use std::process::Command;

use crate::world::{SUDARE, path, root, text};

#[test]
fn the_five_steps_of_the_readme_run_as_they_stand() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let (_, steps) = readme.split_once("## The main job in five steps").unwrap();
    let block = steps.split("```").nth(1).unwrap().replace("--persons 20000", "--persons 400");
    let commands: Vec<&str> = block.split("\nsudare ").filter(|command| !command.trim().is_empty()).collect();
    assert!(commands.len() >= 8, "{commands:?}");
    let folder = tempfile::tempdir().unwrap();
    for command in commands.iter().filter(|command| !command.trim_start().starts_with("serve ")) {
        let line = format!("set -e; {SUDARE} {}", command.trim().trim_start_matches("sudare "));
        let output = Command::new("bash").args(["-c", &line]).current_dir(folder.path()).output().unwrap();
        assert!(output.status.success(), "{line}\n{}{}", text(&output.stdout), text(&output.stderr));
    }
    for release in ["ndb", "person"] {
        let versions: Vec<_> = fs::read_dir(folder.path().join("releases").join(release)).unwrap().flatten().collect();
        let made = versions.iter().any(|version| version.path().join("manifest.json").exists());
        assert!(made, "{release} in {}", path(folder.path()));
    }
}
