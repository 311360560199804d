//! A person's headless Chromium, driven by chromedriver: finds things by the words on the page. The end-to-end tests and the
//! portal's own share this file.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::str::FromStr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fantoccini::elements::Element;
use fantoccini::key::Key;
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use reqwest::{Method, Url};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Width and height of the window's inside.
#[derive(Clone, Copy)]
pub(crate) struct Size(pub(crate) u32, pub(crate) u32);

/// A desk.
pub(crate) const DESK: Size = Size(1280, 900);

/// A phone.
pub(crate) const PHONE: Size = Size(390, 844);

/// How long a page may take. Generous: the tests run side by side, on a debug build.
const PAGE_WAIT_MAX: Duration = Duration::from_mins(1);

/// How much of a long page a picture shows.
const TALL_MAX: u64 = 6000;

/// A browser with its own profile, on one portal.
pub(crate) struct Browser {
    client: Client,
    portal: String,
    size: Size,
    _driver: Driver,
    _profile: TempDir,
}

impl Browser {
    /// Opens an empty window. Whatever is not this machine cannot even be looked up.
    pub(crate) async fn open(portal: &str, size: Size) -> Self {
        let profile = TempDir::new().unwrap();
        let driver = Driver::start();
        let options = json!({
            "binary": "/usr/bin/chromium",
            "args": [
                "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage",
                "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
                "--lang=en-US", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
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
        Self { client, portal: portal.to_owned(), size, _driver: driver, _profile: profile }
    }

    /// Types a path into the address bar.
    pub(crate) async fn go(&self, path: &str) {
        self.client.goto(&format!("{}{path}", self.portal)).await.unwrap();
    }

    /// Where the browser is, without the portal's address.
    pub(crate) async fn path(&self) -> String {
        let url = self.client.current_url().await.unwrap();
        url.as_str().strip_prefix(&self.portal).unwrap_or_else(|| panic!("left the portal: {url}")).to_owned()
    }

    /// Signs in on the sign-in page, with the demo's authenticator for the second step.
    pub(crate) async fn sign_in(&self, user: &str, password: &str) {
        self.give_password(user, password).await;
        self.press("デモ専用のソフトウェア認証器で署名する").await;
        self.see("サインアウト").await;
    }

    /// The sign-in page, up to the second step.
    pub(crate) async fn give_password(&self, user: &str, password: &str) {
        self.go("/sign-in?lang=ja").await;
        self.fill("サインイン名", user).await;
        self.fill("パスワード", password).await;
        self.press("サインイン").await;
    }

    /// Signs out by the button on every page.
    pub(crate) async fn sign_out(&self) {
        self.click(self.find("//form[@action='/sign-out']//button").await).await;
        self.until("a[href='/sign-in']").await;
    }

    /// The link of these words.
    pub(crate) async fn link(&self, words: &str) -> Element {
        self.find(&format!("//a[normalize-space(.)='{words}']")).await
    }

    /// Follows the link of these words.
    pub(crate) async fn follow(&self, words: &str) {
        self.click(self.link(words).await).await;
    }

    /// Follows the first link of the main part whose address begins so.
    pub(crate) async fn follow_to(&self, address: &str) {
        self.click(self.find(&format!("//main//a[starts-with(@href, '{address}')]")).await).await;
    }

    /// Presses the button of these words, shown or spoken. Where it sends a form, the page that answers is there afterwards.
    pub(crate) async fn press(&self, words: &str) {
        let path = format!("//button[normalize-space(.)='{words}' or @aria-label='{words}']");
        let button = self.find(&path).await;
        let sends = "
            window.pressed = true;
            return arguments[0].type == 'submit' && arguments[0].form.checkValidity()";
        let sends = self.script(sends, vec![serde_json::to_value(&button).unwrap()]).await;
        self.click(button).await;
        if sends == true {
            self.holds("return !window.pressed && document.readyState == 'complete'", vec![]).await;
        }
    }

    /// Whether there is such a button.
    pub(crate) async fn has_button(&self, words: &str) -> bool {
        let path = format!("//button[normalize-space(.)='{words}']");
        !self.client.find_all(Locator::XPath(&path)).await.unwrap().is_empty()
    }

    /// Puts text into the field of that label, in the place of what was there.
    pub(crate) async fn fill(&self, label: &str, text: &str) {
        let field = self.field(label).await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// Puts a day into the field of that label.
    pub(crate) async fn date(&self, label: &str, day: &str) {
        let field = serde_json::to_value(self.field(label).await).unwrap();
        self.script("arguments[0].value = arguments[1]", vec![field, json!(day)]).await;
    }

    /// Ticks a box, chooses one of several or an option of a list, by name and value.
    pub(crate) async fn choose(&self, name: &str, value: &str) {
        let input = format!("//input[@name='{name}'][@value='{value}']");
        self.click(self.find(&format!("{input} | //select[@name='{name}']/option[@value='{value}']")).await).await;
    }

    /// Opens what is folded under these words.
    pub(crate) async fn unfold(&self, words: &str) {
        self.click(self.find(&format!("//summary[starts-with(normalize-space(.), '{words}')]")).await).await;
    }

    /// What stands in the field of that label.
    pub(crate) async fn value_of(&self, label: &str) -> String {
        self.field(label).await.prop("value").await.unwrap().unwrap_or_default()
    }

    /// Ticks the box whose label begins so.
    pub(crate) async fn tick(&self, label: &str) {
        self.click(self.find(&format!("//label[starts-with(normalize-space(.), '{label}')]")).await).await;
    }

    /// Waits for a sentence to stand on the page.
    pub(crate) async fn see(&self, words: &str) {
        self.find(&format!("//body[contains(normalize-space(.), '{words}')]")).await;
    }

    /// What can be read on the page.
    pub(crate) async fn text(&self) -> String {
        self.script("return document.body.innerText", vec![]).await.as_str().unwrap().to_owned()
    }

    /// All that was sent, what is folded or hidden too.
    pub(crate) async fn source(&self) -> String {
        self.client.source().await.unwrap()
    }

    /// The language that the page says it is in.
    pub(crate) async fn lang(&self) -> String {
        self.script("return document.documentElement.lang", vec![]).await.as_str().unwrap().to_owned()
    }

    /// What can be read in the first element of that selector.
    pub(crate) async fn text_of(&self, selector: &str) -> String {
        self.client.find(Locator::Css(selector)).await.unwrap().text().await.unwrap()
    }

    /// A table's cells, header first.
    pub(crate) async fn table(&self, selector: &str) -> Vec<Vec<String>> {
        let script = "return [...document.querySelector(arguments[0]).rows].map(row => [...row.cells].map(cell => cell.innerText.trim()))";
        serde_json::from_value(self.script(script, vec![json!(selector)]).await).unwrap()
    }

    /// Runs a script of the test in the page.
    pub(crate) async fn script(&self, script: &str, arguments: Vec<Value>) -> Value {
        self.client.execute(script, arguments).await.unwrap()
    }

    /// Waits until a script says true.
    pub(crate) async fn holds(&self, script: &str, arguments: Vec<Value>) {
        for _ in 0..600 {
            // A page on its way out runs no script.
            if self.client.execute(script, arguments.clone()).await.is_ok_and(|said| said == true) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{script} {arguments:?}: {}", self.text().await);
    }

    /// Waits for an element.
    pub(crate) async fn until(&self, selector: &str) {
        self.holds("return !!document.querySelector(arguments[0])", vec![json!(selector)]).await;
    }

    /// Runs a script that answers by its last argument.
    pub(crate) async fn script_later(&self, script: &str) -> Value {
        self.client.execute_async(script, vec![]).await.unwrap()
    }

    /// Presses Tab until the focus is on something of these words; gives the stops on the way there, itself last.
    pub(crate) async fn tab_to(&self, words: &str) -> Vec<String> {
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
    pub(crate) async fn keys(&self, keys: &str) {
        self.client.active_element().await.unwrap().send_keys(keys).await.unwrap();
    }

    /// Types Enter.
    pub(crate) async fn enter(&self) {
        self.keys(&Key::Enter.to_string()).await;
    }

    /// Presses keys together where the cursor is, as fingers do.
    pub(crate) async fn chord(&self, keys: &[Key]) {
        let press = |way: &'static str| move |key: &Key| json!({ "type": way, "value": key.to_string() });
        let actions: Vec<Value> =
            keys.iter().map(press("keyDown")).chain(keys.iter().rev().map(press("keyUp"))).collect();
        let actions = json!({ "actions": [{ "type": "key", "id": "keyboard", "actions": actions }] });
        self.command(Method::POST, "actions", Some(actions)).await;
    }

    /// Puts a picture of the whole page into `target/pages`, under its name and the window's size.
    pub(crate) async fn picture(&self, name: &str) {
        let folder = pictures();
        fs::create_dir_all(&folder).unwrap();
        let Size(width, height) = self.size;
        let tall = self.script("return document.documentElement.scrollHeight", vec![]).await;
        let tall = tall.as_u64().unwrap().clamp(u64::from(height), TALL_MAX);
        let shot = json!({
            "cmd": "Page.captureScreenshot",
            "params": {
                "captureBeyondViewport": true,
                "clip": { "x": 0, "y": 0, "width": width, "height": tall, "scale": 1 },
            },
        });
        let shot = self.command(Method::POST, "goog/cdp/execute", Some(shot)).await;
        let shot = STANDARD.decode(shot["data"].as_str().unwrap()).unwrap();
        fs::write(folder.join(format!("{name}-{width}x{height}.png")), shot).unwrap();
    }

    /// A command of the protocol that the client has no word for, in this session.
    pub(crate) async fn command(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        self.client.issue_cmd(Plain { method, path: path.to_owned(), body }).await.unwrap()
    }

    /// Brings it into the middle of the window, clear of what stays at the edge, and clicks.
    async fn click(&self, element: Element) {
        let place = serde_json::to_value(&element).unwrap();
        self.script("arguments[0].scrollIntoView({ block: 'center' })", vec![place]).await;
        element.click().await.unwrap();
    }

    /// By its label, or by its name or number where others have the same label.
    async fn field(&self, label: &str) -> Element {
        let labelled = format!("@id=//label[normalize-space(.)='{label}']/@for");
        self.find(&format!("//*[{labelled} or (not(self::meta) and @name='{label}') or @id='{label}']")).await
    }

    async fn find(&self, path: &str) -> Element {
        let found = self.client.wait().at_most(PAGE_WAIT_MAX).for_element(Locator::XPath(path)).await;
        match found {
            Ok(element) => element,
            Err(error) => panic!("{error}: {path} is not on {}:\n{}", self.path().await, self.text().await),
        }
    }
}

/// Where pictures are kept: `target/pages`, whichever crate's tests took them.
fn pictures() -> PathBuf {
    env::current_exe().unwrap().ancestors().nth(3).map(Path::to_owned).unwrap().join("pages")
}

/// A command as it goes over the wire.
#[derive(Debug)]
struct Plain {
    method: Method,
    path: String,
    body: Option<Value>,
}

impl WebDriverCompatibleCommand for Plain {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, <Url as FromStr>::Err> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (self.method.clone(), self.body.as_ref().map(Value::to_string))
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
