//! `sudare link review`: doubtful pairs, for clerks of the linkage zone. What a clerk sees says nothing of who it is about.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Result;
use policies::Zone;
use policies::audit::{Act, AuditLog};
use policies::durable;
use policies::jws::{self, Document};
use policies::keys::{KeyFolder, SealRecipient};
use policies::review::ReviewTurn;
use pseudonymizer::link::review::{self, CaseNumber, Decide, Decision, Review, Waiting};

use super::dossier;
use crate::cli::{DecisionWord, LinkReview, LinkReviewAct, QueuePlace};
use crate::clock;
use crate::lang::Lang;
use crate::output::{self, Misuse, Outcome};

pub(crate) fn run(arguments: &LinkReview, lang: Lang) -> Result<Outcome> {
    match &arguments.act {
        None => match (&arguments.keys, &arguments.crosswalk) {
            (Some(keys), Some(crosswalk)) => Ok(list(&open(keys, crosswalk)?, arguments.top, lang)),
            _ => Err(Misuse(lang.text("review-place")).into()),
        },
        Some(LinkReviewAct::Ask { at, out, seal_to, again }) => ask(at, out, seal_to, *again, lang),
        Some(LinkReviewAct::Decide { number, decision, reason, at }) => decide(at, *number, *decision, reason, lang),
        Some(LinkReviewAct::Export { at, out }) => export(at, out, lang),
        Some(LinkReviewAct::Show { number, at }) => {
            dossier::show(&open(&at.keys, &at.crosswalk)?.dossier(*number)?, lang);
            Ok(Outcome::Done)
        }
        Some(LinkReviewAct::Status { at }) => Ok(status(&open(&at.keys, &at.crosswalk)?, lang)),
    }
}

fn open(keys: &Path, crosswalk: &Path) -> Result<Review> {
    Ok(Review::open(&KeyFolder::open(keys, Zone::Linkage)?, crosswalk)?)
}

/// The zone's keys and chain, opened before the act: what cannot be recorded does not happen.
fn zone(at: &QueuePlace) -> Result<(KeyFolder, AuditLog)> {
    let keys = KeyFolder::open(&at.keys, Zone::Linkage)?;
    let audit = AuditLog::open(keys.path(), Zone::Linkage, keys.signing("sign")?)?;
    Ok((keys, audit))
}

fn list(review: &Review, top: usize, lang: Lang) -> Outcome {
    let all: Vec<Waiting<'_>> = review.waiting().collect();
    if all.is_empty() {
        output::note(&lang.text("review-empty"));
        return Outcome::Done;
    }
    let keys = ["review-number", "review-class", "review-sources", "review-atoms", "review-probability", "review-turn"];
    let header = keys.map(|key| lang.text(key));
    let row = |waiting: &Waiting<'_>| {
        let dossier = waiting.dossier;
        let [a, b] = &dossier.sides;
        vec![
            dossier.number.to_string(),
            lang.text(&format!("review-class-{}", dossier.class.as_str())),
            dossier.sources.join(" + "),
            format!("{} + {}", a.atoms(), b.atoms()),
            dossier::percent(dossier),
            dossier::turn(waiting, lang),
        ]
    };
    let rows: Vec<Vec<String>> = all.iter().take(top).map(row).collect();
    output::line(&output::table(&header.each_ref().map(String::as_str), &rows));
    let (shown, waiting) = (rows.len().to_string(), all.len().to_string());
    output::note(&lang.with("review-listed", &[("shown", &shown), ("waiting", &waiting)]));
    next(&all, lang);
    Outcome::Done
}

