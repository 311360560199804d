//! Dummy data from end to end: the same cells in the portal and in Python, and two engines that take nothing of each other's.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use reqwest::{Client, StatusCode, redirect};
use serde_json::{Value, json};

use crate::world::{SUDARE, World, path, python, run, text};

const SQL: &str = "SELECT sex, count(DISTINCT person_key) AS persons FROM ndb.claims GROUP BY sex ORDER BY sex";
const MARK: &str = "ダミーデータ（架空）";

/// A person in a browser without script.
struct Visitor {
    client: Client,
    base: String,
}

impl Visitor {
    async fn sign_in(world: &World, who: &str) -> Self {
        // Fails only if one is installed already.
        let _installed = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().cookie_store(true).redirect(redirect::Policy::none()).build().unwrap();
        let visitor = Self { client, base: world.address("portal") };
        let (user, password) = (world.account(who, "user"), world.account(who, "password"));
        visitor.post("/sign-in", "/sign-in", &[("user", &user), ("password", &password), ("next", "/")]).await;
        let second = "/sign-in/second";
        visitor.post(second, second, &[("with", "passkey"), ("demo", "yes"), ("next", "/")]).await;
        visitor
    }

    async fn read(&self, page: &str) -> String {
        self.client.get(format!("{}{page}", self.base)).send().await.unwrap().text().await.unwrap()
    }

    /// Posts to `action` from the form on `page`; the answer, and where it leads.
    async fn post(&self, page: &str, action: &str, fields: &[(&str, &str)]) -> (StatusCode, String, String) {
        let text = self.read(page).await;
        let token = text.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap();
        let all = [[("csrf", token)].as_slice(), fields].concat();
        let answer = self.client.post(format!("{}{action}", self.base)).form(&all).send().await.unwrap();
        let place = answer.headers().get("location").map(|place| place.to_str().unwrap().to_owned());
        (answer.status(), place.unwrap_or_default(), answer.text().await.unwrap())
    }
}

/// The rows of the answer's table on a page.
fn cells(page: &str) -> Vec<Vec<String>> {
    let table = page.split("id=\"cells\"").nth(1).unwrap().split("</table>").next().unwrap();
    let cell = |cell: &str| cell.split_once('>').unwrap().1.split('<').next().unwrap().to_owned();
    let row = |row: &str| row.split("<td").skip(1).map(cell).collect();
    table.split("<tbody>").nth(1).unwrap().split("<tr>").skip(1).map(row).collect()
}

/// A file with a token.
fn token_file(world: &World, token: &str) -> std::path::PathBuf {
    let file = world.folder.path().join("dummy.token");
    fs::write(&file, token).unwrap();
    file
}

#[test]
fn the_portal_and_python_get_the_same_cells_of_dummy_data_and_each_engine_its_own_tokens() {
    let world = World::start();
    let (dummy, people) = (world.address("dummy_engine"), world.address("engine"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    // Somebody without any project.
    let (page, token) = runtime.block_on(async {
        let visitor = Visitor::sign_in(&world, "steward-ndb").await;
        assert!(visitor.read("/").await.contains("href=\"/dummy\""));
        let (status, _, page) = visitor.post("/dummy", "/dummy", &[("sql", SQL)]).await;
        assert_eq!(status, StatusCode::OK);
        let (status, _, given) = visitor.post("/dummy", "/dummy/token", &[]).await;
        assert_eq!(status, StatusCode::OK);
        assert!(given.contains(&dummy), "{given}");
        let token = given.split("class=\"code-input\">").nth(1).unwrap().split('<').next().unwrap().to_owned();
        (page, token)
    });
    assert!(page.contains(MARK), "{page}");
    let shown = cells(&page);
    let token = token_file(&world, &token);
    let adbc = python("adbc.py", &[&dummy, path(&token), "any-project", SQL]).remove(0);
    assert_eq!(adbc["dummy"], json!(true), "{adbc}");
    let rows = adbc["rows"].as_array().unwrap().iter();
    let rows: Vec<Vec<String>> = rows
        .map(|row| row.as_array().unwrap().iter().map(|cell| cell.to_string().replace('"', "")).collect())
        .collect();
    assert!(shown.len() == 2 && shown == rows, "{shown:?}\n{rows:?}");
    // The same question of people's records has other cells, and says nothing of dummies.
    let real = world.answer(SQL);
    assert!(real["rows"] != adbc["rows"] && real["dummy"] == json!(false), "{real}");
    // On the command line the mark stands above the table.
    let said = run(&["sql", "--server", &dummy, "--token-file", path(&token), "--lang", "en", "-c", SQL]);
    assert!(text(&said.stdout).starts_with(MARK), "{}", text(&said.stdout));
    // What is refused there is refused here.
    let refused = python("adbc.py", &[&dummy, path(&token), "any-project", "SELECT * FROM ndb.claims"]).remove(0);
    assert!(refused["error"].as_str().unwrap().contains("guard/rows-at-root"), "{refused}");
    // Neither engine takes the other's token.
    let crossed = python("adbc.py", &[&people, path(&token), &world.project("exact"), SQL]).remove(0);
    assert!(crossed["error"].as_str().unwrap().contains("session/for-dummies"), "{crossed}");
    let own = world.token_file("researcher");
    let crossed = python("adbc.py", &[&dummy, path(&own), &world.project("exact"), SQL]).remove(0);
    assert!(crossed["error"].as_str().unwrap().contains("session/for-projects"), "{crossed}");
    // Every table that the catalog promises is there.
    let all = run(&["sql", "--server", &dummy, "--token-file", path(&token), "--format", "json", "-c", "SHOW TABLES"]);
    let all: Value = serde_json::from_slice(&all.stdout).unwrap();
    for table in ["claims", "stays", "observations", "cases", "person"] {
        assert!(all["rows"].to_string().contains(table), "{table}: {all}");
    }
}

#[test]
fn the_project_page_switches_and_a_planned_table_gets_its_columns() {
    let world = World::start();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let visitor = Visitor::sign_in(&world, "researcher").await;
        let bench = format!("/projects/{}/sql", world.project("exact"));
        let (_, _, dummy) = visitor.post(&bench, &bench, &[("sql", SQL), ("data", "dummy")]).await;
        let (_, _, people) = visitor.post(&bench, &bench, &[("sql", SQL), ("data", "people")]).await;
        assert!(cells(&dummy) != cells(&people) && dummy.contains("class=\"stamp dummy\""));
        assert!(!people.contains("class=\"stamp dummy\""));
        let history = visitor.read(&bench.replace("/sql", "/runs")).await;
        assert!(history.contains("読む行数（上限）") && history.contains("ダミー"), "{history}");
        let fields = [
            ("title", "試し"),
            ("profile", "standard"),
            ("shell_title", "性別の人数"),
            ("shell_sql", SQL),
            ("try", "0"),
        ];
        let (status, place, page) = visitor.post("/applications/new", "/applications", &fields).await;
        assert_eq!(status, StatusCode::SEE_OTHER, "{page}");
        let page = visitor.read(place.split('#').next().unwrap()).await;
        assert!(page.contains("<code>sex</code>") && page.contains("<code>persons</code>"), "{page}");
    });
}

