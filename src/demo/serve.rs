//! Everything in one process: signer, engine and portal on their sockets, tokens renewed, chains witnessed.

use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use engine::client::Engine;
use engine::{DummyConfig, EngineConfig, EngineLimits};
use permit_signer::{DeskConfig, SignerConfig};
use policies::keys::{KeyFolder, VerifyingKey};
use policies::{Permit, Zone, jws};
use review_portal::{Database, PortalConfig};

use super::accounts::PEOPLE;
use super::authenticator::Passkeys;
use super::document::{self, Addresses, Contents};
use super::folder::Folder;
use super::parties::{Parties, desk_address};
use super::{certificates, crossings, example, journey};
use crate::cli;
use crate::clock;
use crate::commands::{self, dummy_queries, start_desk, start_dummy_engine, start_engine, start_portal, start_signer};
use crate::lang::Lang;
use crate::output::{self, Outcome};
use crate::services::{Interrupts, Services};

/// Tokens live 15 minutes; they are renewed well before.
const RENEW_EVERY: Duration = Duration::from_mins(5);

/// Serves; ends at once with `--once`, else at Ctrl-C.
pub(super) async fn run(folder: &Folder, arguments: &cli::Demo, began: Instant, lang: Lang) -> Result<Outcome> {
    let database = Database::open(&folder.database().into()).await?;
    let audit = commands::portal_audit(&folder.keys("portal"))?;
    let passkeys = Arc::new(Passkeys::open(&folder.passkeys())?);
    let parties = Parties::of(folder, arguments)?;
    let passwords = journey::accounts(folder, (&database, &audit), (&passkeys, &parties)).await?;
    journey::catalog(folder, &database, &audit, lang).await?;
    journey::dummies(folder, &database, &audit).await?;
    let listen = [arguments.engine, arguments.dummy_engine, arguments.portal, desk_address(arguments)];
    certificates::renew(folder, &listen)?;
    let mut interrupts = Interrupts::listen()?;
    let mut services = Services::new();
    let addresses = start(&mut services, folder, (arguments, &passkeys, &parties))
        .await
        .map_err(|error| busy(error, arguments, lang))?;
    let portal = journey::Portal { url: addresses.portal_url(), ca: folder.ca_file() };
    journey::applications(&portal, &passwords, &permits(folder)?, lang).await?;
    let permits = permits(folder)?;
    crossings::witness(folder)?;
    renew(folder, addresses, &passwords, &permits)?;
    announce(folder, &Kept { addresses, passwords: &passwords, permits: &permits }, began, lang);
    let tokens = tokens(folder, &permits)?;
    let token = tokens.get(PEOPLE[0].user).map(|tokens| tokens.token.clone()).unwrap_or_default();
    let engine = Engine::at(&addresses.engine_url(), Some(&folder.ca_file()))?;
    example::show(&engine, &token, journey::STUDIES[0].project, lang).await?;
    if !arguments.once {
        output::note(&lang.text("demo-serving"));
        let kept = Kept { addresses, passwords: &passwords, permits: &permits };
        serve(&mut services, &mut interrupts, folder, &kept).await?;
    }
    services.end().await?;
    crossings::witness(folder)?;
    output::note(&lang.text("demo-ended"));
    Ok(Outcome::Done)
}

/// Complains about a busy address before the long work begins.
pub(super) fn check_addresses(arguments: &cli::Demo, lang: Lang) -> Result<()> {
    for address in [arguments.portal, arguments.engine, arguments.dummy_engine, desk_address(arguments)] {
        match TcpListener::bind(address) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => return Err(in_use(address, lang)),
            // Any other trouble is told by the service itself, which knows more.
            _ => {}
        }
    }
    Ok(())
}

/// What is written again into `demo.json` with each renewal.
struct Kept<'a> {
    addresses: Addresses,
    passwords: &'a BTreeMap<String, String>,
    permits: &'a [Permit],
}

async fn serve(services: &mut Services, interrupts: &mut Interrupts, folder: &Folder, kept: &Kept<'_>) -> Result<()> {
    let mut renewal = tokio::time::interval(RENEW_EVERY);
    loop {
        tokio::select! {
            failed = services.first_ended() => return failed,
            () = interrupts.wait() => return Ok(()),
            _ = renewal.tick() => {
                renew(folder, kept.addresses, kept.passwords, kept.permits)?;
                crossings::witness(folder)?;
            }
        }
    }
}

