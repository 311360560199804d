//! The README's commands do what it says, as they stand there.

use std::fs;
use std::process::Command;

use crate::world::{SUDARE, World, path, python_program, root, text};

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

#[test]
fn what_the_readme_asks_of_the_demo_is_answered_or_refused_as_it_says() {
    let world = World::start();
    fs::copy(world.token_file("researcher"), world.folder.path().join("token.txt")).unwrap();
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let readme = readme.replace("grpc://127.0.0.1:50051", &world.address("engine")).replace("sudare-demo/", "");
    let (mut asked, mut refused) = (0, 0);
    for block in readme.split("```").skip(1).step_by(2) {
        let block = block.replace("\\\n", " ");
        for line in block.lines().filter(|line| line.contains("sudare sql --server grpc://")) {
            let command = format!("{} --lang en", line.trim_start_matches("$ ").replacen("sudare", SUDARE, 1));
            let output = Command::new("bash").args(["-c", &command]).current_dir(world.folder.path()).output().unwrap();
            let said = text(&output.stderr);
            let is_refused = block.contains("refused (");
            assert_eq!(output.status.code(), Some(if is_refused { 3 } else { 0 }), "{line}\n{said}");
            assert!(!is_refused || said.lines().all(|line| block.contains(line)), "the README says otherwise:\n{said}");
            (asked, refused) = (asked + 1, refused + u32::from(is_refused));
        }
        if let Some(program) = block.strip_prefix("python\n").filter(|program| program.contains("cursor.execute")) {
            let mut python = Command::new(python_program());
            let output = python.args(["-c", program]).current_dir(world.folder.path()).output().unwrap();
            assert!(output.status.success() && text(&output.stdout).contains("persons"), "{}", text(&output.stderr));
            asked += 1;
        }
    }
    assert!(asked >= 7 && refused == 1, "{asked} questions of the README were asked, {refused} refused");
}
