//! What the linkage zone is handed need not be what a holder should have made: it is refused or contained, with a sentence, and the
//! last crosswalk stands.

mod desk;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::Instant;

use desk::{Desk, PERSONS, Row, line};

use crate::world::path;

/// Atoms of a batch with a placeholder.
const CROWD: usize = 40_000;

fn token(words: &str) -> [u8; 16] {
    // Spread like a keyed hash; equal words make equal tokens.
    let mut state = words.bytes().fold(0xcbf2_9ce4_8422_2325_u128, |state, byte| {
        (state ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b)
    });
    state ^= state >> 61;
    state.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835).to_be_bytes()
}

/// A row by its tokens: `("a3", "of whom")`.
fn row(name: &str, tokens: &[(&str, &str)]) -> Row {
    let tokens = tokens.iter().map(|(kind, of)| ((*kind).to_owned(), token(&format!("{kind} {of}"))));
    Row { atom: token(name), tokens: tokens.collect(), months: None }
}

#[test]
fn a_token_file_that_its_holder_did_not_sign_is_refused() {
    let desk = Desk::linked();
    desk.batch("clinic", "c2", &[line(3, 8)]);
    let (file, good) =
        (desk.tokens("c2").join("tokens.sig"), fs::read_to_string(desk.tokens("c2").join("tokens.sig")).unwrap());
    let sentence = "does not fit it, or is not by the key that this zone trusts";
    let refuses = || desk.refuses(&desk.link(&["r1", "c1", "c2"]), sentence);

    // A bit of the signature; the signature of another batch; another holder's; none.
    let turned = if good.starts_with('0') { "1" } else { "0" };
    fs::write(&file, format!("{turned}{}", &good[1..])).unwrap();
    refuses();
    fs::copy(desk.tokens("c1").join("tokens.sig"), &file).unwrap();
    refuses();
    desk.sign(&desk.tokens("c2").join("tokens.arrow.age"), "registry");
    refuses();
    fs::remove_file(&file).unwrap();
    refuses();

    // A bit of the sealed file.
    fs::write(&file, &good).unwrap();
    let sealed = desk.tokens("c2").join("tokens.arrow.age");
    let mut bytes = fs::read(&sealed).unwrap();
    let place = bytes.len() / 2;
    bytes[place] ^= 1;
    fs::write(&sealed, &bytes).unwrap();
    refuses();
    bytes[place] ^= 1;
    fs::write(&sealed, &bytes).unwrap();
    desk.ok(&desk.link(&["r1", "c1", "c2"]));
}

#[test]
fn tokens_of_another_epoch_or_normaliser_are_refused() {
    let desk = Desk::new();
    desk.batch("clinic", "c0", &[line(3, 8)]);
    desk.join_epoch();
    desk.batch("registry", "r1", &(0..PERSONS).map(|person| line(person, 1)).collect::<Vec<_>>());
    desk.batch("clinic", "c1", &[line(4, 8)]);
    desk.ok(&desk.link(&["r1", "c1"]));
    desk.refuses(&desk.link(&["r1", "c1", "c0"]), "differs from the other batches in its epoch key");

    desk.forge("c2", &desk.rows("c1"), &[("sudare.normaliser", "0")]);
    desk.refuses(&desk.link(&["r1", "c1", "c2"]), "differs from the other batches in its normaliser version");
    desk.forge("c3", &desk.rows("c1"), &[("sudare.source", "registry")]);
    desk.refuses(&desk.link(&["r1", "c1", "c3"]), "is not by the key that this zone trusts");
}

#[test]
fn a_batch_that_comes_twice_is_refused() {
    let desk = Desk::linked();
    let sentence = "was handed over twice, or shares atoms with another batch";
    let rebuild = |batches: &[&str]| [desk.link(batches), vec!["--rebuild".to_owned()]].concat();
    desk.refuses(&rebuild(&["r1", "c1", "c1"]), sentence);
    // The same atoms under another batch's name, and the name of another batch over other atoms.
    desk.forge("c2", &desk.rows("c1"), &[]);
    desk.refuses(&rebuild(&["r1", "c1", "c2"]), sentence);
    let batch: serde_json::Value =
        serde_json::from_slice(&fs::read(desk.at("c1").join("batch.json")).unwrap()).unwrap();
    desk.forge("c3", &[row("new", &[("a3", "new")])], &[("sudare.batch", batch["batch"].as_str().unwrap())]);
    desk.refuses(&rebuild(&["r1", "c1", "c3"]), sentence);
}

