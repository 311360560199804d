//! A small world: keys, signer and portal on free ports, accounts, a catalog, browsers with cookies.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use catalog::manifest::{FORMAT, ReleaseTable};
use catalog::{BucketCount, Manifest, ReleaseKind};
use jiff::Timestamp;
use permit_signer::{Registrar, SignerConfig};
use policies::audit::AuditLog;
use policies::jws::Document as _;
use policies::keys::{KeyFolder, SecretBytes, VerifyingKey};
use policies::passkey::{
    ActSignature, Challenge, Enrolment, EnrolmentCode, EnrolmentRequest, Registration, RelyingParty,
    SoftwareAuthenticator, verify_registration,
};
use policies::{DummyToken, Permit, PermitId, ProjectId, UserId, Zone, jws};
use reqwest::{Client, Response, StatusCode};
use secrecy::SecretString;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::accounts::{self, NewAccount};
use crate::catalog::{DatasetText, Publication, publish};
use crate::database::tests::fresh;
use crate::{
    AnswerColumn, Database, DatabaseUrl, DemoAuthenticator, DummyEngine, InstitutionConfig, PortalAnswer, PortalConfig,
    PortalRefusal, QueryProgress, QueryRunner, ReviewPlace, Scanned, SmtpConfig, SmtpTls, Watch, serve,
};

pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// Whose account has no second factor yet.
pub(super) const FRESH: &str = "fresh";

/// A person of the tests.
pub(crate) struct Person {
    /// Sign-in name.
    pub(crate) user: &'static str,
    affiliation: &'static str,
    roles: &'static str,
    seats: &'static str,
    holds: &'static str,
}

const fn person(user: &'static str, affiliation: &'static str, roles: &'static str) -> Person {
    Person { user, affiliation, roles, seats: "", holds: "" }
}

const fn seated(user: &'static str, affiliation: &'static str, seats: &'static str) -> Person {
    Person { user, affiliation, roles: "reviewer", seats, holds: "" }
}

const fn holder(user: &'static str, affiliation: &'static str, holds: &'static str) -> Person {
    Person { user, affiliation, roles: "steward", seats: "", holds }
}

/// Everybody. R1 and R2 hold all seats between them; R3 works in the principal investigator's department.
pub(crate) const PEOPLE: [Person; 13] = [
    person(FRESH, "University A / Engineering", "researcher"),
    person("pi", "University A / Medicine", "researcher"),
    person("co", "University B", "researcher"),
    person("eve", "University X", "researcher"),
    seated("r1", "Institute C", "patients law"),
    seated("r2", "Institute D", "security epidemiology"),
    seated("r3", "University A / Medicine", "law"),
    person("chair", "Institute E", "chair reviewer"),
    person("office", "Ministry", "secretariat"),
    person("checker", "Ministry", "output-checker"),
    person("auditor", "Audit Office", "auditor"),
    holder("steward", "Ministry", "ndb"),
    holder("keeper", "Register Office", "registry"),
];

pub(crate) struct World {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) address: SocketAddr,
    /// Where the signer listens.
    pub(super) signer: SocketAddr,
    pub(crate) database: DatabaseUrl,
    pub(crate) config: PortalConfig,
    /// Queries that the engine has under way.
    pub(super) under_way: Arc<AtomicUsize>,
    stop_signer: Option<oneshot::Sender<()>>,
    _stop_portal: oneshot::Sender<()>,
    running: JoinSet<()>,
}

/// Answers with two cells, or refuses `select *`, or never ends (`forever`); checks that the token names exactly one permit.
struct Engine {
    session: VerifyingKey,
    under_way: Arc<AtomicUsize>,
}

/// One query as the engine counts it, until its future is dropped.
struct UnderWay(Arc<AtomicUsize>);

impl UnderWay {
    fn begin(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(count))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait::async_trait]
