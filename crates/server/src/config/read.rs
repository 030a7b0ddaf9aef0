//! Reading typed settings out of a section, and collecting what is wrong on the way.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::ListenAddr;
use super::limits;
use super::problem::{Fault, Problem};
use super::reference::References;
use super::secret::Secret;
use super::suggest::nearest;
use super::tree::{Entry, Node, Origin, Table, Value};

/// What is found while a tree is read.
#[derive(Debug)]
pub(super) struct Report<'a> {
    pub(super) references: References<'a>,
    problems: RefCell<Vec<Problem>>,
    warnings: RefCell<Vec<Problem>>,
    /// Section without app name, and key: every setting that exists.
    known: RefCell<BTreeSet<(&'static str, &'static str)>>,
}

impl<'a> Report<'a> {
    pub(super) fn new(references: References<'a>, problems: Vec<Problem>) -> Self {
        Self {
            references,
            problems: RefCell::new(problems),
            warnings: RefCell::default(),
            known: RefCell::default(),
        }
    }

    pub(super) fn problem(&self, problem: Problem) {
        self.problems.borrow_mut().push(problem);
    }

    pub(super) fn warn(&self, problem: Problem) {
        self.warnings.borrow_mut().push(problem);
    }

    /// Problems, warnings, and every setting that exists.
    pub(super) fn finish(self) -> (Vec<Problem>, Vec<Problem>, Known) {
        let known = self.known.into_inner();
        (
            self.problems.into_inner(),
            self.warnings.into_inner(),
            known,
        )
    }
}

/// Section without app name, and key.
pub(super) type Known = BTreeSet<(&'static str, &'static str)>;

/// A section that is being read. [`Section::finish`] reports keys that nobody asked for.
pub(super) struct Section<'r, 'a> {
    report: &'r Report<'a>,
    table: Option<&'r Table>,
    /// As in `apps.live.push`.
    name: String,
    /// One of several with the same name: `[[apps.live.push]]`.
    listed: bool,
    /// The same for every app: `apps.push`.
    kind: &'static str,
    origin: Origin,
    asked: RefCell<Vec<&'static str>>,
}

impl<'r, 'a> Section<'r, 'a> {
    /// A section of the root; one that is missing has no keys.
    pub(super) fn of_root(report: &'r Report<'a>, root: &'r Table, name: &'static str) -> Self {
        let entry = root.entries.get(name);
        Self::of(
            report,
            entry.map(|entry| &entry.node),
            name.to_owned(),
            name,
        )
    }

    /// The section that a node is.
    pub(super) fn of(
        report: &'r Report<'a>,
        node: Option<&'r Node>,
        name: String,
        kind: &'static str,
    ) -> Self {
        let section = Self {
            report,
            table: match node.map(|node| &node.value) {
                Some(Value::Table(table)) => Some(table),
                _ => None,
            },
            name,
            listed: kind == "apps.keys" || kind == "apps.push",
            kind,
            origin: node.map_or(Origin::Default, |node| node.origin.clone()),
            asked: RefCell::default(),
        };
        if let (Some(node), None) = (node, section.table) {
            let fault = wrong_type("a section", node, "[section] on a line of its own");
            report.problem(Problem::at(fault, node.origin.clone(), section.header()));
        }
        section
    }

    pub(super) const fn origin(&self) -> &Origin {
        &self.origin
    }

    pub(super) const fn report(&self) -> &'r Report<'a> {
        self.report
    }

    /// `[apps.live] hold`, for errors.
    pub(super) fn place(&self, key: &str) -> String {
        format!("{} {key}", self.header())
    }

    /// `[apps.live]` or `[[apps.live.push]]`.
    fn header(&self) -> String {
        if self.listed {
            format!("[[{}]]", self.name)
        } else {
            format!("[{}]", self.name)
        }
    }

    pub(super) fn fault(&self, fault: Fault, origin: &Origin, key: &str) {
        self.report
            .problem(Problem::at(fault, origin.clone(), self.place(key)));
    }

    pub(super) fn warn(&self, fault: Fault, origin: &Origin, key: &str) {
        self.report
            .warn(Problem::at(fault, origin.clone(), self.place(key)));
    }

