//! A permit (承諾): what the committee granted, as one signed document. The engine believes it and asks nobody else.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::id::{ApplicationId, PermitId, ProjectId, UserId};

/// The claims of a permit's JWS (`typ` = [`crate::jws::PERMIT`]).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Permit {
    /// Number on the document.
    pub id: PermitId,
    /// The application it grants.
    pub application: ApplicationId,
    /// SHA-256 (hex) of the last event of the application that the signer replayed.
    pub application_head: String,
    /// The project that runs under it.
    pub project: ProjectId,
    /// Who may query.
    pub members: BTreeMap<UserId, MemberTerms>,
    /// What may be read, by dataset.
    pub datasets: BTreeMap<String, DatasetGrant>,
    /// Rows outside these are not seen; empty means all rows.
    #[serde(default)]
    pub row_filter: Vec<RowFilter>,
    /// Tier of the data.
    pub tier: Tier,
    /// Name of the disclosure profile, see [`crate::Profile`].
    pub profile: String,
    /// What the session shows.
    pub grade: Grade,
    /// Conditions of the grant and limits of restrictions, in words: shown beside every output.
    #[serde(default)]
    pub conditions: Vec<String>,
    /// From when it holds.
    pub issued_at: Timestamp,
    /// Until when it holds.
    pub expires_at: Timestamp,
}

/// Until when and from where a member may query.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemberTerms {
    /// Until when the member's training holds.
    pub until: Timestamp,
    /// Place of use in words.
    pub place: String,
    /// Networks of the place; none: from anywhere.
    #[serde(default)]
    pub networks: BTreeSet<ipnet::IpNet>,
}

impl MemberTerms {
    /// Whether a query may come from this address. One that is not known is outside every network.
    pub fn is_place(&self, address: Option<IpAddr>) -> bool {
        // A socket for both families shows an IPv4 address as a mapped one (RFC 4291, 2.5.5.2).
        let address = address.map(|address| address.to_canonical());
        let within = |address| self.networks.iter().any(|network| network.contains(&address));
        self.networks.is_empty() || address.is_some_and(within)
    }
}

/// One dataset in a permit: a pinned release and the columns that may be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatasetGrant {
    /// Version of the release, e.g. `2026.1`.
    pub release: String,
    /// Table (`ndb.claims`, `person`) → columns. `person_key` needs not be named: linking is what a permit is for.
    pub tables: BTreeMap<String, BTreeSet<String>>,
}

/// A condition on rows, applied below everything the researcher writes, on each granted table that has the column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowFilter {
    /// Column, e.g. `service_month` or `prefecture`.
    pub column: String,
    /// Only these values, if not empty (codes as text).
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub any_of: BTreeSet<String>,
    /// Not before this value (ISO date or code), inclusive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Not after this value, inclusive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

/// 仮名化／匿名化.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// Generalised too.
    Anonymized,
    /// Identifiers removed, clinical data as recorded.
    Pseudonymized,
}

/// 閲覧用値／確定集計値: what a session under this permit shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Grade {
    /// Exact cells in session.
    Exact,
    /// Perturbed cells, for looking, not for publication.
    Preview,
}

impl fmt::Display for Grade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Exact => "exact",
            Self::Preview => "preview",
        })
    }
}

impl Permit {
    /// Whether the permit holds at `now`.
    pub fn holds_at(&self, now: Timestamp) -> bool {
        self.issued_at <= now && now < self.expires_at
    }
}
