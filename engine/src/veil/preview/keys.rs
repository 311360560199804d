//! Keys of the look-ups for one cell: some by who is in it alone, some also by the measure.
//!
//! Noise by contributors alone would be the same for two measures of one cell, and the difference of their sums exact:
//! `sum(1 + days) - count(*)`. Noise by measure alone would average away over `sum(x + 0.001 y)`, `sum(x + 0.002 y)`, ….
//! So a sum has a part of each, as Diffix has its two layers of noise.

/// Bits by which the cell key turns for each person looked up (disclosure.md, 4d.8), so that each has a key of its own.
const TURN: u32 = 8;
/// Low bits of a total that sums in another order may change.
const UNSURE_BITS: u32 = 20;

/// The key for a measure: of the cell key and of the sum's size, whatever order its parts were added in.
pub(super) fn of_measure(cell_key: u64, total: f64) -> u64 {
    let size = total.abs().to_bits().wrapping_add(1 << (UNSURE_BITS - 1)) >> UNSURE_BITS;
    mix(cell_key ^ mix(size))
}

/// Keys for the factors of the largest, second and third person: the cell key turned left by 8 bits, then the
/// measure's key by 16 and 24. The largest part of the noise hangs on the contributors alone.
pub(super) fn of_largest(cell_key: u64, total: f64) -> [u64; 3] {
    let measure = of_measure(cell_key, total);
    [cell_key.rotate_left(TURN), measure.rotate_left(2 * TURN), measure.rotate_left(3 * TURN)]
}

/// A bijection that spreads every bit (the finaliser of `SplitMix64`, Steele and others 2014). What is secret is the cell key.
fn mix(word: u64) -> u64 {
    let word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    word ^ (word >> 31)
}
