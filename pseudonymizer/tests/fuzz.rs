//! A short run of the fuzz targets on the stable compiler: every seed, and mutations of each from fixed random numbers. An input
//! that once failed is kept in `fuzz/corpus/<target>`.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test ends at the first thing that goes wrong")]

use std::fs;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use pseudonymizer::fuzz::{TARGETS, add_flat, read};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// Mutations of each seed. A seed is at most some kilobytes, so a reader takes a second or two.
const MUTATIONS: u32 = 150;
/// No input of this size may take a reader longer.
const SLOW: Duration = Duration::from_secs(20);

/// Fixed random numbers (`SplitMix64`, Steele and others, OOPSLA 2014).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((mixed ^ (mixed >> 31)) % u64::try_from(bound.max(1)).unwrap()).unwrap()
    }
}

/// Pieces that formats give a meaning to.
const WORDS: [&[u8]; 20] = [
    b",",
    b"\t",
    b"\"",
    b"\r\n",
    b"\n",
    b"\x1a",
    b"\0",
    b"\xff",
    b"\x81",
    b"0000000000",
    b"99999999",
    b"19581332",
    b"RE,",
    b"<",
    b"&a;",
    b"{\"a\":",
    b"[[[[[[",
    b"\\u0000",
    b"-9223372036854775809",
    b"\xEF\xBB\xBF",
];

fn mutate(seed: &[u8], numbers: &mut Numbers) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..=numbers.below(6) {
        let at = numbers.below(bytes.len() + 1);
        let to = (at + numbers.below(60)).min(bytes.len());
        match numbers.below(7) {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(at..to)),
            2 => drop(bytes.splice(at..at, WORDS[numbers.below(WORDS.len())].iter().copied())),
            3 => {
                let piece = bytes[at..to].to_vec();
                let times = numbers.below(40);
                drop(bytes.splice(at..at, piece.repeat(times)));
            }
            4 => bytes[at..to].reverse(),
            _ => {
                let byte = u8::try_from(numbers.below(256)).unwrap();
                bytes[at..to].iter_mut().take(3).for_each(|old| *old = byte);
            }
        }
    }
    bytes
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn files(folder: &Path) -> Vec<Vec<u8>> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().filter(|path| path.is_file()).map(|path| fs::read(path).unwrap()).collect()
}

/// Seeds of a target: the fixtures of its kind, and what its corpus keeps.
fn seeds(target: &str) -> Vec<Vec<u8>> {
    let fixture = |name: &str| fs::read(root().join("pseudonymizer/tests/fixtures").join(name)).unwrap();
    let mut seeds = files(&root().join("fuzz/corpus").join(target));
    let names: &[&str] = match target {
        "certification" => &["nintei_head18.csv"],
        "dpc_d" => &["Dn_131234566_2208.txt"],
        "dpc_ef" => &["EFn_131234566_2208.txt"],
        "dpc_form1" => &["FF1_131234566_2208.txt"],
        "dpc_h" => &["Hn_131234566_2208.txt"],
        "fhir" => &["fhir-referral-example.json"],
        "life" => &["FORM_0900_2021_1.csv", "SERVICE_USER_INFO_1.csv"],
        "ltc" => &["i2208a.csv"],
        "uke" => &["RECEIPTC_202207.UKE", "RECEIPTD_202208.UKE", "RECEIPTS_202207.UKE", "RECEIPTY_202207.UKE"],
        _ => &[],
    };
    seeds.extend(names.iter().map(|name| fixture(name)));
    match target {
        "layout" => {
            seeds.extend(files(&root().join("pseudonymizer/layouts")).into_iter().filter(|text| text.len() < 20_000));
        }
        "checkup_zip" => seeds.push(archive(&files(&root().join("fuzz/corpus/checkup_xml")))),
        "dpc_k" => seeds.push(b"131234566\t202208\t0000001001\tabc\r\n".to_vec()),
        _ => {}
    }
    seeds
}

fn archive(documents: &[Vec<u8>]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (number, document) in documents.iter().enumerate() {
        zip.start_file(format!("a/DATA/h{number}.xml"), SimpleFileOptions::default()).unwrap();
        zip.write_all(document).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn no_input_panics_hangs_or_ends_a_run_but_for_a_leak() {
    let registry = root().join("examples/sources/registry.toml");
    catalog::install(vec![catalog::AddedSource::read(&registry).unwrap()]).unwrap();
    assert_eq!(add_flat(&registry).as_deref(), Some("registry"));
    let folder = tempfile::tempdir().unwrap();
    let mut numbers = Numbers(20_260_701);
    for target in TARGETS {
        let seeds = seeds(target);
        assert!(!seeds.is_empty(), "{target}");
        let mut read_well = 0;
        for seed in &seeds {
            let mutations = (0..MUTATIONS).map(|_| mutate(seed, &mut numbers)).collect::<Vec<_>>();
            for (number, bytes) in std::iter::once(seed).chain(&mutations).enumerate() {
                let since = Instant::now();
                match read(target, bytes, folder.path()) {
                    Some(Ok(report)) if number == 0 => read_well += report.records.saturating_sub(report.quarantined),
                    Some(Ok(_)) => {}
                    Some(Err(fault)) => assert_eq!(fault.code(), "pseudonymize/leak", "{target} {number}: {fault}"),
                    None => assert_eq!(target, "layout"),
                }
                assert!(since.elapsed() < SLOW, "{target} {number}");
            }
        }
        assert!(read_well > 0 || target == "layout", "{target}: no seed is of its kind");
    }
}
