//! Where somebody asks: in a project, or on dummy data without one. And of which data.

use policies::ProjectId;

use crate::access::{Allowed, Query, ReadAccount};
use crate::accounts::User;
use crate::error::PortalError;
use crate::visit::Visit;

/// Proof that casbin let somebody ask there; only a page's `Allowed` makes one.
#[derive(Debug)]
pub(crate) enum Desk {
    /// No project: any signed-in person, dummy data alone.
    Dummy(Allowed<ReadAccount>),
    /// A project of one's own.
    Project(Allowed<Query>),
}

/// What is asked of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Data {
    /// Made-up releases.
    Dummy,
    /// People's records, under a permit.
    People,
}

impl Data {
    pub(crate) const ALL: [Self; 2] = [Self::Dummy, Self::People];

    /// The word in forms and in the database.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Dummy => "dummy",
            Self::People => "people",
        }
    }

    pub(crate) fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|data| data.as_str() == word)
    }
}

impl Desk {
    pub(crate) fn user(&self) -> &User {
        match self {
            Self::Dummy(allowed) => &allowed.user,
            Self::Project(allowed) => &allowed.user,
        }
    }

    pub(crate) fn visit(&self) -> &Visit {
        match self {
            Self::Dummy(allowed) => &allowed.visit,
            Self::Project(allowed) => &allowed.visit,
        }
    }

    /// The project that the path names.
    pub(crate) fn project(&self) -> Result<Option<&ProjectId>, PortalError> {
        match self {
            Self::Dummy(_) => Ok(None),
            Self::Project(allowed) => allowed.project.as_ref().map(Some).ok_or(PortalError::NotFound),
        }
    }

    /// As runs are kept: no project has an empty name.
    pub(crate) fn word(&self) -> Result<&str, PortalError> {
        Ok(self.project()?.map_or("", ProjectId::as_str))
    }

    /// Where its pages are.
    pub(crate) fn at(&self) -> Result<String, PortalError> {
        Ok(self.project()?.map_or_else(|| "/dummy".to_owned(), |project| format!("/projects/{project}")))
    }

    /// What a form asks of. Without a project there is dummy data alone; whoever says nothing in one means its records.
    pub(crate) fn data(&self, word: &str) -> Result<Data, PortalError> {
        match (self, word) {
            (Self::Dummy(_), _) => Ok(Data::Dummy),
            (Self::Project(_), "") => Ok(Data::People),
            (Self::Project(_), word) => Data::parse(word).ok_or(PortalError::BadForm),
        }
    }
}
