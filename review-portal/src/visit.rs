//! One request's visitor: who is signed in, in which language, under which session.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use policies::access::{Action, Relation};
use policies::{SessionId, UserId};
use serde::{Deserialize, Serialize};
use tower_sessions::Session;

use crate::accounts::{self, User};
use crate::assets;
use crate::dates::{self, Moment};
use crate::error::PortalError;
use crate::language::Language;
use crate::portal::Portal;

const SIGNED: &str = "signed";
const CSRF: &str = "csrf";

/// A session ends after this time, however busy it is.
const SESSION_MAX: SignedDuration = SignedDuration::from_hours(12);

/// What a session says of its person.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Signed {
    pub(crate) user: UserId,
    pub(crate) session: SessionId,
    pub(crate) at: Timestamp,
}

/// A visitor with the session that the cookie names.
#[derive(Clone, Debug)]
pub(crate) struct Visit {
    pub(crate) session: Session,
    pub(crate) signed: Option<(Signed, User)>,
    pub(crate) language: Language,
    pub(crate) path: String,
    csrf: Option<String>,
}

impl FromRequestParts<Portal> for Visit {
    type Rejection = PortalError;

    async fn from_request_parts(parts: &mut Parts, portal: &Portal) -> Result<Self, PortalError> {
        Place::of(parts)?.visit(portal).await
    }
}

/// What of a request a visit is made from.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    session: Session,
    language: Language,
    path: String,
}

impl Place {
    pub(crate) fn of(parts: &Parts) -> Result<Self, PortalError> {
        Ok(Self {
            session: parts.extensions.get::<Session>().cloned().ok_or(PortalError::NotFound)?,
            language: parts.extensions.get::<Language>().copied().unwrap_or_default(),
            path: parts.uri.path().to_owned(),
        })
    }

    /// Who is there.
    pub(crate) async fn visit(self, portal: &Portal) -> Result<Visit, PortalError> {
        let Self { session, language, path } = self;
        let csrf = session.get(CSRF).await?;
        let signed: Option<Signed> = session.get(SIGNED).await?;
        let fresh = |signed: &Signed| portal.now().duration_since(signed.at) < SESSION_MAX;
        let signed = match signed.filter(fresh) {
            None => None,
            Some(signed) => accounts::find(&portal.db, &signed.user).await?.map(|user| (signed, user)),
        };
        Ok(Visit { session, signed, language, path, csrf })
    }
}

impl Visit {
    pub(crate) fn user(&self) -> Option<&User> {
        self.signed.as_ref().map(|(_, user)| user)
    }

    /// The session's token against forged forms; made if there is none.
    pub(crate) async fn csrf(&mut self) -> Result<String, PortalError> {
        if let Some(token) = &self.csrf {
            return Ok(token.clone());
        }
        let token = random_token();
        self.session.insert(CSRF, &token).await?;
        self.csrf = Some(token.clone());
        Ok(token)
    }

    /// Opens a session for `user`, under a new cookie and a new form token.
    pub(crate) async fn open(&self, user: &User, now: Timestamp) -> Result<SessionId, PortalError> {
        self.session.cycle_id().await?;
        let session = SessionId::random();
        self.session.insert(CSRF, random_token()).await?;
        self.session.insert(SIGNED, Signed { user: user.id.clone(), session: session.clone(), at: now }).await?;
        Ok(session)
    }

    /// What the page's frame shows.
    pub(crate) fn frame(&self, portal: &Portal) -> Frame {
        let roles = self.user().map(|user| &user.roles);
        let may = |what| self.signed.is_some() && portal.may(roles, Relation::Other, what);
        Frame {
            language: self.language,
            user: self.user().map(|user| name(user, self.language)),
            roles: self.user().map(|user| roles_of(user, self.language)).unwrap_or_default(),
            now: portal.now(),
            csrf: self.csrf.clone().unwrap_or_default(),
            once: random_token(),
            synthetic: portal.synthetic,
            path: self.path.clone(),
            applications: may(Action::ApplicationList),
            audit: may(Action::AuditRead),
            linkage: may(Action::LinkageRead),
        }
    }
}

/// What every page shows around its content.
#[expect(clippy::struct_excessive_bools, reason = "each says whether one thing stands on the page")]
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) language: Language,
    pub(crate) user: Option<String>,
    /// In which roles the person is here.
    pub(crate) roles: String,
    pub(crate) now: Timestamp,
    pub(crate) csrf: String,
    pub(crate) once: String,
    pub(crate) synthetic: bool,
    pub(crate) path: String,
    pub(crate) applications: bool,
    pub(crate) audit: bool,
    pub(crate) linkage: bool,
}

impl Frame {
    pub(crate) fn say(&self, key: &str) -> String {
        self.language.say(key)
    }

    /// A sentence whose key has a part from code: `stage.` + `draft`.
    pub(crate) fn say_of(&self, group: &str, word: &str) -> String {
        self.language.say(&format!("{group}.{word}"))
    }

    /// A day in both calendars.
    pub(crate) fn day(&self, date: Date) -> Moment {
        dates::on(date, self.language)
    }

    /// The day of a time in Japan.
    pub(crate) fn day_of(&self, at: &Timestamp) -> Moment {
        dates::on(dates::today(*at), self.language)
    }

    /// A day and minute in Japan.
    pub(crate) fn minute(&self, at: &Timestamp) -> Moment {
        dates::at(*at, self.language)
    }

    /// The last minute before the end of a period.
    pub(crate) fn until(&self, end: &Timestamp) -> Moment {
        dates::until(*end, self.language)
    }

    /// 「3日前から」.
    pub(crate) fn since(&self, from: &Timestamp) -> String {
        dates::since(*from, self.now, self.language)
    }

    /// Where the browser finds a file that the portal carries.
    #[expect(clippy::unused_self, reason = "templates see no function but the frame's")]
    pub(crate) fn file(&self, path: &str) -> String {
        assets::address(path)
    }

    /// Whether the page is of this part, for the menu.
    pub(crate) fn is_in(&self, part: &str) -> bool {
        self.path == part || self.path.strip_prefix(part).is_some_and(|rest| rest.starts_with('/'))
    }

    pub(crate) fn lang(&self) -> &'static str {
        self.language.as_str()
    }

    pub(crate) fn is_ja(&self) -> bool {
        self.language == Language::Ja
    }
}

/// A person's name in the reader's language.
pub(crate) fn name(user: &User, language: Language) -> String {
    match language {
        Language::En => user.name_en.clone(),
        Language::Ja => user.name_ja.clone(),
    }
}

fn roles_of(user: &User, language: Language) -> String {
    let words = user.roles.iter().map(|role| language.say(&format!("role.{role}")));
    words.collect::<Vec<_>>().join(if language == Language::Ja { "・" } else { ", " })
}

/// 128 bits from the operating system, 32 hexadecimal digits.
fn random_token() -> String {
    String::from(SessionId::random())
}
