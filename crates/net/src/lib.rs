//! The socket life cycle, for servers and clients, with errors that say what to do.

pub mod connect;
pub mod error;
mod file_limit;
pub mod limits;
mod listen;
mod options;
mod send;
mod socket;
mod tcp_info;

pub use connect::{ConnectError, RaceError};
pub use error::{
    AcceptError, AfterAcceptError, BindError, ListenError, OpenError, OptionError, ServerError,
};
pub use file_limit::{FileLimit, FileLimitError, raise_file_limit};
pub use listen::{listen, listen_all};
pub use options::{KeepAlive, ListenOptions, StreamOptions, set_user_timeout};
pub use send::send;
pub use socket::{Bound, Listening, Socket, Warning, canonical, kernel_backlog_max};
pub use tcp_info::unsent_bytes;
