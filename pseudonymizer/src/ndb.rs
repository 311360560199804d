//! NDB: receipts (医科, DPC, 歯科, 調剤) and health checkups.

pub(crate) mod checkup;
mod guidance;
pub(crate) mod receipts;
