//! The chunk layer from outside: golden bytes, tolerances, limits, held media, the encoder, and properties.

mod encoder;
mod extended;
mod far_times;
mod golden;
mod held;
mod limits;
mod properties;
mod reference;
mod support;
