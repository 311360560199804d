//! The engine for dummy releases beside the one for people's records: neither opens the other's releases or takes its tokens.

use arrow::array::AsArray as _;
use arrow::datatypes::Int64Type;
use catalog::ReleaseKind;
use serde_json::json;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::super::{DummyConfig, ServeError, serve_dummies};
use super::world::{self, Prepared, Running};
use super::{COUNT, refused};
use crate::client::{ClientAnswer, ClientError, query};
use crate::release::tests::{Enclave, claims};

/// A running engine for dummy releases that believes the same portal as `prepared`; ends when dropped.
struct Dummy {
    address: String,
    _serving: JoinSet<Result<(), ServeError>>,
}

/// A dummy release of 400 persons, under keys of its own.
fn enclave() -> Enclave {
    let mut enclave = Enclave::new();
    enclave.kind = ReleaseKind::Dummy;
    enclave.write("ndb/2026.1", &[("ndb.claims", claims(400, 2))]);
    enclave.write("person/2026.1", &[("person.ndb", world::persons(400))]);
    enclave
}

fn config(enclave: &Enclave, prepared: &Prepared) -> DummyConfig {
    let people = prepared.config();
    DummyConfig {
        listen: people.listen,
        releases: enclave.folder(),
        keys: enclave.dir.path().join("keys"),
        portal_session_key: people.portal_session_key,
        tls: false,
        audit: enclave.dir.path().join("audit"),
        clock: people.clock,
        limits: people.limits,
    }
}

impl Dummy {
    async fn start(config: DummyConfig) -> Self {
        let (tell, told) = oneshot::channel();
        let mut serving = JoinSet::new();
        let ready = move |address| tell.send(address).unwrap();
        serving.spawn(serve_dummies(config, ready, std::future::pending()));
        Self { address: told.await.unwrap().to_string(), _serving: serving }
    }

    async fn ask(&self, token: &str, sql: &str) -> Result<ClientAnswer, ClientError> {
        query(&self.address, token, Some("fracture"), sql).await
    }
}

fn first(answer: &ClientAnswer) -> i64 {
    answer.batches[0].column(0).as_primitive::<Int64Type>().value(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn anybody_asks_dummies_without_permit_and_the_answer_says_what_it_is() {
    let (prepared, enclave) = (Prepared::with(400, |_| ()), enclave());
    let dummy = Dummy::start(config(&enclave, &prepared)).await;
    let people = Running::start_whole(prepared).await;
    let token = people.world.dummy_token(|_| ());
    let answer = dummy.ask(&token, COUNT).await.unwrap();
    assert!(answer.is_dummy && first(&answer) == 800);
    // The plan's cost: one scan of 800 rows, whatever the condition leaves.
    assert_eq!(answer.cost.as_ref().unwrap()["rows"], json!(800));
    let few = dummy.ask(&token, "select count(*) from ndb.claims where points <= 1800").await.unwrap();
    assert_eq!(few.cost.as_ref().unwrap()["rows"], json!(800));
    assert!(few.batches[0].column(0).is_null(0), "the veil is the same");
    let person = dummy.ask(&token, "select count(birth_date) from person").await.unwrap();
    assert_eq!(person.cost.unwrap()["rows"], json!(400));
    let rows = dummy.ask(&token, "select * from ndb.claims").await.unwrap_err();
    assert!(refused(rows).starts_with("guard/rows-at-root"));
    // People's records: the same text, no mark.
    let own = query(&people.address(), &people.token(), None, COUNT).await.unwrap();
    assert!(!own.is_dummy && own.cost.unwrap()["rows"] == json!(800));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_the_one_is_nothing_at_the_other() {
    let (prepared, enclave) = (Prepared::with(400, |_| ()), enclave());
    let dummy = Dummy::start(config(&enclave, &prepared)).await;
    let people = Running::start_whole(prepared).await;
    let (own, made_up) = (people.token(), people.world.dummy_token(|_| ()));
    assert!(refused(dummy.ask(&own, COUNT).await.unwrap_err()).starts_with("session/for-projects"));
    let error = query(&people.address(), &made_up, None, COUNT).await.unwrap_err();
    assert!(refused(error).starts_with("session/for-dummies"));
    assert!(people.audit().is_empty(), "nobody was let in");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_folder_exposes_nobody() {
    let (prepared, enclave) = (Prepared::with(400, |_| ()), enclave());
    // The engine for dummies, told the enclave's own folders by mistake.
    let people = prepared.config();
    let mixed =
        DummyConfig { releases: people.releases.clone(), keys: people.keys.clone(), ..config(&enclave, &prepared) };
    let error = serve_dummies(mixed, |_| panic!("it serves"), std::future::pending()).await.unwrap_err();
    assert!(error.to_string().contains("is not marked as dummy"), "{error}");
    // A release of people that appears later under a name that nothing served yet has is not opened either: what may be asked
    // was settled at the start.
    let dummy = Dummy::start(config(&enclave, &prepared)).await;
    let mut later = enclave;
    later.kind = ReleaseKind::Holders;
    later.write("ltc/2026.1", &[]);
    let running = Running::start_whole(prepared).await;
    let token = running.world.dummy_token(|_| ());
    let told = refused(dummy.ask(&token, "select count(*) from ltc.claims").await.unwrap_err());
    assert!(told.starts_with("guard/no-such-table"), "{told}");
    drop(dummy);
    // The engine for people, given the dummies' folder: it begins, and serves none of them.
    let error = serve_of_people(&later, &running).await;
    assert!(error.starts_with("permit/release-unavailable"), "{error}");
}

/// What a member is told by an engine for people over the dummies' folder.
async fn serve_of_people(dummies: &Enclave, running: &Running) -> String {
    let config = super::super::EngineConfig {
        releases: dummies.folder(),
        keys: dummies.dir.path().join("keys"),
        audit: dummies.dir.path().join("people"),
        ..running.config()
    };
    let (tell, told) = oneshot::channel();
    let mut serving = JoinSet::new();
    serving.spawn(super::super::serve(config, |address| tell.send(address).unwrap(), std::future::pending()));
    let address = told.await.unwrap().to_string();
    refused(query(&address, &running.token(), None, COUNT).await.unwrap_err())
}