#[test]
fn a_placeholder_of_forty_thousand_atoms_joins_nobody() {
    let desk = Desk::linked();
    let before = desk.persons();
    let crowd = |number: usize| {
        row(&format!("crowd {number}"), &[("a3", "placeholder"), ("b1", "unknown"), ("d1", &number.to_string())])
    };
    desk.forge("c2", &(0..CROWD).map(crowd).collect::<Vec<_>>(), &[]);
    let said = desk.ok(&desk.link(&["r1", "c1", "c2"]));
    assert!(said.contains("so that they join nobody (hubs): a3 1, b1 1"), "{said}");
    let (report, after) = (desk.report(), desk.persons());
    assert_eq!((&report["hubs"]["a3"], &report["hubs"]["b1"]), (&1.into(), &1.into()), "{report}");
    assert!(before.iter().all(|(atom, key)| after[atom] == *key), "nobody else is touched");
    let glued: BTreeSet<u64> = after.values().copied().collect();
    assert_eq!(glued.len(), PERSONS + CROWD, "each atom of the crowd is alone");
    let shown = desk.ok(&["link", "report", "--out", path(&desk.at("crosswalk")), "--public"]);
    assert!(shown.contains("40,040") && !shown.contains("ltc"), "{shown}");
    let hubs = shown.lines().skip_while(|line| !line.starts_with("hub of")).skip(2).take(2);
    assert!(hubs.clone().count() == 2 && hubs.clone().all(|line| line.contains("  <10  ")), "{shown}");
    desk.tidy();
}

#[test]
fn a_batch_made_to_glue_strangers_leaves_them_strangers() {
    let desk = Desk::linked();
    let before = desk.persons();
    // Whoever has seen tokens can put any of them into a row: each row speaks of two persons, in every pair of kinds.
    let mut of_person: BTreeMap<u64, BTreeMap<String, [u8; 16]>> = BTreeMap::new();
    for known in ["r1", "c1"].into_iter().flat_map(|batch| desk.rows(batch)) {
        of_person.entry(before[&known.atom]).or_default().extend(known.tokens);
    }
    let persons: Vec<_> = of_person.into_values().collect();
    let kinds = ["a3", "b1", "b2", "b3"];
    let mut rows = Vec::new();
    for (number, (one, next)) in persons.iter().zip(persons.iter().cycle().skip(1)).enumerate() {
        for (place, first) in kinds.iter().enumerate() {
            for second in kinds.iter().skip(place + 1) {
                let mut crafted = row(&format!("{number} {first} {second}"), &[]);
                crafted.tokens.insert((*first).to_owned(), one[*first]);
                crafted.tokens.insert((*second).to_owned(), next[*second]);
                rows.push(crafted);
            }
        }
    }
    desk.forge("c2", &rows, &[]);
    desk.ok(&desk.link(&["r1", "c1", "c2"]));
    let after = desk.persons();
    assert!(before.iter().all(|(atom, key)| after[atom] == *key), "a person was changed");
    let report = desk.report();
    let refused = ["vetoes", "quarantined"].into_iter().flat_map(|why| report[why].as_object().unwrap().values());
    assert!(refused.filter_map(serde_json::Value::as_u64).sum::<u64>() >= PERSONS as u64, "{report}");
    // Without that batch all is as before.
    desk.ok(&[desk.link(&["r1", "c1"]), vec!["--rebuild".to_owned()]].concat());
    assert_eq!(before, desk.persons());
    desk.tidy();
}

#[test]
fn what_is_of_another_zone_is_refused() {
    let desk = Desk::linked();
    for (name, zone) in [("linkage2", "linkage"), ("enclave2", "enclave")] {
        desk.ok(&["keys", "init", "--zone", zone, "--out", path(&desk.at(name))]);
    }
    desk.batch_for("clinic", "c2", &[line(3, 8)], ["linkage2", "enclave"]);
    let (code, said) = desk.run(&desk.link_with("linkage2", "elsewhere", &["c2"]));
    assert!(code == Some(1) && said.contains("nobody has told this zone whose signature"), "{said}");
    for source in ["registry", "clinic"] {
        desk.trust("linkage2", source);
        desk.trust("enclave2", source);
    }
    // Another linkage zone: neither reads tokens that are not for it, nor goes on with a crosswalk that is not its own.
    let sentence = "cannot be opened with this zone's key, or was changed since it was sealed";
    desk.refuses(&desk.link_with("linkage2", "crosswalk", &["r1", "c1"]), sentence);
    desk.refuses(&desk.link_with("linkage2", "crosswalk", &["c2"]), sentence);
    let (code, said) = desk.run(&[
        "link",
        "diff",
        "--keys",
        path(&desk.at("linkage2")),
        path(&desk.at("crosswalk")),
        path(&desk.at("crosswalk")),
    ]);
    assert!(code == Some(1) && said.contains(sentence), "{said}");
    // Batches for two enclaves have no common crosswalk.
    desk.batch_for("clinic", "c3", &[line(3, 9)], ["linkage", "enclave2"]);
    desk.refuses(&desk.link(&["r1", "c1", "c3"]), "differs from the other batches in its recipient of the crosswalk");
    // An enclave does not release with a crosswalk that was made for another.
    let (content, releases) = (desk.at("c3/content"), desk.at("releases"));
    let (crosswalk, keys) = (desk.at("crosswalk"), desk.at("enclave2"));
    let what = ["release", "--dataset", "clinic", "--content", path(&content), "--crosswalk", path(&crosswalk)];
    let (code, said) = desk.run(&[&what[..], &["--keys", path(&keys), "--out", path(&releases)]].concat());
    assert!(code == Some(1) && said.contains(sentence), "{said}");
    assert!(!releases.join("clinic").exists() || fs::read_dir(releases.join("clinic")).unwrap().next().is_none());
}

