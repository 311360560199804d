//! Nine people on the way from an incomplete draft to a permit, to its narrowing and to its end.

use policies::keys::VerifyingKey;
use policies::{audit, jws};
use reqwest::StatusCode;

use super::flow::{
    CHECKLIST, CONDITION, CONTENT, Cast, NO_CONFLICT, PLEDGE, REVIEWERS, TRAINING, sitting, with_findings,
};
use super::world::{Browser, World};

#[tokio::test]
async fn nine_people_from_a_draft_to_a_permit_and_to_its_end() {
    let world = World::new().await;
    let cast = Cast::new(&world).await;
    let at = written(&cast).await;
    complete(&world, &cast, &at).await;
    reviewed(&cast, &at).await;
    granted(&cast, &at).await;
    permitted(&world, &cast, &at).await;
    narrowed(&world, &cast, &at).await;
    ended(&world, &cast, &at).await;
}

/// Steps 8 and 9: an incomplete draft is kept, says what is missing, and cannot be handed in.
async fn written(cast: &Cast) -> String {
    let half = [("title", "途中"), ("profile", "standard"), ("members", "pi"), ("purpose", "消えない文章")];
    let at = cast.pi.act("/applications", &half).await;
    assert!(cast.pi.read(&format!("{at}/edit")).await.contains("消えない文章"));
    let page = cast.pi.read(&at).await;
    assert!(page.contains("提出までに直すところ") && page.contains("「データセットと変数」を入力してください。"));
    let refused = cast.pi.post(&format!("{at}/submit"), &[]).await;
    assert_eq!(refused.status(), StatusCode::CONFLICT);
    let refused = refused.text().await.unwrap();
    for part in ["データセットと変数", "資金源と利益相反", "倫理審査"] {
        assert!(refused.contains(&format!("「{part}」")), "{part}");
    }
    assert_eq!(cast.office.get(&at).await.status(), StatusCode::NOT_FOUND, "a draft is its writer's");
    cast.pi.act(&format!("{at}/edit"), &CONTENT).await;
    assert!(!cast.pi.read(&at).await.contains("提出までに直すところ"));
    cast.pi.act(&format!("{at}/submit"), &[]).await;
    cast.pi.refused(&format!("{at}/edit"), &CONTENT[..28], "application/out-of-turn").await;
    at
}

/// Steps 11 to 13: who is told, the return with its comment, what was changed, the checklist.
async fn complete(world: &World, cast: &Cast, at: &str) {
    for (person, told) in [(&cast.office, true), (&cast.steward, true), (&cast.r1, false), (&cast.chair, false)] {
        assert_eq!(person.read("/mails").await.contains(at), told);
    }
    let inner = [("field", "funding"), ("text", "内輪の覚え"), ("audience", "internal")];
    cast.office.act(&format!("{at}/comment"), &inner).await;
    let comment = [("field", "funding"), ("text", "資金源を書いてください"), ("audience", "applicant")];
    cast.office.act(&format!("{at}/comment"), &comment).await;
    cast.office.act(&format!("{at}/return"), &[("comment", "一点直してください")]).await;
    let page = cast.pi.read(at).await;
    assert!(page.contains("資金源を書いてください") && page.contains("一点直してください"));
    assert!(!page.contains("内輪の覚え") && cast.office.read(at).await.contains("内輪の覚え"));
    let mut fixed = CONTENT[..28].to_vec();
    for field in fixed.iter_mut().filter(|(name, _)| *name == "funding") {
        field.1 = "科研費 24K00000";
    }
    cast.pi.act(&format!("{at}/edit"), &fixed).await;
    cast.pi.act(&format!("{at}/submit"), &[]).await;
    let changed = cast.office.read(at).await;
    assert!(changed.contains("<ul><li>資金源と利益相反</li></ul>"), "this and nothing else: {changed}");
    // Nobody who has not accepted is named to the committee, and the page says who is waited for.
    cast.pi.act(&format!("{at}/join"), &TRAINING).await;
    cast.office.refused(&format!("{at}/accept"), &CHECKLIST, "application/members-not-joined").await;
    let waits = cast.office.read(at).await;
    assert!(
        waits.contains("coさん — 研修修了証が未登録") && waits.contains("承諾していない取扱者がいる間は"),
        "{waits}"
    );
    cast.co.act(&format!("{at}/join"), &TRAINING).await;
    cast.office.refused(&format!("{at}/accept"), &CHECKLIST[..4], "application/checklist-incomplete").await;
    cast.office.sign(&format!("{at}/accept"), &CHECKLIST).await;
    // A holder of what is not asked for has no part in it.
    let keeper = world.person("keeper").await;
    assert_eq!(keeper.get(at).await.status(), StatusCode::NOT_FOUND);
    let answer = [("request", "H1-ndb"), ("text", "異存ない")];
    keeper.refused(&format!("{at}/answer-holder"), &answer, "portal/not-found").await;
    cast.steward.act(&format!("{at}/answer-holder"), &answer).await;
    cast.steward.refused(&format!("{at}/answer-holder"), &answer, "application/already-answered").await;
}

