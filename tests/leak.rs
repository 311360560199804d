//! No identifier outside the holder and truth folders: every file raw, Parquet decrypted, logs, pages.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use aho_corasick::{AhoCorasick, MatchKind};
use arrow::array::{Array as _, AsArray as _, RecordBatch};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use parquet::arrow::arrow_reader::ArrowReaderOptions;

use crate::plain::{self, read};
use crate::world::{World, path};

/// Identifier texts, each with what it is; never printed, a failure names the kind and the file.
struct Wanted {
    texts: Vec<Vec<u8>>,
    kinds: Vec<&'static str>,
    matcher: AhoCorasick,
}

#[test]
fn no_identifier_leaves_the_holder_zone() {
    let world = World::start();
    exercise(&world);
    let wanted = Wanted::of_truth(&world.folder.path().join("truth"));
    assert!(wanted.texts.len() > 10_000, "only {} identifiers to look for", wanted.texts.len());
    let mut found = Vec::new();
    for file in files_outside(world.folder.path()) {
        let bytes = fs::read(&file).unwrap();
        found.extend(wanted.hits(&bytes).map(|kind| format!("{kind} in {}", file.display())));
    }
    for (table, text) in decrypted(world.folder.path()) {
        found.extend(wanted.hits(text.as_bytes()).map(|kind| format!("{kind} in decrypted {table}")));
    }
    found.extend(wanted.hits(world.log().as_bytes()).map(|kind| format!("{kind} in the log")));
    found.extend(wanted.hits(pages(&world).as_bytes()).map(|kind| format!("{kind} on a page")));
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn the_search_finds_what_is_planted() {
    let world = World::start();
    let wanted = Wanted::of_truth(&world.folder.path().join("truth"));
    for kind in ["kanji name", "kana name", "insurance", "chart number", "birth date", "canary"] {
        let at = wanted.kinds.iter().position(|it| *it == kind).unwrap_or_else(|| panic!("no {kind} in the truth"));
        let planted = world.folder.path().join("portal/planted.bin");
        fs::write(&planted, [b"before ", wanted.texts[at].as_slice(), b" after"].concat()).unwrap();
        let files = files_outside(world.folder.path());
        assert!(files.contains(&planted), "the search does not reach {}", planted.display());
        assert!(wanted.hits(&fs::read(&planted).unwrap()).next().is_some(), "a planted {kind} is not found");
    }
    let dumped: usize = decrypted(world.folder.path()).iter().map(|(_, text)| text.len()).sum();
    assert!(dumped > 1_000_000, "only {dumped} characters of decrypted Parquet");
}

/// Queries that fail in all the ways a query can, so that their traces are there to be searched.
fn exercise(world: &World) {
    let canaries = fs::read_to_string(world.folder.path().join("truth/canaries.tsv")).unwrap();
    let canary = canaries.lines().nth(1).unwrap().split('\t').nth(2).unwrap().to_owned();
    for sql in [
        "SELECT sex, count(*) FROM ndb.claims GROUP BY sex".to_owned(),
        "SELECT * FROM ndb.claims".to_owned(),
        "SELECT count(*) FROM ndb.diagnoses WHERE CAST(icd10 AS int) = 1".to_owned(),
        "SELECT sum(points / (age - age)) FROM ndb.claims".to_owned(),
        "SELECT count(*) FROM nowhere".to_owned(),
    ] {
        let (_, json) = world.sql_as("researcher", &sql);
        assert!(!json.to_string().contains(&canary));
    }
}

impl Wanted {
    fn of_truth(truth: &Path) -> Self {
        let clinical = clinical_dates(truth);
        let mut pairs: BTreeSet<(Vec<u8>, &'static str)> = BTreeSet::new();
        let mut add = |text: &str, kind: &'static str| {
            pairs.insert((text.as_bytes().to_vec(), kind));
            let (sjis, _, bad) = encoding_rs::SHIFT_JIS.encode(text);
            if !bad && !text.is_ascii() {
                pairs.insert((sjis.into_owned(), kind));
            }
        };
        for batch in read(&truth.join("identities.parquet"), ArrowReaderOptions::new()) {
            for row in 0..batch.num_rows() {
                let cell = |name: &str| {
                    let column = batch.column_by_name(name)?.as_string_opt::<i32>()?;
                    (!column.is_null(row)).then(|| column.value(row).to_owned()).filter(|text| !text.is_empty())
                };
                identifiers_of(&cell, &clinical, &mut add);
            }
        }
        for line in fs::read_to_string(truth.join("canaries.tsv")).unwrap().lines().skip(1) {
            let mut parts = line.split('\t').skip(1);
            let (kind, text) = (parts.next().unwrap(), parts.next().unwrap());
            if kind != "birth_date" && text.chars().count() >= 4 {
                add(text, "canary");
            }
        }
        let (texts, kinds): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
        let matcher = AhoCorasick::builder().match_kind(MatchKind::Standard).build(&texts).unwrap();
        Self { texts, kinds, matcher }
    }

    /// Kinds of identifiers in `bytes`; numbers count only where no other digit stands beside them.
    fn hits<'a>(&'a self, bytes: &'a [u8]) -> impl Iterator<Item = &'static str> + 'a {
        self.matcher.find_overlapping_iter(bytes).filter_map(move |hit| {
            let text = &self.texts[hit.pattern().as_usize()];
            let letter = |at: Option<&u8>| at.is_some_and(u8::is_ascii_alphanumeric);
            let beside =
                letter(hit.start().checked_sub(1).and_then(|at| bytes.get(at))) || letter(bytes.get(hit.end()));
            (!(text.is_ascii() && beside)).then(|| self.kinds[hit.pattern().as_usize()])
        })
    }
}

