//! What is wrong with a configuration: what, where, and what to do.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use bongsu_rtmp::url::NameError;

use super::template::TemplateError;
use super::tree::Origin;

/// One problem of a configuration. `Display` is three lines: `error:` what, `from:` where, `try:` what to do.
#[derive(Debug, Clone)]
pub struct Problem {
    fault: Box<Fault>,
    origin: Origin,
    /// `[apps.live] hold`; empty when the problem is not with a key.
    key: String,
}

/// All problems of a configuration, in the order of their lines.
#[derive(Debug, Clone)]
pub struct Problems(Vec<Problem>);

/// What is wrong. `Display` is the what; it never shows a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    #[error("cannot read the configuration file {}: {reason}", file.display())]
    File { file: PathBuf, reason: FileFault },
    #[error("not valid TOML: {message}")]
    Syntax { message: String },
    #[error("unknown key `{key}`")]
    UnknownKey {
        key: String,
        nearest: Option<String>,
        known: Vec<&'static str>,
    },
    #[error("unknown section [{section}]")]
    UnknownSection {
        section: String,
        nearest: Option<String>,
        known: Vec<&'static str>,
    },
    #[error("RTMP over TLS ([rtmps]) is not supported yet")]
    TlsListener,
    #[error("`{key}` stands outside a section")]
    KeyOutside { key: String },
    #[error("the path is empty")]
    PathEmpty,
    #[error("expected {expected}, found {found}")]
    Type {
        expected: &'static str,
        found: &'static str,
        example: &'static str,
    },
    #[error("\"{value}\" is not a value of this key")]
    Word {
        value: String,
        nearest: Option<&'static str>,
        words: Vec<&'static str>,
    },
    #[error("\"{value}\" is not a duration")]
    Duration { value: String },
    #[error("\"{value}\" is not a size")]
    Size { value: String },
    #[error("{value} is out of range")]
    Range {
        value: String,
        min: String,
        max: String,
    },
    #[error("\"{value}\" is not an IP address with a port")]
    Address { value: String },
    #[error("\"{value}\" is not an IP address or network")]
    Network { value: String },
    #[error("the list is empty")]
    ListEmpty,
    #[error("the list has {count} entries, at most {max} are allowed")]
    ListLong { count: usize, max: usize },
    #[error("{address} is listed twice")]
    AddressTwice { address: SocketAddr },
    #[error("{address} is the address of [rtmp] as well")]
    AddressTaken { address: SocketAddr },
    #[error("{address} can be reached from other machines, and there is no token")]
    TokenMissing { address: SocketAddr },
    #[error("`{key}` is missing")]
    Missing {
        key: &'static str,
        example: &'static str,
    },
    #[error("the name \"{name}\" is used twice")]
    NameTwice { name: String },
    #[error("two entries have the same key")]
    KeyTwice,
    #[error("the app name \"{name}\" cannot be part of a URL")]
    AppName { name: String },
    #[error("\"{name}\" cannot be a stream name: {reason}")]
    StreamName { name: String, reason: NameError },
    #[error("\"{name}\" cannot be the name of a destination")]
    PushName { name: String },
    #[error("the secret is empty")]
    SecretEmpty,
    #[error("the secret has a space, a control character or one that is not ASCII")]
    SecretCharacter,
    #[error("the key has one of the characters ? & # % / \\ \" '")]
    KeyCharacter,
    #[error("the key has more than {max} characters")]
    KeyLong { max: usize },
    #[error("the environment variable {name} is not set")]
    VariableMissing { name: String },
    #[error("cannot read the secret in {}: {reason}", file.display())]
    SecretFile { file: PathBuf, reason: FileFault },
    #[error("`{{{text}}}` is not a reference")]
    Reference { text: String },
    #[error("{0}")]
    Url(TemplateError),
    #[error("`retry_min` is longer than `retry_max`")]
    RetryOrder,
    #[error("not a log filter")]
    Filter,
    #[error("the variable leads through a value that has no keys")]
    VariablePath,
    #[error("the key has only {characters} characters")]
    SecretShort { characters: usize },
    #[error("the keys are not used: the app is open")]
    KeysUnused,
    #[error("the variable is not used")]
    VariableUnused { probable: String },
}

