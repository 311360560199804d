//! Tokens to crosswalk, by seconds and memory: made-up token files of four databases, sealed and signed like holders', through the
//! public [`link::run`]. No person and no name is behind the tokens: link sees random numbers that are equal or not, and so does this.
//!
//! `speed --persons 1000000`: writes the files below `target/bench-data/speed` (about 0.8 GB a million persons; they are removed
//! unless `--keep`), then links them in a process of its own and prints seconds, processor seconds and that process's greatest memory: all
//! from nothing; then, on top of that, a month's batch of one new atom in a hundred, nine of ten of persons who are known; then all of
//! both from nothing, after which it ends with a fault unless the persons of the last two are the same. The process is this executable
//! again, with `speed --child <what> --folder <folder>`.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use arrow::array::{ArrayRef, Date32Array, FixedSizeBinaryBuilder};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::record_batch::RecordBatch;
use jiff::Timestamp;
use jiff::civil::date;
use policies::keys::{KeyFolder, SigningKey};
use policies::{LinkagePolicy, Zone};
use pseudonymizer::link::{self, LinkJob, LinkReport, Persons, Side};
use pseudonymizer::seal::BatchWriter;

/// Measures with the arguments of the command line.
pub(crate) fn run(arguments: &[String]) {
    let option = |name: &str| arguments.iter().position(|it| it == name).and_then(|at| arguments.get(at + 1)).cloned();
    let folder = option("--folder").map_or_else(default_folder, PathBuf::from);
    if let Some(child) = option("--child") {
        match child.as_str() {
            "full" => linked(&folder.join("link"), &folder, &batches(&folder, "batches"), true),
            "later" => linked(&folder.join("link"), &folder, &batches(&folder, "later"), false),
            "again" => {
                let all = [batches(&folder, "batches"), batches(&folder, "later")].concat();
                linked(&folder.join("again"), &folder, &all, true);
            }
            _ => panic!("no such measurement: {child}"),
        }
        return;
    }
    let persons: u64 = option("--persons").map_or(1_000_000, |count| count.replace('_', "").parse().unwrap());
    let began = Instant::now();
    let written = write(&folder, persons);
    println!(
        "{persons} persons, {} atoms, {} MB of token files, written in {:.0} s\n",
        written.atoms,
        written.bytes / 1_000_000,
        began.elapsed().as_secs_f64()
    );
    println!("{:<20} {:>10} {:>9} {:>9} {:>9} {:>9}", "link", "atoms", "persons", "seconds", "cpu s", "peak MB");
    let line = |what: &str, child: &str| {
        let one = Measured::of(&folder, child);
        let Measured { atoms, persons, seconds, processor, peak } = one;
        println!("{what:<20} {atoms:>10} {persons:>9} {seconds:>9.1} {processor:>9.1} {peak:>9.0}");
        one
    };
    line("all, from nothing", "full");
    let later = line("1 % more, on top", "later");
    let again = line("both, from nothing", "again");
    println!(
        "on top: {:.1} % of the seconds, {:.1} % of the processor's; {}",
        100.0 * later.seconds / again.seconds,
        100.0 * later.processor / again.processor,
        same_persons(&folder)
    );
    if !arguments.iter().any(|it| it == "--keep") {
        fs::remove_dir_all(&folder).unwrap();
    }
}

fn default_folder() -> PathBuf {
    std::env::current_exe().unwrap().ancestors().nth(3).unwrap().join("bench-data").join("speed")
}

/// What a process of its own said of itself.
struct Measured {
    atoms: u64,
    persons: u64,
    seconds: f64,
    processor: f64,
    peak: f64,
}

impl Measured {
    fn of(folder: &Path, child: &str) -> Self {
        let run = Command::new(std::env::current_exe().unwrap())
            .args(["speed", "--child", child, "--folder", folder.to_str().unwrap()])
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&run.stdout).into_owned();
        let words: Vec<&str> = text.split_whitespace().collect();
        let [.., atoms, persons, seconds, processor, peak] = words[..] else {
            panic!("{child}: {}", String::from_utf8_lossy(&run.stderr))
        };
        Self {
            atoms: atoms.parse().unwrap(),
            persons: persons.parse().unwrap(),
            seconds: seconds.parse().unwrap(),
            processor: processor.parse().unwrap(),
            peak: peak.parse().unwrap(),
        }
    }
}