impl QueryRunner for Engine {
    async fn run(
        &self,
        token: &str,
        project: Option<&ProjectId>,
        sql: &str,
        watch: &Watch<'_>,
    ) -> Result<PortalAnswer, PortalRefusal> {
        assert!(project.is_some());
        watch(QueryProgress::Runs(35));
        let token: policies::session::SessionToken = jws::verify(jws::SESSION, token, &self.session).unwrap();
        assert!(token.holds_at(Timestamp::now()));
        assert_eq!(token.permits.len(), 1);
        let _counted = UnderWay::begin(&self.under_way);
        if sql.contains("forever") {
            std::future::pending::<()>().await;
        }
        if sql.contains('*') && !sql.contains("count") {
            return Err(PortalRefusal {
                code: "guard/rows-at-root".to_owned(),
                rule: "V-ROOT".to_owned(),
                message: "rows cannot be shown".to_owned(),
                hint: "count persons by a group <instead>".to_owned(),
                line: Some(1),
                column: Some(8),
            });
        }
        let column = |name: &str, kind: &str| AnswerColumn { name: name.to_owned(), kind: kind.to_owned() };
        Ok(PortalAnswer {
            columns: vec![column("sex", "text"), column("persons", "int")],
            rows: vec![vec![Some("1".to_owned()), Some("412".to_owned())], vec![Some("2".to_owned()), None]],
            grade: if sql.contains("look around") { "preview" } else { "exact" }.to_owned(),
            withheld: "0-9".to_owned(),
            snapped: u64::from(sql.contains("nearly the same")),
            reasons: vec!["few_persons".to_owned()],
            scanned: Some(Scanned { rows: 13_000, values: 26_000 }),
            is_dummy: false,
        })
    }
}

/// The engine for dummy data: answers whoever the portal names, refuses `select *`, says `really?` as one that serves people.
struct Dummies {
    session: VerifyingKey,
}

#[async_trait::async_trait]
impl QueryRunner for Dummies {
    async fn run(
        &self,
        token: &str,
        _: Option<&ProjectId>,
        sql: &str,
        watch: &Watch<'_>,
    ) -> Result<PortalAnswer, PortalRefusal> {
        let token = DummyToken::verify(token, &self.session).unwrap();
        assert!(token.holds_at(Timestamp::now()));
        watch(QueryProgress::Waits);
        if sql.contains("forever") {
            std::future::pending::<()>().await;
        }
        if sql.contains('*') && !sql.contains("count") {
            let (code, rule) = ("guard/rows-at-root".to_owned(), "V-ROOT".to_owned());
            let (line, column) = (Some(1), Some(8));
            return Err(PortalRefusal { code, rule, line, column, ..PortalRefusal::default() });
        }
        let column = |name: &str, kind: &str| AnswerColumn { name: name.to_owned(), kind: kind.to_owned() };
        Ok(PortalAnswer {
            columns: vec![column("sex", "text"), column("made_up", "int")],
            rows: vec![vec![Some("1".to_owned()), Some("987".to_owned())]],
            grade: "exact".to_owned(),
            withheld: "0-9".to_owned(),
            scanned: Some(Scanned { rows: 2_000, values: 4_000 }),
            is_dummy: !sql.contains("really?"),
            ..PortalAnswer::default()
        })
    }
}

/// Everybody's passkeys in software, as in the demo.
#[derive(Debug)]
pub(super) struct Passkeys;

/// Whom passkeys are made for; the address of the tests' portal is another one.
pub(super) fn party() -> RelyingParty {
    RelyingParty::localhost("http", 8080)
}

/// What acts are signed for.
pub(super) fn desk() -> RelyingParty {
    party().elsewhere("http://localhost:8091").unwrap()
}

impl Passkeys {
    pub(super) fn of(user: &UserId) -> SoftwareAuthenticator {
        SoftwareAuthenticator::of(&SecretBytes::from_slice(&[5; 32]).unwrap(), user)
    }

