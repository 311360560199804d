//! Queries that run now. Each goes on in a task of its own, so that its end is recorded even if the browser leaves; its author can
//! stop it from any page.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

use policies::{SessionId, UserId};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::query::QueryProgress;

/// A run or saved query by its number: 32 hexadecimal digits. A page draws it before it sends it, so that one click is one thing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Number(String);

/// Not 32 hexadecimal digits.
#[derive(Debug, thiserror::Error)]
#[error("not a number of 32 hexadecimal digits")]
pub(crate) struct InvalidNumber;

impl FromStr for Number {
    type Err = InvalidNumber;

    fn from_str(text: &str) -> Result<Self, InvalidNumber> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f');
        if text.len() == 32 && text.bytes().all(is_digit) { Ok(Self(text.to_owned())) } else { Err(InvalidNumber) }
    }
}

impl Number {
    /// 128 bits from the operating system.
    pub(crate) fn random() -> Self {
        Self(String::from(SessionId::random()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

type Entries = Arc<Mutex<HashMap<Number, Entry>>>;

/// All queries under way in this process.
#[derive(Default)]
pub(crate) struct Running {
    entries: Entries,
    tasks: Mutex<JoinSet<()>>,
}

struct Entry {
    author: UserId,
    stop: Arc<Notify>,
    /// How far it is, as the engine said last.
    progress: Option<QueryProgress>,
}

impl Running {
    /// Lists a query until the place is dropped.
    pub(crate) fn enter(&self, id: &Number, author: &UserId) -> Place {
        let stop = Arc::new(Notify::new());
        let entry = Entry { author: author.clone(), stop: Arc::clone(&stop), progress: None };
        lock(&self.entries).insert(id.clone(), entry);
        Place { entries: Arc::clone(&self.entries), id: id.clone(), stop }
    }

    /// Tells a query to stop; only its author can.
    pub(crate) fn stop(&self, id: &Number, author: &UserId) -> bool {
        let entries = lock(&self.entries);
        let entry = entries.get(id).filter(|entry| entry.author == *author);
        entry.map(|entry| entry.stop.notify_one()).is_some()
    }

    /// How far a query is; none if it does not run, or nothing was said yet.
    pub(crate) fn progress(&self, id: &Number) -> Option<QueryProgress> {
        lock(&self.entries).get(id)?.progress
    }

    /// Lets `work` go on whether or not anybody waits for it; it ends with the process.
    pub(crate) fn start(&self, work: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = lock(&self.tasks);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(work);
    }
}

/// One query's place in the list.
pub(crate) struct Place {
    entries: Entries,
    id: Number,
    stop: Arc<Notify>,
}

impl Place {
    pub(crate) fn id(&self) -> &Number {
        &self.id
    }

    /// Keeps how far the query is.
    pub(crate) fn tell(&self, progress: QueryProgress) {
        if let Some(entry) = lock(&self.entries).get_mut(&self.id) {
            entry.progress = Some(progress);
        }
    }

    /// Ends when the author has told it to stop, also if that was before.
    pub(crate) async fn stopped(&self) {
        self.stop.notified().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        lock(&self.entries).remove(&self.id);
    }
}

fn lock<T>(of: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_author_stops_a_query_and_only_while_it_runs() {
        let running = Running::default();
        let (author, other): (UserId, UserId) = ("pi".parse().unwrap(), "co".parse().unwrap());
        let id = Number::random();
        let place = running.enter(&id, &author);
        assert!(!running.stop(&id, &other));
        assert!(!running.stop(&Number::random(), &author));
        assert_eq!(running.progress(&id), None);
        place.tell(QueryProgress::Waits);
        assert_eq!(running.progress(&id), Some(QueryProgress::Waits));
        assert!(running.stop(&id, &author));
        place.stopped().await;
        drop(place);
        assert!(!running.stop(&id, &author));
    }

    #[test]
    fn a_number_is_32_small_hexadecimal_digits() {
        assert!(Number::random().as_str().parse::<Number>().is_ok());
        for wrong in [
            "",
            "x",
            "0123456789abcdef0123456789abcde",
            "0123456789ABCDEF0123456789abcdef",
            "../../../../etc/passwd-0123456789",
        ] {
            assert!(wrong.parse::<Number>().is_err(), "{wrong}");
        }
    }
}
