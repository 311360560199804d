//! What the generic reader makes of cells.