    async fn enrol(db: &Database, audit: &Arc<AuditLog>, user: &UserId) {
        let made = Self::of(user).register(&[0; 32], &party());
        let registered = verify_registration(&made, &[0; 32], &party()).unwrap();
        accounts::add_passkey(db, audit, user, (&registered, "software"), Timestamp::now()).await.unwrap();
    }
}

impl DemoAuthenticator for Passkeys {
    fn assert(&self, user: &UserId, challenge: &Challenge, party: &RelyingParty) -> ActSignature {
        Self::of(user).assert(challenge, party)
    }

    fn register(&self, user: &UserId, challenge: &Challenge, party: &RelyingParty) -> Registration {
        Self::of(user).register(challenge, party)
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(Some(Arc::new(Passkeys))).await
    }

    /// A world whose portal has this authenticator, or none, as outside the demo.
    pub(crate) async fn with(demo_authenticator: Option<Arc<dyn DemoAuthenticator>>) -> Self {
        Self::of(demo_authenticator, None, Vec::new()).await
    }

    /// A world whose mails wait for a server that is down.
    pub(crate) async fn mailing() -> Self {
        let mail = SmtpConfig {
            server: "127.0.0.1".to_owned(),
            port: Some(9),
            tls: SmtpTls::None,
            ca: None,
            user: None,
            password_file: None,
            from: "Sudare <no-reply@portal.example>".to_owned(),
            portal: "https://portal.example".to_owned(),
        };
        Self::of(Some(Arc::new(Passkeys)), Some(mail), Vec::new()).await
    }

    /// A world whose people may sign in at these institutions, too.
    pub(crate) async fn at_institutions(
        demo_authenticator: Option<Arc<dyn DemoAuthenticator>>,
        institutions: Vec<InstitutionConfig>,
    ) -> Self {
        Self::of(demo_authenticator, None, institutions).await
    }

