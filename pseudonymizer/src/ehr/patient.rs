//! Who a bundle belongs to, and which institution wrote it.

use super::rebuild::Resource;
use super::view::View;
use crate::intake::Intake;
use crate::layout::institution;
use crate::normalise::insurer::Insurer;
use crate::normalise::sex::Sex;
use crate::normalise::{branch, chart, date, kana, kanji, symbol};
use crate::report::Reason;
use crate::tokens::Identity;

/// The identifiers of a bundle's patient; `all` are the bundle's resources.
pub(super) fn identity(patient: &View<'_>, all: &[Resource<'_>], intake: &mut Intake<'_>) -> Identity {
    let mut identity = Identity {
        birth: patient.text("birthDate").and_then(birth),
        sex: patient.text("gender").and_then(Sex::read),
        kana: name(patient, "SYL").and_then(|name| intake.written(&name, kana::name)),
        kanji: name(patient, "IDE").and_then(|name| kanji::name(&name)),
        ..Identity::default()
    };
    for identifier in patient.list("identifier") {
        let (Some(system), Some(value)) = (identifier.text("system"), identifier.text("value")) else { continue };
        if system == "member" {
            member(value, &mut identity, intake);
        } else if let Some(facility) = system.strip_prefix("chart") {
            identity.facility = institution(facility);
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

/// `insurer8:symbol:number:branch`.
fn member(value: &str, identity: &mut Identity, intake: &mut Intake<'_>) {
    let mut parts = value.split(':');
    let (Some(insurer), Some(card), Some(number), Some(own), None) =
        (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
    else {
        intake.note(Reason::IdentifierForm);
        return;
    };
    identity.insurer = intake.insurer(insurer.as_bytes());
    identity.symbol = symbol::symbol(card);
    identity.number = intake.written(number, symbol::number);
    identity.branch = intake.written(own, branch::read);
}

/// Documents carry the card in a Coverage.
fn coverage(all: &[Resource<'_>], identity: &mut Identity, intake: &mut Intake<'_>) {
    let of = |kind: &'static str| all.iter().filter(move |one| one.kind == kind).map(|one| &one.views.identity);
    let insurers: Vec<&str> = of("Coverage")
        .chain(of("Organization"))
        .flat_map(|one| one.list("identifier"))
        .filter(|identifier| identifier.text("system") == Some("insurer"))
        .filter_map(|identifier| identifier.text("value"))
        .collect();
    let (Some(card), [insurer]) = (of("Coverage").next(), insurers.as_slice()) else { return };
    let part = |name: &str| card.extension(name).and_then(|extension| extension.text("valueString"));
    identity.insurer = intake.written(insurer, Insurer::read);
    identity.symbol = symbol::symbol(part("symbol").unwrap_or_default());
    identity.number = part("number").and_then(symbol::number);
    identity.branch = part("branch").and_then(branch::read);
}

/// Kanji (`IDE`) or kana (`SYL`) of a name: the whole text, or family and given name.
fn name(patient: &View<'_>, form: &str) -> Option<String> {
    let written = patient.list("name").find(|name| {
        name.extension("representation").and_then(|extension| extension.text("valueCode")) == Some(form)
    })?;
    if let Some(whole) = written.text("text") {
        return Some(whole.to_owned());
    }
    let given = written.list("given").filter_map(View::word).collect::<String>();
    Some(format!("{}{given}", written.text("family").unwrap_or_default()))
}

fn birth(written: &str) -> Option<date::Birth> {
    let digits: String = written.chars().filter(char::is_ascii_digit).collect();
    match digits.len() {
        6 => date::birth(format!("{digits}00").as_bytes()),
        _ => date::birth(digits.as_bytes()),
    }
}

/// The institution of a resource: its own statement.
pub(super) fn institution_stated<'r>(content: &'r View<'_>) -> Option<&'r str> {
    content.extension("institution")?.text("valueIdentifier.value")
}

/// The institution of a bundle: its number begins with it; else the author's.
pub(super) fn institution_of(
    bundle: &View<'_>,
    composition: Option<&View<'_>>,
    all: &[Resource<'_>],
) -> Option<String> {
    let numbered = bundle.text("identifier.value").map(str::to_owned);
    numbered.or_else(|| author(composition?, all))
}

/// The organization that the composition names as custodian or author.
fn author(composition: &View<'_>, all: &[Resource<'_>]) -> Option<String> {
    let named: Vec<u64> = composition
        .list("custodian")
        .chain(composition.list("author"))
        .filter_map(|one| one.link("reference"))
        .collect();
    all.iter()
        .filter(|one| one.kind == "Organization" && one.link.is_some_and(|link| named.contains(&link)))
        .flat_map(|organization| organization.views.content.list("identifier"))
        .filter(|identifier| identifier.text("system") == Some("institution"))
        .find_map(|identifier| identifier.text("value"))
        .map(str::to_owned)
}
