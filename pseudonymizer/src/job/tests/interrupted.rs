//! Runs that end before their batch stands: the same command goes on, and what it makes is what one run would have made.

use std::process::Command;

use super::harm::ALONE;
use super::ndb::columns;
use super::*;

/// Two units' worth of receipts: a small file, one above a unit's size, and some behind it.
fn receipts(world: &World) -> Vec<PathBuf> {
    let one = fs::read(fixture("RECEIPTC_202207.UKE")).unwrap();
    let old = fs::read(fixture("RECEIPTC_200910_wareki.UKE")).unwrap();
    let late = fs::read(fixture("RECEIPTC_202209.UKE")).unwrap();
    let raw = world.dir.path().join("raw");
    fs::create_dir_all(&raw).unwrap();
    let write = |name: &str, bytes: &[u8]| world.write(&format!("raw/{name}"), bytes);
    // Records that no table takes fill a unit fast.
    let long = [b"MN,".to_vec(), vec![b'7'; 60_000], b"\r\n".to_vec()].concat();
    let filled = [one, long.repeat(1200)].concat();
    vec![write("a.UKE", &old), write("b.UKE", &filled), write("c.UKE", &late), write("d.UKE", b"MN,1\r\n")]
}

fn job<'a>(world: &'a World, files: &[PathBuf], out: &str) -> Job<'a> {
    let mut job = world.job("ndb", files, world.dir.path().join(out));
    job.options.threads = 1;
    job
}

fn tree(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        if entry.path().is_dir() {
            all.extend(tree(&entry.path()));
        } else {
            all.insert(entry.path(), fs::read(entry.path()).unwrap());
        }
    }
    all
}

/// What two batches of the same files share: all columns but ids, and all counts.
fn said(world: &World, report: &Report, out: &str) -> (BTreeMap<String, Vec<String>>, Report) {
    let mut columns = columns(world, report, out);
    columns.retain(|name, _| {
        !["atom", "claim_id", "stay_id", "document_id"].iter().any(|id| name.ends_with(&format!(".{id}")))
    });
    let report = Report { batch: String::new(), scanned: 0, unchanged: false, ..report.clone() };
    (columns, report)
}

#[test]
fn a_stopped_run_goes_on_by_units_and_gives_the_same_batch() {
    let world = World::new();
    let files = receipts(&world);
    let whole = pseudonymize(&job(&world, &files, "whole"), Timestamp::UNIX_EPOCH, &mut |_| true).unwrap();
    let whole = said(&world, &whole, "whole");
    let mut stopped = 0;
    for units in 0..2 {
        let out = format!("out-{units}");
        let job = job(&world, &files, &out);
        let ended = pseudonymize(&job, Timestamp::UNIX_EPOCH, &mut |progress| progress.units < units);
        if let Err(fault) = ended {
            assert_eq!(fault.code(), "pseudonymize/stopped");
            assert!(!job.out.exists(), "nothing visible");
            stopped += 1;
        }
        let mut again = 0;
        let report = pseudonymize(&job, Timestamp::UNIX_EPOCH, &mut |progress| {
            again = again.max(progress.units);
            true
        })
        .unwrap();
        assert_eq!(said(&world, &report, &out), whole);
        assert!(!world.dir.path().join(format!("{out}.partial")).exists());
    }
    assert!(stopped >= 1, "at least one run was stopped");
}

