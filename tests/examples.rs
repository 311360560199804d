//! The examples do what they say, against a running demo.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::world::{World, path, python_program, root, text};

const MARK: &str = "閲覧用・公表不可";

#[test]
fn the_script_draws_both_grades_and_marks_the_preview_on_the_figure() {
    let world = World::start();
    for grade in ["exact", "preview"] {
        let figure = world.folder.path().join(format!("{grade}.svg"));
        let output = example(&world.folder.path().join("demo.json"), grade, &figure, &[]);
        let said = text(&output.stdout);
        assert!(output.status.success(), "{said}{}", text(&output.stderr));
        let drawn = fs::read_to_string(&figure).unwrap();
        assert!(drawn.contains("in long-term care") && drawn.contains("合成データ"), "{grade}");
        assert_eq!((drawn.contains(MARK), said.contains(MARK)), (grade == "preview", grade == "preview"), "{said}");
    }
}

#[test]
fn the_notebook_runs_from_top_to_bottom() {
    let world = World::start();
    let folder = root().join("examples/python");
    let notebook: Value = serde_json::from_slice(&fs::read(folder.join("fracture.ipynb")).unwrap()).unwrap();
    let cells = notebook["cells"].as_array().unwrap().iter().filter(|cell| cell["cell_type"] == "code");
    let code = cells.map(|cell| {
        assert_eq!(cell["outputs"], serde_json::json!([]), "no answer is kept in the repository");
        cell["source"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect::<String>()
    });
    let code = code.collect::<Vec<_>>().join("\n");
    assert!(code.contains("figure(preview)") && code.contains("figure(exact)"));
    let demo = world.folder.path().join("demo.json");
    let run =
        Command::new(python_program()).args(["-B", "-c", &code]).current_dir(&folder).env("SUDARE_DEMO", demo).output();
    let output = run.unwrap();
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
}

/// `examples/python/fracture.py` for one grade.
pub(crate) fn example(demo: &Path, grade: &str, figure: &Path, place: &[&str]) -> Output {
    let script = root().join("examples/python/fracture.py");
    let asked = ["-B", path(&script), "--demo", path(demo), "--grade", grade, "--out", path(figure)];
    Command::new(python_program()).args(asked).args(place).output().unwrap()
}