fn identifiers_of(
    cell: &dyn Fn(&str) -> Option<String>,
    clinical: &BTreeSet<String>,
    add: &mut dyn FnMut(&str, &'static str),
) {
    for (column, kind) in [("kanji", "kanji name"), ("kana", "kana name")] {
        let Some(name) = cell(column) else { continue };
        // Written forms: as stated, without the space, with an ordinary space.
        let bare: String = name.chars().filter(|c| !c.is_whitespace()).collect();
        if bare.chars().count() >= 3 {
            for form in [name.clone(), bare, name.replace('\u{3000}', " ")] {
                add(&form, kind);
            }
        }
    }
    if let (Some(insurer), Some(number)) = (cell("insurer"), cell("number")) {
        let symbol = cell("symbol").unwrap_or_default();
        for gap in ["", ",", ":", "|", "\t", "\",\""] {
            add(&format!("{insurer}{gap}{symbol}{gap}{number}"), "insurance");
        }
    }
    if let (Some(insurer), Some(number)) = (cell("ltc_insurer"), cell("ltc_number")) {
        for gap in ["", ",", ":", "|", "\t", "\",\""] {
            add(&format!("{insurer}{gap}{number}"), "insurance");
        }
    }
    if let Some(chart) = cell("chart").filter(|chart| chart.chars().filter(char::is_ascii_digit).count() >= 7) {
        add(&chart, "chart number");
    }
    if let Some(date) = cell("birth_date").filter(|date| date.len() == 8 && !date.ends_with("01")) {
        let dashed = format!("{}-{}-{}", &date[..4], &date[4..6], &date[6..]);
        // A day on which somebody was treated stands in the data rightly.
        if !clinical.contains(&dashed) {
            add(&date, "birth date");
            add(&dashed, "birth date");
            add(&dashed.replace('-', "/"), "birth date");
        }
    }
}

/// Every day that stands in a clinical column of the truth.
fn clinical_dates(truth: &Path) -> BTreeSet<String> {
    let mut days = BTreeSet::new();
    for schema in ["ndb", "ltc", "dpc", "ehr"] {
        for file in fs::read_dir(truth.join(schema)).unwrap().flatten() {
            for batch in read(&file.path(), ArrowReaderOptions::new()) {
                for column in batch.columns().iter().filter(|column| column.data_type().is_temporal()) {
                    let options = FormatOptions::default();
                    let formatter = ArrayFormatter::try_new(column.as_ref(), &options).unwrap();
                    days.extend(
                        (0..column.len())
                            .filter(|row| column.is_valid(*row))
                            .map(|row| formatter.value(row).to_string()),
                    );
                }
            }
        }
    }
    days
}

fn files_outside(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let inside = [folder.join("holder"), folder.join("truth")];
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(next).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                if !inside.contains(&path) {
                    open.push(path);
                }
            } else {
                found.push(path);
            }
        }
    }
    found
}

/// Every table of every release, decrypted, as text; the one column that may hold birth dates left out.
fn decrypted(folder: &Path) -> Vec<(String, String)> {
    let mut tables: Vec<(String, String)> = Vec::new();
    plain::decrypt(folder, |table, _, batches| {
        let mut text = String::new();
        batches.for_each(|batch| print(&batch, &mut text));
        tables.push((table.to_owned(), text));
    });
    tables
}

fn print(batch: &RecordBatch, text: &mut String) {
    use std::fmt::Write as _;
    let schema = batch.schema();
    for (field, column) in schema.fields().iter().zip(batch.columns()).filter(|(field, _)| field.name() != "birth_date")
    {
        let options = FormatOptions::default();
        let formatter = ArrayFormatter::try_new(column.as_ref(), &options).unwrap();
        writeln!(text, "{}", field.name()).unwrap();
        for row in (0..column.len()).filter(|row| column.is_valid(*row)) {
            writeln!(text, "{}", formatter.value(row)).unwrap();
        }
    }
}

/// Bodies of all pages that anybody can open without signing in.
fn pages(world: &World) -> String {
    let portal = world.address("portal");
    // Fails only if one is installed already.
    let _installed = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut bodies = String::new();
        for place in ["/", "/catalog", "/catalog/ndb", "/catalog.json", "/sign-in", "/no-such-page"] {
            bodies += &reqwest::get(format!("{portal}{place}")).await.unwrap().text().await.unwrap();
        }
        assert!(bodies.contains("合成データ"), "{}", path(world.folder.path()));
        bodies
    })
}
