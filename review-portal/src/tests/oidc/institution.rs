//! An institution with a certified OpenID provider (`oidc-provider`, run by Node.js), and a person in front of its forms.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use reqwest::{Client, Response, StatusCode, Url};
use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};

use crate::InstitutionConfig;
use crate::tests::world::party;

pub(super) const SECRET: &str = "the portal's secret at the institution";

const CLIENT: &str = "sudare";

/// The script that the provider runs by.
const SCRIPT: &str = include_str!("../../../../tests/provider/provider.mjs");

/// A running provider. Ends with this.
pub(in crate::tests) struct Institution {
    pub(super) id: &'static str,
    pub(super) issuer: String,
    provider: Child,
    /// The provider ends if nobody listens.
    _says: BufReader<ChildStdout>,
    dir: tempfile::TempDir,
}

impl Institution {
    pub(in crate::tests) async fn start(id: &'static str) -> Self {
        let modules = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tests-provider");
        assert!(modules.join("node_modules").exists(), "./tests/setup installs the OpenID provider");
        let mut provider = Command::new("node");
        provider.args(["--input-type=module", "--eval", SCRIPT]).current_dir(modules).kill_on_drop(true);
        provider.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut provider = provider.spawn().unwrap();
        let configuration = json!({
            "clients": [{
                "client_id": CLIENT,
                "client_secret": SECRET,
                "redirect_uris": [format!("{}/sign-in/institution/{id}", party().origin)],
                "grant_types": ["authorization_code"],
                "response_types": ["code"],
            }],
        });
        let stdin = provider.stdin.as_mut().unwrap();
        stdin.write_all(format!("{configuration}\n").as_bytes()).await.unwrap();
        let mut issuer = String::new();
        let mut says = BufReader::new(provider.stdout.take().unwrap());
        says.read_line(&mut issuer).await.unwrap();
        assert!(issuer.starts_with("http://127.0.0.1:"), "the provider did not start: {issuer}");
        let dir = tempfile::tempdir().unwrap();
        secret_file(dir.path());
        Self { id, issuer: issuer.trim().to_owned(), provider, _says: says, dir }
    }

    pub(in crate::tests) fn config(&self) -> InstitutionConfig {
        config(self.id, &self.issuer, self.dir.path())
    }

    pub(super) async fn stop(&mut self) {
        self.provider.kill().await.unwrap();
    }

    /// Signs in with the provider's own forms, from the address that the portal leads to. Gives the portal's path to which the
    /// browser is sent back.
    pub(super) async fn sign_in(&self, address: &str, login: &str) -> String {
        let person = Person::new();
        let form = person.follow(person.get(address).await).await.unwrap_err();
        let answer = person.fill(&form, &[("prompt", "login"), ("login", login), ("password", "any")]).await;
        match person.follow(answer).await {
            Ok(back) => back,
            Err(consent) => person.follow(person.fill(&consent, &[("prompt", "consent")]).await).await.unwrap(),
        }
    }

    /// Leaves the provider's form by its link that says no.
    pub(super) async fn deny(&self, address: &str) -> String {
        let person = Person::new();
        let form = person.follow(person.get(address).await).await.unwrap_err();
        person.follow(person.get(form.join(&format!("{}/abort", form.path())).unwrap().as_str()).await).await.unwrap()
    }
}

/// The configuration of an institution at that issuer, with its secret in `dir`.
pub(super) fn config(id: &str, issuer: &str, dir: &Path) -> InstitutionConfig {
    let letter = id.chars().last().unwrap().to_ascii_uppercase();
    InstitutionConfig {
        id: id.parse().unwrap(),
        name_ja: format!("{letter}大学"),
        name_en: format!("University {letter}"),
        issuer: issuer.to_owned(),
        client_id: CLIENT.to_owned(),
        client_secret_file: secret_file(dir),
        ca: None,
        acr: Vec::new(),
        amr: Vec::new(),
    }
}

#[expect(clippy::disallowed_methods, reason = "a file of the test")]
fn secret_file(dir: &Path) -> PathBuf {
    let path = dir.join("secret");
    std::fs::write(&path, SECRET).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    path
}

/// The value of a query's parameter.
pub(super) fn query(address: &str, name: &str) -> String {
    let address = Url::parse("http://localhost").unwrap().join(address).unwrap();
    address.query_pairs().find(|(known, _)| known == name).unwrap().1.into_owned()
}

/// A browser at the provider.
struct Person(Client);

impl Person {
    fn new() -> Self {
        let client = Client::builder().cookie_store(true).redirect(reqwest::redirect::Policy::none()).no_proxy();
        Self(client.build().unwrap())
    }

    async fn get(&self, address: &str) -> Response {
        self.0.get(address).send().await.unwrap()
    }

    async fn fill(&self, form: &Url, fields: &[(&str, &str)]) -> Response {
        self.0.post(form.clone()).form(fields).send().await.unwrap()
    }

    /// Goes on to a form of the provider (`Err`), or to the path on the portal that it leads back to (`Ok`).
    async fn follow(&self, mut answer: Response) -> Result<String, Url> {
        loop {
            if answer.status() == StatusCode::OK {
                return Err(answer.url().clone());
            }
            assert!(answer.status().is_redirection(), "{}: {}", answer.status(), answer.text().await.unwrap());
            let next = answer.url().join(answer.headers()["location"].to_str().unwrap()).unwrap();
            if let Some(path) = next.as_str().strip_prefix(&party().origin) {
                return Ok(path.to_owned());
            }
            answer = self.get(next.as_str()).await;
        }
    }
}
