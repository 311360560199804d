//! The door, case by case: whatever is expired, forged, foreign, revoked, missing or old is a no.

mod terms;

use std::collections::{BTreeMap, BTreeSet};

use jiff::ToSpan;
use policies::jws::Document as _;
use policies::keys::SigningKey;
use policies::session::{DummyToken, SessionToken};
use policies::status::StatusDocument;
use policies::{DatasetGrant, Grade, MemberTerms, Tier, jws};

use super::*;
use crate::status_feed::StatusError;

/// The keys of a portal and a signer, and what they sign.
pub(crate) struct World {
    pub(crate) portal: SigningKey,
    pub(crate) signer: SigningKey,
    pub(crate) now: Timestamp,
}

pub(crate) fn session() -> SessionId {
    "00112233445566778899aabbccddeeff".parse().unwrap()
}

pub(crate) fn permit(number: u32, project: &str) -> Permit {
    let now = World::time();
    Permit {
        id: format!("P-2026-{number:06}").parse().unwrap(),
        application: "A-2026-000001".parse().unwrap(),
        application_head: String::new(),
        project: project.parse().unwrap(),
        members: BTreeMap::from([("tanaka@univ-a.example".parse().unwrap(), anywhere())]),
        datasets: BTreeMap::new(),
        row_filter: Vec::new(),
        tier: Tier::Pseudonymized,
        profile: "standard".to_owned(),
        grade: Grade::Exact,
        conditions: Vec::new(),
        issued_at: now - 24.hours(),
        expires_at: now + 24.hours(),
    }
}

/// Terms of a member who may query from anywhere at any time.
fn anywhere() -> MemberTerms {
    MemberTerms { until: Timestamp::MAX, place: "大学A".to_owned(), networks: BTreeSet::new() }
}

/// A grant of whole tables of release 2026.1.
pub(crate) fn grant(tables: &[(&str, &[&str])]) -> DatasetGrant {
    let columns = |columns: &[&str]| columns.iter().map(|column| (*column).to_owned()).collect();
    let tables = tables.iter().map(|(name, names)| ((*name).to_owned(), columns(names))).collect();
    DatasetGrant { release: "2026.1".to_owned(), tables }
}

impl World {
    pub(crate) fn time() -> Timestamp {
        "2026-11-21T03:00:00Z".parse().unwrap()
    }

    pub(crate) fn new() -> Self {
        Self { portal: SigningKey::generate(), signer: SigningKey::generate(), now: Self::time() }
    }

    pub(crate) fn token(&self, change: impl FnOnce(&mut SessionToken)) -> String {
        let mut token = SessionToken {
            user: "tanaka@univ-a.example".parse().unwrap(),
            session: session(),
            second_factor_at: None,
            permits: BTreeSet::from([permit(1, "a").id]),
            address: None,
            issued_at: self.now - 1.minute(),
            expires_at: self.now + 10.minutes(),
        };
        change(&mut token);
        jws::sign(jws::SESSION, &token, &self.portal).unwrap()
    }

    /// A token for dummy data.
    pub(crate) fn dummy_token(&self, change: impl FnOnce(&mut DummyToken)) -> String {
        let (issued_at, expires_at) = (self.now - 1.minute(), self.now + 10.minutes());
        let user = "anybody@univ-z.example".parse().unwrap();
        let mut token = DummyToken { user, session: session(), issued_at, expires_at };
        change(&mut token);
        token.sign(&self.portal).unwrap()
    }

    pub(crate) fn permit(&self, permit: &Permit) -> String {
        jws::sign(jws::PERMIT, permit, &self.signer).unwrap()
    }

    pub(crate) fn status(&self, change: impl FnOnce(&mut StatusDocument)) -> String {
        let mut status = StatusDocument {
            sequence: 7,
            issued_at: self.now,
            revoked_permits: BTreeSet::new(),
            revoked_sessions: BTreeSet::new(),
        };
        change(&mut status);
        jws::sign(jws::STATUS, &status, &self.signer).unwrap()
    }

    /// A feed whose signer cannot be reached: it knows what it is told.
    fn feed(&self) -> Arc<StatusFeed> {
        let now = self.now;
        let nowhere = "http://127.0.0.1:9".parse().unwrap();
        Arc::new(StatusFeed::new(nowhere, self.signer.verifying(), Arc::new(move || now), None).unwrap())
    }
}

