//! Files of objections, the list of them, and what a run makes of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use arrow::array::{Array as _, AsArray as _};
use catalog::AddedSource;
use policies::Zone;
use policies::keys::SealRecipient;
use proptest::prelude::*;

use super::file::Told;
use super::*;
use crate::job::{Job, Options, PseudonymizeError, pseudonymize};
use crate::layout::accepted;
use crate::report::{Reason, Report};
use crate::seal::BatchReader;
use crate::tokens::{Kind, TokenKeys};

const TARO: &str = "山田　太郎,ヤマダ　タロウ,男,1958/03/14,06131239,123,4567";
const HANAKO: &str = "佐藤　花子,サトウ　ハナコ,女,1971/11/30,39271234,,89";
const HEADER: &str = "氏名,フリガナ,性別,生年月日,保険者番号,記号,番号";

fn keys() -> TokenKeys {
    TokenKeys::derive(&SecretBytes::from_slice(&[7; 32]).unwrap())
}

fn told(bytes: &[u8], issuer: Option<&str>) -> Result<Told, OptOutError> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("objections.csv");
    policies::durable::replace(&path, bytes).unwrap();
    file::read(&path, issuer, &keys())
}

fn persons(text: &str) -> Vec<Tokens> {
    told(text.as_bytes(), None).unwrap().persons
}

fn kinds(tokens: &Tokens) -> Vec<&'static str> {
    each(tokens).map(|(kind, _)| Kind::AT_REST[usize::from(kind)].name()).collect()
}

#[test]
fn a_file_says_the_same_in_every_form() {
    let plain = persons(&format!("{HEADER}\n{TARO}\n{HANAKO}\n"));
    assert_eq!(kinds(&plain[0]), ["a2", "a3", "b1", "b2", "b3"]);
    assert_eq!(kinds(&plain[1]), ["b1", "b2", "b3", "c2"], "no symbol, and the late elderly's number");
    let dressed =
        format!("\u{FEFF}{HEADER}\r\n\"山田 太郎\",ﾔﾏﾀﾞ ﾀﾛｳ,1,3330314,6131239,１２３,4567\r\n\r\n{HANAKO}\r\n");
    assert_eq!(persons(&dressed), plain);
    let (sjis, _, lost) = encoding_rs::SHIFT_JIS.encode(dressed.trim_start_matches('\u{FEFF}'));
    assert!(!lost);
    assert_eq!(told(&sjis, None).unwrap().persons, plain);
    let turned = "番 号,ﾌﾘｶﾞﾅ,被保険者証記号,保険者番号,生年月日,性別,氏名,郵便番号\n4567,ヤマダ タロウ,123,06131239,1958-03-14,男,山田太郎,1001111\n";
    assert_eq!(persons(turned), plain[..1]);
}

#[test]
fn who_cannot_be_found_is_told_and_not_passed_over() {
    let fault = |text: &str| told(text.as_bytes(), None).err().unwrap();
    assert!(matches!(fault("氏名,生年月日,姓別\n"), OptOutError::Header { column: 3, .. }));
    assert!(matches!(fault("氏名,氏名\n"), OptOutError::Header { column: 2, .. }));
    assert!(matches!(fault("記号,被保険者証記号\n"), OptOutError::Header { column: 2, .. }));
    assert!(matches!(fault(""), OptOutError::Record { record: 1, .. }));
    assert!(matches!(fault("氏名,生年月日\n山田太郎\n"), OptOutError::Record { record: 2, .. }));
    let two = "氏名,生年月日,性別\n山田太郎,1958/03/14,男\n山田太郎,1958/03/14,\n佐藤花子,1971/13/30,女\n";
    assert!(matches!(fault(two), OptOutError::Unnamed { persons: 2, record: 3, .. }));
    let (code, hint) = (fault(two).code(), fault(two).hint());
    assert!(code == "opt-out/unnamed" && hint.contains("docs/opt-out.md"));
    assert!(!format!("{:?} {}", fault(two), fault(two)).contains("山田"));
    assert!(matches!(fault("郵便番号\n1001111\n"), OptOutError::Unnamed { .. }));
    // What cannot be read is counted where the rest is enough.
    let some = told("氏名,生年月日,性別,枝番\n山田太郎,1958/03/14,男,xx\n".as_bytes(), None).unwrap();
    assert_eq!((some.unread, some.persons.len()), (1, 1));
}

