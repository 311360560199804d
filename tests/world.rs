//! A prepared world: the demo's folder made once a binary, copied by hard links, served by the real binary.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant, UNIX_EPOCH};

use serde_json::Value;
use tempfile::TempDir;

/// The binary under test.
pub(crate) const SUDARE: &str = env!("CARGO_BIN_EXE_sudare");

/// Persons of the small world. Enough for cells of ten in the larger prefectures, little enough for a debug build.
pub(crate) const PERSONS: u32 = 3000;

/// The folder of the project.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A prepared demo folder of `persons`, made once for this binary and shared by all tests. Do not write into it.
pub(crate) fn prepared(persons: u32, errors: &str) -> PathBuf {
    let meta = fs::metadata(SUDARE).expect("the binary is built");
    let stamp = meta.modified().unwrap().duration_since(UNIX_EPOCH).unwrap().as_nanos();
    let base = target().join("test-worlds");
    fs::create_dir_all(&base).unwrap();
    let name = format!("{persons}-{errors}");
    let lock = File::create(base.join(format!("{name}.lock"))).unwrap();
    lock.lock().unwrap();
    let folder = base.join(&name);
    let made_by = base.join(format!("{name}.made-by"));
    let wanted = format!("{stamp}-{}", meta.len());
    if fs::read_to_string(&made_by).is_ok_and(|made_by| made_by == wanted) {
        return folder;
    }
    if folder.exists() {
        fs::remove_dir_all(&folder).unwrap();
    }
    let output = demo_once(&folder, persons, errors, "127.0.0.1:0");
    assert!(
        output.status.success(),
        "the demo could not be prepared:\n{}\n{}",
        text(&output.stdout),
        text(&output.stderr)
    );
    fs::write(base.join(format!("{name}.stdout")), &output.stdout).unwrap();
    fs::write(base.join(format!("{name}.stderr")), &output.stderr).unwrap();
    fs::write(&made_by, wanted).unwrap();
    folder
}

/// What the preparing run printed.
pub(crate) fn prepared_output(persons: u32, errors: &str) -> (String, String) {
    prepared(persons, errors);
    let base = target().join("test-worlds");
    let read = |ending: &str| fs::read_to_string(base.join(format!("{persons}-{errors}.{ending}"))).unwrap();
    (read("stdout"), read("stderr"))
}

/// Where cargo builds.
pub(crate) fn target() -> PathBuf {
    Path::new(SUDARE).ancestors().nth(2).unwrap().to_owned()
}

/// A served copy of a prepared world; ends when dropped.
pub(crate) struct World {
    pub(crate) folder: TempDir,
    pub(crate) demo: Value,
    child: Child,
    log: PathBuf,
}

impl World {
    /// The small world without identifier errors.
    pub(crate) fn start() -> Self {
        Self::serve(copy_of(&prepared(PERSONS, "none")), PERSONS, "none")
    }

    /// Serves a copy that a test has changed.
    pub(crate) fn serve(folder: TempDir, persons: u32, errors: &str) -> Self {
        let log = folder
            .path()
            .join("..")
            .canonicalize()
            .unwrap()
            .join(format!("{}.log", folder.path().file_name().unwrap().to_str().unwrap()));
        let demo_json = folder.path().join("demo.json");
        let _absent = fs::remove_file(&demo_json);
        let mut child = Command::new(SUDARE)
            .args([
                "demo",
                "--dir",
                path(folder.path()),
                "--persons",
                &persons.to_string(),
                "--seed",
                "7",
                "--errors",
                errors,
            ])
            .args(["--portal", "127.0.0.1:0", "--engine", "127.0.0.1:0", "--lang", "en"])
            .env("SUDARE_LOG", "debug")
            .stdin(Stdio::null())
            .stdout(appended(&log))
            .stderr(appended(&log))
            .spawn()
            .unwrap();
        let until = Instant::now() + Duration::from_mins(2);
        while !demo_json.exists() {
            assert!(
                child.try_wait().unwrap().is_none(),
                "the demo ended early:\n{}",
                fs::read_to_string(&log).unwrap()
            );
            assert!(Instant::now() < until, "the demo does not get ready:\n{}", fs::read_to_string(&log).unwrap());
            std::thread::sleep(Duration::from_millis(50));
        }
        let demo = serde_json::from_slice(&fs::read(&demo_json).unwrap()).unwrap();
        Self { folder, demo, child, log }
    }

    /// Presses Ctrl-C and gives the exit code.
    pub(crate) fn interrupt(&mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
        self.child.wait().unwrap().code()
    }

    /// Everything the served process wrote to stdout and stderr so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    /// A top-level address of demo.json.
    pub(crate) fn address(&self, name: &str) -> String {
        self.demo[name].as_str().unwrap().to_owned()
    }

    /// The body of a page of the portal that anybody can open.
    pub(crate) fn page(&self, place: &str) -> String {
        // Fails only if one is installed already.
        let _installed = rustls::crypto::ring::default_provider().install_default();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let place = format!("{}{place}", self.address("portal"));
        runtime.block_on(async { reqwest::get(place).await.unwrap().text().await.unwrap() })
    }

    /// A field of an account.
    pub(crate) fn account(&self, who: &str, field: &str) -> String {
        self.demo["accounts"][who][field].as_str().unwrap_or_else(|| panic!("no {field} of {who}")).to_owned()
    }

    /// The demo's project of that grade, `exact` or `preview`.
    pub(crate) fn project(&self, grade: &str) -> String {
        project(&self.demo, grade, "id")
    }

    /// The permit of that project.
    pub(crate) fn permit(&self, grade: &str) -> String {
        project(&self.demo, grade, "permit")
    }

