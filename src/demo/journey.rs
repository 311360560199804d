//! What people do before a researcher may ask: accounts, catalog, and applications from draft to permit, over the portal's pages.

mod visitor;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Result, anyhow};
use jiff::Span;
use jiff::civil::Date;
use jiff::tz::{Offset, TimeZone};
use permit_signer::Registrar;
use policies::application::Rules;
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
use super::parties::Parties;
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
    (passkeys, parties): (&Passkeys, &Parties),
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
            affiliation: person.organisation.parse()?,
            coauthors: BTreeMap::new(),
            roles: person.roles.iter().copied().collect::<BTreeSet<_>>(),
            seats: person.seats(),
            holds: person.holds(),
            password: password.into(),
        };
        // The signer first: a person who was interrupted here is made again, account and all.
        enrol(folder, &person, (passkeys, &parties.desk))?;
        accounts::create(database, audit, account, clock::now()).await?;
        let registered = passkeys.registered(&user, &parties.portal)?;
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
        affiliation: person.organisation.parse()?,
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

/// Tells the portal of the dummy releases.
pub(super) async fn dummies(folder: &Folder, database: &Database, audit: &Arc<AuditLog>) -> Result<()> {
    let known = review_portal::dummy::list(database).await?;
    let is_known = |name: &&str| known.iter().any(|dummy| dummy.dataset == **name);
    for dataset in DATASETS.iter().filter(|name| !is_known(name)) {
        let release = folder.dummy().join("releases").join(dataset).join(RELEASE);
        commands::publish(database, audit, &release, &folder.dummy().join("keys").join("public")).await?;
    }
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
    let committee = Committee::sign_in(portal, passwords).await?;
    for study in missing {
        committee.application(study).await?;
    }
    step.end();
    Ok(())
}

/// Those who take part in an application, signed in.
struct Committee {
    researcher: Visitor,
    colleague: Visitor,
    secretariat: Visitor,
    stewards: Vec<Visitor>,
    reviewers: Vec<Visitor>,
    chair: Visitor,
}

impl Committee {
    async fn sign_in(portal: &Portal, passwords: &BTreeMap<String, String>) -> Result<Self> {
        let enter = |user: &'static str| async move {
            let password = passwords.get(user).ok_or_else(|| anyhow!("no password for {user}"))?;
            Visitor::sign_in(portal, user, password).await
        };
        let (mut stewards, mut reviewers) = (Vec::new(), Vec::new());
        for source in catalog::SOURCES {
            let steward = PEOPLE.iter().find(|person| person.holds().iter().any(|held| held.as_str() == source));
            stewards.push(enter(steward.ok_or_else(|| anyhow!("nobody answers for {source}"))?.user).await?);
        }
        for reviewer in REVIEWERS {
            reviewers.push(enter(reviewer).await?);
        }
        Ok(Self {
            researcher: enter("researcher@univ-a.example").await?,
            colleague: enter("researcher2@univ-b.example").await?,
            secretariat: enter("secretariat@office.example").await?,
            chair: enter("chair@committee.example").await?,
            stewards,
            reviewers,
        })
    }

    /// One application from draft to permit, by the people whose turn it is, on the portal's own pages.
    async fn application(&self, study: &Study) -> Result<()> {
        let draft = draft(study);
        let fields: Vec<(&str, &str)> = draft.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let place = self.researcher.post("/applications/new", "/applications", &fields).await?;
        self.researcher.act(&place, "submit", &[]).await?;
        let until = in_a_year().to_string();
        for member in [&self.researcher, &self.colleague] {
            member.act(&place, "join", &[("course", "データ利用者研修（デモ）"), ("until", &until)]).await?;
        }
        let confirmed: Vec<_> = Rules::current().checklist.iter().map(|item| ("checklist", item.id.as_str())).collect();
        self.secretariat.sign(&place, "accept", &confirmed).await?;
        let number = place.rsplit('/').next().unwrap_or_default();
        for (steward, source) in self.stewards.iter().zip(catalog::SOURCES) {
            let request = format!("H1-{source}");
            let answer = [("request", request.as_str()), ("text", "技術的な支障はありません。")];
            steward.act(&place, "answer-holder", &answer).await?;
        }
        self.secretariat.act(&place, "assign", &REVIEWERS.map(|reviewer| ("reviewer", reviewer))).await?;
        let interest = format!("/applications/{number}/interest");
        let declared = [("interest", "none")];
        for person in self.reviewers.iter().chain([&self.chair]) {
            person.post(&interest, &format!("{place}/declare-interest"), &declared).await?;
        }
        let findings = findings();
        let findings: Vec<(&str, &str)> = findings.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        for reviewer in &self.reviewers {
            reviewer.act(&place, "give-opinion", &findings).await?;
        }
        let today = clock::now().to_zoned(TimeZone::fixed(JAPAN)).date().to_string();
        self.secretariat.act(&place, "schedule", &[("way", "meeting"), ("on", &today)]).await?;
        for reviewer in &self.reviewers {
            reviewer.sign(&place, "vote", &[("ballot", "for"), ("comment", "目的と方法は適切です。")]).await?;
        }
        let decision = [[("decision", "granted")].as_slice(), &findings].concat();
        self.chair.sign(&place, "decide", &decision).await?;
        let pledge = [("agree", "yes"), ("version", Rules::current().pledge.version.as_str())];
        for member in [&self.researcher, &self.colleague] {
            member.sign(&place, "pledge", &pledge).await?;
        }
        self.secretariat.act(&place, "permit", &[]).await
    }
}

