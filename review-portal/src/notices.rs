//! Who is told of an event, and in which words: from `policies::notices` to rows of the outbox, in the event's own transaction.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use jiff::Timestamp;
use policies::notices::Group;
use policies::{ApplicationId, Notices, Role, UserId};

use crate::database::Work;
use crate::error::PortalError;
use crate::language::Language;
use crate::outbox::{self, Kind, Post};

/// None only if the built-in list is broken, which its own test excludes.
static NOTICES: LazyLock<Option<Notices>> = LazyLock::new(|| Notices::shipped().ok());

/// What of an application a notice needs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct About<'a> {
    pub(crate) application: &'a ApplicationId,
    pub(crate) title: &'a str,
    pub(crate) applicant: &'a UserId,
    pub(crate) members: &'a BTreeSet<UserId>,
    /// Those assigned who have no conflict of interest: a title, too, is not for the others.
    pub(crate) reviewers: &'a BTreeSet<UserId>,
    /// Sources that are asked for, of whom stewards are told.
    pub(crate) sources: &'a BTreeSet<String>,
}

/// The event that is told of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Happened<'a> {
    pub(crate) kind: &'a str,
    /// Its number in the application's stream.
    pub(crate) version: u64,
    /// Who acted, and is not told of it; none for the system.
    pub(crate) by: Option<&'a UserId>,
    pub(crate) at: Timestamp,
}

/// What notices need to know of the portal.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reach<'a> {
    /// Where readers find it, empty for paths alone.
    pub(crate) portal: &'a str,
    /// Whether another system is told of every event.
    pub(crate) webhook: bool,
}

/// Writes what is to be sent about an event. Answers how many people are told. The same event again tells nobody twice.
pub(crate) async fn notify(
    work: &mut Work,
    reach: Reach<'_>,
    about: About<'_>,
    happened: Happened<'_>,
) -> Result<usize, PortalError> {
    let notices = NOTICES.as_ref().ok_or(PortalError::Stored)?;
    let people = people(work).await?;
    let mut told = BTreeSet::new();
    for notice in notices.of(happened.kind) {
        for group in &notice.to {
            for (account, person) in &people {
                let by = happened.by.is_some_and(|by| by.as_str() == account);
                if by || !is_in(*group, account, person, about) || !told.insert(account.clone()) {
                    continue;
                }
                let (subject, body) = words(person.language, &notice.text, reach.portal, about);
                let dedup = format!("{}/{}/{account}", about.application, happened.version);
                let language = person.language;
                let mail = Post { dedup, kind: Kind::Mail, recipient: account, language, subject, body };
                outbox::post(work, mail, happened.at).await?;
            }
        }
    }
    if reach.webhook {
        outbox::post(work, claims(about, happened), happened.at).await?;
    }
    Ok(told.len())
}

/// What another system is told: that something happened, not to whom.
fn claims(about: About<'_>, happened: Happened<'_>) -> Post<'static> {
    let Happened { kind, version, at, .. } = happened;
    let body = serde_json::json!({ "application": about.application, "event": kind, "version": version, "at": at });
    Post {
        dedup: format!("{}/{version}//webhook", about.application),
        kind: Kind::Webhook,
        recipient: "webhook",
        language: Language::En,
        subject: kind.to_owned(),
        body: body.to_string(),
    }
}

struct Person {
    roles: BTreeSet<Role>,
    holds: BTreeSet<String>,
    language: Language,
}

/// All accounts by name.
async fn people(work: &mut Work) -> Result<BTreeMap<String, Person>, PortalError> {
    let rows = sqlx::query_as::<_, (String, String, String, Option<String>)>(
        "select account.id, account.roles, account.holds, contact.language from account
         left join contact on contact.account = account.id order by account.id",
    );
    let read = |(id, roles, holds, language): (String, String, String, Option<String>)| {
        let roles =
            roles.split_whitespace().map(str::parse).collect::<Result<_, _>>().map_err(|_| PortalError::Stored)?;
        let language = language.and_then(|word| Language::parse(&word)).unwrap_or_default();
        let holds = holds.split_whitespace().map(str::to_owned).collect();
        Ok((id, Person { roles, holds, language }))
    };
    rows.fetch_all(&mut **work).await?.into_iter().map(read).collect()
}

fn is_in(group: Group, account: &str, person: &Person, about: About<'_>) -> bool {
    let named = |people: &BTreeSet<UserId>| people.iter().any(|user| user.as_str() == account);
    match group {
        Group::Applicant => about.applicant.as_str() == account,
        Group::Chair => person.roles.contains(&Role::Chair),
        Group::Members => named(about.members),
        Group::Reviewers => named(about.reviewers),
        Group::Secretariat => person.roles.contains(&Role::Secretariat),
        Group::Stewards => {
            person.roles.contains(&Role::Steward) && person.holds.iter().any(|source| about.sources.contains(source))
        }
    }
}

/// Subject and body: of the application they hold its title and number, and nothing else.
fn words(language: Language, text: &str, portal: &str, about: About<'_>) -> (String, String) {
    let link = format!("{}/applications/{}", portal.trim_end_matches('/'), about.application);
    let title: String = about.title.split_whitespace().collect::<Vec<_>>().join(" ");
    let places = [("title", title.as_str()), ("number", about.application.as_str()), ("link", link.as_str())];
    let part = |name: &str| fill(&language.say(&format!("notice.{text}.{name}")), &places);
    let body = format!("{}\n\n{link}\n\n{}", part("body"), language.say("notice.foot"));
    (part("subject"), body)
}

/// Fills `{places}` in one pass: a title that holds `{link}` stays a title.
pub(crate) fn fill(text: &str, places: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let known = after.split_once('}').and_then(|(name, left)| {
            let value = places.iter().find(|(place, _)| *place == name)?.1;
            Some((value, left))
        });
        if let Some((value, left)) = known {
            filled.push_str(value);
            rest = left;
        } else {
            filled.push('{');
            rest = after;
        }
    }
    filled + rest
}

#[cfg(test)]
mod tests;