#[test]
fn other_numbers_find_a_person_too() {
    let elderly = persons("保険者番号,番号\n39131239,00012345\n");
    assert_eq!(kinds(&elderly[0]), ["c2"]);
    let care = persons("介護保険者番号,介護被保険者番号,生年月日,性別\n131016,0000012345,1940/01/02,女\n");
    assert_eq!(kinds(&care[0]), ["c1"]);
    let chart = persons("患者番号,医療機関コード\n0012,1311234566\n");
    assert_eq!(kinds(&chart[0]), ["d1"]);
    // A source that numbers its persons itself.
    let text = "患者番号\n0012\n".as_bytes();
    assert!(matches!(told(text, None), Err(OptOutError::Unnamed { .. })));
    assert_eq!(kinds(&told(text, Some("source:visits")).unwrap().persons[0]), ["d1"]);
    let sound = persons("氏名,生年月日,性別\nヤマダ タロウ,1958/03/14,男\n");
    assert!(kinds(&sound[0]).contains(&"b1"), "{:?}", kinds(&sound[0]));
}

proptest! {
    #[test]
    fn those_left_out_come_back_as_written(
        all in proptest::collection::vec(proptest::array::uniform10(proptest::option::of(any::<Token>())), 0..5),
    ) {
        let mut bytes = Vec::new();
        for tokens in &all {
            put(tokens, &mut bytes);
        }
        prop_assert_eq!(super::all(&bytes).collect::<Vec<_>>(), all);
    }

    #[test]
    fn no_file_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _told = told(&bytes, None);
        let _all = all(&bytes).count();
    }
}

#[test]
fn a_source_without_a_say_refuses() {
    let dir = tempfile::tempdir().unwrap();
    let keys = KeyFolder::init(&dir.path().join("holder"), Zone::Holder, Timestamp::UNIX_EPOCH).unwrap();
    let file = dir.path().join("none.csv");
    policies::durable::replace(&file, format!("{HEADER}\n{TARO}\n").as_bytes()).unwrap();
    for source in ["ndb", "ltc", "dpc", "ehr"] {
        let source: SourceId = source.parse().unwrap();
        let of = Objections { keys: &keys, source: &source, file: &file, now: Timestamp::UNIX_EPOCH };
        assert_eq!(remove(&of).unwrap(), Change { named: 1, unchanged: 1, ..Change::default() });
        assert!(listed(&keys).unwrap().is_empty(), "taking back begins no list");
        for refused in [add(&of), anew(&of)] {
            let fault = refused.err().unwrap();
            assert_eq!(fault.code(), "opt-out/no-say");
            let sentence = format!("the policy of source {source} is person_say = none");
            assert!(fault.to_string().starts_with(&sentence), "{fault}");
        }
    }
    let source: SourceId = "nobodys".parse().unwrap();
    let of = Objections { keys: &keys, source: &source, file: &file, now: Timestamp::UNIX_EPOCH };
    assert!(matches!(add(&of), Err(OptOutError::Unknown { .. })));
    assert!(listed(&keys).unwrap().is_empty());
}

/// Sources are installed once a process, so the test of that name runs in one of its own. True there.
fn is_alone(name: &str) -> bool {
    let asked: Vec<String> = std::env::args().collect();
    if ["--exact", name].iter().all(|word| asked.iter().any(|asked| asked == word)) {
        return true;
    }
    let run = Command::new(std::env::current_exe().unwrap()).args(["--exact", name]).output().unwrap();
    let told = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success() && told.contains("1 passed"), "{told}");
    false
}

/// A holder of the register of `examples/`, whose persons may object.
struct Holder {
    dir: tempfile::TempDir,
    keys: KeyFolder,
    linkage: KeyFolder,
    source: SourceId,
}

