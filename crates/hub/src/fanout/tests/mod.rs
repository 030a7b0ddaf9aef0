//! Players of a stream, whose sockets take as much as a test says.

mod bounds;
mod control;
mod filter;
mod joining;
mod passes;
mod room;
mod shape;
mod slow;
