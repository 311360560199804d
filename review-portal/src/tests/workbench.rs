//! The SQL page: what it tells, keeps and stops, and for whom.

use std::sync::atomic::Ordering;
use std::time::Duration;

use policies::audit;
use reqwest::StatusCode;
use sha2::{Digest, Sha256};

use super::flow::Cast;
use super::world::{Browser, World};

const SQL: &str = "/projects/fracture-2026/sql";
const RUNS: &str = "/projects/fracture-2026/runs";
const QUERIES: &str = "/projects/fracture-2026/queries";
const COUNT: &str = "select sex, count(*) from ndb.claims group by sex";
const SCRIPT: &str = "<script>alert(1)</script>";

async fn bench() -> (World, Cast) {
    let world = World::new().await;
    let cast = Cast::new(&world).await;
    cast.to_permit().await;
    (world, cast)
}

/// The value of the first hidden field of that name.
fn hidden(page: &str, name: &str) -> String {
    let field = format!("name=\"{name}\" value=\"");
    page.split(&field).nth(1).unwrap().split('"').next().unwrap().to_owned()
}

async fn ran(browser: &Browser, sql: &str) -> String {
    browser.post(SQL, &[("sql", sql)]).await.text().await.unwrap()
}

/// Waits until the engine has `count` queries under way, at most some seconds.
async fn under_way(world: &World, count: usize) {
    let settled = async {
        while world.under_way.load(Ordering::SeqCst) != count {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), settled).await.unwrap();
}

