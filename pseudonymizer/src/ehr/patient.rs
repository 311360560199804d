//! Who a bundle belongs to, and which institution wrote it.

use serde_json::Value;

use super::json::{at, extension, list, text};
use crate::cell;
use crate::intake::Intake;
use crate::normalise::insurer::Insurer;
use crate::normalise::sex::Sex;
use crate::normalise::{branch, chart, date, kana, kanji, symbol};
use crate::report::Reason;
use crate::tokens::Identity;

/// `insurer8:symbol:number:branch`.
const MEMBER: &str = "/JP_Insurance_memberID";
/// The hospital's own patient number; its 10-digit code follows.
const LOCAL: &str = "urn:oid:1.2.392.100495.20.3.51.1";
/// An institution's 10-digit code.
const INSTITUTION: &str = "/insurance-medical-institution-no";
/// An insurer's number, on a Coverage or its payor.
const INSURER: &str = "urn:oid:1.2.392.100495.20.3.61";

/// The identifiers of a bundle's patient; `all` are the bundle's resources.
pub(super) fn identity(patient: &Value, all: &[&Value], intake: &mut Intake<'_>) -> Identity {
    let mut identity = Identity {
        birth: text(patient, "birthDate").and_then(birth),
        sex: text(patient, "gender").and_then(Sex::read),
        kana: name(patient, "SYL").and_then(|name| intake.written(&name, kana::name)),
        kanji: name(patient, "IDE").and_then(|name| kanji::name(&name)),
        ..Identity::default()
    };
    for identifier in list(patient, "identifier") {
        let (Some(system), Some(value)) = (text(identifier, "system"), text(identifier, "value")) else { continue };
        if system.ends_with(MEMBER) {
            member(value, &mut identity, intake);
        } else if let Some(facility) = system.strip_prefix(LOCAL) {
            identity.facility = institution_code(facility);
            identity.chart = intake.written(value, chart::read).filter(|_| identity.facility.is_some());
        }
    }
    if identity.insurer.is_none() {
        coverage(all, &mut identity, intake);
    }
    if identity.chart.is_none() {
        identity.facility = None;
    }
    identity
}

fn member(value: &str, identity: &mut Identity, intake: &mut Intake<'_>) {
    let parts: Vec<&str> = value.split(':').collect();
    let [insurer, card, number, own] = parts.as_slice() else {
        intake.note(Reason::IdentifierForm);
        return;
    };
    identity.insurer = intake.insurer(insurer.as_bytes());
    identity.symbol = symbol::symbol(card);
    identity.number = intake.written(number, symbol::number);
    identity.branch = intake.written(own, branch::read);
}

/// Documents carry the card in a Coverage.
fn coverage(all: &[&Value], identity: &mut Identity, intake: &mut Intake<'_>) {
    let of =
        |kind: &str| all.iter().copied().filter(move |one| text(one, "resourceType") == Some(kind)).collect::<Vec<_>>();
    let insurers: Vec<&str> = [of("Coverage"), of("Organization")]
        .concat()
        .into_iter()
        .flat_map(|one| list(one, "identifier"))
        .filter(|identifier| text(identifier, "system") == Some(INSURER))
        .filter_map(|identifier| text(identifier, "value"))
        .collect();
    let (Some(card), [insurer]) = (of("Coverage").first().copied(), insurers.as_slice()) else { return };
    let part = |end: &str| extension(card, end).and_then(|extension| text(extension, "valueString"));
    identity.insurer = intake.written(insurer, Insurer::read);
    identity.symbol = symbol::symbol(part("InsuredPersonSymbol").unwrap_or_default());
    identity.number = part("InsuredPersonNumber").and_then(symbol::number);
    identity.branch = part("InsuredPersonSubNumber").and_then(branch::read);
}

/// Kanji (`IDE`) or kana (`SYL`) of a name: the whole text, or family and given name.
fn name(patient: &Value, representation: &str) -> Option<String> {
    let written = list(patient, "name").find(|name| {
        extension(name, "iso21090-EN-representation").and_then(|kind| text(kind, "valueCode")) == Some(representation)
    })?;
    if let Some(whole) = text(written, "text") {
        return Some(whole.to_owned());
    }
    let given = list(written, "given").filter_map(Value::as_str).collect::<String>();
    Some(format!("{}{given}", text(written, "family").unwrap_or_default()))
}

fn birth(written: &str) -> Option<date::Birth> {
    let digits: String = written.chars().filter(char::is_ascii_digit).collect();
    match digits.len() {
        6 => date::birth(format!("{digits}00").as_bytes()),
        _ => date::birth(digits.as_bytes()),
    }
}

/// The institution of a resource: its own statement.
pub(super) fn institution(resource: &Value) -> Option<String> {
    institution_code(text(extension(resource, "JP_eCS_InstitutionNumber")?, "valueIdentifier.value")?)
}

/// The institution of a bundle: its number begins with it; else the author's, else the patient number's.
pub(super) fn institution_of(bundle: &Value, all: &[&Value], identity: &Identity) -> Option<String> {
    let numbered = text(bundle, "identifier.value")
        .and_then(|value| value.split_once('^'))
        .and_then(|(facility, _)| institution_code(facility));
    numbered.or_else(|| author(bundle, all)).or_else(|| identity.facility.clone())
}

/// The organization that the composition names as custodian or author.
fn author(bundle: &Value, all: &[&Value]) -> Option<String> {
    let composition = all.iter().find(|one| text(one, "resourceType") == Some("Composition"))?;
    let named: Vec<&str> = [at(composition, "custodian")]
        .into_iter()
        .flatten()
        .chain(list(composition, "author"))
        .filter_map(|one| text(one, "reference"))
        .collect();
    list(bundle, "entry")
        .filter(|entry| text(entry, "fullUrl").is_some_and(|url| named.contains(&url)))
        .filter_map(|entry| at(entry, "resource"))
        .flat_map(|organization| list(organization, "identifier"))
        .filter(|identifier| text(identifier, "system").is_some_and(|system| system.ends_with(INSTITUTION)))
        .find_map(|identifier| institution_code(text(identifier, "value")?))
}

/// 10 digits that begin with a prefecture.
fn institution_code(written: &str) -> Option<String> {
    let code = cell::digits(written.as_bytes(), 10)?;
    let known = code.get(..2)?.parse::<u8>().is_ok_and(|prefecture| (1..=47).contains(&prefecture));
    known.then(|| code.to_owned())
}
