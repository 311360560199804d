//! `sudare keys run-key`: the key of one linkage run, from one holder to the others, and its end.

use std::path::Path;

use anyhow::Result;
use policies::Zone;
use policies::audit::Act;
use policies::keys::{KeyFolder, RunKey, SealRecipient};

use super::{chain, read_file, write_file};
use crate::cli::KeysRunKey;
use crate::clock;
use crate::lang::Lang;
use crate::output::{self, Outcome};

pub(super) fn run(arguments: KeysRunKey, lang: Lang) -> Result<Outcome> {
    let holder = |keys: &Path| KeyFolder::open(keys, Zone::Holder);
    match arguments {
        KeysRunKey::Join { keys, wrapped, from } => join(&holder(&keys)?, &wrapped, from.as_deref(), lang),
        KeysRunKey::New { keys, id } => {
            let folder = holder(&keys)?;
            let audit = chain(&folder)?;
            let now = clock::now();
            let key = folder.keep_run_key(RunKey::generate(id, now), now)?;
            audit.append(now, &act("run-key:made", &key))?;
            Ok(tell(&key))
        }
        KeysRunKey::Share { keys, id, to, out } => {
            let folder = holder(&keys)?;
            let audit = chain(&folder)?;
            let (now, recipient) = (clock::now(), SealRecipient::read(&to)?);
            let wrapped = pseudonymizer::epoch::wrap_run_key(&folder, &id, &recipient, now)?;
            audit.append(now, &Act::new("keys", "run-key:shared", id.as_str()).with("to", recipient.to_string()))?;
            write_file(&out, &wrapped, lang)?;
            Ok(Outcome::Done)
        }
        KeysRunKey::Wipe { keys, id } => {
            let folder = holder(&keys)?;
            let audit = chain(&folder)?;
            audit.append(clock::now(), &Act::new("keys", "run-key:wiped", id.as_str()))?;
            folder.wipe_run_key(&id, clock::now())?;
            output::note(&lang.with("run-key-wiped", &[("run", id.as_str())]));
            Ok(Outcome::Done)
        }
    }
}

fn join(folder: &KeyFolder, wrapped: &Path, from: Option<&str>, lang: Lang) -> Result<Outcome> {
    let audit = chain(folder)?;
    let now = clock::now();
    let key = pseudonymizer::epoch::join_run_key(folder, &read_file(wrapped, lang)?, from, now)?;
    audit.append(now, &act("run-key:joined", &key).with("from", from.unwrap_or("unchecked")))?;
    if from.is_none() {
        output::note(&lang.text("key-unchecked"));
    }
    Ok(tell(&key))
}

fn act<'a>(action: &'a str, key: &'a RunKey) -> Act<'a> {
    Act::new("keys", action, key.id().as_str()).with("fingerprint", key.bytes().fingerprint())
}

fn tell(key: &RunKey) -> Outcome {
    let row = vec![key.id().to_string(), key.bytes().fingerprint(), key.made_at().strftime("%Y-%m-%d").to_string()];
    output::line(&output::table(&["run", "fingerprint", "made"], &[row]));
    Outcome::Done
}
