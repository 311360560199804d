//! An installation of its own: fresh portal and permit zones beside a prepared enclave, each service a process, nine accounts that have
//! no second factor yet.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use jiff::Timestamp;
use policies::Zone;
use policies::audit::AuditLog;
use policies::keys::KeyFolder;
use review_portal::Database;
use review_portal::accounts::{self, NewAccount};
use tempfile::TempDir;

use crate::world::{PERSONS, Running, copy_of, free_port, path, prepared, run, serve, text};

/// Everybody's password.
pub(super) const PASSWORD: &str = "四つの鍵 on a reed screen";

/// Somebody who takes part.
pub(super) struct Person {
    /// Sign-in name.
    pub(super) user: &'static str,
    /// Name on Japanese pages.
    pub(super) name: &'static str,
    affiliation: &'static str,
    role: &'static str,
    seats: &'static str,
    holds: &'static str,
    /// Whether the passkey has to count for votes, grants or pledges.
    pub(super) signs: bool,
}

const fn person(user: &'static str, name: &'static str, affiliation: &'static str, role: &'static str) -> Person {
    Person { user, name, affiliation, role, seats: "", holds: "", signs: false }
}

/// Principal investigator.
pub(super) const PI: Person =
    Person { signs: true, ..person("pi@univ-a.example", "東 一郎", "univ-a / medicine", "researcher") };
/// Co-researcher, who reads English.
pub(super) const CO: Person =
    Person { signs: true, ..person("co@univ-b.example", "西 二葉", "univ-b / nursing", "researcher") };
/// The secretariat.
pub(super) const OFFICE: Person =
    Person { signs: true, ..person("office@office.example", "南 事子", "office", "secretariat") };
/// Holds two seats of the committee.
pub(super) const R1: Person =
    Person {
        signs: true, seats: "patients law", ..person("r1@committee.example", "北 花", "institute-c", "reviewer")
    };
/// Holds the other two.
pub(super) const R2: Person = Person {
    signs: true,
    seats: "security epidemiology",
    ..person("r2@committee.example", "中 月", "institute-d", "reviewer")
};
/// Works at the investigator's university, in another department: the rules see no conflict, the person does.
pub(super) const R3: Person =
    Person { seats: "law", ..person("r3@univ-a.example", "上 雪", "univ-a / law", "reviewer") };
/// The chair.
pub(super) const CHAIR: Person =
    Person { signs: true, ..person("chair@committee.example", "下 長", "institute-e", "chair reviewer") };
/// Answers for NDB.
pub(super) const NDB: Person =
    Person { holds: "ndb", ..person("ndb@holder.example", "右 納", "holder-n", "steward") };
/// Answers for DPC.
pub(super) const DPC: Person =
    Person { holds: "dpc", ..person("dpc@holder.example", "左 診", "holder-d", "steward") };

/// All nine.
pub(super) const PEOPLE: [&Person; 9] = [&PI, &CO, &OFFICE, &R1, &R2, &R3, &CHAIR, &NDB, &DPC];

/// Served until dropped.
pub(super) struct Installation {
    folder: TempDir,
    /// Where people reach the portal; passkeys are made for this name.
    pub(super) portal: String,
    _services: [Running; 4],
}

impl Installation {
    pub(super) async fn start() -> Self {
        let folder = copy_of(&prepared(PERSONS, "none"));
        let at = |name: &str| folder.path().join(name);
        for (zone, out) in [("portal", "office/keys"), ("permit", "signer/keys")] {
            done(&["keys", "init", "--zone", zone, "--out", path(&at(out))]);
        }
        accounts(folder.path()).await;
        let releases = ["ndb", "dpc", "person"].map(|dataset| at(&format!("enclave/releases/{dataset}/2026.1")));
        let (database, keys, enclave) = (at("office/portal.sqlite"), at("office/keys"), at("enclave/keys/public"));
        let publish = ["catalog", "publish", "--database", path(&database), "--keys", path(&keys)];
        let releases = releases.each_ref().map(|release| path(release));
        done(&[publish.as_slice(), &["--enclave", path(&enclave)], &releases].concat());
        let ports = [free_port(), free_port(), free_port(), free_port()];
        let portal = ports[3];
        let config = at("sudare.toml");
        fs::write(&config, configuration(ports)).unwrap();
        let services = ["signer", "desk", "engine", "portal"].map(|service| serve(&config, service));
        Self { portal: format!("http://localhost:{portal}"), folder, _services: services }
    }