/// Whether what grew is what was made at once: the same persons of the same atoms, and the same counts of them.
fn same_persons(folder: &Path) -> String {
    let keys = KeyFolder::open(&folder.join("linkage"), Zone::Linkage).unwrap();
    let [grown, at_once] = ["link", "again"].map(|name| folder.join(name));
    let side = |folder: &Path| Side { folder: folder.to_owned(), run: None };
    let found = link::compare(&keys, &side(&grown), &side(&at_once)).unwrap();
    assert_eq!((found.atoms_only_a, found.atoms_only_b), (0, 0), "atoms of one and not of the other");
    let only_unchanged = Persons { unchanged: found.cases.unchanged, ..Persons::default() };
    assert_eq!(found.cases, only_unchanged, "persons of one and not of the other");
    let [one, other] = [&grown, &at_once].map(|folder| LinkReport::read(folder).unwrap());
    let counts = |of: &LinkReport| (of.persons, of.persons_by_pair.clone(), of.clusters.clone(), of.coverage.clone());
    assert_eq!(counts(&one), counts(&other), "counts");
    format!("{} persons the same, {} atoms", found.cases.unchanged, found.atoms_both)
}

/// Links token files: anew, or on top of what is there.
fn linked(out: &Path, folder: &Path, tokens: &[PathBuf], anew: bool) {
    if anew {
        drop(fs::remove_dir_all(out));
    }
    let keys = KeyFolder::open(&folder.join("linkage"), Zone::Linkage).unwrap();
    let policy = LinkagePolicy::shipped().unwrap();
    let began = Instant::now();
    let report = link::run(&LinkJob::new(&keys, out, tokens, &policy), Timestamp::UNIX_EPOCH, &mut |_| {}).unwrap();
    let seconds = began.elapsed().as_secs_f64();
    println!("{} {} {seconds} {} {}", report.atoms, report.persons, processor_seconds(), peak_megabytes());
}

fn batches(folder: &Path, which: &str) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(folder.join(which)).unwrap().map(|it| it.unwrap().path()).collect();
    found.sort();
    found
}

/// Seconds of processor time of this process, all threads: what it takes where nobody else is at work (proc(5), fields 14 and 15 of
/// `stat`; 100 ticks a second on Linux).
fn processor_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let (_, fields) = stat.rsplit_once(')').unwrap();
    fields.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<f64>().unwrap() / 100.0).sum()
}

/// The greatest resident memory of this process so far (proc(5), `VmHWM`).
fn peak_megabytes() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().trim_end_matches(" kB").trim().parse::<f64>().unwrap() / 1000.0
}

/// The token kinds, in the order of a token file's columns.
const KINDS: [&str; 10] = ["a1", "a2", "a3", "b1", "b2", "b3", "c1", "c2", "c3", "d1"];
const SOURCES: [&str; 4] = ["ndb", "ltc", "dpc", "ehr"];
/// Persons of one batch of a source.
const BATCH_PERSONS: u64 = 500_000;
const ROWS: usize = 8192;

/// The ten years that the databases cover, in months since 2014-01.
const MONTHS: u64 = 120;

#[derive(Default)]
struct Written {
    atoms: u64,
    bytes: u64,
}

impl Written {
    fn and(self, other: Self) -> Self {
        Self { atoms: self.atoms + other.atoms, bytes: self.bytes + other.bytes }
    }
}

