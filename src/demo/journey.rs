//! What people do before a researcher may ask: accounts, catalog, and applications from draft to permit, over the portal's pages.

mod visitor;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Result, anyhow};
use permit_signer::Registrar;
use policies::audit::AuditLog;
use policies::durable;
use policies::jws::Document;
use policies::keys::KeyFolder;
use policies::passkey::{Enrolment, EnrolmentCode, EnrolmentRequest, RelyingParty};
use policies::{Grade, Permit, UserId, Zone};
use review_portal::Database;
use review_portal::accounts::{self, NewAccount};

use super::accounts::{PEOPLE, Person};
use super::authenticator::Passkeys;
use super::folder::Folder;
use super::prepare::RELEASE;
use super::sources::DATASETS;
use crate::clock;
use crate::commands;
use crate::lang::Lang;
use crate::progress::Step;
use visitor::Visitor;

/// What a project of the demo asks the committee for.
pub(super) struct Study {
    /// Its short name.
    pub(super) project: &'static str,
    grade: Grade,
    title: &'static str,
    purpose: &'static str,
}

/// The demo's projects, of the same researchers. The first has exact cells and answers the worked example.
pub(super) const STUDIES: [Study; 2] = [
    Study {
        project: "fracture-and-care",
        grade: Grade::Exact,
        title: "大腿骨骨折後の介護利用と検査値の関連（合成データによる例）",
        purpose: "四つのデータベースを連結し、入院・介護・検査の関連を集計する。合成データによる例示であり、実在の研究ではない。",
    },
    Study {
        project: "look-around",
        grade: Grade::Preview,
        title: "大腿骨骨折研究の予備的な検討（合成データによる例）",
        purpose: "本研究の対象者数と変数の見当をつけるため、閲覧用値で四つのデータベースを見る。公表はしない。合成データによる例示であり、実在の研究ではない。",
    },
];

/// Makes the demo's accounts once, each with a passkey that portal and signer know; gives their passwords.
pub(super) async fn accounts(
    folder: &Folder,
    (database, audit): (&Database, &Arc<AuditLog>),
    (passkeys, party): (&Passkeys, &RelyingParty),
) -> Result<BTreeMap<String, String>> {
    let file = folder.zone("portal").join("demo-passwords.json");
    let passwords: BTreeMap<String, String> = if let Ok(bytes) = std::fs::read(&file) {
        serde_json::from_slice(&bytes)?
    } else {
        let fresh = PEOPLE.iter().map(|person| (person.user.to_owned(), password())).collect();
        durable::replace_private(&file, &serde_json::to_vec_pretty(&fresh)?)?;
        fresh
    };
    for person in PEOPLE {
        let user: UserId = person.user.parse()?;
        if accounts::find(database, &user).await?.is_some() {
            continue;
        }
        let password = passwords.get(person.user).cloned().ok_or_else(|| anyhow!("no password for {user}"))?;
        let account = NewAccount {
            user: user.clone(),
            name_ja: person.name_ja.to_owned(),
            name_en: person.name_en.to_owned(),
            organisation: person.organisation.parse()?,
            roles: person.roles.iter().copied().collect::<BTreeSet<_>>(),
            seats: person.seats(),
            holds: person.holds(),
            password: password.into(),
        };
        // The signer first: a person who was interrupted here is made again, account and all.
        enrol(folder, &person, (passkeys, party))?;
        accounts::create(database, audit, account, clock::now()).await?;
        let registered = passkeys.registered(&user, party)?;
        accounts::add_passkey(database, audit, &user, (&registered, "デモ専用"), clock::now()).await?;
    }
    Ok(passwords)
}

/// Has the signer believe a person's passkey, as an operator does: the request, its code, the command.
fn enrol(folder: &Folder, person: &Person, (passkeys, party): (&Passkeys, &RelyingParty)) -> Result<()> {
    let user: UserId = person.user.parse()?;
    let passkey = passkeys.of(&user);
    let enrolment = Enrolment {
        roles: person.roles.iter().copied().collect(),
        seats: person.seats(),
        holds: person.holds(),
        institution: person.organisation.to_owned(),
        relying_party: party.clone(),
        credential: passkey.credential().clone(),
        key: passkey.key(),
        user,
    };
    let made_at = clock::now();
    let proof = passkey.assert(&EnrolmentRequest::challenge(&enrolment, made_at)?, party);
    let portal = KeyFolder::open(&folder.keys("portal"), Zone::Portal)?;
    let request = EnrolmentRequest { enrolment, made_at, proof }.sign(&portal.signing("sign")?)?;
    let registrar = Registrar::open(&folder.keys("permit"), &portal.public("sign"), &folder.signer_store())?;
    registrar.enrol(&request, &EnrolmentCode::of(&request), clock::now())?;
    Ok(())
}

