//! What goes into the files: one struct a record, from which both the raw text and the truth are made.

mod case;
mod checkup;
mod claim;
mod document;
mod life;
mod long_term;
mod stated;
mod stay;

pub(crate) use case::Case;
pub(crate) use checkup::{Checkup, Guidance, Measure};
pub(crate) use claim::{
    Bundle, Claim, Covered, Diagnosis, Dispensed, Draft, Drug, Form, Item, Material, Mouth, Prescription, Procedure,
    PublicExpense,
};
pub(crate) use document::{Allergy, Condition, Document, DocumentKind, Medication, Observation};
pub(crate) use life::{LifeForm, LifeReport, Said};
pub(crate) use long_term::{CareLevel, Certification, LongTermClaim, ServiceLine};
pub(crate) use stated::Stated;
pub(crate) use stay::{Bundled, NursingDay, Stay, StayItem};

/// A record of any kind.
pub(crate) enum Record {
    Case(Box<Case>),
    Certification(Box<Certification>),
    Checkup(Box<Checkup>),
    Claim(Box<Claim>),
    Document(Box<Document>),
    Guidance(Box<Guidance>),
    Life(Box<LifeReport>),
    LongTerm(Box<LongTermClaim>),
    Stay(Box<Stay>),
}
