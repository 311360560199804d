//! Every page under axe-core in a headless Chromium: both widths, both languages, each role.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use reqwest::Client;
use serde_json::{Value, json};

use super::flow::{CHECKLIST, Cast, REVIEWERS, content_with, with_findings};
use super::world::{PASSWORD, World};

/// axe-core 4.14.1 (tests/vendor/VENDORED.md).
const AXE: &str = include_str!("../../../tests/vendor/axe-core/axe.min.js");

/// All rules, those of WCAG 2.2 that are off by default too; each finding as rule, element and what is wrong.
const FINDINGS: &str = "
    const done = arguments[0];
    axe.run(document, { resultTypes: ['violations'], rules: { 'target-size': { enabled: true } } }).then(found => done(found.violations.flatMap(
        rule => rule.nodes.map(node => [rule.id, node.html.slice(0, 160), node.failureSummary]))), error => done([String(error)]))";

/// What a page must not have: more than it shows, another number of titles than one, a script or a file that is not ours.
const FACTS: &str = "
    const loaded = performance.getEntriesByType('resource').map(entry => entry.name);
    return {
        wide: document.documentElement.scrollWidth > innerWidth, titles: document.querySelectorAll('h1').length,
        scripts: [...document.scripts].filter(it => !it.src || new URL(it.src).origin != location.origin || !new URL(it.src).pathname.startsWith('/static/')).length, elsewhere: loaded.filter(name => new URL(name).origin != location.origin),
        letters: [...document.fonts].some(face => face.status == 'loaded' && face.family.includes('Noto Sans JP')),
        lang: document.documentElement.lang, synthetic: document.body.innerText.includes('合成データ（実在の個人・医療機関ではありません）'),
    }";

#[tokio::test]
async fn axe_finds_nothing_on_any_page() {
    let world = World::new().await;
    let paths = furnish(&world).await;
    let driver = Driver::start();
    // English words are the longer ones: what fits a phone fits a desk.
    let (desk, phone) = tokio::join!(
        walk(&driver, &world, &paths, (1280, &["ja"])),
        walk(&driver, &world, &paths, (390, &["ja", "en"]))
    );
    let found = [desk, phone].concat();
    assert!(found.is_empty(), "{}:\n{}", found.len(), found.join("\n"));
}

/// Every page as everybody who has one, in a window of that width, in these languages: what is wrong with them.
async fn walk(driver: &Driver, world: &World, paths: &Paths, (width, languages): (u32, &[&str])) -> Vec<String> {
    let of = |names: &[&'static str]| -> Vec<String> {
        names.iter().map(|name| paths.get(*name).cloned().unwrap_or_else(|| (*name).to_owned())).collect()
    };
    let visitor = ["/", "/use", "/use/decisions", "/profiles", "/catalog", "/catalog/ndb", "/sign-in", "/nothing"];
    let window = driver.open(world, width).await;
    let mut found = window.findings(&of(&visitor), languages).await;
    for (person, names) in [
        (
            "pi",
            &[
                "/",
                "/dummy",
                "/dummy/runs",
                "/applications",
                "/applications/new",
                "/projects",
                "permitted",
                "returned",
                "edit",
            ][..],
        ),
        (
            "co",
            &["/", "/projects/fracture-2026/sql", "/projects/fracture-2026/runs", "/projects/fracture-2026/queries"][..],
        ),
        ("office", &["/", "/applications", "submitted", "asked", "voting", "permitted", "/mails", "/audit"][..]),
        ("r1", &["/", "voting", "interest", "/account", "/account/password"][..]),
        ("chair", &["/", "voting"][..]),
        ("auditor", &["/", "/audit", "/linkage"][..]),
        ("steward", &["/", "asked", "/linkage"][..]),
    ] {
        window.sign_in(person).await;
        found.extend(window.findings(&of(names), languages).await);
        window.leave().await;
    }
    found
}

/// Paths of applications by what they show.
type Paths = BTreeMap<&'static str, String>;

/// One application in each state that shows other parts of a page.
async fn furnish(world: &World) -> Paths {
    let cast = Cast::new(world).await;
    let permitted = cast.to_permit().await;
    let mut others = Vec::new();
    for project in ["submitted", "returned", "voting", "refused"] {
        let at = cast.pi.act("/applications", &content_with(&[("project", project)])).await;
        cast.pi.act(&format!("{at}/submit"), &[]).await;
        others.push(at);
    }
    let [submitted, returned, voting, refused] = <[String; 4]>::try_from(others).unwrap();
    cast.office.act(&format!("{returned}/return"), &[("comment", "資金源を書いてください")]).await;
    for at in [&voting, &refused] {
        cast.office.act(&format!("{at}/accept"), &CHECKLIST).await;
        cast.assign_and_schedule(at).await;
    }
    for reviewer in [&cast.r1, &cast.r2] {
        reviewer.sign(&format!("{refused}/vote"), &[("ballot", "against")]).await;
    }
    let rejected = with_findings(&[("decision", "rejected"), ("text", "広告のための利用に当たる。")]);
    cast.chair.sign(&format!("{refused}/decide"), &rejected).await;
    let asked = cast.to_review(&content_with(&[("project", "asked")])).await;
    cast.office.act(&format!("{asked}/assign"), &REVIEWERS).await;
    let interest = format!("{asked}/interest");
    let edit = format!("{returned}/edit");
    [
        ("permitted", permitted),
        ("submitted", submitted),
        ("returned", returned),
        ("voting", voting),
        ("edit", edit),
        ("asked", asked),
        ("interest", interest),
    ]
    .into()
}

