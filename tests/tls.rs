//! Beyond loopback everything speaks TLS: keys by the command line, three processes, a researcher with `sudare sql` and with Python.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::Value;
use tempfile::TempDir;

use crate::examples::example;
use crate::world::{
    PERSONS, Running, copy_of, demo_once, free_port, path, prepared, project, python, run, serve, text,
};

const SQL: &str = "SELECT sex, count(DISTINCT person_key) AS persons FROM ndb.claims GROUP BY sex ORDER BY sex";

/// Signer, engine and portal of a prepared world, each on all addresses of the machine.
struct Served {
    world: TempDir,
    engine: u16,
    portal: u16,
    demo: Value,
    _services: Vec<Running>,
}

impl Served {
    fn start() -> Self {
        let world = copy_of(&prepared(PERSONS, "none"));
        // Tokens that hold for the next 15 minutes, and certificates as the demo makes them.
        let renewed = demo_once(world.path(), PERSONS, "none", "127.0.0.1:0");
        assert!(renewed.status.success(), "{}", text(&renewed.stderr));
        let demo = serde_json::from_slice(&fs::read(world.path().join("demo.json")).unwrap()).unwrap();
        let (signer, engine, portal) = (free_port(), free_port(), free_port());
        let config = world.path().join("sudare.toml");
        fs::write(&config, configuration(signer, engine, portal)).unwrap();
        let services = ["signer", "engine", "portal"].map(|service| serve(&config, service)).into();
        Self { world, engine, portal, demo, _services: services }
    }

    fn ca(&self) -> PathBuf {
        self.world.path().join("ca/ca.pem")
    }

    fn token(&self) -> PathBuf {
        let file = self.world.path().join("researcher.token");
        fs::write(&file, self.demo["accounts"]["researcher"]["token"].as_str().unwrap()).unwrap();
        file
    }

    fn sql(&self, server: &str, ca: &[&str]) -> Output {
        let token = self.token();
        let project = project(&self.demo, "exact", "id");
        let place = ["sql", "--server", server, "--token-file", path(&token), "--project", &project];
        let asked = [place.as_slice(), &["--lang", "en", "-c", SQL]].concat();
        run(&[asked.as_slice(), ca].concat())
    }

    fn python(&self, server: &str, ca: &[&str]) -> Value {
        let (token, project) = (self.token(), project(&self.demo, "exact", "id"));
        python("adbc.py", &[&[server, path(&token), &project, SQL, "null"], ca].concat()).remove(0)
    }
}

fn configuration(signer: u16, engine: u16, portal: u16) -> String {
    format!(
        "[signer]\nlisten = \"0.0.0.0:{signer}\"\nkeys = \"permit/keys\"\nportal_key = \"portal/keys/public/sign.pub\"\nstore = \"permit/store\"\n\
         [engine]\nlisten = \"0.0.0.0:{engine}\"\nkeys = \"enclave/keys\"\nreleases = \"enclave/releases\"\nportal_session_key = \"portal/keys/public/session.pub\"\n\
         permit_key = \"permit/keys/public/permit.pub\"\nsigner = \"https://localhost:{signer}\"\nca = \"ca/ca.pem\"\n\
         [portal]\nlisten = \"0.0.0.0:{portal}\"\nkeys = \"portal/keys\"\ndatabase = \"portal/portal.sqlite\"\nsigner = \"https://localhost:{signer}\"\n\
         engine = \"grpc+tls://localhost:{engine}\"\nca = \"ca/ca.pem\"\nsynthetic = true\n"
    )
}

fn mode(file: &Path) -> u32 {
    fs::metadata(file).unwrap().permissions().mode() & 0o777
}

#[test]
fn three_services_beyond_loopback_answer_over_tls_and_only_so() {
    let served = Served::start();
    let (server, ca) = (format!("grpc+tls://localhost:{}", served.engine), served.ca());
    let answered = served.sql(&server, &["--ca", path(&ca)]);
    assert!(answered.status.success(), "{}", text(&answered.stderr));
    let adbc = served.python(&server, &[path(&ca)]);
    assert_eq!(adbc["columns"], serde_json::json!(["sex", "persons"]), "{adbc}");
    let figure = served.world.path().join("figure.svg");
    let drawn =
        example(&served.world.path().join("demo.json"), "preview", &figure, &["--server", &server, "--ca", path(&ca)]);
    assert!(drawn.status.success() && figure.exists(), "{}", text(&drawn.stderr));

    // A CA of somebody else vouches for nothing here.
    let other = served.world.path().join("other");
    assert!(run(&["keys", "init", "--zone", "enclave", "--out", path(&other)]).status.success());
    let other = other.join("tls/ca.pem");
    let refused = served.sql(&server, &["--ca", path(&other)]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("the CA file does not vouch for"), "{}", text(&refused.stderr));
    let adbc = served.python(&server, &[path(&other)]);
    assert!(adbc["error"].as_str().is_some_and(|error| error.contains("certificate")), "{adbc}");

    // Without TLS there is a sentence and no answer.
    let plain = served.sql(&format!("grpc://127.0.0.1:{}", served.engine), &[]);
    assert_eq!(plain.status.code(), Some(1));
    assert!(text(&plain.stderr).contains("write grpc+tls:// and name its CA file"), "{}", text(&plain.stderr));
    assert!(served.python(&format!("grpc://127.0.0.1:{}", served.engine), &[])["error"].is_string());
    let unnamed = served.sql(&server, &[]);
    assert!(text(&unnamed.stderr).contains("needs the CA file"), "{}", text(&unnamed.stderr));

    // The portal's page, and its cookie for https alone.
    let _installed = rustls::crypto::ring::default_provider().install_default();
    let pem = fs::read(&ca).unwrap();
    let roots = reqwest::Certificate::from_pem(&pem).unwrap();
    let page = format!("https://localhost:{}/sign-in", served.portal);
    let plain = format!("http://localhost:{}/sign-in", served.portal);
    tokio::runtime::Runtime::new().unwrap().block_on(async move {
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([roots]).build().unwrap();
        let answer = client.get(page).send().await.unwrap();
        assert!(answer.status().is_success());
        let cookie = answer.headers()["set-cookie"].to_str().unwrap().to_owned();
        assert!(cookie.starts_with("__Host-sudare=") && cookie.contains("Secure"), "{cookie}");
        assert!(client.get(plain).send().await.is_err());
    });
}

