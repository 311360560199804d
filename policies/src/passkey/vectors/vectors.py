# Made once with Python's `fido2` 2.2.1 (Yubico, BSD-2-Clause) and `cryptography` 50.0.2 from PyPI: independent of the code under
# test. Run: python3 vectors.py > vectors.json
import json, hashlib
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from fido2.cose import ES256, EdDSA
from fido2.utils import websafe_encode
from fido2.webauthn import (AttestationObject, AttestedCredentialData, AuthenticatorData, CollectedClientData, Aaguid)

ID, ORIGIN = "sudare.example", "https://sudare.example"
CHALLENGE = hashlib.sha256(b"an event record").digest()

def authenticator(name, private, cose, sign, flags, counter, extensions=None):
    credential = hashlib.sha256(name.encode()).digest()
    attested = AttestedCredentialData.create(Aaguid(bytes(16)), credential, cose)
    created = AuthenticatorData.create(hashlib.sha256(ID.encode()).digest(), flags | 0x40, counter, attested)
    attestation = AttestationObject.create("none", created, {})
    client = CollectedClientData.create(CollectedClientData.TYPE.CREATE, CHALLENGE, ORIGIN)
    asserted = AuthenticatorData.create(hashlib.sha256(ID.encode()).digest(), flags | (0x80 if extensions else 0), counter + 1, b"", extensions)
    got = CollectedClientData.create(CollectedClientData.TYPE.GET, CHALLENGE, ORIGIN)
    return {
        "name": name,
        "registration": {"client_data": websafe_encode(client), "attestation": websafe_encode(attestation)},
        "assertion": {
            "credential": websafe_encode(credential),
            "authenticator_data": websafe_encode(asserted),
            "client_data": websafe_encode(got),
            "signature": websafe_encode(sign(bytes(asserted) + got.hash)),
        },
        "sign_count": counter + 1,
    }

p256 = ec.generate_private_key(ec.SECP256R1())
ed = ed25519.Ed25519PrivateKey.generate()
p384 = ec.generate_private_key(ec.SECP384R1())
es = lambda key: (lambda message: key.sign(message, ec.ECDSA(hashes.SHA256())))
print(json.dumps({
    "made_by": "fido2 2.2.1 and cryptography 50.0.2, see vectors.py",
    "relying_party": {"id": ID, "origin": ORIGIN},
    "challenge": CHALLENGE.hex(),
    "authenticators": [
        authenticator("es256", p256, ES256.from_cryptography_key(p256.public_key()), es(p256), 0x05, 7),
        authenticator("es256 with extensions", p256, ES256.from_cryptography_key(p256.public_key()), es(p256), 0x1d, 0, {"credProtect": 2}),
        authenticator("eddsa", ed, EdDSA.from_cryptography_key(ed.public_key()), ed.sign, 0x1d, 0),
    ],
}, indent=2))
