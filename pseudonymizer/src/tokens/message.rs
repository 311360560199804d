//! What is hashed: identifiers behind one another, each after its length, so that no two lists of parts read alike.

use zeroize::Zeroizing;

/// Enough for the longest names in one piece; the buffer is wiped when it is dropped, a smaller one would leave copies.
const CAPACITY: usize = 512;

/// A buffer for one message after the other. Wiped on drop.
pub(crate) struct Message(Zeroizing<Vec<u8>>);

impl Default for Message {
    fn default() -> Self {
        Self(Zeroizing::new(Vec::with_capacity(CAPACITY)))
    }
}

impl Message {
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Adds a part.
    pub(crate) fn part(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(length(bytes.len()).as_ref());
        self.0.extend_from_slice(bytes);
    }

    /// Adds a part that may be absent, which is another thing than empty.
    pub(crate) fn optional(&mut self, bytes: Option<&[u8]>) {
        self.0.push(u8::from(bytes.is_some()));
        if let Some(bytes) = bytes {
            self.part(bytes);
        }
    }
}

/// A length in 7 bits a byte, the lowest first, the highest bit set where another follows (LEB128): one byte for nearly all
/// identifiers, so that a message fits SHA-256's first block.
pub(crate) fn length(of: usize) -> Length {
    let mut left = of;
    let mut length = Length { bytes: [0; LENGTH_BYTES], used: 0 };
    for place in &mut length.bytes {
        let low = u8::try_from(left & 0x7F).unwrap_or_default();
        left >>= 7;
        length.used += 1;
        *place = if left == 0 { low } else { low | 0x80 };
        if left == 0 {
            break;
        }
    }
    length
}

/// 64 bits, 7 at a time.
const LENGTH_BYTES: usize = 10;

/// The bytes of a length.
pub(crate) struct Length {
    bytes: [u8; LENGTH_BYTES],
    used: usize,
}

impl AsRef<[u8]> for Length {
    fn as_ref(&self) -> &[u8] {
        self.bytes.get(..self.used).unwrap_or(&self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lengths() {
        assert_eq!(length(0).as_ref(), [0]);
        assert_eq!(length(127).as_ref(), [0x7F]);
        assert_eq!(length(128).as_ref(), [0x80, 1]);
        assert_eq!(length(0xFFFF_FFFF).as_ref(), [0xFF, 0xFF, 0xFF, 0xFF, 0x0F]);
        assert_eq!(length(usize::MAX).as_ref().len(), LENGTH_BYTES);
    }

    fn written(parts: &[Option<Vec<u8>>]) -> Vec<u8> {
        let mut message = Message::default();
        for part in parts {
            message.optional(part.as_deref());
        }
        message.bytes().to_vec()
    }

    fn parts() -> impl Strategy<Value = Vec<Option<Vec<u8>>>> {
        proptest::collection::vec(proptest::option::of(proptest::collection::vec(0_u8..3, 0..4)), 0..4)
    }

    proptest! {
        #[test]
        fn two_lists_never_read_alike(a in parts(), b in parts()) {
            prop_assert_eq!(written(&a) == written(&b), a == b);
        }
    }
}