/// What a case changes.
struct Case {
    token: Option<String>,
    project: Option<&'static str>,
    status: Option<String>,
    permits: Vec<(u32, String)>,
    bound: Option<u32>,
    peer: Option<IpAddr>,
}

impl Case {
    fn of(world: &World) -> Self {
        Self {
            token: Some(world.token(|_| ())),
            project: None,
            status: Some(world.status(|_| ())),
            permits: vec![(1, world.permit(&permit(1, "a")))],
            bound: None,
            peer: Some(IpAddr::from([192, 0, 2, 7])),
        }
    }
}

async fn outcome(world: &World, case: Case) -> Result<String, Rejection> {
    let feed = world.feed();
    if let Some(status) = &case.status {
        feed.accept(status, world.now).ok();
    }
    for (number, text) in case.permits {
        feed.keep(permit(number, "a").id, text, world.now);
    }
    let admission = Admission::Permits(Permits::new(world.portal.verifying(), world.signer.verifying(), feed));
    let credentials = Credentials { token: case.token, project: case.project.map(str::to_owned), peer: case.peer };
    let bound = case.bound.map(|number| permit(number, "a").id);
    let admitted = admission.admit(&credentials, bound.as_ref(), world.now).await?;
    Ok(admitted.permit.project.to_string())
}

async fn check(expected: Result<&str, Rejection>, change: impl FnOnce(&World, &mut Case)) {
    let world = World::new();
    let mut case = Case::of(&world);
    change(&world, &mut case);
    assert_eq!(outcome(&world, case).await, expected.map(str::to_owned));
}

#[tokio::test]
async fn a_member_with_token_permit_and_status_is_admitted() {
    check(Ok("a"), |_, _| ()).await;
    check(Ok("a"), |_, case| case.project = Some("a")).await;
    check(Ok("a"), |_, case| case.bound = Some(1)).await;
}

#[tokio::test]
async fn tokens_that_are_missing_forged_or_over_are_refused() {
    check(Err(Rejection::NoToken), |_, case| case.token = None).await;
    check(Err(Rejection::TokenInvalid), |_, case| case.token = Some("nonsense".to_owned())).await;
    check(Err(Rejection::TokenInvalid), |_, case| case.token = Some(World::new().token(|_| ()))).await;
    // Signed by the right key, but another kind of document.
    check(Err(Rejection::TokenInvalid), |world, case| case.token = Some(world.status(|_| ()))).await;
    // Signed by the right key, for dummy data.
    check(Err(Rejection::TokenForDummies), |world, case| case.token = Some(world.dummy_token(|_| ()))).await;
    check(Err(Rejection::TokenExpired), |world, case| {
        case.token = Some(world.token(|token| token.expires_at = world.now));
    })
    .await;
    check(Err(Rejection::TokenExpired), |world, case| {
        case.token = Some(world.token(|token| token.issued_at = world.now + 1.minute()));
    })
    .await;
    // Longer than any token may live.
    check(Err(Rejection::TokenExpired), |world, case| {
        case.token = Some(world.token(|token| token.expires_at = world.now + 15.minutes()));
    })
    .await;
    check(Err(Rejection::NoPermit), |world, case| case.token = Some(world.token(|token| token.permits.clear()))).await;
}

#[tokio::test]
async fn permits_that_are_forged_foreign_or_over_are_refused() {
    let with = |permit: Permit| move |world: &World, case: &mut Case| case.permits = vec![(1, world.permit(&permit))];
    check(Err(Rejection::PermitInvalid), |_, case| case.permits = vec![(1, World::new().permit(&permit(1, "a")))])
        .await;
    check(Err(Rejection::PermitInvalid), with(permit(2, "a"))).await;
    check(Err(Rejection::NotAMember), with(Permit { members: BTreeMap::new(), ..permit(1, "a") })).await;
    check(Err(Rejection::PermitExpired), with(Permit { expires_at: World::time(), ..permit(1, "a") })).await;
    check(Err(Rejection::PermitExpired), with(Permit { issued_at: World::time() + 1.minute(), ..permit(1, "a") }))
        .await;
    check(Err(Rejection::OtherProject), |_, case| case.project = Some("b")).await;
    check(Err(Rejection::OtherProject), |_, case| case.project = Some("Not A Project")).await;
    check(Err(Rejection::NoPermit), |_, case| case.bound = Some(3)).await;
    check(Err(Rejection::NoFetch), |_, case| case.permits.clear()).await;
}

