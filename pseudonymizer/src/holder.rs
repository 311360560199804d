//! What a holder makes again from the identities that it retains: tokens under the next epoch, a bridge between two epochs, and the
//! composites of one linkage run. Identities are opened here, in the holder zone, and leave it as keyed hashes alone.

mod answer;
mod asked;
mod batch;
mod bridge;
mod bridges;
mod error;
mod renew;
mod run_tokens;
mod table;

pub use answer::{AnswerJob, Answering, AnswersMade, SideBySide, SideRow};
pub use asked::OnlyAsked;
pub(crate) use bridge::{BRIDGE, NEXT};
pub use bridge::{Bridge, BridgeJob, bridge};
pub use bridges::{RemovedBridges, remove as remove_bridges};
pub use error::HolderError;
pub use renew::{RenewJob, Renewed, renew};
pub(crate) use run_tokens::ASKED;
#[cfg(test)]
pub(crate) use run_tokens::rows_of;
pub use run_tokens::{RunTokens, RunTokensJob, run_tokens};

#[cfg(test)]
mod tests;