/// A service of its own process; ends when dropped.
struct Served(Child);

impl Drop for Served {
    fn drop(&mut self) {
        let _ended = self.0.kill();
        let _reaped = self.0.wait();
    }
}

fn served(service: &str, config: &Path, log: &Path) -> Served {
    let out = File::create(log).unwrap();
    let errors = out.try_clone().unwrap();
    let child = Command::new(SUDARE)
        .args(["serve", service, "--config", path(config), "--lang", "en"])
        .stdin(Stdio::null())
        .stdout(out)
        .stderr(errors)
        .spawn()
        .unwrap();
    let until = Instant::now() + Duration::from_mins(1);
    while !fs::read_to_string(log).unwrap().contains("serves at") {
        assert!(Instant::now() < until, "{}", fs::read_to_string(log).unwrap());
        std::thread::sleep(Duration::from_millis(50));
    }
    Served(child)
}

#[test]
fn made_by_command_and_never_served_by_the_wrong_engine() {
    let world = World::start();
    let (folder, made) = (world.folder.path(), world.folder.path().join("made"));
    let output = run(&["dummy", "make", "--persons", "300", "--seed", "5", "--out", path(&made), "--lang", "en"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let mut left: Vec<_> = fs::read_dir(&made).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["keys", "releases"], "no raw file, no token, no other key stays");
    let again = run(&["dummy", "make", "--persons", "300", "--out", path(&made), "--lang", "en"]);
    assert_eq!(again.status.code(), Some(2), "{}", text(&again.stderr));
    let manifest = fs::read_to_string(made.join("releases/ndb/2026.1/manifest.json")).unwrap();
    assert!(manifest.contains("\"kind\": \"dummy\""), "{manifest}");
    let own = fs::read_to_string(folder.join("enclave/releases/ndb/2026.1/manifest.json")).unwrap();
    assert!(!own.contains("\"kind\""));

    let port = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let section = |name: &str, data: &str, port: u16| {
        format!(
            "[{name}]\nlisten = \"127.0.0.1:{port}\"\nkeys = \"{data}/keys\"\nreleases = \"{data}/releases\"\n\
             portal_session_key = \"portal/keys/public/session.pub\"\n"
        )
    };
    let (config, log) = (folder.join("sudare.toml"), folder.join("served.log"));
    let dummy_at = port();
    fs::write(&config, section("dummy", "made", dummy_at)).unwrap();
    {
        let _served = served("dummy", &config, &log);
        let server = format!("grpc://127.0.0.1:{dummy_at}");
        let token = token_file(&world, &world.account("auditor", "dummy_token"));
        let answer = run(&["sql", "--server", &server, "--token-file", path(&token), "--format", "json", "-c", SQL]);
        let answer: Value = serde_json::from_slice(&answer.stdout).unwrap();
        assert!(answer["dummy"] == json!(true) && !answer["rows"].as_array().unwrap().is_empty(), "{answer}");
    }
    // People's records in the section for dummies: it does not start.
    fs::write(&config, section("dummy", "enclave", port())).unwrap();
    let refused = run(&["serve", "dummy", "--config", path(&config), "--lang", "en"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("is not marked as dummy"), "{}", text(&refused.stderr));
    // Dummies in the section for people: it starts, and serves none of them.
    let more = format!("permit_key = \"permit/keys/public/permit.pub\"\nsigner = \"{}\"\n", world.address("signer"));
    let engine_at = port();
    fs::write(&config, section("engine", "made", engine_at) + more.as_str()).unwrap();
    let _served = served("engine", &config, &log);
    assert!(fs::read_to_string(&log).unwrap().contains("is made up (dummy)"), "{}", fs::read_to_string(&log).unwrap());
    let server = format!("grpc://127.0.0.1:{engine_at}");
    let token = world.token_file("researcher");
    let asked =
        ["sql", "--server", &server, "--token-file", path(&token), "--project", &world.project("exact"), "-c", SQL];
    let asked = run(&[&asked[..], &["--lang", "en"]].concat());
    assert_eq!(asked.status.code(), Some(3));
    assert!(text(&asked.stderr).contains("permit/release-unavailable"), "{}", text(&asked.stderr));
}
