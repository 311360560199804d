//! `sudare serve`: portal, signer, signing desk and engine, each alone or together, from one configuration file.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Result, anyhow};
use engine::{DummyConfig, EngineConfig, EngineLimits, client};
use permit_signer::{DeskConfig, SignerConfig};
use policies::passkey::RelyingParty;
use review_portal::{
    DatabaseUrl, DatabaseUrlError, DummyEngine, InstitutionConfig, InstitutionId, PortalConfig, ReviewPlace,
    SmtpConfig, SmtpTls, WebhookConfig,
};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::portal_query::EngineQueries;
use crate::cli::{self, Service};
use crate::clock;
use crate::lang::Lang;
use crate::output::{self, Outcome};
use crate::services::{Interrupts, Services};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    desk: Option<Desk>,
    dummy: Option<DummyEngineSection>,
    engine: Option<Engine>,
    portal: Option<Portal>,
    signer: Option<Signer>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Desk {
    listen: SocketAddr,
    keys: PathBuf,
    #[serde(deserialize_with = "origin")]
    portal: RelyingParty,
    #[serde(default)]
    tls: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Engine {
    listen: SocketAddr,
    keys: PathBuf,
    releases: PathBuf,
    portal_session_key: PathBuf,
    permit_key: PathBuf,
    signer: String,
    ca: Option<PathBuf>,
    #[serde(default)]
    tls: bool,
    #[serde(default)]
    limits: EngineLimits,
}

/// Beside `[engine]`, never instead: own address, own keys, own releases.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DummyEngineSection {
    listen: SocketAddr,
    keys: PathBuf,
    releases: PathBuf,
    portal_session_key: PathBuf,
    #[serde(default)]
    tls: bool,
    #[serde(default)]
    limits: EngineLimits,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Portal {
    listen: SocketAddr,
    keys: PathBuf,
    database: Option<String>,
    database_file: Option<PathBuf>,
    signer: String,
    engine: String,
    dummy_engine: Option<String>,
    ca: Option<PathBuf>,
    #[serde(default)]
    tls: bool,
    #[serde(default)]
    synthetic: bool,
    #[serde(default)]
    https: bool,
    #[serde(default, deserialize_with = "some_origin")]
    origin: Option<RelyingParty>,
    desk: Option<String>,
    review: Option<Review>,
    mail: Option<Mail>,
    webhook: Option<Webhook>,
    #[serde(default)]
    institution: BTreeMap<InstitutionId, Institution>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Institution {
    name_ja: String,
    name_en: String,
    issuer: String,
    client_id: String,
    client_secret_file: PathBuf,
    ca: Option<PathBuf>,
    #[serde(default)]
    acr: Vec<String>,
    #[serde(default)]
    amr: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Mail {
    server: String,
    port: Option<u16>,
    #[serde(default)]
    tls: SmtpTls,
    ca: Option<PathBuf>,
    user: Option<String>,
    password_file: Option<PathBuf>,
    from: String,
    portal: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Review {
    summary: PathBuf,
    linkage_key: PathBuf,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Webhook {
    url: String,
    ca: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Signer {
    listen: SocketAddr,
    keys: PathBuf,
    portal_key: PathBuf,
    store: PathBuf,
    #[serde(default)]
    tls: bool,
}

/// The address under which people reach the portal, e.g. `https://sudare.example`: passkeys are made for it.
fn origin<'de, D: Deserializer<'de>>(from: D) -> Result<RelyingParty, D::Error> {
    RelyingParty::at(&String::deserialize(from)?).map_err(D::Error::custom)
}

fn some_origin<'de, D: Deserializer<'de>>(from: D) -> Result<Option<RelyingParty>, D::Error> {
    origin(from).map(Some)
}

pub(crate) fn run(arguments: &cli::Serve, lang: Lang) -> Result<Outcome> {
    let path = &arguments.config;
    let failed =
        |why: String| anyhow!(lang.with("serve-config", &[("path", &path.display().to_string()), ("why", &why)]));
    let text = fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
    let config: Config = toml::from_str(&text).map_err(|error| failed(error.message().to_owned()))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(serve(config, arguments, lang))
}

async fn serve(config: Config, arguments: &cli::Serve, lang: Lang) -> Result<Outcome> {
    let base = arguments.config.parent().unwrap_or_else(|| Path::new("."));
    let wants = |service| arguments.service == Service::All || arguments.service == service;
    let missing = |section: &str| {
        let path = arguments.config.display().to_string();
        anyhow!(lang.with("serve-section", &[("path", &path), ("section", section)]))
    };
    let mut interrupts = Interrupts::listen()?;
    let mut services = Services::new();
    let say = |service: &str, address: SocketAddr| {
        output::line(&lang.with("serve-ready", &[("service", service), ("address", &address.to_string())]));
    };
    if wants(Service::Signer) {
        say("signer", start_signer(&mut services, config.signer.ok_or_else(|| missing("signer"))?.at(base)).await?);
    }
    if wants(Service::Desk) {
        say("desk", start_desk(&mut services, config.desk.ok_or_else(|| missing("desk"))?.at(base)).await?);
    }
    if wants(Service::Engine) {
        say("engine", start_engine(&mut services, config.engine.ok_or_else(|| missing("engine"))?.at(base)).await?);
    }
    match config.dummy {
        Some(dummy) if wants(Service::Dummy) => {
            say("dummy", start_dummy_engine(&mut services, dummy.at(base)).await?);
        }
        None if arguments.service == Service::Dummy => return Err(missing("dummy")),
        Some(_) | None => {}
    }
    if wants(Service::Portal) {
        let (config, engine) = config.portal.ok_or_else(|| missing("portal"))?.at(base)?;
        say("portal", start_portal(&mut services, config, &engine).await?);
    }
    tokio::select! {
        ended = services.first_ended() => { ended?; }
        () = interrupts.wait() => {}
    }
    services.end().await?;
    output::note(&lang.text("demo-ended"));
    Ok(Outcome::Done)
}

impl Signer {
    fn at(self, base: &Path) -> SignerConfig {
        let keys = base.join(self.keys);
        SignerConfig {
            listen: self.listen,
            portal_key: base.join(self.portal_key),
            store: base.join(self.store),
            tls: self.tls,
            audit: keys.clone(),
            keys,
            clock: clock::now,
        }
    }
}

impl Desk {
    fn at(self, base: &Path) -> DeskConfig {
        let Self { listen, keys, portal, tls } = self;
        DeskConfig { listen, keys: base.join(keys), tls, portal, clock: clock::now }
    }
}

impl Engine {
    fn at(self, base: &Path) -> EngineConfig {
        let keys = base.join(self.keys);
        EngineConfig {
            listen: self.listen,
            releases: base.join(self.releases),
            portal_session_key: base.join(self.portal_session_key),
            permit_key: base.join(self.permit_key),
            signer: self.signer,
            ca: self.ca.map(|ca| base.join(ca)),
            tls: self.tls,
            audit: keys.clone(),
            keys,
            clock: Arc::new(clock::now),
            limits: self.limits,
        }
    }
}

impl DummyEngineSection {
    fn at(self, base: &Path) -> DummyConfig {
        let keys = base.join(self.keys);
        DummyConfig {
            listen: self.listen,
            releases: base.join(self.releases),
            portal_session_key: base.join(self.portal_session_key),
            tls: self.tls,
            audit: keys.clone(),
            keys,
            clock: Arc::new(clock::now),
            limits: self.limits,
        }
    }
}

impl Portal {
    /// The configuration, and the engine's address.
    fn at(self, base: &Path) -> Result<(PortalConfig, String)> {
        let database = self.database(base)?;
        let keys = base.join(self.keys);
        let ca = self.ca.map(|ca| base.join(ca));
        let dummy = self.dummy_engine.map(|address| dummy_queries(&address, ca.as_deref())).transpose()?;
        let config = PortalConfig {
            listen: self.listen,
            database,
            signer_url: self.signer,
            ca,
            tls: self.tls,
            dummy,
            review: self.review.map(|review| ReviewPlace {
                summary: base.join(review.summary),
                linkage_key: base.join(review.linkage_key),
            }),
            mail: self.mail.map(|mail| mail.at(base)),
            webhook: self.webhook.map(|hook| WebhookConfig { url: hook.url, ca: hook.ca.map(|ca| base.join(ca)) }),
            synthetic: self.synthetic,
            https: self.https,
            relying_party: self.origin,
            desk: self.desk,
            institutions: self.institution.into_iter().map(|(id, it)| it.at(id, base)).collect(),
            demo_authenticator: None,
            audit: keys.clone(),
            keys,
            clock: clock::now,
        };
        Ok((config, self.engine))
    }

    /// One of the two ways to name the database; a URL with a password stands in a file of its own.
    fn database(&self, base: &Path) -> Result<DatabaseUrl> {
        match (&self.database, &self.database_file) {
            (Some(text), None) => Ok(text.parse::<DatabaseUrl>()?.under(base)),
            (None, Some(path)) => Ok(DatabaseUrl::read(&base.join(path))?.under(base)),
            _ => Err(DatabaseUrlError::Form.into()),
        }
    }
}

impl Mail {
    fn at(self, base: &Path) -> SmtpConfig {
        let Self { server, port, tls, ca, user, password_file, from, portal } = self;
        let under = |file: Option<PathBuf>| file.map(|file| base.join(file));
        SmtpConfig { server, port, tls, ca: under(ca), user, password_file: under(password_file), from, portal }
    }
}

impl Institution {
    fn at(self, id: InstitutionId, base: &Path) -> InstitutionConfig {
        let Self { name_ja, name_en, issuer, client_id, client_secret_file, ca, acr, amr } = self;
        let ca = ca.map(|ca| base.join(ca));
        let client_secret_file = base.join(client_secret_file);
        InstitutionConfig { id, name_ja, name_en, issuer, client_id, client_secret_file, ca, acr, amr }
    }
}

/// Starts the permit signer.
pub(crate) async fn start_signer(services: &mut Services, config: SignerConfig) -> Result<SocketAddr> {
    services.start(|ready, shutdown| async move { Ok(permit_signer::serve(config, ready, shutdown).await?) }).await
}

/// Starts the signing desk.
pub(crate) async fn start_desk(services: &mut Services, config: DeskConfig) -> Result<SocketAddr> {
    services.start(|ready, shutdown| async move { Ok(permit_signer::serve_desk(config, ready, shutdown).await?) }).await
}

/// Starts the engine.
pub(crate) async fn start_engine(services: &mut Services, config: EngineConfig) -> Result<SocketAddr> {
    services.start(|ready, shutdown| async move { Ok(engine::serve(config, ready, shutdown).await?) }).await
}

/// Starts the engine for dummy releases.
pub(crate) async fn start_dummy_engine(services: &mut Services, config: DummyConfig) -> Result<SocketAddr> {
    services.start(|ready, shutdown| async move { Ok(engine::serve_dummies(config, ready, shutdown).await?) }).await
}

/// How the portal asks the engine for dummy releases at `address`.
pub(crate) fn dummy_queries(address: &str, ca: Option<&Path>) -> Result<DummyEngine> {
    let runner = EngineQueries::new(client::Engine::at(address, ca)?);
    Ok(DummyEngine { runner, address: address.to_owned() })
}

/// Starts the portal. `engine`: where its SQL page asks; the CA file of the configuration vouches for it over TLS.
pub(crate) async fn start_portal(services: &mut Services, config: PortalConfig, engine: &str) -> Result<SocketAddr> {
    let queries = EngineQueries::new(client::Engine::at(engine, config.ca.as_deref())?);
    services
        .start(|ready, shutdown| async move { Ok(review_portal::serve(config, queries, ready, shutdown).await?) })
        .await
}
