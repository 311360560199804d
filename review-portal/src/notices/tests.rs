//! Who is told, in which words; and the whole way from an event to the reader's page.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use policies::audit::AuditLog;
use policies::keys::KeyFolder;
use policies::{ApplicationId, Notices, UserId, Zone};
use reqwest::StatusCode;

use super::{About, Happened, Reach, fill, notify};
use crate::Database;
use crate::contact;
use crate::error::PortalError;
use crate::events::{self, NewEvent};
use crate::language::Language;
use crate::tests::world::World;

struct Case {
    db: Database,
    id: ApplicationId,
    pi: UserId,
    members: BTreeSet<UserId>,
    reviewers: BTreeSet<UserId>,
    sources: BTreeSet<String>,
    title: String,
}

impl Case {
    async fn new(world: &World) -> Self {
        let users = |names: &[&str]| names.iter().map(|name| name.parse().unwrap()).collect();
        Self {
            db: Database::open(&world.database).await.unwrap(),
            id: "A-2026-000001".parse().unwrap(),
            pi: "pi".parse().unwrap(),
            members: users(&["pi", "co"]),
            reviewers: users(&["r1", "r2"]),
            sources: BTreeSet::from(["ndb".to_owned()]),
            title: "骨折と\n{link}<b>".to_owned(),
        }
    }

    fn about(&self) -> About<'_> {
        let Self { id: application, pi: applicant, members, reviewers, sources, title, .. } = self;
        About { application, title, applicant, members, reviewers, sources }
    }

    /// Event and notices in one transaction.
    async fn happen(&self, kind: &str, version: u64, by: &str, commit: bool) -> Result<usize, PortalError> {
        let (by, at) = (by.parse::<UserId>().unwrap(), Timestamp::now());
        let mut work = self.db.begin().await?;
        let event = NewEvent {
            kind: kind.to_owned(),
            body: "{}".to_owned(),
            at,
            actor: by.to_string(),
            policy: "1".to_owned(),
            once: None,
        };
        events::append(&mut work, self.id.as_str(), version - 1, &[event]).await?;
        let happened = Happened { kind, version, by: Some(&by), at };
        let told = notify(&mut work, Reach { portal: "", webhook: true }, self.about(), happened).await?;
        if commit {
            work.commit().await?;
        }
        Ok(told)
    }
}

#[tokio::test]
async fn an_event_reaches_the_pages_of_those_it_concerns_and_of_nobody_else() {
    let world = World::new().await;
    let case = Case::new(&world).await;
    assert_eq!(
        case.happen("accepted", 1, "office", true).await.unwrap(),
        3,
        "pi, co, and the steward of what is asked"
    );
    assert_eq!(case.happen("reviewers-assigned", 2, "office", true).await.unwrap(), 2, "r1, r2");
    assert_eq!(case.happen("decided", 3, "chair", true).await.unwrap(), 3, "pi, co, office: each once");
    assert_eq!(case.happen("edited", 4, "pi", true).await.unwrap(), 0);
    assert_eq!(case.happen("pledge-signed", 5, "office", true).await.unwrap(), 0, "who acted knows");
    // Of what was not committed nobody hears, and a number that is taken tells nobody.
    assert_eq!(case.happen("revoked", 6, "office", false).await.unwrap(), 3);
    assert!(matches!(case.happen("revoked", 5, "office", true).await, Err(PortalError::ChangedMeanwhile)));
    for (user, count, subject) in
        [("r1", 1, "審査をお願いします"), ("steward", 1, "意見を求めています"), ("pi", 2, "審査の結果が出ました")]
    {
        let page = world.person(user).await.read("/mails").await;
        assert_eq!(page.matches("class=\"panel\"").count(), count, "{user}");
        assert!(page.contains(subject) && page.contains("A-2026-000001") && page.contains("デモではここに"), "{page}");
        assert!(
            page.contains("骨折と {link}&#60;b&#62;") && page.contains("href=\"/applications/A-2026-000001\""),
            "{page}"
        );
    }
    for user in ["eve", "r3", "chair", "auditor", "keeper"] {
        assert!(world.person(user).await.read("/mails").await.contains("お知らせはまだありません"), "{user}");
    }
    assert_eq!(world.visitor().get("/mails").await.status(), StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn each_reads_in_a_language_of_their_own() {
    let world = World::new().await;
    let case = Case::new(&world).await;
    let keys = KeyFolder::open(&world.path("portal"), Zone::Portal).unwrap();
    let audit = Arc::new(AuditLog::open(keys.path(), Zone::Portal, keys.signing("sign").unwrap()).unwrap());
    contact::set(&case.db, &audit, &"co".parse().unwrap(), (None, true), Timestamp::now()).await.unwrap();
    case.happen("decided", 1, "chair", true).await.unwrap();
    assert!(world.person("co").await.read("/mails").await.contains("The committee has decided (A-2026-000001)"));
    assert!(world.person("pi").await.read("/mails").await.contains("審査の結果が出ました（A-2026-000001）"));
}

/// Each text of the list exists in both languages, names the application, and asks for nothing that is not filled.
#[test]
fn every_text_has_its_words() {
    for notice in Notices::shipped().unwrap().all() {
        for language in [Language::En, Language::Ja] {
            let part = |name: &str| language.say(&format!("notice.{}.{name}", notice.text));
            let filled = |text: &str| fill(text, &[("title", "T"), ("number", "N"), ("link", "L")]);
            let (subject, body) = (filled(&part("subject")), filled(&part("body")));
            assert!(subject.contains('N') && body.contains('T') && body.contains('N'), "{}", notice.text);
            assert!(!subject.contains("notice.") && !body.contains("notice."), "{}", notice.text);
            assert!(!format!("{subject}{body}").contains('{'), "{}", notice.text);
        }
    }
}

#[test]
fn places_are_filled_once() {
    let places = [("a", "{b}"), ("b", "2")];
    for (text, filled) in [("{a}{b}", "{b}2"), ("{c} {", "{c} {"), ("{{a}", "{{b}"), ("", ""), ("簾{b}}", "簾2}")] {
        assert_eq!(fill(text, &places), filled);
    }
}
