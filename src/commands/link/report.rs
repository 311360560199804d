//! `sudare link report`, `sudare link diff`: counts of a run as tables, for the zone or as they may leave it.

use anyhow::Result;
use policies::Zone;
use policies::keys::KeyFolder;
use pseudonymizer::link::{self, LinkReport};
use serde_json::Value;

use crate::cli;
use crate::lang::Lang;
use crate::output::{self, Outcome};

pub(super) fn show(arguments: &cli::LinkReport, lang: Lang) -> Result<Outcome> {
    let report = LinkReport::read(&arguments.out)?;
    let shown = if arguments.public { report.public()? } else { serde_json::to_value(&report)? };
    if arguments.json {
        output::json(&shown)?;
        return Ok(Outcome::Done);
    }
    let tables = Tables { shown: &shown, lang };
    output::line(&heading(&report, lang));
    tables.counts("link-totals", &["atoms", "persons", "singles"]);
    tables.sources();
    tables.coverage();
    tables.pairs();
    tables.clusters();
    tables.map("joined_by", "link-token", "link-unions", Some("link-kind"));
    tables.map("vetoes", "link-veto", "link-refused", Some("link-why"));
    tables.map("quarantined", "link-apart", "link-components", Some("link-why"));
    tables.map("hubs", "link-hub", "link-tokens", Some("link-kind"));
    tables.scored();
    tables.map("grey_by_pair", "link-grey-pair", "link-pairs", None);
    tables.map("grey_because", "link-grey-why", "link-pairs", Some("link-why"));
    tables.churn();
    tables.map("absent_by_source", "link-absent-from", "link-persons", None);
    note_public(arguments.public, lang);
    Ok(Outcome::Done)
}

pub(super) fn diff(arguments: &cli::LinkDiff, lang: Lang) -> Result<Outcome> {
    let keys = KeyFolder::open(&arguments.keys, Zone::Linkage)?;
    let diff = serde_json::to_value(link::compare(&keys, &arguments.before, &arguments.now)?)?;
    let shown = if arguments.public { link::veiled(diff) } else { diff };
    if arguments.json {
        output::json(&shown)?;
        return Ok(Outcome::Done);
    }
    let tables = Tables { shown: &shown, lang };
    let sides = ["persons_a", "persons_b", "atoms_both", "atoms_only_a", "atoms_only_b", "atoms_moved"];
    let parts = ["merged_from", "split_into", "regrouped_from", "regrouped_into"];
    tables.counts("link-totals", &[&sides[..], &parts].concat());
    tables.cases();
    note_public(arguments.public, lang);
    Ok(Outcome::Done)
}

/// What whoever ran link should see at once.
pub(super) fn notes(report: &LinkReport, lang: Lang) {
    let listed = |counts: &mut dyn Iterator<Item = (&String, &u64)>| {
        counts.map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", ")
    };
    let skipped = report.held_already.len();
    if skipped > 0 {
        output::note(&lang.with("link-skipped", &[("batches", &skipped.to_string())]));
    }
    if !report.hubs.is_empty() {
        output::note(&lang.with("link-hubs", &[("counts", &listed(&mut report.hubs.iter()))]));
    }
    if !report.quarantined.is_empty() {
        output::note(&lang.with("link-quarantined", &[("counts", &listed(&mut report.quarantined.iter()))]));
    }
    if !report.absent_by_source.is_empty() {
        output::note(&lang.with("link-absent", &[("counts", &listed(&mut report.absent_by_source.iter()))]));
    }
}

fn heading(report: &LinkReport, lang: Lang) -> String {
    let pass = &report.pass;
    let key = if pass.is_full() { "link-full-pass" } else { "link-increment" };
    let digest: String = pass.policy_sha256.chars().take(16).collect();
    let (run, last_full, added) = (pass.run.to_string(), pass.last_full.to_string(), pass.batches_added.len());
    let (added, skipped) = (added.to_string(), report.held_already.len().to_string());
    let words = [("run", &*run), ("last", &*last_full), ("added", &*added), ("skipped", &*skipped)];
    lang.with(key, &[&words[..], &[("policy", &*pass.policy), ("digest", &*digest)]].concat())
}

fn note_public(public: bool, lang: Lang) {
    output::line("");
    output::line(&lang.text(if public { "link-is-public" } else { "link-stays" }));
}

/// A report or comparison in the form in which it is shown: its counts are numbers, or words where few may not be told.
struct Tables<'a> {
    shown: &'a Value,
    lang: Lang,
}

