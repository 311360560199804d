//! A portal's database with as many applications as wanted: accounts, catalog, streams of events, notices, runs.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use catalog::manifest::{FORMAT, ReleaseTable};
use catalog::{BucketCount, Manifest};
use jiff::civil::Date;
use jiff::{Span, Timestamp};
use policies::Zone;
use policies::audit::AuditLog;
use policies::keys::KeyFolder;
use policies::passkey::verify_registration;
use review_portal::accounts::{self, NewAccount};
use review_portal::catalog::{DatasetText, Publication, publish};
use review_portal::{Database, DatabaseUrl};
use secrecy::SecretString;
use sqlx::any::install_default_drivers;
use sqlx::{AnyConnection, AssertSqlSafe, Connection};

use super::life::{COLUMNS, End, Life, REVIEWERS, TABLES, actor};
use super::visit::{PASSWORD, Passkeys, party};

/// Events of one application.
const EVENTS: usize = 50;

/// What there is to be visited.
pub(crate) struct Filled {
    pub(crate) events: u64,
    /// Numbers of applications by person: one that waits, one that is over, one in use.
    pub(crate) applications: Vec<String>,
    /// The measured applicant's own.
    pub(crate) own: Vec<String>,
    /// Of the applicant's application in use.
    pub(crate) project: String,
    /// A day on which the committee sat, and one on which it will.
    pub(crate) meetings: Vec<Date>,
    /// A change in the middle of all.
    pub(crate) middle: u64,
}

/// Fills an empty database.
pub(crate) async fn fill(folder: &Path, database: &DatabaseUrl, applications: u32) -> Filled {
    let keys = KeyFolder::init(&folder.join("portal"), Zone::Portal, Timestamp::now()).unwrap();
    let audit = Arc::new(AuditLog::open(keys.path(), Zone::Portal, keys.signing("sign").unwrap()).unwrap());
    let db = Database::open(database).await.unwrap();
    for name in people() {
        account(&db, &audit, &name).await;
    }
    released(&db, &audit).await;
    db.close().await;
    install_default_drivers();
    let named = std::env::args().skip_while(|it| it != "--database").nth(1);
    let url = named.unwrap_or_else(|| format!("sqlite://{}", folder.join("portal.sqlite").display()));
    let mut connection = AnyConnection::connect(&url).await.unwrap();
    let mut work = connection.begin().await.unwrap();
    researchers(&mut work).await;
    variables(&mut work).await;
    let mut filled = Filled {
        events: 0,
        applications: Vec::new(),
        own: Vec::new(),
        project: String::new(),
        meetings: Vec::new(),
        middle: 0,
    };
    for number in 1..=applications {
        let life = one(number, applications);
        note(&mut filled, number, applications, &life);
        insert(&mut work, &life, filled.events).await;
        filled.events += life.records.len() as u64;
    }
    filled.middle = filled.events / 2;
    notices(&mut work).await;
    work.commit().await.unwrap();
    connection.close().await.unwrap();
    filled
}

fn people() -> Vec<String> {
    let mut people = ["ap", "office", "chair", "ndb", "dpc", "auditor"].map(str::to_owned).to_vec();
    people.extend((0..REVIEWERS).map(|number| format!("r{number}")));
    people
}

async fn account(db: &Database, audit: &Arc<AuditLog>, name: &str) {
    let person = actor(name);
    let user = person.user.clone();
    let account = NewAccount {
        user: person.user,
        name_ja: format!("{name}さん"),
        name_en: format!("Dr {name}"),
        affiliation: person.affiliation,
        roles: person.roles,
        seats: person.seats,
        holds: person.holds,
        coauthors: BTreeMap::new(),
        password: SecretString::from(PASSWORD),
    };
    accounts::create(db, audit, account, Timestamp::now()).await.unwrap();
    let made = Passkeys::of(&user).register(&[0; 32], &party());
    let registered = verify_registration(&made, &[0; 32], &party()).unwrap();
    accounts::add_passkey(db, audit, &user, (&registered, "software"), Timestamp::now()).await.unwrap();
}

async fn released(db: &Database, audit: &Arc<AuditLog>) {
    for dataset in ["ndb", "dpc", "person"] {
        let table = || ReleaseTable { columns: Vec::new(), rows: 12345, persons: Some(678), files: Vec::new() };
        let tables = TABLES.iter().filter(|(of, _)| *of == dataset).map(|(_, name)| ((*name).to_owned(), table()));
        let manifest = Manifest {
            format: FORMAT,
            release: format!("{dataset}/2026.1").parse().unwrap(),
            kind: catalog::ReleaseKind::Holders,
            created_at: Timestamp::now(),
            code_version: "bench".to_owned(),
            buckets: BucketCount::DEFAULT,
            tables: tables.collect(),
            sources: Vec::new(),
            crosswalk: String::new(),
            pinned: Vec::new(),
            quality: None,
            wrapped_key: String::new(),
        };
        let text = DatasetText::from(catalog::datasets::about(dataset).unwrap());
        let publication = Publication { manifest: &manifest, quality: None, text, by: "operator" };
        publish(db, audit, publication, Timestamp::now()).await.unwrap();
    }
}

