//! One of forty made-up persons objects to a register: the next release is without that person, files read again stay without, and
//! the objection can be taken back.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use arrow::array::AsArray;
use arrow::datatypes::{Date32Type, UInt64Type};
use policies::Zone;
use policies::keys::KeyFolder;
use tempfile::TempDir;

use crate::plain;
use crate::world::{path, root, run, text};

const HEADER: &str = "届出番号,氏名,フリガナ,性別,生年月日,郵便番号,被保険者証記号,被保険者証番号,保険者番号,医療機関コード,診断年月日,発病年月日,類型,疾病コード,転帰,備考";
const FAMILIES: [(&str, &str); 8] = [
    ("山田", "ヤマダ"),
    ("佐藤", "サトウ"),
    ("鈴木", "スズキ"),
    ("高橋", "タカハシ"),
    ("伊藤", "イトウ"),
    ("渡辺", "ワタナベ"),
    ("中村", "ナカムラ"),
    ("小林", "コバヤシ"),
];
const GIVEN: [(&str, &str); 5] =
    [("一郎", "イチロウ"), ("健二", "ケンジ"), ("誠", "マコト"), ("和夫", "カズオ"), ("進", "ススム")];
const PERSONS: usize = 40;
/// Who objects, by name alone.
const OBJECTOR: usize = 7;

/// A notification: the person's identifiers, and a day that no other notification has.
struct Notified {
    person: usize,
    day: i32,
    named: bool,
}

impl Notified {
    fn line(&self) -> String {
        let person = self.person;
        let ((family, family_kana), (given, given_kana)) = (FAMILIES[person % 8], GIVEN[person / 8]);
        let name = format!("{family}　{given},{family_kana}　{given_kana}");
        let name = if self.named { &*name } else { "," };
        let on = days_after(self.day);
        format!(
            "K{:05},{name},男,19{:02}/03/14,1001111,{},{},06131239,1311234566,{on},,N,U071,1,",
            self.day,
            50 + person % 30,
            100 + person,
            4500 + person
        )
    }
}

/// A day of 2022 by its number.
fn days_after(number: i32) -> String {
    let date = jiff::civil::date(2022, 1, 1).checked_add(jiff::Span::new().days(number)).unwrap();
    date.strftime("%Y/%m/%d").to_string()
}

struct Desk {
    dir: TempDir,
}

/// Runs a command with the example sources; what it said.
fn ok(arguments: &[&str]) -> String {
    let sources = root().join("examples/sources");
    let output = run(&[arguments, &["--sources", path(&sources), "--lang", "en"]].concat());
    let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{arguments:?}: {said}");
    said
}

impl Desk {
    fn new() -> Self {
        let desk = Self { dir: tempfile::tempdir().unwrap() };
        for zone in ["holder", "linkage", "enclave"] {
            ok(&["keys", "init", "--zone", zone, "--out", path(&desk.at(&format!("{zone}/keys")))]);
        }
        let (holder, linkage) = (desk.at("holder/keys"), desk.at("linkage/keys"));
        let layout = root().join("examples/sources/registry.toml");
        ok(&["layout", "accept", path(&layout), "--keys", path(&holder), "--second", path(&linkage)]);
        let public = desk.at("holder/keys/public");
        for zone in ["linkage", "enclave"] {
            let keys = desk.at(&format!("{zone}/keys"));
            ok(&["keys", "trust", "--keys", path(&keys), "--source", "registry", "--holder", path(&public)]);
        }
        desk
    }

    fn at(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, header: &str, lines: &[String]) -> PathBuf {
        let file = self.at(name);
        fs::write(&file, format!("{header}\r\n{}\r\n", lines.join("\r\n"))).unwrap();
        file
    }

    /// What a register's file becomes; how many of its records were left out.
    fn pseudonymize(&self, raw: &str, batch: &str) -> u64 {
        let (keys, out, raw) = (self.at("holder/keys"), self.at(batch), self.at(raw));
        let (link, release) = (self.at("linkage/keys/public"), self.at("enclave/keys/public"));
        let what = ["pseudonymize", "--source", "registry", "--keys", path(&keys), "--link-to", path(&link)];
        ok(&[&what[..], &["--release-to", path(&release), "--out", path(&out), path(&raw)]].concat());
        let report: serde_json::Value = serde_json::from_slice(&fs::read(out.join("report.json")).unwrap()).unwrap();
        report["files"][0]["reasons"]["person/absent"].as_u64().unwrap_or(0)
    }

