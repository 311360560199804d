//! The raw files, one writer a format.

mod case;
mod certification;
mod checkup;
mod fhir;
mod file;
mod guidance;
mod identity;
mod life;
mod long_term;
mod survey;
mod uke;

use std::path::Path;

use crate::SyntheticError;
use crate::facilities::Facilities;
use crate::records::{Claim, Record};
use crate::truth::Truth;

pub(crate) use fhir::disease_number;
pub(crate) use file::Sink;
pub(crate) use identity::Identity;
pub(crate) use uke::Sent;

/// All raw files in making.
pub(crate) struct Raw {
    cases: case::CaseFile,
    checkups: checkup::CheckupFiles,
    claims: uke::ClaimFiles,
    documents: fhir::DocumentFiles,
    stays: survey::SurveyFiles,
    guidance: guidance::GuidanceFiles,
    life: life::LifeFiles,
    long_term: long_term::LongTermFiles,
    certifications: certification::CertificationFile,
}

impl Raw {
    /// No file yet: each opens with its first record.
    pub(crate) fn new(out: &Path) -> Self {
        let raw = out.join("raw");
        Self {
            cases: case::CaseFile::new(&raw.join("registry")),
            checkups: checkup::CheckupFiles::new(&raw.join("ndb")),
            claims: uke::ClaimFiles::new(&raw.join("ndb")),
            documents: fhir::DocumentFiles::new(&raw.join("ehr")),
            stays: survey::SurveyFiles::new(&raw.join("dpc")),
            guidance: guidance::GuidanceFiles::new(&raw.join("ndb")),
            life: life::LifeFiles::new(&raw.join("ltc")),
            long_term: long_term::LongTermFiles::new(&raw.join("ltc")),
            certifications: certification::CertificationFile::new(&raw.join("ltc")),
        }
    }

    /// Writes a record (claims wait until enough of an institution have come).
    pub(crate) fn write(
        &mut self,
        record: &Record,
        facilities: &Facilities,
        truth: &mut Truth,
    ) -> Result<(), SyntheticError> {
        match record {
            Record::Case(one) => self.cases.write(one, facilities, truth),
            Record::Certification(one) => self.certifications.write(one, truth),
            Record::Checkup(one) => self.checkups.write(one, facilities, truth),
            Record::Claim(one) => self.claim(one, Sent::default(), facilities, truth),
            Record::Document(one) => self.documents.write(one, facilities, truth),
            Record::Guidance(one) => self.guidance.write(one, facilities, truth),
            Record::Life(one) => self.life.write(one, facilities, truth),
            Record::LongTerm(one) => self.long_term.write(one, facilities, truth),
            Record::Stay(one) => self.stays.write(one, facilities, truth),
        }
    }

    /// Writes a claim in the way in which it is sent.
    pub(crate) fn claim(
        &mut self,
        claim: &Claim,
        sent: Sent,
        facilities: &Facilities,
        truth: &mut Truth,
    ) -> Result<(), SyntheticError> {
        self.claims.write(claim, sent, facilities, truth)
    }

    /// Writes what waits and closes all files. Returns their number and size in bytes.
    pub(crate) fn finish(self, facilities: &Facilities, truth: &mut Truth) -> Result<(u64, u64), SyntheticError> {
        let parts = [
            self.cases.finish()?,
            self.checkups.finish()?,
            self.claims.finish(facilities, truth)?,
            self.guidance.finish()?,
            self.life.finish()?,
            self.long_term.finish()?,
            self.certifications.finish()?,
            self.stays.finish()?,
            self.documents.finish()?,
        ];
        Ok(parts.iter().fold((0, 0), |(files, bytes), part| (files + part.0, bytes + part.1)))
    }
}
