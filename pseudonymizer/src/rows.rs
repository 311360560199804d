//! Rows of the content tables as types: what is not a field here cannot leave. Column names and order are those of
//! `catalog::content_schema`; a test compares.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanBuilder, Date32Builder, Float64Builder, Int32Builder, StringBuilder, UInt64Builder,
};
use arrow::datatypes::DataType;
use jiff::civil::Date;

/// Columns of institutions' codes: the enclave puts surrogates in their place.
const INSTITUTIONS: [&str; 3] = ["facility_code", "insurer_code", "prescriber_facility_code"];
/// The same as the catalog names them, and with it an added source's rows.
const SURROGATES: [&str; 3] = ["facility_id", "insurer_id", "prescriber_facility_id"];

/// One growing column.
pub(crate) enum Column {
    Bool(BooleanBuilder),
    Date(Date32Builder),
    Double(Float64Builder),
    Int(Int32Builder),
    Text(StringBuilder),
    U64(UInt64Builder),
}

impl Column {
    /// An empty column of a type of the catalog.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the catalog's other type is text; a column of a type that it does not have yet fails to build"
    )]
    pub(crate) fn of(kind: &DataType) -> Self {
        match kind {
            DataType::Boolean => Self::Bool(BooleanBuilder::new()),
            DataType::Date32 => Self::Date(Date32Builder::new()),
            DataType::Float64 => Self::Double(Float64Builder::new()),
            DataType::Int32 => Self::Int(Int32Builder::new()),
            DataType::UInt64 => Self::U64(UInt64Builder::new()),
            _ => Self::Text(StringBuilder::new()),
        }
    }

    /// Ends the column and starts it again.
    pub(crate) fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Bool(column) => Arc::new(column.finish()),
            Self::Date(column) => Arc::new(column.finish()),
            Self::Double(column) => Arc::new(column.finish()),
            Self::Int(column) => Arc::new(column.finish()),
            Self::Text(column) => Arc::new(column.finish()),
            Self::U64(column) => Arc::new(column.finish()),
        }
    }
}

/// A cell that knows its column's type. A cell in a column of another type adds nothing, and the batch then fails to build.
pub(crate) trait Cell {
    /// Appends itself.
    fn put(&self, column: &mut Column);

    /// Its text, if it is one.
    fn text(&self) -> Option<&str> {
        None
    }

    /// Its number, if it is a count or a measurement.
    fn number(&self) -> Option<f64> {
        None
    }
}

macro_rules! cell {
    ($type:ty, $variant:ident, $value:expr $(, $number:expr)?) => {
        impl Cell for $type {
            fn put(&self, column: &mut Column) {
                if let Column::$variant(column) = column {
                    let value: fn(&Self) -> _ = $value;
                    column.append_option(value(self));
                }
            }

            $(fn number(&self) -> Option<f64> {
                let number: fn(&Self) -> _ = $number;
                number(self)
            })?
        }
    };
}

cell!(Option<bool>, Bool, |value| *value);
cell!(Option<Date>, Date, |value| value.map(catalog::codes::days));
cell!(Option<f64>, Double, |value| value.filter(|number| number.is_finite()), |value| *value);
cell!(Option<i32>, Int, |value| *value, |value| value.map(f64::from));
cell!(u64, U64, |value| Some(*value));

impl Cell for Option<&str> {
    fn put(&self, column: &mut Column) {
        if let Column::Text(column) = column {
            column.append_option(*self);
        }
    }

    fn text(&self) -> Option<&str> {
        *self
    }
}

impl Cell for Option<String> {
    fn put(&self, column: &mut Column) {
        if let Column::Text(column) = column {
            column.append_option(self.as_deref());
        }
    }

    fn text(&self) -> Option<&str> {
        self.as_deref()
    }
}

/// A cell whose type is known when the layout is: for the tables of added sources.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value<'c> {
    Bool(bool),
    Date(Date),
    Double(f64),
    Int(i32),
    None,
    Text(Cow<'c, str>),
}

