//! From a granted application to its permit: what the signer signs.

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};

use super::decide::may_be_permitted;
use super::refusal::{Field, Refusal};
use super::{Application, Stage};
use crate::id::PermitId;
use crate::permit::Permit;

const JAPAN: Offset = Offset::constant(9);

impl Application {
    /// The permit that this application leads to: only from a grant with all pledges. It begins with the later of `now` and the
    /// first day of the period and ends with its last day (Japan's time), or with `until` if that is earlier.
    ///
    /// `head`: hash of the last event replayed.
    pub fn permit(
        &self,
        id: PermitId,
        head: &str,
        now: Timestamp,
        until: Option<Timestamp>,
    ) -> Result<Permit, Refusal> {
        may_be_permitted(self)?;
        let missing = |field| move || Refusal::Incomplete(field);
        let project = self.content.project.clone().ok_or_else(missing(Field::Project))?;
        let period = self.content.period.as_ref().ok_or_else(missing(Field::Period))?;
        let start_of = |date: jiff::civil::Date| date.to_zoned(TimeZone::fixed(JAPAN)).map(|day| day.timestamp()).ok();
        let from = start_of(period.from).ok_or_else(missing(Field::Period))?;
        let end = period.until.tomorrow().ok().and_then(start_of).ok_or_else(missing(Field::Period))?;
        let issued_at = now.max(from);
        let expires_at = until.map_or(end, |until| until.min(end));
        if expires_at <= issued_at {
            return Err(Refusal::Incomplete(Field::Period));
        }
        Ok(Permit {
            id,
            application: self.id.clone(),
            application_head: head.to_owned(),
            project,
            members: self.content.members.keys().cloned().collect(),
            datasets: self.content.datasets.clone(),
            row_filter: Vec::new(),
            tier: self.content.tier,
            profile: self.content.profile.clone(),
            grade: self.content.grade,
            issued_at,
            expires_at,
        })
    }

    /// Whether this application leads to a permit now: granted, and every member has pledged.
    pub fn check_permittable(&self) -> Result<(), Refusal> {
        may_be_permitted(self)
    }

    /// Whether a permit stands: issued and neither revoked nor closed.
    pub fn is_permitted(&self) -> bool {
        self.stage == Stage::Permitted && self.permit.is_some()
    }
}
