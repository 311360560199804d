//! Services as tasks of this process: started one after the other, stopped together.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;

use anyhow::{Result, anyhow};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;

/// How long services may take to end what they are doing.
const END_WITHIN: Duration = Duration::from_secs(5);

/// What a service calls once it accepts connections.
pub(crate) type Ready = Box<dyn FnOnce(SocketAddr) + Send>;

/// What a service waits on to end.
pub(crate) type Shutdown = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Running services. Dropping this stops them at once.
pub(crate) struct Services {
    tasks: JoinSet<Result<()>>,
    stop: watch::Sender<bool>,
}

impl Services {
    /// None yet.
    pub(crate) fn new() -> Self {
        Self { tasks: JoinSet::new(), stop: watch::channel(false).0 }
    }

    /// Starts a service and waits until it accepts connections, or fails to.
    pub(crate) async fn start<S>(&mut self, service: impl FnOnce(Ready, Shutdown) -> S) -> Result<SocketAddr>
    where
        S: Future<Output = Result<()>> + Send + 'static,
    {
        let (tell, told) = oneshot::channel();
        let mut stop = self.stop.subscribe();
        let shutdown = Box::pin(async move {
            // A closed channel means the same: end.
            let _ended = stop.wait_for(|stop| *stop).await;
        });
        let ready: Ready = Box::new(move |address| {
            // Nobody waits any more if the start was given up.
            let _given_up = tell.send(address);
        });
        self.tasks.spawn(service(ready, shutdown));
        if let Ok(address) = told.await {
            return Ok(address);
        }
        match self.first_ended().await {
            Err(error) => Err(error),
            Ok(()) => Err(anyhow!("a service ended before it was ready")),
        }
    }

    /// Waits for a service to end by itself; that is an error of it.
    pub(crate) async fn first_ended(&mut self) -> Result<()> {
        match self.tasks.join_next().await {
            Some(Ok(result)) => result,
            Some(Err(_panicked)) => Err(anyhow!("a service ended with an internal error")),
            None => Ok(()),
        }
    }

    /// Ends all of them cleanly.
    pub(crate) async fn end(mut self) -> Result<()> {
        // No receiver left means that all have ended.
        let _ended = self.stop.send(true);
        let all = async {
            while !self.tasks.is_empty() {
                self.first_ended().await?;
            }
            Ok(())
        };
        tokio::time::timeout(END_WITHIN, all).await.unwrap_or(Ok(()))
    }
}

/// Ctrl-C (SIGINT) and the system's wish (SIGTERM), heard from the moment this is made.
pub(crate) struct Interrupts {
    interrupt: Signal,
    terminate: Signal,
}

impl Interrupts {
    /// Listens from now on; until then the system's own way (ending at once) holds.
    pub(crate) fn listen() -> Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Waits for one of them.
    pub(crate) async fn wait(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