    /// What the operator does with a request and the code that its person read out.
    pub(super) fn enrol(&self, user: &str, request: &str, code: &str) {
        let file = self.at(&format!("{user}.jws"));
        fs::write(&file, request).unwrap();
        let (keys, key, store) =
            (self.at("signer/keys"), self.at("office/keys/public/sign.pub"), self.at("signer/store"));
        let place = ["permit", "enrol", "--keys", path(&keys), "--portal-key", path(&key), "--store", path(&store)];
        let misheard = run(&[place.as_slice(), &["--code", "2222-2222", path(&file)]].concat());
        assert_eq!(misheard.status.code(), Some(1), "a wrong code enrols nobody: {}", text(&misheard.stdout));
        let said = done(&[place.as_slice(), &["--code", code, path(&file)]].concat());
        assert!(said.contains(user), "{said}");
    }

    /// The chains of the portal, the permit signer and the enclave, and what they say of each other.
    pub(super) fn audited(&self) -> String {
        let zones = ["office/keys", "signer/keys", "enclave/keys"].map(|zone| self.at(zone));
        done(&[["audit", "verify"].as_slice(), &zones.each_ref().map(|zone| path(zone))].concat())
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

fn configuration([signer, desk, engine, portal]: [u16; 4]) -> String {
    format!(
        "[signer]\nlisten = \"127.0.0.1:{signer}\"\nkeys = \"signer/keys\"\nportal_key = \"office/keys/public/sign.pub\"\nstore = \"signer/store\"\n\
         [desk]\nlisten = \"127.0.0.1:{desk}\"\nkeys = \"signer/keys\"\nportal = \"http://localhost:{portal}\"\n\
         [engine]\nlisten = \"127.0.0.1:{engine}\"\nkeys = \"enclave/keys\"\nreleases = \"enclave/releases\"\nportal_session_key = \"office/keys/public/session.pub\"\n\
         permit_key = \"signer/keys/public/permit.pub\"\nsigner = \"http://127.0.0.1:{signer}\"\n\
         [portal]\nlisten = \"127.0.0.1:{portal}\"\nkeys = \"office/keys\"\ndatabase = \"office/portal.sqlite\"\nsigner = \"http://127.0.0.1:{signer}\"\n\
         engine = \"grpc://127.0.0.1:{engine}\"\norigin = \"http://localhost:{portal}\"\ndesk = \"http://localhost:{desk}\"\nsynthetic = true\n"
    )
}

/// As an operator makes them: a name and a password, nothing else.
async fn accounts(folder: &Path) {
    let keys = KeyFolder::open(&folder.join("office/keys"), Zone::Portal).unwrap();
    let audit = Arc::new(AuditLog::open(keys.path(), Zone::Portal, keys.signing("sign").unwrap()).unwrap());
    let database = Database::open(&folder.join("office/portal.sqlite").into()).await.unwrap();
    for person in PEOPLE {
        let account = NewAccount {
            user: person.user.parse().unwrap(),
            name_ja: person.name.to_owned(),
            name_en: person.user.to_owned(),
            affiliation: person.affiliation.parse().unwrap(),
            roles: words(person.role),
            seats: words(person.seats),
            holds: words(person.holds),
            coauthors: BTreeMap::new(),
            password: PASSWORD.to_owned().into(),
        };
        accounts::create(&database, &audit, account, Timestamp::now()).await.unwrap();
    }
}

fn words<T: FromStr<Err: std::fmt::Debug> + Ord>(text: &str) -> BTreeSet<T> {
    text.split_whitespace().map(|word| word.parse().unwrap()).collect()
}

fn done(arguments: &[&str]) -> String {
    let output = run(&[arguments, &["--lang", "en"]].concat());
    assert!(output.status.success(), "{arguments:?}: {}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}