    /// The node of a key, whatever it is.
    pub(super) fn node(&self, key: &'static str) -> Option<&'r Node> {
        let mut asked = self.asked.borrow_mut();
        if !asked.contains(&key) {
            asked.push(key);
        }
        self.report.known.borrow_mut().insert((self.kind, key));
        let entry: Option<&'r Entry> = self.table.and_then(|table| table.entries.get(key));
        entry.map(|entry| &entry.node)
    }

    /// A setting in the caller's own form. `None` when it is missing or wrong; the wrong one is reported.
    pub(super) fn read<T>(
        &self,
        key: &'static str,
        parse: impl FnOnce(&'r Node) -> Result<T, Fault>,
    ) -> Option<T> {
        let node = self.node(key)?;
        match parse(node) {
            Ok(value) => Some(value),
            Err(fault) => {
                self.fault(fault, &node.origin, key);
                None
            }
        }
    }

    pub(super) fn duration(
        &self,
        key: &'static str,
        range: &RangeInclusive<Duration>,
    ) -> Option<Duration> {
        self.read(key, |node| duration(node, range))
    }

    pub(super) fn number(&self, key: &'static str, range: &RangeInclusive<u64>) -> Option<u64> {
        self.read(key, |node| number(node, range))
    }

    /// A number whose range is within 32 bits.
    pub(super) fn number_u32(&self, key: &'static str, range: &RangeInclusive<u64>) -> Option<u32> {
        debug_assert!(*range.end() <= u64::from(u32::MAX));
        self.number(key, range)
            .and_then(|value| u32::try_from(value).ok())
    }

    /// A size in bytes whose range is within 32 bits.
    pub(super) fn size(&self, key: &'static str, range: &RangeInclusive<u32>) -> Option<u32> {
        self.read(key, |node| size(node, range))
    }

    /// One of a few words.
    pub(super) fn word<T: Copy>(
        &self,
        key: &'static str,
        words: &[(&'static str, T)],
    ) -> Option<T> {
        self.read(key, |node| {
            let value = text(node)?;
            let found = words.iter().find(|(word, _)| *word == value);
            found.map(|(_, meaning)| *meaning).ok_or_else(|| {
                let words: Vec<&'static str> = words.iter().map(|(word, _)| *word).collect();
                Fault::Word {
                    value: shown(value),
                    nearest: nearest(value, words.iter().copied()),
                    words,
                }
            })
        })
    }

    /// A key or token, given as it is or as a reference.
    pub(super) fn secret(&self, key: &'static str) -> Option<Secret> {
        self.read(key, |node| {
            let value = self.report.references.secret(text(node)?)?;
            check_secret(&value)?;
            Ok(Secret::new(&value))
        })
    }

    /// A list; one value stands for a list of one.
    pub(super) fn list(&self, key: &'static str, max: usize) -> Option<Vec<&'r Node>> {
        self.read(key, |node| {
            let items: Vec<&Node> = match &node.value {
                Value::List(items) => items.iter().collect(),
                _ => vec![node],
            };
            if items.len() > max {
                let count = items.len();
                return Err(Fault::ListLong { count, max });
            }
            Ok(items)
        })
    }

    /// A list read item by item; wrong items are reported and left out.
    pub(super) fn each<T>(
        &self,
        key: &'static str,
        max: usize,
        parse: impl Fn(&'r Node) -> Result<T, Fault>,
    ) -> Option<Vec<T>> {
        let items = self.list(key, max)?.into_iter();
        let values = items.filter_map(|node| match parse(node) {
            Ok(value) => Some(value),
            Err(fault) => {
                self.fault(fault, &node.origin, key);
                None
            }
        });
        Some(values.collect())
    }

    /// Addresses to listen on, each once.
    pub(super) fn listen(&self, key: &'static str) -> Option<Vec<ListenAddr>> {
        let mut listed: Vec<ListenAddr> = Vec::new();
        for addr in self.each(key, limits::LISTEN_ADDRESSES_MAX, listen_addr)? {
            // Port 0 is another port each time.
            if addr.addr().port() != 0 && listed.contains(&addr) {
                let address = addr.addr();
                self.fault(Fault::AddressTwice { address }, addr.origin(), key);
            } else {
                listed.push(addr);
            }
        }
        Some(listed)
    }

    /// Sections in a list: `[[apps.live.push]]`.
    pub(super) fn sections(&self, key: &'static str, kind: &'static str, max: usize) -> Vec<Self> {
        let items = self.list(key, max).unwrap_or_default();
        items
            .into_iter()
            .map(|node| {
                let name = format!("{}.{key}", self.name);
                Self::of(self.report, Some(node), name, kind)
            })
            .collect()
    }

    /// Reports keys that nobody asked for.
    pub(super) fn finish(self) {
        let asked = self.asked.take();
        let entries = self.table.map(|table| table.entries.iter());
        for (key, entry) in entries.into_iter().flatten() {
            if asked.contains(&key.as_str()) {
                continue;
            }
            let fault = Fault::UnknownKey {
                key: shown(key),
                nearest: nearest(key, asked.iter().copied()).map(str::to_owned),
                known: asked.clone(),
            };
            self.fault(fault, &entry.key_origin, &shown(key));
        }
    }
}

/// A text of the user as an error shows it: short and on one line.
pub(super) fn shown(text: &str) -> String {
    let mut shown: String = text
        .chars()
        .take(64)
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect();
    if text.chars().nth(64).is_some() {
        shown.push_str("...");
    }
    shown
}

pub(super) fn wrong_type(expected: &'static str, node: &Node, example: &'static str) -> Fault {
    Fault::Type {
        expected,
        found: node.kind(),
        example,
    }
}

/// A text. An environment variable that looks like a number is one as well.
pub(super) fn text(node: &Node) -> Result<&str, Fault> {
    match (&node.value, &node.raw, &node.origin) {
        (Value::Text(text), ..) => Ok(text),
        (_, Some(raw), Origin::Environment { .. }) => Ok(raw),
        _ => Err(wrong_type("a text", node, "it in quotes")),
    }
}

pub(super) fn duration(node: &Node, range: &RangeInclusive<Duration>) -> Result<Duration, Fault> {
    let Value::Text(text) = &node.value else {
        return Err(wrong_type(
            "a duration",
            node,
            "it with its unit and in quotes, as in \"15s\" or \"250ms\"",
        ));
    };
    let value =
        humantime::parse_duration(text).map_err(|_| Fault::Duration { value: shown(text) })?;
    if range.contains(&value) {
        return Ok(value);
    }
    let spelt = |duration: &Duration| humantime::format_duration(*duration).to_string();
    Err(Fault::Range {
        value: shown(text),
        min: spelt(range.start()),
        max: spelt(range.end()),
    })
}

pub(super) fn number(node: &Node, range: &RangeInclusive<u64>) -> Result<u64, Fault> {
    let Value::Integer(value) = node.value else {
        return Err(wrong_type(
            "a number",
            node,
            "digits without quotes, as in 100",
        ));
    };
    let value = value.and_then(|value| u64::try_from(value).ok());
    value
        .filter(|value| range.contains(value))
        .ok_or_else(|| Fault::Range {
            value: node.raw.clone().unwrap_or_default(),
            min: range.start().to_string(),
            max: range.end().to_string(),
        })
}

fn size(node: &Node, range: &RangeInclusive<u32>) -> Result<u32, Fault> {
    let Value::Text(text) = &node.value else {
        return Err(wrong_type(
            "a size",
            node,
            "it with its unit and in quotes, as in \"64KiB\" or \"8MiB\"",
        ));
    };
    let bytes = text
        .parse::<bytesize::ByteSize>()
        .map_err(|_| Fault::Size { value: shown(text) })?
        .as_u64();
    let value = u32::try_from(bytes).ok();
    value
        .filter(|value| range.contains(value))
        .ok_or_else(|| Fault::Range {
            value: shown(text),
            min: format!("{} bytes", range.start()),
            max: format!("{} bytes", range.end()),
        })
}

fn listen_addr(node: &Node) -> Result<ListenAddr, Fault> {
    let text = text(node)?;
    let addr: SocketAddr = text
        .parse()
        .map_err(|_| Fault::Address { value: shown(text) })?;
    Ok(ListenAddr::new(addr, node.origin.clone()))
}

fn check_secret(value: &str) -> Result<(), Fault> {
    if value.is_empty() {
        return Err(Fault::SecretEmpty);
    }
    if !value.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Fault::SecretCharacter);
    }
    Ok(())
}
