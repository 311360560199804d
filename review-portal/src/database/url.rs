//! Where the portal's database is: a path, or a URL whose password comes from a file or the environment, never from arguments.

use std::net::IpAddr;
use std::path::{Path, PathBuf, absolute};
use std::str::FromStr;

use secrecy::{ExposeSecret, SecretString};
use sqlx::ConnectOptions;
use sqlx::any::AnyConnectOptions;
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;

use crate::private_file::{PrivateFileError, first_line};

/// Where the portal's database is.
#[derive(Clone, Debug)]
pub struct DatabaseUrl(Place);

#[derive(Clone, Debug)]
enum Place {
    Postgres(SecretString),
    Sqlite(PathBuf),
}

/// Why a database cannot be named so. Never carries the URL.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseUrlError {
    /// Neither a path nor a URL of a database that the portal knows.
    #[error("the portal's database is a path, sqlite:<path> or postgres://<user>@<host>/<database>")]
    Form,
    /// The URL's file cannot be read.
    #[error("the database's URL cannot be read")]
    File(#[from] PrivateFileError),
    /// Arguments and configuration are read by others.
    #[error(
        "a password does not belong here; put the URL into a file of mode 0600, or the password into PGPASSWORD or ~/.pgpass"
    )]
    Password,
}

impl DatabaseUrl {
    /// The first line of a file that this user alone may read: a URL, which may carry a password.
    pub fn read(path: &Path) -> Result<Self, DatabaseUrlError> {
        Self::secret(first_line(path)?)
    }

    /// A path, or a URL that may carry a password.
    pub fn secret(text: SecretString) -> Result<Self, DatabaseUrlError> {
        let url = text.expose_secret();
        if let Some(path) = url.strip_prefix("sqlite://").or_else(|| url.strip_prefix("sqlite:")) {
            return path.parse();
        }
        match url.split_once("://") {
            Some(("postgres" | "postgresql", _)) => {
                PgConnectOptions::from_str(url).map_err(|_| DatabaseUrlError::Form)?;
                Ok(Self(Place::Postgres(text)))
            }
            None if !url.is_empty() => Ok(Self(Place::Sqlite(PathBuf::from(url)))),
            _ => Err(DatabaseUrlError::Form),
        }
    }

    /// The same, with a relative path taken from `base`.
    #[must_use]
    pub fn under(self, base: &Path) -> Self {
        match self.0 {
            Place::Sqlite(path) => Self(Place::Sqlite(base.join(path))),
            place @ Place::Postgres(_) => Self(place),
        }
    }

    /// The file, if it is SQLite.
    pub(super) fn sqlite(&self) -> Option<&Path> {
        match &self.0 {
            Place::Postgres(_) => None,
            Place::Sqlite(path) => Some(path),
        }
    }

    /// How to connect. PostgreSQL beyond this machine is spoken to over TLS, its name and certificate checked, whatever the URL says.
    pub(super) fn options(&self) -> Result<AnyConnectOptions, DatabaseUrlError> {
        let form = |_| DatabaseUrlError::Form;
        let url = match &self.0 {
            Place::Postgres(url) => url.expose_secret().to_owned(),
            Place::Sqlite(path) => {
                let path = absolute(path).map_err(|_| DatabaseUrlError::Form)?;
                // The driver decodes `%`, but does not encode it.
                let path = path.to_str().ok_or(DatabaseUrlError::Form)?.replace('%', "%25");
                SqliteConnectOptions::new().filename(path).to_url_lossy().to_string()
            }
        };
        let mut options = AnyConnectOptions::from_str(&url).map_err(form)?;
        if matches!(self.0, Place::Postgres(_)) && !stays_here(&PgConnectOptions::from_str(&url).map_err(form)?) {
            options.database_url.query_pairs_mut().append_pair("sslmode", "verify-full");
        }
        Ok(options)
    }
}

impl FromStr for DatabaseUrl {
    type Err = DatabaseUrlError;