#[tokio::test]
async fn without_a_fresh_status_nobody_is_admitted() {
    check(Err(Rejection::NoStatus), |_, case| case.status = None).await;
    check(Err(Rejection::NoStatus), |world, case| {
        case.status = Some(world.status(|status| status.issued_at = world.now - 61.seconds()));
    })
    .await;
    check(Err(Rejection::NoStatus), |_, case| case.status = Some(World::new().status(|_| ()))).await;
    check(Err(Rejection::PermitRevoked), |world, case| {
        case.status = Some(world.status(|status| status.revoked_permits.extend([permit(1, "a").id])));
    })
    .await;
    check(Err(Rejection::SessionRevoked), |world, case| {
        case.status = Some(world.status(|status| status.revoked_sessions.extend([session()])));
    })
    .await;
}

#[tokio::test]
async fn several_projects_must_be_told_apart() {
    let two = |world: &World, case: &mut Case| {
        case.token = Some(world.token(|token| token.permits.extend([permit(2, "b").id])));
        case.permits.push((2, world.permit(&permit(2, "b"))));
    };
    let projects = vec!["a".parse().unwrap(), "b".parse().unwrap()];
    check(Err(Rejection::ChooseProject { projects }), two).await;
    check(Ok("b"), |world, case| {
        two(world, case);
        case.project = Some("b");
    })
    .await;
    check(Ok("b"), |world, case| {
        two(world, case);
        case.bound = Some(2);
    })
    .await;
    // Two permits of one project: the one that holds.
    check(Ok("a"), |world, case| {
        two(world, case);
        let over = Permit { expires_at: world.now, issued_at: world.now - 1.hour(), ..permit(2, "a") };
        case.permits.retain(|(number, _)| *number == 1);
        case.permits.push((2, world.permit(&over)));
    })
    .await;
}

#[test]
fn a_sequence_never_goes_back() {
    let world = World::new();
    let feed = world.feed();
    let status = |sequence: u64, revoked: bool| {
        world.status(|status| {
            status.sequence = sequence;
            status.revoked_permits = revoked.then(|| permit(1, "a").id).into_iter().collect();
        })
    };
    assert_eq!(feed.accept(&status(8, true), world.now), Ok(()));
    assert_eq!(feed.accept(&status(7, false), world.now), Err(StatusError::Older));
    assert_eq!(feed.accept(&status(8, true), world.now), Ok(()));
    assert_eq!(feed.accept(&status(9, false), world.now), Ok(()));
    let later = world.now + 61.seconds();
    assert_eq!(feed.accept(&status(10, false), later), Err(StatusError::Stale));
}

#[test]
fn every_rejection_has_a_code_and_a_hint_of_its_own_kind() {
    let all = [
        Rejection::ChooseProject { projects: Vec::new() },
        Rejection::NoFetch,
        Rejection::NoPermit,
        Rejection::NoStatus,
        Rejection::NoToken,
        Rejection::NotAMember,
        Rejection::NotSupported,
        Rejection::OtherPlace,
        Rejection::OtherProject,
        Rejection::PermitExpired,
        Rejection::PermitInvalid,
        Rejection::PermitRevoked,
        Rejection::PermitUnknown,
        Rejection::PermitUnusable,
        Rejection::ReleaseUnavailable { release: "ndb/2026.1".parse().unwrap() },
        Rejection::SessionRevoked,
        Rejection::TokenExpired,
        Rejection::TokenForDummies,
        Rejection::TokenForProjects,
        Rejection::TokenInvalid,
        Rejection::TrainingLapsed,
    ];
    let codes: BTreeSet<&str> = all.iter().map(Rejection::code).collect();
    assert_eq!(codes, BTreeSet::from(Rejection::CODES));
    assert_eq!(codes.len(), all.len());
    assert!(codes.iter().all(|code| code.starts_with("permit/") || code.starts_with("session/")));
    assert!(all.iter().all(|rejection| !rejection.hint().is_empty()));
}
