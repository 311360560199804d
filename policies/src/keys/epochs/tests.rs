//! Rotations: in order, by a verdict of their own, and whole after a stop anywhere.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use proptest::prelude::*;

use super::super::SigningKey;
use super::*;
use crate::zone::Zone;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn holder(dir: &tempfile::TempDir) -> KeyFolder {
    KeyFolder::init(&dir.path().join("holder"), Zone::Holder, NOW).unwrap()
}

fn epoch(number: u32, key: &SecretBytes) -> Epoch {
    Epoch { number, fingerprint: key.fingerprint(), root: None, made_at: NOW }
}

fn verdict(epochs: &Epochs, bridge: &str) -> BridgeVerdict {
    let state = epochs.state();
    BridgeVerdict {
        from: state.current.fingerprint.clone(),
        to: state.next().unwrap().fingerprint.clone(),
        bridge: bridge.to_owned(),
        verified_at: NOW,
    }
}

#[test]
fn a_rotation_from_new_to_destroyed() {
    let dir = tempfile::tempdir().unwrap();
    let keys = holder(&dir);
    let (linkage, bridge) = (SigningKey::generate(), "ab".repeat(32));
    keys.trust("linkage", &linkage.verifying()).unwrap();
    let old = keys.bytes("epoch").unwrap();
    let new = SecretBytes::generate();
    let mut epochs = Epochs::open(&keys).unwrap();
    assert!(matches!(epochs.start(), Err(RotationError::NoNext)));
    epochs.prepare(epoch(2, &new), &new).unwrap();
    assert!(matches!(epochs.bridge_made(&bridge), Err(RotationError::NotStarted)));
    epochs.start().unwrap();
    assert!(epochs.next_key().unwrap().unwrap().1.same(&new));
    assert!(matches!(epochs.switch(), Err(RotationError::NoBridge)));
    assert!(matches!(epochs.bridge_made("AB"), Err(RotationError::Digest)));
    epochs.bridge_made(&bridge).unwrap();
    assert!(matches!(epochs.switch(), Err(RotationError::NotVerified)));
    assert!(matches!(epochs.destroy(NOW), Err(RotationError::NotSwitched { current: 1 })));
    epochs.verify(&verdict(&epochs, &bridge).sign(&linkage).unwrap()).unwrap();
    assert!(keys.bytes("epoch").unwrap().same(&old));
    epochs.switch().unwrap();
    drop(epochs);

    assert!(keys.bytes("epoch").unwrap().same(&new) && keys.bytes("epoch-previous").unwrap().same(&old));
    assert!(keys.bytes("epoch-next").is_err());
    assert_eq!(keys.epoch().unwrap().0.number, 2);
    let mut epochs = Epochs::open(&keys).unwrap();
    let third = SecretBytes::generate();
    assert!(matches!(epochs.prepare(epoch(3, &third), &third), Err(RotationError::NotDestroyed { previous: 1 })));
    assert!(matches!(epochs.cancel(NOW), Err(RotationError::NotDestroyed { previous: 1 })));
    epochs.destroy(NOW).unwrap();
    assert!(keys.bytes("epoch-previous").is_err() && keys.bytes("epoch").unwrap().same(&new));
    // The destroyed key does not come back by any way.
    assert!(matches!(epochs.join(epoch(2, &old), &old), Err(RotationError::Destroyed { number: 1 })));
    assert!(matches!(epochs.prepare(epoch(3, &old), &old), Err(RotationError::Destroyed { number: 1 })));
    epochs.prepare(epoch(3, &third), &third).unwrap();
}