    /// Refuses a password: arguments and configuration files are read by others.
    fn from_str(text: &str) -> Result<Self, DatabaseUrlError> {
        let url = Self::secret(SecretString::from(text))?;
        if matches!(url.0, Place::Postgres(_)) {
            let parsed = AnyConnectOptions::from_str(text).map_err(|_| DatabaseUrlError::Form)?.database_url;
            if parsed.password().is_some() || parsed.query_pairs().any(|(name, _)| name == "password") {
                return Err(DatabaseUrlError::Password);
            }
        }
        Ok(url)
    }
}

impl From<PathBuf> for DatabaseUrl {
    fn from(path: PathBuf) -> Self {
        Self(Place::Sqlite(path))
    }
}

/// Whether the connection does not leave this machine: a socket of the file system, or loopback.
fn stays_here(options: &PgConnectOptions) -> bool {
    let host = options.get_host();
    let loopback = host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    options.get_socket().is_some() || host.starts_with('/') || host == "localhost" || loopback
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use sqlx::postgres::PgSslMode;

    use super::*;

    #[test]
    fn a_path_and_sqlite_are_the_same_and_odd_names_survive() {
        for text in ["a b/ü%41?.db", "sqlite:a b/ü%41?.db", "sqlite://a b/ü%41?.db"] {
            let url: DatabaseUrl = text.parse().unwrap();
            let url = url.under(Path::new("/base"));
            assert_eq!(url.sqlite(), Some(Path::new("/base/a b/ü%41?.db")));
            let options = SqliteConnectOptions::from_url(&url.options().unwrap().database_url).unwrap();
            assert_eq!(options.get_filename(), Path::new("/base/a b/ü%41?.db"));
        }
        for text in ["", "mysql://h/d", "postgres:///d?sslmode=perhaps"] {
            assert!(matches!(text.parse::<DatabaseUrl>(), Err(DatabaseUrlError::Form)), "{text}");
        }
    }

    #[test]
    fn no_password_in_arguments_and_none_printed() {
        for text in ["postgres://u:geheim@h/d", "postgres://h/d?user=u&password=geheim"] {
            let refused = text.parse::<DatabaseUrl>().unwrap_err();
            assert!(matches!(refused, DatabaseUrlError::Password) && !refused.to_string().contains("geheim"));
            let url = DatabaseUrl::secret(SecretString::from(text)).unwrap();
            assert!(!format!("{url:?}").contains("geheim"));
        }
        assert!("postgres://u@h/d".parse::<DatabaseUrl>().is_ok());
    }

    #[test]
    fn beyond_this_machine_only_over_tls() {
        let mode = |text: &str| {
            let url: DatabaseUrl = text.parse().unwrap();
            PgConnectOptions::from_url(&url.options().unwrap().database_url).unwrap().get_ssl_mode()
        };
        for far in
            ["postgres://u@db.example/d?sslmode=disable", "postgres://u@localhost/d?sslmode=disable&host=10.0.0.1"]
        {
            assert!(matches!(mode(far), PgSslMode::VerifyFull), "{far}");
        }
        for near in ["u@localhost/d", "u@127.0.0.1/d", "u@[::1]/d", "/d?host=/run/x", "u@%2Frun%2Fx/d"] {
            let near = format!("postgres://{near}{}sslmode=disable", if near.contains('?') { '&' } else { '?' });
            assert!(matches!(mode(&near), PgSslMode::Disable), "{near}");
        }
    }

    #[test]
    fn a_file_that_others_read_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("url");
        policies::durable::replace_private(&path, b"postgres://u:geheim@h/d\nrest").unwrap();
        assert!(
            matches!(DatabaseUrl::read(&path).unwrap().0, Place::Postgres(url) if url.expose_secret().ends_with("@h/d"))
        );
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(DatabaseUrl::read(&path), Err(DatabaseUrlError::File(PrivateFileError::Open { .. }))));
    }
}