    async fn of(
        demo_authenticator: Option<Arc<dyn DemoAuthenticator>>,
        mail: Option<SmtpConfig>,
        institutions: Vec<InstitutionConfig>,
    ) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let now = Timestamp::now();
        KeyFolder::init(&path("permit"), Zone::Permit, now).unwrap();
        let keys = KeyFolder::init(&path("portal"), Zone::Portal, now).unwrap();
        let linkage = KeyFolder::init(&path("linkage"), Zone::Linkage, now).unwrap();
        let mut running = JoinSet::new();
        let (signer, stop_signer) = signer(dir.path(), "127.0.0.1:0", &mut running).await;
        let database = fresh(dir.path()).await;
        enrol(dir.path(), &keys);
        furnish(&database, &keys).await;
        let (stop_portal, stopped) = oneshot::channel();
        let (ready, address) = oneshot::channel();
        let config = PortalConfig {
            listen: "127.0.0.1:0".parse().unwrap(),
            database: database.clone(),
            keys: path("portal"),
            signer_url: format!("http://{signer}"),
            ca: None,
            tls: false,
            audit: path("portal"),
            review: Some(ReviewPlace { summary: path("review.jws"), linkage_key: linkage.public("sign") }),
            mail,
            webhook: None,
            synthetic: true,
            https: false,
            relying_party: Some(party()),
            desk: Some(desk().origin),
            institutions,
            demo_authenticator,
            dummy: Some(DummyEngine {
                runner: Arc::new(Dummies { session: keys.signing("session").unwrap().verifying() }),
                address: "grpc://127.0.0.1:50052".to_owned(),
            }),
            clock: Timestamp::now,
        };
        let kept = config.clone();
        let session = keys.signing("session").unwrap().verifying();
        let under_way = Arc::new(AtomicUsize::new(0));
        let engine = Arc::new(Engine { session, under_way: Arc::clone(&under_way) });
        running.spawn(async move {
            serve(config, engine, |at| ready.send(at).unwrap(), async { drop(stopped.await) }).await.unwrap();
        });
        let address = address.await.unwrap();
        Self {
            dir,
            address,
            signer,
            database,
            config: kept,
            under_way,
            stop_signer: Some(stop_signer),
            _stop_portal: stop_portal,
            running,
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The permit that was signed last, by the public key of the permit zone.
    pub(crate) fn permit(&self) -> Permit {
        let key = VerifyingKey::read(&self.path("permit").join("public/permit.pub")).unwrap();
        let files = std::fs::read_dir(self.path("store").join("permits")).unwrap();
        let last = files.map(|file| file.unwrap().path()).max().unwrap();
        jws::verify(jws::PERMIT, &std::fs::read_to_string(last).unwrap(), &key).unwrap()
    }

    /// Ends the signer and waits until its port is closed.
    pub(crate) async fn without_signer(&mut self) {
        drop(self.stop_signer.take());
        self.running.join_next().await.unwrap().unwrap();
    }

    /// Takes a person's passkeys out of the signer's registry, as its operator does.
    pub(super) fn unenrol(&self, user: &str) {
        let key = self.path("portal").join("public/sign.pub");
        let registrar = Registrar::open(&self.path("permit"), &key, &self.path("store")).unwrap();
        let known = registrar.list().unwrap();
        for enrolment in known.iter().filter(|known| known.user.as_str() == user) {
            registrar.unenrol(&enrolment.credential, Timestamp::now()).unwrap();
        }
    }

    /// Starts the signer again, where it was.
    pub(super) async fn with_signer(&mut self) {
        let address = self.signer.to_string();
        self.stop_signer = Some(signer(self.dir.path(), &address, &mut self.running).await.1);
    }

    /// The permits that the engine is told not to believe.
    pub(super) async fn over(&self) -> BTreeSet<PermitId> {
        let key = VerifyingKey::read(&self.path("permit").join("public/permit.pub")).unwrap();
        let document = reqwest::get(format!("http://{}/status", self.signer)).await.unwrap().text().await.unwrap();
        jws::verify::<policies::StatusDocument>(jws::STATUS, &document, &key).unwrap().revoked_permits
    }

    /// A browser that nobody has signed in with.
    pub(crate) fn visitor(&self) -> Browser {
        let http = Client::builder().cookie_store(true).redirect(reqwest::redirect::Policy::none()).no_proxy();
        Browser { http: http.build().unwrap(), base: format!("http://{}", self.address) }
    }

    /// A browser in which `user` is signed in.
    pub(crate) async fn person(&self, user: &str) -> Browser {
        let browser = self.visitor();
        let answer = browser.sign_in(user, PASSWORD).await;
        assert_eq!(answer.status(), StatusCode::SEE_OTHER, "{user}");
        browser.read("/sign-in/second").await;
        browser.act("/sign-in/second", &[("with", "passkey"), ("demo", "yes"), ("next", "/applications")]).await;
        browser
    }
}

/// Starts the permit signer of the world in `dir`.
async fn signer(dir: &Path, listen: &str, running: &mut JoinSet<()>) -> (SocketAddr, oneshot::Sender<()>) {
    let (stop, stopped) = oneshot::channel();
    let (ready, address) = oneshot::channel();
    let config = SignerConfig {
        listen: listen.parse().unwrap(),
        keys: dir.join("permit"),
        tls: false,
        portal_key: dir.join("portal/public/sign.pub"),
        store: dir.join("store"),
        audit: dir.join("permit"),
        clock: Timestamp::now,
    };
    running.spawn(async move {
        permit_signer::serve(config, |at| ready.send(at).unwrap(), async { drop(stopped.await) }).await.unwrap();
    });
    (address.await.unwrap(), stop)
}

async fn furnish(database: &DatabaseUrl, keys: &KeyFolder) {
    let now = Timestamp::now();
    let db = Database::open(database).await.unwrap();
    let audit = Arc::new(AuditLog::open(keys.path(), Zone::Portal, keys.signing("sign").unwrap()).unwrap());
    for person in PEOPLE {
        let account = NewAccount {
            user: person.user.parse().unwrap(),
            name_ja: format!("{}さん", person.user),
            name_en: format!("Dr {}", person.user),
            affiliation: person.affiliation.parse().unwrap(),
            roles: words(person.roles),
            seats: words(person.seats),
            holds: words(person.holds),
            coauthors: BTreeMap::new(),
            password: SecretString::from(PASSWORD),
        };
        accounts::create(&db, &audit, account, now).await.unwrap();
        if person.user != FRESH {
            Passkeys::enrol(&db, &audit, &person.user.parse().unwrap()).await;
        }
    }
    let published = [
        ("ndb", &["ndb.claims", "ndb.drugs"][..]),
        ("person", &["person.ndb", "facility"]),
        ("registry", &["registry.cases"]),
    ];
    for (dataset, tables) in published {
        let table = || ReleaseTable { columns: Vec::new(), rows: 12345, persons: Some(678), files: Vec::new() };
        let manifest = Manifest {
            format: FORMAT,
            release: format!("{dataset}/2026.1").parse().unwrap(),
            kind: ReleaseKind::Holders,
            created_at: now,
            code_version: "test".to_owned(),
            buckets: BucketCount::DEFAULT,
            tables: tables.iter().map(|name| ((*name).to_owned(), table())).collect::<BTreeMap<_, _>>(),
            sources: Vec::new(),
            crosswalk: String::new(),
            pinned: Vec::new(),
            quality: None,
            wrapped_key: String::new(),
        };
        let quality = (dataset == "ndb").then(super::quality::made_up);
        let text = catalog::datasets::about(dataset).map_or_else(register, DatasetText::from);
        let publication = Publication { manifest: &manifest, quality: quality.as_ref(), text, by: "operator" };
        publish(&db, &audit, publication.clone(), now).await.unwrap();
        assert!(publish(&db, &audit, publication.clone(), now).await.is_err());
        // Made-up releases are told apart, and neither passes for the other.
        assert!(crate::dummy::publish(&db, &audit, &manifest, "operator", now).await.is_err());
        let made_up = Manifest { kind: ReleaseKind::Dummy, ..manifest.clone() };
        assert!(publish(&db, &audit, Publication { manifest: &made_up, ..publication }, now).await.is_err());
        if dataset != "registry" {
            crate::dummy::publish(&db, &audit, &made_up, "operator", now).await.unwrap();
        }
    }
    let variable =
        "insert into release_variable (dataset, version, table_name, position, name, type, class, label_ja, label_en)
                    values ('registry', '2026.1', 'registry.cases', 0, 'severity', 'int', 'M', '重症度', 'Severity')";
    sqlx::query(variable).execute(db.pool()).await.unwrap();
    db.close().await;
}

fn words<T: Ord + FromStr<Err: Debug>>(text: &str) -> BTreeSet<T> {
    text.split_whitespace().map(|word| word.parse().unwrap()).collect()
}

/// What is said of a source that is not built in: its holder has to consent.
fn register() -> DatasetText {
    let text = |text: &str| text.to_owned();
    DatasetText {
        title_ja: text("感染症登録（合成）"),
        title_en: text("Infectious-disease register (made up)"),
        description_ja: text("届出の記録。"),
        description_en: text("Notified cases."),
    }
}

/// Has the signer believe everybody's passkey but Eve's, as an operator does: the request, its code, the command.
fn enrol(dir: &Path, portal: &KeyFolder) {
    let registrar = Registrar::open(&dir.join("permit"), &portal.public("sign"), &dir.join("store")).unwrap();
    for person in PEOPLE.iter().filter(|person| ![FRESH, "eve"].contains(&person.user)) {
        let user: UserId = person.user.parse().unwrap();
        let passkey = Passkeys::of(&user);
        let enrolment = Enrolment {
            roles: words(person.roles),
            seats: words(person.seats),
            holds: words(person.holds),
            affiliation: person.affiliation.parse().unwrap(),
            relying_party: desk(),
            credential: passkey.credential().clone(),
            key: passkey.key(),
            user,
        };
        let made_at = Timestamp::now();
        let proof = passkey.assert(&EnrolmentRequest::challenge(&enrolment, made_at).unwrap(), &desk());
        let request = EnrolmentRequest { enrolment, made_at, proof }.sign(&portal.signing("sign").unwrap()).unwrap();
        registrar.enrol(&request, &EnrolmentCode::of(&request), Timestamp::now()).unwrap();
    }
}

/// One person's browser: cookies, no redirects followed, forms filled with the page's own token.
pub(crate) struct Browser {
    http: Client,
    base: String,
}

impl Browser {
    pub(crate) async fn get(&self, path: &str) -> Response {
        self.http.get(format!("{}{path}", self.base)).send().await.unwrap()
    }

