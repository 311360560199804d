//! `sudare keys`: a zone's secrets a folder, public halves in `public/`; listed by fingerprint, never printed.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use policies::Zone;
use policies::durable;
use policies::keys::{KeyFolder, SealRecipient};

use crate::cli::Keys;
use crate::clock;
use crate::lang::Lang;
use crate::output::{self, Outcome};

pub(crate) fn run(arguments: Keys, lang: Lang) -> Result<Outcome> {
    match arguments {
        Keys::Init { zone, out } => init(zone, &out, lang),
        Keys::JoinEpoch { keys, wrapped } => join_epoch(&keys, &wrapped, lang),
        Keys::ShareEpoch { keys, to, out } => share_epoch(&keys, &to, &out, lang),
        Keys::Show { keys } => show(&keys),
    }
}

fn init(zone: Zone, out: &Path, lang: Lang) -> Result<Outcome> {
    let folder = KeyFolder::init(out, zone, clock::now())?;
    output::note(&lang.with("keys-made", &[("zone", zone.as_str()), ("path", &out.display().to_string())]));
    list(&folder)
}

fn show(keys: &Path) -> Result<Outcome> {
    list(&KeyFolder::open_any(keys)?)
}

fn list(folder: &KeyFolder) -> Result<Outcome> {
    let lines = folder.list()?.into_iter();
    let rows: Vec<_> = lines.map(|line| vec![line.name.to_owned(), line.kind.to_owned(), line.fingerprint]).collect();
    output::line(&output::table(&["key", "kind", "fingerprint"], &rows));
    Ok(Outcome::Done)
}

fn share_epoch(keys: &Path, to: &Path, out: &Path, lang: Lang) -> Result<Outcome> {
    let folder = KeyFolder::open(keys, Zone::Holder)?;
    let wrapped = pseudonymizer::epoch::wrap(&folder, &SealRecipient::read(to)?)?;
    durable::replace(out, &wrapped)
        .with_context(|| lang.with("cannot-write", &[("path", &out.display().to_string())]))?;
    Ok(Outcome::Done)
}

fn join_epoch(keys: &Path, wrapped: &Path, lang: Lang) -> Result<Outcome> {
    let folder = KeyFolder::open(keys, Zone::Holder)?;
    let bytes =
        fs::read(wrapped).with_context(|| lang.with("cannot-read", &[("path", &wrapped.display().to_string())]))?;
    pseudonymizer::epoch::join(&folder, &bytes)?;
    list(&folder)
}
