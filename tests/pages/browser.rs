//! A person's headless Chromium, driven by chromedriver: finds things by the words on the page.

use std::fs;
use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use fantoccini::elements::Element;
use fantoccini::key::Key;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::world::{World, target};

/// Width and height of the window's inside.
#[derive(Clone, Copy)]
pub(super) struct Size(pub(super) u32, pub(super) u32);

/// A desk.
pub(super) const DESK: Size = Size(1280, 900);

/// A phone.
pub(super) const PHONE: Size = Size(390, 844);

/// How long a page may take. Generous: the tests run side by side, on a debug build.
const PAGE_WAIT_MAX: Duration = Duration::from_mins(1);

/// A browser with its own profile, on one world's portal.
pub(super) struct Browser {
    client: Client,
    portal: String,
    size: Size,
    _driver: Driver,
    _profile: TempDir,
}

impl Browser {
    /// Opens an empty window. Whatever is not the portal's own machine cannot even be looked up.
    pub(super) async fn open(world: &World, size: Size) -> Self {
        let profile = TempDir::new().unwrap();
        let driver = Driver::start();
        let options = json!({
            "binary": "/usr/bin/chromium",
            "args": [
                "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage",
                "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
                "--lang=en-US", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
                format!("--user-data-dir={}", profile.path().display()),
            ],
            "mobileEmulation": {
                "deviceMetrics": { "width": size.0, "height": size.1, "pixelRatio": 1.0, "mobile": false, "touch": false },
            },
        });
        let capabilities = [("goog:chromeOptions".to_owned(), options)].into_iter().collect();
        let mut builder = ClientBuilder::new(HttpConnector::new());
        let address = format!("http://127.0.0.1:{}", driver.port);
        let client = builder.capabilities(capabilities).connect(&address).await.expect("Chromium starts");
        Self { client, portal: world.address("portal"), size, _driver: driver, _profile: profile }
    }

    /// Types a path into the address bar.
    pub(super) async fn go(&self, path: &str) {
        self.client.goto(&format!("{}{path}", self.portal)).await.unwrap();
    }

    /// Where the browser is, without the portal's address.
    pub(super) async fn path(&self) -> String {
        let url = self.client.current_url().await.unwrap();
        url.as_str().strip_prefix(&self.portal).unwrap_or_else(|| panic!("left the portal: {url}")).to_owned()
    }

    /// Signs in on the sign-in page as an account of the demo.
    pub(super) async fn sign_in(&self, world: &World, who: &str) {
        self.go("/sign-in?lang=ja").await;
        self.fill("サインイン名", &world.account(who, "user")).await;
        self.fill("パスワード", &world.account(who, "password")).await;
        self.press("サインイン").await;
        self.press("デモ専用のソフトウェア認証器で署名する").await;
        self.see("サインアウト").await;
    }

    /// Signs out by the button on every page.
    pub(super) async fn sign_out(&self) {
        self.press("サインアウト").await;
        self.link("サインイン").await;
    }

    /// The link of these words.
    pub(super) async fn link(&self, words: &str) -> Element {
        self.find(&format!("//a[normalize-space(.)='{words}']")).await
    }

    /// Follows the link of these words.
    pub(super) async fn follow(&self, words: &str) {
        self.click(self.link(words).await).await;
    }

    /// Follows the first link of the main part whose address begins so.
    pub(super) async fn follow_to(&self, address: &str) {
        self.click(self.find(&format!("//main//a[starts-with(@href, '{address}')]")).await).await;
    }

    /// Presses the button of these words.
    pub(super) async fn press(&self, words: &str) {
        self.click(self.find(&format!("//button[normalize-space(.)='{words}']")).await).await;
    }

    /// Whether there is such a button.
    pub(super) async fn has_button(&self, words: &str) -> bool {
        let path = format!("//button[normalize-space(.)='{words}']");
        !self.client.find_all(Locator::XPath(&path)).await.unwrap().is_empty()
    }