    /// The page at `path`, which must be there.
    pub(crate) async fn read(&self, path: &str) -> String {
        let answer = self.get(path).await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        answer.text().await.unwrap()
    }

    /// Posts `fields` as they are.
    pub(crate) async fn post_raw(&self, path: &str, fields: &[(&str, &str)]) -> Response {
        self.http.post(format!("{}{path}", self.base)).form(fields).send().await.unwrap()
    }

    /// Posts a body of any type.
    pub(crate) async fn post_body(&self, path: &str, kind: &str, body: Vec<u8>) -> Response {
        self.http.post(format!("{}{path}", self.base)).header("content-type", kind).body(body).send().await.unwrap()
    }

    /// Posts a form's body as it is.
    pub(crate) async fn post_bytes(&self, path: &str, body: String) -> Response {
        let post = self.http.post(format!("{}{path}", self.base));
        post.header("content-type", "application/x-www-form-urlencoded").body(body).send().await.unwrap()
    }

    /// Posts `fields` with the token of this session.
    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Response {
        let token = self.token().await;
        let mut all = vec![("csrf", token.as_str())];
        all.extend(fields);
        self.post_raw(path, &all).await
    }

    /// Posts and expects the redirect that follows a change.
    pub(crate) async fn act(&self, path: &str, fields: &[(&str, &str)]) -> String {
        let answer = self.post(path, fields).await;
        let (status, location) = (answer.status(), answer.headers().get("location").cloned());
        assert_eq!(status, StatusCode::SEE_OTHER, "{path}: {}", answer.text().await.unwrap());
        location.unwrap().to_str().unwrap().to_owned()
    }

