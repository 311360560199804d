//! Permits, session tokens and the status document: what is forged, over or revoked gets nothing.

use std::fs;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use policies::keys::{KeyFolder, SigningKey};
use policies::{SessionId, SessionToken, UserId, Zone, jws};

use crate::world::{World, path, run, text};

const QUESTION: &str = "SELECT sex, count(DISTINCT person_key) FROM ndb.claims GROUP BY sex";

fn ask(world: &World, token: &str) -> (i32, String) {
    let file = world.folder.path().join("a.token");
    fs::write(&file, token).unwrap();
    let (server, project) = (world.address("engine"), world.project("exact"));
    let output = run(&[
        "sql",
        "--server",
        &server,
        "--token-file",
        path(&file),
        "--project",
        &project,
        "--format",
        "json",
        "-c",
        QUESTION,
    ]);
    (output.status.code().unwrap(), format!("{}{}", text(&output.stdout), text(&output.stderr)))
}

fn claims(world: &World, who: &str, issued_at: Timestamp) -> SessionToken {
    let permit = world.permit("exact");
    SessionToken {
        user: world.account(who, "user").parse::<UserId>().unwrap(),
        session: SessionId::random(),
        second_factor_at: None,
        permits: [permit.parse().unwrap()].into(),
        address: None,
        issued_at,
        expires_at: issued_at + SignedDuration::from_mins(15),
    }
}

fn portal_key(world: &World) -> SigningKey {
    KeyFolder::open(&world.folder.path().join("portal/keys"), Zone::Portal).unwrap().signing("session").unwrap()
}

#[test]
fn a_token_that_is_forged_over_too_long_or_of_another_person_gets_nothing() {
    let world = World::start();
    let now = Timestamp::now();
    let sign = |claims: &SessionToken, key: &SigningKey| jws::sign(jws::SESSION, claims, key).unwrap();
    let key = portal_key(&world);

    let (code, said) = ask(&world, &sign(&claims(&world, "researcher", now), &key));
    assert_eq!(code, 0, "a good token must be believed: {said}");

    let forged = sign(&claims(&world, "researcher", now), &SigningKey::generate());
    let over = sign(&claims(&world, "researcher", now - SignedDuration::from_mins(16)), &key);
    let long = sign(
        &SessionToken { expires_at: now + SignedDuration::from_hours(2), ..claims(&world, "researcher", now) },
        &key,
    );
    let no_member = sign(&claims(&world, "reviewer1", now), &key);
    let mut flipped = world.account("researcher", "token").into_bytes();
    let middle = flipped.len() / 2;
    flipped[middle] = if flipped[middle] == b'A' { b'B' } else { b'A' };
    for (name, token) in [
        ("forged", forged),
        ("over", over),
        ("long", long),
        ("no member", no_member),
        ("flipped", String::from_utf8(flipped).unwrap()),
        ("empty", String::new()),
    ] {
        let (code, said) = ask(&world, &token);
        assert_eq!(code, 3, "{name}: {said}");
        let json: serde_json::Value = serde_json::from_str(said.lines().next().unwrap()).unwrap();
        let refused = json["refused"]["code"].as_str().unwrap();
        assert!(refused.starts_with("session/") || refused.starts_with("permit/"), "{name}: {said}");
        assert!(!json["refused"]["hint"].as_str().unwrap().is_empty(), "{name}");
    }
}

#[test]
fn a_permit_with_a_flipped_byte_does_not_verify() {
    let world = World::start();
    let id = world.permit("exact");
    let file = find(&world.folder.path().join("permit"), &format!("{id}.jws")).expect("the signer keeps its permits");
    let key = world.folder.path().join("permit/keys/public/permit.pub");
    assert!(run(&["permit", "verify", "--key", path(&key), path(&file)]).status.success());
    let token = fs::read_to_string(&file).unwrap();
    for place in [0, token.len() / 3, token.len() / 2, token.len() - 2] {
        let mut bytes = token.clone().into_bytes();
        bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
        let changed = world.folder.path().join("changed.jws");
        fs::write(&changed, &bytes).unwrap();
        assert_eq!(
            run(&["permit", "verify", "--key", path(&key), path(&changed)]).status.code(),
            Some(1),
            "byte {place}"
        );
    }
}

#[test]
fn a_revoked_permit_ends_within_a_minute() {
    let world = World::start();
    assert_eq!(world.sql_as("researcher", QUESTION).0, 0);
    let id = world.permit("exact");
    let keys = world.folder.path().join("portal/keys");
    let signer = world.address("signer");
    let output =
        run(&["permit", "revoke", "--signer", &signer, "--keys", path(&keys), "--reason", "test", "--lang", "en", &id]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let until = Instant::now() + Duration::from_mins(1);
    loop {
        let (code, json) = world.sql_as("researcher", QUESTION);
        if code == 3 {
            assert_eq!(json["refused"]["code"], "permit/revoked", "{json}");
            break;
        }
        assert!(Instant::now() < until, "still answered after a minute");
        std::thread::sleep(Duration::from_millis(500));
    }
}

fn find(folder: &std::path::Path, name: &str) -> Option<std::path::PathBuf> {
    fs::read_dir(folder).ok()?.flatten().find_map(|entry| {
        let path = entry.path();
        if path.is_dir() { find(&path, name) } else { (entry.file_name() == name).then_some(path) }
    })
}
