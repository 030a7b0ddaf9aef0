//! What happens when the process has no file descriptor left.
//!
//! One test in a process of its own: the limit holds for every thread of it.

use std::fs::File;
use std::net::TcpStream;
use std::time::Duration;

use bongsu_net::connect::{ConnectError, connect_timeout};
use bongsu_net::{
    AcceptError, AfterAcceptError, ListenOptions, OpenError, Socket, StreamOptions, listen,
    raise_file_limit,
};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

const SOFT_LIMIT: u64 = 64;

#[test]
fn each_stage_says_too_many_open_files_and_recovers() {
    let hard = getrlimit(Resource::Nofile).maximum;
    let low = Rlimit {
        current: Some(SOFT_LIMIT),
        maximum: hard,
    };
    setrlimit(Resource::Nofile, low).unwrap();

    let listening = listen("127.0.0.1:0".parse().unwrap(), &ListenOptions::default()).unwrap();
    let address = listening.local_address();
    let _waiting = TcpStream::connect(address).unwrap();
    let mut files = Vec::new();
    while let Ok(file) = File::open("/dev/null") {
        files.push(file);
    }

    let error = Socket::open(address).unwrap_err();
    assert!(matches!(error, OpenError::TooManyFiles { .. }), "{error}");
    assert!(error.try_hint().contains("ulimit -n"));

    let timeout = Duration::from_secs(1);
    let error = connect_timeout(address, timeout, &StreamOptions::default()).unwrap_err();
    assert!(
        matches!(error, ConnectError::Open(OpenError::TooManyFiles { .. })),
        "{error}"
    );

    let error = listening.accept().unwrap_err();
    assert!(matches!(error, AcceptError::TooManyFiles { .. }), "{error}");
    assert!(matches!(error.next_step(), AfterAcceptError::Pause(_)));

    // The connection stayed in the queue, and is served when a descriptor is free again.
    files.pop();
    listening.accept().unwrap();
    drop(files);

    let raised = raise_file_limit().unwrap();
    assert_eq!((raised.before, raised.now), (Some(SOFT_LIMIT), hard));
    assert_eq!(getrlimit(Resource::Nofile).current, hard);
    assert_eq!(
        raise_file_limit().unwrap().before,
        hard,
        "a second time changes nothing"
    );
}