impl Tables<'_> {
    fn print(&self, header: &[&str], rows: &[Vec<String>]) {
        if !rows.is_empty() {
            let header: Vec<String> = header.iter().map(|key| self.lang.text(key)).collect();
            let header: Vec<&str> = header.iter().map(String::as_str).collect();
            output::line("");
            output::line(&output::table(&header, rows));
        }
    }

    /// Single counts, a line each.
    fn counts(&self, header: &str, names: &[&str]) {
        let row =
            |name: &&str| vec![self.lang.text(&format!("link-{}", name.replace('_', "-"))), cell(self.shown, name)];
        self.print(&[header, ""], &names.iter().map(row).collect::<Vec<_>>());
    }

    /// One count for each name. `words`: beginning of the messages that say what a name means.
    fn map(&self, field: &str, header: &str, count: &str, words: Option<&str>) {
        let row = |(name, count): (&String, &Value)| {
            let said = words.map(|words| self.said(words, name));
            [Some(name.clone()), Some(text(count)), said].into_iter().flatten().collect::<Vec<_>>()
        };
        let rows: Vec<Vec<String>> = entries(self.shown, field).map(row).collect();
        let header = if words.is_some() { vec![header, count, "link-meaning"] } else { vec![header, count] };
        self.print(&header, &rows);
    }

    /// What a name of a token kind or a reason means, where there are words for it.
    fn said(&self, words: &str, name: &str) -> String {
        let key = format!("{words}-{}", name.replace('_', "-"));
        let said = self.lang.text(&key);
        if said == key { String::new() } else { said }
    }

    /// Whether every source of a name like `ndb+ltc` handed something over: the four of the catalog are counted even if not.
    fn is_present(&self, sources: &str) -> bool {
        let coverage = self.shown.get("coverage").and_then(Value::as_object);
        sources.split('+').all(|source| coverage.is_none_or(|coverage| coverage.contains_key(source)))
    }

    fn pairs(&self) {
        let present = entries(self.shown, "persons_by_pair").filter(|(pair, _)| self.is_present(pair));
        let rows: Vec<Vec<String>> = present.map(|(pair, persons)| vec![pair.clone(), text(persons)]).collect();
        self.print(&["link-pair", "link-persons"], &rows);
    }

    fn sources(&self) {
        let persons = self.shown.get("persons_by_source").unwrap_or(&Value::Null);
        let row = |(source, atoms): (&String, &Value)| vec![source.clone(), text(atoms), cell(persons, source)];
        let present = entries(self.shown, "atoms_by_source").filter(|(source, _)| self.is_present(source));
        let rows: Vec<Vec<String>> = present.map(row).collect();
        self.print(&["link-source", "link-atoms", "link-persons"], &rows);
    }

    /// A line for each kind of token, a column for each source: how many of its atoms have one, and the share.
    fn coverage(&self) {
        let sources: Vec<(&String, &Value)> = entries(self.shown, "coverage").collect();
        let atoms = self.shown.get("atoms_by_source").unwrap_or(&Value::Null);
        let kinds = sources.first().and_then(|(_, kinds)| kinds.as_object());
        let row = |kind: &String| {
            let counts = sources.iter().map(|(source, kinds)| share(kinds.get(kind), atoms.get(source.as_str())));
            let said = self.said("link-kind", kind);
            [kind.clone()].into_iter().chain(counts).chain([said]).collect::<Vec<_>>()
        };
        let rows: Vec<Vec<String>> = kinds.into_iter().flatten().map(|(kind, _)| row(kind)).collect();
        let names = sources.iter().map(|(source, _)| source.as_str());
        let header: Vec<&str> = ["link-token"].into_iter().chain(names).chain(["link-meaning"]).collect();
        self.print(&header, &rows);
    }

    /// What the scored tier found: counts, estimates of the model, pairs by their probability.
    fn scored(&self) {
        let Some(scored) = self.shown.get("scored").filter(|scored| scored.is_object()) else { return };
        let label = |name: &&str| self.lang.text(&format!("link-score-{name}"));
        let counts = ["candidates", "accepted", "grey"].iter().map(|name| vec![label(name), cell(scored, name)]);
        let share = |name: &&str| {
            let share = scored.get(*name).and_then(Value::as_f64);
            vec![label(name), share.map(|share| format!("{share:.4}")).unwrap_or_default()]
        };
        let shares = ["precision", "recall"].iter().map(share);
        self.print(&["link-scored", ""], &counts.chain(shares).collect::<Vec<_>>());
        let bins = scored.get("calibration").and_then(Value::as_array).into_iter().flatten();
        let end = |bin: &Value, name: &str| bin.get(name).map(ToString::to_string).unwrap_or_default();
        let persons = |bin: &Value| match bin.get("persons") {
            Some(Value::Number(number)) if !number.is_u64() => format!("{:.1}", number.as_f64().unwrap_or_default()),
            other => other.map(text).unwrap_or_default(),
        };
        let row =
            |bin: &Value| vec![format!("{}–{}", end(bin, "from"), end(bin, "to")), cell(bin, "pairs"), persons(bin)];
        self.print(&["link-probability", "link-pairs", "link-one-person"], &bins.map(row).collect::<Vec<_>>());
    }

    fn clusters(&self) {
        let bands = self.shown.get("clusters").and_then(Value::as_array);
        let size = |band: &Value| band.get("size").and_then(Value::as_str).unwrap_or_default().replace('-', "–");
        let row = |band: &Value| vec![size(band), cell(band, "persons")];
        let rows: Vec<Vec<String>> = bands.into_iter().flatten().map(row).collect();
        self.print(&["link-size", "link-persons"], &rows);
    }

    fn churn(&self) {
        let churn = self.shown.get("churn").unwrap_or(&Value::Null);
        let label = |name: &str| self.lang.text(&format!("link-{name}"));
        let mut rows: Vec<Vec<String>> =
            ["born", "merged", "split"].iter().map(|name| vec![label(name), cell(self.shown, name)]).collect();
        rows.extend(["retired", "restored"].iter().map(|name| vec![label(name), cell(churn, name)]));
        rows.push(vec![label("atoms-known"), cell(churn, "atoms_known")]);
        rows.push(vec![label("atoms-moved"), share(churn.get("atoms_moved"), churn.get("atoms_known"))]);
        self.print(&["link-churn", ""], &rows);
    }

    /// Cases of a comparison: in all, by sources, by number of atoms.
    fn cases(&self) {
        const KINDS: [&str; 6] = ["unchanged", "merged", "split", "regrouped", "born", "retired"];
        let header = |first: &'static str| {
            let kinds = ["link-unchanged", "link-merged", "link-split", "link-regrouped", "link-born", "link-gone"];
            [first].into_iter().chain(kinds).collect::<Vec<_>>()
        };
        let row = |name: &str, counts: &Value| {
            [name.to_owned()].into_iter().chain(KINDS.iter().map(|kind| cell(counts, kind))).collect::<Vec<_>>()
        };
        let all = self.shown.get("cases").map(|cases| row(&self.lang.text("link-all"), cases));
        self.print(&header("link-cases"), &all.into_iter().collect::<Vec<_>>());
        let pairs: Vec<Vec<String>> = entries(self.shown, "by_pair").map(|(pair, counts)| row(pair, counts)).collect();
        self.print(&header("link-pair"), &pairs);
        let sizes = self.shown.get("by_size").and_then(Value::as_array).into_iter().flatten();
        let sizes = sizes.filter_map(|size| Some((size.get(0)?.as_str()?, size.get(1)?)));
        let sizes: Vec<Vec<String>> = sizes.map(|(size, counts)| row(&size.replace('-', "–"), counts)).collect();
        self.print(&header("link-size"), &sizes);
    }
}