    /// Puts text into the field of that label, in the place of what was there.
    pub(super) async fn fill(&self, label: &str, text: &str) {
        let field = self.field(label).await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// What stands in the field of that label.
    pub(super) async fn value_of(&self, label: &str) -> String {
        self.field(label).await.prop("value").await.unwrap().unwrap_or_default()
    }

    /// Ticks the box whose label begins so.
    pub(super) async fn tick(&self, label: &str) {
        self.click(self.find(&format!("//label[starts-with(normalize-space(.), '{label}')]")).await).await;
    }

    /// Waits for a sentence to stand on the page.
    pub(super) async fn see(&self, words: &str) {
        self.find(&format!("//body[contains(normalize-space(.), '{words}')]")).await;
    }

    /// What can be read on the page.
    pub(super) async fn text(&self) -> String {
        self.script("return document.body.innerText", vec![]).await.as_str().unwrap().to_owned()
    }

    /// What can be read in the first element of that selector.
    pub(super) async fn text_of(&self, selector: &str) -> String {
        self.client.find(Locator::Css(selector)).await.unwrap().text().await.unwrap()
    }

    /// A table's cells, header first.
    pub(super) async fn table(&self, selector: &str) -> Vec<Vec<String>> {
        let script = "return [...document.querySelector(arguments[0]).rows].map(row => [...row.cells].map(cell => cell.innerText.trim()))";
        serde_json::from_value(self.script(script, vec![json!(selector)]).await).unwrap()
    }

    /// Runs a script of the test in the page.
    pub(super) async fn script(&self, script: &str, arguments: Vec<Value>) -> Value {
        self.client.execute(script, arguments).await.unwrap()
    }

    /// Runs a script that answers by its last argument.
    pub(super) async fn script_later(&self, script: &str) -> Value {
        self.client.execute_async(script, vec![]).await.unwrap()
    }

    /// Presses Tab until the focus is on something of these words; gives the stops on the way there, itself last.
    pub(super) async fn tab_to(&self, words: &str) -> Vec<String> {
        let mut stops = Vec::new();
        for _ in 0..40 {
            self.keys(&Key::Tab.to_string()).await;
            let focus = self.script(FOCUS, vec![]).await;
            let words_there = focus["words"].as_str().unwrap().to_owned();
            assert!(focus["visible"].as_bool().unwrap(), "the focus on {words_there} cannot be seen");
            stops.push(words_there);
            if stops.last().is_some_and(|last| last == words) {
                return stops;
            }
        }
        panic!("Tab does not lead to {words}: {stops:?}")
    }

    /// Types on the keyboard, wherever the focus is.
    pub(super) async fn keys(&self, keys: &str) {
        self.client.active_element().await.unwrap().send_keys(keys).await.unwrap();
    }

    /// Types Enter.
    pub(super) async fn enter(&self) {
        self.keys(&Key::Enter.to_string()).await;
    }

    /// Puts a picture of the window into `target/pages`.
    pub(super) async fn picture(&self, name: &str) {
        let folder = target().join("pages");
        fs::create_dir_all(&folder).unwrap();
        let Size(width, height) = self.size;
        fs::write(folder.join(format!("{name}-{width}x{height}.png")), self.client.screenshot().await.unwrap())
            .unwrap();
    }

    /// Brings it into the middle of the window, clear of what stays at the edge, and clicks.
    async fn click(&self, element: Element) {
        let place = serde_json::to_value(&element).unwrap();
        self.script("arguments[0].scrollIntoView({ block: 'center' })", vec![place]).await;
        element.click().await.unwrap();
    }

    async fn field(&self, label: &str) -> Element {
        self.find(&format!("//*[@id=//label[normalize-space(.)='{label}']/@for]")).await
    }

    async fn find(&self, path: &str) -> Element {
        let found = self.client.wait().at_most(PAGE_WAIT_MAX).for_element(Locator::XPath(path)).await;
        match found {
            Ok(element) => element,
            Err(error) => panic!("{error}: {path} is not on {}:\n{}", self.path().await, self.text().await),
        }
    }
}

/// The words of the element with the focus, and whether an outline shows it inside the window.
const FOCUS: &str = "
    const focus = document.activeElement, frame = focus.closest('.cm-editor') || focus;
    const style = getComputedStyle(frame), box = frame.getBoundingClientRect();
    const outlined = style.outlineStyle != 'none' && parseFloat(style.outlineWidth) >= 2;
    const inside = box.width > 0 && box.left >= 0 && box.top < innerHeight && box.bottom > 0;
    const words = focus.getAttribute('aria-label')
        || (focus.labels && focus.labels.length ? focus.labels[0].innerText : focus.innerText);
    return { words: (words || '').trim(), visible: focus == document.body || (outlined && inside) };";

/// chromedriver on a free port; it ends with its browsers.
struct Driver {
    child: Child,
    port: u16,
    output: BufReader<ChildStdout>,
}

impl Driver {
    fn start() -> Self {
        let mut command = Command::new("/usr/bin/chromedriver");
        let command = command.arg("--port=0").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("chromium-driver is installed, see tests/setup");
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut driver = Self { child, port: 0, output };
        let mut line = String::new();
        while driver.port == 0 {
            line.clear();
            assert_ne!(driver.output.read_line(&mut line).unwrap(), 0, "chromedriver ended at its start");
            if let Some((_, port)) = line.split_once("successfully on port ") {
                driver.port = port.trim().trim_end_matches('.').parse().unwrap();
            }
        }
        driver
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
