//! A key on its way between two holders: a few lines with the key, signed by the sender, sealed to the receiver.
//!
//! The seal alone says nothing about the sender: anybody who knows a holder's public key could send it a key of his own, and
//! tokens under that key are none. So the sender's signature covers what is sent, to whom, and for what.

use policies::keys::{KeyFolder, SealRecipient, SecretBytes, VerifyingKey};
use zeroize::Zeroizing;

use super::EpochError;
use crate::seal;

/// First line.
const MARK: &str = "sudare parcel 1";

/// An opened parcel, its signature good for the key that it names.
pub(super) struct Parcel {
    body: Zeroizing<String>,
    sender: VerifyingKey,
    key: SecretBytes,
}

/// Signs and seals a key with some lines that say what it is. Values hold no line breaks.
pub(super) fn pack(
    keys: &KeyFolder,
    to: &SealRecipient,
    kind: &str,
    lines: &[(&str, String)],
    key: &SecretBytes,
) -> Result<Vec<u8>, EpochError> {
    let sign = keys.signing("sign")?;
    let hex = Zeroizing::new(hex::encode(key.expose()));
    // The room is reserved at once: growing would leave copies behind that nobody wipes.
    let mut body = Zeroizing::new(String::with_capacity(4096));
    for (name, value) in [("kind", kind), ("to", &to.to_string()), ("key", hex.as_str())]
        .into_iter()
        .chain(lines.iter().map(|(name, value)| (*name, value.as_str())))
    {
        body.extend([name, " ", value, "\n"]);
    }
    let signature = hex::encode(sign.sign(&message(&body)));
    let mut text = Zeroizing::new(String::with_capacity(8192));
    text.extend([MARK, "\n", &sign.verifying().to_hex(), "\n", &signature, "\n", body.as_str()]);
    seal::seal_bytes(text.as_bytes(), to).map_err(EpochError::Wrap)
}

impl Parcel {
    /// Opens a parcel of the given kind that is for this holder.
    pub(super) fn open(keys: &KeyFolder, wrapped: &[u8], kind: &str) -> Result<Self, EpochError> {
        let bytes = Zeroizing::new(seal::open_bytes(wrapped, &keys.seal()?).map_err(EpochError::Open)?);
        let text = str::from_utf8(&bytes).map_err(|_| EpochError::Form)?;
        let mut parts = text.splitn(4, '\n');
        let (Some(MARK), Some(sender), Some(signature), Some(body)) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(EpochError::Form);
        };
        let sender = VerifyingKey::from_hex(sender).ok_or(EpochError::Form)?;
        let signature = hex::decode(signature).map_err(|_| EpochError::Form)?;
        if !sender.verify(&message(body), &signature) {
            return Err(EpochError::Signature);
        }
        let hex = line(body, "key")?;
        let bytes = Zeroizing::new(hex::decode(hex).map_err(|_| EpochError::Form)?);
        let key = SecretBytes::from_slice(&bytes).ok_or(EpochError::Form)?;
        // Sealed on by its receiver, a parcel would carry the sender's signature to somebody else.
        if line(body, "kind")? != kind || line(body, "to")? != keys.recipient()?.to_string() {
            return Err(EpochError::Form);
        }
        Ok(Self { body: Zeroizing::new(body.to_owned()), sender, key })
    }

    /// The same parcel, if that key signed it.
    pub(super) fn from(self, sender: &VerifyingKey) -> Result<Self, EpochError> {
        if self.sender == *sender { Ok(self) } else { Err(EpochError::Signature) }
    }

    /// A line's value.
    pub(super) fn get(&self, name: &str) -> Result<&str, EpochError> {
        line(&self.body, name)
    }

    /// The key inside.
    pub(super) fn key(&self) -> &SecretBytes {
        &self.key
    }

    /// The key inside, taken out.
    pub(super) fn into_key(self) -> SecretBytes {
        self.key
    }
}

fn line<'a>(body: &'a str, name: &str) -> Result<&'a str, EpochError> {
    let value = |line: &'a str| line.split_once(' ').filter(|(found, _)| *found == name).map(|(_, value)| value);
    body.lines().find_map(value).ok_or(EpochError::Form)
}

fn message(body: &str) -> Zeroizing<Vec<u8>> {
    Zeroizing::new([MARK.as_bytes(), b"\n", body.as_bytes()].concat())
}
