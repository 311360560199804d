//! Who may ask dummy releases: whoever is signed in at the portal. No permit is read and no signer asked; in their place stands a
//! permit made here for all that is served, so that guard, veil and budgets are those of a project.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use policies::jws::Document as _;
use policies::keys::VerifyingKey;
use policies::session::{DummyToken, SessionToken};
use policies::{DatasetGrant, Grade, MemberTerms, Permit, Tier, UserId, jws};
use sha2::{Digest, Sha256};

use super::{Admitted, Credentials, Rejection};
use crate::release::{Release, Releases};

/// The profile that a form proposes, so that what is withheld here is withheld there.
const PROFILE: &str = "standard";
/// Numbers that no signer gives.
const PERMIT: &str = "P-0000-000000";
const APPLICATION: &str = "A-0000-000000";

/// The door to dummy releases.
pub(crate) struct Dummies {
    /// Public half of the portal's session key.
    session_key: VerifyingKey,
    datasets: BTreeMap<String, DatasetGrant>,
}

impl Dummies {
    /// Everything of the releases that are served now, the latest of each dataset.
    pub(crate) fn new(session_key: VerifyingKey, releases: &Releases) -> Self {
        let mut latest: BTreeMap<String, Arc<Release>> = BTreeMap::new();
        for release in releases.served() {
            let held = latest.get(release.id().dataset()).map(|held| order(held.id().version()));
            if held.is_none_or(|held| held < order(release.id().version())) {
                latest.insert(release.id().dataset().to_owned(), release);
            }
        }
        Self {
            session_key,
            datasets: latest.into_iter().map(|(dataset, release)| (dataset, whole(&release))).collect(),
        }
    }

    /// Lets in whoever the portal names. A project that is named says nothing here: the same program asks both engines.
    pub(super) fn admit(&self, credentials: &Credentials, now: Timestamp) -> Result<Admitted, Rejection> {
        let text = credentials.token.as_deref().ok_or(Rejection::NoToken)?;
        let token = self.read(text)?;
        if !token.holds_at(now) {
            return Err(Rejection::TokenExpired);
        }
        let permit = self.permit(&token).ok_or(Rejection::PermitUnusable)?;
        Ok(Admitted { user: token.user, session: token.session, address: credentials.peer, permit: Arc::new(permit) })
    }

    fn read(&self, text: &str) -> Result<DummyToken, Rejection> {
        DummyToken::verify(text, &self.session_key).map_err(|_| {
            // Nothing is let in by it: who mixed up two tokens is told so.
            let projects = jws::verify::<SessionToken>(jws::SESSION, text, &self.session_key).is_ok();
            if projects { Rejection::TokenForProjects } else { Rejection::TokenInvalid }
        })
    }

    /// Each person has a place, a ledger and a workspace of their own, as a project has.
    fn permit(&self, token: &DummyToken) -> Option<Permit> {
        let terms = MemberTerms { until: Timestamp::MAX, place: String::new(), networks: BTreeSet::new() };
        Some(Permit {
            id: PERMIT.parse().ok()?,
            application: APPLICATION.parse().ok()?,
            application_head: String::new(),
            project: own_project(&token.user).parse().ok()?,
            members: BTreeMap::from([(token.user.clone(), terms)]),
            datasets: self.datasets.clone(),
            row_filter: Vec::new(),
            tier: Tier::Pseudonymized,
            profile: PROFILE.to_owned(),
            grade: Grade::Exact,
            conditions: Vec::new(),
            issued_at: token.issued_at,
            expires_at: token.expires_at,
        })
    }
}

/// A name that is a file's too, whatever the sign-in name is.
fn own_project(user: &UserId) -> String {
    let digest = hex::encode(Sha256::digest(user.as_str()));
    format!("dummy-{}", digest.get(..32).unwrap_or_default())
}

/// All tables and columns of a release, as a permit names them.
fn whole(release: &Release) -> DatasetGrant {
    let mut tables = BTreeMap::new();
    for (name, stored) in release.tables() {
        if name.starts_with("person.") {
            // Stored by source; asked as one table.
            let columns = catalog::table("person").map(catalog::Table::arrow);
            let columns = columns.iter().flat_map(arrow::datatypes::Schema::fields).map(|field| field.name().clone());
            tables.insert("person".to_owned(), columns.collect());
        } else {
            tables.insert(name.clone(), stored.schema.fields().iter().map(|field| field.name().clone()).collect());
        }
    }
    DatasetGrant { release: release.id().version().to_owned(), tables }
}

/// Versions in the order of their numbers: 2026.9 before 2026.10.
fn order(version: &str) -> Vec<(usize, &str)> {
    version.split('.').map(|part| (part.len(), part)).collect()
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;

    use super::*;
    use crate::admission::Admission;
    use crate::admission::tests::World;
    use crate::release::tests::{Enclave, claims};

    async fn outcome(world: &World, token: Option<String>, project: Option<&str>) -> Result<Permit, Rejection> {
        let mut enclave = Enclave::new();
        enclave.kind = catalog::ReleaseKind::Dummy;
        for version in ["2026.9", "2026.10"] {
            enclave.write(&format!("ndb/{version}"), &[("ndb.claims", claims(4, 1))]);
        }
        let releases = Releases::open_dummies(&enclave.folder(), &enclave.keys, |_, _| ()).unwrap();
        let door = Admission::Dummies(Dummies::new(world.portal.verifying(), &releases));
        let credentials = Credentials { token, project: project.map(str::to_owned), peer: None };
        let admitted = door.admit(&credentials, None, world.now).await?;
        Ok(Arc::unwrap_or_clone(admitted.permit))
    }

    #[tokio::test]
    async fn anybody_with_a_dummy_token_sees_the_latest_of_everything_and_nobody_else_anything() {
        let world = World::new();
        let refused = async |token: Option<String>| outcome(&world, token, None).await.unwrap_err();
        let permit = outcome(&world, Some(world.dummy_token(|_| ())), Some("fracture")).await.unwrap();
        assert_eq!(permit.datasets["ndb"].release, "2026.10");
        assert!(permit.datasets["ndb"].tables["ndb.claims"].contains("points"));
        assert!(permit.project.as_str().starts_with("dummy-"), "a project that is named says nothing");
        let other = world.dummy_token(|token| token.user = "..".parse().unwrap());
        let other = outcome(&world, Some(other), None).await.unwrap();
        assert!(other.project != permit.project && !other.project.as_str().contains(".."));
        assert_eq!(refused(None).await, Rejection::NoToken);
        assert_eq!(refused(Some(world.token(|_| ()))).await, Rejection::TokenForProjects);
        assert_eq!(refused(Some(world.status(|_| ()))).await, Rejection::TokenInvalid);
        assert_eq!(refused(Some(World::new().dummy_token(|_| ()))).await, Rejection::TokenInvalid);
        let over = world.dummy_token(|token| token.expires_at = world.now);
        assert_eq!(refused(Some(over)).await, Rejection::TokenExpired);
        let long = world.dummy_token(|token| token.expires_at = world.now + 15.minutes());
        assert_eq!(refused(Some(long)).await, Rejection::TokenExpired);
    }
}
