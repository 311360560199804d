//! Writing an application, as people do it: half of it, wrongly, in two windows, with documents and other people.

use std::fmt::Write as _;

use reqwest::{Response, StatusCode};

use super::flow::{CHECKLIST, CONTENT, Cast, content_with};
use super::world::{Browser, World};
use crate::Database;

const PDF: &[u8] = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\nxref\nstartxref\n9\n%%EOF\n";

fn without<'a>(names: &[&str]) -> Vec<(&'a str, &'a str)> {
    CONTENT.iter().filter(|(name, _)| *name != "idempotency" && !names.contains(name)).copied().collect()
}

/// The number of the content that the form shows.
fn head(page: &str) -> String {
    page.split("name=\"head\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

async fn upload(browser: &Browser, at: &str, name: &str, bytes: &[u8]) -> Response {
    let token = browser.token().await;
    upload_with(browser, at, &token, name, bytes).await
}

/// Posts a training certificate as a browser sends the form.
async fn upload_training(browser: &Browser, path: &str, until: &str, bytes: &[u8]) -> Response {
    let mut body = String::new();
    for (name, value) in [("csrf", browser.token().await.as_str()), ("course", "情報管理研修"), ("until", until)]
    {
        write!(body, "--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").unwrap();
    }
    body += "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.pdf\"\r\nContent-Type: application/pdf\r\n\r\n";
    let mut body = body.into_bytes();
    body.extend_from_slice(bytes);
    body.extend_from_slice(b"\r\n--x--\r\n");
    browser.post_body(path, "multipart/form-data; boundary=x", body).await
}

async fn upload_with(browser: &Browser, at: &str, token: &str, name: &str, bytes: &[u8]) -> Response {
    let mut body = format!("--x\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\n{token}\r\n--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: application/pdf\r\n\r\n").into_bytes();
    body.extend_from_slice(bytes);
    body.extend_from_slice(b"\r\n--x--\r\n");
    browser.post_body(&format!("{at}/attachments"), "multipart/form-data; boundary=x", body).await
}

#[tokio::test]
async fn what_cannot_be_read_is_kept_as_typed_and_never_submitted() {
    let world = World::new().await;
    let pi = world.person("pi").await;
    let wrong = [
        ("period_until", "2099年の春"),
        ("member", "nobody-here"),
        ("member_place", "研究室B"),
        ("row_column", "no_such_variable"),
        ("row_values", "13"),
        ("shell_title", "年齢別"),
        ("shell_sql", "select 1 <b>"),
    ];
    let mut fields = without(&["period_until"]);
    fields.extend(wrong);
    let answer = pi.post("/applications", &fields).await;
    assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.text().await.unwrap().contains("保存しました"));
    let list = pi.read("/applications").await;
    let number = list.split("href=\"/applications/A-").nth(1).unwrap().split('"').next().unwrap();
    let at = format!("/applications/A-{number}");
    drop(pi);

    // Another browser, another day.
    let pi = world.person("pi").await;
    let page = pi.read(&format!("{at}/edit")).await;
    for kept in ["2099年の春", "nobody-here", "研究室B", "no_such_variable", "年齢別", "公衆衛生の向上に資する。"]
    {
        assert!(page.contains(kept), "{kept}");
    }
    assert!(!page.contains("<b>") && page.contains("select 1 "), "what was typed is text");
    for said in ["href=\"#period\"", "href=\"#members\"", "href=\"#rows\"", "アカウントの発行を申し込み"] {
        assert!(page.contains(said), "{said}");
    }
    pi.refused(&format!("{at}/submit"), &[], "application/incomplete").await;

    pi.act(&format!("{at}/edit"), &without(&[])).await;
    let page = pi.read(&format!("{at}/edit")).await;
    assert!(!page.contains("2099年の春") && !page.contains("nobody-here"));
    pi.act(&format!("{at}/submit"), &[]).await;
}

#[tokio::test]
async fn a_form_that_asks_for_far_more_than_it_holds_is_not_read() {
    let world = World::new().await;
    let pi = world.person("pi").await;
    let at = pi.act("/applications", &[("title", "下書き"), ("profile", "standard")]).await;
    let (names, place) = ("a ".repeat(200_000), "部屋".repeat(50_000));
    let tables: Vec<String> = (0..2000).map(|n| format!("ndb/2026.1:t{n}")).collect();
    let columns = tables.iter().map(|table| ("table", table.as_str()));
    for fields in [
        vec![("members", names.as_str())],
        vec![("members", "co r1"), ("place", place.as_str())],
        columns.chain([("reason", place.as_str())]).collect(),
        vec![("shell_title", "t"); 1000],
    ] {
        let fields = [fields, vec![("title", "別の題")]].concat();
        pi.refused(&format!("{at}/edit"), &fields, "application/text-too-long").await;
    }
    assert!(!pi.read(&format!("{at}/edit")).await.contains("別の題"));
}

#[tokio::test]
async fn a_half_draft_names_everything_that_is_missing_with_its_field() {
    let world = World::new().await;
    let pi = world.person("pi").await;
    let at = pi.act("/applications", &[("title", "途中"), ("profile", "standard"), ("member", "pi")]).await;
    let (page, form) = (pi.read(&at).await, pi.read(&format!("{at}/edit")).await);
    for part in ["project", "applicant-kind", "members", "datasets", "period", "ethics", "purpose", "no-advertising"] {
        assert!(page.contains(&format!("{at}/edit#{part}")), "{part}");
        assert!(form.contains(&format!("href=\"#{part}\"")) && form.contains(&format!("id=\"{part}\"")), "{part}");
    }
    assert!(form.contains("目的と公益性") && form.contains("確認事項") && form.contains("専門用語を使わず400字以内で"));
}

#[tokio::test]
async fn lists_grow_and_shrink_and_people_have_their_own_places() {
    let world = World::new().await;
    let pi = world.person("pi").await;
    let mut fields = without(&["members", "place", "country"]);
    fields.extend([
        ("member", "pi"),
        ("member", "co"),
        ("member_place", "解析室"),
        ("member_place", "B大学"),
        ("member_country", "JP"),
        ("member_country", "jp"),
        ("member_networks", "192.0.2.0/24, 2001:db8::/32"),
        ("member_networks", "198.51.100.7"),
        ("row_column", "service_month"),
        ("row_values", ""),
        ("row_from", "2024-01-01"),
        ("row_to", "2024-12-31"),
        ("shell_title", "一"),
        ("shell_sql", "select 1"),
        ("shell_title", "二"),
        ("shell_sql", "select 2"),
    ]);
    let mut more = fields.clone();
    more.push(("more", "shells"));
    let next = pi.act("/applications", &more).await;
    assert!(next.ends_with("/edit?more=shells#shells"), "{next}");
    let at = next.split("/edit").next().unwrap().to_owned();
    let page = pi.read(&format!("{at}/edit?more=shells")).await;
    assert_eq!(page.matches("name=\"shell_sql\"").count(), 3);
    assert_eq!(pi.read(&format!("{at}/edit")).await.matches("name=\"shell_sql\"").count(), 2);
    let page = pi.read(&at).await;
    for part in ["192.0.2.0/24 2001:db8::/32", "198.51.100.7/32", "B大学 (JP)", "2024-01-01 – 2024-12-31"] {
        assert!(page.contains(part), "{part}");
    }
    fields.push(("remove", "shells:0"));
    assert!(pi.act(&format!("{at}/edit"), &fields).await.ends_with("/edit#shells"));
    let page = pi.read(&format!("{at}/edit")).await;
    assert!(page.contains("select 2") && !page.contains("select 1"));
}

#[tokio::test]
async fn the_second_of_two_windows_is_told_and_overwrites_nothing() {
    let world = World::new().await;
    let pi = world.person("pi").await;
    let at = pi.act("/applications", &CONTENT).await;
    let edit = format!("{at}/edit");
    let old = head(&pi.read(&edit).await);
    let first = [("head", old.as_str()), ("title", "先の題名")];
    pi.act(&edit, &content_with(&first)).await;
    let second = [("head", old.as_str()), ("title", "後の題名"), ("benefit", "別の公益")];
    let answer = pi.post(&edit, &content_with(&second)).await;
    assert_eq!(answer.status(), StatusCode::CONFLICT);
    let body = answer.text().await.unwrap();
    assert!(body.contains("先の題名") && body.contains("後の題名") && body.contains("別の公益"));
    assert_eq!(body.matches("class=\"change\"").count(), 2, "exactly what differs");
    let page = pi.read(&at).await;
    assert!(page.contains("先の題名") && !page.contains("後の題名") && !page.contains("別の公益"));

    // Who has seen the difference may decide for the second; a document that came meanwhile is no conflict.
    let now = head(&body);
    assert_eq!(upload(&pi, &at, "a.pdf", PDF).await.status(), StatusCode::SEE_OTHER);
    pi.act(&edit, &content_with(&[("head", now.as_str()), ("title", "後の題名")])).await;
    let page = pi.read(&at).await;
    assert!(page.contains("後の題名") && page.contains("a.pdf"));
    pi.refused(&edit, &content_with(&[("head", "nonsense")]), "portal/bad-form").await;
}

#[tokio::test]
async fn documents_are_pdf_or_nothing_and_only_for_readers() {
    let world = World::new().await;
    let (pi, co, eve) = (world.person("pi").await, world.person("co").await, world.person("eve").await);
    let at = pi.act("/applications", &CONTENT).await;
    assert_eq!(upload(&pi, &at, "倫理 審査.pdf", PDF).await.status(), StatusCode::SEE_OTHER);
    assert_eq!(upload(&pi, &at, "again.pdf", PDF).await.status(), StatusCode::SEE_OTHER);
    let mut large = PDF.to_vec();
    large.resize(10 * 1024 * 1024 + 1, b' ');
    for bytes in [&b""[..], b"<html><script>alert(1)</script>", b"%PDF-1.7 cut off", &large] {
        let answer = upload(&pi, &at, "x.pdf", bytes).await;
        assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY, "{}", bytes.len());
    }
    assert_eq!(upload_with(&pi, &at, "forged", "x.pdf", PDF).await.status(), StatusCode::FORBIDDEN);
    assert_eq!(upload(&co, &at, "x.pdf", PDF).await.status(), StatusCode::FORBIDDEN);

    let page = pi.read(&format!("{at}/attachments")).await;
    let link = format!("{at}/attachments/");
    let sha256 = page.split(&format!("href=\"{link}")).nth(1).unwrap().split('"').next().unwrap().to_owned();
    assert_eq!(page.matches("/remove\"").count(), 1, "the same bytes are one document");
    let answer = co.get(&format!("{link}{sha256}")).await;
    let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
    assert!(header("content-disposition").starts_with("attachment; "));
    assert!(header("content-disposition").contains("%E5%80%AB%E7%90%86%20"));
    assert_eq!(
        (header("x-content-type-options"), header("content-type")),
        ("nosniff".into(), "application/pdf".into())
    );
    assert_eq!(answer.bytes().await.unwrap(), PDF);
    assert_eq!(eve.get(&format!("{link}{sha256}")).await.status(), StatusCode::NOT_FOUND);
    let theirs = eve.act("/applications", &[("title", "x"), ("profile", "standard")]).await;
    assert_eq!(eve.get(&format!("{theirs}/attachments/{sha256}")).await.status(), StatusCode::NOT_FOUND);

    pi.act(&format!("{link}{sha256}/remove"), &[]).await;
    assert_eq!(pi.get(&format!("{link}{sha256}")).await.status(), StatusCode::NOT_FOUND);
    pi.act(&format!("{at}/submit"), &[]).await;
    assert_eq!(upload(&pi, &at, "late.pdf", PDF).await.status(), StatusCode::CONFLICT, "handed in is handed in");
}

