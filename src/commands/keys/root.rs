//! `sudare keys root`: what epochs are derived from.

use std::path::Path;

use anyhow::Result;
use policies::Zone;
use policies::keys::{Epoch, KeyError, Passphrase, Root, SecretBytes, TokenPlace};

use crate::cli::{KeysRoot, RootFile};
use crate::clock;
use crate::lang::Lang;
use crate::output::{self, Outcome};

pub(super) fn run(arguments: KeysRoot, lang: Lang) -> Result<Outcome> {
    let root = match arguments {
        KeysRoot::Init { out, passphrase_file, pkcs11: Some(module), token: Some(token), label } => {
            let place = TokenPlace { module, token, key: label };
            let root = Root::generate_in_token(&out, &place, &Passphrase::read(&passphrase_file)?, clock::now())?;
            made(&out, "root-made-token", lang);
            root
        }
        KeysRoot::Init { out, passphrase_file, pkcs11: _, token: _, label: _ } => {
            let root = Root::seal(&out, &Passphrase::read(&passphrase_file)?.strong()?)?;
            made(&out, "root-made-sealed", lang);
            root
        }
        KeysRoot::Show { root } => open(&root)?,
    };
    let row = vec![root.kind().to_owned(), root.fingerprint()?];
    output::line(&output::table(&["root", "fingerprint"], &[row]));
    Ok(Outcome::Done)
}

/// An epoch's key from a root, with what may be said of it.
pub(super) struct Derived {
    pub(super) epoch: Epoch,
    pub(super) key: SecretBytes,
}

/// Derives for a new folder; only a holder has epochs.
pub(super) fn derive(zone: Zone, root: &RootFile, number: u32) -> Result<Derived> {
    if zone != Zone::Holder {
        return Err(KeyError::NoEpochs { zone }.into());
    }
    derived(root, number)
}

/// Opens the root and derives one epoch.
pub(super) fn derived(root: &RootFile, number: u32) -> Result<Derived> {
    let root = open(root)?;
    let key = root.epoch(number)?;
    let name = root.fingerprint()?;
    Ok(Derived {
        epoch: Epoch { number, fingerprint: key.fingerprint(), root: Some(name), made_at: clock::now() },
        key,
    })
}

fn open(file: &RootFile) -> Result<Root> {
    Ok(Root::open(&file.root, &Passphrase::read(&file.passphrase_file)?)?)
}

fn made(out: &Path, key: &str, lang: Lang) {
    output::note(&lang.with(key, &[("path", &out.display().to_string())]));
}
