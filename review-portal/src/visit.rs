//! One request's visitor: who is signed in, in which language, under which session.

use std::net::IpAddr;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use policies::access::{Action, Relation};
use policies::passkey::{Base64Url, Challenge, PasskeyError};
use policies::{SessionId, UserId};
use serde::{Deserialize, Serialize};
use tower_sessions::Session;

use crate::accounts::{self, User};
use crate::assets;
use crate::dates::{self, Moment};
use crate::error::PortalError;
use crate::factors::Factor;
use crate::language::Language;
use crate::oidc::InstitutionId;
use crate::peer::visitor;
use crate::portal::Portal;

const SIGNED: &str = "person";
const HALF: &str = "half";
const CSRF: &str = "csrf";

/// A session ends after this time, however busy it is.
const SESSION_MAX: SignedDuration = SignedDuration::from_hours(12);

/// Between the first and the second factor no more than this passes.
const HALF_MAX: SignedDuration = SignedDuration::from_mins(10);

/// Wrong second factors before the password is asked again.
const TRIES_MAX: u8 = 5;

/// A passkey answers within this time.
const CHALLENGE_MAX: SignedDuration = SignedDuration::from_mins(5);

/// What a session says of its person, who gave both factors.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Signed {
    pub(crate) user: UserId,
    pub(crate) session: SessionId,
    pub(crate) at: Timestamp,
    pub(crate) second_factor_at: Timestamp,
    pub(crate) factor: Factor,
}

/// What a session says of somebody who gave the password or comes from an institution: every page but the second step takes the person for a stranger.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Half {
    user: UserId,
    at: Timestamp,
    tries: u8,
    /// The code that an operator handed over was given: new factors may be set up.
    #[serde(default)]
    reset: bool,
    /// Which institution vouches for the person; none: the password was given.
    #[serde(default)]
    institution: Option<InstitutionId>,
}

/// What a passkey is asked to sign, once.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Asked {
    challenge: Base64Url,
    at: Timestamp,
}

/// What a passkey is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ceremony {
    /// To be made.
    Register,
    /// To sign in.
    SignIn,
}

impl Ceremony {
    /// Where the session keeps its challenge.
    fn place(self) -> &'static str {
        match self {
            Self::Register => "challenge-register",
            Self::SignIn => "challenge-sign-in",
        }
    }
}

/// A visitor with the session that the cookie names.
#[derive(Clone, Debug)]
pub(crate) struct Visit {
    pub(crate) session: Session,
    pub(crate) signed: Option<(Signed, User)>,
    /// Who gave the first factor and not yet the second one.
    pub(crate) half: Option<User>,
    /// Which institution was the first factor of `half`; none: the password.
    pub(crate) institution: Option<InstitutionId>,
    pub(crate) language: Language,
    pub(crate) path: String,
    /// Where the visitor is, for the engine's places of use.
    pub(crate) address: Option<IpAddr>,
    csrf: Option<String>,
}

impl FromRequestParts<Portal> for Visit {
    type Rejection = PortalError;

    async fn from_request_parts(parts: &mut Parts, portal: &Portal) -> Result<Self, PortalError> {
        let address = visitor(parts, portal);
        Ok(Self { address, ..Place::of(parts)?.visit(portal).await? })
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
            Some(signed) => find_since(portal, &signed.user, signed.at).await?.map(|user| (signed, user)),
        };
        let half: Option<Half> = if signed.is_some() { None } else { session.get(HALF).await? };
        let fresh = |half: &Half| portal.now().duration_since(half.at) < HALF_MAX && half.tries < TRIES_MAX;
        let half = half.filter(fresh);
        let institution = half.as_ref().and_then(|half| half.institution.clone());
        let half = match half {
            None => None,
            Some(half) => find_since(portal, &half.user, half.at).await?,
        };
        Ok(Visit { session, signed, half, institution, language, path, address: None, csrf })
    }
}

