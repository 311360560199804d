//! The kinds of tokens, as one table: name, where it may lie, and what goes in, in that order
//! (`research/pseudonymization-anchors.md`, part 2).
//!
//! No kind says a single thing about a person: a hash of a name alone, or of a birth date alone, is known by how often it comes.

use jiff::civil::Date;

use super::Identity;
use super::message::Message;
use super::variants;
use crate::normalise::insurer::{Insurer, LtcInsurer};
use crate::normalise::sex::Sex;

/// Where tokens of a kind may lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// Made with the epoch key, in token files.
    AtRest,
    /// Made with the key of one run of linkage, and gone with it.
    Run,
}

macro_rules! kinds {
    ($($(#[$doc:meta])+ $kind:ident $name:literal $kept:ident [$($input:ident)+])+) => {
        /// A kind of token. Those at rest first, in the order of the token file's columns.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(crate) enum Kind { $($(#[$doc])+ $kind,)+ }

        /// All kinds, as they stand in the table.
        pub(super) const ALL: &[Kind] = &[$(Kind::$kind,)+];

        impl Kind {
            /// Its column in token files, and its name in reports and key derivation.
            pub(crate) const fn name(self) -> &'static str {
                match self { $(Self::$kind => $name,)+ }
            }

            /// Where its tokens may lie.
            pub(crate) const fn kept(self) -> Kept {
                match self { $(Self::$kind => Kept::$kept,)+ }
            }

            /// What goes into it, in this order; a token is made only where all of it is present.
            pub(crate) const fn inputs(self) -> &'static [Input] {
                match self { $(Self::$kind => &[$(Input::$input,)+],)+ }
            }
        }
    };
}

