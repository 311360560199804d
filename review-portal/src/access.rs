//! `Allowed<A>`: proof that casbin said yes to action `A`. Only the extractor here makes one.

use std::marker::PhantomData;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::Method;
use axum::http::request::Parts;
use jiff::civil::Date;
use policies::access::{Action, Relation};
use policies::application::{Application, Interest, Round, Rules, day_of};
use policies::{ApplicationId, ProjectId, Role};

use crate::accounts::User;
use crate::application::{Act, load};
use crate::error::PortalError;
use crate::factors::passkeys;
use crate::portal::Portal;
use crate::tokens;
use crate::visit::Visit;

/// An action as a type.
pub(crate) trait Acts: Send + Sync + 'static {
    /// Its word in the policy.
    const ACTION: Action;
}

macro_rules! acts {
    ($($name:ident = $action:ident,)*) => {
        $(
            #[derive(Debug)]
            pub(crate) enum $name {}
            impl Acts for $name {
                const ACTION: Action = Action::$action;
            }
        )*
    };
}

acts! {
    AuditReading = AuditRead,
    Create = ApplicationCreate,
    Edit = ApplicationEdit,
    Join = ApplicationJoin,
    JudgeInterest = ApplicationJudgeInterest,
    List = ApplicationList,
    Query = ProjectQuery,
    Read = ApplicationRead,
    ReadAccount = AccountRead,
    ReadBoard = BoardRead,
    ReadLinkage = LinkageRead,
}

/// Acts that count: each carries the person's passkey signature, so who has none is told before writing anything.
const SIGNED: [Action; 6] = [
    Action::ApplicationAccept,
    Action::ApplicationConfirmCondition,
    Action::ApplicationDecide,
    Action::ApplicationPledge,
    Action::ApplicationVote,
    Action::PermitResume,
];

/// Proof that casbin said yes to `A` for this person on the application or project that the path names.
#[derive(Debug)]
pub(crate) struct Allowed<A> {
    pub(crate) user: User,
    pub(crate) visit: Visit,
    /// The application that the path names, as it stood when casbin was asked.
    pub(crate) application: Option<Application>,
    /// The project that the path names.
    pub(crate) project: Option<ProjectId>,
    action: PhantomData<A>,
}

impl<A: Acts> FromRequestParts<Portal> for Allowed<A> {
    type Rejection = PortalError;

    async fn from_request_parts(parts: &mut Parts, portal: &Portal) -> Result<Self, PortalError> {
        let (visit, user, object) = asked(parts, portal, A::ACTION).await?;
        let (application, project) = match object {
            Object::Application(application) => (Some(*application), None),
            Object::Project(project) => (None, Some(project)),
            Object::None => (None, None),
        };
        Ok(Self { user, visit, application, project, action: PhantomData })
    }
}

/// Who asks for `what` on which object, if casbin says yes.
async fn asked(parts: &mut Parts, portal: &Portal, what: Action) -> Result<(Visit, User, Object), PortalError> {
    let visit = Visit::from_request_parts(parts, portal).await?;
    let Some(user) = visit.user().cloned() else {
        let next = (parts.method == Method::GET).then(|| parts.uri.path().to_owned());
        return Err(PortalError::NotSignedIn { next });
    };
    let object = Object::of(parts, portal).await?;
    let relation = object.relation(portal, &user).await?;
    let may = |what| portal.may(Some(&user.roles), relation, what);
    if may(what) {
        // Told before anything is written, not after.
        if SIGNED.contains(&what) && passkeys::of(&portal.db, &user.id).await?.is_empty() {
            return Err(PortalError::PasskeyNeeded);
        }
        return Ok((visit, user, object));
    }
    if let Object::Application(application) = &object
        && what == Action::ApplicationRead
        && may(Action::ApplicationJudgeInterest)
    {
        return Err(PortalError::InterestFirst { application: application.id.clone() });
    }
    // Whether an application exists is a secret to those who may not read it.
    let hidden = match &object {
        Object::Application(_) => !may(Action::ApplicationRead) && !may(Action::ApplicationJudgeInterest),
        Object::Project(_) => true,
        Object::None => false,
    };
    Err(if hidden { PortalError::NotFound } else { PortalError::Forbidden })
}

/// Proof that casbin said yes to the act that the path names, on the application that it names.
#[derive(Debug)]
pub(crate) struct AllowedAct {
    pub(crate) user: User,
    pub(crate) visit: Visit,
    pub(crate) application: Application,
    pub(crate) act: Act,
}

impl FromRequestParts<Portal> for AllowedAct {
    type Rejection = PortalError;