/// The next step, told once.
fn next(all: &[Waiting<'_>], lang: Lang) {
    let has = |turn: fn(&ReviewTurn) -> bool| all.iter().any(|waiting| turn(&waiting.turn));
    if has(|turn| matches!(turn, ReviewTurn::Ask(_))) {
        output::note(&lang.text("review-next-ask"));
    } else if has(|turn| *turn == ReviewTurn::Clerk) {
        output::note(&lang.text("review-next-decide"));
    } else if has(|turn| matches!(turn, ReviewTurn::Holder(_))) {
        output::note(&lang.text("review-next-wait"));
    }
}

fn decide(at: &QueuePlace, number: CaseNumber, decision: DecisionWord, reason: &str, lang: Lang) -> Result<Outcome> {
    if reason.trim().is_empty() {
        return Err(Misuse(lang.text("review-reason")).into());
    }
    let (keys, audit) = zone(at)?;
    let decision = match decision {
        DecisionWord::Different => Decision::Different,
        DecisionWord::Leave => Decision::Leave,
        DecisionWord::Same => Decision::Same,
    };
    let now = clock::now();
    review::decide(&Decide { keys: &keys, folder: &at.crosswalk, number, decision, reason }, now)?;
    let key = keys.signing("sign")?.verifying().fingerprint();
    let object = number.to_string();
    let act = Act::new("link", "review:decided", &object).with("decision", decision.as_str());
    audit.append(now, &act.with("reason", reason).with("key", key))?;
    let word = lang.text(&format!("review-decision-{}", decision.as_str()));
    output::line(&lang.with("review-decided", &[("number", &object), ("decision", &word)]));
    Ok(Outcome::Done)
}

fn ask(at: &QueuePlace, out: &Path, seal_to: &[(String, PathBuf)], again: bool, lang: Lang) -> Result<Outcome> {
    let (keys, audit) = zone(at)?;
    let seal = |(source, path): &(String, PathBuf)| {
        // A slip in the word would leave that holder's questions unsealed.
        keys.trusted(source)?;
        Ok((source.clone(), SealRecipient::read(path)?))
    };
    let seals: BTreeMap<String, SealRecipient> = seal_to.iter().map(seal).collect::<Result<_>>()?;
    let asked = review::ask(&keys, &at.crosswalk, out, &seals, again, clock::now())?;
    if asked.is_empty() {
        output::note(&lang.text("review-nothing-to-ask"));
    }
    for asked in asked {
        let act = Act::new("link", "review:asked", &asked.digest).with("source", asked.source.clone());
        audit.append(clock::now(), &act.with("questions", asked.questions))?;
        let (count, path) = (asked.questions.to_string(), asked.path.display().to_string());
        output::line(&lang.with("review-asked", &[("source", &asked.source), ("questions", &count), ("path", &path)]));
    }
    Ok(Outcome::Done)
}

fn export(at: &QueuePlace, out: &Path, lang: Lang) -> Result<Outcome> {
    let (keys, audit) = zone(at)?;
    let now = clock::now();
    let signed = Review::open(&keys, &at.crosswalk)?.summary(now).sign(&keys.signing("sign")?)?;
    let path = out.display().to_string();
    durable::replace(out, format!("{signed}\n").as_bytes())
        .map_err(|cause| anyhow::Error::new(cause).context(lang.with("cannot-write", &[("path", &path)])))?;
    audit.append(now, &Act::new("link", "review:exported", &jws::digest(&signed)))?;
    output::line(&lang.with("review-exported", &[("path", &path)]));
    Ok(Outcome::Done)
}

fn status(review: &Review, lang: Lang) -> Outcome {
    let standing = review.standing();
    let class = |class: &policies::review::PatternClass| lang.text(&format!("review-class-{}", class.as_str()));
    let table = |keys: &[&str], rows: &[Vec<String>]| {
        let header: Vec<String> = keys.iter().map(|key| lang.text(key)).collect();
        output::line(&output::table(&header.iter().map(String::as_str).collect::<Vec<_>>(), rows));
    };
    let waiting: Vec<Vec<String>> = standing
        .waiting
        .iter()
        .map(|((of, sources, turn), pairs)| {
            vec![class(of), sources.join(" + "), dossier::whose(turn, lang), pairs.to_string()]
        })
        .collect();
    table(&["review-class", "review-sources", "review-turn", "review-pairs"], &waiting);
    if !standing.questions.is_empty() {
        let row = |(source, (since, out)): (&String, &(jiff::Timestamp, u64))| {
            vec![source.clone(), since.strftime("%Y-%m-%d").to_string(), out.to_string()]
        };
        let rows: Vec<Vec<String>> = standing.questions.iter().map(row).collect();
        output::line("");
        table(&["review-holder", "review-since", "review-questions"], &rows);
    }
    if !standing.decided.is_empty() {
        let row = |(of, counts): (&policies::review::PatternClass, &[u64; 3])| {
            std::iter::once(class(of)).chain(counts.map(|count| count.to_string())).collect()
        };
        let rows: Vec<Vec<String>> = standing.decided.iter().map(row).collect();
        output::line("");
        let keys = ["review-class", "review-decision-same", "review-decision-different", "review-decision-leave"];
        table(&keys, &rows);
    }
    if standing.beyond > 0 {
        output::note(&lang.with("review-beyond", &[("pairs", &standing.beyond.to_string())]));
    }
    next(&review.waiting().collect::<Vec<_>>(), lang);
    Outcome::Done
}
