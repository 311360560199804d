//! Precedents among applications that share some, all or no columns.
