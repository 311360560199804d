//! `sudare permit`: look into a permit, check its signature, end it; whose passkeys count.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use permit_signer::Registrar;
use policies::application::{REVOCATION, Revocation, Revoked};
use policies::audit::{Act, AuditLog};
use policies::jws;
use policies::keys::{KeyFolder, VerifyingKey};
use policies::passkey::{Base64Url, Enrolment, EnrolmentCode};
use policies::tls::{Roots, check_peer};
use policies::{Permit, PermitId, Zone};

use crate::cli;
use crate::clock;
use crate::lang::Lang;
use crate::output::{self, Misuse, Outcome};

pub(crate) fn run(arguments: cli::Permit, lang: Lang) -> Result<Outcome> {
    match arguments {
        cli::Permit::Enrol { at, code, request } => enrol(&at, code.as_ref(), &request, lang),
        cli::Permit::Enrolments { at } => enrolments(&at, lang),
        cli::Permit::Unenrol { at, credential } => unenrol(&at, &credential, lang),
        cli::Permit::Revoke { signer, ca, keys, reason, permit } => {
            let signer = Signer { address: signer, ca };
            revoke(&signer, &keys, &permit, &reason, lang)
        }
        cli::Permit::Show { permit } => show(&permit, lang),
        cli::Permit::Verify { key, permit } => verify(&key, &permit, lang),
    }
}

fn read(path: &Path, lang: Lang) -> Result<String> {
    let text =
        fs::read_to_string(path).with_context(|| lang.with("cannot-read", &[("path", &path.display().to_string())]))?;
    Ok(text.trim().to_owned())
}

fn show(path: &Path, lang: Lang) -> Result<Outcome> {
    let token = read(path, lang)?;
    let claims = token.split('.').nth(1).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
    let permit: Option<Permit> = claims.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let Some(permit) = permit else { return Err(Misuse(lang.text("permit-unreadable")).into()) };
    output::json(&permit)?;
    output::note(&lang.text("permit-not-judged"));
    Ok(Outcome::Done)
}

fn verify(key: &Path, path: &Path, lang: Lang) -> Result<Outcome> {
    let key = VerifyingKey::read(&if key.is_dir() { key.join("permit.pub") } else { key.to_owned() })?;
    let permit: Permit = match jws::verify(jws::PERMIT, &read(path, lang)?, &key) {
        Ok(permit) => permit,
        Err(error) => {
            output::line(&error.to_string());
            return Ok(Outcome::NotWhole);
        }
    };
    let (id, until) = (permit.id.to_string(), permit.expires_at.to_string());
    let holds = permit.holds_at(clock::now());
    output::line(&lang.with(if holds { "permit-holds" } else { "permit-over" }, &[("permit", &id), ("until", &until)]));
    Ok(if holds { Outcome::Done } else { Outcome::NotWhole })
}

/// Where the permit signer is, and who vouches for it over TLS.
struct Signer {
    address: String,
    ca: Option<PathBuf>,
}

impl Signer {
    /// A client that speaks to no other machine without TLS, and the address to post to.
    fn client(&self) -> Result<(reqwest::Client, reqwest::Url)> {
        let url: reqwest::Url = format!("{}/revocations", self.address.trim_end_matches('/')).parse()?;
        let roots = self.ca.as_deref().map(Roots::read).transpose()?;
        let over_tls = url.scheme() == "https";
        check_peer(over_tls, url.host_str().unwrap_or_default(), roots.as_ref())?;
        let mut client = reqwest::Client::builder().no_proxy();
        if let Some(roots) = roots.filter(|_| over_tls) {
            let certificates: Result<Vec<_>, _> = roots.der().map(reqwest::Certificate::from_der).collect();
            client = client.https_only(true).tls_certs_only(certificates?);
        }
        Ok((client.build()?, url))
    }
}

fn revoke(signer: &Signer, keys: &Path, permit: &PermitId, reason: &str, lang: Lang) -> Result<Outcome> {
    let (client, address) = signer.client()?;
    let keys = KeyFolder::open(keys, Zone::Portal)?;
    let audit = AuditLog::open(keys.path(), Zone::Portal, keys.signing("sign")?)?;
    let revocation =
        Revocation { what: Revoked::Permit(permit.clone()), reason: reason.to_owned(), by: "operator".parse()? };
    let body = jws::sign(REVOCATION, &revocation, &keys.signing("sign")?)?;
    let act = Act::new("operator", "permit:revoked", permit.as_str());
    audit.append(clock::now(), &act.with("reason", reason))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let answer = runtime.block_on(client.post(address).body(body).send())?;
    if !answer.status().is_success() {
        return Err(anyhow!(lang.with("permit-not-revoked", &[("status", answer.status().as_str())])));
    }
    output::line(&lang.with("permit-revoked", &[("permit", permit.as_str())]));
    Ok(Outcome::Done)
}

fn registrar(at: &cli::SignerStore) -> Result<Registrar> {
    Ok(Registrar::open(&at.keys, &at.portal_key, &at.store)?)
}

/// Shows a request and its code; with the code that the person reads out, enrols.
fn enrol(at: &cli::SignerStore, code: Option<&EnrolmentCode>, path: &Path, lang: Lang) -> Result<Outcome> {
    let registrar = registrar(at)?;
    let signed = read(path, lang)?;
    let (request, computed) = registrar.read(&signed)?;
    output::line(&rows(std::slice::from_ref(&request.enrolment), lang));
    let Some(code) = code else {
        output::line(&lang.with("enrol-code", &[("code", &computed.to_string())]));
        return Ok(Outcome::Done);
    };
    let enrolment = registrar.enrol(&signed, code, clock::now())?;
    output::line(&lang.with("enrolled", &[("user", enrolment.user.as_str())]));
    Ok(Outcome::Done)
}

fn enrolments(at: &cli::SignerStore, lang: Lang) -> Result<Outcome> {
    output::line(&rows(&registrar(at)?.list()?, lang));
    Ok(Outcome::Done)
}

fn unenrol(at: &cli::SignerStore, credential: &Base64Url, lang: Lang) -> Result<Outcome> {
    let enrolment = registrar(at)?.unenrol(credential, clock::now())?;
    output::line(&lang.with("unenrolled", &[("user", enrolment.user.as_str())]));
    Ok(Outcome::Done)
}

fn rows(enrolments: &[Enrolment], lang: Lang) -> String {
    let words = |words: Vec<String>| words.join(" ");
    let rows: Vec<Vec<String>> = enrolments
        .iter()
        .map(|enrolment| {
            vec![
                enrolment.user.to_string(),
                enrolment.affiliation.to_string(),
                words(enrolment.roles.iter().map(ToString::to_string).collect()),
                words(enrolment.seats.iter().cloned().collect()),
                words(enrolment.holds.iter().map(ToString::to_string).collect()),
                enrolment.relying_party.origin.clone(),
                enrolment.credential.to_string(),
            ]
        })
        .collect();
    let heads = ["name", "enrol-affiliation", "role", "enrol-seats", "enrol-holds", "enrol-origin", "enrol-passkey"]
        .map(|key| lang.text(key));
    output::table(&heads.each_ref().map(String::as_str), &rows)
}
