//! Braces in texts: placeholders of a template, and references to secrets that are kept elsewhere.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::environment::Environment;
use super::limits::SECRET_FILE_BYTES_MAX;
use super::problem::{Fault, FileFault, Problem};
use super::template::TemplateError;
use super::tree::Origin;

/// A stretch of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// As it stands in the text.
    Literal(String),
    /// What a reference led to: a secret.
    Hidden(String),
    /// What stood between braces and is no reference.
    Braced(String),
}

/// A brace without its other one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unbalanced;

/// Splits a text at its braces.
pub(super) fn split(text: &str) -> Result<Vec<Piece>, Unbalanced> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (inside, more) = after.split_once('}').ok_or(Unbalanced)?;
        if before.contains('}') || inside.contains('{') {
            return Err(Unbalanced);
        }
        if !before.is_empty() {
            pieces.push(Piece::Literal(before.to_owned()));
        }
        pieces.push(Piece::Braced(inside.to_owned()));
        rest = more;
    }
    if rest.contains('}') {
        return Err(Unbalanced);
    }
    if !rest.is_empty() {
        pieces.push(Piece::Literal(rest.to_owned()));
    }
    Ok(pieces)
}

/// Follows references.
#[derive(Debug)]
pub(super) struct References<'a> {
    pub(super) environment: &'a Environment,
    /// Where relative paths start: the directory of the configuration file.
    pub(super) base: PathBuf,
}

impl References<'_> {
    /// What `env:NAME` or `file:path` leads to; `None` when the text is neither.
    pub(super) fn follow(&self, text: &str) -> Option<Result<String, Fault>> {
        if let Some(name) = text.strip_prefix("env:") {
            let value = self.environment.get(name).map(str::to_owned);
            return Some(value.ok_or_else(|| Fault::VariableMissing {
                name: name.to_owned(),
            }));
        }
        let path = text.strip_prefix("file:")?;
        Some(read_secret(&self.base.join(path)))
    }

    /// A secret that is given as it is or as one reference.
    pub(super) fn secret(&self, text: &str) -> Result<String, Fault> {
        let inside = text
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'));
        let Some(inside) = inside else {
            return Ok(text.to_owned());
        };
        // The text may be a secret that only looks like a reference, so that the error shows its first word alone.
        self.follow(inside).unwrap_or_else(|| {
            let word = inside.split(':').next().unwrap_or_default();
            let known = ["env", "file"].contains(&word.to_ascii_lowercase().as_str());
            Err(Fault::Reference {
                text: if known { inside } else { "..." }.to_owned(),
            })
        })
    }

    /// The pieces of a template with its references followed.
    pub(super) fn pieces(&self, text: &str) -> Result<Result<Vec<Piece>, Fault>, Unbalanced> {
        let pieces = split(text)?.into_iter().map(|piece| match piece {
            Piece::Braced(inside) => match self.follow(&inside) {
                Some(value) => value.map(Piece::Hidden),
                None => Ok(Piece::Braced(inside)),
            },
            other => Ok(other),
        });
        Ok(pieces.collect())
    }
}

/// A text of the command line with its references `{env:NAME}` and `{file:path}` followed, so that a secret need not
/// stand where every user of the machine can read it. Relative paths start in the working directory.
///
/// # Errors
/// A [`Problem`] without a place; it shows nothing of the text but the name of a variable or file.
pub fn follow_references(text: &str, environment: &Environment) -> Result<String, Problem> {
    let problem = |fault| Problem::new(fault, Origin::Default);
    let references = References {
        environment,
        base: PathBuf::new(),
    };
    let pieces = references
        .pieces(text)
        .map_err(|Unbalanced| problem(Fault::Url(TemplateError::Unbalanced)))?
        .map_err(problem)?;
    let texts = pieces.into_iter().map(|piece| match piece {
        Piece::Literal(text) | Piece::Hidden(text) => Ok(text),
        // What else stands between braces may be a key.
        Piece::Braced(_) => Err(problem(Fault::Reference { text: "...".into() })),
    });
    texts.collect()
}

