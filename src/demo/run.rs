//! The demo's one run of linkage: its key, made at one holder and shared with the others, their tokens of the run, and its end.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use policies::Zone;
use policies::audit::{Act, AuditLog};
use policies::durable;
use policies::keys::{KeyFolder, RunId, RunKey, RunKeyError, SealRecipient};
use pseudonymizer::holder::RunTokensJob;

use super::folder::Folder;
use super::prepare::copy_folder;
use crate::clock;
use crate::commands;
use crate::lang::Lang;
use crate::progress::Step;

/// The run's name.
const RUN: &str = "demo-1";

/// A holder's keys and chain.
struct Holder {
    keys: KeyFolder,
    audit: AuditLog,
}

impl Holder {
    fn open(folder: &Folder, source: &str) -> Result<Self> {
        let keys = KeyFolder::open(&folder.holder(source).join("keys"), Zone::Holder)?;
        let audit = AuditLog::open(keys.path(), Zone::Holder, keys.signing("sign")?)?;
        Ok(Self { keys, audit })
    }

    fn record(&self, action: &str, run: &RunId, what: (&str, String)) -> Result<()> {
        let act = Act::new("keys", action, run.as_str()).with(what.0, what.1);
        Ok(self.audit.append(clock::now(), &act).map(drop)?)
    }

    /// Whether the run's key is here.
    fn has(&self, run: &RunId) -> Result<bool> {
        match self.keys.run_key(run, clock::now()) {
            Ok(_) => Ok(true),
            Err(RunKeyError::Missing(_)) => Ok(false),
            Err(other) => Err(other.into()),
        }
    }
}

/// Each holder's tokens of the run, in the linkage zone's inbox.
pub(super) fn tokens(folder: &Folder, sources: &[&str], lang: Lang) -> Result<Vec<PathBuf>> {
    let run: RunId = RUN.parse()?;
    let holders = sources.iter().map(|source| Holder::open(folder, source)).collect::<Result<Vec<_>>>()?;
    share(&run, &holders)?;
    let link_to = SealRecipient::read(&folder.keys("linkage").join("public"))?;
    let step = Step::begin(&lang.text("step-run-tokens"), 0, "atoms");
    let (mut folders, mut atoms) = (Vec::new(), 0);
    for (source, holder) in sources.iter().zip(&holders) {
        let (batch, out) = (folder.holder(source).join("batch"), folder.holder(source).join("run"));
        if !out.exists() {
            let options = commands::pseudonymize_options(&source.parse()?);
            let job = RunTokensJob {
                keys: &holder.keys,
                batch: &batch,
                run: &run,
                link_to: link_to.clone(),
                max_multiplicity: options.max_multiplicity,
                only: None,
                out: &out,
            };
            atoms += commands::make_run_tokens(&job, &holder.audit)?.atoms;
            step.at(atoms);
        }
        let inbox = folder.zone("linkage").join("inbox").join(format!("{source}-run"));
        if !inbox.exists() {
            let partial = inbox.with_extension("partial");
            copy_folder(&out, &partial)?;
            durable::publish(&partial, &inbox)?;
        }
        folders.push(inbox);
    }
    step.end();
    Ok(folders)
}

/// One holder makes the key and wraps it for each of the others.
fn share(run: &RunId, holders: &[Holder]) -> Result<()> {
    let (first, others) = holders.split_first().context("the demo has no source")?;
    if !first.has(run)? {
        let now = clock::now();
        let key = first.keys.keep_run_key(RunKey::generate(run.clone(), now), now)?;
        first.record("run-key:made", run, ("fingerprint", key.bytes().fingerprint()))?;
    }
    for other in others {
        if other.has(run)? {
            continue;
        }
        let to = other.keys.recipient()?;
        let wrapped = pseudonymizer::epoch::wrap_run_key(&first.keys, run, &to, clock::now())?;
        first.record("run-key:shared", run, ("to", to.to_string()))?;
        let key = pseudonymizer::epoch::join_run_key(&other.keys, &wrapped, None, clock::now())?;
        other.record("run-key:joined", run, ("fingerprint", key.bytes().fingerprint()))?;
    }
    Ok(())
}

/// After the run no holder has its key, and nobody its tokens.
pub(super) fn end(folder: &Folder, sources: &[&str]) -> Result<()> {
    let run: RunId = RUN.parse()?;
    for source in sources {
        let holder = Holder::open(folder, source)?;
        if matches!(holder.keys.run_key(&run, clock::now()), Err(RunKeyError::Wiped(_))) {
            continue;
        }
        holder.audit.append(clock::now(), &Act::new("keys", "run-key:wiped", run.as_str()))?;
        holder.keys.wipe_run_key(&run, clock::now())?;
    }
    for source in sources {
        let inbox = folder.zone("linkage").join("inbox").join(format!("{source}-run"));
        for made in [folder.holder(source).join("run"), inbox] {
            if made.exists() {
                fs::remove_dir_all(&made)?;
            }
        }
    }
    Ok(())
}
