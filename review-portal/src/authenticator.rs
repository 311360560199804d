//! The demo's passkeys: signed on this machine, by a click. A real portal has none, and no configuration file can give it any.

use std::fmt;

use policies::UserId;
use policies::passkey::{ActSignature, Challenge, Registration, RelyingParty};

/// A software authenticator for all accounts of the demo.
pub trait DemoAuthenticator: fmt::Debug + Send + Sync {
    /// Signs as this person's passkey.
    fn assert(&self, user: &UserId, challenge: &Challenge, party: &RelyingParty) -> ActSignature;
    /// Makes this person's passkey.
    fn register(&self, user: &UserId, challenge: &Challenge, party: &RelyingParty) -> Registration;
}
