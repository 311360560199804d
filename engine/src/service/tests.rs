//! The edge over real sockets: a client, a signer, one release, and a guard that answers what it is told.

mod added;
mod dummy;
mod place;
mod session;
mod tls;
mod work;
mod world;

use std::sync::atomic::Ordering;

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use arrow_flight::sql::client::FlightSqlServiceClient;
use arrow_flight::sql::{
    CommandGetDbSchemas, CommandGetTables, CommandStatementSubstraitPlan, ProstMessageExt, SubstraitPlan,
};
use arrow_flight::{Action, FlightData, FlightDescriptor, Ticket};
use futures::TryStreamExt;
use jiff::ToSpan;
use prost::Message;
use tonic::transport::Channel;
use tonic::{Code, Request};

use super::*;
use crate::client::{ClientError, query};
use crate::refused::RefusedObject;
use world::Running;

const COUNT: &str = "select count(*) from ndb.claims";

fn refused(error: ClientError) -> String {
    match error {
        ClientError::Refused(refused) => refused.to_string(),
        ClientError::Failed(sentence) => format!("failed: {sentence}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_gives_cells_with_their_veil_and_two_audit_entries() {
    let running = Running::start().await;
    let answer = query(&running.address(), &running.token(), Some("a"), COUNT).await.unwrap();
    assert_eq!(answer.batches[0].column(0).as_primitive::<Int64Type>().value(0), 8);
    assert_eq!(
        answer.veil,
        serde_json::json!({"grade": "exact", "snapped": 0, "withheld": "0-9", "snapped": 0, "reasons": ["few_persons"]})
    );
    let entries = running.audit();
    let actions: Vec<&str> = entries.iter().map(|entry| entry.action.as_str()).collect();
    assert_eq!(actions, ["query:asked", "query:answered"]);
    assert!(entries.iter().all(|entry| entry.actor == "tanaka@univ-a.example" && entry.object == "a"));
    assert_eq!(entries[0].detail["sql"], COUNT);
    assert_eq!(entries[1].detail["cells"], 1);
    assert_eq!(entries[1].detail["withheld"], "0-9");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_carries_its_object_and_is_recorded() {
    let running = Running::start().await;
    let error = query(&running.address(), &running.token(), None, "select refuse").await.unwrap_err();
    let ClientError::Refused(refused) = error else { panic!("{error}") };
    assert_eq!((refused.code.as_str(), refused.rule.as_str()), ("guard/rows-at-root", "V-ROOT"));
    assert!(!refused.hint.is_empty());
    let entries = running.audit();
    assert_eq!(entries[0].action, "query:refused");
    assert_eq!(entries[0].detail["code"], "guard/rows-at-root");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_is_one_sentence_without_the_cause() {
    let running = Running::start().await;
    for sql in ["select panic", "select fail"] {
        let error = query(&running.address(), &running.token(), None, sql).await.unwrap_err();
        assert_eq!(refused(error), "failed: veil/failed: the query failed while it ran");
    }
    assert_eq!(running.audit().iter().filter(|entry| entry.action == "query:failed").count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_permission_is_a_failed_precondition() {
    let running = Running::start().await;
    let expired = running.world.token(|token| token.expires_at = running.world.now);
    let mut client = running.flight(&expired).await;
    let error = client.get_flight_info(world::statement(COUNT)).await.unwrap_err();
    let arrow_flight::error::FlightError::Tonic(status) = error else { panic!("{error}") };
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert_eq!(status.message(), "session/expired V-PROTOCOL: the session token has expired");
    let object: RefusedObject = serde_json::from_slice(status.details()).unwrap();
    assert_eq!(object.refused.hint, "sign in at the portal for a new token");
    let error = query(&running.address(), &running.token(), Some("b"), COUNT).await.unwrap_err();
    assert_eq!(refused(error), "permit/other-project V-CATALOG: the session has no permit for this project");
    assert!(running.audit().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_signer_nothing_runs() {
    let running = Running::start().await;
    running.signer.up.store(false, Ordering::SeqCst);
    running.pass(61.seconds());
    let error = query(&running.address(), &running.token(), None, COUNT).await.unwrap_err();
    assert!(refused(error).starts_with("permit/no-status"));
    running.signer.up.store(true, Ordering::SeqCst);
    query(&running.address(), &running.token(), None, COUNT).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_is_for_one_use_by_its_own_session() {
    let running = Running::start().await;
    let mut own = running.flight(&running.token()).await;
    let other_session = running.world.token(|token| token.session = "f".repeat(32).parse().unwrap());
    let mut other = running.flight(&other_session).await;
    let info = own.get_flight_info(world::statement(COUNT)).await.unwrap();
    assert!(info.schema.is_empty());
    let ticket = info.endpoint[0].ticket.clone().unwrap();
    let denied = other.do_get(ticket.clone()).await.map(|_| ()).unwrap_err();
    assert!(denied.to_string().contains("guard/ticket"), "{denied}");
    own.do_get(ticket.clone()).await.unwrap().try_collect::<Vec<_>>().await.unwrap();
    let replayed = own.do_get(ticket).await.map(|_| ()).unwrap_err();
    assert!(replayed.to_string().contains("guard/ticket"), "{replayed}");
    let info = own.get_flight_info(world::statement(COUNT)).await.unwrap();
    running.pass(601.seconds());
    let renewed = running.flight(&running.token()).await.do_get(info.endpoint[0].ticket.clone().unwrap()).await;
    assert!(renewed.map(|_| ()).unwrap_err().to_string().contains("guard/ticket"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_permit_revoked_while_a_query_runs_gets_nothing() {
    let running = Running::start().await;
    let (address, token) = (running.address(), running.token());
    let mut asked = JoinSet::new();
    asked.spawn(async move { query(&address, &token, None, "select wait").await });
    running.guard.started.notified().await;
    running.signer.revoke(1);
    running.pass(3.seconds());
    running.guard.go_on.notify_one();
    let error = asked.join_next().await.unwrap().unwrap().unwrap_err();
    assert!(refused(error).starts_with("permit/revoked"));
    assert_eq!(running.audit()[1].detail["code"], "permit/revoked");
}

#[tokio::test(flavor = "multi_thread")]
async fn prepared_statements_work_without_parameters() {
    let running = Running::start().await;
    let mut client = running.sql_client().await;
    let mut prepared = client.prepare(COUNT.to_owned(), None).await.unwrap();
    assert_eq!(prepared.dataset_schema().unwrap().field(0).name(), "n");
    for _ in 0..2 {
        let info = prepared.execute().await.unwrap();
        let ticket = info.endpoint[0].ticket.clone().unwrap();
        let batches: Vec<_> = client.do_get(ticket).await.unwrap().try_collect().await.unwrap();
        assert_eq!(batches[0].num_rows(), 1);
    }
    prepared.close().await.unwrap();
    assert!(client.prepare("select refuse".to_owned(), None).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_are_the_permits() {
    let running = Running::start().await;
    let mut client = running.sql_client().await;
    let info = client.get_tables(CommandGetTables { include_schema: true, ..Default::default() }).await.unwrap();
    let tables = read(&mut client, info).await;
    let names: Vec<String> = tables.column(2).as_string::<i32>().iter().flatten().map(str::to_owned).collect();
    assert!(names.contains(&"claims".to_owned()) && names.contains(&"drug".to_owned()));
    assert!(!names.contains(&"drugs".to_owned()) && !names.contains(&"person".to_owned()));
    let info = client.get_db_schemas(CommandGetDbSchemas::default()).await.unwrap();
    let schemas = read(&mut client, info).await;
    assert_eq!(schemas.column(1).as_string::<i32>().iter().flatten().collect::<Vec<_>>(), ["code", "ndb"]);
    let info = client.get_catalogs().await.unwrap();
    assert_eq!(read(&mut client, info).await.num_rows(), 1);
    let info = client.get_table_types().await.unwrap();
    assert_eq!(read(&mut client, info).await.num_rows(), 1);
    let info = client.get_sql_info(vec![arrow_flight::sql::SqlInfo::FlightSqlServerTransaction]).await.unwrap();
    assert_eq!(read(&mut client, info).await.num_rows(), 1);
}

async fn read(
    client: &mut FlightSqlServiceClient<Channel>,
    info: arrow_flight::FlightInfo,
) -> arrow::array::RecordBatch {
    let ticket = info.endpoint[0].ticket.clone().unwrap();
    let batches: Vec<_> = client.do_get(ticket).await.unwrap().try_collect().await.unwrap();
    arrow::compute::concat_batches(&batches[0].schema(), &batches).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_else_is_refused_by_name() {
    let running = Running::start().await;
    let mut client = running.flight(&running.token()).await;
    let plan = SubstraitPlan { plan: Vec::new().into(), version: String::new() };
    let substrait = CommandStatementSubstraitPlan { plan: Some(plan), transaction_id: None };
    let substrait = FlightDescriptor::new_cmd(substrait.as_any().encode_to_vec());
    let nonsense = FlightDescriptor::new_cmd("SELECT 1");
    let mut found = Vec::new();
    for descriptor in [substrait, nonsense, FlightDescriptor::default()] {
        found.push(code(client.get_schema(descriptor.clone()).await.map(|_| ())));
        found.push(code(client.get_flight_info(descriptor).await.map(|_| ())));
    }
    for kind in [
        "BeginTransaction",
        "CreatePreparedSubstraitPlan",
        "CancelQuery",
        "CancelFlightInfo",
        "sudare.progress",
        "SetSessionOptions",
        "x",
    ] {
        let action = Action { r#type: kind.to_owned(), body: Vec::new().into() };
        found.push(code(client.do_action(action).await.map(|_| ())));
    }
    found.push(code(client.do_get(Ticket::new("x")).await.map(|_| ())));
    found.push(code(client.handshake("x").await.map(|_| ())));
    found.push(code(client.list_flights("x").await.map(|_| ())));
    let nothing = || futures::stream::iter([Ok(FlightData::default())]);
    found.push(code(client.do_exchange(nothing()).await.map(|_| ())));
    let put = client.inner_mut().do_put(Request::new(futures::stream::iter([FlightData::default()]))).await;
    found.push(put.map(|_| ()).unwrap_err().code());
    assert!(found.iter().all(|code| *code == Code::PermissionDenied), "{found:?}");
    assert!(running.audit().is_empty());
}

fn code(outcome: Result<(), arrow_flight::error::FlightError>) -> Code {
    match outcome {
        Err(arrow_flight::error::FlightError::Tonic(status)) => {
            assert!(status.message().starts_with("guard/protocol V-PROTOCOL: "), "{status}");
            status.code()
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn if_the_audit_log_cannot_be_written_nothing_runs() {
    let running = Running::start().await;
    // A line that is no entry: the chain is not whole any more.
    let path = running.audit_folder().join(policies::audit::FILE);
    let mut file = std::fs::OpenOptions::new().append(true).open(&path).unwrap();
    std::io::Write::write_all(&mut file, b"{}\n").unwrap();
    let error = query(&running.address(), &running.token(), None, COUNT).await.unwrap_err();
    assert_eq!(refused(error), "failed: audit/not-written: the request could not be recorded, so nothing was run");
    assert_eq!(running.guard.executed.load(Ordering::SeqCst), 0);
}

/// The whole engine: guard and veil over an encrypted release, `person` joined in its buckets.
#[tokio::test(flavor = "multi_thread")]
async fn cells_come_out_and_rows_do_not() {
    let prepared = world::Prepared::with(400, |permit| {
        permit.datasets.insert("person".to_owned(), crate::admission::tests::grant(&[("person", &["sex", "in_ndb"])]));
    });
    let running = Running::start_whole(prepared).await;
    let ask = async |sql: &str| query(&running.address(), &running.token(), None, sql).await;
    let sql = "select p.sex, count(*) as n, count(distinct c.person_key) as persons
        from ndb.claims c join person p on c.person_key = p.person_key where p.in_ndb group by p.sex order by p.sex";
    let answer = ask(sql).await.unwrap();
    let text = arrow::util::pretty::pretty_format_batches(&answer.batches).unwrap().to_string();
    let cells: Vec<&str> = text.split_whitespace().filter(|part| part.parse::<u32>().is_ok()).collect();
    assert_eq!(cells, ["1", "400", "200", "2", "400", "200"], "{text}");
    assert_eq!(answer.veil["grade"], "exact");
    let refusals = [
        ("select * from ndb.claims limit 1", "guard/"),
        ("select facility_id, count(*) from ndb.claims group by 1", "guard/no-such-column"),
        ("select count(*) from ndb.drugs", "guard/no-such-table"),
        ("select count(\"__facility\") from ndb.claims", "guard/"),
        ("select count(*) from person.ndb", "guard/no-such-table"),
    ];
    for (sql, code) in refusals {
        let told = refused(ask(sql).await.unwrap_err());
        assert!(told.starts_with(code), "{sql}: {told}");
    }
    // Nine persons are too few for a cell; a query without GROUP BY still gives its one row.
    let few = ask("select count(distinct person_key) from ndb.claims where points <= 1800").await.unwrap();
    assert_eq!(few.batches.iter().map(arrow::array::RecordBatch::num_rows).sum::<usize>(), 1);
    assert_eq!(few.batches[0].column(0).null_count(), 1);
    let codes = ask("select count(*) from code.prefecture").await.unwrap();
    assert_eq!(codes.batches[0].column(0).as_primitive::<Int64Type>().value(0), 47);
    assert_eq!(
        running.audit().iter().find(|entry| entry.action == "query:asked").unwrap().detail["tables"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tier_that_cannot_be_made_is_not_passed_off() {
    let prepared = world::Prepared::with(40, |permit| permit.tier = policies::Tier::Anonymized);
    let running = Running::start_whole(prepared).await;
    let error = query(&running.address(), &running.token(), None, COUNT).await.unwrap_err();
    assert!(refused(error).starts_with("permit/not-supported"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_permits_row_filter_is_below_the_question() {
    let prepared = world::Prepared::with(400, |permit| {
        permit.datasets.insert("person".to_owned(), crate::admission::tests::grant(&[("person", &["sex"])]));
        permit.row_filter.push(policies::RowFilter {
            column: "prefecture".to_owned(),
            any_of: std::collections::BTreeSet::from(["13".to_owned()]),
            from: None,
            to: None,
        });
    });
    let running = Running::start_whole(prepared).await;
    let ask = async |sql: &str| query(&running.address(), &running.token(), None, sql).await.unwrap();
    let answer = ask("select count(*) from ndb.claims").await;
    assert_eq!(answer.batches[0].column(0).as_primitive::<Int64Type>().value(0), 400);
    let answer = ask("select count(*) from ndb.claims where prefecture = '27'").await;
    assert_eq!(answer.batches[0].column(0).null_count(), 1);
    // `person` has the column too; none of these persons has a prefecture, so none is left.
    let answer = ask("select count(distinct person_key) from person").await;
    assert_eq!(answer.batches[0].column(0).null_count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_ends_when_told_even_with_a_client_connected() {
    let prepared = world::Prepared::new();
    let (tell, told) = oneshot::channel::<()>();
    let (bound, address) = oneshot::channel();
    let mut serving = JoinSet::new();
    let (config, guard) = (prepared.config(), prepared.guard());
    let ready = move |address| bound.send(address).unwrap();
    serving.spawn(async move { serve_with(config, guard, ready, async move { told.await.unwrap() }).await });
    let address = format!("http://{}", address.await.unwrap());
    let _idle = tonic::transport::Endpoint::from_shared(address).unwrap().connect().await.unwrap();
    tell.send(()).unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(20), serving.join_next()).await.unwrap();
    ended.unwrap().unwrap().unwrap();
}
