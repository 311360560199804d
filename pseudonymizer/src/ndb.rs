//! NDB: receipts (医科, DPC, 調剤) and health checkups.

pub(crate) mod checkup;
mod details;
mod guidance;
mod header;
pub(crate) mod receipts;
