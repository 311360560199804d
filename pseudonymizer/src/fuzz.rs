//! For fuzzing alone: the readers on bytes, past the telling of kinds, without a batch. `fuzz/` and `tests/fuzz.rs` call it.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::path::Path;
use std::sync::{LazyLock, OnceLock};

use policies::keys::{SealRecipient, SecretBytes};

use crate::absent::Absent;
use crate::intake::{Batch, Intake};
use crate::job::{BatchSecrets, Kind, PseudonymizeError, read_as};
use crate::layout::{Layout, read_file, shipped};
use crate::ndb::checkup::archive;
use crate::quarantine::Quarantine;
use crate::report::FileReport;
use crate::spool::Spool;
use crate::tokens::TokenKeys;

/// What can be fuzzed: one word a reader, and `layout` for layout files.
pub const TARGETS: [&str; 15] = [
    "certification",
    "checkup_csv",
    "checkup_xml",
    "checkup_zip",
    "dpc_d",
    "dpc_ef",
    "dpc_form1",
    "dpc_h",
    "dpc_k",
    "fhir",
    "flat",
    "layout",
    "life",
    "ltc",
    "uke",
];

/// Keys of nobody: what is read here goes nowhere.
struct Bench {
    layouts: BTreeMap<String, Layout>,
    keys: TokenKeys,
    secrets: BatchSecrets,
    absent: Absent,
    holder: Option<SealRecipient>,
}

impl Bench {
    fn new() -> Self {
        let root = SecretBytes::generate();
        let flat = FLAT.get().map(|layout| (layout.id.clone(), layout.clone()));
        Self {
            layouts: shipped().unwrap_or_default().into_iter().chain(flat).collect(),
            keys: TokenKeys::derive(&root),
            secrets: BatchSecrets::derive(&root),
            absent: Absent::default(),
            holder: age::x25519::Identity::generate().to_public().to_string().parse().ok(),
        }
    }
}

/// Reads bytes as files of that target. `folder` takes what is put aside. What the run would say; `None` if it says nothing (a
/// target that is not listed, a layout).
pub fn read(target: &str, bytes: &[u8], folder: &Path) -> Option<Result<FileReport, PseudonymizeError>> {
    static BENCH: LazyLock<Bench> = LazyLock::new(Bench::new);
    if target == "layout" {
        let text = std::str::from_utf8(bytes).ok()?;
        let _layout = Layout::parse(text);
        return None;
    }
    let (kind, holder) = (kind(target)?, BENCH.holder.as_ref()?);
    Some(file(&BENCH, holder, kind, bytes, folder))
}

/// Before the first call of [`read`]: the layout of an added source that `flat` reads with; the catalog must know its table.
pub fn add_flat(file: &Path) -> Option<String> {
    let layout = read_file(file).ok()?;
    let id = layout.id.clone();
    FLAT.set(layout).ok().map(|()| id)
}

static FLAT: OnceLock<Layout> = OnceLock::new();

fn kind(target: &str) -> Option<Kind> {
    Some(match target {
        "certification" => Kind::Certification,
        "checkup_csv" => Kind::CheckupTable,
        "checkup_xml" => Kind::Checkup,
        "checkup_zip" => Kind::CheckupArchive,
        "dpc_d" => Kind::Classes,
        "dpc_ef" => Kind::Items,
        "dpc_form1" => Kind::Form1,
        "dpc_h" => Kind::Nursing,
        "dpc_k" => Kind::CommonIds,
        "fhir" => Kind::Fhir,
        "flat" => Kind::Added,
        "life" => Kind::Life,
        "ltc" => Kind::LtcClaims,
        "uke" => Kind::Receipts,
        _ => return None,
    })
}

fn file(
    bench: &Bench,
    holder: &SealRecipient,
    kind: Kind,
    bytes: &[u8],
    folder: &Path,
) -> Result<FileReport, PseudonymizeError> {
    let Bench { layouts, keys, secrets, absent, .. } = bench;
    let spool = Spool::create(&folder.join("slices"), &secrets.spool, 1)?;
    let go_on = |_: u64, _: u64| true;
    let batch = Batch { layouts, keys, secrets, absent };
    let mut intake = Intake::new(&batch, 0, spool, Quarantine::new(folder, 0, holder), &go_on);
    intake.begin_file(1, folder, kind.name())?;
    if kind == Kind::CheckupArchive {
        archive::read(Cursor::new(bytes), &mut intake, folder)?;
    } else {
        let layout = FLAT.get().map(|layout| layout.id.as_str());
        read_as(kind, layout, &mut Cursor::new(bytes), &mut intake, folder)?;
    }
    intake.end_file()
}
