//! Which passkeys count: `keyring.json` in the signer's store. Changed by an operator on this machine alone, never over HTTP.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use policies::audit::{Act, AuditLog};
use policies::jws::Document;
use policies::keys::{KeyFolder, VerifyingKey};
use policies::passkey::{Base64Url, Enrolment, EnrolmentCode, EnrolmentRequest, Keyring};
use policies::{Zone, durable};
use serde::{Deserialize, Serialize};

use crate::error::SignerError;

/// Enrolled passkeys, and those that were: a passkey stays one person's when it is taken away.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Registry {
    /// Those that count.
    pub(crate) active: Keyring,
    /// Those that were taken away.
    retired: Keyring,
}

impl Registry {
    /// Reads the registry of a store; an empty one if nobody was enrolled yet.
    pub(crate) fn read(store: &Path) -> Result<Self, SignerError> {
        let path = file(store);
        match fs::read(&path) {
            Ok(bytes) => {
                serde_json::from_slice(&bytes).map_err(|cause| SignerError::Store { path, cause: cause.into() })
            }
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(cause) => Err(SignerError::Store { path, cause }),
        }
    }

    /// Those that count and those that once did.
    fn ever(&self) -> Keyring {
        let mut ever = self.retired.clone();
        for enrolment in self.active.iter() {
            // One that was enrolled again counts as it does now.
            ever.unenrol(&enrolment.credential);
            // Its place is free: no other person's passkey stands there.
            let _free = ever.enrol(enrolment.clone());
        }
        ever
    }

    fn write(&self, store: &Path) -> Result<(), SignerError> {
        let path = file(store);
        let failed = |cause| SignerError::Store { path: path.clone(), cause };
        let bytes = serde_json::to_vec_pretty(self).map_err(|cause| failed(cause.into()))?;
        durable::replace_private(&path, &bytes).map_err(failed)
    }
}

fn file(store: &Path) -> PathBuf {
    store.join("keyring.json")
}

/// The operator at the signer's machine, who may change the registry.
pub struct Registrar {
    portal: VerifyingKey,
    store: PathBuf,
    audit: AuditLog,
}

impl Registrar {
    /// Opens the permit zone's chain in its key folder. `portal`: the portal's `public/sign.pub`. The signer may run meanwhile.
    pub fn open(keys: &Path, portal: &Path, store: &Path) -> Result<Self, SignerError> {
        let folder = KeyFolder::open(keys, Zone::Permit).map_err(SignerError::Keys)?;
        let sign = folder.signing("sign").map_err(SignerError::Keys)?;
        fs::create_dir_all(store).map_err(|cause| SignerError::Store { path: store.to_owned(), cause })?;
        Ok(Self {
            portal: VerifyingKey::read(portal).map_err(SignerError::Keys)?,
            store: store.to_owned(),
            audit: AuditLog::open(keys, Zone::Permit, sign).map_err(SignerError::Audit)?,
        })
    }

    /// What a request says, and its code: for the operator to read before anything is done.
    pub fn read(&self, signed: &str) -> Result<(EnrolmentRequest, EnrolmentCode), SignerError> {
        let request = EnrolmentRequest::verify(signed, &self.portal).map_err(SignerError::Signature)?;
        request.check().map_err(SignerError::Passkey)?;
        Ok((request, EnrolmentCode::of(signed)))
    }

    /// Enrols what a request says, if its code is the one that the person was shown.
    pub fn enrol(&self, signed: &str, code: &EnrolmentCode, now: Timestamp) -> Result<Enrolment, SignerError> {
        let enrolled = self.enrolled(signed, code, now);
        if let Err(error) = &enrolled {
            let act = Act::new("operator", "passkey:refused", "request").with("code", error.code());
            self.audit.append(now, &act).map_err(SignerError::Audit)?;
        }
        enrolled
    }

    fn enrolled(&self, signed: &str, code: &EnrolmentCode, now: Timestamp) -> Result<Enrolment, SignerError> {
        let (EnrolmentRequest { enrolment, .. }, computed) = self.read(signed)?;
        if !computed.same(code) {
            return Err(SignerError::Code);
        }
        self.change(|registry| {
            registry.ever().enrol(enrolment.clone()).map_err(SignerError::Passkey)?;
            registry.active.enrol(enrolment.clone()).map_err(SignerError::Passkey)?;
            self.record(now, "passkey:enrolled", &enrolment)
        })?;
        Ok(enrolment)
    }