/// Why a file cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileFault {
    /// It does not exist.
    #[error("no such file")]
    Missing,
    /// This user may not.
    #[error("permission denied")]
    Denied,
    /// It is a directory.
    #[error("it is a directory")]
    Directory,
    /// Larger than any such file is.
    #[error("it has more than {max} bytes")]
    Large {
        /// What is allowed.
        max: u64,
    },
    /// Not text.
    #[error("it is not UTF-8 text")]
    NotText,
    /// Anything else; the system's words.
    #[error("{0}")]
    Other(std::io::ErrorKind),
}

impl FileFault {
    /// The reason behind an error of the system.
    #[must_use]
    pub fn from_io(error: &std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::NotFound => Self::Missing,
            std::io::ErrorKind::PermissionDenied => Self::Denied,
            std::io::ErrorKind::IsADirectory => Self::Directory,
            std::io::ErrorKind::InvalidData => Self::NotText,
            other => Self::Other(other),
        }
    }
}

impl Problem {
    pub(super) fn new(fault: Fault, origin: Origin) -> Self {
        Self {
            fault: Box::new(fault),
            origin,
            key: String::new(),
        }
    }

    pub(super) fn at(fault: Fault, origin: Origin, key: impl Into<String>) -> Self {
        Self {
            fault: Box::new(fault),
            origin,
            key: key.into(),
        }
    }

    /// What is wrong, in one line.
    #[must_use]
    pub fn what(&self) -> String {
        self.fault.to_string()
    }

    /// File and line, variable or flag, with section and key.
    #[must_use]
    pub fn place(&self) -> String {
        if self.key.is_empty() {
            self.origin.to_string()
        } else {
            format!("{}, {}", self.origin, self.key)
        }
    }

    /// What to do, in one line.
    #[must_use]
    pub fn hint(&self) -> String {
        self.fault.hint()
    }

    /// The three lines under another first word than `error`.
    #[must_use]
    pub fn titled(&self, title: &str) -> String {
        let what = self.what();
        let hint = self.hint();
        if matches!(*self.fault, Fault::File { .. }) {
            return format!("{title}: {what}\n  try:  {hint}");
        }
        format!("{title}: {what}\n  from: {}\n  try:  {hint}", self.place())
    }

    fn order(&self) -> (usize, usize) {
        match &self.origin {
            Origin::File { line, .. } => (0, *line),
            Origin::Environment { .. } => (1, 0),
            Origin::Flag { .. } => (2, 0),
            Origin::Default => (3, 0),
        }
    }
}

impl Problems {
    pub(super) fn new(mut problems: Vec<Problem>) -> Self {
        sort(&mut problems);
        Self(problems)
    }

    /// The problems, at least one.
    #[must_use]
    pub fn as_slice(&self) -> &[Problem] {
        &self.0
    }
}

/// Puts problems in the order in which a reader of the file meets them.
pub(super) fn sort(problems: &mut [Problem]) {
    problems.sort_by_key(Problem::order);
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.titled("error"))
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problem {}
impl std::error::Error for Problems {}

