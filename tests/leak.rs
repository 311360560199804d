//! No identifier outside the holder and truth folders: every file raw, Parquet decrypted, logs, pages.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aho_corasick::{AhoCorasick, MatchKind};
use arrow::array::{Array as _, ArrayRef, AsArray as _, BinaryArray, RecordBatch};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use policies::Zone;
use policies::keys::{KeyFolder, SealIdentity};
use pseudonymizer::seal::{self, BatchReader, BatchWriter};

use crate::plain::{self, read};
use crate::world::{PERSONS, World, copy_of, path, prepared, text};

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
    let wanted = Wanted::of_world(world.folder.path());
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
    let wanted = Wanted::of_world(world.folder.path());
    for kind in [
        "kanji name",
        "kana name",
        "insurance",
        "chart number",
        "birth date",
        "canary",
        "notification",
        "number in LIFE",
        "register's kanji name",
        "LIFE's insurance",
    ] {
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

#[test]
fn the_linkage_zone_holds_no_clinical_code() {
    let world = copy_of(&prepared(PERSONS, "none"));
    let codes = Codes::of(&world.path().join("truth"));
    assert!(codes.long.texts.len() > 300 && codes.short.texts.len() > 60, "too few codes to look for");
    let linkage = world.path().join("linkage");
    assert_eq!(codes.hits_in(world.path(), &linkage), Vec::<String>::new());

    // The search finds what it should: in the open, in tokens that hold it, and in the content of the other zone.
    let planted = linkage.join("planted.json");
    for code in ["\"E119\"", "2500015", "２型糖尿病"] {
        fs::write(&planted, code).unwrap();
        assert!(!codes.hits_in(world.path(), &linkage).is_empty(), "{code} is not found");
    }
    fs::remove_file(&planted).unwrap();
    let keys = KeyFolder::open(&linkage.join("keys"), Zone::Linkage).unwrap();
    let column = Arc::new(BinaryArray::from_iter_values([b"\x01\x022500015\xFF"])) as ArrayRef;
    let batch = RecordBatch::try_from_iter([("token", column)]).unwrap();
    let sealed = linkage.join("planted.arrow.age");
    let mut writer = BatchWriter::create(&sealed, &batch.schema(), &keys.recipient().unwrap()).unwrap();
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
    assert_eq!(codes.hits_in(world.path(), &linkage).len(), 1, "a code inside a sealed token is not found");
    let content = decrypted(world.path());
    let diagnoses = content.iter().find(|(table, _)| table == "ndb.diagnoses").unwrap();
    assert!(codes.long.hits(diagnoses.1.as_bytes()).next().is_some());
    assert!(codes.short.hits(diagnoses.1.as_bytes()).next().is_some());
}

/// Codes and names of the catalog's lists, and codes of the truth: long ones, which chance does not make in sealed bytes, and short ones.
struct Codes {
    long: Wanted,
    short: Wanted,
}

impl Codes {
    fn of(truth: &Path) -> Self {
        let (mut long, mut short) = (BTreeSet::new(), BTreeSet::new());
        let mut add = |rows: &RecordBatch, columns: &[&str], kind| {
            for column in columns.iter().filter_map(|name| rows.column_by_name(name)) {
                for text in column.as_string::<i32>().iter().flatten() {
                    let letters = text.chars().count();
                    if (text.is_ascii() && letters >= 7) || (!text.is_ascii() && letters >= 4) {
                        long.insert((text.as_bytes().to_vec(), kind));
                    } else if letters >= 3 && !text.bytes().all(|byte| byte.is_ascii_digit()) {
                        short.insert((text.as_bytes().to_vec(), kind));
                    }
                }
            }
        };
        let lists = [
            ("code.disease", "disease"),
            ("code.icd10_chapter", "disease"),
            ("code.drug", "drug"),
            ("code.procedure", "procedure"),
            ("code.material", "material"),
            ("code.jlac", "test"),
            ("code.dpc", "diagnosis group"),
        ];
        for (list, kind) in lists {
            let rows = catalog::codes::embedded(list).unwrap_or_else(|| panic!("no {list}")).unwrap();
            add(&rows, &["code", "icd10", "icd10_prefix", "yj", "section_no", "name_ja", "generic_ja"], kind);
        }
        let stated = [
            ("ndb/diagnoses", "disease_code", "disease"),
            ("ndb/drugs", "drug_code", "drug"),
            ("ndb/procedures", "procedure_code", "procedure"),
            ("dpc/diagnoses", "icd10", "disease"),
            ("dpc/procedures", "k_code", "procedure"),
            ("ehr/observations", "jlac", "test"),
            ("registry/cases", "icd10", "disease"),
        ];
        for (table, column, kind) in stated {
            for rows in read(&truth.join(format!("{table}.parquet")), ArrowReaderOptions::new()) {
                add(&rows, &[column], kind);
            }
        }
        Self { long: Wanted::of(long), short: Wanted::of(short) }
    }

    /// Every file of a zone, as it lies there and, where it is sealed to the linkage zone or the enclave, opened.
    fn hits_in(&self, world: &Path, zone: &Path) -> Vec<String> {
        let mut found = Vec::new();
        let mut searched = 0;
        for file in files_of(zone) {
            let name = file.display().to_string();
            let bytes = fs::read(&file).unwrap();
            found.extend(self.long.hits(&bytes).map(|kind| format!("{kind} in {name}")));
            if std::str::from_utf8(&bytes).is_ok() {
                found.extend(self.short.hits(&bytes).map(|kind| format!("{kind} in {name}")));
            }
            if name.ends_with(".arrow.age") {
                searched += 1;
                let (texts, raw) = opened(world, &file);
                found.extend(self.long.hits(&raw).map(|kind| format!("{kind} in the bytes of {name}")));
                let both = self.long.hits(texts.as_bytes()).chain(self.short.hits(texts.as_bytes()));
                found.extend(both.map(|kind| format!("{kind} in decrypted {name}")));
            } else if file.extension().is_some_and(|ending| ending == "age") {
                searched += 1;
                let mut raw = Vec::new();
                seal::open(&file, &sealed_to(world, "linkage", Zone::Linkage)).unwrap().read_to_end(&mut raw).unwrap();
                found.extend(self.long.hits(&raw).map(|kind| format!("{kind} in the bytes of {name}")));
            }
        }
        assert!(searched >= 11, "only {searched} sealed files were opened");
        found
    }
}

fn sealed_to(world: &Path, name: &str, zone: Zone) -> SealIdentity {
    KeyFolder::open(&world.join(name).join("keys"), zone).unwrap().seal().unwrap()
}

/// A sealed file's cells as text, and the bytes of its binary cells with a line between.
fn opened(world: &Path, file: &Path) -> (String, Vec<u8>) {
    let reader = BatchReader::open(file, &sealed_to(world, "linkage", Zone::Linkage))
        .or_else(|_| BatchReader::open(file, &sealed_to(world, "enclave", Zone::Enclave)))
        .unwrap_or_else(|_| panic!("{} is sealed to neither zone", file.display()));
    let (mut text, mut raw) = (String::new(), Vec::new());
    for batch in reader.map(Result::unwrap) {
        print(&batch, &mut text);
        for column in batch.columns() {
            let fixed = column.as_fixed_size_binary_opt().into_iter().flatten().flatten();
            let cells = column.as_binary_opt::<i32>().into_iter().flatten().flatten().chain(fixed);
            for cell in cells {
                raw.extend([cell, b"\n"].concat());
            }
        }
    }
    // Nobody has objected in the demo: the list of who stays out is empty.
    let may_be_empty = file.file_name().is_some_and(|name| name == "absent.arrow.age");
    assert!(may_be_empty || !text.is_empty(), "{} is empty", file.display());
    (text, raw)
}

fn files_of(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(next).unwrap().flatten() {
            if entry.path().is_dir() { open.push(entry.path()) } else { found.push(entry.path()) }
        }
    }
    found
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
    fn of_world(world: &Path) -> Self {
        let truth = &world.join("truth");
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
                added_identifiers_of(&cell, &mut add);
            }
        }
        for line in fs::read_to_string(truth.join("canaries.tsv")).unwrap().lines().skip(1) {
            let mut parts = line.split('\t').skip(1);
            let (kind, text) = (parts.next().unwrap(), parts.next().unwrap());
            if kind != "birth_date" && text.chars().count() >= 4 {
                add(text, "canary");
            }
        }
        files_own(&world.join("holder"), &mut add);
        Self::of(pairs)
    }

    fn of(pairs: BTreeSet<(Vec<u8>, &'static str)>) -> Self {
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

/// Those of the register and of LIFE once more under names of their own, so that a test can ask for them.
fn added_identifiers_of(cell: &dyn Fn(&str) -> Option<String>, add: &mut dyn FnMut(&str, &'static str)) {
    let (source, file) = (cell("source").unwrap(), cell("file").unwrap());
    if let Some(name) = cell("kanji").filter(|name| source == "registry" && name.chars().count() >= 4) {
        add(&name, "register's kanji name");
    }
    let life = file.contains("FORM_") || file.contains("SERVICE_USER_INFO");
    if let (Some(insurer), Some(number), true) = (cell("ltc_insurer"), cell("ltc_number"), life) {
        add(&format!("\"{insurer}\",\"{number}\""), "LIFE's insurance");
    }
}

/// Numbers and remarks that the files of the register and of LIFE alone hold.
fn files_own(holder: &Path, add: &mut dyn FnMut(&str, &'static str)) {
    let cases = fs::read_to_string(holder.join("registry/raw/cases.csv")).unwrap();
    for line in cases.lines().skip(1) {
        add(line.split(',').next().unwrap(), "notification");
        let remark = line.split(',').skip(15).collect::<Vec<_>>().join(",");
        if remark.chars().count() >= 6 {
            add(remark.trim_matches('"'), "remark");
        }
    }
    for file in fs::read_dir(holder.join("ltc/raw")).unwrap().flatten() {
        let text = text(&fs::read(file.path()).unwrap());
        let mut lines = text.lines().skip(1);
        let header = lines.next().unwrap_or_default();
        let Some(place) = header.split(',').position(|name| name == "external_system_management_number") else {
            continue;
        };
        for line in lines {
            add(line.split(',').nth(place).unwrap().trim_matches('"'), "number in LIFE");
        }
    }
}

/// Every day that stands in a clinical column of the truth.
fn clinical_dates(truth: &Path) -> BTreeSet<String> {
    let mut days = BTreeSet::new();
    for schema in ["ndb", "ltc", "dpc", "ehr", "registry"] {
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
        for place in [
            "/",
            "/use",
            "/use/decisions",
            "/profiles",
            "/catalog",
            "/catalog/ndb",
            "/catalog/registry",
            "/catalog.json",
            "/sign-in",
            "/no-such-page",
        ] {
            bodies += &reqwest::get(format!("{portal}{place}")).await.unwrap().text().await.unwrap();
        }
        assert!(bodies.contains("合成データ"), "{}", path(world.folder.path()));
        bodies
    })
}