impl Holder {
    fn new() -> Self {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/sources/registry.toml");
        catalog::install(vec![AddedSource::read(&file).unwrap()]).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let make = |name: &str, zone| KeyFolder::init(&dir.path().join(name), zone, Timestamp::UNIX_EPOCH).unwrap();
        let (keys, linkage) = (make("holder", Zone::Holder), make("linkage", Zone::Linkage));
        accepted::accept(catalog::added_source("registry").unwrap(), &keys, Some(&linkage)).unwrap();
        Self { keys, linkage, source: "registry".parse().unwrap(), dir }
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        policies::durable::replace(&path, text.as_bytes()).unwrap();
        path
    }

    fn with<T>(&self, lines: &str, act: impl FnOnce(&Objections<'_>) -> T) -> T {
        let file = self.write("objections.csv", &format!("{HEADER}\n{lines}\n"));
        // The clock stands still: changes have an order all the same.
        act(&Objections { keys: &self.keys, source: &self.source, file: &file, now: Timestamp::UNIX_EPOCH })
    }

    fn batch(&self, name: &str) -> Result<Report, PseudonymizeError> {
        let header = "届出番号,氏名,フリガナ,性別,生年月日,郵便番号,被保険者証記号,被保険者証番号,保険者番号,医療機関コード,診断年月日,発病年月日,類型,疾病コード,転帰,備考";
        let rest = "1311234566,2022/07/05,2022/07/01,N,U071,1,";
        let lines = [
            "1,山田　太郎,ヤマダ　タロウ,男,1958/03/14,1001111,123,4567,06131239",
            "2,,,男,1958/03/14,1001111,123,4567,06131239",
            "3,佐藤　花子,サトウ　ハナコ,女,1971/11/30,5300001,77,89,06131239",
            "4,鈴木　次郎,スズキ　ジロウ,男,1980/01/01,5300001,5,6,06131239",
        ];
        let lines: Vec<String> = lines.iter().map(|line| format!("{line},{rest}")).collect();
        let file = self.dir.path().join("cases.csv");
        if !file.exists() {
            self.write("cases.csv", &format!("{header}\n{}\n", lines.join("\n")));
        }
        let to = |keys: &KeyFolder| -> SealRecipient { keys.recipient().unwrap() };
        let job = Job {
            source: self.source.clone(),
            keys: &self.keys,
            link_to: to(&self.linkage),
            release_to: to(&self.linkage),
            out: self.dir.path().join(name),
            files: vec![file],
            options: Options::default(),
        };
        pseudonymize(&job, Timestamp::UNIX_EPOCH, &mut |_| true)
    }

    /// Rows of the file for the linkage zone: how many tokens each has.
    fn said(&self, name: &str) -> Vec<usize> {
        let path = self.dir.path().join(name).join("tokens/absent.arrow.age");
        let batches = BatchReader::open(&path, &self.linkage.seal().unwrap()).unwrap();
        batches
            .flat_map(|batch| {
                let batch = batch.unwrap();
                let there = |row: usize| {
                    batch.columns().iter().filter(|column| !column.as_fixed_size_binary().is_null(row)).count()
                };
                (0..batch.num_rows()).map(there).collect::<Vec<_>>()
            })
            .collect()
    }
}

#[test]
fn a_list_counts_persons_once_and_forgets_who_takes_it_back() {
    if !is_alone("absent::tests::a_list_counts_persons_once_and_forgets_who_takes_it_back") {
        return;
    }
    let holder = Holder::new();
    let short = "山田太郎,,男,1958/03/14,,,";
    let added = |lines: &str| holder.with(lines, add).unwrap();
    let removed = |lines: &str| holder.with(lines, remove).unwrap();
    let counts = |change: Change| (change.named, change.changed, change.unchanged, change.persons);
    assert_eq!(counts(added(short)), (1, 1, 0, 1));
    // More about the same person takes its place; the same once more, or less, changes nothing.
    assert_eq!(counts(added(&format!("{TARO}\n{HANAKO}\n{TARO}"))), (3, 2, 1, 2));
    let written = fs::read(holder.keys.path().join("absent/registry.age")).unwrap();
    assert_eq!(counts(added(&format!("{short}\n{HANAKO}"))), (2, 0, 2, 2));
    assert_eq!(fs::read(holder.keys.path().join("absent/registry.age")).unwrap(), written, "nothing was rewritten");
    // Less than was said would fit a namesake.
    assert_eq!(counts(removed(short)), (1, 0, 1, 2));
    assert_eq!(counts(removed(TARO)), (1, 1, 0, 1));
    let [list] = &listed(&holder.keys).unwrap()[..] else { panic!("one list") };
    assert_eq!((list.source.as_str(), list.persons, list.current), ("registry", 1, true));

    // A bad record anywhere changes nothing.
    assert!(holder.with(&format!("{TARO}\nx,,,,,,"), add).is_err());
    assert_eq!(listed(&holder.keys).unwrap()[0].persons, 1);

    // No identifier is kept: the list, opened, has none.
    let path = holder.keys.path().join("absent/registry.age");
    let identity = holder.keys.seal().unwrap();
    let mut opened = Vec::new();
    std::io::Read::read_to_end(&mut crate::seal::open(&path, &identity).unwrap(), &mut opened).unwrap();
    for batch in BatchReader::open(&path, &identity).unwrap() {
        let text = arrow::util::pretty::pretty_format_batches(&[batch.unwrap()]).unwrap();
        opened.extend(text.to_string().into_bytes());
    }
    for identifier in ["佐藤", "サトウ", "1971", "39271234"] {
        assert!(memchr::memmem::find(&opened, identifier.as_bytes()).is_none(), "{identifier}");
    }

    // Tokens of another epoch would find nobody: everything stops until the whole list is given again.
    holder.keys.replace_bytes("epoch", &SecretBytes::generate()).unwrap();
    assert!(matches!(holder.with(TARO, add), Err(OptOutError::Stale { .. })));
    assert!(matches!(holder.batch("stale"), Err(PseudonymizeError::OptOut(OptOutError::Stale { .. }))));
    assert!(!holder.dir.path().join("stale").exists() && !listed(&holder.keys).unwrap()[0].current);
    assert_eq!(holder.with(HANAKO, anew).unwrap().persons, 1);
    assert!(holder.batch("anew").is_ok());
}

#[test]
fn a_run_leaves_out_who_objects_and_tells_the_linkage_zone() {
    if !is_alone("absent::tests::a_run_leaves_out_who_objects_and_tells_the_linkage_zone") {
        return;
    }
    let holder = Holder::new();
    let all = holder.batch("before").unwrap();
    assert_eq!((all.atoms, all.count(Reason::Absent)), (4, 0));
    assert!(!holder.dir.path().join("before/tokens/absent.arrow.age").exists());

    // By name alone: the notification without a name is not found here, but the card that the other one carries is told.
    holder.with("山田太郎,,男,1958/03/14,,,", add).unwrap();
    assert!(
        matches!(holder.batch("before"), Err(PseudonymizeError::Exists { .. })),
        "another list makes another batch"
    );
    let some = holder.batch("after").unwrap();
    assert_eq!((some.atoms, some.count(Reason::Absent), some.tables["registry.cases"]), (3, 1, 3));
    assert!(some.files[0].reasons["person/absent"] == 1 && some.files[0].quarantined == 0);
    let mut said = holder.said("after");
    said.sort_unstable();
    assert_eq!(said, [1, 5], "b2 of the list; a2, a3, b1, b2 and b3 of the record");
    let manifest = fs::read_to_string(holder.dir.path().join("after/batch.json")).unwrap();
    assert!(manifest.contains("\"absent\": 1") && manifest.contains("tokens/absent.arrow.age"), "{manifest}");
    assert!(holder.batch("after").unwrap().unchanged);

    // By card: both.
    holder.with(TARO, add).unwrap();
    let rest = holder.batch("card").unwrap();
    assert_eq!((rest.atoms, rest.count(Reason::Absent)), (2, 2));
    holder.with(TARO, remove).unwrap();
    let back = holder.batch("back").unwrap();
    assert_eq!((back.atoms, back.count(Reason::Absent)), (4, 0));
    assert!(holder.said("back").is_empty(), "an empty list tells that objections were taken back");
}
