//! Dummy data: for everybody who is signed in, told apart from people's records everywhere, and for planned tables.

use reqwest::StatusCode;

use super::flow::{CONTENT, Cast, content_with};
use super::world::{Browser, World};

const SQL: &str = "/projects/fracture-2026/sql";
const COUNT: &str = "select sex, count(*) as made_up from ndb.claims group by sex";
const MARK: &str = "ダミーデータ（架空）";

async fn posted(browser: &Browser, path: &str, fields: &[(&str, &str)]) -> String {
    let answer = browser.post(path, fields).await;
    assert_eq!(answer.status(), StatusCode::OK, "{path}");
    answer.text().await.unwrap()
}

/// What stands in the answer's part of the page.
fn outcome(page: &str) -> &str {
    page.split("id=\"outcome\"").nth(1).unwrap_or_default().split("class=\"bench-side\"").next().unwrap()
}

#[tokio::test]
async fn who_has_no_project_finds_dummy_data_and_asks_them() {
    let world = World::new().await;
    let visitor = world.visitor();
    let page = visitor.read("/catalog/ndb").await;
    assert!(
        page.contains("ダミーデータ（架空）があります。")
            && page.contains("架空の678人")
            && page.contains("href=\"/dummy\"")
    );
    assert!(!visitor.read("/catalog/registry").await.contains("href=\"/dummy\""), "there is none of it");
    assert_eq!(visitor.get("/dummy").await.status(), StatusCode::SEE_OTHER, "sign in first");
    let eve = world.person("eve").await;
    assert!(eve.read("/").await.contains("href=\"/dummy\""));
    let page = eve.read("/dummy").await;
    assert!(page.contains(MARK) && page.contains("ndb.claims") && !page.contains("name=\"data\""), "{page}");
    let page = posted(&eve, "/dummy", &[("sql", COUNT)]).await;
    assert!(outcome(&page).contains(MARK) && outcome(&page).contains("987"), "{page}");
    assert!(outcome(&page).contains(&format!("data-preview=\"{MARK}\"")), "the chart is marked");
    assert!(outcome(&page).contains("多くて2,000行"));
    let refused = posted(&eve, "/dummy", &[("sql", "select * from ndb.claims")]).await;
    assert!(refused.contains("guard/rows-at-root") && refused.contains("class=\"suggestion\""));
    // No form can ask people's records from here.
    let page = posted(&eve, "/dummy", &[("sql", COUNT), ("data", "people")]).await;
    assert!(outcome(&page).contains("987"));
    let history = eve.read("/dummy/runs").await;
    assert!(
        history.matches("href=\"/dummy?run=").count() == 3 && history.contains("2,000") && history.contains("4,000")
    );
    let run = history.split("/dummy?run=").nth(1).unwrap().split('"').next().unwrap().to_owned();
    assert!(eve.read(&format!("/dummy?run={run}")).await.contains("made_up"));
    let co = world.person("co").await;
    assert_eq!(co.get(&format!("/dummy?run={run}")).await.status(), StatusCode::NOT_FOUND, "nobody sees another's");
    let schema: serde_json::Value = serde_json::from_str(&eve.read("/dummy/schema.json").await).unwrap();
    let tables: Vec<&str> =
        schema["tables"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect();
    assert_eq!(tables, ["ndb.claims", "ndb.drugs", "person", "facility"]);
}

#[tokio::test]
async fn a_project_switches_between_its_records_and_dummies_and_always_says_which() {
    let world = World::new().await;
    let cast = Cast::new(&world).await;
    cast.to_permit().await;
    let page = cast.pi.read(SQL).await;
    assert!(page.contains("name=\"data\" value=\"people\" checked") && page.contains("name=\"data\" value=\"dummy\">"));
    let page = posted(&cast.pi, SQL, &[("sql", COUNT), ("data", "dummy")]).await;
    assert!(outcome(&page).contains(MARK) && outcome(&page).contains("987"));
    assert!(page.contains("name=\"data\" value=\"dummy\" checked"), "the switch stays where it was put");
    let page = posted(&cast.pi, SQL, &[("sql", COUNT), ("data", "people")]).await;
    assert!(!outcome(&page).contains(MARK) && outcome(&page).contains("412"));
    assert!(outcome(&page).contains("多くて13,000行"));
    let wrong = cast.pi.post(SQL, &[("sql", COUNT), ("data", "other")]).await;
    assert_eq!(wrong.status(), StatusCode::BAD_REQUEST);
    let history = cast.pi.read("/projects/fracture-2026/runs").await;
    assert!(history.contains("ダミー") && history.contains("13,000") && history.contains("26,000"), "{history}");
    // An engine that serves people where dummies are meant: nothing of it is shown.
    let page = posted(&cast.pi, SQL, &[("sql", "select count(*) from ndb.claims -- really?"), ("data", "dummy")]).await;
    assert!(!page.contains("987") && page.contains("veil/failed"));
    let chain = std::fs::read_to_string(world.path("portal").join("audit.jsonl")).unwrap();
    assert!(chain.contains("\"data\":\"dummy\""));
}

#[tokio::test]
async fn a_run_that_waits_says_so_and_can_be_stopped() {
    let world = World::new().await;
    let eve = world.person("eve").await;
    let page = eve.read("/dummy").await;
    let run = page.split("name=\"run\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let fields = [("sql", "select count(*) from ndb.claims -- forever"), ("run", run.as_str())];
    let asked = eve.post("/dummy", &fields);
    let stopped = async {
        loop {
            let history = eve.read("/dummy/runs").await;
            if history.contains("順番待ち") {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        assert_eq!(eve.act(&format!("/dummy/runs/{run}/cancel"), &[]).await, "/dummy/runs");
    };
    let (answer, ()) = tokio::join!(asked, stopped);
    assert!(answer.text().await.unwrap().contains("veil/cancelled"));
}

#[tokio::test]
async fn the_portal_gives_a_token_for_other_tools() {
    let world = World::new().await;
    let eve = world.person("eve").await;
    let page = posted(&eve, "/dummy/token", &[]).await;
    assert!(page.contains("grpc://127.0.0.1:50052"));
    let token = page.split("class=\"code-input\">").nth(1).unwrap().split('<').next().unwrap();
    let keys = policies::keys::KeyFolder::open(&world.path("portal"), policies::Zone::Portal).unwrap();
    let key = keys.signing("session").unwrap().verifying();
    let claims = <policies::DummyToken as policies::jws::Document>::verify(token, &key).unwrap();
    assert_eq!(claims.user.as_str(), "eve");
    assert!(policies::jws::verify::<policies::SessionToken>(policies::jws::SESSION, token, &key).is_err());
    assert_eq!(eve.post_raw("/dummy/token", &[]).await.status(), StatusCode::FORBIDDEN, "a forged form gets none");
}

#[tokio::test]
async fn a_planned_table_is_tried_in_the_draft_and_its_columns_are_judged() {
    let world = World::new().await;
    let pi = world.person("pi").await;
    let shells = [("shell_title", "性別の人数"), ("shell_sql", COUNT)];
    let attempt = [&CONTENT[..], &shells, &[("shell_title", ""), ("shell_sql", ""), ("try", "0")]].concat();
    let next = pi.act("/applications", &attempt).await;
    let (at, place) = next.split_once("/edit#").unwrap();
    assert_eq!(place, "shell-0");
    let page = pi.read(&format!("{at}/edit")).await;
    assert!(page.contains("<code>made_up</code> <span class=\"hint\">整数</span>"), "{page}");
    assert!(page.contains("ダミーデータで動いた結果の列です。"));
    // Changed since: it says so, here and to whoever reads.
    let changed = format!("{COUNT} order by sex");
    let fields = content_with(&[("shell_title", "性別の人数"), ("shell_sql", &changed)]);
    assert_eq!(pi.act(&format!("{at}/edit"), &fields).await, at);
    assert!(pi.read(at).await.contains("列を確かめた後にSQLが変わりました。"));
    // What does not run is told at its field, and the draft is saved all the same.
    let broken = "select * from ndb.claims";
    let fields =
        content_with(&[("title", "試した題名"), ("shell_title", "性別の人数"), ("shell_sql", broken), ("try", "0")]);
    let answer = pi.post(&format!("{at}/edit"), &fields).await;
    assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let page = answer.text().await.unwrap();
    assert!(page.contains("ダミーデータでは動きませんでした。") && page.contains("guard/rows-at-root"), "{page}");
    let page = pi.read(&format!("{at}/edit")).await;
    assert!(page.contains("試した題名") && page.contains(broken));
    // Untried it may be handed in; the office sees that.
    pi.act(&format!("{at}/submit"), &[]).await;
    let page = world.person("office").await.read(at).await;
    assert!(page.contains("列を確かめた後にSQLが変わりました。") && page.contains("made_up"), "{page}");
}
