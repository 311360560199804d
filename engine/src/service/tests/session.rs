//! A session over real sockets: parameters, questions, cancelling, turns, failures, progress, and what answers look like.

use std::sync::Arc;

use arrow::array::{Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use arrow_flight::sql::client::PreparedStatement;
use arrow_flight::sql::{ActionCancelQueryRequest, Any};
use arrow_flight::{CancelFlightInfoRequest, CancelStatus, FlightClient, FlightInfo};

use super::*;
use world::Prepared;

const WAIT: &str = "select wait";

/// Four hundred persons with two claims each, `points` from 1000 upwards in the fixture, under the whole engine.
async fn whole() -> Running {
    Running::start_whole(Prepared::with(400, |_| ())).await
}

fn row(columns: Vec<Arc<dyn Array>>) -> RecordBatch {
    let field = |(at, column): (usize, &Arc<dyn Array>)| Field::new(at.to_string(), column.data_type().clone(), true);
    let schema = Schema::new(columns.iter().enumerate().map(field).collect::<Vec<_>>());
    RecordBatch::try_new(Arc::new(schema), columns).unwrap()
}

fn number(value: i64) -> RecordBatch {
    row(vec![Arc::new(Int64Array::from(vec![value]))])
}

async fn answer(running: &Running, prepared: &mut PreparedStatement<Channel>) -> Result<RecordBatch, String> {
    let info = prepared.execute().await.map_err(|error| error.to_string())?;
    let mut client = running.sql_client().await;
    Ok(read(&mut client, info).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters_are_bound_guarded_and_recorded() {
    let running = whole().await;
    let mut client = running.sql_client().await;
    let sql = "select count(*) from ndb.claims where points >= $1 and prefecture <> $2";
    let mut prepared = client.prepare(sql.to_owned(), None).await.unwrap();
    let parameters = prepared.parameter_schema().unwrap();
    let kinds: Vec<_> = parameters.fields().iter().map(|field| field.data_type().clone()).collect();
    assert_eq!(kinds, [DataType::Int32, DataType::Utf8]);
    assert_eq!(prepared.dataset_schema().unwrap().fields().len(), 1);
    assert!(answer(&running, &mut prepared).await.unwrap_err().contains("guard/placeholder"));

    let text = |text: &str| Arc::new(StringArray::from(vec![text])) as Arc<dyn Array>;
    let bind = |points: i64| row(vec![Arc::new(Int64Array::from(vec![points])), text("' or person_key = 1 --")]);
    prepared.set_parameters(bind(0)).unwrap();
    let all = answer(&running, &mut prepared).await.unwrap();
    assert_eq!(all.column(0).as_primitive::<Int64Type>().value(0), 800);
    prepared.set_parameters(bind(i64::from(i32::MAX))).unwrap();
    assert_eq!(answer(&running, &mut prepared).await.unwrap().column(0).null_count(), 1);

    for misfit in [number(1), bind(1).slice(0, 0), RecordBatch::new_empty(bind(1).schema())] {
        prepared.set_parameters(misfit).unwrap();
        assert!(answer(&running, &mut prepared).await.unwrap_err().contains("guard/parameters"));
    }
    let two: Vec<Arc<dyn Array>> =
        vec![Arc::new(Int64Array::from(vec![1, 2])), Arc::new(StringArray::from(vec!["a", "b"]))];
    prepared.set_parameters(row(two)).unwrap();
    assert!(answer(&running, &mut prepared).await.unwrap_err().contains("guard/parameters"));

    let entries = running.audit();
    let asked = entries.iter().find(|entry| entry.action == "query:asked").unwrap();
    assert_eq!(asked.detail["prepared"], sql);
    assert_eq!(
        asked.detail["sql"],
        "select count(*) from ndb.claims where points >= 0 and prefecture <> ''' or person_key = 1 --'"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_value_may_not_do_is_refused_when_prepared_or_bound() {
    let running = whole().await;
    let mut client = running.sql_client().await;
    for (sql, code) in [
        ("select sum(points) from ndb.claims where person_key = $1", "guard/person-key"),
        ("select sum(points) from ndb.claims where person_key in (?)", "guard/person-key"),
        ("select count(*) from ndb.drugs where x = $1", "guard/no-such-table"),
        ("select * from ndb.claims where points = $1", "guard/rows-at-root"),
        ("select count(*) from ndb.claims where points > $1 or points < ?", "guard/parameters"),
        ("execute p($1)", "guard/prepare"),
    ] {
        let refused = client.prepare(sql.to_owned(), None).await.map(|_| ()).unwrap_err().to_string();
        assert!(refused.contains(code), "{sql}: {refused}");
    }
    // The type of this value is not known before it is bound; the guard sees what it became.
    let mut limited = client.prepare("select count(*) as n from ndb.claims limit $1".to_owned(), None).await.unwrap();
    limited.set_parameters(number(5)).unwrap();
    assert_eq!(answer(&running, &mut limited).await.unwrap().num_rows(), 1);
    limited.set_parameters(row(vec![Arc::new(StringArray::from(vec!["five"]))])).unwrap();
    assert!(answer(&running, &mut limited).await.unwrap_err().contains("guard/"));
    let plain = client.get_schema_of("select count(*) from ndb.claims where points > $1").await;
    assert!(plain.unwrap_err().contains("guard/placeholder"));
}

trait SchemaOf {
    async fn get_schema_of(&mut self, sql: &str) -> Result<Schema, String>;
}

impl SchemaOf for FlightSqlServiceClient<Channel> {
    async fn get_schema_of(&mut self, sql: &str) -> Result<Schema, String> {
        let mut request = Request::new(world::statement(sql));
        let token = format!("Bearer {}", self.token().unwrap());
        request.metadata_mut().insert("authorization", token.parse().unwrap());
        let found = self.inner_mut().get_schema(request).await.map_err(|status| status.message().to_owned())?;
        Schema::try_from(&found.into_inner()).map_err(|error| error.to_string())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_are_answered_from_the_permit() {
    let running = whole().await;
    let ask = async |sql: &str| query(&running.address(), &running.token(), None, sql).await;
    let text = async |sql: &str| {
        let answer = ask(sql).await.unwrap();
        arrow::util::pretty::pretty_format_batches(&answer.batches).unwrap().to_string()
    };
    let tables = text("SHOW TABLES").await;
    assert!(tables.contains("claims") && tables.contains("prefecture"), "{tables}");
    assert!(!tables.contains("drugs") && !tables.contains("certifications"), "{tables}");
    assert!(!text("SHOW TABLES FROM ndb").await.contains("prefecture"));
    let claims = text("DESCRIBE ndb.claims;").await;
    assert!(claims.contains("points") && claims.contains("個人キー") && claims.contains("measure"), "{claims}");
    assert!(!claims.contains("facility") && !claims.contains("age"), "{claims}");
    let none = refused(ask("DESCRIBE ndb.drugs").await.unwrap_err());
    assert_eq!(none, refused(ask("DESCRIBE ndb.nothing").await.unwrap_err()));
    assert!(none.starts_with("guard/no-such-table"));

    let plan = text("EXPLAIN SELECT prefecture, count(*) FROM ndb.claims GROUP BY 1").await;
    assert!(plan.contains("Veil") && plan.contains("ndb.claims") && plan.contains("few_persons"), "{plan}");
    for secret in ["parquet", "row_count", "statistics", "Exec", "800"] {
        assert!(!plan.contains(secret), "{secret}: {plan}");
    }
    for (sql, code) in [
        ("EXPLAIN ANALYZE SELECT count(*) FROM ndb.claims", "guard/explain"),
        ("EXPLAIN VERBOSE SELECT count(*) FROM ndb.claims", "guard/explain"),
        ("EXPLAIN FORMAT TREE SELECT count(*) FROM ndb.claims", "guard/explain"),
        ("EXPLAIN SELECT * FROM ndb.claims", "guard/rows-at-root"),
        ("SELECT * FROM information_schema.tables", "guard/metadata"),
        ("SHOW ALL", "guard/metadata"),
    ] {
        let told = refused(ask(sql).await.unwrap_err());
        assert!(told.starts_with(code), "{sql}: {told}");
    }
    let schema = running.sql_client().await.get_schema_of("select count(*) as n from ndb.claims").await.unwrap();
    assert_eq!(schema.field(0).name(), "n");
}

#[tokio::test(flavor = "multi_thread")]
async fn values_go_to_the_sessions_own_statements() {
    let running = whole().await;
    let mut own = running.sql_client().await;
    let sql = "select count(*) from ndb.claims where points >= $1";
    let mut prepared = own.prepare(sql.to_owned(), None).await.unwrap();
    // A session's handle is known to another: neither values nor answers pass.
    let mut other = running.sql_client().await;
    other.set_token(running.world.token(|token| token.session = "f".repeat(32).parse().unwrap()));
    let handle = handle_of(&running, sql).await;
    let command = arrow_flight::sql::CommandPreparedStatementQuery { prepared_statement_handle: handle };
    let descriptor = FlightDescriptor::new_cmd(command.as_any().encode_to_vec());
    let messages = |batch: RecordBatch| {
        arrow_flight::encode::FlightDataEncoderBuilder::new()
            .with_flight_descriptor(Some(descriptor.clone()))
            .with_schema(batch.schema())
            .build(futures::stream::iter([Ok(batch)]))
            .try_collect::<Vec<_>>()
    };
    let sent = messages(number(0)).await.unwrap();
    let denied = other.do_put(futures::stream::iter(sent.clone())).await.map(|_| ()).unwrap_err().to_string();
    assert!(denied.contains("guard/ticket"), "{denied}");
    own.do_put(futures::stream::iter(sent)).await.unwrap();
    // Many messages are not read on.
    let many: Vec<_> = std::iter::repeat_n(messages(number(0).slice(0, 0)).await.unwrap()[0].clone(), 500).collect();
    let denied = own.do_put(futures::stream::iter(many)).await.map(|_| ()).unwrap_err().to_string();
    assert!(denied.contains("guard/parameters"), "{denied}");
    prepared.set_parameters(number(0)).unwrap();
    assert_eq!(answer(&running, &mut prepared).await.unwrap().column(0).as_primitive::<Int64Type>().value(0), 800);
}

/// The handle of a statement that the session prepares anew.
async fn handle_of(running: &Running, sql: &str) -> prost::bytes::Bytes {
    let request =
        arrow_flight::sql::ActionCreatePreparedStatementRequest { query: sql.to_owned(), transaction_id: None };
    let action = Action { r#type: "CreatePreparedStatement".to_owned(), body: request.as_any().encode_to_vec().into() };
    let mut client = running.flight(&running.token()).await;
    let told: Vec<_> = client.do_action(action).await.unwrap().try_collect().await.unwrap();
    let result: arrow_flight::sql::ActionCreatePreparedStatementResult =
        Any::decode(told[0].clone()).unwrap().unpack().unwrap().unwrap();
    result.prepared_statement_handle
}

/// A query that waits for ever, on its way.
async fn waiting(running: &Running) -> (FlightInfo, JoinSet<Result<(), Code>>) {
    let mut client = running.flight(&running.token()).await;
    let info = client.get_flight_info(world::statement(WAIT)).await.unwrap();
    let ticket = info.endpoint[0].ticket.clone().unwrap();
    let mut asked = JoinSet::new();
    asked.spawn(async move {
        match client.do_get(ticket).await.map(|_| ()) {
            Err(arrow_flight::error::FlightError::Tonic(status)) => Err(status.code()),
            other => panic!("{other:?}"),
        }
    });
    running.guard.started.notified().await;
    (info, asked)
}

async fn progress(client: &mut FlightClient, info: &FlightInfo) -> serde_json::Value {
    let body = info.endpoint[0].ticket.clone().unwrap().ticket;
    let action = Action { r#type: "sudare.progress".to_owned(), body };
    let told: Vec<_> = client.do_action(action).await.unwrap().try_collect().await.unwrap();
    serde_json::from_slice(&told[0]).unwrap()
}

async fn cancel(client: &mut FlightClient, info: &FlightInfo) -> i32 {
    client.cancel_flight_info(CancelFlightInfoRequest::new(info.clone())).await.unwrap().status
}

/// The audit entry that comes last, once there are that many.
async fn last_of(running: &Running, count: usize) -> policies::audit::Entry {
    for _ in 0..200 {
        let entries = running.audit();
        if entries.len() >= count {
            return entries[count - 1].clone();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{:?}", running.audit());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_is_cancelled_by_its_own_session_alone() {
    let running = Running::start().await;
    let (info, mut asked) = waiting(&running).await;
    let other = running.world.token(|token| token.session = "f".repeat(32).parse().unwrap());
    let mut other = running.flight(&other).await;
    assert_eq!(cancel(&mut other, &info).await, i32::from(CancelStatus::NotCancellable));
    assert_eq!(progress(&mut other, &info).await["state"], "none");
    let mut own = running.flight(&running.token()).await;
    running.guard.progress.set(3, 16);
    assert_eq!(progress(&mut own, &info).await, serde_json::json!({"state": "runs", "progress": 0.15}));
    assert_eq!(cancel(&mut own, &info).await, i32::from(CancelStatus::Cancelled));
    assert_eq!(asked.join_next().await.unwrap().unwrap(), Err(Code::Cancelled));
    let entry = last_of(&running, 2).await;
    assert_eq!((entry.action.as_str(), &entry.detail["code"]), ("query:cancelled", &"veil/cancelled".into()));
    assert_eq!(cancel(&mut own, &info).await, i32::from(CancelStatus::NotCancellable));

    // The older action, and a ticket that was not used yet.
    let info = own.get_flight_info(world::statement(COUNT)).await.unwrap();
    let request = ActionCancelQueryRequest { info: info.encode_to_vec().into() };
    let action = Action { r#type: "CancelQuery".to_owned(), body: request.as_any().encode_to_vec().into() };
    let told: Vec<_> = own.do_action(action).await.unwrap().try_collect().await.unwrap();
    let told: arrow_flight::sql::ActionCancelQueryResult =
        Any::decode(told[0].clone()).unwrap().unpack().unwrap().unwrap();
    assert_eq!(told.result, 1);
    assert!(own.do_get(info.endpoint[0].ticket.clone().unwrap()).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_ends_its_query() {
    let mut prepared = Prepared::new();
    prepared.limits = EngineLimits { running: 1, project_running: 1, ..prepared.limits };
    let running = Running::start_scripted(prepared).await;
    let (_, mut asked) = waiting(&running).await;
    asked.shutdown().await;
    let entry = last_of(&running, 2).await;
    assert_eq!((entry.action.as_str(), &entry.detail["code"]), ("query:cancelled", &"veil/cancelled".into()));
    // Its place is free.
    query(&running.address(), &running.token(), None, COUNT).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_query_ends_with_its_permit() {
    let running = Running::start().await;
    let (_, mut asked) = waiting(&running).await;
    running.signer.revoke(1);
    running.pass(3.seconds());
    let ended = tokio::time::timeout(Duration::from_secs(20), asked.join_next()).await.unwrap();
    assert_eq!(ended.unwrap().unwrap(), Err(Code::FailedPrecondition));
    let entry = last_of(&running, 2).await;
    assert_eq!((entry.action.as_str(), &entry.detail["code"]), ("query:cancelled", &"permit/revoked".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_waits_for_its_place_and_a_full_queue_says_so() {
    let mut prepared = Prepared::new();
    prepared.limits = EngineLimits { running: 1, project_running: 1, project_waiting: 1, ..prepared.limits };
    let running = Running::start_scripted(prepared).await;
    let (_, _first) = waiting(&running).await;
    let mut client = running.flight(&running.token()).await;
    let info = client.get_flight_info(world::statement(COUNT)).await.unwrap();
    let ticket = info.endpoint[0].ticket.clone().unwrap();
    let mut second = JoinSet::new();
    let mut asks = running.flight(&running.token()).await;
    second.spawn(async move { asks.do_get(ticket).await.map(|_| ()) });
    while progress(&mut client, &info).await["state"] != "waits" {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let third = query(&running.address(), &running.token(), None, COUNT).await.unwrap_err();
    assert!(refused(third).starts_with("guard/project-busy"));
    running.guard.go_on.notify_one();
    second.join_next().await.unwrap().unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_that_fails_too_often_rests_until_tomorrow() {
    let mut prepared = Prepared::new();
    prepared.limits = EngineLimits { failures_a_day: 3, answer_ticks: false, ..prepared.limits };
    let running = Running::start_scripted(prepared).await;
    let ask = async |sql: &str| query(&running.address(), &running.token(), None, sql).await.map(|_| ());
    for _ in 0..3 {
        ask("select fail").await.unwrap_err();
        ask("select refuse").await.unwrap_err();
    }
    assert!(refused(ask(COUNT).await.unwrap_err()).starts_with("veil/paused"));
    let entries = policies::audit::read(&running.audit_folder()).unwrap();
    let project = "a".parse().unwrap();
    let now = running.world.now;
    assert!(Failures::new(3, &entries, now).paused(&project, now));
    assert!(!Failures::new(4, &entries, now).paused(&project, now));
    running.pass(13.hours());
    ask(COUNT).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_message_of_an_answer_has_a_length_in_steps() {
    let running = whole().await;
    let mut client = running.flight(&running.token()).await;
    for sql in ["select prefecture, count(*) from ndb.claims group by 1", "select count(*) from code.prefecture"] {
        let info = client.get_flight_info(world::statement(sql)).await.unwrap();
        let mut request = Request::new(info.endpoint[0].ticket.clone().unwrap());
        request.metadata_mut().insert("authorization", format!("Bearer {}", running.token()).parse().unwrap());
        let messages = client.inner_mut().do_get(request).await.unwrap().into_inner();
        let messages: Vec<FlightData> = messages.try_collect().await.unwrap();
        assert_eq!(messages.len(), 2, "a schema and one batch");
        assert!(messages.iter().all(|message| message.encoded_len() % 1024 == 0));
    }
}
