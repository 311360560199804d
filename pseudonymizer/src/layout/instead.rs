//! For tests: one shipped layout is another one in this thread, so that a test can take a field away and see what is missing.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::{Action, Layout};

thread_local! {
    static INSTEAD: RefCell<Option<Layout>> = const { RefCell::new(None) };
}

/// Runs something while a layout stands in the place of the shipped one of its id.
pub(crate) fn with<T>(layout: Layout, run: impl FnOnce() -> T) -> T {
    INSTEAD.set(Some(layout));
    let done = run();
    INSTEAD.set(None);
    done
}

/// The layout with one field dropped.
pub(crate) fn without(layout: &Layout, record: usize, field: usize) -> Layout {
    let mut layout = layout.clone();
    let field = &mut layout.records[record].fields[field];
    field.action = Action::Drop;
    (field.identity, field.by, field.to) = (Vec::new(), None, Vec::new());
    layout
}

/// The shipped layouts, with what stands in the place of one.
pub(super) fn put(mut layouts: BTreeMap<String, Layout>) -> BTreeMap<String, Layout> {
    if let Some(layout) = INSTEAD.with_borrow(Clone::clone) {
        layouts.insert(layout.id.clone(), layout);
    }
    layouts
}
