//! The runtime on which plans are made and run, apart from the one that waits for the network.

use std::future::Future;
use std::io;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::JoinSet;

use crate::error::QueryError;

/// The runtime itself; shut down without waiting when dropped.
pub(crate) struct WorkerRuntime(Option<Runtime>);

impl WorkerRuntime {
    /// One thread a core.
    pub(crate) fn start() -> io::Result<Self> {
        Builder::new_multi_thread().thread_name("query").enable_time().build().map(|runtime| Self(Some(runtime)))
    }

    /// For sending work to it.
    pub(crate) fn workers(&self) -> Option<Workers> {
        self.0.as_ref().map(|runtime| Workers(runtime.handle().clone()))
    }
}

impl Drop for WorkerRuntime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// Sends work to the runtime.
#[derive(Clone)]
pub(crate) struct Workers(Handle);

impl Workers {
    /// Runs `work` there. Dropping the returned future ends it; an unwind becomes the one fixed failure.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, QueryError> {
        let mut tasks = JoinSet::new();
        tasks.spawn_on(work, &self.0);
        match tasks.join_next().await {
            Some(Ok(outcome)) => Ok(outcome),
            Some(Err(_)) | None => Err(QueryError::Failed),
        }
    }
}
