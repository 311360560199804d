//! `sudare tokens`: what a holder makes again from the identities of its batches.

use std::path::{Path, PathBuf};

use anyhow::Result;
use catalog::batch::SignedBatch;
use policies::Zone;
use policies::audit::{Act, AuditLog};
use policies::keys::{Epochs, KeyFolder, RunId, SealRecipient, VerifyingKey};
use pseudonymizer::holder::{self, BridgeJob, OnlyAsked, RenewJob, RunTokens, RunTokensJob};

use super::{pseudonymize, tokens_answer};
use crate::cli::Tokens;
use crate::clock;
use crate::lang::Lang;
use crate::output::{self, Outcome};

pub(crate) fn run(arguments: Tokens, lang: Lang) -> Result<Outcome> {
    match arguments {
        Tokens::Answer { keys, batch, questions, answers_file, out } => {
            let holder = Holder::open(&keys)?;
            let at = tokens_answer::Places {
                batches: &batch,
                questions: &questions,
                answers_file: answers_file.as_deref(),
                out: &out,
            };
            tokens_answer::answer(&holder.keys, &holder.audit, &at, lang)
        }
        Tokens::Bridge { keys, batch, link_to, out } => bridge(&Holder::open(&keys)?, &batch, &link_to, &out, lang),
        Tokens::Renew { keys, batch, link_to, release_to } => {
            renew(&Holder::open(&keys)?, &batch, &link_to, &release_to, lang)
        }
        Tokens::Run { keys, batch, run, link_to, only, zone, out } => {
            let (only, zone) = (only.as_deref(), zone.as_deref());
            let at = RunPlaces { batch: &batch, link_to: &link_to, only, zone, out: &out };
            run_tokens(&Holder::open(&keys)?, &run, &at, lang)
        }
    }
}

/// A holder's keys with its chain, opened before the act: what cannot be recorded does not happen.
struct Holder {
    keys: KeyFolder,
    audit: AuditLog,
}

impl Holder {
    fn open(keys: &Path) -> Result<Self> {
        let keys = KeyFolder::open(keys, Zone::Holder)?;
        let audit = AuditLog::open(keys.path(), Zone::Holder, keys.signing("sign")?)?;
        Ok(Self { keys, audit })
    }
}

fn bridge(holder: &Holder, batches: &[PathBuf], link_to: &Path, out: &Path, lang: Lang) -> Result<Outcome> {
    let link_to = SealRecipient::read(link_to)?;
    let made = holder::bridge(&BridgeJob { keys: &holder.keys, batches, link_to, out })?;
    let act = Act::new("tokens", "bridge:made", &made.sha256).with("batches", made.batches).with("atoms", made.atoms);
    let act = act.with("from", made.from.fingerprint.clone()).with("to", made.to.fingerprint.clone());
    holder.audit.append(clock::now(), &act)?;
    // Only now may a verdict on it be taken.
    Epochs::open(&holder.keys)?.bridge_made(&made.sha256)?;
    let words = [
        ("batches", &*made.batches.to_string()),
        ("atoms", &made.atoms.to_string()),
        ("from", &made.from.number.to_string()),
        ("to", &made.to.number.to_string()),
        ("path", &out.display().to_string()),
    ];
    output::line(&lang.with("bridge-made", &words));
    Ok(Outcome::Done)
}

fn renew(holder: &Holder, batch: &Path, link_to: &Path, release_to: &Path, lang: Lang) -> Result<Outcome> {
    let (link_to, release_to) = (SealRecipient::read(link_to)?, SealRecipient::read(release_to)?);
    let renewed = holder::renew(&RenewJob { keys: &holder.keys, batch, link_to, release_to })?;
    let path = batch.display().to_string();
    if renewed.unchanged {
        output::line(&lang.with("tokens-current", &[("path", &path)]));
        return Ok(Outcome::Done);
    }
    let act = Act::new("tokens", "tokens:renewed", &renewed.batch).with("atoms", renewed.atoms);
    holder.audit.append(clock::now(), &act.with("from", renewed.from).with("to", renewed.to.clone()))?;
    let words = [("atoms", &*renewed.atoms.to_string()), ("epoch", &renewed.to), ("path", &path)];
    output::line(&lang.with("tokens-renewed", &words));
    Ok(Outcome::Done)
}

/// From where to where a run's tokens go.
struct RunPlaces<'a> {
    batch: &'a Path,
    link_to: &'a Path,
    only: Option<&'a Path>,
    zone: Option<&'a Path>,
    out: &'a Path,
}

fn run_tokens(holder: &Holder, run: &RunId, at: &RunPlaces<'_>, lang: Lang) -> Result<Outcome> {
    let source = SignedBatch::read(at.batch)?.source().parse()?;
    let zone = match (at.only, at.zone) {
        (None, _) => None,
        (Some(_), Some(named)) => {
            let file = if named.is_dir() { named.join("sign.pub") } else { named.to_owned() };
            Some(VerifyingKey::read(&file)?)
        }
        (Some(_), None) => Some(holder.keys.trusted("linkage")?),
    };
    let job = RunTokensJob {
        keys: &holder.keys,
        batch: at.batch,
        run,
        link_to: SealRecipient::read(at.link_to)?,
        max_multiplicity: pseudonymize::options(&source).max_multiplicity,
        only: at.only.zip(zone.as_ref()).map(|(request, zone)| OnlyAsked { request, zone }),
        out: at.out,
    };
    let made = make_run_tokens(&job, &holder.audit)?;
    let row = |(kind, count): (&&str, &u64)| {
        let refused = made.refused.get(*kind).map(|most| lang.with("kind-refused", &[("most", &most.to_string())]));
        vec![(*kind).to_owned(), count.to_string(), refused.unwrap_or_default()]
    };
    let rows: Vec<Vec<String>> = made.tokens.iter().map(row).collect();
    output::line(&output::table(&["kind", "atoms", ""], &rows));
    let words = [("atoms", &*made.atoms.to_string()), ("run", run.as_str()), ("path", &at.out.display().to_string())];
    output::line(&lang.with("run-tokens-made", &words));
    Ok(Outcome::Done)
}

/// Makes the tokens of one run and records it in the holder's chain.
pub(crate) fn make_run_tokens(job: &RunTokensJob<'_>, audit: &AuditLog) -> Result<RunTokens> {
    let made = holder::run_tokens(job, clock::now())?;
    let act = Act::new("tokens", "run-tokens:made", job.run.as_str()).with("batch", made.batch.clone());
    let refused: Vec<&str> = made.refused.keys().copied().collect();
    let act = act.with("sha256", made.sha256.clone()).with("key", made.key.clone()).with("refused", refused);
    audit.append(clock::now(), &act.with("atoms", made.atoms).with("asked", made.asked.clone()))?;
    Ok(made)
}
