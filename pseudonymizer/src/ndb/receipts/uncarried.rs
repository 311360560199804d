//! What of receipts' health content is not carried, and why: every field of that class, by name. A field that a layout newly drops
//! or keeps must be named here or taken away.

use std::collections::BTreeSet;

use crate::layout::{self, Action, Class, Fate};

const NO_TABLE: &str = "schema.md has no column for it";
const PAYMENT: &str = "what is paid by whom: schema.md has points and the insurer's copay alone";
const ELSEWHERE: &str = "the same stands in a record that is carried";
const COMMENT: &str = "its words are text and are dropped, without them it says nothing";
const MARKS_OUT: &str = "marks a person, a household or an institution out, and no table takes it";

/// Record, its fields, the reason. `*`: the whole record, by its fate.
const UNCARRIED: &[(&str, &[&str], &str)] = &[
    ("BU", &["discharge_date", "dpc_code"], "no column in ndb; the DPC survey carries both (dpc.stays)"),
    ("CD", &["quantity"], NO_TABLE),
    ("CO", &["comment_code"], COMMENT),
    ("CO", &["tooth_formula"], MARKS_OUT),
    (
        "CZ",
        &["additions", "fee_code", "fee_points", "drug_points", "one_dose_days", "quantity_before", "split_code"],
        NO_TABLE,
    ),
    ("GA", &["day_codes", "readmission_planned", "treatment_month"], NO_TABLE),
    ("GA", &["dpc_code"], ELSEWHERE),
    ("GA", &["hospital_factor"], MARKS_OUT),
    ("GR", &["dpc_code", "reason"], NO_TABLE),
    (
        "GT",
        &["adjusted_points", "bundled_points", "changed_on", "month_points", "subtotal", "treatment_month"],
        ELSEWHERE,
    ),
    ("HH", &["days", "los_period", "points_per_day", "subtotal", "treatment_month"], ELSEWHERE),
    ("HO", &["meal_amount", "meal_count", "reduction_amount", "reduction_pct", "standard_copay"], PAYMENT),
    ("HO", &["duty_reason", "exemption_class"], MARKS_OUT),
    ("HS", &["comment_code"], COMMENT),
    ("HS", &["concurrent_count", "state_transition"], NO_TABLE),
    ("HS", &["tooth_formula", "supplement_tooth_formula"], MARKS_OUT),
    ("IY", &["comment_code_1", "comment_code_2", "comment_code_3"], COMMENT),
    ("IY", &["points", "single_dose"], NO_TABLE),
    ("JD", &["days"], "days of acts stand with the acts, their number in HO"),
    ("KK", &["age", "age_months"], "age at admission follows from birth and admission"),
    (
        "KK",
        &["admission_urgency", "birth_weight_g", "burn_index", "jcs", "prev_discharge", "prev_same", "transfer_class"],
        "no column in ndb; the DPC survey carries what is studied of it (dpc.stays, dpc.form1)",
    ),
    (
        "KO",
        &[
            "covered_copay",
            "meal_amount",
            "meal_count",
            "public_copay",
            "public_inpt_copay",
            "public_outpt_copay",
            "standard_copay",
        ],
        PAYMENT,
    ),
    ("MF", &["counter_payment_class", "reserved"], PAYMENT),
    ("RE", &["benefit_pct", "discount_unit"], PAYMENT),
    ("RE", &["copay_class", "special_notes"], MARKS_OUT),
    ("RE", &["dept_2", "dept_3"], "ndb.claims has one department"),
    (
        "RE",
        &[
            "dept_disease_1",
            "dept_disease_2",
            "dept_disease_3",
            "dept_group_1",
            "dept_group_2",
            "dept_group_3",
            "dept_part_1",
            "dept_part_2",
            "dept_part_3",
            "dept_proc_1",
            "dept_proc_2",
            "dept_proc_3",
            "patient_state",
            "ward_class",
        ],
        NO_TABLE,
    ),
    ("RE", &["outcome", "start_date"], "of the teeth as a whole; each diagnosis has its own in HS"),
    ("SB", &["is_cause"], NO_TABLE),
    ("SH", &["public_unit_drug_points", "unit_drug_points"], PAYMENT),
    ("SH", &["usage_code"], NO_TABLE),
    ("SI", &["comment_code_1", "comment_code_2", "comment_code_3"], COMMENT),
    ("SI", &["quantity"], NO_TABLE),
    ("SJ", &["note_class"], COMMENT),
    ("SK", &["kubun_no", "performed_on", "procedure_code", "service_kind"], ELSEWHERE),
    ("SS", &["additions", "quantity_1", "quantity_2"], NO_TABLE),
    ("ST", &["dispensed_date", "rx_date", "split_points"], NO_TABLE),
    ("TK", &["comment_code"], COMMENT),
    ("TO", &["addition_code_1", "addition_code_2", "addition_quantity_1", "addition_quantity_2"], NO_TABLE),
    ("TO", &["comment_code_1", "comment_code_2", "comment_code_3"], COMMENT),
    ("TO", &["points", "unit_price"], NO_TABLE),
    ("UK", &["facility_code", "facility_pref"], ELSEWHERE),
    ("KI", &["*"], "positions are not verified (formats.md 4), and fees of pharmacies have no table"),
    ("TI", &["*"], "an organ donor, a second person inside a receipt"),
    ("TR", &["*"], "an organ donor, a second person inside a receipt"),
    ("TS", &["*"], "an organ donor, a second person inside a receipt"),
    ("HI", &["*"], "returned receipts: read as a mark"),
    ("HR", &["*"], "returned receipts: read as a mark"),
    ("HG", &["*"], "returned receipts: read as a mark"),
    ("RC", &["*"], "the payer organisation's own"),
    ("MN", &["*"], "the payer organisation's own"),
    ("JY", &["*"], "the payer organisation's own"),
    ("EX", &["*"], "the payer organisation's own"),
    ("MD", &["*"], "the payer organisation's own"),
    ("RT", &["*"], "the payer organisation's own"),
    ("MK", &["*"], "the payer organisation's own"),
    ("JR", &["*"], "the payer organisation's own"),
    ("KH", &["*"], "the payer organisation's own"),
    ("NI", &["*"], "the payer organisation's own"),
];

