//! A window of a headless Chromium on the portal, by W3C's protocol of 2018 for driving one.

use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use reqwest::Client;
use serde_json::{Value, json};

use super::world::{PASSWORD, World};

/// Keys without a letter, as the protocol numbers them.
pub(super) const CONTROL: char = '\u{E009}';
pub(super) const ENTER: char = '\u{E007}';
pub(super) const ESCAPE: char = '\u{E00C}';
pub(super) const TAB: char = '\u{E004}';

pub(super) struct Window {
    http: Client,
    session: String,
    portal: String,
}

impl Window {
    async fn command(&self, path: &str, body: Value) -> Value {
        let answer = self.http.post(format!("{}{path}", self.session)).json(&body).send().await.unwrap();
        let answer: Value = answer.json().await.unwrap();
        assert!(answer["value"]["error"].is_null(), "{path}: {answer}");
        answer["value"].clone()
    }

    pub(super) async fn go(&self, path: &str) {
        self.command("/url", json!({ "url": format!("{}{path}", self.portal) })).await;
    }

    pub(super) async fn run(&self, script: &str, arguments: &[&str]) -> Value {
        self.command("/execute/sync", json!({ "script": script, "args": arguments })).await
    }

    /// Presses keys one after the other, where the cursor is; the first stays down if it is Control.
    pub(super) async fn press(&self, keys: impl IntoIterator<Item = char>) {
        let (mut actions, mut held) = (Vec::new(), None);
        for key in keys {
            actions.push(json!({ "type": "keyDown", "value": key }));
            if key == CONTROL {
                held = Some(key);
            } else {
                actions.push(json!({ "type": "keyUp", "value": key }));
            }
        }
        actions.extend(held.map(|key| json!({ "type": "keyUp", "value": key })));
        let keys = json!({ "type": "key", "id": "keyboard", "actions": actions });
        self.command("/actions", json!({ "actions": [keys] })).await;
    }

    pub(super) async fn sign_in(&self, user: &str) {
        self.go("/sign-in").await;
        let script = "
            document.querySelector('[name=user]').value = arguments[0];
            document.querySelector('[name=password]').value = arguments[1];
            document.querySelector('form[action=\"/sign-in\"]').submit()";
        self.run(script, &[user, PASSWORD]).await;
        let demo = "form[action=\"/sign-in/second\"] button[name=demo]";
        self.until(demo).await;
        self.run("document.querySelector(arguments[0]).click()", &[demo]).await;
        self.until("form[action=\"/sign-out\"]").await;
    }

    /// Waits for an element.
    pub(super) async fn until(&self, selector: &str) {
        self.holds("return !!document.querySelector(arguments[0])", &[selector]).await;
    }

    /// Waits until a script says true.
    pub(super) async fn holds(&self, script: &str, arguments: &[&str]) {
        for _ in 0..400 {
            if self.run(script, arguments).await == true {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{script} {arguments:?}: {}", self.run("return document.body.innerText", &[]).await);
    }
}

/// chromedriver on a free port; it ends with its windows.
pub(super) struct Driver {
    child: Child,
    port: u16,
    /// Open as long as the driver runs: it would end at its next line otherwise.
    output: BufReader<ChildStdout>,
}

impl Driver {
    pub(super) fn start() -> Self {
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

    pub(super) async fn open(&self, world: &World) -> Window {
        let http = Client::builder().no_proxy().build().unwrap();
        let base = format!("http://127.0.0.1:{}/session", self.port);
        let options = json!({
            "binary": "/usr/bin/chromium",
            "args": [
                "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                "--disable-background-networking", "--disable-component-update", "--disable-sync",
                "--window-size=1280,1000", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            ],
        });
        let wish = json!({ "capabilities": { "alwaysMatch": { "goog:chromeOptions": options } } });
        let answer: Value = http.post(&base).json(&wish).send().await.unwrap().json().await.unwrap();
        let id = answer["value"]["sessionId"].as_str().unwrap_or_else(|| panic!("{answer}"));
        Window { http, session: format!("{base}/{id}"), portal: format!("http://{}", world.address) }
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
