#![doc = include_str!("../README.md")]

pub mod access;
pub mod application;
pub mod audit;
pub mod durable;
pub mod id;
pub mod jws;
pub mod keys;
pub mod linkage;
pub mod notices;
pub mod passkey;
pub mod permit;
pub mod profile;
pub mod review;
pub mod role;
pub mod session;
pub mod source;
pub mod status;
pub mod tls;
pub mod zone;

pub use id::{ApplicationId, InvalidId, PermitId, ProjectId, SessionId, UserId};
pub use linkage::{LinkagePolicy, LinkagePolicyError};
pub use notices::Notices;
pub use permit::{DatasetGrant, Grade, MemberTerms, Permit, RowFilter, Tier};
pub use profile::Profile;
pub use review::ReviewSummary;
pub use role::Role;
pub use session::{DummyToken, SessionToken};
pub use source::{HolderSay, PersonSay, SourceId, SourcePolicy};
pub use status::StatusDocument;
pub use zone::Zone;
