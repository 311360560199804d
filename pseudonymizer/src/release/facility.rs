//! The open table `facility`: institutions by surrogate, place, kind and size.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, Int32Array, StringArray, UInt32Array};
use arrow::datatypes::Int32Type;
use arrow::record_batch::RecordBatch;
use catalog::{facility, release_schema};

use super::error::ReleaseError;
use super::facility_map::{FacilityMap, Space};
use super::surrogate::{column, form};

/// What the sources say of institutions, by code.
#[derive(Default)]
pub(crate) struct Facilities(BTreeMap<String, Facility>);

struct Facility {
    beds: Option<i32>,
    dpc: bool,
    /// Known from long-term care data alone.
    ltc: bool,
}

impl Facilities {
    /// Takes facts of one source: the largest count of beds and any DPC mark win.
    pub(crate) fn add(&mut self, source: &str, facts: &RecordBatch, file: &Path) -> Result<(), ReleaseError> {
        let codes = column(facts, "facility_code", file)?.as_string_opt::<i32>();
        let beds = column(facts, "beds", file)?.as_primitive_opt::<Int32Type>();
        let dpc = column(facts, "dpc", file)?.as_boolean_opt();
        let codes: &StringArray = codes.ok_or_else(|| form(file, "facility_code"))?;
        let beds: &Int32Array = beds.ok_or_else(|| form(file, "beds"))?;
        let dpc: &BooleanArray = dpc.ok_or_else(|| form(file, "dpc"))?;
        let ltc = source == "ltc";
        for ((code, beds), dpc) in codes.iter().zip(beds).zip(dpc) {
            let Some(code) = code else { continue };
            let known = self.0.entry(code.to_owned()).or_insert(Facility { beds: None, dpc: false, ltc });
            known.beds = known.beds.max(beds);
            known.dpc |= dpc.unwrap_or(false);
            known.ltc &= ltc;
        }
        Ok(())
    }

    /// The table, in the order of the random surrogates.
    pub(crate) fn table(&self, map: &mut FacilityMap) -> Result<RecordBatch, ReleaseError> {
        let Some(table) = catalog::table("facility") else { return Err(ReleaseError::Dataset) };
        let mut rows: Vec<(u32, &str, &Facility)> =
            self.0.iter().map(|(code, known)| (map.id(Space::Facility, code), code.as_str(), known)).collect();
        rows.sort_unstable_by_key(|(id, _, _)| *id);
        let places: Vec<_> = rows.iter().map(|(_, code, _)| facility::place(code)).collect();
        let text = |cells: Vec<Option<&str>>| Arc::new(StringArray::from(cells)) as ArrayRef;
        let schema = release_schema(table);
        let columns = schema
            .fields()
            .iter()
            .map(|field| match field.name().as_str() {
                "facility_id" => {
                    Ok(Arc::new(UInt32Array::from_iter_values(rows.iter().map(|(id, _, _)| *id))) as ArrayRef)
                }
                "prefecture" => {
                    Ok(text(places.iter().map(|place| place.as_ref().map(|at| at.prefecture.as_str())).collect()))
                }
                "medical_area" => {
                    Ok(text(places.iter().map(|place| place.as_ref().and_then(|at| at.medical_area)).collect()))
                }
                "kind" => {
                    let kind = |(_, code, known): &(u32, &str, &Facility)| facility::kind(code, known.beds, known.ltc);
                    Ok(text(rows.iter().map(kind).collect()))
                }
                "beds_band" => {
                    Ok(text(rows.iter().map(|(_, _, known)| Some(facility::beds_band(known.beds))).collect()))
                }
                "dpc_hospital" => {
                    let dpc = rows.iter().map(|(_, _, known)| Some(known.dpc)).collect::<BooleanArray>();
                    Ok(Arc::new(dpc) as ArrayRef)
                }
                other => Err(form(Path::new("facility"), other)),
            })
            .collect::<Result<Vec<_>, _>>()?;
        RecordBatch::try_new(schema, columns).map_err(ReleaseError::arrow("facility"))
    }
}