#[test]
fn units_that_stand_are_not_read_again_and_half_ones_are() {
    let world = World::new();
    let files = receipts(&world);
    let whole = pseudonymize(&job(&world, &files, "whole"), Timestamp::UNIX_EPOCH, &mut |_| true).unwrap();
    let whole = said(&world, &whole, "whole");
    let job = job(&world, &files, "out");
    // As a crash while the batch is put together leaves it: all parts read, some of the batch written, the lock's file there.
    let crash = pseudonymize(&job, Timestamp::UNIX_EPOCH, &mut |progress| {
        if progress.units == progress.units_total {
            fs::create_dir_all(world.dir.path().join("out.partial/batch.json")).unwrap();
        }
        true
    });
    assert!(crash.is_err(), "the batch could not be written");
    let partial = world.dir.path().join("out.partial");
    fs::remove_dir_all(partial.join("batch.json")).unwrap();
    assert!(!job.out.exists() && partial.join("parts/000000/part.json").exists());
    let parts: Vec<PathBuf> = fs::read_dir(partial.join("parts")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(parts.len() >= 2, "{}", parts.len());
    let times = |part: &Path| fs::metadata(part.join("slices")).unwrap().modified().unwrap();
    // A unit in the middle: slices without their `part.json`, and garbage at that.
    let (kept, broken) = (partial.join("parts/000000"), partial.join("parts/000001"));
    fs::remove_file(broken.join("part.json")).unwrap();
    world.write("out.partial/parts/000001/slices", b"half a slice");
    world.write("out.partial/tokens/tokens.arrow.age", b"half a file");
    world.write("out.partial/content/ndb.drugs.arrow.age", b"half a file");
    world.write("out.partial/report.json", b"{");
    let before = times(&kept);
    let mut seen = None;
    let report = pseudonymize(&job, Timestamp::UNIX_EPOCH, &mut |progress| {
        if progress.units == progress.units_total {
            seen = Some(times(&kept));
        }
        true
    })
    .unwrap();
    assert_eq!(seen, Some(before), "what was finished is not read again");
    assert_eq!(said(&world, &report, "out"), whole);
}

#[test]
fn leftovers_of_an_interrupted_run_do_not_reach_the_batch() {
    let world = World::new();
    let files = receipts(&world);
    let job = job(&world, &files, "out");
    let stopped = pseudonymize(&job, Timestamp::UNIX_EPOCH, &mut |_| false);
    assert_eq!(stopped.unwrap_err().code(), "pseudonymize/stopped");
    let partial = world.dir.path().join("out.partial");
    assert!(partial.is_dir());
    // A table that this run does not fill, from before, and a list of a record that is none.
    world.write("out.partial/content/ehr.documents.arrow.age", b"from before");
    world.write("out.partial/tokens/other.arrow.age", b"from before");
    world.write("out.partial/quarantine/99.jsonl", b"{}");
    world.write("out.partial/batch.json.77.partial", b"{");
    let report = pseudonymize(&job, Timestamp::UNIX_EPOCH, &mut |_| true).unwrap();
    for name in
        ["content/ehr.documents.arrow.age", "tokens/other.arrow.age", "quarantine/99.jsonl", "batch.json.77.partial"]
    {
        assert!(!job.out.join(name).exists(), "{name}");
    }
    assert!(!report.tables.contains_key("ehr.documents"));
}

#[test]
fn another_file_in_between_is_told() {
    let world = World::new();
    let files = receipts(&world);
    let job = job(&world, &files, "out");
    pseudonymize(&job, Timestamp::UNIX_EPOCH, &mut |_| false).unwrap_err();
    world.write("raw/c.UKE", b"IR,1,13,1,1234566,,X,202208,00,\r\n");
    let refused = pseudonymize(&job, Timestamp::UNIX_EPOCH, &mut |_| true).unwrap_err();
    assert!(matches!(refused, PseudonymizeError::Interrupted { .. }));
    assert!(refused.to_string().contains("out.partial holds an interrupted run of other files"), "{refused}");
    assert!(!job.out.exists());
}

#[test]
fn a_second_run_changes_no_byte() {
    let world = World::new();
    let files = vec![fixture("RECEIPTC_202207.UKE")];
    let job = job(&world, &files, "out");
    let first = pseudonymize(&job, Timestamp::UNIX_EPOCH, &mut |_| true).unwrap();
    let before = tree(&job.out);
    let later = Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_hours(9);
    let second = pseudonymize(&job, later, &mut |_| true).unwrap();
    assert!(second.unchanged && !first.unchanged);
    assert_eq!(Report { unchanged: false, ..second }, first);
    assert!(tree(&job.out) == before && !world.dir.path().join("out.partial").exists());
}

#[test]
fn two_runs_at_once_do_not_write_into_each_other() {
    let world = World::new();
    let files = vec![fixture("RECEIPTC_202207.UKE")];
    let job = job(&world, &files, "out");
    let mut refused = None;
    let report = pseudonymize(&job, Timestamp::UNIX_EPOCH, &mut |_| {
        if refused.is_none() {
            refused = pseudonymize(&job, Timestamp::UNIX_EPOCH, &mut |_| true).err();
        }
        true
    })
    .unwrap();
    assert!(matches!(refused, Some(PseudonymizeError::Interrupted { .. })), "{refused:?}");
    assert_eq!(report.tables["ndb.claims"], 5);
}

/// The run of a process with little room: its files may not grow beyond a limit, as on a full disk. The folder is the working
/// directory.
#[test]
fn a_run_in_a_process() {
    if std::env::var_os(ALONE).is_none() {
        return;
    }
    let dir = std::env::current_dir().unwrap();
    let holder = KeyFolder::open(&dir.join("holder"), Zone::Holder).unwrap();
    let recipient = |name: &str| fs::read_to_string(dir.join(name)).unwrap().parse().unwrap();
    let job = Job {
        source: "ndb".parse().unwrap(),
        keys: &holder,
        link_to: recipient("link_to"),
        release_to: recipient("release_to"),
        out: dir.join("out"),
        files: vec![dir.join("raw")],
        options: Options { threads: 1, ..Options::default() },
    };
    match pseudonymize(&job, Timestamp::UNIX_EPOCH, &mut |_| true) {
        Ok(_) => println!("made"),
        Err(fault) => println!("code {} sentence {fault} hint {}", fault.code(), fault.hint()),
    }
}

/// Runs it under a shell's words; what it printed.
fn child(world: &World, before: &str) -> (String, Option<i32>) {
    let own = std::env::current_exe().unwrap();
    let script = format!(
        "export {ALONE}=1; {before} exec '{}' --exact job::tests::interrupted::a_run_in_a_process --nocapture --test-threads 1",
        own.display()
    );
    let done = Command::new("sh").args(["-c", &script]).current_dir(world.dir.path()).output().unwrap();
    (String::from_utf8_lossy(&done.stdout).into_owned(), done.status.code())
}

fn for_children(world: &World) {
    world.write("link_to", world.linkage.recipient().unwrap().to_string().as_bytes());
    world.write("release_to", world.enclave.recipient().unwrap().to_string().as_bytes());
    let raw = world.dir.path().join("raw");
    fs::create_dir_all(&raw).unwrap();
    let one = String::from_utf8_lossy(&fs::read(fixture("RECEIPTC_202207.UKE")).unwrap()).into_owned();
    // Receipts of many persons, so that what waits on disk has some size.
    let head = "IR,1,13,1,1234566,,X,202208,00,\r\n".to_owned();
    let many: Vec<String> = (1..4000)
        .map(|at| {
            format!("RE,{at},1112,202207,X,1,19580314\r\nHO,06131239,,{at:08},1,100\r\nSY,8833421,20150410,1\r\n")
        })
        .collect();
    assert!(one.contains("RE,"));
    world.write("raw/a.UKE", [head, many.concat()].concat().as_bytes());
}

#[test]
fn a_full_disk_gives_a_sentence_and_no_batch_and_the_same_command_finishes_later() {
    let world = World::new();
    for_children(&world);
    // Blocks of 512 bytes; the signal is ignored, so that the system answers as a full disk does.
    let mut sentences = 0;
    for blocks in [2, 64, 400] {
        let (printed, _) = child(&world, &format!("trap '' XFSZ; ulimit -f {blocks};"));
        assert!(
            !world.dir.path().join("out").join("batch.json").exists() || printed.contains("made"),
            "{blocks}: {printed}"
        );
        if printed.contains("made") {
            break;
        }
        sentences += 1;
        let known = ["pseudonymize/io", "pseudonymize/seal", "pseudonymize/manifest"];
        assert!(known.iter().any(|code| printed.contains(code)), "{blocks}: {printed}");
        assert!(printed.contains("room"), "the hint names the disk: {printed}");
        assert!(!world.dir.path().join("out").exists());
    }
    assert!(sentences >= 2, "the limits are below what the batch needs");
    let (printed, _) = child(&world, "");
    assert!(printed.contains("made"), "{printed}");
    assert!(world.dir.path().join("out/batch.sig").exists() && !world.dir.path().join("out.partial").exists());
}

#[test]
fn a_killed_process_leaves_nothing_visible_and_the_same_command_finishes() {
    let world = World::new();
    for_children(&world);
    // The kernel ends the process at the first write beyond the limit.
    for blocks in [64, 400] {
        let (printed, code) = child(&world, &format!("ulimit -f {blocks};"));
        assert!(!printed.contains("made") && code.is_none_or(|code| code > 128), "{blocks}: {printed} {code:?}");
        assert!(!world.dir.path().join("out").exists() && world.dir.path().join("out.partial").exists());
    }
    let (printed, _) = child(&world, "");
    assert!(printed.contains("made"), "{printed}");
    let report: Report = serde_json::from_slice(&fs::read(world.dir.path().join("out/report.json")).unwrap()).unwrap();
    assert_eq!((report.tables["ndb.claims"], report.quarantined()), (3999, 0));
}
