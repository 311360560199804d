//! Keys between holders: they arrive whole, at the right holder, from the right one, and once.

use jiff::{SignedDuration, Timestamp};
use policies::Zone;
use policies::keys::{RunId, RunKey};

use super::*;
use crate::seal;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn holder(dir: &tempfile::TempDir, name: &str) -> KeyFolder {
    KeyFolder::init(&dir.path().join(name), Zone::Holder, NOW).unwrap()
}

fn to(keys: &KeyFolder) -> SealRecipient {
    keys.recipient().unwrap()
}

#[test]
fn two_holders_share_an_epoch() {
    let dir = tempfile::tempdir().unwrap();
    let (ndb, dpc, other) = (holder(&dir, "ndb"), holder(&dir, "dpc"), holder(&dir, "other"));
    let own = ndb.bytes("epoch").unwrap().fingerprint();
    let wrapped = wrap(&ndb, &to(&dpc)).unwrap();
    assert!(matches!(join(&other, &wrapped), Err(EpochError::Open(_))));
    let Joined::Current(joined) = join(&dpc, &wrapped).unwrap() else { panic!("not the current epoch") };
    assert_eq!((joined.number, &joined.fingerprint), (1, &own));
    assert_eq!(dpc.bytes("epoch").unwrap().fingerprint(), own);
    for foreign in [&[7; 32][..], b"sudare epoch 1\n", b"sudare parcel 1\n", b"", b"\xff"] {
        let foreign = seal::seal_bytes(foreign, &to(&dpc)).unwrap();
        assert!(matches!(join(&dpc, &foreign), Err(EpochError::Form)));
    }
}

#[test]
fn a_parcel_is_believed_from_its_sender_alone() {
    let dir = tempfile::tempdir().unwrap();
    let (ndb, dpc, thief) = (holder(&dir, "ndb"), holder(&dir, "dpc"), holder(&dir, "thief"));
    let before = dpc.bytes("epoch").unwrap();
    let wrapped = wrap(&thief, &to(&dpc)).unwrap();
    assert!(matches!(join_from(&dpc, &wrapped, "ndb"), Err(EpochError::Keys(KeyError::Untrusted { .. }))));
    dpc.trust("ndb", &ndb.signing("sign").unwrap().verifying()).unwrap();
    assert!(matches!(join_from(&dpc, &wrapped, "ndb"), Err(EpochError::Signature)));
    // What ndb signed for somebody else, sealed on to dpc.
    let inside = seal::open_bytes(&wrap(&ndb, &to(&thief)).unwrap(), &thief.seal().unwrap()).unwrap();
    let sealed_on = seal::seal_bytes(&inside, &to(&dpc)).unwrap();
    assert!(matches!(join_from(&dpc, &sealed_on, "ndb"), Err(EpochError::Form)));
    // Every changed byte inside breaks the signature, or the form.
    let inside = seal::open_bytes(&wrap(&ndb, &to(&dpc)).unwrap(), &dpc.seal().unwrap()).unwrap();
    for place in (0..inside.len()).step_by(5) {
        let mut bytes = inside.clone();
        bytes[place] ^= 1;
        let sealed = seal::seal_bytes(&bytes, &to(&dpc)).unwrap();
        let taken = Parcel::open(&dpc, &sealed, KIND).and_then(|parcel| parcel.from(&dpc.trusted("ndb")?));
        assert!(matches!(taken, Err(EpochError::Form | EpochError::Signature)), "byte {place}");
    }
    assert!(dpc.bytes("epoch").unwrap().same(&before));
    join_from(&dpc, &wrap(&ndb, &to(&dpc)).unwrap(), "ndb").unwrap();
}

#[test]
fn the_next_epoch_travels_beside_the_current_one() {
    let dir = tempfile::tempdir().unwrap();
    let (ndb, dpc) = (holder(&dir, "ndb"), holder(&dir, "dpc"));
    assert!(matches!(wrap_next(&ndb, &to(&dpc)), Err(EpochError::NoNext)));
    let first = wrap(&ndb, &to(&dpc)).unwrap();
    let next = SecretBytes::generate();
    let epoch = Epoch { number: 2, fingerprint: next.fingerprint(), root: Some("00ff".to_owned()), made_at: NOW };
    Epochs::open(&ndb).unwrap().prepare(epoch.clone(), &next).unwrap();
    let wrapped = wrap_next(&ndb, &to(&dpc)).unwrap();
    assert!(matches!(join(&dpc, &wrapped), Err(EpochError::Follows)));
    join(&dpc, &first).unwrap();
    assert_eq!(join(&dpc, &wrapped).unwrap(), Joined::Next(epoch.clone()));
    assert_eq!(join(&dpc, &wrapped).unwrap().epoch(), &epoch);
    assert!(Epochs::open(&dpc).unwrap().next_key().unwrap().unwrap().1.same(&next));
    assert_eq!(dpc.epoch().unwrap().0.number, 1);
    // The current epoch cannot be changed while a rotation is prepared.
    let other = holder(&dir, "other");
    let foreign = wrap(&other, &to(&dpc)).unwrap();
    assert!(matches!(join(&dpc, &foreign), Err(EpochError::Epochs(RotationError::UnderWay { next: 2 }))));
}

#[test]
fn a_run_key_is_shared_and_does_not_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let (ndb, dpc) = (holder(&dir, "ndb"), holder(&dir, "dpc"));
    let id: RunId = "2026-11".parse().unwrap();
    assert!(matches!(wrap_run_key(&ndb, &id, &to(&dpc), NOW), Err(EpochError::RunKey(RunKeyError::Missing(_)))));
    let made = ndb.keep_run_key(RunKey::generate(id.clone(), NOW), NOW).unwrap();
    let wrapped = wrap_run_key(&ndb, &id, &to(&dpc), NOW).unwrap();
    assert!(matches!(join(&dpc, &wrapped), Err(EpochError::Form)), "a run key is no epoch");
    let epoch = wrap(&ndb, &to(&dpc)).unwrap();
    assert!(matches!(join_run_key(&dpc, &epoch, None, NOW), Err(EpochError::Form)));
    dpc.trust("ltc", &dpc.signing("sign").unwrap().verifying()).unwrap();
    assert!(matches!(join_run_key(&dpc, &wrapped, Some("ltc"), NOW), Err(EpochError::Signature)));
    let later = NOW + SignedDuration::from_hours(24 * 15);
    assert!(matches!(join_run_key(&dpc, &wrapped, None, later), Err(EpochError::RunKey(RunKeyError::Old(_)))));
    assert!(join_run_key(&dpc, &wrapped, None, NOW).unwrap().bytes().same(made.bytes()));
    dpc.wipe_run_key(&id, NOW).unwrap();
    assert!(matches!(join_run_key(&dpc, &wrapped, None, NOW), Err(EpochError::RunKey(RunKeyError::Wiped(_)))));
    // The linkage zone can open nothing of it, whoever sends it.
    let linkage = KeyFolder::init(&dir.path().join("linkage"), Zone::Linkage, NOW).unwrap();
    let sent = wrap_run_key(&ndb, &id, &to(&linkage), NOW).unwrap();
    assert!(matches!(
        join_run_key(&linkage, &sent, None, NOW),
        Err(EpochError::RunKey(RunKeyError::Folder(KeyError::OtherZone { .. })))
    ));
}
