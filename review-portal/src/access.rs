//! `Allowed<A>`: proof that casbin said yes to action `A`. Only the extractor here makes one.

use std::marker::PhantomData;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::Method;
use axum::http::request::Parts;
use policies::access::{Action, Relation};
use policies::application::Application;
use policies::{ApplicationId, ProjectId, Role};

use crate::accounts::User;
use crate::application::load;
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
    Accept = ApplicationAccept,
    Assign = ApplicationAssign,
    AuditReading = AuditRead,
    Close = ApplicationClose,
    Create = ApplicationCreate,
    Decide = ApplicationDecide,
    DeclareConflict = ApplicationDeclareConflict,
    Edit = ApplicationEdit,
    IssuePermit = PermitIssue,
    List = ApplicationList,
    OpenVoting = ApplicationOpenVoting,
    Pledge = ApplicationPledge,
    Query = ProjectQuery,
    Read = ApplicationRead,
    ReadAccount = AccountRead,
    ReadLinkage = LinkageRead,
    Return = ApplicationReturn,
    RevokePermit = PermitRevoke,
    Submit = ApplicationSubmit,
    Vote = ApplicationVote,
    Withdraw = ApplicationWithdraw,
}

/// Acts that count: each carries the person's passkey signature, so who has none is told before writing anything.
const SIGNED: [Action; 3] = [Action::ApplicationDecide, Action::ApplicationPledge, Action::ApplicationVote];

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
        let visit = Visit::from_request_parts(parts, portal).await?;
        let Some(user) = visit.user().cloned() else {
            let next = (parts.method == Method::GET).then(|| parts.uri.path().to_owned());
            return Err(PortalError::NotSignedIn { next });
        };
        let object = Object::of(parts, portal).await?;
        let relation = object.relation(portal, &user).await?;
        let may = |what| portal.may(Some(&user.roles), relation, what);
        if !may(A::ACTION) {
            // Whether an application exists is a secret to those who may not read it.
            let hidden = match &object {
                Object::Application(_) => !may(Action::ApplicationRead),
                Object::Project(_) => true,
                Object::None => false,
            };
            return Err(if hidden { PortalError::NotFound } else { PortalError::Forbidden });
        }
        if SIGNED.contains(&A::ACTION) && passkeys::of(&portal.db, &user.id).await?.is_empty() {
            return Err(PortalError::PasskeyNeeded);
        }
        let (application, project) = match object {
            Object::Application(application) => (Some(*application), None),
            Object::Project(project) => (None, Some(project)),
            Object::None => (None, None),
        };
        Ok(Self { user, visit, application, project, action: PhantomData })
    }
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
            Self::Application(application) => relation(application, user),
            Self::None => Relation::Other,
            Self::Project(project) => {
                let permits = tokens::permits_of(&portal.db, &user.id, portal.now()).await?;
                let member = permits.iter().any(|permit| permit.project == *project);
                if member { Relation::Member } else { Relation::Other }
            }
        })
    }
}

/// What a person is to an application.
pub(crate) fn relation(application: &Application, user: &User) -> Relation {
    let judges = user.roles.contains(&Role::Chair) || application.reviewers.contains_key(&user.id);
    let conflicted = application.is_conflicted(&user.id) || application.is_members_organisation(&user.organisation);
    if application.applicant.as_ref() == Some(&user.id) {
        Relation::Applicant
    } else if application.content.members.contains_key(&user.id) {
        Relation::Member
    } else if judges && conflicted {
        Relation::Conflicted
    } else if application.reviewers.contains_key(&user.id) {
        Relation::Assigned
    } else {
        Relation::Other
    }
}