    /// All passkeys that count.
    pub fn list(&self) -> Result<Vec<Enrolment>, SignerError> {
        Ok(Registry::read(&self.store)?.active.iter().cloned().collect())
    }

    /// Takes a passkey away: it signs nothing more.
    pub fn unenrol(&self, credential: &Base64Url, now: Timestamp) -> Result<Enrolment, SignerError> {
        self.change(|registry| {
            let enrolment = registry.active.unenrol(credential).ok_or(SignerError::NotFound)?;
            registry.retired.enrol(enrolment.clone()).map_err(SignerError::Passkey)?;
            self.record(now, "passkey:unenrolled", &enrolment)?;
            Ok(enrolment)
        })
    }

    fn record(&self, now: Timestamp, action: &str, enrolment: &Enrolment) -> Result<(), SignerError> {
        let words = |words: Vec<String>| words.join(" ");
        let act = Act::new("operator", action, enrolment.user.as_str())
            .with("credential", enrolment.credential.to_string())
            .with("key", enrolment.key.to_string())
            .with("roles", words(enrolment.roles.iter().map(ToString::to_string).collect()))
            .with("seats", words(enrolment.seats.iter().cloned().collect()))
            .with("affiliation", enrolment.affiliation.to_string())
            .with("holds", words(enrolment.holds.iter().map(ToString::to_string).collect()))
            .with("origin", enrolment.relying_party.origin.as_str());
        self.audit.append(now, &act).map(drop).map_err(SignerError::Audit)
    }

    /// One operator at a time. What `work` does to the registry is on disk afterwards, or nothing is.
    fn change<T>(&self, work: impl FnOnce(&mut Registry) -> Result<T, SignerError>) -> Result<T, SignerError> {
        let path = self.store.join("keyring.lock");
        let lock = || {
            let file = fs::OpenOptions::new().create(true).truncate(false).write(true).open(&path)?;
            file.lock()?;
            io::Result::Ok(file)
        };
        let lock = lock().map_err(|cause| SignerError::Store { path: path.clone(), cause })?;
        let mut registry = Registry::read(&self.store)?;
        let done = work(&mut registry)?;
        registry.write(&self.store)?;
        drop(lock);
        Ok(done)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use policies::Role;
    use policies::keys::{SecretBytes, SigningKey};
    use policies::passkey::{PasskeyError, RelyingParty, SoftwareAuthenticator};

    use super::*;

    fn now() -> Timestamp {
        "2026-11-21T03:00:00Z".parse().unwrap()
    }

    struct Desk {
        dir: tempfile::TempDir,
        portal: SigningKey,
        seed: SecretBytes,
    }

    impl Desk {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            KeyFolder::init(&dir.path().join("permit"), Zone::Permit, now()).unwrap();
            let portal = KeyFolder::init(&dir.path().join("portal"), Zone::Portal, now()).unwrap();
            Self { portal: portal.signing("sign").unwrap(), dir, seed: SecretBytes::generate() }
        }

        fn registrar(&self) -> Registrar {
            let path = |name: &str| self.dir.path().join(name);
            Registrar::open(&path("permit"), &path("portal/public/sign.pub"), &path("store")).unwrap()
        }

        fn registry(&self) -> Registry {
            Registry::read(&self.dir.path().join("store")).unwrap()
        }

        fn request(&self, user: &str, roles: &[Role], key: &SigningKey) -> String {
            let party = RelyingParty::localhost("http", 8080);
            let passkey = SoftwareAuthenticator::of(&self.seed, &user.parse().unwrap());
            let enrolment = Enrolment {
                user: user.parse().unwrap(),
                roles: roles.iter().copied().collect(),
                seats: BTreeSet::new(),
                holds: BTreeSet::new(),
                affiliation: "Institute C".parse().unwrap(),
                relying_party: party.clone(),
                credential: passkey.credential().clone(),
                key: passkey.key(),
            };
            let challenge = EnrolmentRequest::challenge(&enrolment, now()).unwrap();
            let proof = passkey.assert(&challenge, &party);
            EnrolmentRequest { enrolment, made_at: now(), proof }.sign(key).unwrap()
        }
    }

