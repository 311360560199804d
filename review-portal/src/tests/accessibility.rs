//! Every page of the route table under axe-core in a headless Chromium: both widths, both languages, each role, a picture of each.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Value, json};

use super::browser::{Browser, DESK, PHONE, Size};
use super::flow::{CHECKLIST, Cast, REVIEWERS, content_with, with_findings};
use super::linkage;
use super::oidc::institution::Institution;
use super::routes::ROUTES;
use super::world::{FRESH, PASSWORD, Passkeys, World};

/// axe-core 4.14.1 (tests/vendor/VENDORED.md).
const AXE: &str = include_str!("../../../tests/vendor/axe-core/axe.min.js");

/// All rules, those of WCAG 2.2 that are off by default too; each finding as rule, element and what is wrong.
const FINDINGS: &str = "
    const done = arguments[0];
    axe.run(document, { resultTypes: ['violations'], rules: { 'target-size': { enabled: true } } }).then(found => done(found.violations.flatMap(
        rule => rule.nodes.map(node => [rule.id, node.html.slice(0, 160), node.failureSummary]))), error => done([String(error)]))";

/// What a page must not have: more than it shows, another number of titles than one, a script or a file that is not ours.
const FACTS: &str = "
    const loaded = performance.getEntriesByType('resource').map(entry => entry.name);
    return {
        wide: document.documentElement.scrollWidth > innerWidth, titles: document.querySelectorAll('h1').length,
        scripts: [...document.scripts].filter(it => !it.src || new URL(it.src).origin != location.origin || !new URL(it.src).pathname.startsWith('/static/')).length, elsewhere: loaded.filter(name => new URL(name).origin != location.origin),
        letters: [...document.fonts].some(face => face.status == 'loaded' && face.family.includes('Noto Sans JP')),
        lang: document.documentElement.lang, synthetic: document.body.innerText.includes('合成データ（実在の個人・医療機関ではありません）'),
    }";

/// What a browser asks for that is no page: files and what programs read.
const NO_PAGES: [&str; 13] = [
    "/catalog.json",
    "/static/{*file}",
    "/projects/{project}/schema.json",
    "/applications/{application}/attachments/{sha256}",
    // The SQL page with that run's text.
    "/projects/{project}/runs/{run}",
    "/applications/{application}/incidents/{number}/report.pdf",
    "/applications/{application}/letter.pdf",
    "/applications/{application}/sheet.pdf",
    // Answers with the application's page.
    "/applications/{application}/training",
    "/applications/{application}/training/{member}",
    "/dummy/schema.json",
    "/meetings/{date}/minutes.pdf",
    "/sign-in/institution/{institution}",
];

/// Who has which page, by its route; in braces an application by what [`furnish`] made of it.
const PAGES: &[(&str, &[&str])] = &[
    ("", &["/", "/use", "/use/decisions", "/profiles", "/catalog", "/catalog/ndb", "/sign-in", "/nothing"]),
    (
        "pi",
        &[
            "/",
            "/applications",
            "/applications/new",
            "/projects",
            "/dummy",
            "/dummy/runs",
            "/mails",
            "{permitted}",
            "{permitted}/letter",
            "{returned}",
            "{returned}/edit",
            "{returned}/attachments",
            "{returned}/invitations",
            "{ended}",
        ],
    ),
    (
        "co",
        &[
            "/",
            "/invitations/{token}",
            "/projects/fracture-2026/sql",
            "/projects/fracture-2026/runs",
            "/projects/fracture-2026/queries",
            "/projects/fracture-2026/queries/{query}",
        ],
    ),
    (
        "office",
        &[
            "/",
            "/applications",
            "{submitted}",
            "{asked}",
            "{voting}",
            "{permitted}",
            "{permitted}/sheet",
            "{permitted}/incidents/1",
            "/board",
            "/meetings",
            "/meetings/{sitting}",
            "/mails",
        ],
    ),
    ("r1", &["/", "{voting}", "{asked}/interest", "/account", "/account/password", "/account/second-factor"]),
    ("chair", &["/", "/board", "/meetings", "{voting}", "{voting}/sheet"]),
    ("auditor", &["/", "/audit", "/linkage", "{permitted}"]),
    ("steward", &["/", "{heard}", "/linkage"]),
];