/// Writes keys and token files, two sources at a time, and what comes on top of them.
fn write(folder: &Path, persons: u64) -> Written {
    drop(fs::remove_dir_all(folder));
    fs::create_dir_all(folder.join("batches")).unwrap();
    let keys = |zone: Zone| KeyFolder::init(&folder.join(zone.as_str()), zone, Timestamp::UNIX_EPOCH).unwrap();
    let (linkage, enclave) = (keys(Zone::Linkage), keys(Zone::Enclave));
    let holder = SigningKey::generate();
    for source in SOURCES {
        linkage.trust(source, &holder.verifying()).unwrap();
    }
    let zones = Zones { linkage, enclave, holder };
    let write = |sources: &[&str]| {
        let mut written = Written::default();
        for source in sources {
            for first in (0..persons).step_by(usize::try_from(BATCH_PERSONS).unwrap()) {
                let mut rows = Vec::new();
                (first..persons.min(first + BATCH_PERSONS))
                    .for_each(|person| Person::new(person, persons).atoms(source, &mut rows));
                let to = folder.join("batches").join(format!("{source}-{first:09}"));
                written = written.and(write_batch(&to, source, rows, &zones));
            }
        }
        written
    };
    let (one, two) = std::thread::scope(|scope| {
        let one = scope.spawn(|| write(&["ndb"]));
        (write(&["ltc", "dpc", "ehr"]), one.join().unwrap())
    });
    let all = one.and(two);
    let later = write_batch(&folder.join("later").join("ndb-later"), "ndb", later(persons, all.atoms), &zones);
    Written { bytes: all.bytes + later.bytes, ..all }
}

/// One new atom for a hundred known ones: nine of ten of persons who are known, with another spelling of their names.
fn later(persons: u64, atoms: u64) -> Vec<Row> {
    let mut rows = Vec::new();
    for at in 0..atoms / 100 {
        let number = if at % 10 == 0 { persons + at } else { mixed(at, 100) % persons };
        let person = Person::new(number, persons);
        let line = person.lines[person.lines.len() - 1];
        let mut row = person.row((1 << 16) + at, Some((line.1, line.2)));
        person.insured(&mut row, line.0);
        person.named(&mut row, at % 2, person.draw(40, 2) == 0);
        rows.push(row);
    }
    rows
}

/// Who tokens are sealed to and signed by.
struct Zones {
    linkage: KeyFolder,
    enclave: KeyFolder,
    holder: SigningKey,
}

fn write_batch(folder: &Path, source: &str, mut rows: Vec<Row>, zones: &Zones) -> Written {
    let tokens = folder.join("tokens");
    fs::create_dir_all(&tokens).unwrap();
    let file = tokens.join("tokens.arrow.age");
    let told = HashMap::from(
        [
            ("sudare.source", source.to_owned()),
            ("sudare.batch", folder.file_name().unwrap().to_str().unwrap().to_owned()),
            ("sudare.normaliser", pseudonymizer::NORMALISER_VERSION.to_owned()),
            ("sudare.epoch", "speed".to_owned()),
            ("sudare.release_to", zones.enclave.recipient().unwrap().to_string()),
        ]
        .map(|(name, value)| (name.to_owned(), value)),
    );
    let mut fields = vec![Field::new("atom", DataType::FixedSizeBinary(16), false)];
    fields.extend(KINDS.map(|kind| Field::new(kind, DataType::FixedSizeBinary(16), true)));
    fields.extend(["first_month", "last_month"].map(|name| Field::new(name, DataType::Date32, true)));
    let schema = Arc::new(Schema::new(fields).with_metadata(told));
    let mut writer = BatchWriter::create(&file, &schema, &zones.linkage.recipient().unwrap()).unwrap();
    // A holder's atoms stand in the order of their ids: those of one person lie far apart.
    rows.sort_unstable_by_key(|row| row.id);
    for rows in rows.chunks(ROWS) {
        writer.write(&RecordBatch::try_new(Arc::clone(&schema), columns(rows)).unwrap()).unwrap();
    }
    let atoms = rows.len() as u64;
    writer.finish().unwrap();
    let (bytes, digest) = catalog::manifest::digest(&file).unwrap();
    let digest: Vec<u8> =
        (0..digest.len()).step_by(2).map(|at| u8::from_str_radix(&digest[at..at + 2], 16).unwrap()).collect();
    let signature: String = zones.holder.sign(&digest).iter().map(|byte| format!("{byte:02x}")).collect();
    fs::write(tokens.join("tokens.sig"), format!("{signature}\n{}\n", zones.holder.verifying().to_hex())).unwrap();
    Written { atoms, bytes }
}