#[test]
fn a_verdict_of_something_else_does_not_switch() {
    let dir = tempfile::tempdir().unwrap();
    let keys = holder(&dir);
    let (linkage, bridge) = (SigningKey::generate(), "ab".repeat(32));
    let new = SecretBytes::generate();
    let mut epochs = Epochs::open(&keys).unwrap();
    epochs.prepare(epoch(2, &new), &new).unwrap();
    epochs.start().unwrap();
    epochs.bridge_made(&bridge).unwrap();
    let right = verdict(&epochs, &bridge);
    let signed = right.sign(&linkage).unwrap();
    assert!(matches!(epochs.verify(&signed), Err(RotationError::Folder(KeyError::Untrusted { .. }))));
    keys.trust("linkage", &linkage.verifying()).unwrap();
    let by_another = right.sign(&SigningKey::generate()).unwrap();
    assert!(matches!(epochs.verify(&by_another), Err(RotationError::Verdict(_))));
    for other in [
        BridgeVerdict { from: right.to.clone(), ..right.clone() },
        BridgeVerdict { to: right.from.clone(), ..right.clone() },
        BridgeVerdict { to: "0".repeat(16), ..right.clone() },
        BridgeVerdict { bridge: "cd".repeat(32), ..right },
    ] {
        let signed = other.sign(&linkage).unwrap();
        assert!(matches!(epochs.verify(&signed), Err(RotationError::OtherVerdict)));
    }
    epochs.verify(&signed).unwrap();
    // A new bridge voids the verdict on the one before.
    epochs.bridge_made(&"cd".repeat(32)).unwrap();
    assert!(matches!(epochs.switch(), Err(RotationError::NotVerified)));
    assert!(matches!(epochs.verify(&signed), Err(RotationError::OtherVerdict)));

    // Replayed in the next rotation, after this one was given up.
    epochs.cancel(NOW).unwrap();
    assert!(keys.bytes("epoch-next").is_err());
    assert!(matches!(epochs.prepare(epoch(3, &new), &new), Err(RotationError::Destroyed { number: 2 })));
    assert_eq!(epochs.state().next_number(), 3);
    let third = SecretBytes::generate();
    epochs.prepare(epoch(3, &third), &third).unwrap();
    epochs.start().unwrap();
    epochs.bridge_made(&bridge).unwrap();
    assert!(matches!(epochs.verify(&signed), Err(RotationError::OtherVerdict)));
}

#[test]
fn a_shared_epoch_takes_the_place_of_the_random_one() {
    let dir = tempfile::tempdir().unwrap();
    let keys = holder(&dir);
    let shared = SecretBytes::generate();
    let mut epochs = Epochs::open(&keys).unwrap();
    let ours = Epochs::state(&epochs).current.clone();
    assert_eq!((ours.number, ours.fingerprint), (1, keys.bytes("epoch").unwrap().fingerprint()));
    epochs.join(epoch(4, &shared), &shared).unwrap();
    epochs.join(epoch(4, &shared), &shared).unwrap();
    assert!(keys.bytes("epoch").unwrap().same(&shared));
    let older = SecretBytes::generate();
    assert!(matches!(epochs.join(epoch(3, &older), &older), Err(RotationError::Number { current: 4, found: 3 })));
    assert!(matches!(epochs.prepare(epoch(4, &older), &older), Err(RotationError::Number { .. })));
    assert!(matches!(epochs.prepare(epoch(5, &shared), &shared), Err(RotationError::SameKey)));
    epochs.prepare(epoch(5, &older), &older).unwrap();
    let other = SecretBytes::generate();
    assert!(matches!(epochs.join(epoch(6, &other), &other), Err(RotationError::UnderWay { next: 5 })));
}

#[test]
fn a_stop_between_file_and_keys_is_finished_or_undone() {
    let dir = tempfile::tempdir().unwrap();
    let keys = holder(&dir);
    let (old, new) = (keys.bytes("epoch").unwrap(), SecretBytes::generate());
    let mut epochs = Epochs::open(&keys).unwrap();
    // A next key without its entry is forgotten.
    keys.replace_bytes("epoch-next", &new).unwrap();
    epochs.finish().unwrap();
    assert!(keys.bytes("epoch-next").is_err());
    // A switch that wrote the old key's second name, but no more: the current key stays, byte for byte.
    epochs.prepare(epoch(2, &new), &new).unwrap();
    epochs.keep_previous().unwrap();
    drop(epochs);
    let mut epochs = Epochs::open(&keys).unwrap();
    assert!(keys.bytes("epoch").unwrap().same(&old) && keys.bytes("epoch-previous").is_err());
    // A switch that wrote its entry, but has not moved the keys.
    epochs.start().unwrap();
    epochs.bridge_made(&"ab".repeat(32)).unwrap();
    let state = epochs.state().decide(Turn::Verify(verdict(&epochs, &"ab".repeat(32)), String::new())).unwrap();
    let state = state.decide(Turn::Switch).unwrap();
    epochs.keep_previous().unwrap();
    epochs.store(state).unwrap();
    drop(epochs);
    let inode = fs::metadata(keys.path().join("secret/epoch-previous.key")).unwrap().ino();
    assert_eq!(inode, fs::metadata(keys.path().join("secret/epoch.key")).unwrap().ino());
    let (named, key) = keys.epoch().unwrap();
    assert!(key.same(&new) && named.number == 2);
    let mut epochs = Epochs::open(&keys).unwrap();
    assert!(keys.bytes("epoch-previous").unwrap().same(&old));
    epochs.destroy(NOW).unwrap();
    assert!(keys.bytes("epoch").unwrap().same(&new));
}