#[test]
fn every_field_that_is_not_carried_is_named_with_its_reason() {
    let layouts = layout::shipped().unwrap();
    let mut dropped = BTreeSet::new();
    for layout in layouts.values().filter(|layout| super::dialect::is_of_receipts(&layout.id)) {
        for record in &layout.records {
            if record.fate == Fate::Drop {
                dropped.insert((record.tag.clone(), "*".to_owned()));
            }
            let health = |class| matches!(class, Class::Quasi | Class::Sensitive | Class::Measure);
            let gone = record.fields.iter().filter(|field| field.action == Action::Drop && health(field.class));
            dropped.extend(gone.map(|field| (record.tag.clone(), field.name.clone())));
        }
    }
    let mut named = BTreeSet::new();
    for (tag, names, why) in UNCARRIED {
        assert!(!why.is_empty());
        for name in *names {
            assert!(named.insert(((*tag).to_owned(), (*name).to_owned())), "{tag} {name} is named twice");
        }
    }
    let silent: Vec<_> = dropped.difference(&named).collect();
    let idle: Vec<_> = named.difference(&dropped).collect();
    assert!(
        silent.is_empty() && idle.is_empty(),
        "dropped without a reason: {silent:?}; carried, or no field: {idle:?}"
    );
}

#[test]
fn every_column_that_a_field_fills_is_in_the_catalog() {
    let layouts = layout::shipped().unwrap();
    for layout in layouts.values().filter(|layout| super::dialect::is_of_receipts(&layout.id)) {
        for to in layout.records.iter().flat_map(|record| &record.fields).flat_map(|field| &field.to) {
            let (table, column) = to.rsplit_once('.').unwrap();
            let known = catalog::table(table).is_some_and(|table| table.column(column).is_some());
            assert!(known, "{}: {to}", layout.id);
        }
    }
}