impl Cell for Value<'_> {
    fn put(&self, column: &mut Column) {
        match (self, column) {
            (Self::Bool(value), Column::Bool(column)) => column.append_value(*value),
            (Self::Date(value), Column::Date(column)) => column.append_value(catalog::codes::days(*value)),
            (Self::Double(value), Column::Double(column)) => column.append_value(*value),
            (Self::Int(value), Column::Int(column)) => column.append_value(*value),
            (Self::Text(value), Column::Text(column)) => column.append_value(value),
            (Self::None, Column::Bool(column)) => column.append_null(),
            (Self::None, Column::Date(column)) => column.append_null(),
            (Self::None, Column::Double(column)) => column.append_null(),
            (Self::None, Column::Int(column)) => column.append_null(),
            (Self::None, Column::Text(column)) => column.append_null(),
            (Self::None, Column::U64(column)) => column.append_null(),
            // Of another type: see `Cell`.
            (Self::Bool(_) | Self::Date(_) | Self::Double(_) | Self::Int(_) | Self::Text(_), _) => {}
        }
    }

    fn number(&self) -> Option<f64> {
        match self {
            Self::Double(value) => Some(*value),
            Self::Int(value) => Some(f64::from(*value)),
            Self::Bool(_) | Self::Date(_) | Self::None | Self::Text(_) => None,
        }
    }
}

/// A row of a table that a steward added: its cells in the order of `catalog::content_schema`.
pub(crate) struct AddedRow<'c> {
    pub(crate) table: &'static str,
    pub(crate) cells: Vec<Value<'c>>,
}