kinds! {
    /// The full insured number: one person of one card.
    A1 "a1" AtRest [Insurer SymbolExact NumberExact Branch Born Sex]
    /// The insured number without branch: what NDB calls ID1. Same-sex twins share it.
    A2 "a2" AtRest [Insurer SymbolExact NumberExact Born Sex]
    /// The same, whatever has happened to zeros and hyphens.
    A3 "a3" AtRest [Insurer SymbolCore NumberCore Born Sex]
    /// Name in kana.
    B1 "b1" AtRest [KanaStrict Born Sex]
    /// Name in kanji.
    B2 "b2" AtRest [Kanji Born Sex]
    /// Name in kana, slips forgiven.
    B3 "b3" AtRest [KanaLoose Born Sex]
    /// Long-term care number. With birth date and sex, because linkage joins its atoms without looking at anything else.
    C1 "c1" AtRest [LtcInsurer LtcNumber Born Sex]
    /// Late elderly: the one medical number that is a person's own. It holds where a birth date or a sex is written wrongly.
    C2 "c2" AtRest [LateElderlyInsurer NumberCore]
    /// A national person number, where a holder has one. With the birth month, because the number alone would be a hash of one thing,
    /// and because those with another month are among its known errors (Imamura 2024). Not with the sex: some registers lack it.
    C3 "c3" AtRest [NationalId BirthMonth]
    /// Patient number at one institution.
    D1 "d1" AtRest [Facility Chart]
    /// Given name at one insurer: outlives a marriage.
    B4 "b4" Run [GivenKana Born Sex Insurer]
    /// Given name in one postal district: outlives a marriage and a change of insurer.
    B5 "b5" Run [GivenKana Born Sex District]
    /// Patient of one institution by birth and address.
    D2 "d2" Run [Facility Born Sex Postcode]
    /// The insured number, whatever the sex.
    V3 "v3" Run [Insurer SymbolCore NumberCore Born]
    /// Name in kana, a letter left out at either side.
    V1 "v1" Run [KanaNear Born Sex]
    /// Name in kana and two parts of the birth date, or its day and month in either order.
    V2 "v2" Run [KanaStrict BornPart Sex]
    /// Name by its sound alone.
    V4 "v4" Run [KanaSound Born Sex]
    /// Family name and birth date.
    P1 "p1" Run [FamilyKana Born]
    /// Given name and birth date.
    P2 "p2" Run [GivenKana Born]
    /// Both names, whatever the birth date.
    P3 "p3" Run [FamilyKana GivenKana Sex]
    /// Given name at one insurer, whatever the birth date.
    P4 "p4" Run [GivenKana Insurer]
    /// Birth date at one insurer, whatever the name. A large insurer's are refused by how often the commonest day comes.
    P5 "p5" Run [Born Sex Insurer]
    /// Given name in one postal district, whatever the sex.
    P6 "p6" Run [GivenKana Born District]
    /// As P1, the family name one letter off.
    W1 "w1" Run [FamilyNear Born]
    /// As P2, the given name one letter off.
    W2 "w2" Run [GivenNear Born]
    /// As P1, with parts of the birth date.
    W3 "w3" Run [FamilyKana BornPart]
    /// As P2, with parts of the birth date.
    W4 "w4" Run [GivenKana BornPart]
    /// As P3, the family name one letter off.
    W5 "w5" Run [FamilyNear GivenKana Sex]
    /// As P3, the given name one letter off.
    W6 "w6" Run [FamilyKana GivenNear Sex]
    /// Family name at one address, whatever the birth date: with H2, for a birth date that is missing or wrong.
    H1 "h1" Run [FamilyKana Postcode]
    /// Given name at one address.
    H2 "h2" Run [GivenKana Postcode]
    /// Birth date at one address, whatever the name.
    H3 "h3" Run [Born Postcode]
    /// As H1, the family name one letter off.
    H4 "h4" Run [FamilyNear Postcode]
    /// As H2, the given name one letter off.
    H5 "h5" Run [GivenNear Postcode]
    /// Birth date, the postcode one digit off.
    R1 "r1" Run [Born PostcodeNear]
    /// Given name, the postcode one digit off.
    R2 "r2" Run [GivenKana PostcodeNear]
    /// Both names, whichever stands first, and birth date.
    O1 "o1" Run [BothNames Born]
    /// Both names, whichever stands first, at one address.
    O2 "o2" Run [BothNames Postcode]
    /// Family name and the line of the address.
    G1 "g1" Run [FamilyKana Address]
    /// Given name and the line of the address.
    G2 "g2" Run [GivenKana Address]
    /// Birth date and the line of the address.
    G3 "g3" Run [Born Address]
    /// As G1, the address one letter off.
    G4 "g4" Run [FamilyKana AddressNear]
    /// As G2, the address one letter off.
    G5 "g5" Run [GivenKana AddressNear]
    /// As G3, the address one letter off.
    G6 "g6" Run [Born AddressNear]
    /// A register's own number one digit off, and birth date. Chart numbers of institutions are printed, not typed anew in each file,
    /// so that these kinds cost them nothing.
    N1 "n1" Run [Facility ChartNear Born]
    /// The same with the family name.
    N2 "n2" Run [Facility ChartNear FamilyKana]
    /// The same with the given name.
    N3 "n3" Run [Facility ChartNear GivenKana]
    /// The same with the postcode.
    N4 "n4" Run [Facility ChartNear Postcode]
    /// The same with the line of the address.
    N5 "n5" Run [Facility ChartNear Address]
}

/// How many kinds lie at rest.
pub(crate) const KINDS: usize = {
    let (mut at, mut count) = (0, 0);
    while at < ALL.len() {
        #[expect(clippy::indexing_slicing, reason = "evaluated by the compiler")]
        if matches!(ALL[at].kept(), Kept::AtRest) {
            count += 1;
        }
        at += 1;
    }
    count
};

impl Kind {
    /// The kinds at rest, in the order of the token file's columns.
    pub(crate) const AT_REST: [Self; KINDS] = {
        let mut kinds = [Self::A1; KINDS];
        let mut at = 0;
        while at < KINDS {
            #[expect(clippy::indexing_slicing, reason = "evaluated by the compiler")]
            {
                kinds[at] = ALL[at];
            }
            at += 1;
        }
        kinds
    };

    /// The kinds of one run, in the order of its token file's columns.
    pub(crate) fn of_run() -> impl Iterator<Item = Self> {
        ALL.iter().copied().filter(|kind| kind.kept() == Kept::Run)
    }