/// Reads a file that holds one secret; the line break at its end is no part of it.
pub(super) fn read_secret(path: &Path) -> Result<String, Fault> {
    let read = || {
        let mut text = String::new();
        File::open(path)?
            .take(SECRET_FILE_BYTES_MAX + 1)
            .read_to_string(&mut text)?;
        Ok(text)
    };
    let fault = |reason| Fault::SecretFile {
        file: path.to_owned(),
        reason,
    };
    let text = read().map_err(|error| fault(FileFault::from_io(&error)))?;
    if text.len() as u64 > SECRET_FILE_BYTES_MAX {
        let max = SECRET_FILE_BYTES_MAX;
        return Err(fault(FileFault::Large { max }));
    }
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_split_at_its_braces() {
        assert_eq!(
            split("a{b}c{}").unwrap(),
            [
                Piece::Literal("a".into()),
                Piece::Braced("b".into()),
                Piece::Literal("c".into()),
                Piece::Braced(String::new()),
            ]
        );
        assert_eq!(split("").unwrap(), []);
        for text in ["{", "}", "a{b", "a}b", "{a{b}}", "}{"] {
            assert_eq!(split(text), Err(Unbalanced), "{text}");
        }
    }

    #[test]
    fn a_secret_is_literal_or_one_reference() {
        let environment = Environment::from_iter([("KEY".to_owned(), "value".to_owned())]);
        let references = References {
            environment: &environment,
            base: PathBuf::new(),
        };
        assert_eq!(references.secret("plain").unwrap(), "plain");
        assert_eq!(references.secret("{env:KEY}").unwrap(), "value");
        assert_eq!(
            references.secret("{env:NONE}").unwrap_err().to_string(),
            "the environment variable NONE is not set"
        );
        assert_eq!(
            references.secret("{canary}").unwrap_err().to_string(),
            "`{...}` is not a reference"
        );
    }

    #[test]
    fn references_inside_a_text_are_followed_and_other_braces_are_refused() {
        let environment = Environment::from_iter([("KEY".to_owned(), "value".to_owned())]);
        let follow = |text| {
            follow_references(text, &environment)
                .map_err(|problem| format!("{}; {}", problem.what(), problem.hint()))
        };
        for (text, expected) in [
            ("rtmp://h/a/n", Ok("rtmp://h/a/n")),
            ("rtmp://h/a/n?key={env:KEY}", Ok("rtmp://h/a/n?key=value")),
            (
                "rtmp://h/a/{canary}",
                Err(
                    "`{...}` is not a reference; use {env:NAME} for a variable, {file:path} for a file",
                ),
            ),
            (
                "rtmp://h/a/{env:KEY",
                Err("a brace has no counterpart; close each { with }"),
            ),
            (
                "{env:NONE}",
                Err(
                    "the environment variable NONE is not set; set NONE before the start, or give the value in another way",
                ),
            ),
            (
                "{file:/nowhere/key}",
                Err(
                    "cannot read the secret in /nowhere/key: no such file; check the path; in a configuration file a relative one starts beside the file",
                ),
            ),
        ] {
            let expected = expected.map(str::to_owned).map_err(str::to_owned);
            assert_eq!(follow(text), expected, "{text}");
        }
    }

    #[test]
    fn a_secret_in_a_file_loses_its_line_break_and_has_a_largest_size() {
        let path = std::env::temp_dir().join(format!("bongsu-secret-{}", std::process::id()));
        let bytes = usize::try_from(SECRET_FILE_BYTES_MAX).unwrap();
        std::fs::write(&path, "s3cret\r\n").unwrap();
        assert_eq!(read_secret(&path).unwrap(), "s3cret");
        std::fs::write(&path, vec![b'a'; bytes]).unwrap();
        assert_eq!(read_secret(&path).unwrap().len(), bytes);
        std::fs::write(&path, vec![b'a'; bytes + 1]).unwrap();
        assert!(matches!(
            read_secret(&path),
            Err(Fault::SecretFile {
                reason: FileFault::Large { .. },
                ..
            })
        ));
        std::fs::remove_file(&path).unwrap();
        assert!(matches!(
            read_secret(&path),
            Err(Fault::SecretFile {
                reason: FileFault::Missing,
                ..
            })
        ));
    }
}
