//! Every route, with who may not: the list is held against the router's own.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::StatusCode;

use super::flow::CONTENT;
use super::world::World;
use crate::Database;
use crate::application::Act;

/// Method, path, and one person who may not, with the answer.
pub(super) type Route = (&'static str, &'static str, Option<(&'static str, u16)>);

/// Method, path, and one person who is signed in but may not (none: everybody may).
pub(super) const ROUTES: &[Route] = &[
    ("get", "/", None),
    ("get", "/use", None),
    ("get", "/use/decisions", None),
    ("get", "/profiles", None),
    ("get", "/sign-in", None),
    ("post", "/sign-in", None),
    ("post", "/sign-in/institution", None),
    ("get", "/sign-in/institution/{institution}", None),
    ("post", "/sign-in/passkey", None),
    ("get", "/sign-in/second", None),
    ("post", "/sign-in/second", None),
    ("get", "/account", None),
    ("post", "/account/contact", None),
    ("post", "/account/enrolment", None),
    ("post", "/account/enrolment/signed", None),
    ("post", "/account/institution", None),
    ("post", "/account/institution/remove", None),
    ("post", "/account/passkey", None),
    ("post", "/account/passkey/remove", None),
    ("get", "/account/password", None),
    ("post", "/account/password", None),
    ("post", "/account/recovery", None),
    ("get", "/account/second-factor", None),
    ("post", "/account/totp", None),
    ("post", "/sign-out", None),
    ("get", "/catalog", None),
    ("get", "/catalog.json", None),
    ("get", "/catalog/{dataset}", None),
    ("get", "/static/{*file}", None),
    ("get", "/applications", None),
    ("post", "/applications", Some(("office", 403))),
    ("get", "/applications/new", Some(("r1", 403))),
    ("get", "/applications/{application}", Some(("eve", 404))),
    ("get", "/applications/{application}/edit", Some(("office", 404))),
    ("post", "/applications/{application}/edit", Some(("co", 403))),
    ("get", "/applications/{application}/attachments", Some(("co", 403))),
    ("post", "/applications/{application}/attachments", Some(("office", 404))),
    ("get", "/applications/{application}/attachments/{sha256}", Some(("eve", 404))),
    ("post", "/applications/{application}/attachments/{sha256}/remove", Some(("co", 403))),
    ("get", "/applications/{application}/invitations", Some(("co", 403))),
    ("post", "/applications/{application}/invitations", Some(("eve", 404))),
    ("get", "/invitations/{token}", Some(("eve", 404))),
    ("post", "/invitations/{token}", Some(("eve", 404))),
    ("post", "/invitations/{token}/training", None),
    ("get", "/applications/{application}/training", Some(("office", 404))),
    ("post", "/applications/{application}/training", Some(("eve", 404))),
    ("get", "/applications/{application}/training/{member}", Some(("eve", 404))),
    ("get", "/applications/{application}/interest", Some(("r1", 404))),
    ("post", "/applications/{application}/{act}", Some(("co", 403))),
    ("get", "/dummy", None),
    ("post", "/dummy", None),
    ("get", "/dummy/runs", None),
    ("post", "/dummy/runs/{run}/cancel", None),
    ("get", "/dummy/schema.json", None),
    ("post", "/dummy/token", None),
    ("get", "/projects", None),
    ("get", "/projects/{project}/sql", Some(("office", 404))),
    ("post", "/projects/{project}/sql", Some(("pi", 404))),
    ("get", "/projects/{project}/schema.json", Some(("office", 404))),
    ("get", "/projects/{project}/runs", Some(("auditor", 404))),
    ("get", "/projects/{project}/runs/{run}", Some(("eve", 404))),
    ("post", "/projects/{project}/runs/{run}/cancel", Some(("pi", 404))),
    ("get", "/projects/{project}/queries", Some(("steward", 404))),
    ("post", "/projects/{project}/queries", Some(("pi", 404))),
    ("get", "/projects/{project}/queries/{query}", Some(("chair", 404))),
    ("post", "/projects/{project}/queries/{query}", Some(("eve", 404))),
    ("get", "/applications/{application}/incidents/{number}", Some(("eve", 404))),
    ("get", "/applications/{application}/incidents/{number}/report.pdf", Some(("eve", 404))),
    ("get", "/applications/{application}/letter", Some(("eve", 404))),
    ("get", "/applications/{application}/letter.pdf", Some(("eve", 404))),
    ("get", "/applications/{application}/sheet", Some(("pi", 403))),
    ("get", "/applications/{application}/sheet.pdf", Some(("pi", 403))),
    ("get", "/board", Some(("pi", 403))),
    ("get", "/meetings", Some(("r1", 403))),
    ("get", "/meetings/{date}", Some(("steward", 403))),
    ("get", "/meetings/{date}/minutes.pdf", Some(("steward", 403))),
    ("get", "/audit", Some(("office", 403))),
    ("get", "/linkage", Some(("office", 403))),
    ("get", "/mails", None),
    ("post", "/audit", Some(("auditor", 405))),
];

pub(super) const PUBLIC: [&str; 12] = [
    "/",
    "/use",
    "/use/decisions",
    "/profiles",
    "/sign-in",
    "/sign-in/institution",
    "/sign-in/passkey",
    "/sign-out",
    "/catalog",
    "/catalog.json",
    "/catalog/{dataset}",
    "/static/{*file}",
];

/// Each act, and one person who is signed in but may not do it to a draft: a member, or somebody who does not know of it.
const ACTS: [(&str, &str, u16); 31] = [
    ("accept", "co", 403),
    ("amend", "co", 403),
    ("answer-holder", "steward", 404),
    ("answer-restriction", "co", 403),
    ("assign", "co", 403),
    ("certify-deletion", "pi", 403),
    ("close", "co", 403),
    ("comment", "eve", 404),
    ("confirm-condition", "pi", 403),
    ("decide", "co", 403),
    ("declare-interest", "r1", 404),
    ("file-results", "co", 403),
    ("follow-incident", "pi", 403),
    ("give-opinion", "r1", 404),
    ("join", "eve", 404),
    ("permit", "pi", 403),
    ("pledge", "eve", 404),
    ("publish-results", "co", 403),
    ("report-condition", "eve", 404),
    ("report-incident", "eve", 404),
    ("report-to-meeting", "pi", 403),
    ("restrict", "pi", 403),
    ("resume", "pi", 403),
    ("return", "pi", 403),
    ("return-results", "pi", 403),
    ("revoke", "co", 403),
    ("schedule", "chair", 404),
    ("submit", "co", 403),
    ("suspend", "pi", 403),
    ("vote", "chair", 404),
    ("withdraw", "co", 403),
];

#[tokio::test]
async fn each_act_is_refused_to_somebody_and_to_visitors() {
    assert_eq!(ACTS.map(|(act, ..)| act).to_vec(), Act::ALL.iter().map(|act| act.as_str()).collect::<Vec<_>>());
    let world = World::new().await;
    let at = world.person("pi").await.act("/applications", &CONTENT).await;
    let (visitor, db) = (world.visitor(), Database::open(&world.database).await.unwrap());
    let mut people = BTreeMap::new();
    for (act, person, status) in ACTS {
        if !people.contains_key(person) {
            people.insert(person, world.person(person).await);
        }
        let path = format!("{at}/{act}");
        assert_eq!(visitor.post(&path, &[]).await.status(), StatusCode::UNAUTHORIZED, "{act}");
        assert_eq!(people[person].post(&path, &[]).await.status().as_u16(), status, "{person} {act}");
        assert_eq!(people[person].get(&path).await.status().as_u16(), 405, "{act} by link");
    }
    let unknown = people["pi"].post(&format!("{at}/grant"), &[]).await;
    assert_eq!(unknown.status(), StatusCode::NOT_FOUND);
    let count = sqlx::query_scalar::<_, i64>("select count(*) from event");
    assert_eq!(count.fetch_one(db.pool()).await.unwrap(), 1, "nothing was written but the draft");
}

#[test]
fn the_list_is_the_routers() {
    let source = include_str!("../pages.rs");
    let mut routed = BTreeSet::new();
    for part in source.split(".route(\"").skip(1) {
        let (path, rest) = part.split_once('"').unwrap();
        let handlers = rest.split('\n').next().unwrap();
        for method in ["get", "post"].into_iter().filter(|method| handlers.contains(&format!("{method}("))) {
            routed.insert((method, path));
        }
    }
    let listed: BTreeSet<_> = ROUTES.iter().filter(|route| route.1 != "/audit" || route.0 == "get").collect();
    assert_eq!(routed, listed.into_iter().map(|(method, path, _)| (*method, *path)).collect());
}

#[tokio::test]
async fn not_signed_in_and_wrong_role() {
    let world = World::new().await;
    let at = world.person("pi").await.act("/applications", &CONTENT).await;
    let id = at.rsplit('/').next().unwrap().to_owned();
    let visitor = world.visitor();
    for (method, route, other) in ROUTES.iter().copied() {
        let path = route
            .replace("{application}", &id)
            .replace("{project}", "fracture-2026")
            .replace("{dataset}", "ndb")
            .replace("{act}", "submit")
            .replace("{*file}", "portal.css");
        let open = PUBLIC.contains(&route);
        match method {
            "get" if open => assert_eq!(visitor.get(&path).await.status(), StatusCode::OK, "{route}"),
            "get" => assert_eq!(visitor.get(&path).await.status(), StatusCode::SEE_OTHER, "{route}"),
            _ if route == "/audit" => {}
            _ if open => assert_eq!(visitor.post_raw(&path, &[]).await.status(), StatusCode::FORBIDDEN, "{route}"),
            _ => assert_eq!(visitor.post(&path, &[]).await.status(), StatusCode::UNAUTHORIZED, "{route}"),
        }
        let Some((person, status)) = other else { continue };
        let browser = world.person(person).await;
        let answer = if method == "get" { browser.get(&path).await } else { browser.post(&path, &[]).await };
        assert_eq!(answer.status().as_u16(), status, "{person} {method} {route}");
    }
}

/// The auditor reads everything and changes nothing.
#[tokio::test]
async fn the_auditor_changes_nothing() {
    let world = World::new().await;
    let at = world.person("pi").await.act("/applications", &CONTENT).await;
    let id = at.rsplit('/').next().unwrap().to_owned();
    let auditor = world.person("auditor").await;
    for (method, route, _) in ROUTES.iter().copied() {
        // The own account is everybody's, the second step nobody's who is signed in.
        // Dummy data are nobody's, and open to everybody.
        let own = ["/account", "/dummy"].iter().any(|part| route.starts_with(part)) || route == "/sign-in/second";
        // A form that brings a document is of another type; whose invitation it is shows only behind it.
        let own = own || route == "/invitations/{token}/training";
        if method == "get" || route == "/audit" || PUBLIC.contains(&route) || own {
            continue;
        }
        let path = route.replace("{application}", &id).replace("{project}", "fracture-2026");
        let acts = if path.contains("{act}") { &ACTS[..] } else { &ACTS[..1] };
        for (act, ..) in acts {
            let status = auditor.post(&path.replace("{act}", act), &[]).await.status();
            assert!([StatusCode::FORBIDDEN, StatusCode::NOT_FOUND].contains(&status), "{route} {act}: {status}");
        }
    }
    let chain = auditor.read("/audit").await;
    for word in ["記録の連鎖は完全です", "application:create", "account:signed-in", "catalog:published", &id]
    {
        assert!(chain.contains(word), "{word}");
    }
}