    /// Links batches and releases their content. What was said.
    fn release(&self, batches: &[&str], version: &str) -> String {
        let (keys, crosswalk) = (self.at("linkage/keys"), self.at("crosswalk"));
        let tokens: Vec<PathBuf> = batches.iter().map(|batch| self.at(batch).join("tokens")).collect();
        let tokens: Vec<&str> = tokens.iter().map(|folder| path(folder)).collect();
        let mut said = ok(&[&["link", "run", "--keys", path(&keys), "--out", path(&crosswalk)], &tokens[..]].concat());
        let (keys, releases) = (self.at("enclave/keys"), self.at("releases"));
        let content: Vec<PathBuf> = batches.iter().map(|batch| self.at(batch).join("content")).collect();
        let content: Vec<&str> = content.iter().map(|folder| path(folder)).collect();
        for dataset in ["registry", "person"] {
            let named = format!("{dataset}/{version}");
            let what = [&["release", "--dataset", &named, "--content"], &content[..]].concat();
            let to = ["--crosswalk", path(&crosswalk), "--keys", path(&keys), "--out", path(&releases)];
            said.push_str(&ok(&[&what[..], &to].concat()));
        }
        said
    }

    /// Person key by the day of each row of a release, and the persons of its table `person.registry`.
    fn rows(&self, version: &str) -> (BTreeMap<String, u64>, BTreeSet<u64>) {
        let keys = KeyFolder::open(&self.at("enclave/keys"), Zone::Enclave).unwrap();
        let (mut rows, mut persons) = (BTreeMap::new(), BTreeSet::new());
        for dataset in ["registry", "person"] {
            let folder = self.at("releases").join(dataset).join(version);
            plain::decrypt_one(&keys, &folder, &mut |table, _, batches| {
                for batch in batches.filter(|_| table != "facility") {
                    let keys = batch.column_by_name("person_key").unwrap().as_primitive::<UInt64Type>().clone();
                    if table == "person.registry" {
                        persons.extend(keys.values());
                        continue;
                    }
                    let days = batch.column_by_name("diagnosed_on").unwrap().as_primitive::<Date32Type>();
                    for (day, key) in days.values().iter().zip(keys.values()) {
                        let first = 18_993; // 2022-01-01
                        assert!(rows.insert(days_after(day - first), *key).is_none());
                    }
                }
            });
        }
        (rows, persons)
    }
}

fn lines(notified: &[Notified]) -> Vec<String> {
    notified.iter().map(Notified::line).collect()
}

/// The days of those whose person it is not.
fn others<'n>(notified: impl Iterator<Item = &'n Notified>) -> BTreeSet<String> {
    notified.filter(|one| one.person != OBJECTOR).map(|one| days_after(one.day)).collect()
}

fn days(rows: &BTreeMap<String, u64>) -> BTreeSet<String> {
    rows.keys().cloned().collect()
}

