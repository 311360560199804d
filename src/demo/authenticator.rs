//! The demo's software authenticator: everybody's passkeys under one seed on this machine, so that a newcomer can play every part
//! in one browser. It says so on the page, and nothing but `sudare demo` hands it to a portal.

use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use policies::keys::SecretBytes;
use policies::passkey::{
    ActSignature, Base64Url, Challenge, Registered, Registration, RelyingParty, SoftwareAuthenticator,
    verify_registration,
};
use policies::{UserId, durable};
use review_portal::DemoAuthenticator;
use zeroize::Zeroizing;

/// Everybody's passkeys.
pub(super) struct Passkeys(SecretBytes);

impl Passkeys {
    /// Opens the seed, or makes it (mode 0600).
    pub(super) fn open(path: &Path) -> Result<Self> {
        match fs::read_to_string(path) {
            Ok(text) => {
                let text = Zeroizing::new(text);
                if fs::metadata(path)?.permissions().mode() & 0o077 != 0 {
                    bail!("{} can be read by other users; run `chmod 600` on it", path.display());
                }
                let bytes: Option<Base64Url> = text.trim().parse().ok();
                let seed = bytes.and_then(|bytes| SecretBytes::from_slice(bytes.as_bytes()));
                Ok(Self(seed.with_context(|| format!("{} is no seed", path.display()))?))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let seed = SecretBytes::generate();
                let text = Zeroizing::new(Base64Url::of(seed.expose().as_slice()).to_string());
                durable::replace_private(path, text.as_bytes())?;
                Ok(Self(seed))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// One person's.
    pub(super) fn of(&self, user: &UserId) -> SoftwareAuthenticator {
        SoftwareAuthenticator::of(&self.0, user)
    }

    /// One person's, as a portal takes it up.
    pub(super) fn registered(&self, user: &UserId, party: &RelyingParty) -> Result<Registered> {
        let challenge = *SecretBytes::generate().expose();
        Ok(verify_registration(&self.of(user).register(&challenge, party), &challenge, party)?)
    }
}

impl fmt::Debug for Passkeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passkeys")
    }
}

impl DemoAuthenticator for Passkeys {
    fn assert(&self, user: &UserId, challenge: &Challenge, party: &RelyingParty) -> ActSignature {
        self.of(user).assert(challenge, party)
    }

    fn register(&self, user: &UserId, challenge: &Challenge, party: &RelyingParty) -> Registration {
        self.of(user).register(challenge, party)
    }
}
