//! What the layouts say of the records of receipts, by name: the same code reads 医科, DPC, 歯科 and 調剤, wherever a field stands.

use super::buffer::{Line, Tag};
use crate::intake::Intake;
use crate::layout::{Action, Fate, Layout, Place, Record, fields};

fields! {
    /// The institution that sent the receipts.
    Ir of "IR" { frame { claim_month } identity {} content { facility_pref, fee_table, facility_code } }
}
fields! {
    /// The same of a pharmacy.
    Yk of "YK" { frame { claim_month } identity {} content { facility_pref, fee_table, facility_code } }
}
fields! {
    /// The institution, beside a chart number.
    IrWho of "IR" { identity { facility_code } content {} }
}
fields! {
    /// Totals.
    Go of "GO" { frame { total_receipts, volume_no } identity {} content {} }
}
fields! {
    /// Who a receipt is of.
    ReWho of "RE" { identity { patient_name, sex, birth_date, chart_no, patient_kana } content {} }
}
fields! {
    /// What a receipt is.
    Re of "RE" {
        frame { receipt_no, receipt_group }
        identity {}
        content {
            receipt_type, treatment_month, sex, birth_date, admission_date, bed_count, dept_1, rx_pref, rx_fee_table,
            rx_facility_code,
        }
    }
}
fields! {
    /// Number on the card.
    HoWho of "HO" { identity { insurer_no, insured_symbol, insured_number } content {} }
}
fields! {
    /// Insurer.
    Ho of "HO" { identity {} content { insurer_no, actual_days, rx_count, total_points, copay_amount } }
}
fields! {
    /// Public payer.
    Ko of "KO" { identity {} content { public_payer_no, actual_days, rx_count, total_points } }
}
fields! {
    /// What the payer organisation has verified.
    SnWho of "SN" {
        frame { payer_kind }
        identity { verified_insurer_no, verified_symbol, verified_number, branch_no }
        content {}
    }
}
fields! {
    /// The verified insurer.
    Sn of "SN" { identity {} content { verified_insurer_no } }
}
fields! {
    /// DPC classification.
    Bu of "BU" { identity {} content { admission_date, outcome } }
}
fields! {
    /// Diagnosis.
    Sy of "SY" { identity {} content { disease_code, disease_start, outcome, modifier_codes, main_flag } }
}
fields! {
    /// Diagnosis of 歯科.
    Hs of "HS" { identity {} content { disease_code, disease_start, outcome, modifier_codes, main_flag } }
}
fields! {
    /// Diagnosis of DPC.
    Sb of "SB" { identity {} content { disease_code, modifier_codes, icd10, disease_role } }
}
fields! {
    /// Act.
    Si of "SI" { identity {} content { service_class, procedure_code, points, count, days } }
}
fields! {
    /// Act of 歯科.
    Ss of "SS" { identity {} content { service_class, procedure_code, points, count, days } }
}
fields! {
    /// Drug.
    Iy of "IY" { identity {} content { service_class, drug_code, dose, count, days } }
}
fields! {
    /// Material.
    To of "TO" { identity {} content { service_class, material_code, quantity, count, days } }
}
fields! {
    /// Comment: the group it opens, nothing else.
    Co of "CO" { identity {} content { service_class } }
}
fields! {
    /// Care that a DPC payment bundles.
    Cd of "CD" { identity {} content { service_date, service_class, code, dose, count } }
}
fields! {
    /// Prescription of 調剤.
    Sh of "SH" { identity {} content { form_code } }
}
fields! {
    /// Dispensing of 調剤.
    Cz of "CZ" { identity {} content { rx_date, dispensed_date, dispensed_quantity } }
}

/// Layouts of receipts, what `ndb.claims.claim_type` calls them, and their fee table (formats.md 1, IR-4).
const KNOWN: [(&str, &str, u8); 4] = [
    ("ndb-medical", "medical", b'1'),
    ("ndb-dpc", "dpc", b'1'),
    ("ndb-dental", "dental", b'3'),
    ("ndb-pharmacy", "pharmacy", b'4'),
];

/// Whether a layout is one of receipts.
#[cfg(test)]
pub(super) fn is_of_receipts(id: &str) -> bool {
    KNOWN.iter().any(|(known, _, _)| *known == id)
}

/// What becomes of a record; the later stands where two layouts of a file differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Take {
    /// No layout lists it.
    Aside,
    /// Known; the layout carries nothing of it.
    Drop,
    /// Some of its fields are used.
    Read,
}