    async fn from_request_parts(parts: &mut Parts, portal: &Portal) -> Result<Self, PortalError> {
        let params = RawPathParams::from_request_parts(parts, portal).await.map_err(|_| PortalError::NotFound)?;
        let word = params.iter().find(|(name, _)| *name == "act").map(|(_, word)| word);
        let act = word.and_then(Act::parse).ok_or(PortalError::NotFound)?;
        let (visit, user, object) = asked(parts, portal, act.action()).await?;
        let Object::Application(application) = object else { return Err(PortalError::NotFound) };
        Ok(Self { user, visit, application: *application, act })
    }
}

/// Proof that casbin said yes to taking part, for who holds an invitation: its address names no application.
pub(crate) fn joining(
    portal: &Portal,
    allowed: Allowed<ReadAccount>,
    application: Application,
) -> Result<AllowedAct, PortalError> {
    let Allowed { user, visit, .. } = allowed;
    let relation = relation(&application, &user, day_of(portal.now()));
    let may = portal.may(Some(&user.roles), relation, Act::Join.action());
    if may { Ok(AllowedAct { user, visit, application, act: Act::Join }) } else { Err(PortalError::NotFound) }
}

/// Proof that casbin says yes to the permit that follows what this person ordered before.
#[derive(Debug)]
pub(crate) struct Ordered {
    pub(crate) user: User,
    pub(crate) application: Application,
}

/// Asks casbin for the permit of an application, for who ordered what it is to follow.
pub(crate) fn ordered(portal: &Portal, user: User, application: Application) -> Option<Ordered> {
    let relation = relation(&application, &user, day_of(portal.now()));
    let may = portal.may(Some(&user.roles), relation, Action::PermitIssue);
    may.then_some(Ordered { user, application })
}

/// Proof that casbin said yes to editing what the person has just begun.
pub(crate) fn begun(
    portal: &Portal,
    allowed: Allowed<Create>,
    application: Application,
) -> Result<Allowed<Edit>, PortalError> {
    let Allowed { user, visit, .. } = allowed;
    let relation = relation(&application, &user, day_of(portal.now()));
    if !portal.may(Some(&user.roles), relation, Edit::ACTION) {
        return Err(PortalError::NotFound);
    }
    Ok(Allowed { user, visit, application: Some(application), project: None, action: PhantomData })
}

impl<A: Acts> Allowed<A> {
    /// The application that was allowed; routes of applications always have one.
    pub(crate) fn application(&self) -> Result<&Application, PortalError> {
        self.application.as_ref().ok_or(PortalError::NotFound)
    }
}

enum Object {
    Application(Box<Application>),
    None,
    Project(ProjectId),
}

impl Object {
    async fn of(parts: &mut Parts, portal: &Portal) -> Result<Self, PortalError> {
        let params = RawPathParams::from_request_parts(parts, portal).await.map_err(|_| PortalError::NotFound)?;
        for (name, value) in &params {
            match name {
                "application" => {
                    let id: ApplicationId = value.parse().map_err(|_| PortalError::NotFound)?;
                    let state = load(portal.db.pool(), &id).await?.ok_or(PortalError::NotFound)?;
                    return Ok(Self::Application(Box::new(state)));
                }
                "project" => return Ok(Self::Project(value.parse().map_err(|_| PortalError::NotFound)?)),
                _ => {}
            }
        }
        Ok(Self::None)
    }

    async fn relation(&self, portal: &Portal, user: &User) -> Result<Relation, PortalError> {
        Ok(match self {
            Self::Application(application) => relation(application, user, day_of(portal.now())),
            Self::None => Relation::Other,
            Self::Project(project) => {
                let permits = tokens::permits_of(&portal.db, &user.id, portal.now()).await?;
                let member = permits.iter().any(|permit| permit.project == *project);
                if member { Relation::Member } else { Relation::Other }
            }
        })
    }
}

/// What a person is to an application on `today`.
pub(crate) fn relation(application: &Application, user: &User, today: Date) -> Relation {
    let rules = Rules::current();
    let judges = |round: &Round| user.roles.contains(&Role::Chair) || round.reviewers.contains_key(&user.id);
    let round = application.round.as_ref();
    if application.applicant.as_ref() == Some(&user.id) {
        return Relation::Applicant;
    }
    if application.is_party(&user.id) {
        return Relation::Member;
    }
    if application.is_private() {
        return Relation::Private;
    }
    if let Some(round) = round.filter(|round| judges(round)) {
        let near = application.is_near(&user.affiliation, rules);
        return if near || application.is_conflicted(rules, &user.id, today) {
            Relation::Conflicted
        } else if round.declared.get(&user.id) == Some(&Interest::None) {
            Relation::Cleared
        } else {
            Relation::Asked
        };
    }
    let asked = round.is_some_and(|round| {
        round.holders.values().any(|request| user.holds.iter().any(|source| source.as_str() == request.dataset))
    });
    if asked && user.roles.contains(&Role::Steward) { Relation::Holder } else { Relation::Other }
}
