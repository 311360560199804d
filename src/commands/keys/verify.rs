//! `sudare keys verify`: two holders compare their token keys without showing them.

use std::path::Path;

use anyhow::Result;
use policies::Zone;
use policies::audit::Act;
use policies::keys::KeyFolder;
use pseudonymizer::epoch::{Answer, KnownAnswers};

use super::{chain, read_file, write_file};
use crate::clock;
use crate::lang::Lang;
use crate::output::{self, Misuse, Outcome};

pub(super) fn run(keys: &Path, out: Option<&Path>, against: Option<&Path>, lang: Lang) -> Result<Outcome> {
    let folder = KeyFolder::open(keys, Zone::Holder)?;
    let audit = chain(&folder)?;
    let ours = KnownAnswers::of(&folder)?;
    if let Some(out) = out {
        let mut text = serde_json::to_vec_pretty(&ours)?;
        text.push(b'\n');
        write_file(out, &text, lang)?;
    }
    let Some(against) = against else {
        print(&ours, &ours.list(), lang);
        return Ok(Outcome::Done);
    };
    let path = against.display().to_string();
    let theirs = KnownAnswers::read(&read_file(against, lang)?)
        .ok_or_else(|| Misuse(lang.with("verify-not-answers", &[("path", &path)])))?;
    let compared = ours.compare(&theirs);
    print(&ours, &compared.answers, lang);
    let act = Act::new("keys", "epoch:compared", "known-answers").with("epoch", ours.epoch);
    audit.append(clock::now(), &act.with("equal", compared.equal))?;
    let (epoch, normaliser) = (theirs.epoch.to_string(), theirs.normaliser);
    let sentence = if compared.equal { "verify-equal" } else { "verify-differs" };
    output::line(&lang.with(sentence, &[("epoch", &epoch), ("normaliser", &normaliser), ("path", &path)]));
    Ok(if compared.equal { Outcome::Done } else { Outcome::NotWhole })
}

fn print(ours: &KnownAnswers, answers: &[Answer], lang: Lang) {
    let row = |answer: &Answer| {
        let equal = match answer.equal {
            None => String::new(),
            Some(true) => lang.text("verify-yes"),
            Some(false) => lang.text("verify-no"),
        };
        let known = answer.ours.clone().unwrap_or_else(|| "-".to_owned());
        vec![ours.epoch.to_string(), ours.normaliser.clone(), answer.kind.clone(), known, equal]
    };
    let rows: Vec<_> = answers.iter().map(row).collect();
    output::line(&output::table(&["epoch", "normaliser", "kind", "known answer", "equal"], &rows));
}
