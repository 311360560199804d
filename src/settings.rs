//! What is read from the surroundings, once: language, log level, folder of added sources.

use std::path::PathBuf;

use tracing_subscriber::EnvFilter;

use crate::lang::Lang;

/// `ja` if the locale says Japanese, else `en`.
pub(crate) fn lang_of_environment() -> Lang {
    let value =
        ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().find_map(|name| variable(name).filter(|value| !value.is_empty()));
    if value.is_some_and(|value| value.starts_with("ja")) { Lang::Ja } else { Lang::En }
}

/// The folder that `SUDARE_SOURCES` names.
pub(crate) fn sources_of_environment() -> Option<PathBuf> {
    std::env::var_os("SUDARE_SOURCES").filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// Logs go to stderr. `SUDARE_LOG` chooses our own level; libraries that may quote data stay at warnings whatever it says.
pub(crate) fn init_logging() {
    let own = match variable("SUDARE_LOG").as_deref() {
        Some("debug") => "debug",
        Some("info") => "info",
        Some("error") => "error",
        _ => "warn",
    };
    let crates =
        ["sudare", "engine", "pseudonymizer", "review_portal", "permit_signer", "policies", "catalog", "synthetic"];
    let directives = crates.iter().fold("error".to_owned(), |text, name| format!("{text},{name}={own}"));
    let filter = EnvFilter::new(directives);
    // A second call (tests) is no error: the first subscriber stays.
    let _already_set = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).try_init();
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
