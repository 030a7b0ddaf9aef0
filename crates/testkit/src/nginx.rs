//! nginx with its rtmp module: a destination that records, and a source that pushes.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::place::RunDir;
use crate::ports::free_port;
use crate::process::Process;
use crate::tool::Tool;
use crate::wait;

/// How long nginx may take to listen.
const START_LIMIT: Duration = Duration::from_secs(10);
/// Where packages put the module.
const MODULES: [&str; 2] = [
    "/usr/lib/nginx/modules/ngx_rtmp_module.so",
    "/usr/lib64/nginx/modules/ngx_rtmp_module.so",
];

/// A running nginx with one application, `live`.
#[derive(Debug)]
pub struct Nginx {
    process: Process,
    name: String,
    address: SocketAddr,
    folder: PathBuf,
}

impl Nginx {
    /// Starts one that records every stream, each publication to a file of its own.
    ///
    /// # Panics
    ///
    /// When it does not start.
    #[must_use]
    pub fn recording(dir: &RunDir, name: &str) -> Self {
        Self::start(dir, name, free_port(), &record_lines(&dir.folder(name)))
    }

    /// Starts one that passes every stream on to `target`, an address with an application: `127.0.0.1:1935/live`.
    ///
    /// # Panics
    ///
    /// When it does not start.
    #[must_use]
    pub fn pushing(dir: &RunDir, name: &str, target: &str) -> Self {
        Self::start(dir, name, free_port(), &format!("push rtmp://{target};"))
    }

    fn start(dir: &RunDir, name: &str, address: SocketAddr, lines: &str) -> Self {
        let folder = dir.folder(name);
        let _ = fs::create_dir_all(folder.join("logs"));
        let config = folder.join("nginx.conf");
        fs::write(&config, config_text(&folder, address, lines))
            .expect("a configuration for nginx");
        let mut process = Process::start(
            name,
            dir.path(),
            Tool::Nginx
                .command()
                .arg("-p")
                .arg(&folder)
                .arg("-c")
                .arg(&config),
        );
        wait::until(&format!("{name} to listen"), START_LIMIT, || {
            assert!(
                process.is_running(),
                "{name} ended; {}",
                process.last_words()
            );
            TcpStream::connect(address).ok()
        });
        Self {
            process,
            name: name.to_owned(),
            address,
            folder,
        }
    }

    /// Ends it without a goodbye. Its port is free for [`Self::restart`].
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Starts it again on the same port, with the same recordings beside the new ones.
    ///
    /// # Panics
    ///
    /// When it does not start.
    pub fn restart(&mut self, dir: &RunDir) {
        let lines = record_lines(&self.folder);
        *self = Self::start(dir, &self.name, self.address, &lines);
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL of a stream of its application.
    #[must_use]
    pub fn url(&self, stream: &str) -> String {
        format!("rtmp://{}/live/{stream}", self.address)
    }

    /// Its recordings, oldest first.
    #[must_use]
    pub fn recordings(&self) -> Vec<PathBuf> {
        recordings_in(&self.folder.join("recordings"))
    }
}

fn recordings_in(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.metadata().ok()?.created().ok()?, entry.path())))
        .collect();
    files.sort();
    files.into_iter().map(|(_, path)| path).collect()
}

fn record_lines(folder: &Path) -> String {
    let recordings = folder.join("recordings");
    fs::create_dir_all(&recordings).expect("a folder for recordings");
    // nginx names a recording by the second; a test restarts it faster than that.
    format!(
        // It knows no keyframe of Enhanced RTMP, and would pass no such picture on to its players.
        "wait_key off; record all; record_path {}; record_unique on; record_suffix -{}.flv; record_max_size 100M;",
        recordings.display(),
        recordings_in(&recordings).len()
    )
}

fn config_text(folder: &Path, address: SocketAddr, lines: &str) -> String {
    let module = MODULES
        .into_iter()
        .find(|path| Path::new(path).is_file())
        .unwrap_or_else(|| {
            panic!(
                "nginx's rtmp module is missing; type: sudo apt-get install -y libnginx-mod-rtmp"
            )
        });
    let folder = folder.display();
    // Without `publish_notify` players are not told that a stream is over.
    // One process that neither forks nor changes its user: it ends by its id, and may write where the tests may.
    format!(
        "load_module {module};\n\
         daemon off; master_process off; worker_processes 1;\n\
         error_log {folder}/logs/error.log info; pid {folder}/nginx.pid;\n\
         events {{ worker_connections 256; }}\n\
         rtmp {{ access_log off; server {{\n\
           listen {address}; chunk_size 4096; max_message 16M;\n\
           application live {{ live on; publish_notify on; {lines} }}\n\
         }} }}\n"
    )
}