#[test]
fn tokens_of_one_run_are_scored_or_refused() {
    let desk = Desk::linked();
    let before: BTreeSet<u64> = desk.persons().into_values().collect();
    desk.share_run_key("2022-12");
    let runs = ["r1", "c1"].map(|batch| desk.run_tokens(batch, "2022-12"));
    let command = |runs: &[&str]| {
        let words = ["--rebuild".to_owned(), "--run-tokens".to_owned()].into_iter();
        let folders = runs.iter().map(|run| path(&desk.at(run)).to_owned());
        desk.link(&["r1", "c1"]).into_iter().chain(words).chain(folders).collect::<Vec<_>>()
    };
    desk.ok(&command(&[&runs[0], &runs[1]]));
    assert!(desk.report()["scored"]["candidates"].is_u64(), "{}", desk.report());
    assert_eq!(desk.persons().into_values().collect::<BTreeSet<_>>(), before);

    // Of a batch that was not handed over; and changed.
    desk.batch("clinic", "c2", &[line(3, 8)]);
    let strange = desk.run_tokens("c2", "2022-12");
    desk.refuses(&command(&[&runs[0], &strange]), "has atoms that this zone does not hold");
    let sealed = desk.at(&runs[1]).join("run.arrow.age");
    let mut bytes = fs::read(&sealed).unwrap();
    let place = bytes.len() / 2;
    bytes[place] ^= 1;
    fs::write(&sealed, &bytes).unwrap();
    desk.refuses(&command(&[&runs[0], &runs[1]]), "does not fit it, or is not by the key that this zone trusts");
}

#[test]
fn composites_are_asked_for_where_new_tokens_touch() {
    let desk = Desk::linked();
    desk.share_run_key("2022-12");
    let (keys, crosswalk, to) = (desk.at("linkage"), desk.at("crosswalk"), desk.at("requests"));
    desk.batch("clinic", "c2", &[line(3, 8)]);
    let new = desk.tokens("c2");
    let words = ["link", "ask", "--keys", path(&keys), "--out", path(&crosswalk), "--to", path(&to), path(&new)];
    let (code, said) = desk.run(&words);
    assert!(code == Some(1) && said.contains("holds no model of a full pass with composites"), "{said}");
    let runs = ["r1", "c1"].map(|batch| desk.run_tokens(batch, "2022-12"));
    let folders = runs.iter().map(|run| path(&desk.at(run)).to_owned());
    let full = ["--rebuild".to_owned(), "--run-tokens".to_owned()].into_iter().chain(folders);
    desk.ok(&desk.link(&["r1", "c1"]).into_iter().chain(full).collect::<Vec<_>>());

    let before = desk.crosswalk_bytes();
    let said = desk.ok(&words);
    assert!(said.contains("registry") && said.contains("is asked for again"), "{said}");
    assert_eq!(before, desk.crosswalk_bytes());
    let (request, public) = (to.join("registry.jws"), desk.at("linkage/public"));
    let make = |holder: &str, batch: &str, zone: &str, request: &std::path::Path| {
        let (keys, out) = (desk.at(holder), desk.at(&format!("{batch}-asked")));
        let (batch, zone) = (desk.at(batch), desk.at(zone).join("public"));
        let what = ["tokens", "run", "--keys", path(&keys), "--batch", path(&batch), "--run", "2022-12"];
        let what = [&what[..], &["--link-to", path(&public), "--out", path(&out), "--only", path(request)]].concat();
        desk.run(&[&what[..], &["--zone", path(&zone)]].concat())
    };
    let (code, said) = make("registry", "r1", "enclave", &request);
    assert!(code == Some(1) && said.contains("is not signed by the linkage zone's key that was named"), "{said}");
    let (code, said) = make("clinic", "c1", "linkage", &request);
    assert!(code == Some(1) && said.contains("asks another holder"), "{said}");
    for (holder, batch) in [("registry", "r1"), ("clinic", "c2")] {
        let (code, said) = make(holder, batch, "linkage", &to.join(format!("{holder}.jws")));
        assert_eq!(code, Some(0), "{said}");
    }
    let chain = |zone: &str| fs::read_to_string(desk.at(zone).join("audit.jsonl")).unwrap();
    assert_eq!(chain("linkage").matches("run-tokens:asked").count(), 2);
    assert_eq!(chain("registry").matches("run-tokens:made").count(), 2);
    let run_tokens = ["--run-tokens".to_owned()].into_iter();
    let folders = ["r1-asked", "c2-asked"].map(|run| path(&desk.at(run)).to_owned());
    desk.ok(&desk.link(&["c2"]).into_iter().chain(run_tokens).chain(folders).collect::<Vec<_>>());
    assert_eq!(desk.report()["pass"]["last_full"], 2, "{}", desk.report()["pass"]);
}