#[expect(clippy::too_many_lines, reason = "one service after the other")]
async fn start(
    services: &mut Services,
    folder: &Folder,
    (arguments, passkeys, parties): (&cli::Demo, &Arc<Passkeys>, &Parties),
) -> Result<Addresses> {
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let (permit, portal, enclave) = (folder.keys("permit"), folder.keys("portal"), folder.keys("enclave"));
    let config = SignerConfig {
        listen: any,
        portal_key: portal.join("public/sign.pub"),
        store: folder.signer_store(),
        audit: permit.clone(),
        keys: permit.clone(),
        tls: false,
        clock: clock::now,
    };
    let signer = start_signer(services, config).await?;
    let config = DeskConfig {
        listen: desk_address(arguments),
        keys: permit.clone(),
        tls: false,
        portal: parties.portal.clone(),
        clock: clock::now,
    };
    start_desk(services, config).await?;
    let config = EngineConfig {
        listen: arguments.engine,
        releases: folder.releases(),
        portal_session_key: portal.join("public/session.pub"),
        permit_key: permit.join("public/permit.pub"),
        signer: format!("http://{signer}"),
        ca: None,
        tls: false,
        audit: enclave.clone(),
        keys: enclave,
        clock: Arc::new(clock::now),
        limits: EngineLimits::default(),
    };
    let engine = start_engine(services, config).await?;
    let keys = folder.dummy().join("keys");
    let config = DummyConfig {
        listen: arguments.dummy_engine,
        releases: folder.dummy().join("releases"),
        portal_session_key: portal.join("public/session.pub"),
        tls: false,
        audit: keys.clone(),
        keys,
        clock: Arc::new(clock::now),
        limits: EngineLimits::default(),
    };
    let dummy = start_dummy_engine(services, config).await?;
    let mut addresses = Addresses { portal: arguments.portal, engine, dummy, signer };
    let config = PortalConfig {
        listen: arguments.portal,
        database: folder.database().into(),
        signer_url: format!("http://{signer}"),
        ca: Some(folder.ca_file()),
        tls: false,
        review: None,
        mail: None,
        webhook: None,
        synthetic: true,
        https: false,
        relying_party: Some(parties.portal.clone()),
        desk: Some(parties.desk.origin.clone()),
        institutions: Vec::new(),
        dummy: Some(dummy_queries(&addresses.dummy_url(), Some(&folder.ca_file()))?),
        demo_authenticator: Some(Arc::<Passkeys>::clone(passkeys)),
        audit: portal.clone(),
        keys: portal,
        clock: clock::now,
    };
    addresses.portal = start_portal(services, config, &addresses.engine_url()).await?;
    Ok(addresses)
}

fn busy(error: anyhow::Error, arguments: &cli::Demo, lang: Lang) -> anyhow::Error {
    let in_use_io = |cause: &(dyn std::error::Error + 'static)| {
        cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::AddrInUse)
    };
    if error.chain().any(in_use_io) && check_addresses(arguments, lang).is_err() {
        return check_addresses(arguments, lang).err().unwrap_or(error);
    }
    error
}

fn in_use(address: SocketAddr, lang: Lang) -> anyhow::Error {
    anyhow!(lang.with("demo-busy", &[("address", &address.to_string())]))
}

/// The permits that the signer keeps, checked with its public key, oldest first.
fn permits(folder: &Folder) -> Result<Vec<Permit>> {
    let key = VerifyingKey::read(&folder.keys("permit").join("public/permit.pub"))?;
    let store = folder.signer_store().join("permits");
    let mut files: Vec<_> =
        std::fs::read_dir(store).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|ending| ending == "jws"));
    files.sort();
    let read = |path: &std::path::PathBuf| Ok(jws::verify(jws::PERMIT, std::fs::read_to_string(path)?.trim(), &key)?);
    files.iter().map(read).collect()
}

fn tokens(folder: &Folder, permits: &[Permit]) -> Result<BTreeMap<String, document::Tokens>> {
    let key = KeyFolder::open(&folder.keys("portal"), Zone::Portal)?.signing("session")?;
    document::tokens(&key, permits, clock::now())
}

fn renew(
    folder: &Folder,
    addresses: Addresses,
    passwords: &BTreeMap<String, String>,
    permits: &[Permit],
) -> Result<()> {
    let tokens = tokens(folder, permits)?;
    document::write(folder, &Contents { addresses, passwords, tokens: &tokens, permits })
}

fn announce(folder: &Folder, kept: &Kept<'_>, began: Instant, lang: Lang) {
    let Kept { addresses, passwords, permits } = kept;
    output::note(&lang.with("demo-ready-in", &[("seconds", &format!("{:.1}", began.elapsed().as_secs_f64()))]));
    output::line(&format!("\n{}  {}", lang.text("demo-portal"), addresses.portal_url()));
    output::line(&format!("{}  {}", lang.text("demo-engine"), addresses.engine_url()));
    output::line(&format!("{}  {}\n", lang.text("demo-dummy-engine"), addresses.dummy_url()));
    let place = folder.root().join("demo.json").display().to_string();
    output::line(&lang.with("demo-accounts", &[("path", &place)]));
    let rows: Vec<Vec<String>> = PEOPLE
        .iter()
        .map(|person| {
            let role = person.roles.first().map_or("", |role| role.as_str()).to_owned();
            vec![role, person.user.to_owned(), passwords.get(person.user).cloned().unwrap_or_default()]
        })
        .collect();
    output::line(&output::table(&[&lang.text("role"), &lang.text("name"), &lang.text("password")], &rows));
    output::note(&lang.text("demo-second-step"));
    output::line(&format!("\n{}", lang.text("demo-projects")));
    let shown = |permit: &Permit| lang.text(&format!("grade-{}", permit.grade));
    let rows: Vec<Vec<String>> =
        permits.iter().map(|permit| vec![permit.project.to_string(), permit.id.to_string(), shown(permit)]).collect();
    output::line(&output::table(&[&lang.text("project"), &lang.text("permit"), &lang.text("grade")], &rows));
}