    /// All kinds, those at rest first.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        ALL.iter().copied()
    }

    /// The input of which one identity has several values, where the kind has one.
    pub(crate) fn listed(self) -> Option<Input> {
        self.inputs().iter().copied().find(|input| input.is_listed())
    }

    /// Its place in [`Self::AT_REST`], where it has one.
    pub(crate) const fn place(self) -> usize {
        self as usize
    }
}

/// One identifier in a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    Address,
    /// The line of the address, and it with each letter left out.
    AddressNear,
    BirthMonth,
    Born,
    /// Family and given name in the order of their letters.
    BothNames,
    /// Each pair of year, month and day, and the day with its month in either order.
    BornPart,
    Branch,
    Chart,
    /// A number that the source itself gives out, and it with each letter left out.
    ChartNear,
    /// First three digits of the postcode.
    District,
    Facility,
    FamilyKana,
    /// The family name, and it with each letter left out.
    FamilyNear,
    GivenKana,
    /// The given name, and it with each letter left out.
    GivenNear,
    Insurer,
    KanaLoose,
    /// The whole name, and it with each letter left out.
    KanaNear,
    /// The loose form with long vowels made short.
    KanaSound,
    KanaStrict,
    Kanji,
    /// An insurer of the late elderly; no other.
    LateElderlyInsurer,
    LtcInsurer,
    LtcNumber,
    NationalId,
    NumberCore,
    NumberExact,
    Postcode,
    /// The postcode, and it with each digit left out.
    PostcodeNear,
    Sex,
    SymbolCore,
    SymbolExact,
}

impl Input {
    /// Whether one identity has several values of it: [`super::variants`] gives them.
    pub(crate) const fn is_listed(self) -> bool {
        matches!(
            self,
            Self::AddressNear
                | Self::BornPart
                | Self::ChartNear
                | Self::FamilyNear
                | Self::GivenNear
                | Self::KanaNear
                | Self::PostcodeNear
        )
    }

    /// Writes the identifier, or nothing if it is absent or has several values.
    pub(crate) fn put(self, of: &Identity, to: &mut Message) -> Option<()> {
        if self == Self::Born {
            to.part(&day(of.born()?));
        } else if self == Self::BirthMonth {
            to.part(month(&day(of.birth?.month)));
        } else if self == Self::BothNames {
            to.part(&variants::both_names(of)?);
        } else if self == Self::KanaSound {
            to.part(variants::sound(&of.kana.as_ref()?.loose).as_bytes());
        } else {
            to.part(self.text(of)?.as_bytes());
        }
        Some(())
    }

    fn text(self, of: &Identity) -> Option<&str> {
        let insurer = of.insurer.as_ref();
        match self {
            Self::Address => of.address.as_deref(),
            Self::AddressNear
            | Self::BirthMonth
            | Self::Born
            | Self::BornPart
            | Self::BothNames
            | Self::ChartNear
            | Self::FamilyNear
            | Self::GivenNear
            | Self::KanaNear
            | Self::KanaSound
            | Self::PostcodeNear => None,
            Self::Branch => of.branch.as_deref(),
            Self::Chart => of.chart.as_deref(),
            Self::District => of.postcode.as_deref()?.get(..3),
            Self::Facility => of.facility.as_deref(),
            Self::FamilyKana => variants::family(of),
            Self::GivenKana => of.kana.as_ref()?.given.as_deref(),
            Self::Insurer => insurer.map(Insurer::digits),
            Self::KanaLoose => of.kana.as_ref().map(|kana| kana.loose.as_str()),
            Self::KanaStrict => of.kana.as_ref().map(|kana| kana.strict.as_str()),
            Self::Kanji => of.kanji.as_ref().map(|kanji| kanji.whole.as_str()),
            Self::LateElderlyInsurer => insurer.filter(|insurer| insurer.is_late_elderly()).map(Insurer::digits),
            Self::LtcInsurer => of.ltc_insurer.as_ref().map(LtcInsurer::digits),
            Self::LtcNumber => of.ltc_number.as_deref(),
            Self::NationalId => of.national_id.as_deref(),
            Self::NumberCore => of.number.as_ref().map(|number| number.core.as_str()),
            Self::NumberExact => of.number.as_ref().map(|number| number.exact.as_str()),
            Self::Postcode => of.postcode.as_deref(),
            Self::Sex => of.sex.map(Sex::code),
            Self::SymbolCore => of.symbol.as_ref().map(|symbol| symbol.core.as_str()),
            Self::SymbolExact => of.symbol.as_ref().map(|symbol| symbol.exact.as_str()),
        }
    }
}

