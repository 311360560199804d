//! The same work on many things, by as many threads as there are cores.

use std::num::NonZero;
use std::panic;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Most threads of one run of link: each holds a batch of rows of its own.
const THREADS_MAX: usize = 8;

/// How many threads to use.
pub(crate) fn threads() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get).min(THREADS_MAX)
}

/// Does `work` on each of `jobs`, in their order as far as there are threads; of several faults one that came first is returned, and
/// nothing is begun after it.
pub(crate) fn each<T: Send, E: Send>(
    threads: usize,
    jobs: impl Iterator<Item = T> + Send,
    work: impl Fn(T) -> Result<(), E> + Sync,
) -> Result<(), E> {
    let jobs = Mutex::new(jobs);
    let fault = Mutex::new(None);
    let stopped = AtomicBool::new(false);
    let run = || {
        while !stopped.load(Ordering::Relaxed) {
            let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some(job) = next else { break };
            if let Err(cause) = work(job) {
                stopped.store(true, Ordering::Relaxed);
                fault.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(cause);
            }
        }
    };
    thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(run)).collect();
        run();
        for other in others {
            other.join().unwrap_or_else(|cause| panic::resume_unwind(cause));
        }
    });
    fault.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), Err)
}

/// Does the same work on so many threads at once; the results in the order of the threads. Of several faults the first thread's is
/// returned.
pub(crate) fn on_each<T: Send, E: Send>(
    threads: usize,
    work: &(impl Fn() -> Result<T, E> + Sync),
) -> Result<Vec<T>, E> {
    thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let ended = running.into_iter().map(|thread| thread.join().unwrap_or_else(|cause| panic::resume_unwind(cause)));
        ended.collect()
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;

    use super::*;

    #[test]
    fn every_job_is_done_once_and_a_fault_is_returned() {
        for threads in [1, 2, 5] {
            let sum = AtomicU32::new(0);
            let add = |job: u32| {
                sum.fetch_add(job, Ordering::Relaxed);
                if job == 1000 { Err("thousand") } else { Ok(()) }
            };
            assert_eq!(each(threads, 0..100, add), Ok(()));
            assert_eq!(sum.load(Ordering::Relaxed), 4950);
            assert_eq!(each(threads, 1000..2000, add), Err("thousand"));
            assert!(sum.load(Ordering::Relaxed) < 4950 + 1000 + 2000 * u32::try_from(threads).unwrap());
        }
    }
}