    /// Posts an act that has to be signed, up to the page that asks for the signature. Gives the number of the act that waits.
    pub(crate) async fn unsigned(&self, path: &str, fields: &[(&str, &str)]) -> String {
        let answer = self.post(path, fields).await;
        let (status, page) = (answer.status(), answer.text().await.unwrap());
        assert_eq!(status, StatusCode::OK, "{path}: {page}");
        assert!(
            page.contains("name=\"document\" value=\"") && page.contains(&format!("action=\"{path}\"")),
            "{path}: {page}"
        );
        page.split("name=\"act\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
    }

    /// Posts an act that has to be signed, and signs it by the demo's button.
    pub(crate) async fn sign(&self, path: &str, fields: &[(&str, &str)]) -> String {
        let waiting = self.unsigned(path, fields).await;
        self.act(path, &[("act", &waiting), ("demo", "yes")]).await
    }

    /// Posts and expects a refusal with that code on the page.
    pub(crate) async fn refused(&self, path: &str, fields: &[(&str, &str)], code: &str) {
        let answer = self.post(path, fields).await;
        let status = answer.status();
        let body = answer.text().await.unwrap();
        assert!(!status.is_success() && body.contains(code), "{path}: {status} {body}");
    }

    pub(crate) async fn token(&self) -> String {
        let page = self.read("/sign-in").await;
        page.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
    }

    pub(crate) async fn sign_in(&self, user: &str, password: &str) -> Response {
        self.post("/sign-in", &[("user", user), ("password", password), ("next", "/applications")]).await
    }
}
