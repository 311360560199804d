//! An authenticator without a device, for the demo and for tests: it signs whatever it is asked, as its owner would.
//!
//! Compiled only with the feature `software-authenticator`, which `review-portal` and `permit-signer` do not ask for. The key
//! follows from a seed and the person's name, is never written and is wiped on drop.

use coset::cbor::Value;
use coset::{AsCborValue, CoseKeyBuilder, iana};
use hkdf::Hkdf;
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::json;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::{ActSignature, Base64Url, Challenge, PasskeyKey, Registration, RelyingParty};
use crate::id::UserId;
use crate::keys::SecretBytes;

/// Present, verified, may be copied, was copied: what a synchronised passkey says.
const FLAGS: u8 = 0x1d;
const ATTESTED_CREDENTIAL: u8 = 0x40;

/// One person's passkey in software.
pub struct SoftwareAuthenticator {
    credential: Base64Url,
    key: SigningKey,
}

impl SoftwareAuthenticator {
    /// The passkey of `user` under `seed`: always the same one.
    pub fn of(seed: &SecretBytes, user: &UserId) -> Self {
        let source = Hkdf::<Sha256>::new(Some(b"sudare software authenticator"), seed.expose());
        // Nearly every 32 bytes are a key of P-256; the others are passed over.
        let key = (0..=u8::MAX).find_map(|turn| {
            let mut bytes = Zeroizing::new([0; 32]);
            source.expand_multi_info(&[user.as_str().as_bytes(), &[0, turn]], bytes.as_mut_slice()).ok()?;
            SigningKey::from_slice(bytes.as_slice()).ok()
        });
        #[expect(clippy::expect_used, reason = "256 turns all miss the curve's order with a chance of 2^-8192")]
        let key = key.expect("a key of P-256");
        let point = key.verifying_key().to_sec1_point(true);
        Self { credential: Base64Url::of(Sha256::digest(point.as_bytes()).as_slice()), key }
    }

    /// Its name.
    pub fn credential(&self) -> &Base64Url {
        &self.credential
    }

    /// Its public key.
    pub fn key(&self) -> PasskeyKey {
        PasskeyKey::Es256(Box::new(*self.key.verifying_key()))
    }

    /// Answers `navigator.credentials.create`.
    pub fn register(&self, challenge: &Challenge, party: &RelyingParty) -> Registration {
        let point = self.key.verifying_key().to_sec1_point(false);
        let (x, y) = (point.x().map(|x| x.to_vec()), point.y().map(|y| y.to_vec()));
        let (x, y) = (x.unwrap_or_default(), y.unwrap_or_default());
        let key = CoseKeyBuilder::new_ec2_pub_key(iana::EllipticCurve::P_256, x, y);
        let key = key.algorithm(iana::Algorithm::ES256).build().to_cbor_value().unwrap_or(Value::Null);
        let mut data = authenticator_data(party, FLAGS | ATTESTED_CREDENTIAL);
        data.extend_from_slice(&[0; 16]);
        data.extend_from_slice(&u16::try_from(self.credential.as_bytes().len()).unwrap_or(0).to_be_bytes());
        data.extend_from_slice(self.credential.as_bytes());
        data.extend(cbor(&key));
        let object = Value::Map(vec![
            ("fmt".into(), "none".into()),
            ("attStmt".into(), Value::Map(Vec::new())),
            ("authData".into(), Value::Bytes(data)),
        ]);
        Registration {
            client_data: client_data("webauthn.create", challenge, party),
            attestation: Base64Url::of(cbor(&object)),
        }
    }

    /// Answers `navigator.credentials.get`.
    pub fn assert(&self, challenge: &Challenge, party: &RelyingParty) -> ActSignature {
        let data = authenticator_data(party, FLAGS);
        let client_data = client_data("webauthn.get", challenge, party);
        let signed = [data.as_slice(), Sha256::digest(client_data.as_bytes()).as_slice()].concat();
        let signature: Signature = self.key.sign(&signed);
        ActSignature {
            credential: self.credential.clone(),
            authenticator_data: Base64Url::of(data),
            client_data,
            signature: Base64Url::of(signature.to_der().as_bytes()),
        }
    }
}

/// Without a counter, as synchronised passkeys are.
fn authenticator_data(party: &RelyingParty, flags: u8) -> Vec<u8> {
    let mut data = party.id_hash().to_vec();
    data.push(flags);
    data.extend_from_slice(&[0; 4]);
    data
}

fn client_data(kind: &str, challenge: &Challenge, party: &RelyingParty) -> Base64Url {
    let challenge = Base64Url::of(challenge.as_slice());
    let data = json!({ "type": kind, "challenge": challenge, "origin": party.origin, "crossOrigin": false });
    Base64Url::of(data.to_string())
}

fn cbor(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    // Writing into memory does not fail.
    drop(coset::cbor::ser::into_writer(value, &mut bytes));
    bytes
}
