//! A root sealed by a passphrase: an age file of the scrypt kind (C2SP age, "The scrypt recipient type").

use std::io::{Read, Write};
use std::iter;
use std::path::Path;

use age::scrypt;
use age::{DecryptError, Decryptor, Encryptor};
use zeroize::Zeroizing;

use super::{Passphrase, RootError, SecretBytes};

/// How an age file begins.
pub(super) const MAGIC: &[u8] = b"age-encryption.org/v1";

/// Work of the passphrase's hash, N = 2^18: 256 MiB and about a second; what age's own tool takes.
pub(super) const LOG_WORK: u8 = 18;

/// The most work that is done for a file from outside: a changed header must not stop the machine.
const LOG_WORK_MAX: u8 = 20;

/// Stands before the root, so that another sealed secret is not taken for one.
const MARK: &str = "sudare root 1";

pub(super) fn seal(root: &SecretBytes, passphrase: &Passphrase, log_work: u8) -> Result<Vec<u8>, RootError> {
    let mut recipient = scrypt::Recipient::new(passphrase.secret().clone());
    recipient.set_work_factor(log_work);
    let key = Zeroizing::new(hex::encode(root.expose()));
    // The room is reserved at once: growing would leave copies behind that nobody wipes.
    let mut text = Zeroizing::new(String::with_capacity(256));
    text.extend([MARK, "\n", key.as_str(), "\n"]);
    let encryptor =
        Encryptor::with_recipients(iter::once(&recipient as &dyn age::Recipient)).map_err(RootError::Seal)?;
    let write = || {
        let mut sealed = encryptor.wrap_output(Vec::new())?;
        sealed.write_all(text.as_bytes())?;
        sealed.finish()
    };
    write().map_err(|cause| RootError::Seal(cause.into()))
}

pub(super) fn open(sealed: &[u8], passphrase: &Passphrase, path: &Path) -> Result<SecretBytes, RootError> {
    let mut identity = scrypt::Identity::new(passphrase.secret().clone());
    identity.set_max_work_factor(LOG_WORK_MAX);
    let form = || RootError::Form { path: path.to_owned() };
    let decryptor = Decryptor::new_buffered(sealed).map_err(|_| form())?;
    let mut reader =
        decryptor.decrypt(iter::once(&identity as &dyn age::Identity)).map_err(|cause| why(&cause, path))?;
    let mut text = Zeroizing::new(String::with_capacity(sealed.len()));
    reader.read_to_string(&mut text).map_err(|_| form())?;
    let hex = text.strip_prefix(MARK).ok_or_else(form)?;
    let bytes = Zeroizing::new(hex::decode(hex.trim()).map_err(|_| form())?);
    SecretBytes::from_slice(&bytes).ok_or_else(form)
}

fn why(cause: &DecryptError, path: &Path) -> RootError {
    let path = path.to_owned();
    match cause {
        DecryptError::DecryptionFailed | DecryptError::KeyDecryptionFailed => RootError::Passphrase { path },
        DecryptError::ExcessiveWork { .. } => RootError::Work { path },
        DecryptError::InvalidHeader
        | DecryptError::InvalidMac
        | DecryptError::Io(_)
        | DecryptError::NoMatchingKeys
        | DecryptError::UnknownFormat
        // What a later age may tell apart.
        | _ => RootError::Form { path },
    }
}
