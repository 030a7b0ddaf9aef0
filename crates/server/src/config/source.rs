//! Where a configuration comes from, and the order in which the sources are laid over each other.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::Config;
use super::build::build;
use super::environment::Environment;
use super::limits::FILE_BYTES_MAX;
use super::problem::{Fault, FileFault, Problem, Problems};
use super::reference::References;
use super::tree::{Node, Origin, Table, Value, parse};

/// File, environment and flags. The default has none of them.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// The configuration file.
    pub file: Option<PathBuf>,
    /// The variables that `BONGSU_SECTION__KEY` and `{env:NAME}` are looked up in.
    pub environment: Environment,
    /// Settings of the command line; a later one wins.
    pub flags: Vec<Flag>,
}

/// A setting of the command line.
#[derive(Debug, Clone)]
pub struct Flag {
    /// As the user typed it, with its dashes, for errors.
    pub flag: &'static str,
    /// Section and key.
    pub path: &'static [&'static str],
    /// What it is set to.
    pub value: FlagValue,
}

/// What a flag holds.
#[derive(Debug, Clone)]
pub enum FlagValue {
    /// One text, checked like one from the file.
    Text(String),
    /// A list: all of them together replace the list of file and environment.
    List(Vec<String>),
}

pub(super) fn load(sources: &Sources) -> Result<Config, Problems> {
    let mut problems = Vec::new();
    let mut tree = match &sources.file {
        Some(file) => read(file).map_err(|problem| Problems::new(vec![problem]))?,
        None => Table::default(),
    };
    sources.environment.overlay(&mut tree, &mut problems);
    for flag in &sources.flags {
        overlay(&mut tree, flag, &mut problems);
    }
    let references = References {
        environment: &sources.environment,
        base: base(sources.file.as_deref()),
    };
    build(&tree, references, problems)
}

/// Where relative paths of the file start.
fn base(file: Option<&Path>) -> PathBuf {
    file.and_then(Path::parent)
        .map_or_else(PathBuf::new, Path::to_owned)
}

fn read(file: &Path) -> Result<Table, Problem> {
    let fault = |reason| {
        let file = file.to_owned();
        Problem::new(Fault::File { file, reason }, Origin::Default)
    };
    let mut text = String::new();
    File::open(file)
        .and_then(|open| open.take(FILE_BYTES_MAX + 1).read_to_string(&mut text))
        .map_err(|error| fault(FileFault::from_io(&error)))?;
    if text.len() as u64 > FILE_BYTES_MAX {
        return Err(fault(FileFault::Large {
            max: FILE_BYTES_MAX,
        }));
    }
    parse(&file.display().to_string(), &text)
}

fn overlay(tree: &mut Table, flag: &Flag, problems: &mut Vec<Problem>) {
    let origin = Origin::Flag { flag: flag.flag };
    let text = |text: &String| Node::new(Value::Text(text.clone()), origin.clone());
    let node = match &flag.value {
        FlagValue::Text(value) => text(value),
        FlagValue::List(values) => {
            let items = values.iter().map(text).collect();
            Node::new(Value::List(items), origin.clone())
        }
    };
    let path: Vec<String> = flag.path.iter().map(|key| (*key).to_owned()).collect();
    if tree.set(&path, node).is_err() {
        problems.push(Problem::new(Fault::VariablePath, origin));
    }
}