/// A row of a token file: what stands behind each token as a number, and the months from 2014-01.
struct Row {
    id: u64,
    tokens: [Option<u64>; 10],
    months: Option<(u64, u64)>,
}

fn columns(rows: &[Row]) -> Vec<ArrayRef> {
    let mut ids = FixedSizeBinaryBuilder::with_capacity(rows.len(), 16);
    rows.iter().for_each(|row| ids.append_value(spread(row.id)).unwrap());
    let mut columns: Vec<ArrayRef> = vec![Arc::new(ids.finish())];
    for kind in 0..KINDS.len() {
        let mut tokens = FixedSizeBinaryBuilder::with_capacity(rows.len(), 16);
        for row in rows {
            match row.tokens[kind] {
                Some(value) => tokens.append_value(spread(mixed(value, kind as u64))).unwrap(),
                None => tokens.append_null(),
            }
        }
        columns.push(Arc::new(tokens.finish()));
    }
    let day = |months: u64| {
        let (year, month) = (i16::try_from(2014 + months / 12).unwrap(), i8::try_from(months % 12 + 1).unwrap());
        catalog::codes::days(date(year, month, 1))
    };
    columns.push(Arc::new(rows.iter().map(|row| row.months.map(|it| day(it.0))).collect::<Date32Array>()));
    columns.push(Arc::new(rows.iter().map(|row| row.months.map(|it| day(it.1))).collect::<Date32Array>()));
    columns
}

/// One of the made-up persons. Everything of it is drawn from its number, so that each source says the same of it.
struct Person {
    number: u64,
    /// Whose name it has: namesakes share name, birth date and sex.
    name: u64,
    /// Medical insurer lines one after the other, with their first and last months.
    lines: Vec<(u64, u64, u64)>,
}

/// Of a thousand persons, those who have somebody else's name, birth date and sex.
const NAMESAKES: u64 = 15;
/// One person of so many has a placeholder instead of an insured number or a name: the same for all of them in a thousand.
const PLACEHOLDERS: u64 = 2000;

impl Person {
    fn new(number: u64, persons: u64) -> Self {
        let draw = |what: u64, below: u64| mixed(number, what) % below;
        let name = if draw(1, 1000) < NAMESAKES { draw(2, persons) } else { number };
        let changes = match draw(3, 10) {
            0..4 => 0,
            4..8 => 1,
            _ => 2,
        };
        let mut begins: Vec<u64> = (0..changes).map(|change| 6 + draw(4 + change, MONTHS - 12)).collect();
        begins.sort_unstable();
        begins.insert(0, 0);
        let ends = begins.iter().skip(1).map(|begin| begin.saturating_sub(1)).chain([MONTHS - 1]);
        let lines = (0..).zip(begins.iter().zip(ends)).map(|(line, (begin, end))| (number * 8 + line, *begin, end));
        Self { number, name, lines: lines.collect() }
    }

    fn draw(&self, what: u64, below: u64) -> u64 {
        mixed(self.number, what) % below
    }

    /// Appends the person's atoms in a source.
    fn atoms(&self, source: &str, rows: &mut Vec<Row>) {
        match source {
            "ndb" => self.claims(rows),
            "ltc" if self.draw(20, 100) < 30 => self.care(rows),
            "dpc" => self.stays(rows),
            "ehr" => self.charts(rows),
            _ => {}
        }
    }

