//! `sudare layout`: what becomes of each field of a source, proved, in words, compared, and accepted by two persons.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result};
use catalog::AddedSource;
use policies::Zone;
use policies::audit::{Act, AuditLog};
use policies::keys::KeyFolder;
use pseudonymizer::layout::accepted::{self, Accepted};
use pseudonymizer::layout::{self, Action, Change, Field, Language, LoadError, Place};
use serde::Serialize;

use crate::cli::Layout;
use crate::clock;
use crate::lang::Lang;
use crate::output::{self, Misuse, Outcome};

pub(crate) fn run(arguments: Layout, lang: Lang) -> Result<Outcome> {
    match arguments {
        Layout::Accept { file, keys, second } => accept(&file, &keys, second.as_deref(), lang),
        Layout::Check { file } => check(file.as_deref(), lang),
        Layout::Diff { a, b } => Ok(diff(&named(&a, lang)?, &named(&b, lang)?, lang)),
        Layout::List => list(lang),
        Layout::Show { id } => {
            show(&named(&id, lang)?);
            Ok(Outcome::Done)
        }
    }
}

fn accept(file: &Path, keys: &Path, second: Option<&Path>, lang: Lang) -> Result<Outcome> {
    let source = AddedSource::read(file)?;
    let keys = KeyFolder::open(keys, Zone::Holder)?;
    let second = second.map(KeyFolder::open_any).transpose()?;
    let done = accept_layout(&source, &keys, second.as_ref())?;
    for change in &done.lets_through {
        output::line(&moved("layout-through", change, lang));
    }
    let words = [("id", done.layout.id.as_str()), ("version", &done.layout.version), ("sha256", &done.layout.sha256)];
    output::line(&lang.with("layout-accepted", &words));
    Ok(Outcome::Done)
}

/// Accepts a source's layout and records it in the holder's chain.
pub(crate) fn accept_layout(source: &AddedSource, keys: &KeyFolder, second: Option<&KeyFolder>) -> Result<Accepted> {
    let audit = AuditLog::open(keys.path(), Zone::Holder, keys.signing("sign")?)?;
    let done = accepted::accept(source, keys, second)?;
    let act = Act::new("layout", "layout:accepted", &done.layout.id)
        .with("sha256", done.layout.sha256.clone())
        .with("lets_through", done.lets_through.len());
    let act = match &done.second {
        Some(second) => act.with("second", second.clone()),
        None => act,
    };
    audit.append(clock::now(), &act)?;
    Ok(done)
}

fn check(file: Option<&Path>, lang: Lang) -> Result<Outcome> {
    let layouts = match file {
        Some(file) => vec![read(file)?],
        None => known(lang)?.into_values().collect(),
    };
    for one in &layouts {
        let layout::Layout { id, version, source, edition, sha256, .. } = one;
        let words = [("id", id), ("version", version), ("source", source), ("edition", edition), ("sha256", sha256)];
        output::line(&lang.with("layout-loads", &words.map(|(name, value)| (name, value.as_str()))));
        for line in layout::words(one, language(lang)) {
            output::line(&line);
        }
    }
    output::note(&lang.with("layout-checked", &[("layouts", &layouts.len().to_string())]));
    Ok(Outcome::Done)
}

fn diff(a: &layout::Layout, b: &layout::Layout, lang: Lang) -> Outcome {
    let changes = layout::diff(Some(a), b);
    let parts = [
        ("layout-through", &changes.lets_through),
        ("layout-held", &changes.holds_back),
        ("layout-token", &changes.tokenises),
    ];
    for (key, changes) in parts {
        for change in changes {
            output::line(&moved(key, change, lang));
        }
    }
    if changes.lets_through.is_empty() {
        output::note(&lang.text("layout-nothing-new"));
        return Outcome::Done;
    }
    let count = changes.lets_through.len().to_string();
    output::note(&lang.with("layout-needs-second", &[("fields", &count)]));
    Outcome::Refused
}

