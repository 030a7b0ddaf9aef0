//! The RTMP relay as a library: listeners, sessions, fan-out, pushes, HTTP, configuration.

pub mod config;