#[test]
fn killed_anywhere_the_last_crosswalk_stands_and_the_same_command_finishes() {
    let desk = Desk::linked();
    let many = (0..CROWD / 4).map(|number| {
        let of = (number / 2).to_string();
        row(&format!("many {number}"), &[("a3", &of), ("b1", &of), ("d1", &number.to_string())])
    });
    desk.forge("c2", &many.collect::<Vec<_>>(), &[]);
    let began = Instant::now();
    desk.ok(&desk.link_with("linkage", "whole", &["r1", "c1", "c2"]));
    let took = began.elapsed();

    let (before, command) = (desk.crosswalk_bytes(), desk.link(&["r1", "c1", "c2"]));
    let (mut killed, before_run) = (0, desk.marker()["run"].clone());
    for tenth in [1, 3, 5, 7, 8, 9, 10] {
        let mut child = desk.process(&command).spawn().unwrap();
        std::thread::sleep(took.mul_f64(f64::from(tenth) / 10.0));
        let _over_already = child.kill();
        killed += u32::from(child.wait().unwrap().code().is_none());
        // Where the new results were moving, the next run completes them.
        let entries = fs::read_dir(desk.at("crosswalk")).unwrap().flatten();
        let moving = entries.map(|entry| entry.path().join("ready")).any(|ready| ready.exists());
        if desk.marker()["run"] == before_run && !moving {
            assert_eq!(before, desk.crosswalk_bytes());
        }
    }
    assert!(killed > 0, "no run was killed at work: {took:?}");
    desk.ok(&command);
    desk.tidy();
    let persons: BTreeSet<u64> = desk.persons().into_values().collect();
    assert_eq!(persons.len(), PERSONS + CROWD / 8);
    let whole: serde_json::Value = serde_json::from_slice(&fs::read(desk.at("whole/report.json")).unwrap()).unwrap();
    for count in ["atoms", "persons", "hubs", "persons_by_pair", "coverage", "clusters"] {
        assert_eq!(desk.report()[count], whole[count], "{count}");
    }
}

#[test]
fn reports_and_comparisons_are_read_in_both_languages() {
    let desk = Desk::linked();
    let (keys, crosswalk) = (desk.at("linkage"), desk.at("crosswalk"));
    desk.ok(&desk.link_with("linkage", "before", &["r1"]));
    let report = |more: &[&str]| desk.ok(&[&["link", "report", "--out", path(&crosswalk)], more].concat());
    let shown = report(&[]);
    for words in ["run 1, a full pass", "clinic+registry", "name in kana", "These counts stay in the linkage zone"] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    let japanese = crate::world::run(&["link", "report", "--out", path(&crosswalk), "--lang", "ja"]);
    assert!(crate::world::text(&japanese.stdout).contains("被保険者番号"), "{japanese:?}");
    let public: serde_json::Value = serde_json::from_str(report(&["--public", "--json"]).trim()).unwrap();
    assert_eq!((&public["born"], &public["merged"], &public["pass"]["run"]), (&20.into(), &"<10".into(), &1.into()));
    assert!(public["pass"].get("batches_added").is_none());

    let diff = ["link", "diff", "--keys", path(&keys), path(&desk.at("before")), path(&crosswalk)].map(str::to_owned);
    let found: serde_json::Value =
        serde_json::from_str(desk.ok(&[&diff[..], &["--json".to_owned()]].concat()).trim()).unwrap();
    assert_eq!(
        (&found["persons_a"], &found["cases"]["unchanged"], &found["cases"]["born"]),
        (&20.into(), &20.into(), &0.into())
    );
    assert!(desk.ok(&diff).contains("unchanged"));
    let (code, said) = desk.run(&["link", "report", "--out", path(&desk.at("nowhere"))]);
    assert!(code == Some(1) && said.contains("holds no finished run of link"), "{said}");
    let policy = desk.at("policy.toml");
    fs::write(&policy, "version = \"1\"").unwrap();
    let (code, said) = desk.run(&[desk.link(&["r1"]), vec!["--policy".to_owned(), path(&policy).to_owned()]].concat());
    assert!(code == Some(2) && said.contains("the policy of linkage cannot be read"), "{said}");
}
