//! Sources that a steward adds by a file: checked, accepted by two persons, pseudonymized and linked without code.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Date32Type, Float64Type, Int32Type, UInt64Type};
use jiff::civil::Date;
use policies::Zone;
use policies::keys::KeyFolder;
use pseudonymizer::seal::BatchReader;
use tempfile::TempDir;

use crate::world::{path, python, root, run, text};

/// The register's header line and three notifications of two persons. A remark names one of them.
const CASES: &str = "届出番号,氏名,フリガナ,性別,生年月日,郵便番号,被保険者証記号,被保険者証番号,保険者番号,医療機関コード,診断年月日,発病年月日,類型,疾病コード,転帰,備考\r\n\
K2022000001,山田　太郎,ヤマダ　タロウ,男,1958/03/14,1001111,123,4567,06131239,1311234566,2022/07/05,2022/07/01,N,U071,1,\"本人山田　太郎, 携帯090-0000-0001, \"\"連絡済\"\"\"\r\n\
K2022000002,佐藤　花子,サトウ　ハナコ,女,1971/11/30,5300001,,89,39271234,2719876543,2022/08/09,,2,A162,3,\r\n\
K2022000003,山田　太郎,ヤマダ　タロウ,男,1958/03/14,1001111,123,4567,06131239,1311234566,2022/12/24,24 December,9,TUBERCULOSIS,1,接触者調査中\r\n\
K2022000004,山田　太郎,ヤマダ　タロウ,男\r\n";

fn layout(arguments: &[&str]) -> Output {
    run(&[&["layout", "--lang", "en"], arguments].concat())
}

/// Two persons' keys, a linkage zone and an enclave, and a folder of sources that a test may change.
struct Desk {
    dir: TempDir,
}

impl Desk {
    /// With the sources of `examples/`.
    fn new() -> Self {
        let desk = Self { dir: tempfile::tempdir().unwrap() };
        for zone in ["holder", "linkage"] {
            let made = run(&["keys", "init", "--zone", zone, "--out", path(&desk.at(&format!("{zone}/keys")))]);
            assert!(made.status.success(), "{}", text(&made.stderr));
        }
        KeyFolder::init(&desk.at("enclave/keys"), Zone::Enclave, jiff::Timestamp::UNIX_EPOCH).unwrap();
        fs::create_dir_all(desk.at("sources")).unwrap();
        for name in ["registry.toml", "febrl4.toml"] {
            fs::copy(root().join("examples/sources").join(name), desk.at("sources").join(name)).unwrap();
        }
        // A few lines of a test are bad on purpose.
        desk.edit("registry", "holder_say = \"consent\"", "holder_say = \"consent\"\nmax_quarantine_share = 0.5");
        desk
    }

