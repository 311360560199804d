//! Runs that end before they are done, or meet another.

use std::path::Path;

use super::*;
use crate::link::store::Store;

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() { copy(&path, &target) } else { fs::copy(&path, &target).map(drop).unwrap() }
    }
}

/// A run that was killed before it was ready is forgotten, one that was killed while its results moved is completed; in both cases the
/// next one goes on.
#[test]
fn killed_anywhere_the_folder_stays_whole() {
    for small in [0, u64::MAX] {
        let zones = Zones::new();
        let folders = three(&zones);
        add(&zones, "link", &folders[..1], small).unwrap();
        copy(&zones.path("link"), &zones.path("before"));
        let before = persons(&zones, "before");
        add(&zones, "link", &folders[1..2], small).unwrap();
        let after = persons(&zones, "link");
        let mut made: Vec<String> = fs::read_dir(zones.path("link"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name != ".lock" && (!zones.path("before").join(name).exists() || !name.contains('-')))
            .collect();
        made.sort_by_key(|name| (name == "crosswalk.json", name.clone()));
        for (ready, moved) in (0..=made.len()).map(|count| (false, count)).chain((0..=made.len()).map(|n| (true, n))) {
            let out = zones.path(&format!("killed-{ready}-{moved}"));
            copy(&zones.path("before"), &out);
            let partial = out.join(".partial-dead");
            fs::create_dir(&partial).unwrap();
            for (at, name) in made.iter().enumerate() {
                let (from, there) = (zones.path("link").join(name), ready && at < moved);
                // Not ready: so far only some were written. Ready: so far only some were moved.
                if !ready && at >= moved {
                    continue;
                }
                let to = if there { out.join(name) } else { partial.join(name) };
                if from.is_dir() { copy(&from, &to) } else { fs::copy(&from, &to).map(drop).unwrap() }
            }
            if ready {
                policies::durable::replace(&partial.join("ready"), b"").unwrap();
            }
            let name = out.file_name().unwrap().to_str().unwrap();
            let marker = Marker::beside(&out).unwrap().1;
            assert!(
                marker.files.iter().all(|file| out.join(&file.name).exists()),
                "until then the last crosswalk stands"
            );
            drop(Store::open(&out).unwrap());
            assert_eq!(persons(&zones, name), if ready { after.clone() } else { before.clone() });
            let report = add(&zones, name, &folders, small).unwrap();
            assert_eq!((report.persons, report.atoms), (2, 6));
            let left = fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
            assert!(!left.into_iter().any(|name| name.starts_with(".partial")));
        }
    }
}

#[test]
fn two_runs_at_once_are_one_too_many() {
    let zones = Zones::new();
    let folders = three(&zones);
    add(&zones, "link", &folders[..1], 0).unwrap();
    let out = zones.path("link");
    let session = Session::open(&zones.linkage, &out, policy(), Timestamp::UNIX_EPOCH).unwrap();
    assert!(matches!(add(&zones, "link", &folders[1..], 0), Err(LinkError::Busy { .. })));
    let what = Forgotten::Source("ndb");
    let job = ForgetJob { keys: &zones.linkage, out: &out, what, policy: policy() };
    assert!(matches!(forget(&job, Timestamp::UNIX_EPOCH), Err(LinkError::Busy { .. })));
    drop(session);
    assert_eq!(add(&zones, "link", &folders[1..], 0).unwrap().atoms, 6);
    assert_eq!(persons(&zones, "link").len(), 6);
    assert!(persons(&zones, "link").contains_key(&atom_id(1)));
}