/// Steps 15 and 16: interests before the file, a conflict that the rules find, opinions hidden until all are in.
async fn reviewed(cast: &Cast, at: &str) {
    assert_eq!(cast.r1.get(at).await.status(), StatusCode::NOT_FOUND, "not named yet");
    cast.office.act(&format!("{at}/assign"), &REVIEWERS).await;
    let interest = format!("{at}/interest");
    for judge in [&cast.r1, &cast.r2, &cast.chair] {
        let closed = judge.get(at).await;
        assert_eq!(
            (closed.status(), closed.headers()["location"].to_str().unwrap()),
            (StatusCode::SEE_OTHER, &*interest)
        );
        let page = judge.read(&interest).await;
        assert!(page.contains("University A") && !page.contains("公衆衛生の向上に資する。"), "{page}");
        judge.act(&format!("{at}/declare-interest"), &NO_CONFLICT).await;
        assert!(judge.read(at).await.contains("公衆衛生の向上に資する。"));
    }
    for path in [at, &interest] {
        assert_eq!(cast.r3.get(path).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
    assert!(!cast.r3.read("/applications").await.contains(at));
    let opinion = format!("{at}/give-opinion");
    cast.r1.refused(&opinion, &[("text", "判断なし")], "application/findings-missing").await;
    cast.r1.act(&opinion, &with_findings(&[("text", "R1の意見")])).await;
    cast.r1.refused(&opinion, &with_findings(&[]), "application/already-answered").await;
    assert!(cast.r1.read(at).await.contains("R1の意見"), "the own one");
    for other in [&cast.r2, &cast.chair] {
        assert!(!other.read(at).await.contains("R1の意見"), "hidden until all are in");
    }
    cast.r2.act(&opinion, &with_findings(&[("text", "R2の意見")])).await;
    for judge in [&cast.r1, &cast.r2, &cast.chair] {
        let page = judge.read(at).await;
        assert!(page.contains("R1の意見") && page.contains("R2の意見"));
    }
    assert!(!cast.pi.read(at).await.contains("の意見</"), "not for who asks");
    cast.office.act(&format!("{at}/schedule"), &sitting()).await;
}

/// Step 17: signed votes, the decision with a condition, and the condition met.
async fn granted(cast: &Cast, at: &str) {
    for (reviewer, comment) in [(&cast.r1, "R1の賛成"), (&cast.r2, "R2の賛成")] {
        reviewer.sign(&format!("{at}/vote"), &[("ballot", "for"), ("comment", comment)]).await;
    }
    cast.chair.sign(&format!("{at}/decide"), &with_findings(&CONDITION)).await;
    let page = cast.pi.read(at).await;
    assert!(page.contains("市区町村別の表は不可") && !page.contains("R1の賛成"), "{page}");
    let condition = ("condition", "1");
    cast.office.refused(&format!("{at}/confirm-condition"), &[condition], "application/not-reported").await;
    cast.co.act(&format!("{at}/report-condition"), &[condition, ("text", "設計を改めた")]).await;
    cast.office.refused(&format!("{at}/permit"), &[], "application/conditions-open").await;
    cast.office.sign(&format!("{at}/confirm-condition"), &[condition]).await;
}

/// Steps 18 and 19: the pledge of each member, the permit, the register.
async fn permitted(world: &World, cast: &Cast, at: &str) {
    for member in [&cast.pi, &cast.co] {
        member.sign(&format!("{at}/pledge"), &PLEDGE).await;
        member.refused(&format!("{at}/pledge"), &PLEDGE, "application/already-pledged").await;
    }
    cast.office.act(&format!("{at}/permit"), &[]).await;
    let permit = world.permit();
    let members: Vec<_> = permit.members.iter().map(|(user, terms)| (user.as_str(), terms.place.as_str())).collect();
    assert_eq!(members, [("co", "解析室"), ("pi", "解析室")]);
    let tables = &permit.datasets["ndb"].tables;
    assert!(tables["ndb.claims"].contains("service_month") && !tables["ndb.claims"].contains("prefecture"), "excluded");
    assert_eq!(tables["ndb.drugs"].len(), 1);
    assert!(!permit.datasets["person"].tables["person"].contains("birth_date"), "granted by name only");
    assert_eq!(
        (permit.profile.as_str(), &permit.conditions[..]),
        ("standard", &["市区町村別の表は不可".to_owned()][..])
    );
    let key = VerifyingKey::read(&world.path("permit").join("public/permit.pub")).unwrap();
    let file = world.path("store").join(format!("permits/{}.jws", permit.id));
    let forged = std::fs::read_to_string(file).unwrap();
    let forged =
        if forged.ends_with('A') { forged.trim_end_matches('A').to_owned() + "B" } else { forged.clone() + "A" };
    assert!(jws::verify::<policies::Permit>(jws::PERMIT, &forged, &key).is_err());
    assert!(cast.pi.read(at).await.contains("利用中") && cast.pi.read(at).await.contains(permit.id.as_str()));
    assert_eq!(world.person("eve").await.get("/projects/fracture-2026/sql").await.status(), StatusCode::NOT_FOUND);
    let register = world.visitor().read("/use").await;
    for word in ["骨折のあとの暮らしを調べます。", "University A、University B", "市区町村別の表は不可", "利用中"]
    {
        assert!(register.contains(word), "{word}");
    }
    for secret in ["piさん", "coさん", "Medicine", "解析室", "R1の", "科研費", "異存ない"] {
        assert!(!register.contains(secret), "{secret}");
    }
}

/// Step 39: what came out is written by the applicant, read by the secretariat, and then public.
async fn results(world: &World, cast: &Cast, at: &str) {
    assert!(cast.pi.read(at).await.contains("成果の概要の期限"));
    let (file, publish) = (format!("{at}/file-results"), format!("{at}/publish-results"));
    cast.co.refused(&file, &[("summary", "分かったこと")], "portal/forbidden").await;
    cast.pi.act(&file, &[("summary", "三人の村で <b>分かったこと</b>")]).await;
    let public = async |words| world.visitor().read("/use").await.contains(words);
    assert!(cast.office.read(at).await.contains("三人の村で") && !public("分かったこと").await, "read first");
    cast.pi.refused(&publish, &[("filing", "1")], "portal/forbidden").await;
    let comment = [("filing", "1"), ("comment", "人が分かる書き方です")];
    cast.office.act(&format!("{at}/return-results"), &comment).await;
    assert!(cast.pi.read(at).await.contains("人が分かる書き方です"));
    cast.office.refused(&publish, &[("filing", "1")], "application/out-of-turn").await;
    cast.pi.act(&file, &[("summary", "骨折の後に <b>分かったこと</b>")]).await;
    cast.office.refused(&publish, &[("filing", "1")], "application/no-such-entry").await;
    cast.office.act(&publish, &[("filing", "2")]).await;
    assert!(cast.pi.read("/mails").await.contains("成果の概要が公開されました"));
}

async fn opens(person: &Browser) -> bool {
    person.get("/projects/fracture-2026/sql").await.status() == StatusCode::OK
}

/// A restriction is in the permit at once; a suspension stops all use until it is lifted.
async fn narrowed(world: &World, cast: &Cast, at: &str) {
    let restrict = format!("{at}/restrict");
    let terms = [("reason", "大臣の指示"), ("answer_by", "2099-01-31")];
    cast.office.refused(&restrict, &terms, "application/nothing-changed").await;
    let misspelt = [&terms[..], &[("column", "ndb.drgs")]].concat();
    cast.office.refused(&restrict, &misspelt, "application/no-such-entry").await;
    cast.pi.refused(&restrict, &misspelt, "portal/forbidden").await;
    let fields = [&terms[..], &[("column", "ndb.drugs"), ("member", "co"), ("limits", "都道府県別まで")]].concat();
    cast.office.act(&restrict, &fields).await;
    let permit = world.permit();
    assert!(!permit.datasets["ndb"].tables.contains_key("ndb.drugs") && permit.members.len() == 1);
    assert!(permit.conditions.contains(&"都道府県別まで".to_owned()));
    assert!(opens(&cast.pi).await && !opens(&cast.co).await);
    cast.pi.act(&format!("{at}/answer-restriction"), &[("restriction", "1"), ("text", "承知した")]).await;
    cast.chair.act(&format!("{at}/suspend"), &[("reason", "調査のため")]).await;
    assert!(!opens(&cast.pi).await && cast.pi.read(at).await.contains("利用停止"));
    cast.office.refused(&format!("{at}/permit"), &[], "application/out-of-turn").await;
    cast.office.sign(&format!("{at}/resume"), &[("reason", "調査を終えた")]).await;
    assert!(opens(&cast.pi).await && !opens(&cast.co).await, "what was taken away stays away");
    assert_ne!(world.permit().id, permit.id, "the suspended one does not come back");
}

/// Steps 38 to 40: closure, deletion certificate, and the whole chain.
async fn ended(world: &World, cast: &Cast, at: &str) {
    cast.office
        .refused(&format!("{at}/certify-deletion"), &[("text", "鍵を破棄した")], "application/out-of-turn")
        .await;
    cast.pi.act(&format!("{at}/close"), &[("report", "すべて消去した")]).await;
    assert!(!opens(&cast.pi).await);
    cast.office.refused(&format!("{at}/permit"), &[], "application/out-of-turn").await;
    cast.office.act(&format!("{at}/certify-deletion"), &[("text", "鍵を破棄した")]).await;
    assert!(cast.pi.read(at).await.contains("データ消去確認済み"));
    results(world, cast, at).await;
    let chain = world.person("auditor").await.read("/audit").await;
    assert!(chain.contains("application:certify-deletion") && chain.contains("記録の連鎖は完全です"));
    let report = audit::verify(&[world.path("portal"), world.path("permit")]).unwrap();
    assert!(report.whole(), "{report:?}");
}
