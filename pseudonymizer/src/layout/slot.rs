//! Fields of a record as code reads them: resolved once by name. What the layout drops is blank, so that no code can carry it on.

use super::{Action, Class, Field, Layout, Place};

/// Positions of a field in a line; none if the layout has no such field or does not let it be used so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    from: usize,
    to: usize,
}

/// What the field is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// For steering and checking the reading: it ends here, and neither names a person nor is text.
    Frame,
    /// For tokens: the layout must say what it is of the person.
    Identity,
    /// For content: the layout must keep or generalise it.
    Content,
}

impl Span {
    /// The place of a field for tokens.
    pub(crate) fn identity(layout: &Layout, record: &str, name: &str) -> Self {
        Self::of(layout, record, name, Use::Identity)
    }

    /// The place of a field for content.
    pub(crate) fn content(layout: &Layout, record: &str, name: &str) -> Self {
        Self::of(layout, record, name, Use::Content)
    }

    /// The place of a field that steers or checks the reading.
    pub(crate) fn frame(layout: &Layout, record: &str, name: &str) -> Self {
        Self::of(layout, record, name, Use::Frame)
    }

    /// The place of a field, if the layout lets it be used so.
    pub(crate) fn of(layout: &Layout, record: &str, name: &str, wanted: Use) -> Self {
        let field = layout.record(record).and_then(|record| record.field(name));
        match field.filter(|field| may(field, wanted)).map(|field| &field.place) {
            Some(Place::At(from, to)) => Self { from: usize::from(*from), to: usize::from(*to) },
            _ => Self::default(),
        }
    }

    /// Whether the layout lets the field be used so.
    pub(crate) fn is_open(self) -> bool {
        self.from > 0
    }

    /// First and last position, from 1; both 0 if there is no such field.
    pub(crate) fn ends(self) -> (usize, usize) {
        (self.from, self.to)
    }

    /// Its first position, from 1.
    pub(crate) fn first(self) -> Option<usize> {
        (self.from > 0).then_some(self.from)
    }

    /// The cell; blank where there is none.
    pub(crate) fn at<'a>(self, cells: &[&'a [u8]]) -> &'a [u8] {
        crate::cell::at(cells, self.from)
    }

    /// All cells of the field.
    pub(crate) fn all<'c, 'a>(self, cells: &'c [&'a [u8]]) -> &'c [&'a [u8]] {
        let from = self.from.checked_sub(1).unwrap_or(cells.len()).min(cells.len());
        cells.get(from..self.to.min(cells.len())).unwrap_or_default()
    }
}

/// Whether a field may be used so.
pub(crate) fn may(field: &Field, wanted: Use) -> bool {
    match wanted {
        Use::Identity => !field.identity.is_empty(),
        Use::Content => matches!(field.action, Action::Keep | Action::Generalise),
        Use::Frame => field.action == Action::Drop && !matches!(field.class, Class::Direct | Class::FreeText),
    }
}

/// Declares a record's fields for code: `fields! { Re of "RE" { identity { patient_name } content { sex } } }`. `frame { … }` before
/// `identity` names fields that steer or check the reading and end there.
macro_rules! fields {
    ($(#[$doc:meta])* $name:ident of $tag:literal {
        $(frame { $($frame:ident),* $(,)? })?
        identity { $($identity:ident),* $(,)? } content { $($content:ident),* $(,)? }
    }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default)]
        pub(crate) struct $name {
            $($(pub(crate) $frame: $crate::layout::Span,)*)?
            $(pub(crate) $identity: $crate::layout::Span,)*
            $(pub(crate) $content: $crate::layout::Span,)*
        }

        impl $name {
            /// Finds the fields in a layout.
            pub(crate) fn of(layout: &$crate::layout::Layout) -> Self {
                Self {
                    $($($frame: $crate::layout::Span::frame(layout, $tag, stringify!($frame)),)*)?
                    $($identity: $crate::layout::Span::identity(layout, $tag, stringify!($identity)),)*
                    $($content: $crate::layout::Span::content(layout, $tag, stringify!($content)),)*
                }
            }

            /// Record and names that code asks for, so that a test finds those that no layout has.
            #[cfg(test)]
            pub(crate) const NAMES: (&'static str, &'static [&'static str]) =
                ($tag, &[$($(stringify!($frame),)*)? $(stringify!($identity),)* $(stringify!($content),)*]);
        }
    };
}
pub(crate) use fields;
