//! Sending over SMTP: TLS with the server's name and certificate checked, plain on this machine alone.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use secrecy::ExposeSecret;

use crate::private_file::{PrivateFileError, first_line};

/// The longest a server may take for an answer.
const ANSWER_MAX: Duration = Duration::from_secs(30);

/// Which mail server, and as whom.
#[derive(Clone, Debug)]
pub struct SmtpConfig {
    /// Its name.
    pub server: String,
    /// Its port; by default 465 with TLS from the beginning, 587 with STARTTLS, 25 in plain.
    pub port: Option<u16>,
    /// How the connection is protected.
    pub tls: SmtpTls,
    /// A CA of one's own (PEM), beside the system's.
    pub ca: Option<PathBuf>,
    /// Whom to sign in as.
    pub user: Option<String>,
    /// A file of mode 0600 with the password.
    pub password_file: Option<PathBuf>,
    /// The sender, e.g. `Sudare <no-reply@portal.example>`.
    pub from: String,
    /// Where readers find the portal, e.g. `https://portal.example`: mails lead there.
    pub portal: String,
}

/// How the connection to the mail server is protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SmtpTls {
    /// TLS from the beginning (RFC 8314, 3.3).
    #[default]
    Implicit,
    /// Plain; to a server on this machine only.
    None,
    /// TLS after STARTTLS (RFC 3207), never without.
    Starttls,
}

/// Why mails cannot be sent as configured.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// The CA's file cannot be read.
    #[error("cannot read the mail server's CA {}", path.display())]
    Ca {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: std::io::Error,
    },
    /// The sender is no address.
    #[error("the sender of mails is not an address")]
    From,
    /// Mails lead to the portal from elsewhere.
    #[error("the portal's own address for mails is to begin with https:// or http://")]
    Link,
    /// The password cannot be read.
    #[error("the mail server's password cannot be read")]
    Password(#[from] PrivateFileError),
    /// A name without a password, or the other way round.
    #[error("the mail server wants both a user and a password file, or neither")]
    PasswordMissing,
    /// Plain beyond this machine.
    #[error("mails go to another machine over TLS only")]
    Plain,
    /// TLS cannot be set up.
    #[error("TLS to the mail server cannot be set up")]
    Tls(#[source] lettre::transport::smtp::Error),
}

/// A mail as the server gets it.
#[derive(Clone, Debug)]
pub(crate) struct Letter {
    /// Hexadecimal.
    pub(crate) id: String,
    pub(crate) to: Address,
    pub(crate) subject: String,
    pub(crate) body: String,
    pub(crate) at: Timestamp,
}

/// Why a letter was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unsent {
    /// The server does not answer, or says that it may work later.
    Later,
    /// The server will not take it, or it is no letter.
    Never,
}

/// A mail server.
pub(crate) struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl Smtp {
    /// Reads what the configuration names; does not connect.
    pub(crate) fn new(config: &SmtpConfig) -> Result<Self, MailError> {
        let from: Mailbox = config.from.parse().map_err(|_| MailError::From)?;
        if !config.portal.starts_with("https://") && !config.portal.starts_with("http://") {
            return Err(MailError::Link);
        }
        let (tls, port) = protection(config)?;
        let credentials = match (&config.user, &config.password_file) {
            (None, None) => None,
            (Some(user), Some(file)) => {
                Some(Credentials::new(user.clone(), first_line(file)?.expose_secret().to_owned()))
            }
            _ => return Err(MailError::PasswordMissing),
        };
        // Whether the connection is protected is decided in `protection`, not by this name.
        let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&config.server)
            .port(config.port.unwrap_or(port))
            .tls(tls)
            .timeout(Some(ANSWER_MAX))
            .hello_name(ClientId::Domain(from.email.domain().to_owned()));
        if let Some(credentials) = credentials {
            transport = transport.credentials(credentials);
        }
        Ok(Self { transport: transport.build(), from })
    }

    pub(crate) async fn send(&self, letter: Letter) -> Result<(), Unsent> {
        let message = self.message(letter).ok_or(Unsent::Never)?;
        match self.transport.send(message).await {
            Ok(_) => Ok(()),
            // 550 to 555: this mailbox or mail, whenever it is tried (RFC 5321, 4.2.3). Other refusals are the server's or ours to mend.
            Err(refused) if refused.status().is_some_and(|code| (550..=555).contains(&u16::from(code))) => {
                Err(Unsent::Never)
            }
            Err(_) => Err(Unsent::Later),
        }
    }

    fn message(&self, letter: Letter) -> Option<Message> {
        let id = format!("<{}@{}>", letter.id, self.from.email.domain());
        // A line break in a subject would be the next header.
        let subject: String = letter.subject.chars().filter(|letter| !letter.is_control()).collect();
        let message = Message::builder().from(self.from.clone()).to(Mailbox::new(None, letter.to));
        let message = message.message_id(Some(id)).date(SystemTime::from(letter.at)).subject(subject);
        message.header(ContentType::TEXT_PLAIN).body(letter.body).ok()
    }
}

/// The protection and its usual port.
fn protection(config: &SmtpConfig) -> Result<(Tls, u16), MailError> {
    if config.tls == SmtpTls::None {
        let loopback = config.server.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        return if loopback || config.server == "localhost" { Ok((Tls::None, 25)) } else { Err(MailError::Plain) };
    }
    let mut parameters = TlsParameters::builder(config.server.clone());
    if let Some(path) = &config.ca {
        let pem = std::fs::read(path).map_err(|cause| MailError::Ca { path: path.clone(), cause })?;
        parameters = parameters.add_root_certificate(Certificate::from_pem(&pem).map_err(MailError::Tls)?);
    }
    let parameters = parameters.build_rustls().map_err(MailError::Tls)?;
    Ok(match config.tls {
        SmtpTls::Starttls => (Tls::Required(parameters), 587),
        SmtpTls::Implicit | SmtpTls::None => (Tls::Wrapper(parameters), 465),
    })
}