impl Row for AddedRow<'_> {
    fn table(&self) -> &'static str {
        self.table
    }

    fn put(&self, columns: &mut [Column]) {
        columns.iter_mut().zip(&self.cells).for_each(|(column, cell)| cell.put(column));
    }

    fn texts(&self, each: &mut dyn FnMut(&'static str, &str)) {
        let columns = catalog::table(self.table).map_or(&[][..], |table| table.columns.as_slice());
        for (column, cell) in columns.iter().skip(1).zip(&self.cells) {
            if let Value::Text(text) = cell {
                each(&column.name, text);
            }
        }
    }

    // Whatever else a steward names a column like, it is released as it stands.
    fn is_institution(&self, column: &str) -> bool {
        SURROGATES.contains(&column)
    }

    fn numbers(&self, each: &mut dyn FnMut(&'static str, f64)) {
        let columns = catalog::table(self.table).map_or(&[][..], |table| table.columns.as_slice());
        for (column, cell) in columns.iter().skip(1).zip(&self.cells) {
            if let Some(number) = cell.number() {
                each(&column.name, number);
            }
        }
    }
}

/// A row of a content table, without its atom.
pub(crate) trait Row {
    /// Name of the table.
    fn table(&self) -> &'static str;
    /// Appends a cell to each column behind `atom`.
    fn put(&self, columns: &mut [Column]);
    /// Calls `each` with every text and its column's name.
    fn texts(&self, each: &mut dyn FnMut(&'static str, &str));
    /// Calls `each` with every count and measurement and its column's name.
    fn numbers(&self, each: &mut dyn FnMut(&'static str, f64));

    /// Whether a column holds institutions' codes, which are never released.
    fn is_institution(&self, column: &str) -> bool {
        INSTITUTIONS.contains(&column)
    }
}

macro_rules! rows {
    ($($(#[$doc:meta])* $name:ident of $table:literal { $($column:ident: $type:ty),* $(,)? })*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Default)]
            pub(crate) struct $name<'a> { $(pub(crate) $column: $type,)* }

            impl $name<'_> {
                /// Column names behind `atom`.
                #[cfg(test)]
                const COLUMNS: &'static [&'static str] = &[$(stringify!($column)),*];
            }

            impl Row for $name<'_> {
                fn table(&self) -> &'static str {
                    $table
                }

                fn put(&self, columns: &mut [Column]) {
                    let mut columns = columns.iter_mut();
                    $(if let Some(column) = columns.next() { self.$column.put(column); })*
                }

                fn texts(&self, each: &mut dyn FnMut(&'static str, &str)) {
                    $(if let Some(text) = self.$column.text() { each(stringify!($column), text); })*
                }

                fn numbers(&self, each: &mut dyn FnMut(&'static str, f64)) {
                    $(if let Some(number) = self.$column.number() { each(stringify!($column), number); })*
                }
            }
        )*

        #[cfg(test)]
        const ALL: &[(&str, &[&str])] = &[$(($table, $name::<'static>::COLUMNS)),*];
    };
}

rows! {
    /// A receipt.
    ClaimRow of "ndb.claims" {
        claim_id: u64, service_month: Option<Date>, facility_code: Option<&'a str>, prefecture: Option<String>,
        facility_medical_area: Option<&'a str>, residence_medical_area: Option<&'a str>, claim_type: Option<&'a str>,
        setting: Option<&'a str>, department: Option<&'a str>, insurer_type: Option<&'a str>,
        insurer_code: Option<&'a str>, prescriber_facility_code: Option<&'a str>, admitted_on: Option<Date>,
        points: Option<i32>, days: Option<i32>, copay: Option<i32>, age: Option<i32>, sex: Option<&'a str>,
    }
    /// A public payer of a receipt.
    PublicExpenseRow of "ndb.public_expenses" {
        claim_id: u64, law_code: Option<&'a str>, days: Option<i32>, points: Option<i32>, facility_code: Option<&'a str>,
    }
    /// A diagnosis of a receipt.
    DiagnosisRow of "ndb.diagnoses" {
        claim_id: u64, disease_code: Option<&'a str>, icd10: Option<&'a str>, modifiers: Option<&'a str>,
        suspected: Option<bool>, main: Option<bool>, start_date: Option<Date>, outcome: Option<&'a str>,
        facility_code: Option<&'a str>,
    }
    /// A procedure of a receipt.
    ProcedureRow of "ndb.procedures" {
        claim_id: u64, section: Option<&'a str>, procedure_code: Option<&'a str>, points: Option<i32>,
        times: Option<i32>, performed_on: Option<Date>, facility_code: Option<&'a str>,
    }
    /// A drug of a receipt.
    DrugRow of "ndb.drugs" {
        claim_id: u64, section: Option<&'a str>, drug_code: Option<&'a str>, yj_code: Option<&'a str>,
        route: Option<&'a str>, quantity: Option<f64>, unit: Option<&'a str>, times: Option<i32>,
        days_supply: Option<i32>, prescribed_on: Option<Date>, dispensed_on: Option<Date>, facility_code: Option<&'a str>,
    }
    /// A material of a receipt.
    MaterialRow of "ndb.materials" {
        claim_id: u64, material_code: Option<&'a str>, quantity: Option<f64>, times: Option<i32>,
        performed_on: Option<Date>, facility_code: Option<&'a str>,
    }
    /// A health checkup.
    CheckupRow of "ndb.checkups" {
        checked_on: Option<Date>, facility_code: Option<&'a str>, fasting: Option<bool>, height_cm: Option<f64>,
        weight_kg: Option<f64>, bmi: Option<f64>, waist_cm: Option<f64>, sbp: Option<f64>, dbp: Option<f64>,
        triglyceride: Option<f64>, hdl: Option<f64>, ldl: Option<f64>, ast: Option<f64>, alt: Option<f64>,
        ggt: Option<f64>, glucose: Option<f64>, hba1c: Option<f64>, creatinine: Option<f64>, egfr: Option<f64>,
        uric_acid: Option<f64>, hemoglobin: Option<f64>, urine_protein: Option<&'a str>, urine_glucose: Option<&'a str>,
        smoking: Option<&'a str>, drinking: Option<&'a str>, antihypertensive: Option<bool>,
        antidiabetic: Option<bool>, antilipidemic: Option<bool>, history_stroke: Option<bool>,
        history_heart: Option<bool>, history_kidney: Option<bool>, metabolic: Option<&'a str>,
        guidance_level: Option<&'a str>,
    }
    /// A course of guidance.
    GuidanceRow of "ndb.guidance" {
        started_on: Option<Date>, ended_on: Option<Date>, level: Option<&'a str>, completed: Option<bool>,
        facility_code: Option<&'a str>,
    }
    /// A service line of long-term care.
    LtcClaimRow of "ltc.claims" {
        service_month: Option<Date>, facility_code: Option<&'a str>, insurer_prefecture: Option<&'a str>,
        insurer_municipality: Option<&'a str>, care_level: Option<&'a str>, service_type: Option<&'a str>,
        service_code: Option<&'a str>, units: Option<i32>, days: Option<i32>,
    }
    /// A certification of need of care.
    CertificationRow of "ltc.certifications" {
        applied_on: Option<Date>, certified_on: Option<Date>, valid_from: Option<Date>, valid_to: Option<Date>,
        care_level: Option<&'a str>, first_judgement: Option<&'a str>, minutes: Option<f64>, score1: Option<f64>,
        score2: Option<f64>, score3: Option<f64>, score4: Option<f64>, score5: Option<f64>,
        dementia_level: Option<&'a str>, bedridden_level: Option<&'a str>,
    }
    /// An item of an assessment in LIFE.
    LifeRow of "ltc.life" {
        facility_code: Option<&'a str>, assessed_on: Option<Date>, form: Option<&'a str>, item: Option<&'a str>,
        value: Option<f64>, value_code: Option<&'a str>,
    }
    /// A stay in a DPC hospital.
    StayRow of "dpc.stays" {
        stay_id: u64, facility_code: Option<&'a str>, age: Option<i32>, sex: Option<&'a str>,
        admitted_on: Option<Date>, discharged_on: Option<Date>, dpc_code: Option<&'a str>, main_icd10: Option<&'a str>,
        emergency: Option<bool>, ambulance: Option<bool>, route_in: Option<&'a str>, discharge_to: Option<&'a str>,
        outcome: Option<&'a str>, died_of_main: Option<bool>, died_within_24h: Option<bool>, height_cm: Option<f64>,
        weight_kg: Option<f64>, smoking_index: Option<i32>, jcs_admission: Option<&'a str>,
        jcs_discharge: Option<&'a str>, adl_admission: Option<i32>, adl_discharge: Option<i32>, points: Option<i32>,
    }
    /// A diagnosis of a stay.
    StayDiagnosisRow of "dpc.diagnoses" {
        stay_id: u64, icd10: Option<&'a str>, role: Option<&'a str>, facility_code: Option<&'a str>,
    }
    /// An operation of a stay.
    StayProcedureRow of "dpc.procedures" {
        stay_id: u64, k_code: Option<&'a str>, performed_on: Option<Date>, facility_code: Option<&'a str>,
    }
    /// A coded item of 様式1.
    Form1Row of "dpc.form1" {
        stay_id: u64, item: Option<&'a str>, value_code: Option<&'a str>, value: Option<f64>, facility_code: Option<&'a str>,
    }
    /// A day's severity and nursing need in a stay.
    NursingNeedRow of "dpc.nursing_need" {
        stay_id: u64, assessed_on: Option<Date>, a_score: Option<i32>, b_score: Option<i32>, c_score: Option<i32>,
        facility_code: Option<&'a str>,
    }
    /// An act, drug or material of a stay.
    ItemRow of "dpc.items" {
        stay_id: u64, performed_on: Option<Date>, item_code: Option<&'a str>, category: Option<&'a str>,
        quantity: Option<f64>, points: Option<i32>, facility_code: Option<&'a str>,
    }
    /// A diagnosis of a health record.
    ConditionRow of "ehr.conditions" {
        facility_code: Option<&'a str>, document_id: u64, disease_code: Option<&'a str>, icd10: Option<&'a str>,
        suspected: Option<bool>, clinical_status: Option<&'a str>, undisclosed: Option<bool>,
        recorded_on: Option<Date>, onset_on: Option<Date>, abated_on: Option<Date>,
    }
    /// A finding of a laboratory.
    ObservationRow of "ehr.observations" {
        facility_code: Option<&'a str>, document_id: u64, category: Option<&'a str>, code_system: Option<&'a str>,
        observed_on: Option<Date>, jlac: Option<&'a str>, value: Option<f64>, value_code: Option<&'a str>,
        comparator: Option<&'a str>, unit: Option<&'a str>, reference_low: Option<f64>, reference_high: Option<f64>,
        interpretation: Option<&'a str>,
    }
    /// An allergy or a contraindication.
    AllergyRow of "ehr.allergies" {
        facility_code: Option<&'a str>, document_id: u64, code_system: Option<&'a str>, code: Option<&'a str>,
        category: Option<&'a str>, criticality: Option<&'a str>, recorded_on: Option<Date>,
    }
    /// A prescription.
    MedicationRow of "ehr.medications" {
        facility_code: Option<&'a str>, document_id: u64, yj_code: Option<&'a str>, generic: Option<bool>,
        prescribed_on: Option<Date>, dose: Option<f64>, quantity: Option<f64>, days: Option<i32>,
    }
    /// A document.
    DocumentRow of "ehr.documents" {
        facility_code: Option<&'a str>, document_id: u64, kind: Option<&'a str>, issued_on: Option<Date>,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_have_the_catalogs_columns_in_its_order() {
        for (table, columns) in ALL {
            let schema = catalog::content_schema(catalog::table(table).unwrap());
            let names: Vec<&str> = schema.fields().iter().skip(1).map(|field| field.name().as_str()).collect();
            assert_eq!(&names, columns, "{table}");
        }
    }
}
