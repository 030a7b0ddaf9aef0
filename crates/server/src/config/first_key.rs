//! The key of the first start: made once, kept in the data directory, for apps that list no keys.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::app::StreamKey;
use super::reference::read_secret;
use super::{Config, Environment, Secret};

/// The file in the data directory.
pub const FILE_NAME: &str = "stream.key";

/// Random bytes of the key: 128 bits cannot be guessed.
const KEY_BYTES: usize = 16;

/// Only the owner reads and writes.
const FILE_MODE: u32 = 0o600;

/// Only the owner enters.
const DIRECTORY_MODE: u32 = 0o700;

/// The key that was found or made.
#[derive(Debug, Clone)]
pub struct FirstKey {
    /// The key, for any stream name of the apps that list none.
    pub key: Secret,
    /// Where it is kept.
    pub file: PathBuf,
    /// True when it was made just now.
    pub new: bool,
}

/// The key can neither be read nor made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FirstKeyError {
    /// No setting and no variable says where state is kept.
    #[error(
        "no directory for the stream key: neither STATE_DIRECTORY, XDG_STATE_HOME nor HOME is set"
    )]
    NoDirectory,
    /// The directory cannot be made.
    #[error("cannot make the directory {} for the stream key: {}", directory.display(), source.kind())]
    Directory {
        /// Which.
        directory: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file cannot be read or written.
    #[error("cannot keep the stream key in {}: {}", file.display(), source.kind())]
    File {
        /// Which.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file has something else in it.
    #[error("{} does not hold a stream key", file.display())]
    Content {
        /// Which.
        file: PathBuf,
    },
    /// The system has no randomness.
    #[error("the system gives no random bytes for the stream key")]
    Random,
}

impl FirstKeyError {
    /// What to do, in one line.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::NoDirectory | Self::Directory { .. } => {
                "set [server] data_dir to a directory that this user may write, or list keys in [[apps.live.keys]]"
            }
            Self::File { .. } => {
                "let this user read and write the file, or list keys in [[apps.live.keys]]"
            }
            Self::Content { .. } => "remove the file; the next start makes another key",
            Self::Random => "check that /dev/urandom exists",
        }
    }
}

/// The directory for state: `[server] data_dir`, else systemd's, else that of the user.
///
/// # Errors
/// [`FirstKeyError::NoDirectory`].
pub fn data_dir(config: &Config, environment: &Environment) -> Result<PathBuf, FirstKeyError> {
    if let Some(directory) = &config.server.data_dir {
        return Ok(directory.clone());
    }
    // systemd lists several directories with colons between them; the first is the main one.
    let systemd = environment
        .get("STATE_DIRECTORY")
        .and_then(|list| list.split(':').next())
        .map(PathBuf::from);
    let of_user = || {
        let state = environment.get("XDG_STATE_HOME").map(PathBuf::from);
        let home = || Some(Path::new(environment.get("HOME")?).join(".local/state"));
        // A relative path there counts as not set, as the XDG base directory specification says.
        let state = state.filter(|path| path.is_absolute()).or_else(home)?;
        Some(state.join("bongsu"))
    };
    systemd.or_else(of_user).ok_or(FirstKeyError::NoDirectory)
}

/// Gives the key to every app that needs one. `None` when no app does; then nothing is read or made.
///
/// # Errors
/// [`FirstKeyError`].
pub fn ensure(
    config: &mut Config,
    environment: &Environment,
) -> Result<Option<FirstKey>, FirstKeyError> {
    if !config.apps.values().any(|app| app.needs_first_key()) {
        return Ok(None);
    }
    let first = load_or_make(&data_dir(config, environment)?)?;
    for app in config.apps.values_mut().filter(|app| app.needs_first_key()) {
        app.keys.push(StreamKey {
            name: None,
            key: first.key.clone(),
        });
    }
    Ok(Some(first))
}

fn load_or_make(directory: &Path) -> Result<FirstKey, FirstKeyError> {
    let file = directory.join(FILE_NAME);
    let failed = |source| FirstKeyError::File {
        file: file.clone(),
        source,
    };
    let new = !file.try_exists().map_err(failed)? && make(directory, &file)?;
    // Read back in either case: another process may have been faster.
    let metadata = fs::metadata(&file).map_err(failed)?;
    if metadata.permissions().mode() & 0o077 != 0 {
        fs::set_permissions(&file, Permissions::from_mode(FILE_MODE)).map_err(failed)?;
    }
    File::open(&file).map_err(failed)?;
    let key = read_secret(&file)
        .ok()
        .filter(|key| {
            key.len() >= KEY_BYTES && key.bytes().all(|byte| byte.is_ascii_alphanumeric())
        })
        .ok_or_else(|| FirstKeyError::Content { file: file.clone() })?;
    Ok(FirstKey {
        key: Secret::new(&key),
        file,
        new,
    })
}

/// Makes the file; `false` when another process made it first.
fn make(directory: &Path, file: &Path) -> Result<bool, FirstKeyError> {
    DirBuilder::new()
        .recursive(true)
        .mode(DIRECTORY_MODE)
        .create(directory)
        .map_err(|source| FirstKeyError::Directory {
            directory: directory.to_owned(),
            source,
        })?;
    let (key, draft) = (random_digits()?, random_digits()?);

    // Whole or not at all: a file that a crash cut short would be read as a key. And never in place of a file that is
    // there: another first start may have printed its key already.
    let draft = directory.join(format!(".{FILE_NAME}.{draft}"));
    let made = write_private(&draft, &key).and_then(|()| fs::hard_link(&draft, file));
    let _ = fs::remove_file(&draft);
    match made {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(source) => Err(FirstKeyError::File {
            file: file.to_owned(),
            source,
        }),
    }
}

fn random_digits() -> Result<String, FirstKeyError> {
    let mut random = [0; KEY_BYTES];
    getrandom::fill(&mut random).map_err(|_| FirstKeyError::Random)?;
    Ok(random.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(FILE_MODE)
        .open(path)?;
    writeln!(file, "{text}")?;
    file.sync_all()
}