/// Pages that follow a form: who, where, what is done there, and what then is on the page.
const ANSWERS: &[(&str, &str, &str, &str)] = &[
    (
        "co",
        "/projects/fracture-2026/sql",
        "
        document.getElementById('sql').value = 'select sex, count(*) from ndb.claims group by sex -- look around';
        document.getElementById('bench').submit()",
        "#cells",
    ),
    (
        "co",
        "/projects/fracture-2026/sql",
        "
        document.getElementById('sql').value = 'select *\\nfrom ndb.claims';
        document.getElementById('bench').submit()",
        ".suggestion",
    ),
    (
        "r1",
        "{voting}",
        "
        document.querySelector('[name=ballot][value=for]').click();
        document.querySelector('form[action$=\"/vote\"] button').click()",
        "form[action$='/sign']",
    ),
    (
        "r1",
        "/account",
        "document.querySelector('form[action=\"/account/enrolment\"] button').click()",
        "form[action$='/sign']",
    ),
    ("r1", "", "document.querySelector('button[name=demo]').click()", "#request"),
    ("office", "{submitted}", "document.querySelector('form[action$=\"/accept\"]').submit()", "main .code"),
    (
        "pi",
        "{returned}/edit",
        "
        const from = document.querySelector('[name=period_from]');
        from.type = 'text';
        from.value = '来年';
        from.form.requestSubmit()",
        "[aria-invalid=true]",
    ),
    ("pi", "/account", "document.querySelector('form[action=\"/account/recovery\"] button').click()", "main li code"),
];

#[test]
fn every_page_of_the_routes_is_looked_at() {
    let looked_at: Vec<&str> = PAGES.iter().flat_map(|(_, paths)| *paths).copied().collect();
    let shapes: BTreeSet<String> = looked_at.into_iter().chain(["/sign-in/second"]).map(shape).collect();
    let pages = ROUTES.iter().filter(|(method, route, _)| *method == "get" && !NO_PAGES.contains(route));
    for (_, route, _) in pages {
        assert!(shapes.contains(&shape(route)), "{route} is a page that nobody looks at: add it to PAGES");
    }
}

/// A route or a path with `*` for each part that is somebody's or something's.
fn shape(path: &str) -> String {
    let path = ["permitted", "returned", "ended", "submitted", "asked", "voting", "heard"]
        .iter()
        .fold(path.to_owned(), |path, word| path.replace(&format!("{{{word}}}"), "/applications/*"));
    let part = |(at, part): (usize, &str)| {
        let named = ["ndb", "fracture-2026", "1"].contains(&part) && at > 1;
        if part.starts_with('{') || named { "*".to_owned() } else { part.to_owned() }
    };
    path.split('/').enumerate().map(part).collect::<Vec<_>>().join("/")
}

#[tokio::test]
async fn axe_finds_nothing_on_any_page() {
    let world = World::new().await;
    let paths = furnish(&world).await;
    let (desk, phone) = tokio::join!(walk(&world, &paths, DESK), walk(&world, &paths, PHONE));
    let found = [desk, phone].concat();
    assert!(found.is_empty(), "{}:\n{}", found.len(), found.join("\n"));
}

/// The way to an institution in a browser: its buttons under axe, and past the wall that lets no form lead to another site.
#[tokio::test]
async fn a_browser_finds_its_way_to_an_institution() {
    let univ_a = Institution::start("univ-a").await;
    let world = World::at_institutions(Some(Arc::new(Passkeys)), vec![univ_a.config()]).await;
    let press = "document.querySelector('button[name=institution][value=univ-a]').click()";
    for size in [DESK, PHONE] {
        let page = Browser::open(&format!("http://{}", world.address), size).await;
        let mut found = Vec::new();
        for (place, signs_in) in [("/sign-in", false), ("/account", true)] {
            if signs_in {
                page.sign_in("r1", PASSWORD).await;
            }
            for lang in ["en", "ja"] {
                page.go(&format!("{place}?lang={lang}")).await;
                found.extend(findings(&page, &format!("institution{place}"), lang).await);
            }
            page.script(press, vec![]).await;
            page.until("input[name=login]").await;
        }
        assert!(found.is_empty(), "{}", found.join("\n"));
    }
}

/// Every page as everybody who has one, in a window of that size, in both languages: what is wrong with them.
async fn walk(world: &World, paths: &Paths, size: Size) -> Vec<String> {
    let page = Browser::open(&format!("http://{}", world.address), size).await;
    let mut found = Vec::new();
    for (person, theirs) in PAGES {
        if !person.is_empty() {
            page.sign_in(person, PASSWORD).await;
        }
        for (path, lang) in theirs.iter().flat_map(|path| ["ja", "en"].map(|lang| (path, lang))) {
            page.go(&format!("{}?lang={lang}", placed(paths, path))).await;
            found.extend(findings(&page, &format!("{person}{path}"), lang).await);
        }
        for (_, path, script, shown) in ANSWERS.iter().filter(|(who, ..)| who == person) {
            if !path.is_empty() {
                page.go(&format!("{}?lang=ja", placed(paths, path))).await;
            }
            page.script(script, vec![]).await;
            page.until(shown).await;
            found.extend(findings(&page, &format!("{person}{path} {shown}"), "ja").await);
        }
        if !person.is_empty() {
            page.sign_out().await;
        }
    }
    for (person, path) in [("pi", "/sign-in/second"), (FRESH, "/account/second-factor")] {
        page.give_password(person, PASSWORD).await;
        for lang in ["ja", "en"] {
            page.go(&format!("{path}?lang={lang}")).await;
            found.extend(findings(&page, &format!("{person}{path}"), lang).await);
        }
    }
    found
}

