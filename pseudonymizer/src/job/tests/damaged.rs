//! Damaged files of receipts: never a panic, and no receipt unaccounted for.

use super::*;

const FILES: [&str; 5] = [
    "RECEIPTC_200910_wareki.UKE",
    "RECEIPTC_202207.UKE",
    "RECEIPTD_202208.UKE",
    "RECEIPTS_202207.UKE",
    "RECEIPTY_202207.UKE",
];

#[derive(Clone, Debug)]
enum Damage {
    Cut(prop::sample::Index),
    Insert(prop::sample::Index, Vec<u8>),
    Put(prop::sample::Index, u8),
    Take(prop::sample::Index, usize),
}

fn damage() -> impl Strategy<Value = Damage> {
    let at = any::<prop::sample::Index>;
    prop_oneof![
        1 => at().prop_map(Damage::Cut),
        3 => (at(), proptest::collection::vec(prop_oneof![Just(b','), Just(b'\n'), any::<u8>()], 1..20))
            .prop_map(|(at, bytes)| Damage::Insert(at, bytes)),
        12 => (at(), prop_oneof![Just(b'R'), Just(b'E'), Just(b','), Just(b'\n'), any::<u8>()])
            .prop_map(|(at, byte)| Damage::Put(at, byte)),
        2 => (at(), 1_usize..40).prop_map(|(at, count)| Damage::Take(at, count)),
    ]
}

fn harm(bytes: &mut Vec<u8>, damage: &Damage) {
    if bytes.is_empty() {
        return;
    }
    match damage {
        Damage::Cut(at) => bytes.truncate(bytes.len() - at.index(bytes.len()) / 4),
        Damage::Insert(at, more) => {
            let at = at.index(bytes.len());
            bytes.splice(at..at, more.iter().copied());
        }
        Damage::Put(at, byte) => {
            let at = at.index(bytes.len());
            bytes[at] = *byte;
        }
        Damage::Take(at, count) => {
            let at = at.index(bytes.len());
            bytes.drain(at..(at + count).min(bytes.len()));
        }
    }
}

/// Lines, receipts, and institutions whose code is none, told in the plainest way.
fn expected(bytes: &[u8]) -> (u64, u64, u64) {
    let (mut lines, mut receipts, mut nowhere) = (0, 0, 0);
    for line in bytes.split(|byte| *byte == b'\n') {
        let line = line.strip_prefix(b"\x1a").unwrap_or(line);
        let end = line.iter().rposition(|byte| !matches!(byte, b'\r' | 0x1a)).map_or(0, |last| last + 1);
        let cells: Vec<&[u8]> = line[..end].split(|byte| *byte == b',').collect();
        lines += u64::from(end > 0);
        receipts += u64::from(end > 0 && cells[0] == b"RE");
        if matches!(cells[0], b"IR" | b"YK") {
            let digits = |at: usize, widths: std::ops::RangeInclusive<usize>| {
                cells.get(at).is_some_and(|cell| widths.contains(&cell.len()) && cell.iter().all(u8::is_ascii_digit))
            };
            let prefecture = digits(2, 2..=2) && (b"01"[..].cmp(cells[2]).is_le() && b"47"[..].cmp(cells[2]).is_ge());
            nowhere += u64::from(!(prefecture && digits(3, 1..=1) && digits(4, 6..=7)));
        }
    }
    (lines, receipts, nowhere)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_receipt_is_lost_uncounted(file in 0..FILES.len(), damages in proptest::collection::vec(damage(), 0..12)) {
        let world = World::new();
        let mut bytes = fs::read(fixture(FILES[file])).unwrap();
        for one in &damages {
            harm(&mut bytes, one);
        }
        let path = world.write("raw", &bytes);
        let report = match ndb::report(&world, &[path], "out") {
            Ok(report) => report,
            Err(fault) => {
                let known = ["pseudonymize/leak", "pseudonymize/nothing", "pseudonymize/quarantine"];
                prop_assert!(known.contains(&fault.code()), "{}", fault.code());
                return Ok(());
            }
        };
        let (lines, receipts, nowhere) = expected(&bytes);
        let one = &report.files[0];
        prop_assert_eq!(one.records, lines);
        let count = |reason: Reason| one.reasons.get(reason.code()).copied().unwrap_or(0);
        let aside = [
            Reason::RecordForm, Reason::NoDate, Reason::ReceiptKind, Reason::NoFacility, Reason::RecordUnknown,
            Reason::RecordOrphan, Reason::NoCode, Reason::RecordLong,
        ];
        prop_assert_eq!(one.quarantined, aside.iter().map(|reason| count(*reason)).sum::<u64>());
        let whole = count(Reason::RecordForm) + count(Reason::NoDate) + count(Reason::ReceiptKind);
        prop_assert_eq!(receipts + nowhere, one.passed + whole + count(Reason::NoFacility));
        let carried = report.tables.get("ndb.claims").copied().unwrap_or(0);
        prop_assert!(carried <= one.passed);
    }
}
