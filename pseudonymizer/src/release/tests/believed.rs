//! Which batches the enclave believes: signed by the trusted holder, scanned, and whole.

use super::*;

fn refusal(world: &World) -> ReleaseError {
    let refused = world.release_with("ndb", None, &mut |_| true).unwrap_err();
    let left = fs::read_dir(world.releases().join("ndb")).map_or(0, Iterator::count);
    assert_eq!(left, 0, "nothing of a refused batch is there");
    refused
}

fn told(error: &ReleaseError) -> String {
    let mut told = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        told = format!("{told}: {error}");
        cause = error.source();
    }
    told
}

#[test]
fn the_signer_must_be_the_trusted_holder_of_the_source() {
    let world = World::new(2);
    let stranger = SigningKey::generate();
    let mut manifest = world.manifest();
    manifest.write(&world.zones.path("b1"), &stranger).unwrap();
    assert!(matches!(refusal(&world), ReleaseError::Signature(_)));
    manifest.holder = stranger.verifying().fingerprint();
    manifest.write(&world.zones.path("b1"), &stranger).unwrap();
    let refused = refusal(&world);
    assert!(matches!(refused, ReleaseError::Signature(_)));
    assert!(told(&refused).contains(&stranger.verifying().fingerprint()), "{}", told(&refused));

    // NDB's holder speaks for NDB alone.
    world.sign_as(|manifest| manifest.source = "ltc".to_owned());
    let refused = refusal(&world);
    assert!(matches!(refused, ReleaseError::Untrusted { .. }));
    assert!(told(&refused).contains("sudare keys trust"), "{}", told(&refused));
    world.zones.enclave.trust("ltc", &stranger.verifying()).unwrap();
    assert!(matches!(refusal(&world), ReleaseError::Signature(_)));

    world.sign();
    world.zones.enclave.replace_trusted("ndb", &stranger.verifying()).unwrap();
    assert!(matches!(refusal(&world), ReleaseError::Signature(_)));
}

#[test]
fn a_manifest_without_its_signature_is_no_batch() {
    let world = World::new(2);
    let batch = world.zones.path("b1");
    let json = fs::read_to_string(batch.join("batch.json")).unwrap();
    policies::durable::replace(
        &batch.join("batch.json"),
        json.replace("\"ndb.claims\": 1", "\"ndb.claims\": 2").as_bytes(),
    )
    .unwrap();
    assert!(matches!(refusal(&world), ReleaseError::Signature(_)));
    world.sign();
    policies::durable::replace(&batch.join("batch.sig"), b"").unwrap();
    assert!(matches!(refusal(&world), ReleaseError::Signature(_)));
    fs::remove_file(batch.join("batch.sig")).unwrap();
    assert!(matches!(refusal(&world), ReleaseError::Batch { .. }));
    world.sign_as(|manifest| manifest.format = 1);
    assert!(matches!(refusal(&world), ReleaseError::Batch { .. }));
}

#[test]
fn a_batch_goes_no_further_without_a_passed_leak_scan() {
    let world = World::new(2);
    for scan in [None, Some(LeakScan { values: 9, hits: 1 }), Some(LeakScan { values: 0, hits: 0 })] {
        world.sign_as(|manifest| manifest.leak_scan = scan);
        assert!(matches!(refusal(&world), ReleaseError::LeakScan { .. }), "{scan:?}");
    }
    world.sign();
    world.release("ndb");
}

#[test]
fn content_is_what_the_holder_signed_for_and_nothing_else() {
    let world = World::new(2);
    let schema = content_schema(catalog::table("ndb.claims").unwrap());
    // Anybody can seal to the enclave: its key is public.
    world.write("ndb.claims", &schema, &[(0, [("sex", "2")])]);
    assert!(matches!(refusal(&world), ReleaseError::Changed(_)));
    world.sign();
    let drugs = content_schema(catalog::table("ndb.drugs").unwrap());
    world.write("ndb.drugs", &drugs, &[(0, [("sex", "2")])]);
    assert!(matches!(refusal(&world), ReleaseError::Changed(_)));
    world.sign();
    assert_eq!(world.release("ndb").tables["ndb.drugs"].rows, 1);
}

#[test]
fn a_source_that_nobody_added_is_refused_by_name() {
    let world = World::new(2);
    world.zones.enclave.trust("registry", &world.holder.verifying()).unwrap();
    world.sign_as(|manifest| manifest.source = "registry".to_owned());
    let refused = refusal(&world);
    assert!(matches!(refused, ReleaseError::UnknownSource { .. }));
    assert!(refused.to_string().contains("registry") && refused.to_string().contains("--sources"), "{refused}");
    // What an unsigned manifest says of its source becomes neither a path nor a part of a message.
    world.sign_as(|manifest| manifest.source = "../ndb\u{1b}".to_owned());
    let refused = refusal(&world);
    assert!(matches!(refused, ReleaseError::Untrusted { .. }));
    assert!(!told(&refused).contains('\u{1b}'));
}