/// Waits until a page says those words.
async fn says(browser: &Browser, path: &str, words: &str) -> String {
    let settled = async {
        loop {
            let page = browser.read(path).await;
            if page.contains(words) {
                return page;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), settled).await.unwrap()
}

#[tokio::test]
async fn the_answer_says_what_it_withholds_and_the_page_keeps_its_walls() {
    let (_world, cast) = bench().await;
    let answer = cast.co.post(SQL, &[("sql", COUNT)]).await;
    let csp = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
    let page = answer.text().await.unwrap();
    let nonce = page.split("data-nonce=\"").nth(1).unwrap().split('"').next().unwrap();
    assert!(csp.contains(&format!("style-src 'self' 'nonce-{nonce}'")) && csp.contains("script-src 'self';"), "{csp}");
    assert!(csp.contains("default-src 'none'") && !csp.contains("unsafe") && csp.contains("frame-ancestors 'none'"));
    let again = cast.co.get(SQL).await.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert_ne!(csp, again, "a nonce is used once");
    assert!(!page.contains("style=\"") && !page.contains("<style") && !page.contains("onclick"));
    assert_eq!(page.matches("<script").count(), 1);
    assert!(page.contains("class=\"veiled number\"") && page.contains("値がないか、隠されています"));
    assert!(page.contains("隠したセルは9個以下です。") && page.contains("人数が少ないセルは隠します。"));
    assert!(page.contains("合成データ（実在の個人・医療機関ではありません）"));
    assert!(!page.contains("閲覧用・公表不可"));
    let preview = ran(&cast.co, "select count(*) from ndb.claims -- look around").await;
    assert!(preview.contains("data-preview=\"閲覧用・公表不可\""), "the chart is told");
}

#[tokio::test]
async fn a_refusal_points_and_offers_a_query_that_runs() {
    let (_world, cast) = bench().await;
    let page = ran(&cast.pi, "select *\nfrom ndb.claims").await;
    assert!(page.contains("1行目8文字目") && page.contains("<mark>*</mark>"), "{page}");
    let suggestion = page.split("class=\"suggestion\"").nth(1).unwrap();
    let sql = hidden(suggestion, "sql").replace("&#10;", "\n");
    assert!(sql.contains("count(DISTINCT person_key)") && sql.contains("FROM ndb.claims"), "{sql}");
    let fields = [("csrf", hidden(suggestion, "csrf")), ("run", hidden(suggestion, "run")), ("sql", sql)];
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let answer = cast.pi.post_raw(SQL, &fields).await.text().await.unwrap();
    assert!(answer.contains("412"), "one click answers");
}

#[tokio::test]
async fn a_person_sees_ones_own_runs_alone_and_the_chain_only_hashes() {
    let (world, cast) = bench().await;
    ran(&cast.pi, COUNT).await;
    ran(&cast.pi, "select * from ndb.claims where icd10 = 'F20-secret'").await;
    let history = cast.pi.read(RUNS).await;
    let hash = hex::encode(Sha256::digest(COUNT));
    assert!(history.contains(&hash) && history.contains("回答") && history.contains("秒"), "{history}");
    assert!(history.contains("guard/rows-at-root") && history.contains("拒否") && history.contains("確定集計値"));
    let run = history.split("sql?run=").nth(2).unwrap().split('"').next().unwrap().to_owned();
    assert!(cast.pi.read(&format!("{SQL}?run={run}")).await.contains(COUNT));
    let opened = cast.pi.get(&format!("{RUNS}/{run}")).await;
    assert_eq!(opened.headers()["location"].to_str().unwrap(), format!("{SQL}?run={run}"));
    // A colleague of the same project.
    let others = cast.co.read(RUNS).await;
    assert!(others.contains("まだ何も実行していません。") && !others.contains(&hash));
    for path in
        [format!("{SQL}?run={run}"), format!("{RUNS}/{run}"), format!("{RUNS}?before=x"), format!("{SQL}?run=x")]
    {
        assert_eq!(cast.co.get(&path).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
    assert!(!cast.co.read(&format!("{RUNS}?before={run}")).await.contains(&hash));
    assert_eq!(cast.co.post(&format!("{RUNS}/{run}/cancel"), &[]).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(world.person("eve").await.get(RUNS).await.status(), StatusCode::NOT_FOUND);
    let chain = std::fs::read_to_string(world.path("portal").join("audit.jsonl")).unwrap();
    assert!(chain.contains(&hash) && !chain.contains("F20-secret") && !chain.contains("group by sex"));
}

#[tokio::test]
async fn a_query_can_be_cancelled_from_another_page_by_its_author_alone() {
    let (world, cast) = bench().await;
    let page = cast.pi.read(SQL).await;
    let (run, csrf) = (hidden(&page, "run"), hidden(&page, "csrf"));
    let sql = format!("select count(*) from ndb.claims -- forever {SCRIPT}");
    let fields = [("csrf", csrf.as_str()), ("run", run.as_str()), ("sql", sql.as_str())];
    let asked = cast.pi.post_raw(SQL, &fields);
    let cancelled = async {
        under_way(&world, 1).await;
        let history = cast.pi.read(RUNS).await;
        assert!(history.contains("実行中") && history.contains(&format!("{RUNS}/{run}/cancel")), "{history}");
        assert!(!history.contains("<script>"));
        assert_eq!(cast.co.post(&format!("{RUNS}/{run}/cancel"), &[]).await.status(), StatusCode::NOT_FOUND);
        let forged = cast.pi.post_raw(&format!("{RUNS}/{run}/cancel"), &[]).await;
        assert_eq!(forged.status(), StatusCode::FORBIDDEN);
        assert_eq!(world.under_way.load(Ordering::SeqCst), 1, "nobody else stops it");
        assert_eq!(cast.pi.act(&format!("{RUNS}/{run}/cancel"), &[]).await, RUNS);
    };
    let (answer, ()) = tokio::join!(asked, cancelled);
    let page = answer.text().await.unwrap();
    assert!(page.contains("veil/cancelled") && page.contains("問い合わせは取り消されました。"));
    under_way(&world, 0).await;
    assert!(cast.pi.read(RUNS).await.contains("取消し"));
    // Once more changes nothing.
    assert_eq!(cast.pi.act(&format!("{RUNS}/{run}/cancel"), &[]).await, RUNS);
    let chain = std::fs::read_to_string(world.path("portal").join("audit.jsonl")).unwrap();
    assert_eq!(chain.matches("query:cancelled").count(), 1);
}

#[tokio::test]
async fn a_browser_that_leaves_ends_its_query_and_the_history_says_so() {
    let (world, cast) = bench().await;
    {
        let fields = [("sql", "select count(*) from ndb.claims -- forever")];
        let asked = cast.pi.post(SQL, &fields);
        tokio::select! {
            _ = asked => unreachable!("it does not end"),
            () = under_way(&world, 1) => {}
        }
    }
    under_way(&world, 0).await;
    says(&cast.pi, RUNS, "取消し").await;
    assert!(audit::verify(&[world.path("portal"), world.path("permit")]).unwrap().whole());
}

#[tokio::test]
async fn a_saved_query_is_the_projects_and_every_version_stays() {
    let (world, cast) = bench().await;
    let title = format!("性別の人数 {SCRIPT}");
    let fields = [("title", title.as_str()), ("sql", COUNT), ("run", "0123456789abcdef0123456789abcdef")];
    let at = cast.pi.act(QUERIES, &fields).await;
    assert_eq!(cast.pi.act(QUERIES, &fields).await, at, "a double click is one query");
    let next = format!("{COUNT} order by sex -- {SCRIPT}");
    let fields = [("title", "性別の人数"), ("sql", next.as_str()), ("base", "1")];
    assert_eq!(cast.co.act(&at, &fields).await, at, "a colleague adds a version");
    let page = cast.pi.read(&format!("{at}?from=1&to=2")).await;
    assert!(
        page.contains("class=\"line removed\"") && page.contains("class=\"line added\"") && page.contains("coさん")
    );
    assert!(!page.contains("<script>alert"), "what was written is text");
    assert!(!cast.pi.read(QUERIES).await.contains("<script>alert"));
    let open = cast.pi.read(&format!("{SQL}?query={}&version=1", at.rsplit('/').next().unwrap())).await;
    assert!(
        open.contains("group by sex</textarea>")
            && open.contains("name=\"base\" value=\"1\"")
            && !open.contains("<script>alert")
    );
    for path in [format!("{at}?version=3"), format!("{at}?from=0&to=1"), format!("{QUERIES}/x")] {
        assert_eq!(cast.pi.get(&path).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
    let eve = world.person("eve").await;
    assert_eq!(eve.get(&at).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(eve.post(&at, &[("title", "x"), ("sql", "x"), ("base", "2")]).await.status(), StatusCode::NOT_FOUND);
    let db = crate::Database::open(&world.database).await.unwrap();
    for sql in ["update saved_query_version set title = 'x'", "delete from saved_query_version"] {
        assert!(sqlx::query(sql).execute(db.pool()).await.unwrap_err().to_string().contains("append-only"));
    }
}

#[tokio::test]
async fn of_two_who_save_at_once_the_second_is_told_and_nothing_is_lost() {
    let (_world, cast) = bench().await;
    let at = cast.pi.act(QUERIES, &[("title", "人数"), ("sql", COUNT)]).await;
    let (mine, yours) = (format!("{COUNT} -- pi"), format!("{COUNT} -- co"));
    let (mine, yours) = (
        [("title", "人数"), ("sql", mine.as_str()), ("base", "1")],
        [("title", "人数"), ("sql", yours.as_str()), ("base", "1")],
    );
    let (first, second) = tokio::join!(cast.pi.post(&at, &mine), cast.co.post(&at, &yours));
    let mut statuses = [first.status().as_u16(), second.status().as_u16()];
    let told = if second.status() == StatusCode::CONFLICT { second } else { first };
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 409]);
    let page = told.text().await.unwrap();
    assert!(page.contains("まだ保存していません。") && page.contains("-- pi") && page.contains("-- co"), "{page}");
    assert_eq!(hidden(&page, "base"), "2");
    // With the version that was told, both stay.
    let text = page.split("<textarea").nth(1).unwrap().split("</textarea>").next().unwrap();
    let (second, fields) = if text.contains("-- co") { (&cast.co, yours) } else { (&cast.pi, mine) };
    second.act(&at, &[fields[0], fields[1], ("base", "2")]).await;
    let versions = cast.pi.read(&at).await;
    assert!(versions.contains("?version=3") && versions.contains("?version=2") && versions.contains("?version=1"));
}

#[tokio::test]
async fn what_cannot_be_kept_is_said_and_stays_in_the_form() {
    let (_world, cast) = bench().await;
    let long = "あ".repeat(201);
    for (title, sql, words) in [
        ("", COUNT, "題名を1字以上"),
        (long.as_str(), COUNT, "題名を1字以上"),
        ("空", " \r\n ", "問い合わせが空か"),
        ("無", "select '\u{0}'", "使えない文字"),
    ] {
        let answer = cast.pi.post(QUERIES, &[("title", title), ("sql", sql)]).await;
        assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY, "{title}");
        let page = answer.text().await.unwrap();
        assert!(page.contains(words) && page.contains("name=\"sql\""), "{title}");
    }
    let broken = cast.pi.post(QUERIES, &[("title", "a\u{0}b"), ("sql", COUNT)]).await;
    assert_eq!(broken.status(), StatusCode::BAD_REQUEST, "no form takes a NUL but the query's own field");
    let kept = cast.pi.post(QUERIES, &[("title", ""), ("sql", COUNT)]).await.text().await.unwrap();
    assert!(kept.contains(&format!("{COUNT}</textarea>")), "input is kept");
    let kept = ran(&cast.pi, "\n\nselect * from ndb.claims").await;
    // A browser drops the first line break of a text field.
    assert!(kept.contains(">\n\n\nselect * from ndb.claims</textarea>"), "{kept}");
    let huge = "x".repeat(300 * 1024);
    assert!(ran(&cast.pi, &huge).await.contains("256 KiB"));
    assert!(ran(&cast.pi, "select '\u{0}'").await.contains("使えない文字"));
    assert!(cast.pi.read(QUERIES).await.contains("まだありません"));
    assert_eq!(cast.pi.read(RUNS).await.matches("sql?run=").count(), 1, "what is not sent is no run");
    let wrong = cast
        .pi
        .post(QUERIES, &[("title", "x"), ("sql", "x"), ("query", "0123456789abcdef0123456789abcdef"), ("base", "1")])
        .await;
    assert_eq!(wrong.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn completion_knows_this_permits_tables_alone() {
    let (world, cast) = bench().await;
    let schema: serde_json::Value =
        serde_json::from_str(&cast.co.read("/projects/fracture-2026/schema.json").await).unwrap();
    let tables: Vec<&str> =
        schema["tables"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect();
    assert_eq!(tables, ["ndb.claims", "ndb.drugs", "person"]);
    let columns = |table: usize| {
        let columns = schema["tables"][table]["columns"].as_array().unwrap();
        columns.iter().map(|it| it["name"].as_str().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(columns(1), ["person_key", "yj_code"]);
    assert!(columns(0).contains(&"service_month") && !columns(2).contains(&"birth_date"));
    assert_eq!(
        world.person("eve").await.get("/projects/fracture-2026/schema.json").await.status(),
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn a_run_that_a_stop_cut_off_is_not_running_for_ever() {
    let (world, cast) = bench().await;
    ran(&cast.pi, COUNT).await;
    let db = crate::Database::open(&world.database).await.unwrap();
    sqlx::query("update query_run set state = 'running'").execute(db.pool()).await.unwrap();
    assert!(cast.pi.read(RUNS).await.contains("実行中"));
    crate::workbench::runs::sweep(&db).await.unwrap();
    assert!(cast.pi.read(RUNS).await.contains("中断"));
}

/// What is served is what `VENDORED.md` says, so that nobody changes a bundle by hand.
#[test]
fn vendored_bundles_are_those_that_are_described() {
    let told = include_str!("../../static/VENDORED.md");
    for (name, text) in [
        ("codemirror.js", include_str!("../../static/vendor/codemirror.js")),
        ("d3.js", include_str!("../../static/vendor/d3.js")),
    ] {
        let line = format!("| `{name}` | `{}` |", hex::encode(Sha256::digest(text)));
        assert!(told.contains(&line), "{line}");
    }
    let lock: serde_json::Value =
        serde_json::from_str(include_str!("../../static/vendor/bundle/package-lock.json")).unwrap();
    let packages = lock["packages"].as_object().unwrap();
    for (name, package) in packages {
        let Some(name) = name.strip_prefix("node_modules/").filter(|name| !name.contains("esbuild")) else { continue };
        let row = format!(
            "| `{name}` | {} | {} |",
            package["version"].as_str().unwrap(),
            package["license"].as_str().unwrap()
        );
        assert!(told.contains(&row), "{row}");
    }
}
