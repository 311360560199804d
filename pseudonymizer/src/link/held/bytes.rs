//! Numbers as bytes: seven bits a byte, the lowest first (LEB128), so that small ones are short.

/// Appends a number.
pub(super) fn put(mut value: u64, to: &mut Vec<u8>) {
    while value >= 0x80 {
        let [low, ..] = value.to_le_bytes();
        to.push(low | 0x80);
        value >>= 7;
    }
    let [low, ..] = value.to_le_bytes();
    to.push(low);
}

/// Appends a number that may be negative: the sign in the lowest bit.
pub(super) fn put_signed(value: i64, to: &mut Vec<u8>) {
    put((value.cast_unsigned() << 1) ^ (value >> 63).cast_unsigned(), to);
}

/// Bytes being read. What is cut short reads as nothing.
pub(super) struct Bytes<'a>(pub(super) &'a [u8]);

impl Bytes<'_> {
    pub(super) fn number(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    pub(super) fn signed(&mut self) -> Option<i64> {
        let value = self.number()?;
        Some((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    pub(super) fn small(&mut self) -> Option<u32> {
        u32::try_from(self.number()?).ok()
    }

    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*head)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_come_back(values in proptest::collection::vec((any::<u64>(), any::<i64>()), 0..20)) {
            let mut bytes = Vec::new();
            for (plain, signed) in &values {
                put(*plain, &mut bytes);
                put_signed(*signed, &mut bytes);
            }
            let mut read = Bytes(&bytes);
            for (plain, signed) in &values {
                prop_assert_eq!((read.number(), read.signed()), (Some(*plain), Some(*signed)));
            }
            prop_assert_eq!(read.number(), None);
        }
    }
}