fn list(lang: Lang) -> Result<Outcome> {
    let row = |one: layout::Layout| {
        let counts = one.records.iter().map(layout::coverage);
        let sum = |of: fn(&layout::Coverage) -> u32| counts.clone().map(|it| of(&it)).sum::<u32>().to_string();
        let numbers = [
            one.records.len().to_string(),
            sum(|it| it.positions),
            sum(|it| it.kept),
            sum(|it| it.generalised),
            sum(|it| it.tokenised),
            sum(|it| it.dropped),
        ];
        [vec![one.id.clone(), one.source.clone(), one.version.clone(), word(&one.reader)], numbers.to_vec()].concat()
    };
    let rows: Vec<_> = known(lang)?.into_values().map(row).collect();
    let header = [
        "layout",
        "source",
        "version",
        "reader",
        "records",
        "positions",
        "kept",
        "generalised",
        "tokenised",
        "dropped",
    ];
    output::line(&output::table(&header, &rows));
    Ok(Outcome::Done)
}

fn show(one: &layout::Layout) {
    let row = |tag: &str, field: &Field| {
        let form = match (&field.by, field.kind) {
            (Some(by), _) => word(by),
            (None, Some(kind)) => word(&kind),
            (None, None) => String::new(),
        };
        let (place, class, action) = (place(&field.place), word(&field.class), word(&field.action));
        vec![tag.to_owned(), place, field.name.clone(), field.ja.clone(), class, action, form, field.to.join(" ")]
    };
    let rows: Vec<_> =
        one.records.iter().flat_map(|record| record.fields.iter().map(|field| row(&record.tag, field))).collect();
    output::line(&output::table(&["record", "place", "field", "ja", "class", "action", "form", "to"], &rows));
}

/// A file if there is one of that name, or a layout that is known by that id.
fn named(word: &str, lang: Lang) -> Result<layout::Layout> {
    let path = Path::new(word);
    if path.is_file() {
        return read(path);
    }
    known(lang)?.remove(word).ok_or_else(|| Misuse(lang.with("layout-unknown", &[("id", word)])).into())
}

fn read(path: &Path) -> Result<layout::Layout> {
    layout::read_file(path).map_err(|fault| match fault {
        LoadError::Layout(fault) => Misuse(format!("{}: {fault}", path.display())).into(),
        LoadError::Source(fault) => Misuse(fault.to_string()).into(),
        LoadError::Read { .. } => anyhow::Error::from(fault),
    })
}

/// All layouts of this process: those that come with the version, and those of added sources.
fn known(lang: Lang) -> Result<BTreeMap<String, layout::Layout>> {
    let mut layouts = layout::shipped()?;
    for source in catalog::added_sources() {
        let path = source.path().display().to_string();
        let one = layout::of_source(source).with_context(|| lang.with("cannot-read", &[("path", &path)]))?;
        layouts.insert(one.id.clone(), one);
    }
    Ok(layouts)
}

/// What became of a field and what becomes of it, and where it goes.
fn moved(key: &str, change: &Change, lang: Lang) -> String {
    let action = |action: Option<Action>| action.map_or_else(|| "-".to_owned(), |action| word(&action));
    let (before, after) = (action(change.before), action(change.after));
    let to = if change.to.is_empty() { "-".to_owned() } else { change.to.join(", ") };
    let words = [
        ("record", change.record.as_str()),
        ("field", &change.field),
        ("ja", &change.ja),
        ("before", &before),
        ("after", &after),
        ("to", &to),
    ];
    lang.with(key, &words)
}

fn place(place: &Place) -> String {
    match place {
        Place::At(from, to) if from == to => from.to_string(),
        Place::At(from, to) => format!("{from}-{to}"),
        Place::Header(name) | Place::Path(name) => name.clone(),
    }
}

/// The word that a layout's file has for it.
fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        Ok(other) => other.to_string().replace(['{', '}', '"'], ""),
        Err(_) => String::new(),
    }
}

fn language(lang: Lang) -> Language {
    match lang {
        Lang::En => Language::En,
        Lang::Ja => Language::Ja,
    }
}