#[test]
fn without_a_certificate_no_service_opens_to_other_machines() {
    let world = copy_of(&prepared(PERSONS, "none"));
    for zone in ["permit", "enclave", "portal"] {
        fs::remove_dir_all(world.path().join(zone).join("keys/tls")).unwrap();
    }
    let config = world.path().join("sudare.toml");
    fs::write(&config, configuration(free_port(), free_port(), free_port())).unwrap();
    for service in ["signer", "engine", "portal"] {
        let refused = run(&["serve", service, "--config", path(&config), "--lang", "en"]);
        let said = text(&refused.stderr);
        assert_eq!(refused.status.code(), Some(1), "{said}");
        assert!(said.contains("is served over TLS only") && said.contains("sudare keys certificate --keys"), "{said}");
    }
}

#[test]
fn the_demo_opens_to_other_machines_over_tls() {
    let world = copy_of(&prepared(PERSONS, "none"));
    let persons = PERSONS.to_string();
    let population = ["--persons", &persons, "--seed", "7", "--errors", "none", "--lang", "en"];
    let addresses = ["--portal", "0.0.0.0:0", "--engine", "0.0.0.0:0"];
    let ended = run(&[["demo", "--once", "--dir", path(world.path())].as_slice(), &population, &addresses].concat());
    assert!(ended.status.success(), "{}", text(&ended.stderr));
    let said = text(&ended.stdout);
    assert!(said.contains("grpc+tls://localhost:") && said.contains("https://localhost:"), "{said}");
    assert!(said.contains("age_group"), "{said}");
}

#[test]
fn keys_init_makes_the_ca_and_the_certificate_and_shows_no_key() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let (ca, enclave, permit) = (at("ca"), at("enclave"), at("permit"));
    let init = |zone: &str, out: &Path, more: &[&str]| {
        run(&[["keys", "init", "--zone", zone, "--out", path(out), "--lang", "en"].as_slice(), more].concat())
    };
    let first = init("enclave", &enclave, &["--ca", path(&ca), "--host", "engine.example", "--host", "10.1.2.3"]);
    assert!(first.status.success(), "{}", text(&first.stderr));
    let said = text(&first.stderr);
    assert!(said.contains("a CA of this installation made in"), "{said}");
    assert!(said.contains("TLS certificate for localhost, engine.example, 10.1.2.3 until 20"), "{said}");
    assert!(
        said.contains(&format!("run `sudare keys certificate --keys {} --ca {}`", path(&enclave), path(&ca))),
        "{said}"
    );
    let second = init("permit", &permit, &["--ca", path(&ca)]);
    assert!(second.status.success() && !text(&second.stderr).contains("a CA of this installation made"));
    assert_eq!(fs::read(enclave.join("tls/ca.pem")).unwrap(), fs::read(permit.join("tls/ca.pem")).unwrap());
    let own = init("portal", &at("portal"), &[]);
    assert!(own.status.success() && at("portal/ca/ca.pem").exists() && at("portal/tls/server.pem").exists());

    for file in [ca.join("ca.key"), enclave.join("tls/server.key"), at("portal/ca/ca.key")] {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
        let key = fs::read_to_string(&file).unwrap();
        let line = key.lines().nth(1).unwrap();
        for output in [&first, &second, &own] {
            assert!(!text(&output.stdout).contains(line) && !text(&output.stderr).contains(line));
        }
    }
    let before = fs::read(enclave.join("tls/server.pem")).unwrap();
    let renewed = run(&["keys", "certificate", "--keys", path(&enclave), "--ca", path(&ca), "--lang", "en"]);
    assert!(text(&renewed.stderr).contains("engine.example, 10.1.2.3 until"), "{}", text(&renewed.stderr));
    assert_ne!(before, fs::read(enclave.join("tls/server.pem")).unwrap());

    let nobody = init("holder", &at("holder"), &["--host", "holder.example"]);
    assert_eq!(nobody.status.code(), Some(1));
    assert!(text(&nobody.stderr).contains("the holder zone serves nobody") && !at("holder").exists());
    let no_host = init("enclave", &at("e2"), &["--host", "https://engine.example"]);
    assert_eq!(no_host.status.code(), Some(2));
    let no_ca = run(&["keys", "certificate", "--keys", path(&enclave), "--lang", "en"]);
    assert!(text(&no_ca.stderr).contains("holds no CA"), "{}", text(&no_ca.stderr));
}
