//! Receipts wait by institution until there are enough; then IR, RE …, GO are written at once.

use std::collections::BTreeMap;
use std::path::Path;

use crate::SyntheticError;
use crate::calendar::Month;
use crate::facilities::{Facilities, Facility, Kind};
use crate::population::Scheme;
use crate::records::Claim;
use crate::truth::Truth;
use crate::write::{Identity, Sink};

/// A receipt's text behind `RE,<number>`, and who it is of.
pub(super) struct Receipt {
    pub(super) text: String,
    pub(super) points: i32,
    pub(super) identity: Identity,
}

/// A file of IR … GO groups.
pub(super) struct BatchFile {
    sink: Sink,
    /// By payer organisation (1 支払基金, 2 国保連) and institution.
    waiting: BTreeMap<(u8, usize), Vec<Receipt>>,
    waiting_bytes: usize,
    /// 請求年月.
    month: Month,
    receipts: u64,
}

/// Text that may wait, a file: 24 months of four kinds make 48 MiB at most.
const WAITING_MAX: usize = 512 * 1024;

impl BatchFile {
    pub(super) fn create(path: &Path, month: Month) -> Result<Self, SyntheticError> {
        let sink = Sink::create(path)?;
        Ok(Self { sink, waiting: BTreeMap::new(), waiting_bytes: 0, month, receipts: 0 })
    }

    /// Adds a receipt.
    pub(super) fn add(
        &mut self,
        claim: &Claim,
        receipt: Receipt,
        facilities: &Facilities,
        truth: &mut Truth,
    ) -> Result<(), SyntheticError> {
        let payer = match claim.cover.scheme {
            Scheme::LateElderly | Scheme::National => 2,
            Scheme::Assistance | Scheme::Kyokai | Scheme::Mutual | Scheme::Union => 1,
        };
        self.waiting_bytes += receipt.text.len();
        self.waiting.entry((payer, claim.facility)).or_default().push(receipt);
        if self.waiting_bytes > WAITING_MAX { self.flush(facilities, truth) } else { Ok(()) }
    }

    fn flush(&mut self, facilities: &Facilities, truth: &mut Truth) -> Result<(), SyntheticError> {
        self.waiting_bytes = 0;
        let name = self.sink.name();
        for ((payer, place), receipts) in std::mem::take(&mut self.waiting) {
            let Some(facility) = facilities.at(place) else { continue };
            let mut text = self.opening(payer, facility);
            let mut points = 0i64;
            for (number, receipt) in receipts.iter().enumerate() {
                text.push_str("RE,");
                text.push_str(&(number + 1).to_string());
                text.push_str(&receipt.text);
                points += i64::from(receipt.points);
                self.receipts += 1;
                truth.identity(&name, self.receipts, &receipt.identity)?;
            }
            let closing = format!("GO,{},{points},99\r\n", receipts.len());
            text.push_str(&closing);
            self.sink.cp932(&text)?;
        }
        Ok(())
    }

    fn opening(&self, payer: u8, facility: &Facility) -> String {
        let month = self.month.text();
        let (place, code, name) = (facility.prefecture(), facility.short_code(), &facility.name);
        match facility.kind {
            Kind::Pharmacy => format!("YK,{payer},{place},4,{code},{name},{month},00,{}\r\n", facility.phone),
            // 届出 stands before the volume (formats.md, 3).
            Kind::Dental => format!("IR,{payer},{place},3,{code},,{name},{month},,00,{}\r\n", facility.phone),
            Kind::Clinic | Kind::Hospital | Kind::LongTerm => {
                format!("IR,{payer},{place},1,{code},,{name},{month},00,{}\r\n", facility.phone)
            }
        }
    }

    pub(super) fn finish(mut self, facilities: &Facilities, truth: &mut Truth) -> Result<u64, SyntheticError> {
        self.flush(facilities, truth)?;
        // One EOF byte after the last CRLF (formats.md, 0).
        self.sink.raw(&[0x1a])?;
        self.sink.close()
    }
}
