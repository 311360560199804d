//! For benchmarks: the parts whose speed is a promise of its own.

use policies::keys::SecretBytes;

use crate::tokens::TokenKeys;

/// Makes `count` keyed hashes of messages of `bytes` bytes under one kind's key; all of them, exclusive-or, so that none can be
/// left out.
pub fn hash_messages(epoch: &SecretBytes, bytes: usize, count: u32) -> u8 {
    let keys = TokenKeys::derive(epoch);
    let mut message = vec![0; bytes];
    let mut sum = 0;
    for number in 0..count {
        message.iter_mut().zip(number.to_be_bytes()).for_each(|(to, from)| *to = from);
        sum ^= keys.sample(&message).iter().fold(0, |sum, byte| sum ^ byte);
    }
    sum
}
