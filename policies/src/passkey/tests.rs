//! Vectors of another implementation verify; whatever is changed does not.

use std::collections::BTreeSet;

use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::jws::Document;
use crate::keys::{SecretBytes, SigningKey};
use crate::role::Role;
use crate::{SourceId, UserId};

#[derive(Deserialize)]
struct Vectors {
    relying_party: RelyingParty,
    challenge: String,
    authenticators: Vec<Authenticator>,
}

#[derive(Deserialize)]
struct Authenticator {
    name: String,
    registration: Registration,
    assertion: ActSignature,
    sign_count: u32,
}

/// Made by Python's fido2 and cryptography; `vectors/vectors.py` says how.
fn vectors() -> (RelyingParty, Challenge, Vec<Authenticator>) {
    let vectors: Vectors = serde_json::from_str(include_str!("vectors/vectors.json")).unwrap();
    let challenge = hex::decode(vectors.challenge).unwrap().try_into().unwrap();
    (vectors.relying_party, challenge, vectors.authenticators)
}

fn person(name: &str) -> UserId {
    name.parse().unwrap()
}

fn software(user: &str) -> SoftwareAuthenticator {
    SoftwareAuthenticator::of(&SecretBytes::from_slice(&[7; 32]).unwrap(), &person(user))
}

fn enrolment(user: &str, roles: &[Role], party: &RelyingParty) -> Enrolment {
    let passkey = software(user);
    Enrolment {
        user: person(user),
        roles: roles.iter().copied().collect(),
        seats: BTreeSet::from(["law".to_owned()]),
        holds: BTreeSet::from(["ndb".parse::<SourceId>().unwrap()]),
        affiliation: "Institute C".parse().unwrap(),
        relying_party: party.clone(),
        credential: passkey.credential().clone(),
        key: passkey.key(),
    }
}

#[test]
fn what_another_implementation_made_is_believed() {
    let (party, challenge, authenticators) = vectors();
    for Authenticator { name, registration, assertion, sign_count } in authenticators {
        let made = verify_registration(&registration, &challenge, &party).unwrap();
        assert_eq!(made.credential, assertion.credential, "{name}");
        let asserted = verify_assertion(&assertion, &challenge, &made.key, &party).unwrap();
        assert_eq!(asserted.sign_count, sign_count, "{name}");
        assert_eq!(made.key.to_string().parse::<PasskeyKey>().unwrap(), made.key);
        let json = serde_json::to_string(&assertion).unwrap();
        assert_eq!(serde_json::from_str::<ActSignature>(&json).unwrap(), assertion);
        assert!(serde_json::from_str::<ActSignature>(&json.replacen('{', "{\"more\":1,", 1)).is_err());
    }
}