/// One layout of receipts, its fields found.
pub(super) struct Dialect {
    /// `ndb.claims.claim_type`.
    pub(super) claim_type: &'static str,
    /// Digit of the fee table, on IR and in front of the receipt's type.
    pub(super) fee: u8,
    opening: Tag,
    /// Whether receipts of this layout are those with a BU record.
    bundles: bool,
    takes: Vec<Take>,
    /// Runs of RE's positions that are not dropped: by these two receipts are told to be the same.
    pub(super) compared: Vec<(usize, usize)>,
    pub(super) institution: Institutions,
    pub(super) institution_who: IrWho,
    pub(super) go: Go,
    pub(super) re_who: ReWho,
    pub(super) re: Re,
    pub(super) ho_who: HoWho,
    pub(super) ho: Ho,
    pub(super) ko: Ko,
    pub(super) sn_who: SnWho,
    pub(super) sn: Sn,
    pub(super) bu: Bu,
    pub(super) sy: Sy,
    pub(super) hs: Hs,
    pub(super) sb: Sb,
    pub(super) si: Si,
    pub(super) ss: Ss,
    pub(super) iy: Iy,
    pub(super) to: To,
    pub(super) co: Co,
    pub(super) cd: Cd,
    pub(super) sh: Sh,
    pub(super) cz: Cz,
}

/// IR or YK.
pub(super) enum Institutions {
    Ir(Ir),
    Yk(Yk),
}

/// Cells of the institution's record.
pub(super) struct InstitutionCells<'r> {
    pub(super) prefecture: &'r [u8],
    pub(super) fee_table: &'r [u8],
    pub(super) number: &'r [u8],
    pub(super) claim_month: &'r [u8],
}

impl Institutions {
    pub(super) fn cells<'r>(&self, line: Line<'r>) -> InstitutionCells<'r> {
        let (pref, fee, code, month) = match self {
            Self::Ir(ir) => (ir.facility_pref, ir.fee_table, ir.facility_code, ir.claim_month),
            Self::Yk(yk) => (yk.facility_pref, yk.fee_table, yk.facility_code, yk.claim_month),
        };
        let [prefecture, fee_table, number, claim_month] = [pref, fee, code, month].map(|field| line.cell(field));
        InstitutionCells { prefecture, fee_table, number, claim_month }
    }
}

impl Dialect {
    pub(super) fn of(layout: &Layout, claim_type: &'static str, fee: u8) -> Self {
        let pharmacy = layout.record("YK").is_some();
        Self {
            claim_type,
            fee,
            opening: if pharmacy { *b"YK" } else { *b"IR" },
            bundles: layout.record("BU").is_some(),
            takes: takes(layout),
            compared: layout.record("RE").map(compared).unwrap_or_default(),
            institution: if pharmacy { Institutions::Yk(Yk::of(layout)) } else { Institutions::Ir(Ir::of(layout)) },
            institution_who: IrWho::of(layout),
            go: Go::of(layout),
            re_who: ReWho::of(layout),
            re: Re::of(layout),
            ho_who: HoWho::of(layout),
            ho: Ho::of(layout),
            ko: Ko::of(layout),
            sn_who: SnWho::of(layout),
            sn: Sn::of(layout),
            bu: Bu::of(layout),
            sy: Sy::of(layout),
            hs: Hs::of(layout),
            sb: Sb::of(layout),
            si: Si::of(layout),
            ss: Ss::of(layout),
            iy: Iy::of(layout),
            to: To::of(layout),
            co: Co::of(layout),
            cd: Cd::of(layout),
            sh: Sh::of(layout),
            cz: Cz::of(layout),
        }
    }

    /// What becomes of a record of that tag.
    pub(super) fn take(&self, tag: Tag) -> Take {
        place(tag).and_then(|place| self.takes.get(place)).copied().unwrap_or(Take::Aside)
    }
}

/// The layouts of receipts that a source is read with.
pub(super) struct Dialects(Vec<Dialect>);

/// The layouts that the receipts of an institution may have: one, and beside it one for those with BU.
#[derive(Clone, Copy, Default)]
pub(super) struct Choice<'d> {
    pub(super) usual: Option<&'d Dialect>,
    pub(super) bundled: Option<&'d Dialect>,
}

impl Dialects {
    pub(super) fn of(intake: &Intake<'_>) -> Self {
        let known = KNOWN.iter();
        Self(
            known
                .filter_map(|(id, kind, fee)| intake.layout(id).map(|layout| Dialect::of(layout, kind, *fee)))
                .collect(),
        )
    }