impl Fault {
    /// What to do, in one line.
    fn hint(&self) -> String {
        match self {
            Self::SecretFile {
                reason: FileFault::Missing,
                ..
            } => "check the path; in a configuration file a relative one starts beside the file"
                .to_owned(),
            Self::File { reason, .. } | Self::SecretFile { reason, .. } => file_hint(reason),
            Self::UnknownKey {
                nearest: Some(key), ..
            } => format!("write `{key}`"),
            Self::UnknownSection {
                nearest: Some(section),
                ..
            } => format!("write [{section}]"),
            Self::UnknownKey { known, .. } => format!("use one of: {}", known.join(", ")),
            Self::UnknownSection { known, .. } => {
                format!("use one of: [{}]", known.join("], ["))
            }
            Self::Type { example, .. } => format!("write {example}"),
            Self::Missing { example, .. } => format!("add a line as in: {example}"),
            Self::Word {
                nearest: Some(word),
                ..
            } => format!("write \"{word}\""),
            Self::Word { words, .. } => format!("use one of: {}", words.join(", ")),
            Self::Range { min, max, .. } => format!("use a value from {min} to {max}"),
            Self::ListLong { max, .. } => format!("keep at most {max} of them"),
            Self::KeyLong { max } => format!("use at most {max} characters"),
            Self::VariableMissing { name } => {
                format!("set {name} before the start, or give the value in another way")
            }
            Self::Url(error) => error.hint(),
            Self::VariableUnused { probable } => format!("write {probable}, with two underscores"),
            other => other.fixed_hint().to_owned(),
        }
    }

    /// The hints that have no figures in them.
    const fn fixed_hint(&self) -> &'static str {
        match self {
            Self::Syntax { .. } => "correct the line; texts need quotes, lists need [ ]",
            Self::Duration { .. } => {
                "write a number with its unit, as in \"250ms\", \"15s\", \"2m\""
            }
            Self::Size { .. } => "write a number with its unit, as in \"64KiB\", \"8MiB\"",
            Self::Address { .. } => {
                "write an address and a port, as in \"0.0.0.0:1935\" or \"[::]:1935\""
            }
            Self::Network { .. } => {
                "write it as in \"192.168.0.0/16\", \"2001:db8::/32\" or \"192.0.2.7\""
            }
            Self::KeyOutside { .. } => "put it below a line with its section, as in [rtmp]",
            Self::TlsListener => {
                "remove the section; a TLS proxy in front can serve rtmps:// meanwhile"
            }
            Self::PathEmpty => "name a directory, or remove the key for the default",
            Self::ListEmpty => "give at least one address, or remove the key for the default",
            Self::AddressTwice { .. } => "remove one of the two",
            Self::AddressTaken { .. } => "give one of them another port",
            Self::TokenMissing { .. } => {
                "set [http] token = \"{env:NAME}\", or listen on 127.0.0.1 only"
            }
            Self::NameTwice { .. } => "give one of them another name",
            Self::KeyTwice => "make another key, as with: openssl rand -hex 16",
            Self::AppName { .. } => {
                "use letters, digits, dash, underscore and dot; [apps.\"*\"] is every other app"
            }
            Self::StreamName { .. } => {
                "use a name as in \"cam\" or \"room/cam\"; \"*\" is any name"
            }
            Self::PushName { .. } => "use letters, digits, dash, underscore and dot, at most 64",
            Self::SecretEmpty => "give a value, or remove the key",
            Self::SecretCharacter => "make one as with: openssl rand -hex 16",
            Self::KeyCharacter => {
                "use other characters, since the key is part of a URL; as with: openssl rand -hex 16"
            }
            Self::Reference { .. } => "use {env:NAME} for a variable, {file:path} for a file",
            Self::RetryOrder => "make retry_max at least as long as retry_min",
            Self::Filter => "write it as in \"info,bongsu_server=debug\"",
            Self::VariablePath => "set the whole list or section in one variable, as TOML",
            Self::SecretShort { .. } => {
                "use a longer random one, so that nobody guesses it; as with: openssl rand -hex 16"
            }
            Self::KeysUnused => "remove the keys, or set publish = \"key\"",
            _ => "read docs/config.md",
        }
    }
}

fn file_hint(reason: &FileFault) -> String {
    match reason {
        FileFault::Missing => "check the path; a relative one starts in the working directory",
        FileFault::Denied => "let the user of this process read it (chmod, chown)",
        FileFault::Directory => "name a file in it",
        FileFault::Large { .. } | FileFault::NotText => {
            "check that the path names the file you mean"
        }
        FileFault::Other(_) => "check the disk and the mount",
    }
    .to_owned()
}