    #[test]
    fn an_operator_enrols_what_the_person_was_shown_and_nothing_else() {
        let desk = Desk::new();
        let registrar = desk.registrar();
        let signed = desk.request("r1", &[Role::Reviewer], &desk.portal);
        let (request, code) = registrar.read(&signed).unwrap();
        let other = desk.request("r1", &[Role::Reviewer, Role::Chair], &desk.portal);
        assert!(matches!(registrar.enrol(&other, &code, now()), Err(SignerError::Code)));
        let stranger = desk.request("r1", &[Role::Chair], &SigningKey::generate());
        let code_of_stranger = EnrolmentCode::of(&stranger);
        assert!(matches!(registrar.enrol(&stranger, &code_of_stranger, now()), Err(SignerError::Signature(_))));
        assert_eq!(desk.registry(), Registry::default());
        assert_eq!(registrar.enrol(&signed, &code, now()).unwrap(), request.enrolment);
        assert_eq!(registrar.list().unwrap(), std::slice::from_ref(&request.enrolment));
        // Roles change by a new request with a code of its own.
        registrar.enrol(&other, &EnrolmentCode::of(&other), now()).unwrap();
        assert_eq!(registrar.list().unwrap()[0].roles.len(), 2);
        let credential = request.enrolment.credential;
        registrar.unenrol(&credential, now()).unwrap();
        assert!(matches!(registrar.unenrol(&credential, now()), Err(SignerError::NotFound)));
        let registry = desk.registry();
        assert_eq!((registry.active.iter().count(), registry.ever().iter().count()), (0, 1));
        let chain = fs::read_to_string(desk.dir.path().join("permit/audit.jsonl")).unwrap();
        assert_eq!(chain.matches("passkey:refused").count(), 2);
        assert_eq!(chain.matches("passkey:enrolled").count(), 2);
        assert!(policies::audit::verify(&[desk.dir.path().join("permit")]).unwrap().whole());
    }

    #[test]
    fn a_request_that_the_passkey_did_not_sign_is_refused() {
        let desk = Desk::new();
        let registrar = desk.registrar();
        let signed = desk.request("r1", &[Role::Reviewer], &desk.portal);
        let (mut request, _) = registrar.read(&signed).unwrap();
        request.enrolment.roles.insert(Role::Chair);
        let widened = request.sign(&desk.portal).unwrap();
        let refused = registrar.enrol(&widened, &EnrolmentCode::of(&widened), now());
        assert!(matches!(refused, Err(SignerError::Passkey(PasskeyError::Challenge))));
    }

    #[test]
    fn a_passkey_is_one_persons_also_for_the_operator() {
        let desk = Desk::new();
        let registrar = desk.registrar();
        let signed = desk.request("r1", &[Role::Reviewer], &desk.portal);
        registrar.enrol(&signed, &EnrolmentCode::of(&signed), now()).unwrap();
        let (request, _) = registrar.read(&signed).unwrap();
        let enrolment = Enrolment { user: "eve".parse().unwrap(), ..request.enrolment.clone() };
        let challenge = EnrolmentRequest::challenge(&enrolment, now()).unwrap();
        let passkey = SoftwareAuthenticator::of(&desk.seed, &"r1".parse().unwrap());
        let proof = passkey.assert(&challenge, &enrolment.relying_party);
        let signed = EnrolmentRequest { enrolment, made_at: now(), proof }.sign(&desk.portal).unwrap();
        let refused = registrar.enrol(&signed, &EnrolmentCode::of(&signed), now());
        assert!(matches!(refused, Err(SignerError::Passkey(PasskeyError::OtherPerson))));
        assert_eq!(registrar.list().unwrap().len(), 1);
        // Nor after it was taken away.
        registrar.unenrol(&request.enrolment.credential, now()).unwrap();
        let refused = registrar.enrol(&signed, &EnrolmentCode::of(&signed), now());
        assert!(matches!(refused, Err(SignerError::Passkey(PasskeyError::OtherPerson))));
    }
}