/// Those who vote; between them they hold every seat.
const REVIEWERS: [&str; 2] = ["reviewer1@committee.example", "reviewer2@committee.example"];

const JAPAN: Offset = Offset::constant(9);

fn in_a_year() -> Date {
    clock::now().to_zoned(TimeZone::fixed(JAPAN)).date().saturating_add(Span::new().years(1))
}

/// A finding for each criterion, as the form names them.
fn findings() -> Vec<(String, &'static str)> {
    let field = |criterion: &str| {
        [
            (format!("finding-{criterion}"), "met"),
            (format!("reason-{criterion}"), "合成データによる例示であり、支障はない。"),
        ]
    };
    Rules::current().criterion_ids().flat_map(field).collect()
}

/// The form's fields: every table of the four databases, and the persons. The register is not asked for: see the README.
fn draft(study: &Study) -> Vec<(&'static str, String)> {
    let until = in_a_year();
    let yesterday = clock::now().to_zoned(TimeZone::fixed(JAPAN)).date().saturating_sub(Span::new().days(1));
    let text = "合成データによる例示のため、該当しない。";
    let mut fields = vec![
        ("project", study.project.to_owned()),
        ("title", study.title.to_owned()),
        ("applicant_kind", "university".to_owned()),
        ("purpose", study.purpose.to_owned()),
        ("benefit", "介護予防の施策の検討に役立てる例である。".to_owned()),
        ("summary", "骨折で入院した人がその後どのような介護を受けるかを、合成データで集計する例です。".to_owned()),
        ("funding", "なし".to_owned()),
        ("risk", text.to_owned()),
        ("retention", text.to_owned()),
        ("publication", text.to_owned()),
        ("no-advertising", "yes".to_owned()),
        ("no-individual-decisions", "yes".to_owned()),
        ("members", "researcher@univ-a.example\nresearcher2@univ-b.example".to_owned()),
        ("place", "研究室（デモ）".to_owned()),
        ("country", "JP".to_owned()),
        ("ethics_board", "倫理審査委員会（デモ）".to_owned()),
        ("ethics_number", "DEMO-1".to_owned()),
        ("ethics_from", yesterday.to_string()),
        ("ethics_until", until.to_string()),
        ("reason", "例示のため、すべての表を用いる。".to_owned()),
        ("tier", "pseudonymized".to_owned()),
        ("profile", "standard".to_owned()),
        ("grade", study.grade.to_string()),
        ("period_from", yesterday.to_string()),
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