#[tokio::test]
async fn an_invitation_works_once_for_one_person_and_not_for_ever() {
    let world = World::new().await;
    let (pi, co, eve) = (world.person("pi").await, world.person("co").await, world.person("eve").await);
    let at = pi.act("/applications", &CONTENT).await;
    let invite = format!("{at}/invitations");
    for (who, said) in [("nobody-here", "アカウントの発行を申し込み"), ("eve", "取扱者に入っていません")]
    {
        let answer = pi.post(&invite, &[("user", who)]).await;
        assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
        assert!(answer.text().await.unwrap().contains(said), "{who}");
    }
    let token = |page: &str| page.split("/invitations/").nth(1).unwrap().chars().take(64).collect::<String>();
    pi.act(&invite, &[("user", "co")]).await;
    let old = token(&co.read("/mails").await);
    pi.act(&invite, &[("user", "co")]).await;
    let path = format!("/invitations/{}", token(&co.read("/mails").await));
    assert!(!path.ends_with(&old), "another token each time");
    assert_eq!(
        co.get(&format!("/invitations/{old}")).await.status(),
        StatusCode::NOT_FOUND,
        "the newer ends the older"
    );
    assert!(!pi.read(&invite).await.contains(&path) && !pi.read("/mails").await.contains(&path));

    let training = [("course", "情報管理研修"), ("until", "2099-03-31")];
    for stranger in [&eve, &pi] {
        assert_eq!(stranger.get(&path).await.status(), StatusCode::NOT_FOUND);
        assert_eq!(stranger.post(&path, &training).await.status(), StatusCode::NOT_FOUND);
    }
    let visitor = world.visitor().get(&path).await;
    assert!(visitor.headers()["location"].to_str().unwrap().contains(&path), "signs in and comes back");
    assert!(co.read(&path).await.contains("大腿骨近位部骨折"));
    co.refused(&path, &[("course", "古い研修"), ("until", "2001-01-01")], "application/").await;
    co.act(&path, &training).await;
    assert_eq!(co.post(&path, &training).await.status(), StatusCode::NOT_FOUND, "once");
    assert!(pi.read(&invite).await.contains("参加済み"));

    let db = Database::open(&world.database).await.unwrap();
    let stored = sqlx::query_scalar::<_, String>("select token from invitation").fetch_all(db.pool()).await.unwrap();
    assert!(stored.iter().all(|stored| !path.contains(stored)), "kept as its hash");
    pi.act(&invite, &[("user", "pi")]).await;
    let path = format!("/invitations/{}", token(&pi.read("/mails").await));
    assert_eq!(pi.get(&path).await.status(), StatusCode::OK);
    let lapse = "update invitation set expires_at = '2026-01-01T00:00:00Z' where used_at is null";
    sqlx::query(lapse).execute(db.pool()).await.unwrap();
    assert_eq!(pi.get(&path).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(pi.post(&path, &training).await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_correction_shows_exactly_what_changed() {
    let world = World::new().await;
    let cast = Cast::new(&world).await;
    let at = cast.pi.act("/applications", &CONTENT).await;
    cast.pi.act(&format!("{at}/submit"), &[]).await;
    cast.office.act(&format!("{at}/return"), &[("comment", "資金源を書いてください")]).await;
    let form = cast.pi.read(&format!("{at}/edit")).await;
    assert!(form.contains("資金源を書いてください"));
    cast.pi.act(&format!("{at}/edit"), &content_with(&[("funding", "科研費 23H00001")])).await;
    cast.pi.act(&format!("{at}/submit"), &[]).await;
    let page = cast.office.read(&at).await;
    assert_eq!(page.matches("class=\"change\"").count(), 1, "{page}");
    let change = page.split("class=\"change\"").nth(1).unwrap().split("</section>").next().unwrap();
    assert!(change.contains("資金源と利益相反") && change.contains("科研費") && change.contains("23H00001"));
    cast.join(&at).await;
    cast.office.sign(&format!("{at}/accept"), &CHECKLIST).await;
}

#[tokio::test]
async fn a_variable_outside_the_tier_is_warned_of_with_the_reason() {
    let world = World::new().await;
    let pi = world.person("pi").await;
    let birth = ("column", "person/2026.1:person:birth_date");
    let at = pi.act("/applications", &content_with(&[birth, ("tier", "anonymized")])).await;
    let page = pi.read(&format!("{at}/edit")).await;
    assert!(
        page.contains("person.birth_date") && page.contains("id=\"outside-tier\"") && page.contains("準識別子です")
    );
    pi.act(&format!("{at}/edit"), &content_with(&[birth])).await;
    assert!(!pi.read(&format!("{at}/edit")).await.contains("outside-tier"));
}

#[tokio::test]
async fn a_member_hands_in_the_own_training_certificate() {
    let world = World::new().await;
    let cast = Cast::new(&world).await;
    let at = cast.pi.act("/applications", &CONTENT).await;
    cast.pi.act(&format!("{at}/submit"), &[]).await;
    let training = format!("{at}/training");
    assert!(cast.co.read(&at).await.contains("研修修了証（PDF）"));
    let large = vec![b' '; 10 * 1024 * 1024 + 1];
    for (bytes, words) in [(&b"<html>"[..], "PDFではない"), (&large[..], "10MBを超えています")] {
        let answer = upload_training(&cast.co, &training, "2099-03-31", bytes).await;
        assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
        let page = answer.text().await.unwrap();
        assert!(page.contains(words) && page.contains("value=\"情報管理研修\""), "typed text is kept: {page}");
    }
    let past = upload_training(&cast.co, &training, "2001-01-01", PDF).await;
    assert!(past.text().await.unwrap().contains("application/date-in-the-past"));
    let answer = upload_training(&cast.co, &training, "2099-03-31", PDF).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    // The member and the office read it; the applicant and those who judge do not.
    let document = format!("{training}/co");
    assert!(cast.office.read(&at).await.contains(&document) && !cast.pi.read(&at).await.contains(&document));
    for reader in [&cast.co, &cast.office, &world.person("auditor").await] {
        assert_eq!(reader.get(&document).await.bytes().await.unwrap(), PDF);
    }
    for other in [&cast.pi, &cast.steward, &world.person("eve").await] {
        assert_eq!(other.get(&document).await.status(), StatusCode::NOT_FOUND);
    }
    // Nobody hands in another's, and without a document one takes part as well.
    let forged = upload_training(&world.person("eve").await, &training, "2099-03-31", PDF).await;
    assert_eq!(forged.status(), StatusCode::NOT_FOUND);
    let answer = upload_training(&cast.pi, &training, "2099-03-31", b"").await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    assert_eq!(cast.pi.get(&format!("{training}/pi")).await.status(), StatusCode::NOT_FOUND);
    assert!(cast.co.read(&at).await.contains("研修修了証を更新する"));
    cast.accept(&at).await;
}

#[tokio::test]
async fn a_draft_that_is_withdrawn_stays_its_writers() {
    let world = World::new().await;
    let cast = Cast::new(&world).await;
    let auditor = world.person("auditor").await;
    let secret = "大腿骨近位部骨折";
    let at = cast.pi.act("/applications", &CONTENT).await;
    cast.pi.act(&format!("{at}/withdraw"), &[]).await;
    assert!(cast.pi.read(&at).await.contains("取下げ") && cast.co.get(&at).await.status() == StatusCode::OK);
    for other in [&cast.office, &cast.steward, &cast.chair, &cast.r1, &auditor] {
        for page in ["", "/letter", "/sheet", "/edit"] {
            assert_ne!(other.get(&format!("{at}{page}")).await.status(), StatusCode::OK, "{page}");
        }
        for page in ["/", "/applications", "/mails"] {
            let page = other.read(page).await;
            assert!(!page.contains(&at) && !page.contains(secret));
        }
        let comment = [("field", ""), ("text", "見たい"), ("audience", "internal")];
        assert!(other.post(&format!("{at}/comment"), &comment).await.status().is_client_error());
    }
    for page in ["/board", "/meetings"] {
        assert!(!cast.office.read(page).await.contains(secret));
    }
    // What was handed in and then withdrawn was read already, and stays in the office's list.
    let at = cast.pi.act("/applications", &content_with(&[("project", "other-2026")])).await;
    cast.pi.act(&format!("{at}/submit"), &[]).await;
    cast.pi.act(&format!("{at}/withdraw"), &[]).await;
    assert_eq!(cast.office.get(&at).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn saving_the_same_again_adds_nothing_to_the_record() {
    let world = World::new().await;
    let pi = world.person("pi").await;
    let at = pi.act("/applications", &CONTENT).await;
    let bytes = async || {
        let db = Database::open(&world.database).await.unwrap();
        let id = at.rsplit('/').next().unwrap().parse().unwrap();
        crate::application::load(db.pool(), &id).await.unwrap().unwrap().bytes
    };
    let before = bytes().await;
    for _ in 0..3 {
        pi.act(&format!("{at}/edit"), &without(&[])).await;
    }
    assert_eq!(bytes().await, before);
    pi.act(&format!("{at}/edit"), &content_with(&[("title", "別の題")])).await;
    assert!(bytes().await > before);
}
