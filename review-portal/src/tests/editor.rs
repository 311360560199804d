//! The SQL page in a browser with script: writing, completing, running, reading the picture, cancelling.

use fantoccini::key::Key;
use serde_json::json;

use super::browser::{Browser, DESK};
use super::flow::Cast;
use super::world::{PASSWORD, World};

const SQL: &str = "/projects/fracture-2026/sql";

/// The editor's own style sheet is let in by its nonce, and nothing else carries a style.
const STYLED: &str = "return getComputedStyle(document.querySelector('.cm-editor')).display === 'flex'
    && document.querySelectorAll('[style]:not(.cm-editor *):not(.cm-editor)').length === 0";

/// A window in which `user` is signed in.
async fn window(world: &World, user: &str) -> Browser {
    let page = Browser::open(&format!("http://{}", world.address), DESK).await;
    page.sign_in(user, PASSWORD).await;
    page
}

/// Puts a query into the editor and sets the cursor there.
async fn write(page: &Browser, sql: &str) {
    page.until(".cm-content").await;
    let script = "
        const field = document.getElementById('sql');
        field.value = arguments[0];
        field.dispatchEvent(new Event('input', { bubbles: true }));
        document.querySelector('.cm-content').focus()";
    page.script(script, vec![json!(sql)]).await;
}

async fn says(page: &Browser, script: &str) {
    page.holds(&format!("return {script}"), vec![]).await;
}

/// What is sent.
async fn written(page: &Browser) -> String {
    page.script("return document.getElementById('sql').value", vec![]).await.as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_editor_completes_runs_and_draws() {
    let world = World::new().await;
    Cast::new(&world).await.to_permit().await;
    let page = window(&world, "pi").await;
    page.go(SQL).await;
    write(&page, "").await;
    page.holds(STYLED, vec![]).await;

    // Completion knows the permit's columns.
    says(
        &page,
        "performance.getEntriesByType('resource').some(it => it.name.endsWith('schema.json') && it.responseEnd > 0)",
    )
    .await;
    page.keys("select service_m").await;
    says(&page, "document.querySelector('.cm-tooltip-autocomplete')?.innerText.includes('service_month') ?? false")
        .await;
    assert_eq!(written(&page).await, "select service_m", "what is written is what is sent");

    // Ctrl-Enter runs; the picture says what the values are, and a withheld cell has no bar.
    write(&page, "select sex, count(*) from ndb.claims group by sex -- look around").await;
    page.chord(&[Key::Control, Key::Enter]).await;
    page.until(".answer-chart").await;
    let picture = page.script("return document.querySelector('.answer-chart').textContent", vec![]).await;
    let picture = picture.as_str().unwrap();
    assert!(
        picture.contains("閲覧用・公表不可") && picture.contains("合成データ") && picture.contains('–'),
        "{picture}"
    );
    assert_eq!(page.script("return document.querySelectorAll('.answer-chart rect').length", vec![]).await, 1);
    page.holds(STYLED, vec![]).await;

    // A refusal is marked in the editor; its suggestion is one click.
    write(&page, "select *\nfrom ndb.claims").await;
    page.chord(&[Key::Control, Key::Enter]).await;
    page.until(".suggestion").await;
    says(&page, "document.querySelector('.cm-refused')?.textContent === '*'").await;
    page.script("document.querySelector('.suggestion button').click()", vec![]).await;
    page.until("#cells").await;
    let sql = written(&page).await;
    assert!(sql.contains("count(DISTINCT person_key)"), "{sql}");
}

#[tokio::test]
async fn the_keyboard_gets_into_the_editor_and_out_of_it() {
    let world = World::new().await;
    Cast::new(&world).await.to_permit().await;
    let page = window(&world, "pi").await;
    let on_run = "document.activeElement.matches('#bench .bench-acts > button')";

    // Somebody who is in the text field before the script comes.
    let early = json!({
        "cmd": "Page.addScriptToEvaluateOnNewDocument",
        "params": { "source": "addEventListener('readystatechange', () => {
            if (document.readyState == 'interactive') document.getElementById('sql')?.focus()
        }, true)" },
    });
    page.command(reqwest::Method::POST, "goog/cdp/execute", Some(early)).await;
    page.go(SQL).await;
    says(&page, "document.activeElement.matches('.cm-content')").await;
    page.keys("select sex").await;
    assert_eq!(written(&page).await, "select sex");

    // Tab indents, until Escape lets it out, however slow the fingers are and whatever else Escape closes.
    page.chord(&[Key::Tab]).await;
    assert!(written(&page).await.starts_with("  select"), "{}", written(&page).await);
    page.keys(" per").await;
    page.until(".cm-tooltip-autocomplete").await;
    page.chord(&[Key::Escape]).await;
    tokio::time::sleep(std::time::Duration::from_millis(2500)).await;
    page.chord(&[Key::Tab]).await;
    says(&page, on_run).await;
    page.chord(&[Key::Shift, Key::Tab]).await;
    says(&page, "document.activeElement.matches('.cm-content')").await;

    // Back in, Tab indents again; what is written after Escape takes it back.
    page.chord(&[Key::Escape]).await;
    page.keys("x").await;
    page.chord(&[Key::Tab]).await;
    says(&page, "document.activeElement.matches('.cm-content')").await;
    assert!(written(&page).await.starts_with("    select"), "{}", written(&page).await);
}

#[tokio::test]
async fn while_the_answer_is_awaited_one_click_cancels() {
    let world = World::new().await;
    Cast::new(&world).await.to_permit().await;
    let page = window(&world, "co").await;
    page.go(SQL).await;
    write(&page, "select count(*) from ndb.claims -- forever").await;
    assert_eq!(page.script("return getComputedStyle(document.getElementById('stop')).display", vec![]).await, "none");
    // The driver waits for the page that is awaited, so the click is planned before it.
    let plan = "
        setInterval(() => { const stop = document.getElementById('stop'); if (!stop.hidden) stop.click() }, 500);
        setTimeout(() => document.querySelector('#bench .bench-acts > button').click(), 50)";
    page.script(plan, vec![]).await;
    says(&page, "document.getElementById('outcome')?.innerText.includes('veil/cancelled') ?? false").await;
}