async fn researchers(work: &mut AnyConnection) {
    for number in 0..1500 {
        let (name, at) = (format!("s{number}"), actor(&format!("s{number}")).affiliation.to_string());
        let insert = sqlx::query(
            "insert into account (id, name_ja, name_en, organisation, roles, password, created_at)
             values ($1, $2, $3, $4, 'researcher', 'none', '2016-01-01T00:00:00Z')",
        );
        let insert = insert.bind(&name).bind(format!("{name}さん")).bind(format!("Dr {name}")).bind(at);
        insert.execute(&mut *work).await.unwrap();
    }
}

async fn variables(work: &mut AnyConnection) {
    for (dataset, table) in TABLES {
        for column in 0..i64::from(COLUMNS) {
            let insert = sqlx::query(
                "insert into release_variable (dataset, version, table_name, position, name, type, class, label_ja, label_en)
                 values ($1, '2026.1', $2, $3, $4, 'int', 'M', '列', 'Column')",
            );
            let insert = insert.bind(dataset).bind(table).bind(column).bind(format!("column_{column}"));
            insert.execute(&mut *work).await.unwrap();
        }
    }
}

/// Ten years of applications: nearly all are over, some hundreds of the last months are on their way or in use.
fn one(number: u32, applications: u32) -> Life {
    let recent = (applications / 16).clamp(9, 625);
    let left = applications - number;
    let today = policies::application::day_of(Timestamp::now());
    let (end, days) = if left >= recent {
        let end = match number % 20 {
            0..=2 => End::Rejected,
            3 => End::Withdrawn,
            _ => End::Certified,
        };
        (end, 400 + i64::from(left) * 3250 / i64::from(applications))
    } else {
        match left % 20 {
            0 | 1 => (End::Draft, 20),
            2 | 3 => (End::Submitted, 12),
            4..=6 => (End::UnderReview, 25),
            7 | 8 => (End::Scheduled, 25),
            9 => (End::Conditions, 75),
            _ => (End::Active, 100 + i64::from(left)),
        }
    };
    let mine = left < recent && [0, 4, 9, 10].contains(&left) || left == recent;
    let applicant = if mine { "ap".to_owned() } else { format!("s{}", (number * 7) % 1500) };
    let first = today.checked_sub(Span::new().days(days)).unwrap();
    Life::new(number, &applicant, first, end, EVENTS)
}

fn note(filled: &mut Filled, number: u32, applications: u32, life: &Life) {
    let left = applications - number;
    if life.state.applicant.as_ref().is_some_and(|user| user.as_str() == "ap") {
        filled.own.push(life.state.id.to_string());
    }
    if [2, 4, 7, 10].contains(&left) || number == applications / 2 {
        filled.applications.push(life.state.id.to_string());
    }
    if left == 7 || number == applications / 2 {
        let sittings = life.records.iter().filter_map(|record| match &record.event {
            policies::application::Event::Scheduled { sitting } => Some(sitting.on),
            _ => None,
        });
        filled.meetings.extend(sittings);
    }
    if left == 10 {
        filled.project = life.state.content().unwrap().project.as_ref().unwrap().to_string();
    }
}

/// The stream's events in one statement, and the permit of what is in use.
async fn insert(work: &mut AnyConnection, life: &Life, before: u64) {
    let places: Vec<_> = (0..life.records.len()).map(|row| place(row * 8)).collect();
    let sql = format!(
        "insert into event (stream, version, position, kind, body, at, actor, policy) values {}",
        places.join(", ")
    );
    let mut insert = sqlx::query(AssertSqlSafe(sql));
    for record in &life.records {
        let position = i64::try_from(before + record.seq).unwrap();
        insert = insert.bind(record.application.as_str()).bind(i64::try_from(record.seq).unwrap()).bind(position);
        insert = insert.bind(record.event.kind()).bind(serde_json::to_string(record).unwrap());
        insert = insert.bind(record.at.to_string()).bind(record.by.user.as_str()).bind(record.policy.as_str());
    }
    insert.execute(&mut *work).await.unwrap();
}

fn place(first: usize) -> String {
    let numbers: Vec<_> = (first + 1..=first + 8).map(|number| format!("${number}")).collect();
    format!("({})", numbers.join(", "))
}

/// Five thousand notices to each of those who are measured.
async fn notices(work: &mut AnyConnection) {
    for (from, person) in (0_i64..).zip(people()) {
        let insert = sqlx::query(
            "with recursive n (n) as (select 1 union all select n + 1 from n where n < 5000)
             insert into outbox (id, dedup, kind, recipient, language, subject, body, created_at, next_try_at, tries)
             select $1 * 5000 + n, $2 || '/' || n, 'mail', $2, 'ja', '審査の連絡', '番号をご確認ください。', '2026-01-01T00:00:00Z', 0, 0 from n",
        );
        insert.bind(from).bind(person).execute(&mut *work).await.unwrap();
    }
}
