//! How often somebody may guess: a name, an address, a second factor. Each further failure makes the wait longer.

use jiff::{SignedDuration, Timestamp};
use policies::UserId;
use sha2::{Digest, Sha256};

use crate::database::Database;
use crate::error::PortalError;

const WAIT_FIRST: SignedDuration = SignedDuration::from_secs(15); // doubles with each further failure
const WAIT_MAX: SignedDuration = SignedDuration::from_mins(15);
const FORGET_AFTER: SignedDuration = SignedDuration::from_hours(24);

/// What is guessed at, or from where.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Guess<'a> {
    /// Anything, from this address.
    Address(&'a str),
    /// The password of this name, which may be none.
    Password(&'a str),
    /// The second factor of this person: somebody has the password.
    SecondFactor(&'a UserId),
}

impl Guess<'_> {
    /// Failures before one waits. Many people can share an address.
    fn free(self) -> i64 {
        match self {
            Self::Address(_) => 40,
            Self::Password(_) | Self::SecondFactor(_) => 4,
        }
    }

    /// Its name in the database: what was typed may be a password in the wrong field.
    fn stored(self) -> String {
        let digest = match self {
            Self::Address(address) => Sha256::digest([b"address\0", address.as_bytes()].concat()),
            Self::Password(name) => Sha256::digest(name.as_bytes()),
            Self::SecondFactor(user) => Sha256::digest([b"second\0", user.as_str().as_bytes()].concat()),
        };
        hex::encode(digest)
    }
}

/// Whether a guess is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// It is. `last`: if it fails, the next one waits.
    Go { last: bool },
    /// Too early.
    Wait,
}

/// Counts a guess as failed until it has worked, so that guesses at the same moment count as well.
pub(crate) async fn count(db: &Database, guess: Guess<'_>, now: Timestamp) -> Result<Turn, PortalError> {
    let stored = guess.stored();
    let mut work = db.begin().await?;
    let forget = sqlx::query("delete from sign_in_failure where at < $1");
    forget.bind(now.as_second() - FORGET_AFTER.as_secs()).execute(&mut *work).await?;
    let known = sqlx::query_as::<_, (i64, Option<String>)>(
        "select failures, locked_until from sign_in_failure where name = $1",
    );
    let (failures, until) = known.bind(&stored).fetch_optional(&mut *work).await?.unwrap_or_default();
    if until.and_then(|until| until.parse::<Timestamp>().ok()).is_some_and(|until| now < until) {
        return Ok(Turn::Wait);
    }
    let wait = wait_after(failures + 1 - guess.free());
    let until = wait.and_then(|wait| now.checked_add(wait).ok()).map(|until| until.to_string());
    let count = sqlx::query(
        "insert into sign_in_failure (name, failures, locked_until, at) values ($1, 1, $2, $3)
         on conflict (name) do update set failures = sign_in_failure.failures + 1,
           locked_until = excluded.locked_until, at = excluded.at",
    );
    count.bind(stored).bind(until).bind(now.as_second()).execute(&mut *work).await?;
    work.commit().await?;
    Ok(Turn::Go { last: failures == guess.free() })
}

/// The guess was right. A name is forgiven all, an address this one: else an own account would clear the way to others'.
pub(crate) async fn forgive(db: &Database, guess: Guess<'_>) -> Result<(), PortalError> {
    let forgive = match guess {
        Guess::Address(_) => {
            sqlx::query("update sign_in_failure set failures = failures - 1, locked_until = null where name = $1")
        }
        Guess::Password(_) | Guess::SecondFactor(_) => sqlx::query("delete from sign_in_failure where name = $1"),
    };
    forgive.bind(guess.stored()).execute(db.pool()).await?;
    Ok(())
}

/// `over`: failures beyond the free ones.
fn wait_after(over: i64) -> Option<SignedDuration> {
    let further = u32::try_from(over - 1).ok()?;
    let factor = 2_i32.saturating_pow(further.min(10));
    Some(WAIT_FIRST.checked_mul(factor).unwrap_or(WAIT_MAX).min(WAIT_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_grows_and_ends_at_a_quarter_of_an_hour() {
        assert_eq!(wait_after(0), None);
        assert_eq!(wait_after(1), Some(WAIT_FIRST));
        assert_eq!(wait_after(2), Some(SignedDuration::from_secs(30)));
        assert_eq!(wait_after(500), Some(WAIT_MAX));
    }

    #[tokio::test]
    async fn an_address_waits_later_and_is_forgiven_one_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let db = Database::open(&crate::database::tests::fresh(dir.path()).await).await.unwrap();
        let now = Timestamp::now();
        let address = Guess::Address("192.0.2.1");
        for turn in 0..=40 {
            assert_eq!(count(&db, address, now).await.unwrap(), Turn::Go { last: turn == 40 }, "{turn}");
        }
        assert_eq!(count(&db, address, now).await.unwrap(), Turn::Wait);
        assert_eq!(count(&db, Guess::Address("192.0.2.2"), now).await.unwrap(), Turn::Go { last: false });
        forgive(&db, address).await.unwrap();
        assert_eq!(count(&db, address, now).await.unwrap(), Turn::Go { last: true });
        assert_eq!(count(&db, address, now).await.unwrap(), Turn::Wait);
        let later = now + SignedDuration::from_hours(25);
        assert_eq!(count(&db, address, later).await.unwrap(), Turn::Go { last: false });
        db.close().await;
    }
}
