//! `demo.json`: addresses, accounts with tokens, projects, folders. Mode 0600; written when ready, renewed while serving.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use anyhow::Result;
use jiff::Timestamp;
use policies::jws::Document as _;
use policies::keys::SigningKey;
use policies::{DummyToken, Permit, SessionToken, durable};
use serde::Serialize;

use super::accounts::PEOPLE;
use super::folder::Folder;

#[derive(Serialize)]
struct Document<'a> {
    portal: String,
    engine: String,
    dummy_engine: String,
    signer: String,
    ca: String,
    accounts: BTreeMap<&'a str, Account<'a>>,
    projects: Vec<Project<'a>>,
    folders: BTreeMap<&'a str, String>,
}

#[derive(Serialize)]
struct Account<'a> {
    role: &'a str,
    user: &'a str,
    password: &'a str,
    token: String,
    /// For dummy data.
    dummy_token: String,
}

#[derive(Serialize)]
struct Project<'a> {
    id: &'a str,
    permit: &'a str,
    grade: String,
}

/// Where the services ended up.
#[derive(Clone, Copy)]
pub(super) struct Addresses {
    pub(super) portal: SocketAddr,
    pub(super) engine: SocketAddr,
    pub(super) dummy: SocketAddr,
    pub(super) signer: SocketAddr,
}

impl Addresses {
    /// The engine's address as Flight SQL clients write it.
    pub(super) fn engine_url(self) -> String {
        url("grpc", "grpc+tls", self.engine)
    }

    /// The same of the engine for dummy data.
    pub(super) fn dummy_url(self) -> String {
        url("grpc", "grpc+tls", self.dummy)
    }

    /// The portal's address as browsers write it.
    pub(super) fn portal_url(self) -> String {
        url("http", "https", self.portal)
    }
}

/// Plain on loopback, TLS beyond. What listens everywhere is reached from here by the machine's own name.
fn url(plain: &str, tls: &str, address: SocketAddr) -> String {
    match address.ip() {
        ip if ip.is_loopback() => format!("{plain}://{address}"),
        ip if ip.is_unspecified() => format!("{tls}://localhost:{}", address.port()),
        _ => format!("{tls}://{address}"),
    }
}

/// A person's tokens: under the permits that name the person, and for dummy data.
#[derive(Clone, Default)]
pub(super) struct Tokens {
    pub(super) token: String,
    pub(super) dummy_token: String,
}

/// What the document is made of.
pub(super) struct Contents<'a> {
    pub(super) addresses: Addresses,
    pub(super) passwords: &'a BTreeMap<String, String>,
    pub(super) tokens: &'a BTreeMap<String, Tokens>,
    pub(super) permits: &'a [Permit],
}

/// Writes the document.
pub(super) fn write(folder: &Folder, contents: &Contents<'_>) -> Result<()> {
    let accounts = PEOPLE.iter().map(|person| {
        let role = person.roles.first().map_or("", |role| role.as_str());
        let password = contents.passwords.get(person.user).map_or("", String::as_str);
        let Tokens { token, dummy_token } = contents.tokens.get(person.user).cloned().unwrap_or_default();
        (person.short, Account { role, user: person.user, password, token, dummy_token })
    });
    let projects = contents.permits.iter().map(|permit| Project {
        id: permit.project.as_str(),
        permit: permit.id.as_str(),
        grade: permit.grade.to_string(),
    });
    let folders = ["holder", "linkage", "enclave", "permit", "portal", "sources", "truth"];
    let document = Document {
        portal: contents.addresses.portal_url(),
        engine: contents.addresses.engine_url(),
        dummy_engine: contents.addresses.dummy_url(),
        signer: format!("http://{}", contents.addresses.signer),
        ca: folder.ca_file().display().to_string(),
        accounts: accounts.collect(),
        projects: projects.collect(),
        folders: folders.iter().map(|name| (*name, folder.zone(name).display().to_string())).collect(),
    };
    Ok(durable::replace_private(&folder.root().join("demo.json"), &serde_json::to_vec_pretty(&document)?)?)
}

/// Tokens for each person.
pub(super) fn tokens(key: &SigningKey, permits: &[Permit], now: Timestamp) -> Result<BTreeMap<String, Tokens>> {
    let mut tokens = BTreeMap::new();
    for person in PEOPLE {
        let user: policies::UserId = person.user.parse()?;
        let named = permits.iter().filter(|permit| permit.members.contains_key(&user)).map(|permit| permit.id.clone());
        let permits = named.collect();
        let (issued_at, expires_at) = (now, now + policies::session::LIFETIME_MAX);
        let dummy = DummyToken { user: user.clone(), session: policies::SessionId::random(), issued_at, expires_at };
        let claims = SessionToken {
            user,
            session: policies::SessionId::random(),
            second_factor_at: None,
            permits,
            address: None,
            issued_at,
            expires_at,
        };
        let token = policies::jws::sign(policies::jws::SESSION, &claims, key)?;
        tokens.insert(person.user.to_owned(), Tokens { token, dummy_token: dummy.sign(key)? });
    }
    Ok(tokens)
}
