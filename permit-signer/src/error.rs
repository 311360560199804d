//! Why the signer does not start, or does not sign.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use policies::application::{Refusal, StreamError};
use policies::audit::AuditError;
use policies::jws::JwsError;
use policies::keys::KeyError;
use policies::passkey::PasskeyError;
use policies::tls::TlsError;

/// Every way in which the signer fails or refuses. Never carries what a request said.
#[derive(Debug, thiserror::Error)]
pub enum SignerError {
    /// Nothing could be recorded, so nothing was done.
    #[error("the audit chain could not be written, so nothing was signed")]
    Audit(#[source] AuditError),
    /// The operator's code is another document's.
    #[error("the code is not this request's; nothing was enrolled, compare it once more with the person")]
    Code,
    /// The permit's conditions are not met.
    #[error("the application does not lead to a permit: {0}")]
    Conditions(#[source] Refusal),
    /// What was granted has been ended since.
    #[error("the permit of this application was ended; nothing takes its place")]
    Ended,
    /// A key folder cannot be used.
    #[error("the permit signer's keys cannot be used")]
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
    /// No such permit.
    #[error("there is no permit of that number")]
    NotFound,
    /// The same application led to a permit by other events.
    #[error(
        "a permit was signed for another history of this application; ask the secretariat, nothing is signed twice"
    )]
    OtherHistory,
    /// A passkey's word is not believed.
    #[error("the passkey is not believed: {0}")]
    Passkey(#[source] PasskeyError),
    /// The project name is taken.
    #[error("this project runs under another application; choose another short name")]
    ProjectTaken,
    /// The service stopped.
    #[error("the permit signer stopped unexpectedly")]
    Serve(#[source] io::Error),
    /// Signature of the portal missing or wrong.
    #[error("the request is not signed by this portal")]
    Signature(#[source] JwsError),
    /// The permit could not be signed.
    #[error("the document could not be signed")]
    Sign(#[source] JwsError),
    /// The store cannot be read or written.
    #[error("cannot read or write {}", path.display())]
    Store {
        /// Where.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// The stream of events is not whole.
    #[error("the application's events are not believed: {0}")]
    Stream(#[source] StreamError),
    /// The permit is suspended, and the history does not say that the use was resumed since.
    #[error("the permit of this application is suspended; a new one is signed once the use was resumed")]
    Suspended,
    /// TLS is needed there and cannot be had.
    #[error("{address} is served over TLS only")]
    Tls {
        /// The address.
        address: SocketAddr,
        /// Why it cannot be had.
        #[source]
        cause: TlsError,
    },
}

impl SignerError {
    /// Stable code, safe in logs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Audit(_) => "signer/audit",
            Self::Code => "signer/code",
            Self::Conditions(_) => "signer/conditions",
            Self::Ended => "signer/ended",
            Self::Keys(_) => "signer/keys",
            Self::Listen { .. } => "signer/listen",
            Self::NotFound => "signer/not-found",
            Self::OtherHistory => "signer/other-history",
            Self::Passkey(_) => "signer/passkey",
            Self::ProjectTaken => "signer/project-taken",
            Self::Serve(_) => "signer/stopped",
            Self::Sign(_) => "signer/sign",
            Self::Signature(_) => "signer/signature",
            Self::Store { .. } => "signer/store",
            Self::Stream(_) => "signer/stream",
            Self::Suspended => "signer/suspended",
            Self::Tls { .. } => "signer/tls",
        }
    }
}
