//! `sudare opt-out`: who objects to a source, by the holder; counts are told and recorded, persons never.

use std::path::Path;

use anyhow::Result;
use policies::Zone;
use policies::audit::{Act, AuditLog};
use policies::keys::KeyFolder;
use pseudonymizer::absent::{self, Change, OptOutError};

use crate::cli::{Objections, OptOut};
use crate::clock;
use crate::lang::Lang;
use crate::output::{self, Outcome};

pub(crate) fn run(arguments: OptOut, lang: Lang) -> Result<Outcome> {
    match arguments {
        OptOut::Add { of, anew: false } => change(&of, "opt-out:added", absent::add, lang),
        OptOut::Add { of, anew: true } => change(&of, "opt-out:begun-anew", absent::anew, lang),
        OptOut::List { keys } => list(&keys, lang),
        OptOut::Remove { of } => change(&of, "opt-out:removed", absent::remove, lang),
    }
}

fn change(
    of: &Objections,
    action: &str,
    act: impl FnOnce(&absent::Objections<'_>) -> Result<Change, OptOutError>,
    lang: Lang,
) -> Result<Outcome> {
    let keys = KeyFolder::open(&of.keys, Zone::Holder)?;
    let audit = AuditLog::open(keys.path(), Zone::Holder, keys.signing("sign")?)?;
    let now = clock::now();
    let done = act(&absent::Objections { keys: &keys, source: &of.source, file: &of.file, now })?;
    let recorded = Act::new("opt-out", action, of.source.as_str())
        .with("named", done.named)
        .with("changed", done.changed)
        .with("persons", done.persons);
    audit.append(clock::now(), &recorded)?;
    let counts = [done.named, done.changed, done.unchanged, done.persons].map(|count| count.to_string());
    let [named, changed, unchanged, persons] = counts.each_ref().map(String::as_str);
    let words = [
        ("source", of.source.as_str()),
        ("named", named),
        ("changed", changed),
        ("unchanged", unchanged),
        ("persons", persons),
    ];
    let key = if action == "opt-out:removed" { "opt-out-removed" } else { "opt-out-added" };
    output::line(&lang.with(key, &words));
    if done.unread > 0 {
        output::note(&lang.with("opt-out-unread", &[("cells", &done.unread.to_string())]));
    }
    Ok(Outcome::Done)
}

fn list(keys: &Path, lang: Lang) -> Result<Outcome> {
    let lists = absent::listed(&KeyFolder::open(keys, Zone::Holder)?)?;
    let header = ["opt-out-source", "opt-out-persons", "opt-out-changed", "opt-out-usable"].map(|key| lang.text(key));
    let usable = |current: bool| lang.text(if current { "verify-yes" } else { "verify-no" });
    let rows: Vec<Vec<String>> = lists
        .into_iter()
        .map(|list| {
            let changed = list.changed_at.strftime("%Y-%m-%d").to_string();
            vec![list.source.to_string(), list.persons.to_string(), changed, usable(list.current)]
        })
        .collect();
    output::line(&output::table(&header.each_ref().map(String::as_str), &rows));
    Ok(Outcome::Done)
}
