//! `sudare keys epoch`, `share-epoch`, `join-epoch`: the key that holders make tokens under, and its successor.

use std::path::Path;

use anyhow::Result;
use policies::Zone;
use policies::audit::{Act, AuditLog};
use policies::keys::{Epoch, Epochs, KeyFolder, RotationError, SealRecipient, SecretBytes, Stage, Turn};
use pseudonymizer::epoch::Joined;

use super::root::Derived;
use super::{chain, read_file, write_file};
use crate::cli::{KeysEpoch, RootFile, Rotate};
use crate::clock;
use crate::lang::Lang;
use crate::output::{self, Outcome};

pub(super) fn run(arguments: KeysEpoch, lang: Lang) -> Result<Outcome> {
    match arguments {
        KeysEpoch::List { keys } => Ok(list(&Epochs::open(&holder(&keys)?)?, lang)),
        KeysEpoch::New { keys, root } => new(&holder(&keys)?, root.as_ref(), lang),
        KeysEpoch::Rotate(rotate) => step(&holder(&rotate.keys)?, &rotate, lang),
        KeysEpoch::Show { keys } => Ok(show(&Epochs::open(&holder(&keys)?)?, lang)),
    }
}

/// Gives a new folder the epoch that a root derives, in the place of its random one.
pub(super) fn found(keys: &Path, derived: Derived, lang: Lang) -> Result<Outcome> {
    let folder = holder(keys)?;
    let audit = chain(&folder)?;
    let mut epochs = Epochs::open(&folder)?;
    audit.append(clock::now(), &act("epoch:derived", &derived.epoch))?;
    epochs.join(derived.epoch, &derived.key)?;
    Ok(list(&epochs, lang))
}

pub(super) fn share(keys: &Path, to: &Path, out: &Path, next: bool, lang: Lang) -> Result<Outcome> {
    let folder = holder(keys)?;
    let audit = chain(&folder)?;
    let recipient = SealRecipient::read(to)?;
    let (epoch, wrapped) = if next {
        let wrapped = pseudonymizer::epoch::wrap_next(&folder, &recipient)?;
        (Epochs::open(&folder)?.state().next().cloned().ok_or(RotationError::NoNext)?, wrapped)
    } else {
        (folder.epoch()?.0, pseudonymizer::epoch::wrap(&folder, &recipient)?)
    };
    audit.append(clock::now(), &act("epoch:shared", &epoch).with("to", recipient.to_string()))?;
    write_file(out, &wrapped, lang)?;
    Ok(Outcome::Done)
}

pub(super) fn join(keys: &Path, wrapped: &Path, from: Option<&str>, lang: Lang) -> Result<Outcome> {
    let folder = holder(keys)?;
    let audit = chain(&folder)?;
    let bytes = read_file(wrapped, lang)?;
    let joined = match from {
        Some(source) => pseudonymizer::epoch::join_from(&folder, &bytes, source)?,
        None => pseudonymizer::epoch::join(&folder, &bytes)?,
    };
    let role = match joined {
        Joined::Current(_) => "current",
        Joined::Next(_) => "next",
    };
    let act = act("epoch:joined", joined.epoch()).with("as", role);
    audit.append(clock::now(), &act.with("from", from.unwrap_or("unchecked")))?;
    if from.is_none() {
        output::note(&lang.text("key-unchecked"));
    }
    Ok(list(&Epochs::open(&folder)?, lang))
}

fn holder(keys: &Path) -> Result<KeyFolder> {
    Ok(KeyFolder::open(keys, Zone::Holder)?)
}

fn act<'a>(action: &'a str, epoch: &'a Epoch) -> Act<'a> {
    let act = Act::new("keys", action, &epoch.fingerprint).with("epoch", epoch.number);
    match &epoch.root {
        Some(root) => act.with("root", root.clone()),
        None => act,
    }
}

fn new(folder: &KeyFolder, root: Option<&RootFile>, lang: Lang) -> Result<Outcome> {
    let audit = chain(folder)?;
    let mut epochs = Epochs::open(folder)?;
    let number = epochs.state().next_number();
    let Derived { epoch, key } = match root {
        Some(root) => super::root::derived(root, number)?,
        None => random(number),
    };
    epochs.state().decide(Turn::Prepare(epoch.clone()))?;
    audit.append(clock::now(), &act("epoch:prepared", &epoch))?;
    epochs.prepare(epoch, &key)?;
    Ok(list(&epochs, lang))
}