fn entries<'a>(shown: &'a Value, field: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    shown.get(field).and_then(Value::as_object).into_iter().flatten()
}

fn cell(of: &Value, name: &str) -> String {
    of.get(name).map(text).unwrap_or_default()
}

/// A count, its thousands apart, or the word that stands for few.
fn text(count: &Value) -> String {
    let Some(number) = count.as_u64() else { return count.as_str().unwrap_or_default().to_owned() };
    let digits = number.to_string();
    let (mut parts, mut rest) = (Vec::new(), digits.as_str());
    while let Some((head, tail)) =
        rest.split_at_checked(rest.len().saturating_sub(3)).filter(|(head, _)| !head.is_empty())
    {
        parts.push(tail);
        rest = head;
    }
    parts.push(rest);
    parts.reverse();
    parts.join(",")
}

/// A count with its share of another, where both are told.
fn share(part: Option<&Value>, whole: Option<&Value>) -> String {
    let said = part.map(text).unwrap_or_default();
    match (part.and_then(Value::as_u64), whole.and_then(Value::as_u64)) {
        (Some(part), Some(whole)) if whole > 0 => {
            // In thousandths, rounded half up.
            let thousandths = (u128::from(part) * 2000 + u128::from(whole)) / (u128::from(whole) * 2);
            format!("{said} ({}.{} %)", thousandths / 10, thousandths % 10)
        }
        _ => said,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn counts_are_read_at_a_glance() {
        let shown = [0, 7, 999, 1000, 12_345, 1_234_567].map(|count: u64| text(&json!(count)));
        assert_eq!(shown, ["0", "7", "999", "1,000", "12,345", "1,234,567"]);
        assert_eq!(text(&json!("<10")), "<10");
        assert_eq!(share(Some(&json!(1)), Some(&json!(3))), "1 (33.3 %)");
        assert_eq!(share(Some(&json!(999_999)), Some(&json!(1_000_000))), "999,999 (100.0 %)");
        assert_eq!(share(Some(&json!("<10")), Some(&json!(20))), "<10");
        assert_eq!(share(Some(&json!(0)), Some(&json!(0))), "0");
    }

    #[test]
    fn every_word_of_the_tables_is_there_in_both_languages() {
        let report = serde_json::to_value(LinkReport::default()).unwrap();
        let kinds = ["a1", "a2", "a3", "b1", "b2", "b3", "c1", "c2", "c3", "d1", "answer", "scored"];
        let reasons =
            ["ambiguous", "names_differ", "ltc_lines_overlap", "medical_lines_overlap", "too_many_lines", "weight"];
        for lang in [Lang::En, Lang::Ja] {
            let tables = Tables { shown: &report, lang };
            assert!(kinds.iter().all(|kind| !tables.said("link-kind", kind).is_empty()));
            assert!(reasons.iter().all(|why| !tables.said("link-why", why).is_empty()));
            assert_eq!(tables.said("link-why", "a reason of another version"), "");
        }
    }
}