#[test]
fn what_does_not_fit_together_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let keys = holder(&dir);
    let mut epochs = Epochs::open(&keys).unwrap();
    let state = EpochState { current: epoch(2, &SecretBytes::generate()), ..epochs.state().clone() };
    epochs.store(state).unwrap();
    drop(epochs);
    assert!(matches!(Epochs::open(&keys), Err(RotationError::Broken { .. })));
    assert!(matches!(keys.epoch(), Err(RotationError::Broken { .. })));
    let at = keys.path().join(FILE);
    let whole = fs::read(&at).unwrap();
    durable::replace_private(&at, &whole[..whole.len() / 2]).unwrap();
    assert!(matches!(Epochs::open(&keys), Err(RotationError::Broken { .. })));
    fs::set_permissions(&at, Permissions::from_mode(0o644)).unwrap();
    assert!(matches!(Epochs::open(&keys), Err(RotationError::Folder(KeyError::Open { .. }))));
    let linkage = KeyFolder::init(&dir.path().join("linkage"), Zone::Linkage, NOW).unwrap();
    assert!(matches!(Epochs::open(&linkage), Err(RotationError::Folder(KeyError::OtherZone { .. }))));
}

fn turns() -> impl Strategy<Value = Turn> {
    let name = |number: u32, key: u8| Epoch { number, fingerprint: format!("{key:016}"), root: None, made_at: NOW };
    let digest = |bridge: bool| if bridge { "ab" } else { "cd" }.repeat(32);
    let verdict = move |(from, to, bridge): (u8, u8, bool)| BridgeVerdict {
        from: format!("{from:016}"),
        to: format!("{to:016}"),
        bridge: digest(bridge),
        verified_at: NOW,
    };
    prop_oneof![
        (1..6_u32, 0..5_u8).prop_map(move |(number, key)| Turn::Prepare(name(number, key))),
        (1..6_u32, 0..5_u8).prop_map(move |(number, key)| Turn::Join(name(number, key))),
        Just(Turn::Start),
        any::<bool>().prop_map(move |bridge| Turn::BridgeMade(digest(bridge))),
        (0..5_u8, 0..5_u8, any::<bool>()).prop_map(move |of| Turn::Verify(verdict(of), String::new())),
        Just(Turn::Switch),
        Just(Turn::Destroy(NOW)),
        Just(Turn::Cancel(NOW)),
    ]
}

proptest! {
    /// Whatever is tried, in whatever order: epochs only go forward, the key changes under a rotation only after a fitting
    /// verdict on the last bridge, and a destroyed key is never the current or next one again.
    #[test]
    fn no_order_of_turns_breaks_the_rules(tries in proptest::collection::vec(turns(), 0..60)) {
        let first = Epoch { number: 1, fingerprint: format!("{:016}", 0), root: None, made_at: NOW };
        let mut state = EpochState { current: first, rotation: Stage::Steady, destroyed: Vec::new() };
        let mut verified = false;
        for turn in tries {
            let Ok(after) = state.decide(turn.clone()) else { continue };
            match &turn {
                Turn::Verify(verdict, _) => {
                    prop_assert_eq!(&verdict.from, &state.current.fingerprint);
                    prop_assert_eq!(&verdict.to, &state.next().unwrap().fingerprint);
                    verified = true;
                }
                Turn::Switch => prop_assert!(verified),
                Turn::BridgeMade(_)
                | Turn::Cancel(_)
                | Turn::Destroy(_)
                | Turn::Join(_)
                | Turn::Prepare(_)
                | Turn::Start => {}
            }
            if matches!(turn, Turn::BridgeMade(_) | Turn::Cancel(_) | Turn::Switch) {
                verified = false;
            }
            if after.current != state.current {
                prop_assert!(matches!(turn, Turn::Switch | Turn::Join(_)));
                prop_assert!(after.current.number >= state.current.number);
            }
            for gone in &after.destroyed {
                prop_assert_ne!(&gone.epoch.fingerprint, &after.current.fingerprint);
                prop_assert!(after.next().is_none_or(|next| next.fingerprint != gone.epoch.fingerprint));
            }
            prop_assert!(after.destroyed.len() >= state.destroyed.len());
            state = after;
        }
        let text = serde_json::to_string(&state).unwrap();
        prop_assert_eq!(serde_json::from_str::<EpochState>(&text).unwrap(), state);
    }
}