/// Year, month and day in four bytes: a message has 55 for the first block.
pub(crate) fn day(date: Date) -> [u8; 4] {
    let [high, low] = date.year().to_be_bytes();
    [high, low, date.month().unsigned_abs(), date.day().unsigned_abs()]
}

fn month(day: &[u8; 4]) -> &[u8] {
    day.first_chunk::<3>().map_or(day.as_slice(), <[u8; 3]>::as_slice)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// What an identifier says about a person. Parts of one card number say one thing.
    fn attribute(input: Input) -> &'static str {
        match input {
            Input::BirthMonth | Input::Born | Input::BornPart => "birth",
            Input::Branch
            | Input::Chart
            | Input::ChartNear
            | Input::LtcNumber
            | Input::NationalId
            | Input::NumberCore
            | Input::NumberExact
            | Input::SymbolCore
            | Input::SymbolExact => "number",
            Input::Address | Input::AddressNear | Input::District | Input::Postcode | Input::PostcodeNear => "home",
            Input::Facility | Input::Insurer | Input::LateElderlyInsurer | Input::LtcInsurer => "issuer",
            Input::BothNames
            | Input::FamilyKana
            | Input::FamilyNear
            | Input::GivenKana
            | Input::GivenNear
            | Input::KanaLoose
            | Input::KanaNear
            | Input::KanaSound
            | Input::KanaStrict
            | Input::Kanji => "name",
            Input::Sex => "sex",
        }
    }

    /// C2 and D1 pair a number with who issued it. That is no hash of a single attribute: the number means nothing elsewhere, the
    /// same number at another issuer is another token, and each value is one person's, so that counting tells nothing. C3 pairs
    /// the one number that means the same everywhere with a birth month.
    #[test]
    fn no_kind_says_a_single_thing() {
        for kind in ALL {
            let said: BTreeSet<&str> = kind.inputs().iter().copied().map(attribute).collect();
            assert!(said.len() >= 2, "{} says {said:?}", kind.name());
            // At rest, birth dates of one insurer would be known by how many are born on each day. Of one run they are measured,
            // and refused where that shows.
            let own = said.contains("number") || said.contains("name") || said.contains("home");
            assert!(own || (kind.kept() == Kept::Run && said.contains("birth")), "{}", kind.name());
            let placed = said.contains("issuer") || said.contains("birth");
            assert!(!said.contains("number") || placed, "{}", kind.name());
            let distinct: BTreeSet<String> = kind.inputs().iter().map(|input| format!("{input:?}")).collect();
            assert_eq!(distinct.len(), kind.inputs().len(), "{} says something twice", kind.name());
            let listed = kind.inputs().iter().filter(|input| input.is_listed()).count();
            assert!(
                listed <= usize::from(kind.kept() == Kept::Run),
                "{} has lists of lists, or lists at rest",
                kind.name()
            );
        }
    }

    #[test]
    fn kinds_at_rest_stand_first_and_names_are_columns() {
        let at_rest: Vec<Kind> = ALL.iter().copied().filter(|kind| kind.kept() == Kept::AtRest).collect();
        assert_eq!(at_rest, Kind::AT_REST);
        assert!(Kind::AT_REST.iter().enumerate().all(|(place, kind)| kind.place() == place));
        let names: BTreeSet<&str> = ALL.iter().map(|kind| kind.name()).collect();
        assert_eq!(names.len(), ALL.len());
        assert!(ALL.iter().all(|kind| format!("{kind:?}").to_lowercase() == kind.name()));
    }
}