#[test]
fn who_objects_is_absent_from_the_next_release_and_stays_so() {
    let desk = Desk::new();
    // Each person once, some twice, the objector once more without a name: only the card says who that is.
    let each = (0..PERSONS).map(|person| (person, true));
    let again = [3, OBJECTOR, 11, 25].map(|person| (person, true));
    let all = each.chain(again).chain([(OBJECTOR, false)]).zip(0..);
    let first: Vec<Notified> = all.map(|((person, named), day)| Notified { person, day, named }).collect();
    desk.write("first.csv", HEADER, &lines(&first));
    assert_eq!(desk.pseudonymize("first.csv", "b1"), 0);
    desk.release(&["b1"], "1");
    let (rows, persons) = desk.rows("1");
    assert_eq!((rows.len(), persons.len()), (45, 40));
    let gone = rows[&days_after(7)];
    assert!([41, 44].iter().all(|day| rows[&days_after(*day)] == gone), "three notifications of one person");

    // The objection, twice in the file. Nothing else of the person is known to the holder.
    let (family, given) = (FAMILIES[OBJECTOR % 8], GIVEN[OBJECTOR / 8]);
    let objection = format!("{} {},{} {},1957-03-14,男", family.0, given.0, family.1, given.1);
    let file = desk.write("objections.csv", "氏名,フリガナ,生年月日,性別", &[objection.clone(), objection]);
    let keys = desk.at("holder/keys");
    let opt_out = |act: &str| ok(&["opt-out", act, "--keys", path(&keys), "--source", "registry", path(&file)]);
    let said = opt_out("add");
    assert!(
        said.contains("registry: 2 persons in the file, 1 objections written down, 1 known already; 1 in the list"),
        "{said}"
    );
    let said = ok(&["opt-out", "list", "--keys", path(&keys)]);
    assert!(said.lines().any(|line| line.starts_with("registry  1 ") && line.ends_with("yes")), "{said}");

    // A second batch, of some persons, the objector among them, and the next release.
    let second: Vec<Notified> = (5..12).zip(100..).map(|(person, day)| Notified { person, day, named: true }).collect();
    desk.write("second.csv", HEADER, &lines(&second));
    assert_eq!(desk.pseudonymize("second.csv", "b2"), 1);
    let said = desk.release(&["b1", "b2"], "2");
    assert!(said.contains("persons who stay out: registry 1"), "{said}");
    assert!(said.contains("3 rows left out, because their persons object"), "{said}");
    let (after, persons) = desk.rows("2");
    assert_eq!(days(&after), others(first.iter().chain(&second)), "exactly the objector's rows are missing");
    assert!(persons.len() == 39 && !persons.contains(&gone));
    assert!(rows.iter().filter(|(_, key)| **key != gone).all(|(day, key)| after[day] == *key), "keys stay");
    let events = fs::read_to_string(desk.at("crosswalk/events.jsonl")).unwrap();
    assert_eq!(events.lines().filter(|line| line.contains("\"retired\"") && line.contains("opt-out")).count(), 1);
    // What stood stands.
    assert_eq!(desk.rows("1").0, rows);

    // The same raw file once more: its notification without a name too is found, by the card of one that was left out.
    assert_eq!(desk.pseudonymize("first.csv", "b3"), 2);
    desk.release(&["b3"], "3");
    let (same, persons) = desk.rows("3");
    assert_eq!((days(&same), persons.len()), (others(first.iter()), 39));

    // Taken back: the same person under the same key.
    assert!(opt_out("remove").contains("1 objections taken back"));
    let third: Vec<Notified> =
        [OBJECTOR, 39].into_iter().zip(200..).map(|(person, day)| Notified { person, day, named: true }).collect();
    desk.write("third.csv", HEADER, &lines(&third));
    assert_eq!(desk.pseudonymize("third.csv", "b4"), 0);
    let said = desk.release(&["b1", "b2", "b4"], "4");
    assert!(said.contains("persons who stay out: registry 0") && !said.contains("rows left out"), "{said}");
    let back = desk.rows("4").0;
    let known: BTreeSet<String> = first.iter().chain(&third).map(|one| days_after(one.day)).collect();
    assert_eq!(days(&back), &known | &others(second.iter()), "what the second batch left out is read anew, if wanted");
    assert!([7, 41, 44, 200].iter().all(|day| back[&days_after(*day)] == gone));

    // Whoever reads the chains learns counts.
    let chain = fs::read_to_string(keys.join("audit.jsonl")).unwrap();
    assert!(chain.contains("opt-out:added") && chain.contains("opt-out:removed") && !chain.contains(family.0));
    let folders = ["holder", "linkage", "enclave"].map(|zone| desk.at(zone));
    ok(&[&["audit", "verify"], &folders.each_ref().map(|folder| path(folder))[..]].concat());
}

#[test]
fn a_source_whose_persons_have_no_say_refuses() {
    let desk = Desk::new();
    let file = desk.write("objections.csv", "氏名,生年月日,性別", &["山田 一郎,1950-03-14,男".to_owned()]);
    let keys = desk.at("holder/keys");
    for act in [&["add"][..], &["add", "--anew"]] {
        let what =
            [&["opt-out"], act, &["--keys", path(&keys), "--source", "ndb", path(&file), "--lang", "en"]].concat();
        let refused = run(&what);
        let said = text(&refused.stderr);
        assert_eq!(refused.status.code(), Some(1), "{said}");
        assert!(said.contains("the policy of source ndb is person_say = none"), "{said}");
        assert!(!said.contains("山田"), "{said}");
    }
    assert!(!keys.join("absent").exists());
}
