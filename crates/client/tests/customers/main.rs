//! Customers against a counter that does exactly what each test tells it to, over real sockets.

mod finding;
mod listening;
mod ordering;
mod support;
mod telling;
