//! Codes by time (RFC 6238): six digits, 30 seconds, one step of tolerance, each step accepted once.

use jiff::Timestamp;
use policies::UserId;
use qrcode::QrCode;
use qrcode::render::svg;
use totp_rs::{Builder, Secret, Totp};
use zeroize::Zeroizing;

use crate::database::{Database, Work};
use crate::error::PortalError;
use crate::factors::FactorKey;

/// RFC 4226, section 4: 160 bits.
const SECRET: usize = 20; // bytes
/// Side of the square that a telephone reads, in pixels.
const QR_SIDE: u32 = 240;

/// A secret on its way into a telephone.
pub(crate) struct SetUp {
    /// For typing.
    pub(crate) text: String,
    /// For reading by camera.
    pub(crate) svg: String,
}

/// Whether the person has one.
pub(crate) async fn is_set_up(db: &Database, user: &UserId) -> Result<bool, PortalError> {
    let find = sqlx::query_scalar::<_, i64>("select count(*) from totp where account = $1 and sealed is not null");
    Ok(find.bind(user.as_str()).fetch_one(db.pool()).await? > 0)
}

/// The secret that waits for its first code; made if there is none. An older one goes on working until then.
pub(crate) async fn begin(db: &Database, key: &FactorKey, user: &UserId) -> Result<SetUp, PortalError> {
    let mut work = db.begin().await?;
    let waiting = sqlx::query_scalar::<_, Option<String>>("select pending from totp where account = $1");
    let waiting = waiting.bind(user.as_str()).fetch_optional(&mut *work).await?.flatten();
    let secret = if let Some(secret) = waiting.and_then(|sealed| key.open(user, &sealed)) {
        secret
    } else {
        let mut secret = Zeroizing::new(vec![0; SECRET]);
        rand::Rng::fill_bytes(&mut rand::rng(), secret.as_mut_slice());
        let insert = sqlx::query(
            "insert into totp (account, pending, last_step) values ($1, $2, 0)
             on conflict (account) do update set pending = excluded.pending",
        );
        let sealed = key.seal(user, &secret).ok_or(PortalError::Stored)?;
        insert.bind(user.as_str()).bind(sealed).execute(&mut *work).await?;
        work.commit().await?;
        secret
    };
    let totp = totp(user, &secret)?;
    let url = Zeroizing::new(totp.to_url().map_err(|_| PortalError::Stored)?);
    let code = QrCode::new(url.as_bytes()).map_err(|_| PortalError::Stored)?;
    let svg = code.render::<svg::Color<'_>>().min_dimensions(QR_SIDE, QR_SIDE).build();
    // Without the declaration it may stand in a page.
    let svg = svg.split_once("?>").map_or_else(|| svg.clone(), |(_, rest)| rest.to_owned());
    Ok(SetUp { text: totp.secret().to_base32(), svg })
}

/// Takes the waiting secret into use, if `code` is its.
pub(crate) async fn confirm(
    work: &mut Work,
    key: &FactorKey,
    user: &UserId,
    code: &str,
    now: Timestamp,
) -> Result<bool, PortalError> {
    let waiting = sqlx::query_scalar::<_, Option<String>>("select pending from totp where account = $1");
    let Some(pending) = waiting.bind(user.as_str()).fetch_optional(&mut **work).await?.flatten() else {
        return Ok(false);
    };
    let Some(step) = step(key, user, &pending, code, now)? else { return Ok(false) };
    let take = sqlx::query("update totp set sealed = pending, pending = null, last_step = $1 where account = $2");
    take.bind(step).bind(user.as_str()).execute(&mut **work).await?;
    Ok(true)
}

/// Whether `code` is the person's now. A step that was accepted, and those before it, are used up.
pub(crate) async fn check(
    db: &Database,
    key: &FactorKey,
    user: &UserId,
    code: &str,
    now: Timestamp,
) -> Result<bool, PortalError> {
    let sealed = sqlx::query_scalar::<_, Option<String>>("select sealed from totp where account = $1");
    let sealed = sealed.bind(user.as_str()).fetch_optional(db.pool()).await?.flatten();
    let Some(sealed) = sealed else { return Ok(false) };
    let Some(step) = step(key, user, &sealed, code, now)? else { return Ok(false) };
    // Two at the same moment: one of them finds the step used.
    let take = sqlx::query("update totp set last_step = $1 where account = $2 and last_step < $1");
    Ok(take.bind(step).bind(user.as_str()).execute(db.pool()).await?.rows_affected() == 1)
}

fn step(key: &FactorKey, user: &UserId, sealed: &str, code: &str, now: Timestamp) -> Result<Option<i64>, PortalError> {
    let digits: String = code.chars().filter(|letter| !letter.is_whitespace()).collect();
    if digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(None);
    }
    let secret = key.open(user, sealed).ok_or(PortalError::Stored)?;
    let at = u64::try_from(now.as_second()).map_err(|_| PortalError::Stored)?;
    Ok(totp(user, &secret)?.check(&digits, at).and_then(|step| i64::try_from(step).ok()))
}

fn totp(user: &UserId, secret: &[u8]) -> Result<Totp, PortalError> {
    let builder = Builder::new().with_secret(Secret::new(secret.into())).with_skew(1).with_step_duration(30);
    let builder = builder.with_account_name(user.as_str()).with_issuer(Some("Sudare"));
    builder.build().map_err(|_| PortalError::Stored)
}

#[cfg(test)]
pub(crate) mod tests {
    use policies::keys::SecretBytes;

    use super::*;

    /// The code that a telephone with this secret shows at `at`.
    pub(crate) fn code(text: &str, at: Timestamp) -> String {
        let secret = Secret::try_from_base32(text).unwrap();
        let totp = totp(&"anybody".parse().unwrap(), secret.as_bytes()).unwrap();
        totp.generate(u64::try_from(at.as_second()).unwrap()).to_string()
    }

    #[test]
    fn a_step_either_side_is_accepted_and_nothing_further() {
        let key = FactorKey::new(SecretBytes::generate());
        let user: UserId = "pi".parse().unwrap();
        // RFC 6238, appendix B: at 59 seconds the eight digits are 94287082.
        let sealed = key.seal(&user, b"12345678901234567890").unwrap();
        let at = |seconds| Timestamp::from_second(seconds).unwrap();
        let step = |code, seconds| step(&key, &user, &sealed, code, at(seconds)).unwrap();
        assert_eq!(step("287082", 59), Some(1));
        assert_eq!(step("287 082", 29), Some(1));
        assert_eq!(step("287082", 89), Some(1));
        for (code, seconds) in [("287082", 90), ("287083", 59), ("94287082", 59), ("", 59), ("２８７０８２", 59)]
        {
            assert_eq!(step(code, seconds), None, "{code} {seconds}");
        }
    }
}
