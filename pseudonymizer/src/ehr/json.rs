//! Looking into FHIR's JSON: paths, codings, identifiers. What is not asked for is never touched.

use jiff::civil::Date;
use serde_json::Value;

use crate::normalise::date;

/// The value behind a path of names and numbers of places, `a.0.b`.
pub(super) fn at<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    path.split('.').try_fold(value, |value, step| match step.parse::<usize>() {
        Ok(place) => value.get(place),
        Err(_) => value.get(step),
    })
}

/// The text behind a path.
pub(super) fn text<'v>(value: &'v Value, path: &str) -> Option<&'v str> {
    at(value, path)?.as_str()
}

/// The number behind a path.
pub(super) fn number(value: &Value, path: &str) -> Option<f64> {
    at(value, path)?.as_f64()
}

/// The day behind a path; a year or a month alone is none.
pub(super) fn day(value: &Value, path: &str) -> Option<Date> {
    date::iso(text(value, path)?)
}

/// The elements of a list behind a path.
pub(super) fn list<'v>(value: &'v Value, path: &str) -> impl Iterator<Item = &'v Value> + use<'v> {
    at(value, path).and_then(Value::as_array).into_iter().flatten()
}

/// System and code of each coding of a concept.
pub(super) fn codings<'v>(value: &'v Value, path: &str) -> impl Iterator<Item = (&'v str, &'v str)> + use<'v> {
    at(value, path)
        .map(|concept| list(concept, "coding"))
        .into_iter()
        .flatten()
        .filter_map(|coding| Some((text(coding, "system")?, text(coding, "code")?)))
}

/// The extension whose address ends so.
pub(super) fn extension<'v>(value: &'v Value, end: &str) -> Option<&'v Value> {
    list(value, "extension").find(|extension| text(extension, "url").is_some_and(|url| url.ends_with(end)))
}

/// The one of the allowed words that stands there.
pub(super) fn word(found: Option<&str>, allowed: &[&'static str]) -> Option<&'static str> {
    let found = found?;
    allowed.iter().find(|word| **word == found).copied()
}