#[test]
fn every_flipped_bit_is_found() {
    let (party, challenge, authenticators) = vectors();
    for Authenticator { name, registration, assertion, .. } in authenticators.into_iter().step_by(2) {
        let key = verify_registration(&registration, &challenge, &party).unwrap().key;
        for part in 0..3 {
            let bytes = [&assertion.authenticator_data, &assertion.client_data, &assertion.signature][part].as_bytes();
            for bit in 0..bytes.len() * 8 {
                let mut changed = bytes.to_vec();
                changed[bit / 8] ^= 1 << (bit % 8);
                let changed = Base64Url::of(changed);
                let forged = match part {
                    0 => ActSignature { authenticator_data: changed, ..assertion.clone() },
                    1 => ActSignature { client_data: changed, ..assertion.clone() },
                    _ => ActSignature { signature: changed, ..assertion.clone() },
                };
                assert!(verify_act(&forged, &challenge, &key, &party).is_err(), "{name}, part {part}, bit {bit}");
            }
        }
        for bit in 0..256 {
            let mut other = challenge;
            other[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(verify_act(&assertion, &other, &key, &party), Err(PasskeyError::Challenge));
        }
    }
}

#[test]
fn another_party_ceremony_or_frame_is_refused() {
    let (party, challenge, authenticators) = vectors();
    let Authenticator { registration, assertion, .. } = &authenticators[0];
    let key = verify_registration(registration, &challenge, &party).unwrap().key;
    for (id, origin) in [
        ("sudare.example", "https://evil.example"),
        ("sudare.example", "http://sudare.example"),
        ("sudare.example", "https://sudare.example/"),
        ("sudare.example", "https://sudare.example:443"),
        ("example", "https://sudare.example"),
        ("evil.example", "https://sudare.example"),
    ] {
        let other = RelyingParty { id: id.to_owned(), origin: origin.to_owned() };
        assert_eq!(verify_act(assertion, &challenge, &key, &other), Err(PasskeyError::Origin), "{id} {origin}");
        assert_eq!(verify_registration(registration, &challenge, &other), Err(PasskeyError::Origin));
    }
    let swapped = ActSignature { client_data: registration.client_data.clone(), ..assertion.clone() };
    assert_eq!(verify_act(&swapped, &challenge, &key, &party), Err(PasskeyError::Form));
    let swapped = Registration { client_data: assertion.client_data.clone(), ..registration.clone() };
    assert_eq!(verify_registration(&swapped, &challenge, &party), Err(PasskeyError::Form));
}

/// An assertion signed by the right key over whatever is put in.
fn signed(flags: u8, extra: &[u8], client_data: &str) -> (ActSignature, PasskeyKey) {
    let key = SigningKey::from_seed(&SecretBytes::from_slice(&[9; 32]).unwrap());
    let mut data = Sha256::digest(b"localhost").to_vec();
    data.push(flags);
    data.extend([0; 4]);
    data.extend(extra);
    let message = [data.as_slice(), Sha256::digest(client_data.as_bytes()).as_slice()].concat();
    let act = ActSignature {
        credential: Base64Url::of(*b"c"),
        signature: Base64Url::of(key.sign(&message)),
        authenticator_data: Base64Url::of(data),
        client_data: Base64Url::of(client_data),
    };
    (act, PasskeyKey::eddsa(&hex::decode(key.verifying().to_hex()).unwrap()).unwrap())
}

/// Flags, bytes after the counter, client data, what becomes of it.
type Case = (u8, &'static [u8], String, Result<(), PasskeyError>);

#[test]
fn a_good_signature_over_bad_data_is_refused() {
    use PasskeyError::{Challenge as Other, CrossOrigin, Form, NotPresent, NotVerified, Origin};
    let party = RelyingParty::localhost("http", 8080);
    let text = |kind: &str, more: &str| {
        let challenge = Base64Url::of([1; 32]);
        format!(r#"{{"type":"{kind}","challenge":"{challenge}","origin":"http://localhost:8080"{more}}}"#)
    };
    let good = text("webauthn.get", "");
    let cases: [Case; 19] = [
        (0x05, &[], good.clone(), Ok(())),
        (0x1d, &[], text("webauthn.get", r#","crossOrigin":false,"other_keys":"may be added""#), Ok(())),
        (0x85, &[0xa0], good.clone(), Ok(())),
        (0x04, &[], good.clone(), Err(NotPresent)),
        (0x01, &[], good.clone(), Err(NotVerified)),
        (0x15, &[], good.clone(), Err(Form)),
        (0x45, &[], good.clone(), Err(Form)),
        (0x05, &[0], good.clone(), Err(Form)),
        (0x85, &[], good.clone(), Err(Form)),
        (0x85, &[0xa0, 0xa0], good.clone(), Err(Form)),
        (0x85, &[0x01], good.clone(), Err(Form)),
        (0x05, &[], text("webauthn.create", ""), Err(Form)),
        (0x05, &[], text("webauthn.get", r#","crossOrigin":true"#), Err(CrossOrigin)),
        (0x05, &[], text("webauthn.get", r#","topOrigin":"http://localhost:8080""#), Err(CrossOrigin)),
        (0x05, &[], text("webauthn.get", r#","origin":"http://localhost:8080""#), Err(Form)),
        (0x05, &[], good.replace("8080", "8081"), Err(Origin)),
        (0x05, &[], good.replace("AQE", "AQI"), Err(Other)),
        (0x05, &[], good.replace("\"challenge\"", "\"challenges\""), Err(Form)),
        (0x05, &[], "null".to_owned(), Err(Form)),
    ];
    for (flags, extra, client_data, expected) in cases {
        let (act, key) = signed(flags, extra, &client_data);
        assert_eq!(verify_act(&act, &[1; 32], &key, &party), expected, "{flags:#x} {extra:?} {client_data}");
    }
}

#[test]
fn the_keyring_vouches_for_the_enrolled_and_for_no_more() {
    let party = RelyingParty::localhost("https", 443);
    let mut keyring = Keyring::default();
    keyring.enrol(enrolment("r1", &[Role::Reviewer], &party)).unwrap();
    keyring.enrol(enrolment("chair", &[Role::Chair, Role::Reviewer], &party)).unwrap();
    let challenge = [3; 32];
    let act = software("r1").assert(&challenge, &party);
    let vouches = |user: &str, roles: &[Role], seats: &[&str], sources: &[&str], challenge: &Challenge, act| {
        let claims = Claims {
            user: &person(user),
            roles: &roles.iter().copied().collect(),
            seats: &seats.iter().map(|seat| (*seat).to_owned()).collect(),
            holds: &sources.iter().map(|source| source.parse().unwrap()).collect(),
        };
        keyring.vouches(claims, challenge, act)
    };
    let not_enrolled = Err(PasskeyError::NotEnrolled);
    assert_eq!(vouches("r1", &[Role::Reviewer], &["law"], &["ndb"], &challenge, &act), Ok(()));
    assert_eq!(vouches("r1", &[], &[], &[], &challenge, &act), Ok(()));
    assert_eq!(vouches("r1", &[Role::Chair], &["law"], &["ndb"], &challenge, &act), not_enrolled);
    assert_eq!(vouches("r1", &[Role::Reviewer], &["security"], &["ndb"], &challenge, &act), not_enrolled);
    assert_eq!(vouches("r1", &[Role::Reviewer], &["law"], &["ndb", "registry"], &challenge, &act), not_enrolled);
    // Another person's passkey, somebody unknown, another act, another's name on it.
    assert_eq!(vouches("chair", &[], &[], &[], &challenge, &act), Err(PasskeyError::Unknown));
    assert_eq!(vouches("eve", &[], &[], &[], &challenge, &act), Err(PasskeyError::Unknown));
    assert_eq!(vouches("r1", &[Role::Reviewer], &["law"], &["ndb"], &[4; 32], &act), Err(PasskeyError::Challenge));
    let borrowed = ActSignature { credential: software("chair").credential().clone(), ..act.clone() };
    assert_eq!(vouches("chair", &[Role::Chair], &[], &[], &challenge, &borrowed), Err(PasskeyError::Signature));
    let mut keyring = keyring.clone();
    keyring.unenrol(&act.credential).unwrap();
    assert!(keyring.enrolment(&person("r1"), &act).is_none());
}

#[test]
fn a_passkey_stays_its_owners_and_keyrings_travel() {
    let party = RelyingParty::localhost("https", 443);
    let mut keyring = Keyring::default();
    keyring.enrol(enrolment("r1", &[Role::Reviewer], &party)).unwrap();
    keyring.enrol(enrolment("r1", &[Role::Reviewer, Role::Chair], &party)).unwrap();
    assert_eq!(keyring.iter().count(), 1);
    let stolen = Enrolment { user: person("eve"), ..enrolment("r1", &[Role::Reviewer], &party) };
    assert_eq!(keyring.enrol(stolen), Err(PasskeyError::OtherPerson));
    let exchanged = Enrolment { key: software("eve").key(), ..enrolment("r1", &[Role::Reviewer], &party) };
    assert_eq!(keyring.enrol(exchanged), Err(PasskeyError::OtherPerson));
    let json = serde_json::to_string(&keyring).unwrap();
    assert_eq!(serde_json::from_str::<Keyring>(&json).unwrap(), keyring);
    let twice = json.replacen('[', &format!("{},", json.trim_end_matches(']')), 1);
    assert!(serde_json::from_str::<Keyring>(&twice).is_err());
}

#[test]
fn a_request_is_the_passkeys_own_and_its_code_is_the_documents() {
    let party = RelyingParty::localhost("https", 443);
    let made_at = Timestamp::UNIX_EPOCH;
    let enrolment = enrolment("r1", &[Role::Reviewer], &party);
    let challenge = EnrolmentRequest::challenge(&enrolment, made_at).unwrap();
    let proof = software("r1").assert(&challenge, &party);
    let request = EnrolmentRequest { enrolment, made_at, proof };
    request.check().unwrap();
    let wider = Enrolment { roles: BTreeSet::from([Role::Chair]), ..request.enrolment.clone() };
    assert_eq!(EnrolmentRequest { enrolment: wider, ..request.clone() }.check(), Err(PasskeyError::Challenge));
    let proof = software("eve").assert(&challenge, &party);
    assert_eq!(EnrolmentRequest { proof, ..request.clone() }.check(), Err(PasskeyError::Unknown));
    let key = SigningKey::generate();
    let signed = request.sign(&key).unwrap();
    assert_eq!(EnrolmentRequest::verify(&signed, &key.verifying()).unwrap(), request);
    let code = EnrolmentCode::of(&signed);
    assert!(code.same(&EnrolmentCode::of(&format!("{signed}\n"))));
    assert!(code.same(&code.to_string().to_lowercase().parse().unwrap()));
    assert_eq!(code.to_string().len(), 9);
    assert!(!code.same(&EnrolmentCode::of(&format!("{signed}A"))));
    for bad in ["", "ABCD", "ABCD-ABCDE", "ABCD-ABC!", "ABCD-ABCU"] {
        assert!(bad.parse::<EnrolmentCode>().is_err(), "{bad}");
    }
}

#[test]
fn an_origin_is_a_domain_over_tls_or_ones_own_machine() {
    for (origin, id) in [
        ("https://sudare.example", "sudare.example"),
        ("https://sudare.example/", "sudare.example"),
        ("https://portal.sudare.example:8443", "portal.sudare.example"),
        ("http://localhost:8080", "localhost"),
    ] {
        let party = RelyingParty::at(origin).unwrap();
        assert_eq!((party.id.as_str(), party.origin.as_str()), (id, origin.trim_end_matches('/')));
    }
    for bad in [
        "",
        "sudare.example",
        "http://sudare.example",
        "https://",
        "https://192.0.2.1",
        "https://[::1]:8080",
        "https://sudare.example:0",
        "https://sudare.example:99999",
        "https://sudare.example/path",
        "https://user@sudare.example",
        "https://Sudare.example",
        "https://sudare..example",
        "ftp://localhost",
    ] {
        assert!(RelyingParty::at(bad).is_err(), "{bad}");
    }
}

#[test]
fn codes_of_errors_differ() {
    assert_eq!(PasskeyError::ALL.map(PasskeyError::code).into_iter().collect::<BTreeSet<_>>().len(), 12);
}

proptest! {
    /// Whatever somebody sends is refused, without an unwind.
    #[test]
    fn arbitrary_bytes_are_refused(one in prop::collection::vec(any::<u8>(), 0..200), two in prop::collection::vec(any::<u8>(), 0..200)) {
        let party = RelyingParty::localhost("http", 1);
        let registration = Registration { client_data: Base64Url::of(one.clone()), attestation: Base64Url::of(two.clone()) };
        prop_assert!(verify_registration(&registration, &[0; 32], &party).is_err());
        let good = software("pi").register(&[0; 32], &party);
        let registration = Registration { attestation: Base64Url::of(two.clone()), ..good };
        prop_assert!(verify_registration(&registration, &[0; 32], &party).is_err());
        let good = software("pi").assert(&[0; 32], &party);
        let act = ActSignature { authenticator_data: Base64Url::of(one), signature: Base64Url::of(two), ..good };
        prop_assert!(verify_act(&act, &[0; 32], &software("pi").key(), &party).is_err());
    }

    /// A registration that was cut short is refused at any length.
    #[test]
    fn a_cut_registration_is_refused(length in 0_usize..160) {
        let party = RelyingParty::localhost("http", 1);
        let good = software("pi").register(&[0; 32], &party);
        prop_assert!(verify_registration(&good, &[0; 32], &party).is_ok());
        let cut = good.attestation.as_bytes();
        prop_assume!(length < cut.len());
        let registration = Registration { attestation: Base64Url::of(&cut[..length]), ..good.clone() };
        prop_assert!(verify_registration(&registration, &[0; 32], &party).is_err());
    }

    /// Base64url has one spelling.
    #[test]
    fn bytes_have_one_spelling(text in "[A-Za-z0-9_=-]{0,12}") {
        if let Ok(bytes) = text.parse::<Base64Url>() {
            prop_assert_eq!(bytes.to_string(), text);
        }
    }
}
