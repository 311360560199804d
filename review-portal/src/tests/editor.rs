//! The SQL page in a browser with script: writing, completing, running, reading the picture, cancelling.

use super::flow::Cast;
use super::window::{CONTROL, Driver, ENTER, ESCAPE, TAB, Window};
use super::world::World;

const SQL: &str = "/projects/fracture-2026/sql";

/// The editor's own style sheet is let in by its nonce, and nothing else carries a style.
const STYLED: &str = "return getComputedStyle(document.querySelector('.cm-editor')).display === 'flex'
    && document.querySelectorAll('[style]:not(.cm-editor *):not(.cm-editor)').length === 0";

impl Window {
    /// Puts a query into the editor and sets the cursor there.
    async fn write(&self, sql: &str) {
        self.until(".cm-content").await;
        let script = "
            const field = document.getElementById('sql');
            field.value = arguments[0];
            field.dispatchEvent(new Event('input', { bubbles: true }));
            document.querySelector('.cm-content').focus()";
        self.run(script, &[sql]).await;
    }
}

#[tokio::test]
async fn the_editor_completes_runs_draws_and_can_be_left_by_keyboard() {
    let world = World::new().await;
    Cast::new(&world).await.to_permit().await;
    let driver = Driver::start();
    let window = driver.open(&world).await;
    window.sign_in("pi").await;
    window.go(SQL).await;
    window.write("").await;
    window.holds(STYLED, &[]).await;

    // Completion knows the permit's columns, and the keyboard gets out of the editor.
    window.holds("return performance.getEntriesByType('resource').some(it => it.name.endsWith('schema.json') && it.responseEnd > 0)", &[]).await;
    window.press("select service_m".chars()).await;
    window
        .holds(
            "return document.querySelector('.cm-tooltip-autocomplete')?.innerText.includes('service_month') ?? false",
            &[],
        )
        .await;
    window.press([ESCAPE, ESCAPE, TAB]).await;
    window.holds("return document.activeElement.matches('#bench .bench-acts > button')", &[]).await;
    let written = window.run("return document.getElementById('sql').value", &[]).await;
    assert_eq!(written, "select service_m", "what is written is what is sent");

    // Ctrl-Enter runs; the picture says what the values are, and a withheld cell has no bar.
    window.write("select sex, count(*) from ndb.claims group by sex -- look around").await;
    window.press([CONTROL, ENTER]).await;
    window.until(".answer-chart").await;
    let picture = window.run("return document.querySelector('.answer-chart').textContent", &[]).await;
    let picture = picture.as_str().unwrap();
    assert!(
        picture.contains("閲覧用・公表不可") && picture.contains("合成データ") && picture.contains('–'),
        "{picture}"
    );
    assert_eq!(window.run("return document.querySelectorAll('.answer-chart rect').length", &[]).await, 1);
    window.holds(STYLED, &[]).await;

    // A refusal is marked in the editor; its suggestion is one click.
    window.write("select *\nfrom ndb.claims").await;
    window.press([CONTROL, ENTER]).await;
    window.until(".suggestion").await;
    window.holds("return document.querySelector('.cm-refused')?.textContent === '*'", &[]).await;
    window.run("document.querySelector('.suggestion button').click()", &[]).await;
    window.until("#cells").await;
    let sql = window.run("return document.getElementById('sql').value", &[]).await;
    assert!(sql.as_str().unwrap().contains("count(DISTINCT person_key)"), "{sql}");
}

#[tokio::test]
async fn while_the_answer_is_awaited_one_click_cancels() {
    let world = World::new().await;
    Cast::new(&world).await.to_permit().await;
    let driver = Driver::start();
    let window = driver.open(&world).await;
    window.sign_in("co").await;
    window.go(SQL).await;
    window.write("select count(*) from ndb.claims -- forever").await;
    assert_eq!(window.run("return getComputedStyle(document.getElementById('stop')).display", &[]).await, "none");
    // The driver waits for the page that is awaited, so the click is planned before it.
    let plan = "
        setInterval(() => { const stop = document.getElementById('stop'); if (!stop.hidden) stop.click() }, 500);
        setTimeout(() => document.querySelector('#bench .bench-acts > button').click(), 50)";
    window.run(plan, &[]).await;
    window.holds("return document.getElementById('outcome')?.innerText.includes('veil/cancelled') ?? false", &[]).await;
}