    /// Those for the receipts behind an IR or YK record, by its fee table.
    pub(super) fn behind(&self, line: Line<'_>) -> Choice<'_> {
        let fits = |dialect: &&Dialect| {
            dialect.opening == line.tag && dialect.institution.cells(line).fee_table == [dialect.fee]
        };
        Choice {
            usual: self.0.iter().find(|dialect| !dialect.bundles && fits(dialect)),
            bundled: self.0.iter().find(|dialect| dialect.bundles && fits(dialect)),
        }
    }

    /// Any of them that opens with that record: to read an institution whose fee table no layout has.
    pub(super) fn opened_by(&self, tag: Tag) -> Option<&Dialect> {
        self.0.iter().find(|dialect| dialect.opening == tag)
    }
}

impl Choice<'_> {
    /// What becomes of a record while the layout is not known yet.
    pub(super) fn take(self, tag: Tag) -> Take {
        let of = |dialect: Option<&Dialect>| dialect.map_or(Take::Aside, |dialect| dialect.take(tag));
        // Without a layout the receipt is put aside as a whole.
        if self.usual.is_none() && self.bundled.is_none() { Take::Read } else { of(self.usual).max(of(self.bundled)) }
    }
}

/// Place of a tag of two capital letters in a table.
fn place(tag: Tag) -> Option<usize> {
    let letter = |byte: u8| byte.is_ascii_uppercase().then(|| usize::from(byte.saturating_sub(b'A')));
    let [one, two] = tag.map(letter);
    Some(one?.saturating_mul(26).saturating_add(two?))
}

fn takes(layout: &Layout) -> Vec<Take> {
    let unknown = if layout.unknown == Fate::Drop { Take::Drop } else { Take::Aside };
    let mut takes = vec![unknown; 26 * 26];
    for record in &layout.records {
        let tag = record.tag.as_bytes().first_chunk().copied().and_then(place);
        if let Some(take) = tag.and_then(|place| takes.get_mut(place)) {
            *take = match record.fate {
                Fate::Quarantine => Take::Aside,
                Fate::Drop => Take::Drop,
                Fate::Read if record.fields.iter().all(|field| field.action == Action::Drop) => Take::Drop,
                Fate::Read => Take::Read,
            };
        }
    }
    takes
}

fn compared(record: &Record) -> Vec<(usize, usize)> {
    let kept = record.fields.iter().filter(|field| field.action != Action::Drop);
    let mut runs: Vec<(usize, usize)> = kept
        .filter_map(|field| match field.place {
            Place::At(from, to) => Some((usize::from(from), usize::from(to))),
            Place::Header(_) | Place::Path(_) => None,
        })
        .collect();
    runs.sort_unstable();
    runs.dedup_by(|next, run| {
        let follows = run.1.saturating_add(1) == next.0;
        if follows {
            run.1 = next.1;
        }
        follows
    });
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: &[(&str, &[&str])] = &[
        Ir::NAMES,
        Yk::NAMES,
        IrWho::NAMES,
        Go::NAMES,
        ReWho::NAMES,
        Re::NAMES,
        HoWho::NAMES,
        Ho::NAMES,
        Ko::NAMES,
        SnWho::NAMES,
        Sn::NAMES,
        Bu::NAMES,
        Sy::NAMES,
        Hs::NAMES,
        Sb::NAMES,
        Si::NAMES,
        Ss::NAMES,
        Iy::NAMES,
        To::NAMES,
        Co::NAMES,
        Cd::NAMES,
        Sh::NAMES,
        Cz::NAMES,
    ];

    #[test]
    fn every_name_that_code_asks_for_is_in_a_layout() {
        let layouts = crate::layout::shipped().unwrap();
        for (tag, names) in ALL {
            for name in *names {
                let has = |(id, _, _): &(&str, &str, u8)| {
                    layouts[*id].record(tag).is_some_and(|record| record.field(name).is_some())
                };
                assert!(KNOWN.iter().any(has), "{tag} {name}");
            }
        }
    }

    #[test]
    fn records_are_taken_as_the_layouts_say() {
        let layouts = crate::layout::shipped().unwrap();
        let [medical, dpc, dental, pharmacy] = KNOWN.map(|(id, kind, fee)| Dialect::of(&layouts[id], kind, fee));
        for tag in [*b"RE", *b"HO", *b"KO", *b"SN", *b"IY", *b"TO"] {
            assert!(
                [&medical, &dpc, &dental, &pharmacy].iter().all(|dialect| dialect.take(tag) == Take::Read),
                "{tag:?}"
            );
        }
        assert_eq!((medical.take(*b"BU"), dpc.take(*b"BU")), (Take::Aside, Take::Read));
        assert_eq!(
            (medical.take(*b"SJ"), medical.take(*b"KH"), dpc.take(*b"HH")),
            (Take::Drop, Take::Drop, Take::Drop)
        );
        assert_eq!(
            (dental.take(*b"HS"), medical.take(*b"HS"), pharmacy.take(*b"KI")),
            (Take::Read, Take::Aside, Take::Drop)
        );
        assert_eq!((medical.take(*b"re"), medical.take([0, 0])), (Take::Aside, Take::Aside));
        assert_eq!(medical.compared, [(3, 7), (9, 9), (13, 14), (22, 22), (37, 37)]);
    }
}
