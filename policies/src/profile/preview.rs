//! Parameters of preview answers, as a disclosure profile writes them. Every one has a default, with its source.

use serde::{Deserialize, Serialize};

/// See the module. Kept in a profile's section `preview`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PreviewParameters {
    /// D: a count moves by at most this.
    pub shift_max: u8,
    /// V: the variance of what is added to counts.
    pub variance: f64,
    /// js: results from 1 to js do not occur.
    pub removed_up_to: u8,
    /// D of the table for magnitudes, in noise steps.
    pub factor_max: u8,
    /// V of the table for magnitudes, in squared noise steps.
    pub factor_variance: f64,
    /// The table for magnitudes has this many factors a noise step.
    pub factor_parts: u8,
    /// Noise step of a person's total below `flex_from`, as a share of the total.
    pub p_small: f64,
    /// Share that the noise step falls to for large totals.
    pub p_large: f64,
    /// f: from this total on the share falls, in the measure's unit.
    pub flex_from: f64,
    /// q: how fast it falls.
    pub flex_exponent: f64,
    /// ε: weight of the largest, second and third largest person in a sum's noise; the first is 1.
    pub epsilon: [f64; 3],
}

impl Default for PreviewParameters {
    fn default() -> Self {
        Self {
            // Disclosure.md, 4d.5: D = 5, V = 3, js = 2; js stays far below the threshold (F9).
            shift_max: 5,
            variance: 3.0,
            removed_up_to: 2,
            // Disclosure.md, 4d.8: D = 5, V = 2 and a finer step, here quarters.
            factor_max: 5,
            factor_variance: 2.0,
            factor_parts: 4,
            // Defaults in the help of the R package cellKey, flex function.
            p_small: 0.20,
            p_large: 0.03,
            flex_from: 1000.0,
            flex_exponent: 2.0,
            // Disclosure.md, 4d.8: ε falls and begins with 1.
            epsilon: [1.0, 0.5, 0.2],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_states_what_differs_and_nothing_unknown() {
        let read: PreviewParameters = serde_json::from_str(r#"{"variance": 2.0}"#).unwrap();
        assert_eq!(read, PreviewParameters { variance: 2.0, ..PreviewParameters::default() });
        assert!(serde_json::from_str::<PreviewParameters>(r#"{"varaince": 2.0}"#).is_err());
    }
}