fn random(number: u32) -> Derived {
    let key = SecretBytes::generate();
    Derived { epoch: Epoch { number, fingerprint: key.fingerprint(), root: None, made_at: clock::now() }, key }
}

/// One step. It is judged first, then recorded, then made: what the chain does not hold has not happened.
fn step(folder: &KeyFolder, rotate: &Rotate, lang: Lang) -> Result<Outcome> {
    let audit = chain(folder)?;
    let mut epochs = Epochs::open(folder)?;
    let now = clock::now();
    let record = |action: &str, epoch: &Epoch| audit.append(now, &act(action, epoch));
    if let Some(verdict) = &rotate.verdict {
        epochs.verify(&String::from_utf8_lossy(&read_file(verdict, lang)?))?;
        if let Stage::Verified { next, bridge, verdict } = &epochs.state().rotation {
            let act = act("epoch:verified", next).with("bridge", bridge.clone());
            audit.append(now, &act.with("verdict", verdict.clone()))?;
        }
    }
    let before = epochs.state().clone();
    if rotate.start {
        record("epoch:started", before.decide(Turn::Start)?.next().ok_or(RotationError::NoNext)?)?;
        epochs.start()?;
    } else if rotate.switch {
        record("epoch:switched", &before.decide(Turn::Switch)?.current)?;
        epochs.switch()?;
    } else if rotate.destroy {
        removed(&before.decide(Turn::Destroy(now))?.destroyed, |epoch| record("epoch:destroyed", epoch))?;
        unbridge(folder, &audit, lang)?;
        epochs.destroy(now)?;
    } else {
        removed(&before.decide(Turn::Cancel(now))?.destroyed, |epoch| record("epoch:cancelled", epoch))?;
        unbridge(folder, &audit, lang)?;
        epochs.cancel(now)?;
    }
    Ok(show(&epochs, lang))
}

/// Removes the bridges between the two epochs. Before the key: once that is gone the step is over and is not taken again.
fn unbridge(folder: &KeyFolder, audit: &AuditLog, lang: Lang) -> Result<()> {
    let bridges = pseudonymizer::holder::remove_bridges(folder)?;
    for sha256 in &bridges.removed {
        audit.append(clock::now(), &Act::new("keys", "bridge:removed", sha256))?;
        output::note(&lang.with("bridge-removed", &[("sha256", sha256)]));
    }
    for sha256 in &bridges.elsewhere {
        audit.append(clock::now(), &Act::new("keys", "bridge:elsewhere", sha256))?;
        output::note(&lang.with("bridge-elsewhere", &[("sha256", sha256)]));
    }
    Ok(())
}

/// Records the last of the removed epochs: the one that this step removes.
fn removed<T, E>(
    destroyed: &[policies::keys::Destroyed],
    record: impl FnOnce(&Epoch) -> Result<T, E>,
) -> Result<Option<T>, E> {
    destroyed.last().map(|gone| record(&gone.epoch)).transpose()
}

fn list(epochs: &Epochs, lang: Lang) -> Outcome {
    let state = epochs.state();
    let day = |at: jiff::Timestamp| at.strftime("%Y-%m-%d").to_string();
    let row = |epoch: &Epoch, is: String| {
        let root = epoch.root.clone().unwrap_or_else(|| "-".to_owned());
        vec![epoch.number.to_string(), is, epoch.fingerprint.clone(), root, day(epoch.made_at)]
    };
    let gone = |at| lang.with("epoch-is-destroyed", &[("day", &day(at))]);
    let mut rows: Vec<_> = state.destroyed.iter().map(|it| row(&it.epoch, gone(it.at))).collect();
    if let Stage::Switched { previous } = &state.rotation {
        rows.push(row(previous, lang.text("epoch-is-previous")));
    }
    rows.push(row(&state.current, lang.text("epoch-is-current")));
    rows.extend(state.next().map(|next| row(next, lang.text("epoch-is-next"))));
    output::line(&output::table(&["epoch", "state", "fingerprint", "root", "made"], &rows));
    Outcome::Done
}

fn show(epochs: &Epochs, lang: Lang) -> Outcome {
    let stage = match &epochs.state().rotation {
        Stage::Steady => "epoch-steady",
        Stage::Prepared { .. } => "epoch-prepared",
        Stage::Started { .. } => "epoch-started",
        Stage::BridgeMade { .. } => "epoch-bridge-made",
        Stage::Verified { .. } => "epoch-verified",
        Stage::Switched { .. } => "epoch-switched",
    };
    list(epochs, lang);
    output::line(&lang.text(stage));
    Outcome::Done
}
