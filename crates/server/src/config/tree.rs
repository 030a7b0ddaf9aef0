//! Keys and values with the place each came from: what is read before anything is checked.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::{Fault, Problem};

/// Where a setting came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// A line of the file; lines count from 1.
    File {
        /// The file as the user named it.
        file: Arc<str>,
        /// The line of the value.
        line: usize,
    },
    /// An environment variable.
    Environment {
        /// Its name.
        variable: Arc<str>,
    },
    /// A flag of the command line.
    Flag {
        /// With its dashes.
        flag: &'static str,
    },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { file, line } => write!(f, "{file}:{line}"),
            Self::Environment { variable } => write!(f, "environment variable {variable}"),
            Self::Flag { flag } => write!(f, "flag {flag}"),
        }
    }
}

/// A value and its place.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) value: Value,
    pub(super) origin: Origin,
    /// The characters of a number in the file, or of a whole environment variable: what a setting that is a text
    /// takes when the value happens to look like something else.
    pub(super) raw: Option<String>,
}

/// What can stand behind a key.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Text(String),
    /// Out of range is `None`; no setting takes such a number.
    Integer(Option<i64>),
    Float,
    Bool,
    Date,
    List(Vec<Node>),
    Table(Table),
}

/// Keys with their own places and their values.
#[derive(Debug, Clone, Default)]
pub(super) struct Table {
    pub(super) entries: BTreeMap<String, Entry>,
}

/// One key of a table.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) key_origin: Origin,
    pub(super) node: Node,
}

impl Node {
    pub(super) const fn new(value: Value, origin: Origin) -> Self {
        Self {
            value,
            origin,
            raw: None,
        }
    }

    /// What the value is, for an error.
    pub(super) const fn kind(&self) -> &'static str {
        match self.value {
            Value::Text(_) => "a text",
            Value::Integer(_) => "a number",
            Value::Float => "a number with a fraction",
            Value::Bool => "true or false",
            Value::Date => "a date",
            Value::List(_) => "a list",
            Value::Table(_) => "a section",
        }
    }
}

impl Table {
    /// Sets a value behind a path of keys, making the sections on the way. Sections merge, everything else replaces.
    ///
    /// A segment that is a number goes into a list that is there already.
    pub(super) fn set(&mut self, path: &[String], node: Node) -> Result<(), NotASection> {
        let [key, rest @ ..] = path else {
            return Err(NotASection);
        };
        if rest.is_empty() {
            self.put(key, node);
            return Ok(());
        }
        let origin = node.origin.clone();
        let entry = self.entries.entry(key.clone()).or_insert_with(|| Entry {
            key_origin: origin.clone(),
            node: Node::new(Value::Table(Self::default()), origin),
        });
        entry.node.set(rest, node)
    }

    fn put(&mut self, key: &str, node: Node) {
        let Value::Table(more) = node.value else {
            self.replace(key, node);
            return;
        };
        let origin = node.origin;
        let entry = self.entries.entry(key.to_owned()).or_insert_with(|| Entry {
            key_origin: origin.clone(),
            node: Node::new(Value::Table(Self::default()), origin.clone()),
        });
        if let Value::Table(table) = &mut entry.node.value {
            for (key, entry) in more.entries {
                table.put(&key, entry.node);
            }
        } else {
            entry.node = Node::new(Value::Table(more), origin);
        }
    }

    fn replace(&mut self, key: &str, node: Node) {
        let key_origin = node.origin.clone();
        self.entries
            .insert(key.to_owned(), Entry { key_origin, node });
    }
}

impl Node {
    fn set(&mut self, path: &[String], node: Self) -> Result<(), NotASection> {
        match &mut self.value {
            Value::Table(table) => table.set(path, node),
            Value::List(list) => {
                let [index, rest @ ..] = path else {
                    return Err(NotASection);
                };
                let index: usize = index.parse().map_err(|_| NotASection)?;
                let item = list.get_mut(index).ok_or(NotASection)?;
                if rest.is_empty() {
                    *item = node;
                    return Ok(());
                }
                item.set(rest, node)
            }
            _ => Err(NotASection),
        }
    }
}

/// A path leads through a value that has no keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotASection;

/// Reads TOML text. The first error of the syntax ends it: what follows one is rarely worth reading.
pub(super) fn parse(file: &str, text: &str) -> Result<Table, Problem> {
    let lines = Lines {
        file: file.into(),
        text,
    };
    match DeTable::parse(text) {
        Ok(table) => Ok(lines.table(table.get_ref())),
        Err(error) => {
            let at = error.span().map_or(0, |span| span.start);
            let message = error.message().lines().next().unwrap_or("").to_owned();
            Err(Problem::new(Fault::Syntax { message }, lines.origin(at)))
        }
    }
}

