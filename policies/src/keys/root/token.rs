//! A root inside a PKCS#11 token: a generic secret that is made there, cannot be taken out, and only computes HMAC-SHA-256.

use std::path::{Path, PathBuf};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use super::{Passphrase, RootError};

/// Which key in which token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenPlace {
    /// The vendor's library, whole path.
    pub module: PathBuf,
    /// Label of the token.
    pub token: String,
    /// Label of the key.
    pub key: String,
}

/// What the root's file says; nothing of it is secret.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Described {
    root: String,
    #[serde(flatten)]
    pub(super) place: TokenPlace,
    pub(super) fingerprint: String,
    created_at: Timestamp,
}

/// What `root` says in that file.
const KIND: &str = "pkcs11";

pub(super) fn describe(place: &TokenPlace, fingerprint: &str, now: Timestamp) -> String {
    let described =
        Described { root: KIND.to_owned(), place: place.clone(), fingerprint: fingerprint.to_owned(), created_at: now };
    // INVARIANT: texts, a path that came from text, and a time always have a JSON form.
    serde_json::to_string_pretty(&described).unwrap_or_default()
}

pub(super) fn read(bytes: &[u8]) -> Option<Described> {
    serde_json::from_slice(bytes).ok().filter(|described: &Described| described.root == KIND)
}

/// A key in a token, signed in.
pub(super) struct TokenRoot {
    pub(super) session: Session,
    pub(super) key: ObjectHandle,
    token: String,
}

impl TokenRoot {
    /// Makes the key. A key of that label is not overwritten.
    pub(super) fn generate(place: &TokenPlace, pin: &Passphrase) -> Result<Self, RootError> {
        let session = sign_in(place, pin)?;
        let device = device(&place.token);
        if !find(&session, &place.key).map_err(device)?.is_empty() {
            return Err(RootError::KeyExists { token: place.token.clone(), key: place.key.clone() });
        }
        let template = [
            Attribute::Class(ObjectClass::SECRET_KEY),
            Attribute::KeyType(KeyType::GENERIC_SECRET),
            Attribute::Label(place.key.clone().into_bytes()),
            Attribute::Token(true),
            Attribute::Private(true),
            Attribute::Sensitive(true),
            Attribute::Extractable(false),
            Attribute::Modifiable(false),
            Attribute::Sign(true),
            Attribute::Verify(false),
            Attribute::Derive(false),
            Attribute::Encrypt(false),
            Attribute::Decrypt(false),
            Attribute::Wrap(false),
            Attribute::Unwrap(false),
            Attribute::ValueLen(32.into()),
        ];
        let made = session.generate_key(&Mechanism::GenericSecretKeyGen, &template);
        made.map_err(self::device(&place.token))?;
        Self::of(session, place)
    }

    /// Finds the key again.
    pub(super) fn open(place: &TokenPlace, pin: &Passphrase) -> Result<Self, RootError> {
        Self::of(sign_in(place, pin)?, place)
    }

    fn of(session: Session, place: &TokenPlace) -> Result<Self, RootError> {
        let found = find(&session, &place.key).map_err(device(&place.token))?;
        let [key] = found[..] else {
            return Err(RootError::KeyMissing { token: place.token.clone(), key: place.key.clone() });
        };
        // The token's own word that the key was made inside and was never readable (PKCS#11 3.1, 4.10).
        let asked = [AttributeType::Extractable, AttributeType::NeverExtractable, AttributeType::AlwaysSensitive];
        let answers = session.get_attributes(key, &asked).map_err(device(&place.token))?;
        let kept = [Attribute::Extractable(false), Attribute::NeverExtractable(true), Attribute::AlwaysSensitive(true)];
        if kept.iter().all(|attribute| answers.contains(attribute)) {
            Ok(Self { session, key, token: place.token.clone() })
        } else {
            Err(RootError::Extractable { token: place.token.clone(), key: place.key.clone() })
        }
    }

    /// HMAC-SHA-256 under the key, computed in the token.
    pub(super) fn hmac(&self, message: &[u8]) -> Result<Zeroizing<[u8; 32]>, RootError> {
        hmac(&self.session, self.key, message)
            .map_err(device(&self.token))?
            .ok_or_else(|| RootError::Answer { token: self.token.clone() })
    }
}

pub(super) fn hmac(session: &Session, key: ObjectHandle, message: &[u8]) -> Result<Option<Zeroizing<[u8; 32]>>, Error> {
    let mut tag = session.sign(&Mechanism::Sha256Hmac, key, message)?;
    let block = <[u8; 32]>::try_from(tag.as_slice()).ok().map(Zeroizing::new);
    tag.zeroize();
    Ok(block)
}

/// A session in the one token of that label, signed in by PIN.
pub(super) fn sign_in(place: &TokenPlace, pin: &Passphrase) -> Result<Session, RootError> {
    if !place.module.is_absolute() {
        return Err(RootError::ModulePath);
    }
    let module = load(&place.module).map_err(|cause| RootError::Module { module: place.module.clone(), cause })?;
    let none = || RootError::Token { token: place.token.clone() };
    let mut slots = module.get_slots_with_initialized_token().map_err(device(&place.token))?;
    slots.retain(|slot| module.get_token_info(*slot).is_ok_and(|info| info.label() == place.token));
    let [slot] = slots[..] else { return Err(none()) };
    let session = module.open_rw_session(slot).map_err(device(&place.token))?;
    match session.login(UserType::User, Some(pin.secret())) {
        Ok(()) => Ok(session),
        Err(Error::Pkcs11(
            RvError::PinIncorrect | RvError::PinInvalid | RvError::PinLenRange | RvError::PinLocked,
            _,
        )) => Err(RootError::Pin { token: place.token.clone() }),
        Err(cause) => Err(device(&place.token)(cause)),
    }
}

fn load(path: &Path) -> Result<Pkcs11, Error> {
    let module = Pkcs11::new(path)?;
    match module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
        Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => Ok(module),
        Err(cause) => Err(cause),
    }
}

fn find(session: &Session, label: &str) -> Result<Vec<ObjectHandle>, Error> {
    session.find_objects(&[Attribute::Class(ObjectClass::SECRET_KEY), Attribute::Label(label.as_bytes().to_vec())])
}

fn device(token: &str) -> impl Fn(Error) -> RootError + use<> {
    let token = token.to_owned();
    move |cause| RootError::Device { token: token.clone(), cause }
}
