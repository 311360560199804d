//! Which passwords are refused when one is set. Nothing leaves the machine for it.
//!
//! `passwords/common.txt`: the 10,000 most frequent of at least six letters in published breaches, from the list `passwords` of
//! zxcvbn 4.5.0 (`PyPI`; MIT, `passwords/common.LICENSE`). NIST SP 800-63B-4, section 3.1.1.2, asks for such a list and against
//! rules of composition and against changes without a cause.

use std::collections::HashSet;
use std::sync::LazyLock;

use policies::UserId;

static COMMON: LazyLock<HashSet<&str>> = LazyLock::new(|| include_str!("passwords/common.txt").lines().collect());

/// NIST SP 800-63B-4 asks for 8 beside a second factor.
const LENGTH_MIN: usize = 10; // letters
/// Longer ones only cost time.
const LENGTH_MAX: usize = 256; // letters

/// Why a password is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weakness {
    /// Among the most common ones, as it stands or without digits and signs around it.
    Common,
    /// Made from the person's own name, or this portal's.
    Guessable,
    /// Too long to be typed.
    Long,
    /// Too short.
    Short,
}

impl Weakness {
    /// Its word in message files.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Common => "common",
            Self::Guessable => "guessable",
            Self::Long => "long",
            Self::Short => "short",
        }
    }
}

/// Whether `password` may be this person's.
pub(crate) fn check(password: &str, user: &UserId) -> Result<(), Weakness> {
    match password.chars().count() {
        0..LENGTH_MIN => return Err(Weakness::Short),
        LENGTH_MIN..=LENGTH_MAX => {}
        _ => return Err(Weakness::Long),
    }
    let small = password.to_lowercase();
    let stem = small.trim_matches(|letter: char| !letter.is_alphabetic());
    let first = small.chars().next();
    let repeated = small.chars().all(|letter| Some(letter) == first);
    if repeated || stem.is_empty() || [small.as_str(), stem].iter().any(|word| COMMON.contains(word)) {
        return Err(Weakness::Common);
    }
    let own = user.as_str().split('@').next().unwrap_or_default();
    if [own, "sudare"].contains(&stem) || small == user.as_str() {
        return Err(Weakness::Guessable);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_everybody_takes_is_refused() {
        let user: UserId = "tanaka.ichiro@univ-a.example".parse().unwrap();
        for (password, expected) in [
            ("correct horse battery staple", Ok(())),
            ("なつのよるにかぜがふく", Ok(())),
            ("short", Err(Weakness::Short)),
            ("1234567890", Err(Weakness::Common)),
            ("password2026!", Err(Weakness::Common)),
            ("Qwertyuiop", Err(Weakness::Common)),
            ("ああああああああああ", Err(Weakness::Common)),
            ("2026-11-22", Err(Weakness::Common)),
            ("Tanaka.Ichiro7", Err(Weakness::Guessable)),
            ("tanaka.ichiro@univ-a.example", Err(Weakness::Guessable)),
            ("sudare-20261122", Err(Weakness::Guessable)),
        ] {
            assert_eq!(check(password, &user), expected, "{password}");
        }
        assert_eq!(check(&"a b".repeat(100), &user), Err(Weakness::Long));
        assert_eq!(COMMON.len(), 10_000);
    }
}