/// A window on the portal, by the protocol of W3C's recommendation of 2018.
struct Window {
    http: Client,
    session: String,
    portal: String,
    width: u32,
}

impl Window {
    async fn command(&self, path: &str, body: Value) -> Value {
        let answer = self.http.post(format!("{}{path}", self.session)).json(&body).send().await.unwrap();
        let answer: Value = answer.json().await.unwrap();
        assert!(answer["value"]["error"].is_null(), "{path}: {answer}");
        answer["value"].clone()
    }

    async fn go(&self, path: &str) {
        self.command("/url", json!({ "url": format!("{}{path}", self.portal) })).await;
    }

    async fn run(&self, script: &str, arguments: &[&str]) -> Value {
        self.command("/execute/sync", json!({ "script": script, "args": arguments })).await
    }

    /// Opens each page in each language and says what is wrong with it.
    async fn findings(&self, paths: &[String], languages: &[&str]) -> Vec<String> {
        let mut found = Vec::new();
        for (path, lang) in paths.iter().flat_map(|path| languages.iter().map(move |lang| (path, *lang))) {
            self.go(&format!("{path}?lang={lang}")).await;
            let place = format!("{path} in {lang} at {}", self.width);
            let facts = self.run(FACTS, &[]).await;
            let wanted = json!({
                "wide": false, "titles": 1, "scripts": 0, "elsewhere": [], "letters": true, "lang": lang, "synthetic": true,
            });
            if facts != wanted {
                found.push(format!("{place}: {facts}"));
            }
            self.run(AXE, &[]).await;
            let findings = self.command("/execute/async", json!({ "script": FINDINGS, "args": [] })).await;
            found.extend(findings.as_array().unwrap().iter().map(|finding| format!("{place}: {finding}")));
        }
        found
    }

    async fn sign_in(&self, user: &str) {
        self.go("/sign-in").await;
        let script = "
            document.getElementById('user').value = arguments[0];
            document.getElementById('password').value = arguments[1];
            document.querySelector('form[action=\"/sign-in\"]').submit()";
        self.run(script, &[user, PASSWORD]).await;
        let demo = "form[action=\"/sign-in/second\"] button[name=demo]";
        self.until(demo).await;
        self.run("document.querySelector(arguments[0]).click()", &[demo]).await;
        self.until("form[action=\"/sign-out\"]").await;
    }

    async fn leave(&self) {
        self.run("document.querySelector('form[action=\"/sign-out\"]').submit()", &[]).await;
        self.until("a[href=\"/sign-in\"]").await;
    }

    /// Waits for an element.
    async fn until(&self, selector: &str) {
        for _ in 0..600 {
            if self.run("return !!document.querySelector(arguments[0])", &[selector]).await == true {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{selector} did not come");
    }
}

/// chromedriver on a free port; it ends with its windows.
struct Driver {
    child: Child,
    port: u16,
    /// Open as long as the driver runs: it would end at its next line otherwise.
    output: BufReader<ChildStdout>,
}

impl Driver {
    fn start() -> Self {
        let mut command = Command::new("/usr/bin/chromedriver");
        let command = command.arg("--port=0").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("chromium-driver is installed, see tests/setup");
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut driver = Self { child, port: 0, output };
        while driver.port == 0 {
            let mut line = String::new();
            assert_ne!(driver.output.read_line(&mut line).unwrap(), 0, "chromedriver ended at its start");
            if let Some((_, port)) = line.split_once("successfully on port ") {
                driver.port = port.trim().trim_end_matches('.').parse().unwrap();
            }
        }
        driver
    }

    async fn open(&self, world: &World, width: u32) -> Window {
        let http = Client::builder().no_proxy().build().unwrap();
        let base = format!("http://127.0.0.1:{}/session", self.port);
        let options = json!({
            "binary": "/usr/bin/chromium",
            "args": [
                "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                "--disable-background-networking", "--disable-component-update", "--disable-sync",
                "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            ],
            "mobileEmulation": {
                "deviceMetrics": { "width": width, "height": 844, "pixelRatio": 1.0, "mobile": false, "touch": false },
            },
        });
        let wish = json!({ "capabilities": { "alwaysMatch": { "goog:chromeOptions": options } } });
        let answer: Value = http.post(&base).json(&wish).send().await.unwrap().json().await.unwrap();
        let id = answer["value"]["sessionId"].as_str().unwrap_or_else(|| panic!("{answer}"));
        let portal = format!("http://{}", world.address);
        Window { http, session: format!("{base}/{id}"), portal, width }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // Asked to shut down, chromedriver ends its browsers; killed, it would leave them running.
        if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) {
            let _patience = stream.set_read_timeout(Some(Duration::from_secs(10)));
            let _asked = write!(stream, "GET /shutdown HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
            let _answered = stream.read_to_end(&mut Vec::new());
        }
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}
