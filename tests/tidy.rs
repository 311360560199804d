//! The house is in order: imports run one way, every file says what it is, every code is in the documentation.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use cargo_metadata::{CargoOpt, DependencyKind, MetadataCommand};

use crate::world::root;

/// Who may import whom (DESIGN.md, "Shape of the repository").
const WALLS: [(&str, &[&str]); 8] = [
    ("policies", &[]),
    ("catalog", &["policies"]),
    ("pseudonymizer", &["policies", "catalog"]),
    ("engine", &["policies", "catalog"]),
    ("synthetic", &["policies", "catalog"]),
    ("permit-signer", &["policies"]),
    ("review-portal", &["policies", "catalog", "engine", "pseudonymizer", "synthetic"]),
    ("sudare", &["policies", "catalog", "engine", "pseudonymizer", "synthetic", "permit-signer", "review-portal"]),
];

fn files(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        let name = entry.file_name();
        if path.is_dir() {
            if !["target", ".git", "vendor", "node_modules"].iter().any(|skipped| name == *skipped) {
                files(&path, ending, found);
            }
        } else if path.extension().is_some_and(|it| it == ending) {
            found.push(path);
        }
    }
}

fn rust_files() -> Vec<PathBuf> {
    let mut found = Vec::new();
    files(root(), "rs", &mut found);
    found
}

#[test]
fn imports_run_one_way() {
    let manifest = root().join("Cargo.toml");
    let metadata = MetadataCommand::new()
        .manifest_path(manifest)
        .features(CargoOpt::AllFeatures)
        .no_deps()
        .other_options(["--offline".to_owned()])
        .exec()
        .unwrap();
    let ours: BTreeSet<&str> = WALLS.iter().map(|(name, _)| *name).collect();
    for package in &metadata.packages {
        let (_, allowed) =
            WALLS.iter().find(|(name, _)| *name == package.name.as_str()).expect("a crate without a wall");
        for dependency in package
            .dependencies
            .iter()
            .filter(|it| it.kind == DependencyKind::Normal && ours.contains(it.name.as_str()))
        {
            assert!(
                allowed.contains(&dependency.name.as_str()),
                "{} must not import {}",
                package.name,
                dependency.name
            );
        }
    }
}

#[test]
fn every_file_says_what_it_is_and_is_of_a_readable_length() {
    for path in rust_files() {
        let text = fs::read_to_string(&path).unwrap();
        let first = text.lines().next().unwrap_or_default();
        assert!(first.starts_with("//!") || first.starts_with("#![doc"), "{} does not begin with //!", path.display());
        assert!(text.lines().count() <= 700, "{} is too long: split it by idea", path.display());
    }
}

#[test]
fn every_code_of_an_error_is_documented() {
    let documented = fs::read_to_string(root().join("docs/errors.md")).unwrap();
    let is_test =
        |path: &PathBuf| path.components().any(|part| part.as_os_str() == "tests") || path.ends_with("tests.rs");
    for path in rust_files().into_iter().filter(|path| !is_test(path)) {
        for piece in fs::read_to_string(&path).unwrap().split('"') {
            let Some((area, word)) = piece.split_once('/') else { continue };
            let is_code = ["guard", "veil", "permit", "session", "protocol", "application", "link", "release", "pseudonymize", "signer", "portal", "synthetic", "tls", "tokens", "passkey", "oidc"].contains(&area)
                && !["application/jose", "application/pdf"].contains(&piece) // media types
                && !word.is_empty()
                && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
            assert!(
                !is_code || documented.contains(&format!("`{piece}`")),
                "{piece} ({}) is not in docs/errors.md",
                path.display()
            );
        }
    }
}

#[test]
fn readme_has_the_two_commands() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    for line in ["cargo run --release -- demo", "./tests/run", "合成データ（実在の個人・医療機関ではありません）"]
    {
        assert!(readme.contains(line), "README.md without {line}");
    }
}
