//! Claims: `RECEIPTC_YYYYMM.UKE` (medical), `RECEIPTD_…` (DPC), `RECEIPTS_…` (dental), `RECEIPTY_…` (pharmacy), one file a
//! service month (claimed in the next; what is sent again stands in a later month's file), IR … GO once for each batch of an institution.
//! Layouts: formats.md, 1 (記録条件仕様 2022-04), 2, 3 and 4.

mod batch;
mod dental;
mod dpc;
mod medical;
mod pharmacy;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::SyntheticError;
use crate::calendar::Month;
use crate::facilities::Facilities;
use crate::records::{Claim, Form};
use crate::truth::Truth;
use batch::{BatchFile, Receipt};

/// How a receipt is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sent {
    /// Months after the usual one.
    pub(crate) later: i32,
    /// The payer's side has put a 返戻 record behind it.
    pub(crate) returned: bool,
}

/// The receipt with a HR record: month of the return, reason, text (formats.md, 1: extra records of payer-side copies; its
/// positions are an assumption).
fn returned(receipt: Receipt, claim: &Claim, month: Month) -> Receipt {
    let line = format!("HR,{},01,{}様の資格内容を確認してください\r\n", month.text(), claim.stated.kanji);
    Receipt { text: receipt.text + line.as_str(), ..receipt }
}

/// The claim files of all months.
pub(crate) struct ClaimFiles {
    folder: PathBuf,
    /// By letter of the kind, then by month.
    files: BTreeMap<(char, Month), BatchFile>,
}

impl ClaimFiles {
    pub(crate) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), files: BTreeMap::new() }
    }

    /// Puts a claim to the file of the month in which it is sent.
    pub(crate) fn write(
        &mut self,
        claim: &Claim,
        sent: Sent,
        facilities: &Facilities,
        truth: &mut Truth,
    ) -> Result<(), SyntheticError> {
        let Some(facility) = facilities.at(claim.facility) else { return Ok(()) };
        let (letter, receipt) = match &claim.form {
            Form::Dental(mouth) => ('S', dental::receipt(claim, mouth, facility)),
            Form::Dpc(bundle) => ('D', dpc::receipt(claim, bundle, facility)),
            Form::Medical => ('C', medical::receipt(claim, facility)),
            Form::Pharmacy(one) => match facilities.at(one.prescriber) {
                Some(prescriber) => ('Y', pharmacy::receipt(claim, one, facility, prescriber)),
                None => return Ok(()),
            },
        };
        let month = claim.month.plus(sent.later);
        // Claimed in the month after.
        let claimed = month.plus(1);
        let receipt = if sent.returned { returned(receipt, claim, claimed) } else { receipt };
        let path = self.folder.join(format!("RECEIPT{letter}_{}.UKE", month.text()));
        let file = match self.files.entry((letter, month)) {
            std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::btree_map::Entry::Vacant(entry) => entry.insert(BatchFile::create(&path, claimed)?),
        };
        file.add(claim, receipt, facilities, truth)
    }

    /// Writes what waits and ends the files.
    pub(crate) fn finish(self, facilities: &Facilities, truth: &mut Truth) -> Result<(u64, u64), SyntheticError> {
        let mut done = (0, 0);
        for file in self.files.into_values() {
            done = (done.0 + 1, done.1 + file.finish(facilities, truth)?);
        }
        Ok(done)
    }
}