/// The person, if a session that began `at` is not over since.
async fn find_since(portal: &Portal, user: &UserId, at: Timestamp) -> Result<Option<User>, PortalError> {
    let user = accounts::find(&portal.db, user).await?;
    Ok(user.filter(|user| user.sessions_since.is_none_or(|since| since <= at)))
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

    /// The password was right, or an institution vouches for the person: the second step is open, and nothing else.
    pub(crate) async fn open_half(
        &self,
        user: &User,
        institution: Option<&InstitutionId>,
        now: Timestamp,
    ) -> Result<(), PortalError> {
        self.session.cycle_id().await?;
        self.session.insert(CSRF, random_token()).await?;
        self.session.remove_value(SIGNED).await?;
        let half = Half { user: user.id.clone(), at: now, tries: 0, reset: false, institution: institution.cloned() };
        Ok(self.session.insert(HALF, half).await?)
    }

    /// A second factor was wrong.
    pub(crate) async fn count_try(&self) -> Result<(), PortalError> {
        if let Some(half) = self.session.get::<Half>(HALF).await? {
            self.session.insert(HALF, Half { tries: half.tries.saturating_add(1), ..half }).await?;
        }
        Ok(())
    }

    /// The code that an operator handed over was right: new factors may be set up, and nothing else.
    pub(crate) async fn open_set_up(&self) -> Result<(), PortalError> {
        if let Some(half) = self.session.get::<Half>(HALF).await? {
            self.session.cycle_id().await?;
            self.session.insert(HALF, Half { reset: true, ..half }).await?;
        }
        Ok(())
    }

    /// Whether that code was given here.
    pub(crate) async fn may_set_up(&self) -> Result<bool, PortalError> {
        Ok(self.session.get::<Half>(HALF).await?.is_some_and(|half| half.reset))
    }

    /// Opens a session for `user`, under a new cookie and a new form token.
    pub(crate) async fn open(&self, user: &User, factor: Factor, now: Timestamp) -> Result<(), PortalError> {
        self.session.cycle_id().await?;
        self.session.insert(CSRF, random_token()).await?;
        self.session.remove_value(HALF).await?;
        self.session.remove_value(Ceremony::SignIn.place()).await?;
        let (user, session) = (user.id.clone(), SessionId::random());
        Ok(self.session.insert(SIGNED, Signed { user, session, at: now, second_factor_at: now, factor }).await?)
    }

    /// Goes on after all sessions of the person were ended at `now`: this one as a new one.
    pub(crate) async fn reopen(&self, now: Timestamp) -> Result<(), PortalError> {
        let Some((signed, _)) = &self.signed else { return Ok(()) };
        self.session.cycle_id().await?;
        self.session.insert(CSRF, random_token()).await?;
        Ok(self.session.insert(SIGNED, Signed { at: now, ..signed.clone() }).await?)
    }

    /// A fresh challenge for a passkey, in the place of an older one.
    pub(crate) async fn challenge(&self, what: Ceremony, now: Timestamp) -> Result<Base64Url, PortalError> {
        let mut bytes = [0; 32];
        rand::Rng::fill_bytes(&mut rand::rng(), &mut bytes);
        let challenge = Base64Url::of(bytes);
        self.session.insert(what.place(), Asked { challenge: challenge.clone(), at: now }).await?;
        Ok(challenge)
    }

    /// Takes the challenge that was given out: it works once.
    pub(crate) async fn take_challenge(&self, what: Ceremony, now: Timestamp) -> Result<Challenge, PortalError> {
        let asked: Option<Asked> = self.session.remove(what.place()).await?;
        let asked = asked.filter(|asked| now.duration_since(asked.at) < CHALLENGE_MAX);
        let bytes = asked.and_then(|asked| asked.challenge.as_bytes().try_into().ok());
        bytes.ok_or(PortalError::Passkey(PasskeyError::Challenge))
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
            board: may(Action::BoardRead),
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
    pub(crate) board: bool,
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