    /// A file with a person's session token.
    pub(crate) fn token_file(&self, who: &str) -> PathBuf {
        let file = self.folder.path().join(format!("{who}.token"));
        fs::write(&file, self.account(who, "token")).unwrap();
        file
    }

    /// `sudare sql` as the researcher in the project of that grade, in that language and format.
    pub(crate) fn sql_shown(&self, grade: &str, shown: [&str; 2], sql: &str) -> Output {
        let [lang, format] = shown;
        self.sql("researcher", grade, &["--lang", lang, "--format", format, "-c", sql])
    }

    fn sql(&self, who: &str, grade: &str, asked: &[&str]) -> Output {
        let (token, project, server) = (self.token_file(who), self.project(grade), self.address("engine"));
        let place = ["sql", "--server", &server, "--token-file", path(&token), "--project", &project];
        run(&[place.as_slice(), asked].concat())
    }

    /// `sudare sql --format json` as `who` in the project of exact cells: exit code and the JSON it printed.
    pub(crate) fn sql_as(&self, who: &str, sql: &str) -> (i32, Value) {
        self.sql_json(who, "exact", sql)
    }

    fn sql_json(&self, who: &str, grade: &str, sql: &str) -> (i32, Value) {
        let output = self.sql(who, grade, &["--format", "json", "-c", sql]);
        let json = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| Value::String(text(&output.stderr)));
        (output.status.code().unwrap(), json)
    }

    /// The researcher's query in the project of exact cells, which must be answered.
    pub(crate) fn answer(&self, sql: &str) -> Value {
        self.answer_in("exact", sql)
    }

    /// The researcher's query in the project of that grade, which must be answered.
    pub(crate) fn answer_in(&self, grade: &str, sql: &str) -> Value {
        let (code, json) = self.sql_json("researcher", grade, sql);
        assert_eq!(code, 0, "{sql}\n{json}");
        json
    }

    /// The researcher's query, which must be refused.
    pub(crate) fn refusal(&self, sql: &str) -> Value {
        let (code, json) = self.sql_as("researcher", sql);
        assert_eq!(code, 3, "{sql}\n{json}");
        json["refused"].clone()
    }
}

/// A field of the project of that grade in a `demo.json`.
pub(crate) fn project(demo: &Value, grade: &str, field: &str) -> String {
    let projects = demo["projects"].as_array().unwrap();
    projects.iter().find(|project| project["grade"] == grade).unwrap()[field].as_str().unwrap().to_owned()
}

impl Drop for World {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
        let _absent = fs::remove_file(&self.log);
    }
}

/// A service as a process of its own; ends when dropped.
pub(crate) struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ended = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// A port that nobody listens at.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Starts a service of a configuration file and waits until it says that it serves.
pub(crate) fn serve(config: &Path, service: &str) -> Running {
    let log = config.with_file_name(format!("{service}.out"));
    let child = Command::new(SUDARE)
        .args(["serve", service, "--config", path(config), "--lang", "en"])
        .stdin(Stdio::null())
        .stdout(File::create(&log).unwrap())
        .spawn()
        .unwrap();
    let running = Running(child);
    let until = Instant::now() + Duration::from_mins(1);
    while !fs::read_to_string(&log).unwrap().contains("serves at") {
        assert!(Instant::now() < until, "{service} does not get ready");
        std::thread::sleep(Duration::from_millis(50));
    }
    running
}

/// A copy of a folder by hard links; files that are written in place (databases, chains, locks) are real copies.
pub(crate) fn copy_of(folder: &Path) -> TempDir {
    let base = target().join("test-worlds");
    let copy = tempfile::Builder::new().prefix("copy-").tempdir_in(base).unwrap();
    copy_into(folder, copy.path());
    copy
}

fn copy_into(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir_all(&target).unwrap();
            copy_into(&entry.path(), &target);
        } else if entry
            .path()
            .extension()
            .is_some_and(|ending| ending == "parquet" || ending == "UKE" || ending == "age")
        {
            fs::hard_link(entry.path(), &target).unwrap();
        } else {
            fs::copy(entry.path(), &target).unwrap();
        }
    }
}

/// Both outputs go to the end of one file.
fn appended(log: &Path) -> File {
    File::options().create(true).append(true).open(log).unwrap()
}

/// `demo --once` with the tests' seed, on free ports but for the portal's address.
pub(crate) fn demo_once(folder: &Path, persons: u32, errors: &str, portal: &str) -> Output {
    let persons = persons.to_string();
    let population = ["--persons", &persons, "--seed", "7", "--errors", errors];
    let addresses = ["--portal", portal, "--engine", "127.0.0.1:0", "--lang", "en"];
    run(&[["demo", "--once", "--dir", path(folder)].as_slice(), &population, &addresses].concat())
}

/// Runs the binary to its end.
pub(crate) fn run(arguments: &[&str]) -> Output {
    Command::new(SUDARE).args(arguments).stdin(Stdio::null()).output().unwrap()
}

/// Python in the tests' environment.
pub(crate) fn python_program() -> PathBuf {
    let python = target().join("..").join("target").join("tests-python/bin/python");
    let python = if python.exists() { python } else { root().join("target/tests-python/bin/python") };
    assert!(python.exists(), "run ./tests/setup first: {} is missing", python.display());
    python
}

/// Runs a Python program of `tests/python` in the tests' environment; gives the JSON it prints, line by line.
pub(crate) fn python(script: &str, arguments: &[&str]) -> Vec<Value> {
    let mut child = Command::new(python_program())
        .arg(root().join("tests/python").join(script))
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(|line| line.unwrap()).collect::<Vec<_>>();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{script} failed:\n{}\n{}", lines.join("\n"), text(&output.stderr));
    lines.iter().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{script} printed: {line}"))).collect()
}

/// A path as an argument.
pub(crate) fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Bytes as text.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
