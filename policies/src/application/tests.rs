//! Laws of the application's rules, tried with arbitrary commands by arbitrary people.