    fn at(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn source(&self, id: &str) -> PathBuf {
        self.at("sources").join(format!("{id}.toml"))
    }

    /// Changes a source's file.
    fn edit(&self, id: &str, from: &str, to: &str) {
        let file = self.source(id);
        let before = fs::read_to_string(&file).unwrap();
        assert!(before.contains(from), "{from}");
        fs::write(&file, before.replace(from, to)).unwrap();
    }

    fn accept(&self, id: &str, second: bool) -> Output {
        let (file, keys, other) = (self.source(id), self.at("holder/keys"), self.at("linkage/keys"));
        let one = ["accept", path(&file), "--keys", path(&keys)];
        layout(&if second { [one.as_slice(), &["--second", path(&other)]].concat() } else { one.to_vec() })
    }

    fn pseudonymize(&self, id: &str, raw: &Path, out: &str) -> Output {
        let (sources, keys, batch) = (self.at("sources"), self.at("holder/keys"), self.at(out));
        let (link, release) = (self.at("linkage/keys/public"), self.at("enclave/keys/public"));
        let what = ["pseudonymize", "--lang", "en", "--source", id, "--sources", path(&sources), "--keys", path(&keys)];
        let to = ["--link-to", path(&link), "--release-to", path(&release), "--out", path(&batch), path(raw)];
        run(&[what.as_slice(), &to].concat())
    }

    fn cases(&self) -> PathBuf {
        let file = self.at("cases.csv");
        fs::write(&file, CASES).unwrap();
        file
    }

    /// A file that is sealed to the enclave.
    fn open(&self, file: &Path) -> Vec<RecordBatch> {
        let keys = KeyFolder::open(&self.at("enclave/keys"), Zone::Enclave).unwrap();
        BatchReader::open(file, &keys.seal().unwrap()).unwrap().map(Result::unwrap).collect()
    }

    /// A content table of a batch.
    fn table(&self, batch: &str, table: &str) -> RecordBatch {
        let batches = self.open(&self.at(batch).join("content").join(format!("{table}.arrow.age")));
        arrow::compute::concat_batches(&batches[0].schema(), &batches).unwrap()
    }
}

fn atoms(batch: &RecordBatch) -> Vec<Vec<u8>> {
    let atoms = batch.column_by_name("atom").unwrap().as_fixed_size_binary();
    (0..atoms.len()).map(|row| atoms.value(row).to_vec()).collect()
}

fn texts(table: &RecordBatch, column: &str) -> Vec<String> {
    let column = table.column_by_name(column).unwrap().as_string::<i32>();
    column.iter().map(|cell| cell.unwrap_or("-").to_owned()).collect()
}

fn days(table: &RecordBatch, column: &str) -> Vec<String> {
    let column = table.column_by_name(column).unwrap().as_primitive::<Date32Type>();
    let day = |days| Date::constant(1970, 1, 1).checked_add(jiff::Span::new().days(days)).unwrap().to_string();
    column.iter().map(|cell| cell.map_or_else(|| "-".to_owned(), day)).collect()
}

fn rows(table: &RecordBatch, columns: &[Vec<String>]) -> Vec<String> {
    let mut rows: Vec<String> = (0..table.num_rows())
        .map(|row| columns.iter().map(|column| column[row].clone()).collect::<Vec<_>>().join(" "))
        .collect();
    rows.sort();
    rows
}

/// A sentence on stderr, and the exit code.
fn refused(output: &Output, code: i32, sentence: &str) {
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(said.contains(sentence), "{said}");
    assert_eq!(said.lines().filter(|line| line.starts_with("error")).count(), 1, "{said}");
}

#[test]
fn a_register_is_read_by_its_file_alone() {
    let desk = Desk::new();
    let checked = layout(&["check", path(&desk.source("registry"))]);
    let said = text(&checked.stdout);
    assert!(checked.status.success(), "{}", text(&checked.stderr));
    assert!(
        said.contains("届出: 16 positions, each with one action: 6 kept, 2 generalised, 6 tokenised, 2 dropped"),
        "{said}"
    );
    assert!(said.contains("tokenised: patient_name (氏名), as name as written"), "{said}");
    assert!(said.contains("kept: disease_code (疾病コード), a code -> registry.cases.icd10"), "{said}");
    assert!(said.contains("dropped: notification_number (届出番号), remark (備考) (1 of free text)"), "{said}");

    let accepted = desk.accept("registry", true);
    assert!(accepted.status.success(), "{}", text(&accepted.stderr));
    assert!(
        text(&accepted.stdout)
            .contains("lets through: disease_code (疾病コード) of 届出: - -> keep, into registry.cases.icd10")
    );
    let chain = fs::read_to_string(desk.at("holder/keys/audit.jsonl")).unwrap();
    assert!(chain.contains("layout:accepted") && chain.contains("\"second\""), "{chain}");

    let made = desk.pseudonymize("registry", &desk.cases(), "batch");
    assert!(made.status.success(), "{}", text(&made.stderr));
    let cases = desk.table("batch", "registry.cases");
    let columns = ["facility_code", "category", "icd10", "outcome"].map(|column| texts(&cases, column));
    let dates = ["diagnosed_on", "onset_on"].map(|column| days(&cases, column));
    let known = rows(&cases, &[dates.as_slice(), &columns].concat());
    let written = [
        "2022-07-05 2022-07-01 1311234566 N U071 1",
        "2022-08-09 - 2719876543 2 A162 3",
        "2022-12-24 - 1311234566 - - 1",
    ];
    assert_eq!(known, written);
    let person = desk.table("batch", "person");
    let dates = ["birth_date", "first_seen", "last_seen"].map(|column| days(&person, column));
    let places = ["sex", "municipality"].map(|column| texts(&person, column));
    let known = rows(&person, &[dates.as_slice(), &places].concat());
    assert_eq!(known, ["1958-03-14 2022-07-05 2022-12-24 1 13101", "1971-11-30 2022-08-09 2022-08-09 2 27100"]);
    let report: serde_json::Value = serde_json::from_slice(&fs::read(desk.at("batch/report.json")).unwrap()).unwrap();
    let file = &report["files"][0];
    assert_eq!(file["quarantined"], 1, "{file}");
    assert_eq!((&file["reasons"]["cell/form"], &file["reasons"]["record/form"]), (&3.into(), &1.into()), "{file}");
    let public = fs::read_to_string(desk.at("batch/report.json")).unwrap();
    assert!(!public.contains("山田") && !public.contains("TUBERCULOSIS"));
}

#[test]
fn a_layout_that_is_not_accepted_or_was_changed_is_not_used() {
    let desk = Desk::new();
    let cases = desk.cases();
    refused(&desk.pseudonymize("registry", &cases, "none"), 1, "layout registry is not accepted by this holder");
    refused(&desk.accept("registry", false), 1, "name the second person's keys with --second");
    assert!(!desk.at("holder/keys/accepted").exists());
    let own = desk.at("holder/keys");
    let file = desk.source("registry");
    let twice = layout(&["accept", path(&file), "--keys", path(&own), "--second", path(&own)]);
    refused(&twice, 1, "the second signature must be another person's");
    let enclave = desk.at("enclave/keys");
    let zone = layout(&["accept", path(&file), "--keys", path(&own), "--second", path(&enclave)]);
    refused(&zone, 1, "not of the enclave zone");

    assert!(desk.accept("registry", true).status.success());
    assert!(desk.pseudonymize("registry", &cases, "first").status.success());
    // One byte of a comment is another file.
    desk.edit("registry", "# 自由記載は捨てます", "# 自由記載を捨てます");
    refused(&desk.pseudonymize("registry", &cases, "byte"), 1, "layout registry was changed since it was accepted");
    assert!(!desk.at("byte").exists());
    // It lets nothing more through: the holder's signature is enough.
    assert!(desk.accept("registry", false).status.success());
    assert!(desk.pseudonymize("registry", &cases, "again").status.success());

    fs::remove_file(own.join("accepted/registry.sig")).unwrap();
    refused(&desk.pseudonymize("registry", &cases, "gone"), 1, "layout registry is not accepted by this holder");
    refused(&desk.accept("registry", false), 1, "--second");
}

#[test]
fn a_name_is_never_kept_and_what_would_newly_leave_needs_two_persons() {
    let desk = Desk::new();
    assert!(desk.accept("registry", true).status.success());
    let (old, new) = (desk.at("holder/keys/accepted/registry.toml"), desk.source("registry"));
    let same = layout(&["diff", path(&old), path(&new)]);
    assert!(same.status.success(), "{}", text(&same.stdout));

    // Less than before needs nobody else, and more again than two have seen does.
    let remark = "{ header = \"備考\", name = \"remark\", ja = \"備考\", class = \"free-text\", action = \"drop\" }";
    let kept = "{ header = \"備考\", name = \"remark\", ja = \"備考\", class = \"sensitive\", action = \"keep\", type = \"code\", to = [\"registry.cases.remark\"] }";
    desk.edit("registry", remark, kept);
    refused(&layout(&["check", path(&new)]), 2, "registry.cases has no column remark");
    desk.edit("registry", "  { name = \"outcome\",", "  { name = \"remark\", type = \"text\", class = \"S\", ja = \"備考\", en = \"Remark\" },\n  { name = \"outcome\",");
    let diff = layout(&["diff", path(&old), path(&new)]);
    assert_eq!(diff.status.code(), Some(3), "{}", text(&diff.stderr));
    assert_eq!(text(&diff.stdout), "lets through: remark (備考) of 届出: drop -> keep, into registry.cases.remark\n");
    refused(&desk.accept("registry", false), 1, "remark (備考) into registry.cases.remark");
    assert!(desk.accept("registry", true).status.success());

    let name = "class = \"direct\", action = \"tokenise\", as = [\"kanji\"]";
    desk.edit(
        "registry",
        name,
        "class = \"direct\", action = \"keep\", type = \"code\", as = [\"kanji\"], to = [\"registry.cases.category\"]",
    );
    let told = "field patient_name: a direct identifier never leaves; use `tokenise` or `drop`";
    refused(&layout(&["check", path(&new)]), 2, told);
    refused(&desk.accept("registry", true), 1, told);
    refused(&desk.pseudonymize("registry", &desk.cases(), "kept"), 1, told);
}

#[test]
fn the_same_notification_twice_counts_once() {
    let desk = Desk::new();
    assert!(desk.accept("registry", true).status.success());
    let lines: Vec<&str> = CASES.lines().take(3).collect();
    let raw = desk.at("twice.csv");
    fs::write(&raw, [lines.join("\n"), lines[1].to_owned(), String::new()].join("\n")).unwrap();
    let made = desk.pseudonymize("registry", &raw, "twice");
    assert!(made.status.success(), "{}", text(&made.stderr));
    assert_eq!(desk.table("twice", "registry.cases").num_rows(), 2);
    assert_eq!(desk.table("twice", "person").num_rows(), 2);
}

#[test]
fn layouts_are_listed_and_shown() {
    let sources = root().join("examples/sources");
    let list = run(&["layout", "list", "--sources", path(&sources)]);
    let said = text(&list.stdout);
    assert!(list.status.success() && said.contains("febrl4") && said.contains("registry"), "{said}");
    let show = run(&["layout", "show", "registry", "--sources", path(&sources)]);
    let said = text(&show.stdout);
    assert!(show.status.success() && said.lines().count() == 18, "{said}");
    assert!(
        said.lines().any(|line| line.contains("備考") && line.contains("free-text") && line.contains("drop")),
        "{said}"
    );
    let all = run(&["layout", "check", "--sources", path(&sources), "--lang", "ja"]);
    assert!(all.status.success() && text(&all.stdout).contains("トークン化: 氏名"), "{}", text(&all.stderr));
    for command in ["accept", "check", "diff", "list", "show"] {
        let help = text(&run(&["layout", command, "--help"]).stdout);
        assert!(help.contains("Example:\n  sudare layout "), "{help}");
    }
    refused(&run(&["layout", "show", "nothing", "--lang", "en"]), 2, "there is no layout nothing");
}

#[test]
fn febrl4_is_linked_by_its_file_alone() {
    let desk = Desk::new();
    let raw = desk.at("raw");
    fs::create_dir_all(&raw).unwrap();
    let truth = &python("febrl4.py", &["write", path(&raw)])[0];
    assert_eq!(truth["records"], 10_000, "{truth}");
    // Only here is the truth kept, so that it can be compared; the example drops it.
    let example = "class = \"direct\", action = \"drop\" },\n  # 姓と名は";
    let compared =
        "class = \"technical\", action = \"keep\", type = \"code\", to = [\"febrl4.records.truth\"] },\n  # 姓と名は";
    desk.edit("febrl4", example, compared);
    let column = "  { name = \"truth\", type = \"text\", class = \"T\", ja = \"正解\", en = \"Truth\" },\n";
    desk.edit("febrl4", "  { name = \"state\",", &format!("{column}  {{ name = \"state\","));
    assert!(desk.accept("febrl4", true).status.success());
    for name in ["a", "b"] {
        let made = desk.pseudonymize("febrl4", &raw.join(format!("{name}.csv")), name);
        assert!(made.status.success(), "{}", text(&made.stderr));
    }
    let (linkage, holder) = (desk.at("linkage/keys"), desk.at("holder/keys/public"));
    let trust = ["keys", "trust", "--keys", path(&linkage), "--source", "febrl4", "--holder", path(&holder)];
    assert!(run(&trust).status.success());
    let (crosswalk, a, b) = (desk.at("crosswalk"), desk.at("a/tokens"), desk.at("b/tokens"));
    let link = ["link", "run", "--keys", path(&linkage), "--out", path(&crosswalk), path(&a), path(&b), "--lang", "en"];
    let linked = run(&link);
    assert!(linked.status.success(), "{}", text(&linked.stderr));

    let persons: HashMap<Vec<u8>, u64> = desk
        .open(&crosswalk.join("crosswalk-000001.arrow.age"))
        .into_iter()
        .flat_map(|batch| {
            let (ids, keys) =
                (atoms(&batch), batch.column_by_name("person_key").unwrap().as_primitive::<UInt64Type>().clone());
            ids.into_iter().zip(keys.values().to_vec())
        })
        .collect();
    let mut clusters: HashMap<u64, Vec<String>> = HashMap::new();
    for batch in ["a", "b"] {
        let records = desk.table(batch, "febrl4.records");
        for (atom, record) in atoms(&records).into_iter().zip(texts(&records, "truth")) {
            let number = record.split('-').nth(1).unwrap().to_owned();
            clusters.entry(persons[&atom]).or_default().push(number);
        }
    }
    let (mut pairs, mut right) = (0_u32, 0_u32);
    for records in clusters.values() {
        for (at, one) in records.iter().enumerate() {
            for other in &records[at + 1..] {
                (pairs, right) = (pairs + 1, right + u32::from(other == one));
            }
        }
    }
    let (precision, recall) = (f64::from(right) / f64::from(pairs), f64::from(right) / 5000.0);
    assert!(precision >= 0.999 && recall >= 0.75, "precision {precision}, recall {recall}");
}

#[test]
fn a_file_without_header_line_in_shift_jis_is_read_by_positions() {
    let desk = Desk::new();
    let file = "[source]\nid = \"visits\"\ntitle_ja = \"来所\"\ntitle_en = \"Visits\"\ndescription_ja = \"来所の記録。\"\n\
        description_en = \"Visits.\"\nperson_say = \"none\"\nholder_say = \"opinion\"\nmax_quarantine_share = 0.5\n\
        [[table]]\nname = \"visits.visits\"\nja = \"一行が一回。\"\nen = \"A row a visit.\"\nsource_ja = \"表\"\nsource_en = \"Table\"\n\
        columns = [\n\
        { name = \"visited_on\", type = \"date\", class = \"S\", ja = \"来所日\", en = \"Day\" },\n\
        { name = \"age\", type = \"int\", class = \"Q\", ja = \"年齢\", en = \"Age\" },\n\
        { name = \"weight\", type = \"double\", class = \"M\", ja = \"体重\", en = \"Weight\" },\n\
        { name = \"smokes\", type = \"bool\", class = \"S\", ja = \"喫煙\", en = \"Smokes\" },\n]\n\
        [layout]\nid = \"visits\"\nsource = \"visits\"\nedition = \"-\"\nversion = \"1\"\nreader = \"delimited\"\ndelimiter = \"tab\"\n\
        [[record]]\nja = \"来所\"\ntable = \"visits.visits\"\nwidth = 8\nfields = [\n\
        { at = 1, name = \"number\", ja = \"番号\", class = \"direct\", action = \"tokenise\", as = [\"chart\"] },\n\
        { at = 2, name = \"name\", ja = \"氏名\", class = \"direct\", action = \"tokenise\", as = [\"kanji\", \"kana\"] },\n\
        { at = 3, name = \"birth\", ja = \"生年月日\", class = \"direct\", action = \"generalise\", by = \"age\", as = [\"birth\"], to = [\"visits.visits.age\", \"person.birth_date\", \"person.birth_month\"] },\n\
        { at = 4, name = \"visited_on\", ja = \"来所日\", class = \"sensitive\", action = \"keep\", type = \"date\", to = [\"visits.visits.visited_on\"] },\n\
        { at = 5, name = \"weight\", ja = \"体重\", class = \"measure\", action = \"generalise\", by = { band = 5 }, type = \"decimal\", to = [\"visits.visits.weight\"] },\n\
        { at = 6, name = \"smokes\", ja = \"喫煙\", class = \"sensitive\", action = \"keep\", type = \"flag\", to = [\"visits.visits.smokes\"], values = { \"有\" = \"1\", \"無\" = \"0\" } },\n\
        { at = \"7-8\", name = \"rest\", ja = \"余り\", class = \"free-text\", action = \"drop\" },\n]\n";
    fs::write(desk.source("visits"), file).unwrap();
    let checked = layout(&["check", path(&desk.source("visits"))]);
    assert!(
        text(&checked.stdout)
            .contains("8 positions, each with one action: 2 kept, 2 generalised, 2 tokenised, 2 dropped"),
        "{}",
        text(&checked.stderr)
    );
    assert!(desk.accept("visits", true).status.success());
    let lines = "7\t山田 太郎\t3330314\t5040705\t63.9\t有\t山田\t090-0000-0001\r\n8\tｻﾄｳ ﾊﾅｺ\t19711130\t20221130\t51\t不明\t\t\r\n9\t切れた行\t19711130";
    let (sjis, _, lost) = encoding_rs::SHIFT_JIS.encode(lines);
    assert!(!lost);
    let raw = desk.at("visits.tsv");
    fs::write(&raw, &sjis).unwrap();
    let made = desk.pseudonymize("visits", &raw, "visits");
    assert!(made.status.success(), "{}", text(&made.stderr));
    let visits = desk.table("visits", "visits.visits");
    let age = visits.column_by_name("age").unwrap().as_primitive::<Int32Type>();
    let weight = visits.column_by_name("weight").unwrap().as_primitive::<Float64Type>();
    let smokes = visits.column_by_name("smokes").unwrap().as_boolean();
    let days = days(&visits, "visited_on");
    let mut known: Vec<_> = (0..visits.num_rows())
        .map(|row| {
            (days[row].as_str(), age.value(row), weight.value(row), smokes.is_valid(row).then(|| smokes.value(row)))
        })
        .collect();
    known.sort_by_key(|row| row.0);
    assert_eq!(known, [("2022-07-05", 64, 60.0, Some(true)), ("2022-11-30", 51, 50.0, None)]);
}