/// Reads one TOML value, as an environment variable may hold it.
pub(super) fn parse_value(text: &str, origin: &Origin) -> Option<Value> {
    let value = DeValue::parse(text).ok()?;
    let places = OnePlace(origin);
    Some(places.value(value.get_ref()))
}

/// Turns spans into origins.
trait Places {
    fn origin(&self, at: usize) -> Origin;

    fn table(&self, table: &DeTable<'_>) -> Table {
        let entries = table
            .iter()
            .map(|(key, value)| {
                let entry = Entry {
                    key_origin: self.origin(key.span().start),
                    node: self.node(value),
                };
                (key.get_ref().to_string(), entry)
            })
            .collect();
        Table { entries }
    }

    fn node(&self, value: &Spanned<DeValue<'_>>) -> Node {
        let raw = match value.get_ref() {
            DeValue::Integer(digits) => Some(digits.as_str().to_owned()),
            _ => None,
        };
        Node {
            value: self.value(value.get_ref()),
            origin: self.origin(value.span().start),
            raw,
        }
    }

    fn value(&self, value: &DeValue<'_>) -> Value {
        match value {
            DeValue::String(text) => Value::Text(text.to_string()),
            DeValue::Integer(digits) => {
                Value::Integer(i64::from_str_radix(digits.as_str(), digits.radix()).ok())
            }
            DeValue::Float(_) => Value::Float,
            DeValue::Boolean(_) => Value::Bool,
            DeValue::Datetime(_) => Value::Date,
            DeValue::Array(items) => {
                Value::List(items.iter().map(|item| self.node(item)).collect())
            }
            DeValue::Table(table) => Value::Table(self.table(table)),
        }
    }
}

struct Lines<'a> {
    file: Arc<str>,
    text: &'a str,
}

impl Places for Lines<'_> {
    fn origin(&self, at: usize) -> Origin {
        let before = self.text.as_bytes().get(..at).unwrap_or_default();
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        Origin::File {
            file: Arc::clone(&self.file),
            line,
        }
    }
}

struct OnePlace<'a>(&'a Origin);

impl Places for OnePlace<'_> {
    fn origin(&self, _at: usize) -> Origin {
        self.0.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> Vec<String> {
        text.split('.').map(str::to_owned).collect()
    }

    fn flag(value: Value) -> Node {
        Node::new(value, Origin::Flag { flag: "--test" })
    }

    fn line(origin: &Origin) -> usize {
        match origin {
            Origin::File { line, .. } => *line,
            _ => 0,
        }
    }

    #[test]
    fn every_key_and_value_has_its_line() {
        let table = parse("f", "# one\n[a]\nb = [\n  1,\n  2]\n").unwrap();
        let Value::Table(a) = &table.entries["a"].node.value else {
            panic!("a is a section");
        };
        let b = &a.entries["b"];
        assert_eq!((line(&b.key_origin), line(&b.node.origin)), (3, 3));
        let Value::List(items) = &b.node.value else {
            panic!("b is a list");
        };
        assert_eq!(
            items
                .iter()
                .map(|item| line(&item.origin))
                .collect::<Vec<_>>(),
            [4, 5]
        );
    }

    #[test]
    fn setting_a_path_makes_sections_and_replaces_values() {
        let mut table = parse("f", "[a]\nb = 1\nc = 2\n").unwrap();
        table.set(&path("a.b"), flag(Value::Bool)).unwrap();
        table.set(&path("x.y.z"), flag(Value::Bool)).unwrap();
        let text = format!("{table:?}");
        assert!(text.contains("\"c\"") && text.contains("\"z\""), "{text}");
        assert_eq!(
            table.set(&path("a.b.c"), flag(Value::Bool)),
            Err(NotASection)
        );
    }

    #[test]
    fn a_number_in_a_path_goes_into_a_list_that_is_there() {
        let mut table = parse("f", "[[p]]\nurl = 1\n").unwrap();
        table.set(&path("p.0.url"), flag(Value::Bool)).unwrap();
        assert_eq!(
            table.set(&path("p.1.url"), flag(Value::Bool)),
            Err(NotASection)
        );
    }

    #[test]
    fn a_number_beyond_64_bits_is_read_as_no_number() {
        let table = parse("f", "a = 99999999999999999999\n").unwrap();
        assert!(matches!(
            table.entries["a"].node.value,
            Value::Integer(None)
        ));
    }
}
