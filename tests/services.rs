//! The services from a configuration file, and the demo's end.

use std::fs;
use std::time::{Duration, Instant};

use crate::world::{PERSONS, World, copy_of, free_port, path, prepared, project, run, serve, text};

#[test]
fn the_services_answer_each_in_a_process_of_its_own() {
    let world = copy_of(&prepared(PERSONS, "none"));
    let (signer, desk, engine, portal) = (free_port(), free_port(), free_port(), free_port());
    let config = world.path().join("sudare.toml");
    let text_of_config = format!(
        "[desk]\nlisten = \"127.0.0.1:{desk}\"\nkeys = \"permit/keys\"\nportal = \"http://localhost:{portal}\"\n\
         [signer]\nlisten = \"127.0.0.1:{signer}\"\nkeys = \"permit/keys\"\nportal_key = \"portal/keys/public/sign.pub\"\nstore = \"permit/store\"\n\
         [engine]\nlisten = \"127.0.0.1:{engine}\"\nkeys = \"enclave/keys\"\nreleases = \"enclave/releases\"\nportal_session_key = \"portal/keys/public/session.pub\"\n\
         permit_key = \"permit/keys/public/permit.pub\"\nsigner = \"http://127.0.0.1:{signer}\"\n\
         [portal]\nlisten = \"127.0.0.1:{portal}\"\nkeys = \"portal/keys\"\ndatabase = \"portal/portal.sqlite\"\nsigner = \"http://127.0.0.1:{signer}\"\n\
         engine = \"grpc://127.0.0.1:{engine}\"\nsynthetic = true\n"
    );
    fs::write(&config, &text_of_config).unwrap();
    let _services = ["signer", "desk", "engine", "portal"].map(|service| serve(&config, service));
    let demo: serde_json::Value = serde_json::from_slice(&fs::read(world.path().join("demo.json")).unwrap()).unwrap();
    let token = world.path().join("r.token");
    fs::write(&token, demo["accounts"]["researcher"]["token"].as_str().unwrap()).unwrap();
    let server = format!("grpc://127.0.0.1:{engine}");
    let output = run(&[
        "sql",
        "--server",
        &server,
        "--token-file",
        path(&token),
        "--project",
        &project(&demo, "exact", "id"),
        "-c",
        "SELECT sex, count(*) FROM ndb.claims GROUP BY sex",
    ]);
    // The prepared world's tokens live 15 minutes; an old one is refused in its own words, which shows as much.
    let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
    assert!(output.status.success() || said.contains("session/expired"), "{said}");
    let wrong = text_of_config.replace("keys = \"enclave/keys\"", "keys = \"portal/keys\"");
    fs::write(&config, wrong.replace(&engine.to_string(), &free_port().to_string())).unwrap();
    let refused = run(&["serve", "engine", "--config", path(&config), "--lang", "en"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("holds the secrets of the portal zone"), "{}", text(&refused.stderr));
}

#[test]
fn ctrl_c_ends_the_demo_cleanly_and_a_second_start_is_quick() {
    let mut world = World::start();
    world.answer("SELECT sex, count(*) FROM ndb.claims GROUP BY sex");
    assert_eq!(world.interrupt(), Some(0), "{}", world.log());
    assert!(world.log().trim_end().ends_with("ended"), "{}", world.log());
    assert!(!world.log().contains("internal error"), "{}", world.log());
    let again = World::serve(copy_of(world.folder.path()), PERSONS, "none");
    let seconds = |log: &str| {
        log.lines().find_map(|line| line.strip_prefix("ready after ")?.strip_suffix(" s")?.parse::<f64>().ok())
    };
    let until = Instant::now() + Duration::from_secs(30);
    let ready = loop {
        if let Some(ready) = seconds(&again.log()) {
            break ready;
        }
        assert!(Instant::now() < until, "{}", again.log());
        std::thread::sleep(Duration::from_millis(50));
    };
    assert!(ready < 3.0, "a second start took {ready} s");
}