/// Publishes the releases once.
pub(super) async fn catalog(folder: &Folder, database: &Database, audit: &Arc<AuditLog>, lang: Lang) -> Result<()> {
    let known: BTreeSet<String> =
        review_portal::catalog::list(database).await?.into_iter().map(|dataset| dataset.id).collect();
    let missing: Vec<_> = DATASETS.into_iter().filter(|name| !known.contains(*name)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let step = Step::begin(&lang.text("step-catalog"), 0, "");
    for dataset in missing {
        let release = folder.releases().join(dataset).join(RELEASE);
        commands::publish(database, audit, &release, &folder.keys("enclave").join("public")).await?;
    }
    step.end();
    Ok(())
}

/// Where the portal is, and who vouches for it over TLS.
pub(super) struct Portal {
    pub(super) url: String,
    pub(super) ca: PathBuf,
}

/// Applications that have no permit yet, one after the other.
pub(super) async fn applications(
    portal: &Portal,
    passwords: &BTreeMap<String, String>,
    permits: &[Permit],
    lang: Lang,
) -> Result<()> {
    let has_permit = |study: &Study| permits.iter().any(|permit| permit.project.as_str() == study.project);
    let missing: Vec<&Study> = STUDIES.iter().filter(|study| !has_permit(study)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let step = Step::begin(&lang.text("step-review"), 0, "");
    for study in missing {
        application(portal, passwords, study).await?;
    }
    step.end();
    Ok(())
}

/// One application from draft to permit, by the people whose turn it is, on the portal's own pages.
async fn application(portal: &Portal, passwords: &BTreeMap<String, String>, study: &Study) -> Result<()> {
    let enter = |user: &'static str| async move {
        let password = passwords.get(user).ok_or_else(|| anyhow!("no password for {user}"))?;
        Visitor::sign_in(portal, user, password).await
    };
    let researcher = enter("researcher@univ-a.example").await?;
    let draft = draft(study);
    let fields: Vec<(&str, &str)> = draft.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let place = researcher.post("/applications/new", "/applications", &fields).await?;
    researcher.act(&place, "submit", &[]).await?;
    let secretariat = enter("secretariat@office.example").await?;
    secretariat.act(&place, "accept", &[]).await?;
    let reviewers = ["reviewer1@committee.example", "reviewer2@committee.example"];
    secretariat.act(&place, "assign", &reviewers.map(|reviewer| ("reviewer", reviewer))).await?;
    secretariat.act(&place, "voting", &[]).await?;
    for reviewer in reviewers {
        let vote = [("ballot", "for"), ("comment", "目的と方法は適切です。")];
        enter(reviewer).await?.act(&place, "vote", &vote).await?;
    }
    enter("chair@committee.example").await?.act(&place, "decide", &[("decision", "granted"), ("text", "")]).await?;
    researcher.act(&place, "pledge", &[("agree", "yes")]).await?;
    enter("researcher2@univ-b.example").await?.act(&place, "pledge", &[("agree", "yes")]).await?;
    secretariat.act(&place, "permit", &[]).await
}

/// The form's fields: every table of the four databases, and the persons. The register is not asked for: see the README.
fn draft(study: &Study) -> Vec<(&'static str, String)> {
    let today = clock::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let until = today.saturating_add(jiff::Span::new().years(1));
    let mut fields = vec![
        ("project", study.project.to_owned()),
        ("title", study.title.to_owned()),
        ("purpose", study.purpose.to_owned()),
        ("members", "researcher@univ-a.example\nresearcher2@univ-b.example".to_owned()),
        ("tier", "pseudonymized".to_owned()),
        ("profile", "standard".to_owned()),
        ("grade", study.grade.to_string()),
        ("period_from", today.saturating_sub(jiff::Span::new().days(1)).to_string()),
        ("period_until", until.to_string()),
    ];
    let made = |table: &&catalog::Table| table.schema().is_none_or(|schema| catalog::SOURCES.contains(&schema));
    for table in catalog::tables().iter().filter(made) {
        let dataset = table.schema().unwrap_or("person");
        fields.push(("table", format!("{dataset}/{RELEASE}:{}", table.name)));
    }
    fields
}

/// Sixteen letters and digits without look-alikes: 80 bits.
fn password() -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut bytes = [0; 16];
    rand::Rng::fill_bytes(&mut rand::rng(), &mut bytes);
    bytes.iter().filter_map(|byte| LETTERS.get(usize::from(byte % 32))).map(|letter| char::from(*letter)).collect()
}