    /// NDB: each line, now and then with another spelling of the name; insurers write the name in kana, some in kanji too.
    fn claims(&self, rows: &mut Vec<Row>) {
        for (place, line) in (0..).zip(&self.lines) {
            let spellings = 1 + u64::from(self.draw(30 + place, 100) < 12);
            for spelling in 0..spellings {
                let mut row = self.row(place * 4 + spelling, Some((line.1, line.2)));
                self.insured(&mut row, line.0);
                self.named(&mut row, spelling, self.draw(40, 2) == 0);
                if self.draw(50 + place * 4 + spelling, 100) < 40 {
                    row.tokens[9] = Some(self.chart(self.draw(60, 2)));
                }
                rows.push(row);
            }
        }
    }

    /// LTC: one number, two for some.
    fn care(&self, rows: &mut Vec<Row>) {
        for place in 0..1 + u64::from(self.draw(21, 100) < 15) {
            let begin = 60 * place;
            let mut row = self.row(32 + place, Some((begin, if place == 0 { 59 } else { MONTHS - 1 })));
            row.tokens[6] = Some(self.number * 8 + place);
            self.named(&mut row, 0, true);
            rows.push(row);
        }
    }

    /// DPC: the chart of a hospital, and the insured number of the time.
    fn stays(&self, rows: &mut Vec<Row>) {
        for place in 0..self.draw(70, 2) {
            let line = self.lines[0];
            let mut row = self.row(40 + place, Some((line.1, line.2.min(line.1 + 12))));
            row.tokens[9] = Some(self.chart(place));
            if self.draw(71, 2) == 0 {
                self.insured(&mut row, line.0);
            }
            rows.push(row);
        }
    }

    /// EHR: one chart or two, with the insurance shown there.
    fn charts(&self, rows: &mut Vec<Row>) {
        for place in 0..1 + u64::from(self.draw(80, 100) < 40) {
            let line = self.lines[usize::try_from(self.draw(81 + place, self.lines.len() as u64)).unwrap()];
            let mut row = self.row(48 + place, Some((line.1, line.2)));
            self.insured(&mut row, line.0);
            row.tokens[2] = None;
            self.named(&mut row, u64::from(self.draw(83 + place, 100) < 8), true);
            row.tokens[9] = Some(self.chart(place));
            rows.push(row);
        }
    }

    fn row(&self, atom: u64, months: Option<(u64, u64)>) -> Row {
        Row { id: mixed(self.number, 1 << 32 | atom), tokens: [None; 10], months }
    }

    fn chart(&self, place: u64) -> u64 {
        self.number * 4 + place
    }

    /// a1, a2, a3, and c2 of the late elderly. Twins share a2 and a3; a placeholder is shared by many.
    fn insured(&self, row: &mut Row, line: u64) {
        let twin = if self.draw(90, 200) == 0 { line ^ 8 } else { line };
        let shared = if self.draw(91, PLACEHOLDERS) == 0 { u64::MAX - self.number % 1000 } else { twin };
        row.tokens[0] = Some(line);
        row.tokens[1] = Some(shared);
        row.tokens[2] = Some(shared);
        row.tokens[7] = (self.draw(92, 100) < 15).then_some(self.number);
    }

    /// b1 and b3, and b2 where the name is there in kanji. Another spelling changes b1, seldom b3.
    fn named(&self, row: &mut Row, spelling: u64, kanji: bool) {
        let name = if self.draw(93, PLACEHOLDERS) == 0 { u64::MAX - 7 * (self.number % 100) } else { self.name * 8 };
        row.tokens[3] = Some(name.wrapping_add(spelling));
        row.tokens[4] = kanji.then_some(name);
        row.tokens[5] = Some(if self.draw(94, 4) == 0 { name.wrapping_add(spelling) } else { name });
    }
}

/// A number drawn from two (splitmix64; Steele, Lea and Flood 2014).
fn mixed(a: u64, b: u64) -> u64 {
    let mut z =
        a.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(b.wrapping_mul(0xD1B5_4A32_D192_ED03)).wrapping_add(1);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Sixteen bytes that look random, different for different numbers.
fn spread(number: u64) -> [u8; 16] {
    let (high, low) = (mixed(number, 0xA), mixed(number, 0xB));
    std::array::from_fn(|at| if at < 8 { high.to_be_bytes()[at] } else { low.to_be_bytes()[at - 8] })
}
