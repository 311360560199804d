//! What other files add to a stay of 様式1: the points of its acts (EF) and its DPC code (D).

use std::collections::HashMap;

/// What is added to one stay.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Addition {
    pub(crate) points: Option<i32>,
    pub(crate) dpc_code: Option<String>,
}

impl Addition {
    /// Appends an entry.
    pub(crate) fn put(to: &mut Vec<u8>, stay: u64, points: Option<i32>, dpc_code: Option<&str>) {
        to.extend_from_slice(&stay.to_be_bytes());
        to.push(u8::from(points.is_some()));
        to.extend_from_slice(&points.unwrap_or(0).to_be_bytes());
        let code = dpc_code.and_then(|code| Some((u8::try_from(code.len()).ok()?, code)));
        let (length, code) = code.unwrap_or_default();
        to.push(length);
        to.extend_from_slice(code.as_bytes());
    }

    /// Reads a piece and adds up by stay: points add, of several codes the last in order of the text stands (a stay has one).
    pub(crate) fn gather(mut bytes: &[u8], into: &mut HashMap<u64, Self>) {
        while let Some((stay, points, code)) = take(&mut bytes) {
            let stay = into.entry(stay).or_default();
            if let Some(points) = points {
                stay.points = Some(stay.points.unwrap_or(0).saturating_add(points));
            }
            stay.dpc_code = stay.dpc_code.take().max(code);
        }
    }
}

fn take(bytes: &mut &[u8]) -> Option<(u64, Option<i32>, Option<String>)> {
    let (stay, rest) = bytes.split_first_chunk()?;
    let ([is_there], rest) = rest.split_first_chunk()?;
    let (points, rest) = rest.split_first_chunk()?;
    let ([length], rest) = rest.split_first_chunk()?;
    let (code, rest) = rest.split_at_checked(usize::from(*length))?;
    *bytes = rest;
    let points = (*is_there == 1).then_some(i32::from_be_bytes(*points));
    let code = String::from_utf8(code.to_vec()).ok().filter(|code| !code.is_empty());
    Some((u64::from_be_bytes(*stay), points, code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_add_up_and_the_code_is_kept() {
        let mut bytes = Vec::new();
        Addition::put(&mut bytes, 7, Some(100), None);
        Addition::put(&mut bytes, 7, Some(-20), None);
        Addition::put(&mut bytes, 7, None, Some("040081xx99x0xx"));
        Addition::put(&mut bytes, 8, None, None);
        let mut stays = HashMap::new();
        Addition::gather(&bytes, &mut stays);
        assert_eq!(stays[&7], Addition { points: Some(80), dpc_code: Some("040081xx99x0xx".to_owned()) });
        assert_eq!(stays[&8], Addition::default());
        Addition::gather(&[1, 2, 3], &mut stays);
    }
}