/// What is made for the walk, by the word that stands for it.
type Paths = BTreeMap<&'static str, String>;

fn placed(paths: &Paths, path: &str) -> String {
    paths.iter().fold(path.to_owned(), |path, (word, place)| path.replace(&format!("{{{word}}}"), place))
}

/// One application in each state that shows other parts of a page.
async fn furnish(world: &World) -> Paths {
    let cast = Cast::new(world).await;
    let permitted = cast.to_permit().await;
    let lost = [("incident-kind", "loss"), ("severity", "2"), ("noticed_on", "2026-01-02"), ("text", "鍵を紛失した")];
    cast.co.act(&format!("{permitted}/report-incident"), &lost).await;
    let [submitted, returned, voting, refused, ended] = written(&cast).await;
    cast.office.act(&format!("{returned}/return"), &[("comment", "資金源を書いてください")]).await;
    cast.join(&submitted).await;
    let invitations = format!("{returned}/invitations");
    cast.pi.post(&invitations, &[("user", "co")]).await;
    let mails = cast.co.read("/mails").await;
    let token = mails.split("/invitations/").nth(1).unwrap().chars().take(64).collect();
    for at in [&voting, &refused] {
        cast.join(at).await;
        cast.office.sign(&format!("{at}/accept"), &CHECKLIST).await;
        cast.assign_and_schedule(at).await;
    }
    for reviewer in [&cast.r1, &cast.r2] {
        reviewer.sign(&format!("{refused}/vote"), &[("ballot", "against")]).await;
    }
    let rejected = with_findings(&[("decision", "rejected"), ("text", "広告のための利用に当たる。")]);
    cast.chair.sign(&format!("{refused}/decide"), &rejected).await;
    cast.pi.act(&format!("{ended}/withdraw"), &[]).await;
    let asked = cast.to_review(&content_with(&[("project", "asked")])).await;
    cast.office.act(&format!("{asked}/assign"), &REVIEWERS).await;
    let heard = cast.pi.act("/applications", &content_with(&[("project", "heard")])).await;
    cast.pi.act(&format!("{heard}/submit"), &[]).await;
    cast.join(&heard).await;
    cast.office.sign(&format!("{heard}/accept"), &CHECKLIST).await;
    let saved = [("title", "性別の人数"), ("sql", "select sex, count(*) from ndb.claims group by sex")];
    let query = cast.co.act("/projects/fracture-2026/queries", &saved).await;
    let query = query.split(['/', '?', '#']).filter(|part| !part.is_empty()).nth(3).unwrap().to_owned();
    linkage::some_pairs(world);
    [
        ("permitted", permitted),
        ("submitted", submitted),
        ("returned", returned),
        ("voting", voting),
        ("ended", ended),
        ("asked", asked),
        ("heard", heard),
        ("token", token),
        ("query", query),
        ("sitting", super::flow::sitting()[0].1.to_owned()),
    ]
    .into()
}

/// Five applications that were handed in.
async fn written(cast: &Cast) -> [String; 5] {
    let mut all = Vec::new();
    for project in ["submitted", "returned", "voting", "refused", "ended"] {
        let at = cast.pi.act("/applications", &content_with(&[("project", project)])).await;
        cast.pi.act(&format!("{at}/submit"), &[]).await;
        all.push(at);
    }
    all.try_into().unwrap()
}

/// Keeps a picture of the page that is open, and says what is wrong with it.
async fn findings(page: &Browser, place: &str, lang: &str) -> Vec<String> {
    let name: String = place.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' }).collect();
    page.picture(&format!("all-{name}-{lang}")).await;
    let facts = page.script(FACTS, vec![]).await;
    let wanted = json!({
        "wide": false, "titles": 1, "scripts": 0, "elsewhere": [], "letters": true, "lang": lang, "synthetic": true,
    });
    let mut found = Vec::new();
    if facts != wanted {
        found.push(format!("{place} in {lang}: {facts}"));
    }
    page.script(AXE, vec![]).await;
    let axe = page.script_later(FINDINGS).await;
    let axe: Vec<Value> = serde_json::from_value(axe).unwrap();
    found.extend(axe.iter().map(|finding| format!("{place} in {lang}: {finding}")));
    found
}
