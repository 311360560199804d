//! What the binary carries for browsers: style, ornament, letters. Each address names its content, so it may be kept for a year.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::extract::{Path, Query};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use policies::passkey::BROWSER_SCRIPT;
use serde::Deserialize;
use sha2::{Digest, Sha256};

/// Digits of the content's SHA-256 in an address.
const DIGITS: usize = 16;

/// The stylesheet: the tokens that it stands on, the faces of the letters, then our own.
const STYLE: &str = concat!(
    include_str!("../static/vendor/design-tokens/tokens.css"),
    include_str!("../static/vendor/noto-sans-jp/faces.css"),
    include_str!("../static/portal.css")
);

macro_rules! letters {
    ($($slice:literal)*) => {
        &[$((
            concat!("vendor/noto-sans-jp/noto-sans-jp-", $slice, "-wght-normal.woff2"),
            include_bytes!(concat!("../static/vendor/noto-sans-jp/noto-sans-jp-", $slice, "-wght-normal.woff2")),
        ),)*]
    };
}

/// Slices of Noto Sans JP by the package's own names (static/VENDORED.md).
const LETTERS: &[(&str, &[u8])] = letters! {
    "5" "6" "7" "8" "9" "10" "11" "12" "13" "14" "15" "16" "17" "18" "19" "20" "21" "22" "23" "24" "25" "26" "27"
    "28" "29" "30" "31" "32" "33" "34" "35" "36" "37" "38" "39" "40" "41" "42" "43" "44" "45" "46" "47" "48" "49"
    "50" "57" "58" "59" "60" "61" "62" "63" "64" "65" "66" "67" "68" "69" "70" "71" "72" "73" "74" "75" "76" "77"
    "78" "79" "80" "81" "82" "83" "84" "85" "86" "87" "88" "89" "90" "91" "92" "93" "94" "95" "96" "97" "98" "99"
    "100" "101" "102" "103" "104" "105" "106" "107" "108" "109" "110" "111" "112" "113" "114" "115" "116" "117"
    "118" "119" "latin" "latin-ext"
};

const PICTURES: [(&str, &[u8]); 3] = [
    ("mark.svg", include_bytes!("../static/mark.svg")),
    ("reed-edge.svg", include_bytes!("../static/reed-edge.svg")),
    ("reed.svg", include_bytes!("../static/reed.svg")),
];

/// Scripts: of passkeys, of the SQL page, and what that stands on (static/VENDORED.md).
const SCRIPTS: [(&str, &[u8]); 5] = [
    ("passkey.js", BROWSER_SCRIPT.as_bytes()),
    ("workbench.js", include_bytes!("../static/workbench.js")),
    ("chart.js", include_bytes!("../static/chart.js")),
    ("vendor/codemirror.js", include_bytes!("../static/vendor/codemirror.js")),
    ("vendor/d3.js", include_bytes!("../static/vendor/d3.js")),
];

/// A file as it is served.
struct Asset {
    kind: &'static str,
    body: &'static [u8],
    digest: String,
}

static ASSETS: LazyLock<BTreeMap<&'static str, Asset>> = LazyLock::new(|| {
    let bench: &[u8] = include_bytes!("../static/workbench.css");
    let styles = [("portal.css", STYLE.as_bytes()), ("workbench.css", bench)];
    let styles = styles.map(|(path, body)| (path, "text/css; charset=utf-8", body));
    let scripts = SCRIPTS.map(|(path, body)| (path, "text/javascript; charset=utf-8", body));
    let letters = LETTERS.iter().map(|(path, body)| (*path, "font/woff2", *body));
    let pictures = PICTURES.into_iter().map(|(path, body)| (path, "image/svg+xml", body));
    let all = styles.into_iter().chain(scripts).chain(pictures).chain(letters);
    all.map(|(path, kind, body)| (path, Asset { kind, body, digest: digest(body) })).collect()
});

fn digest(body: &[u8]) -> String {
    hex::encode(Sha256::digest(body)).chars().take(DIGITS).collect()
}

/// Where a page finds a file: `/static/portal.css?v=…`.
pub(crate) fn address(path: &str) -> String {
    let digest = ASSETS.get(path).map(|asset| asset.digest.as_str()).unwrap_or_default();
    format!("/static/{path}?v={digest}")
}

/// Which content an address names.
#[derive(Deserialize)]
pub(crate) struct Version {
    #[serde(default)]
    v: String,
}

/// `GET /static/{*file}`: without a session, so that what is kept belongs to nobody.
pub(crate) async fn serve(Path(file): Path<String>, Query(version): Query<Version>) -> Response {
    let Some(asset) = ASSETS.get(file.as_str()) else { return StatusCode::NOT_FOUND.into_response() };
    let named = version.v == asset.digest;
    let keep = if named { "public, max-age=31536000, immutable" } else { "no-cache" };
    ([(header::CONTENT_TYPE, asset.kind), (header::CACHE_CONTROL, keep)], asset.body).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The stylesheet names every slice under its content, and nothing that is not carried.
    #[test]
    fn addresses_in_the_stylesheet_name_what_is_carried() {
        let mut named = 0;
        for address in STYLE.split("url(").skip(1).map(|rest| rest.split(')').next().unwrap()) {
            let (path, version) = address.split_once("?v=").unwrap_or((address, ""));
            let asset = ASSETS.get(path).unwrap_or_else(|| panic!("{path} is not carried"));
            let is_letters = asset.kind == "font/woff2";
            assert!(!is_letters || version == asset.digest, "{path}");
            named += usize::from(is_letters);
        }
        assert_eq!(named, LETTERS.len());
        assert!(!STYLE.contains("http:") && !STYLE.contains("https:") && !STYLE.contains("@import"));
    }

    #[test]
    fn letters_are_letters_and_not_too_many() {
        assert!(LETTERS.iter().all(|(_, body)| body.starts_with(b"wOF2")));
        assert!(LETTERS.iter().map(|(_, body)| body.len()).sum::<usize>() < 6_000_000);
    }

    /// The note beside the files names each package with its version and licence, and the licences are there.
    #[test]
    fn what_is_carried_says_where_it_is_from() {
        let note = include_str!("../static/VENDORED.md");
        for package in ["@digital-go-jp/design-tokens", "@fontsource-variable/noto-sans-jp"] {
            assert!(note.contains(package));
        }
        assert!(include_str!("../static/vendor/design-tokens/LICENSE").contains("MIT License"));
        assert!(include_str!("../static/vendor/noto-sans-jp/LICENSE").contains("SIL OPEN FONT LICENSE Version 1.1"));
    }
}
