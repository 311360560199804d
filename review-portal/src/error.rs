//! Every way in which the portal fails or refuses. Sentences stand in `messages/`, found by the code; values never.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use policies::access::AccessError;
use policies::application::Refusal;
use policies::audit::AuditError;
use policies::jws::JwsError;
use policies::keys::KeyError;
use policies::passkey::PasskeyError;
use policies::tls::TlsError;

use crate::passwords::Weakness;

use crate::database::DatabaseUrlError;
use crate::oidc::{InstitutionError, OidcError};
use crate::outbox::{MailError, WebhookError};

/// Why the portal did not start, or did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum PortalError {
    /// The policy files do not load.
    #[error("the access policy cannot be used")]
    Access(#[source] AccessError),
    /// An account of that name exists.
    #[error("there is an account of that name already")]
    AccountExists,
    /// Nothing could be recorded, so nothing was changed.
    #[error("the audit chain could not be written, so nothing was changed")]
    Audit(#[source] AuditError),
    /// The form does not hold together.
    #[error("the form is incomplete; open the page again")]
    BadForm,
    /// The database is locked for longer than a reader waits.
    #[error("too many changes at once; try again in a moment")]
    Busy,
    /// Another change came first; nothing was written.
    #[error("somebody else changed this in the meantime; open the page again")]
    ChangedMeanwhile,
    /// The form's token is missing or another's.
    #[error("the form is too old or came from elsewhere; open the page again")]
    Csrf,
    /// The signing desk is not at an origin of its own under the portal's domain.
    #[error(
        "the signing desk must have an origin of its own, of the portal's domain or below it, e.g. https://sign.sudare.example"
    )]
    Desk(#[source] PasskeyError),
    /// The database failed.
    #[error("the portal's database failed")]
    Database(#[source] sqlx::Error),
    /// The database's file cannot be made.
    #[error("cannot open the portal's database {}", path.display())]
    DatabaseFile {
        /// Where.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// The database was made with another order or encoding of text.
    #[error(
        "the database needs encoding UTF8 and locale C; make it with `createdb --template=template0 --encoding=UTF8 --locale=C`"
    )]
    DatabaseLocale,
    /// The database is not named as one.
    #[error("the portal's database cannot be found by what names it")]
    DatabaseUrl(#[from] DatabaseUrlError),
    /// May read, may not do this.
    #[error("your roles do not allow this")]
    Forbidden,
    /// Institutions cannot be used as configured.
    #[error("an institution cannot be used as the configuration says")]
    Institution(#[source] InstitutionError),
    /// The file opens when interests are declared.
    #[error("declare first whether you have a conflict of interest")]
    InterestFirst {
        /// Of which application.
        application: policies::ApplicationId,
    },
    /// A key folder cannot be used.
    #[error("the portal's keys cannot be used")]
    Keys(#[source] KeyError),
    /// The address is taken or not ours.
    #[error("cannot listen on {address}; choose another address or stop what listens there")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// Mails cannot be sent as configured.
    #[error("mails cannot be sent as the configuration says")]
    Mail(#[source] MailError),
    /// The database is newer, or a migration failed.
    #[error("the portal's database cannot be brought up to date; it may be of a newer version")]
    Migrate(#[source] sqlx::migrate::MigrateError),
    /// Does not exist, or is not to be known.
    #[error("there is no such page, or it is not open to you")]
    NotFound,
    /// Nobody is signed in.
    #[error("sign in first")]
    NotSignedIn {
        /// Where a reader is to go on after signing in; none for a form.
        next: Option<String>,
    },
    /// A page cannot be saved as PDF.
    #[error("the document cannot be made as PDF; its page says the same")]
    Paper,
    /// A sign-in at an institution came to nothing.
    #[error("{0}")]
    Oidc(#[source] OidcError),
    /// A passkey's word is not believed.
    #[error("{0}")]
    Passkey(#[source] PasskeyError),
    /// The act needs a passkey, and the person has none.
    #[error("this act is signed with a passkey; register one under your account first")]
    PasskeyNeeded,
    /// The permit signer would not believe the person's passkeys.
    #[error(
        "no passkey of yours is enrolled at the permit signer for what you are now; ask for its enrolment under your account, then sign again"
    )]
    PasskeyNotEnrolled,
    /// The password is easily guessed.
    #[error("the password is too short, too long, too common or made from the name; choose another")]
    Password(Weakness),
    /// The act that was to be signed has waited too long, or was signed already.
    #[error("the act does not wait for a signature any more; open the page again")]
    PendingAct,
    /// The project's short name is taken.
    #[error("the project's short name is in use; choose another")]
    ProjectTaken,
    /// The rules say no.
    #[error("{0}")]
    Refused(#[source] Refusal),
    /// This version of the dataset stands in the catalog already.
    #[error("this release is published already; releases are never changed")]
    ReleaseExists,
    /// A dummy release where people's is wanted, or the other way round.
    #[error("dummy releases and those of people's records are published apart; the manifest says which it is")]
    ReleaseKind,
    /// The service stopped.
    #[error("the portal stopped unexpectedly")]
    Serve(#[source] io::Error),
    /// The session store failed.
    #[error("the session could not be read")]
    Session(#[source] tower_sessions::session::Error),
    /// A document could not be signed.
    #[error("the document could not be signed")]
    Sign(#[source] JwsError),
    /// The signer refused.
    #[error("the permit signer refused: {code}")]
    SignerRefused {
        /// Its code.
        code: String,
    },
    /// The signer may not be spoken to that way.
    #[error("the permit signer cannot be asked at that address")]
    SignerTls(#[source] TlsError),
    /// The signer does not answer.
    #[error("the permit signer does not answer; try again later")]
    SignerUnreachable,
    /// Stored text is not what this version wrote.
    #[error("a stored record cannot be read")]
    Stored,
    /// TLS is needed there and cannot be had.
    #[error("{address} is served over TLS only")]
    Tls {
        /// The address.
        address: SocketAddr,
        /// Why it cannot be had.
        #[source]
        cause: TlsError,
    },
    /// Another system cannot be told as configured.
    #[error("the webhook cannot be used as the configuration says")]
    Webhook(#[source] WebhookError),
}

impl PortalError {
    /// Stable code; the message files have `error.<code>` for those that a page can show.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Access(_) => "portal/access",
            Self::AccountExists => "portal/account-exists",
            Self::Audit(_) => "portal/audit",
            Self::BadForm => "portal/bad-form",
            Self::Busy => "portal/busy",
            Self::ChangedMeanwhile => "portal/changed-meanwhile",
            Self::Csrf => "portal/csrf",
            Self::Database(_) => "portal/database",
            Self::DatabaseFile { .. } => "portal/database-file",
            Self::Desk(_) => "portal/desk",
            Self::DatabaseLocale => "portal/database-locale",
            Self::DatabaseUrl(_) => "portal/database-url",
            Self::Forbidden => "portal/forbidden",
            Self::Institution(_) => "portal/institution",
            Self::InterestFirst { .. } => "portal/interest-first",
            Self::Keys(_) => "portal/keys",
            Self::Listen { .. } => "portal/listen",
            Self::Mail(_) => "portal/mail",
            Self::Migrate(_) => "portal/migrate",
            Self::NotFound => "portal/not-found",
            Self::NotSignedIn { .. } => "portal/not-signed-in",
            Self::Paper => "portal/paper",
            Self::Oidc(cause) => cause.code(),
            Self::Passkey(cause) => cause.code(),
            Self::PasskeyNeeded => "portal/passkey-needed",
            Self::PasskeyNotEnrolled => "portal/passkey-not-enrolled",
            Self::Password(_) => "portal/password",
            Self::PendingAct => "portal/pending-act",
            Self::ProjectTaken => "portal/project-taken",
            Self::Refused(refusal) => refusal.code(),
            Self::ReleaseExists => "portal/release-exists",
            Self::ReleaseKind => "portal/release-kind",
            Self::Serve(_) => "portal/stopped",
            Self::Session(_) => "portal/session",
            Self::Sign(_) => "portal/sign",
            Self::SignerRefused { .. } => "portal/signer-refused",
            Self::SignerTls(_) => "portal/signer-tls",
            Self::SignerUnreachable => "portal/signer-unreachable",
            Self::Stored => "portal/stored",
            Self::Tls { .. } => "portal/tls",
            Self::Webhook(_) => "portal/webhook",
        }
    }

    pub(crate) fn task(cause: tokio::task::JoinError) -> Self {
        Self::Serve(io::Error::other(cause))
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::BadForm | Self::Password(_) => StatusCode::BAD_REQUEST,
            Self::Oidc(OidcError::Unreachable) | Self::Busy | Self::SignerUnreachable => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Oidc(OidcError::Wait) => StatusCode::TOO_MANY_REQUESTS,
            Self::Csrf
            | Self::Forbidden
            | Self::InterestFirst { .. }
            | Self::Oidc(_)
            | Self::Passkey(_)
            | Self::PasskeyNeeded
            | Self::PasskeyNotEnrolled => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::NotSignedIn { .. } => StatusCode::UNAUTHORIZED,
            Self::AccountExists
            | Self::PendingAct
            | Self::ChangedMeanwhile
            | Self::ProjectTaken
            | Self::Refused(_)
            | Self::ReleaseExists
            | Self::ReleaseKind
            | Self::SignerRefused { .. } => StatusCode::CONFLICT,
            Self::Access(_)
            | Self::Audit(_)
            | Self::Database(_)
            | Self::DatabaseFile { .. }
            | Self::Desk(_)
            | Self::DatabaseLocale
            | Self::DatabaseUrl(_)
            | Self::Institution(_)
            | Self::Keys(_)
            | Self::Listen { .. }
            | Self::Mail(_)
            | Self::Migrate(_)
            | Self::Paper
            | Self::Serve(_)
            | Self::Session(_)
            | Self::Sign(_)
            | Self::SignerTls(_)
            | Self::Stored
            | Self::Tls { .. }
            | Self::Webhook(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl From<sqlx::Error> for PortalError {
    /// What databases say of other writers and of their input, by SQLSTATE (PostgreSQL manual, appendix A) or SQLite's result code.
    fn from(cause: sqlx::Error) -> Self {
        if matches!(cause, sqlx::Error::PoolTimedOut) {
            return Self::Busy;
        }
        let Some(told) = cause.as_database_error() else { return Self::Database(cause) };
        match told.code().as_deref() {
            _ if told.is_unique_violation() => Self::ChangedMeanwhile,
            // serialization_failure, deadlock_detected; SQLITE_BUSY_SNAPSHOT
            Some("40001" | "40P01" | "517") => Self::ChangedMeanwhile,
            // lock_not_available; SQLITE_BUSY, _RECOVERY, _TIMEOUT
            Some("55P03" | "5" | "261" | "773") => Self::Busy,
            // character_not_in_repertoire: a NUL, which SQLite would store
            Some("22021") => Self::BadForm,
            _ => Self::Database(cause),
        }
    }
}

impl From<tower_sessions::session::Error> for PortalError {
    fn from(cause: tower_sessions::session::Error) -> Self {
        Self::Session(cause)
    }
}

impl From<OidcError> for PortalError {
    fn from(cause: OidcError) -> Self {
        Self::Oidc(cause)
    }
}

impl From<PasskeyError> for PortalError {
    fn from(cause: PasskeyError) -> Self {
        Self::Passkey(cause)
    }
}

impl From<Refusal> for PortalError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// What an error page shows; rendered by the outermost layer, which knows the reader's language.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) code: &'static str,
    pub(crate) refusal: Option<Refusal>,
    pub(crate) detail: Option<String>,
}

impl IntoResponse for PortalError {
    fn into_response(self) -> Response {
        if let Self::NotSignedIn { next: Some(next) } = &self {
            return Redirect::to(&format!("/sign-in?next={next}")).into_response();
        }
        if let Self::InterestFirst { application } = &self {
            return Redirect::to(&format!("/applications/{application}/interest")).into_response();
        }
        let status = self.status();
        if status.is_server_error() {
            tracing::error!(code = self.code(), "a page failed");
        }
        let code = self.code();
        let detail = if let Self::SignerRefused { code } = &self { Some(code.clone()) } else { None };
        let refusal = if let Self::Refused(refusal) = self { Some(refusal) } else { None };
        let mut response = status.into_response();
        response.extensions_mut().insert(Failure { code, refusal, detail });
        response
    }
}
