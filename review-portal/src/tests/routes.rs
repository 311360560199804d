//! Every route, with who may not: the list is held against the router's own.

use std::collections::BTreeSet;

use reqwest::StatusCode;

use super::flow::CONTENT;
use super::world::World;

/// Method, path, and one person who may not, with the answer.
pub(super) type Route = (&'static str, &'static str, Option<(&'static str, u16)>);

/// Method, path, and one person who is signed in but may not (none: everybody may).
pub(super) const ROUTES: [Route; 48] = [
    ("get", "/", None),
    ("get", "/sign-in", None),
    ("post", "/sign-in", None),
    ("post", "/sign-in/passkey", None),
    ("get", "/sign-in/second", None),
    ("post", "/sign-in/second", None),
    ("get", "/account", None),
    ("post", "/account/enrolment", None),
    ("post", "/account/enrolment/signed", None),
    ("post", "/account/passkey", None),
    ("post", "/account/passkey/remove", None),
    ("get", "/account/password", None),
    ("post", "/account/password", None),
    ("post", "/account/recovery", None),
    ("get", "/account/second-factor", None),
    ("post", "/account/totp", None),
    ("get", "/static/passkey.js", None),
    ("post", "/sign-out", None),
    ("get", "/catalog", None),
    ("get", "/catalog.json", None),
    ("get", "/catalog/{dataset}", None),
    ("get", "/static/portal.css", None),
    ("get", "/applications", None),
    ("post", "/applications", Some(("office", 403))),
    ("get", "/applications/new", Some(("r1", 403))),
    ("get", "/applications/{application}", Some(("eve", 404))),
    ("get", "/applications/{application}/edit", Some(("office", 403))),
    ("post", "/applications/{application}/edit", Some(("co", 403))),
    ("post", "/applications/{application}/submit", Some(("co", 403))),
    ("post", "/applications/{application}/withdraw", Some(("chair", 403))),
    ("post", "/applications/{application}/accept", Some(("pi", 403))),
    ("post", "/applications/{application}/return", Some(("auditor", 403))),
    ("post", "/applications/{application}/assign", Some(("chair", 403))),
    ("post", "/applications/{application}/conflict", Some(("r1", 404))),
    ("post", "/applications/{application}/voting", Some(("auditor", 403))),
    ("post", "/applications/{application}/vote", Some(("r1", 404))),
    ("post", "/applications/{application}/decide", Some(("office", 403))),
    ("post", "/applications/{application}/pledge", Some(("office", 403))),
    ("post", "/applications/{application}/permit", Some(("chair", 403))),
    ("post", "/applications/{application}/revoke", Some(("pi", 403))),
    ("post", "/applications/{application}/close", Some(("auditor", 403))),
    ("get", "/projects", None),
    ("get", "/projects/{project}/sql", Some(("office", 404))),
    ("post", "/projects/{project}/sql", Some(("pi", 404))),
    ("get", "/audit", Some(("office", 403))),
    ("get", "/linkage", Some(("office", 403))),
    ("get", "/mails", None),
    ("post", "/audit", Some(("auditor", 405))),
];

pub(super) const PUBLIC: [&str; 9] = [
    "/static/passkey.js",
    "/sign-in/passkey",
    "/",
    "/sign-in",
    "/sign-out",
    "/catalog",
    "/catalog.json",
    "/catalog/{dataset}",
    "/static/portal.css",
];

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
    for (method, route, other) in ROUTES {
        let path =
            route.replace("{application}", &id).replace("{project}", "fracture-2026").replace("{dataset}", "ndb");
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
    for (method, route, _) in ROUTES {
        // The own account is everybody's, the second step nobody's who is signed in.
        let own = route.starts_with("/account") || route == "/sign-in/second";
        if method == "get" || route == "/audit" || PUBLIC.contains(&route) || own {
            continue;
        }
        let path = route.replace("{application}", &id).replace("{project}", "fracture-2026");
        let status = auditor.post(&path, &[]).await.status();
        assert!([StatusCode::FORBIDDEN, StatusCode::NOT_FOUND].contains(&status), "{route}: {status}");
    }
    let chain = auditor.read("/audit").await;
    for word in ["記録の連鎖は完全です", "application:create", "account:signed-in", "catalog:published", &id]
    {
        assert!(chain.contains(word), "{word}");
    }
}
