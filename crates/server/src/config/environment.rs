//! `BONGSU_SECTION__KEY`: environment variables laid over the file.

use std::collections::BTreeMap;
use std::path::Path;

use super::problem::{Fault, Problem};
use super::reference::read_secret;
use super::tree::{Node, Origin, Table, Value, parse_value};

/// What our variables start with.
const PREFIX: &str = "BONGSU_";

/// What stands between section and key.
const SEPARATOR: &str = "__";

/// At the end of a variable: its value is the path of a file with the setting.
const FILE_SUFFIX: &str = "_FILE";

/// The variables of the process, as a value so that tests need not change the real ones.
#[derive(Debug, Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// The variables of this process.
    #[must_use]
    pub fn of_process() -> Self {
        let text = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
        std::env::vars_os()
            .map(|(name, value)| (text(name), text(value)))
            .collect()
    }

    /// The value of a variable; an empty one counts as not set.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// Lays every `BONGSU_SECTION__KEY` over the tree. What is set twice: the longer path wins.
    pub(super) fn overlay(&self, tree: &mut Table, problems: &mut Vec<Problem>) {
        for (name, value) in self.ours() {
            let Some(path) = name
                .strip_prefix(PREFIX)
                .filter(|rest| rest.contains(SEPARATOR))
            else {
                continue;
            };
            let origin = Origin::Environment {
                variable: name.into(),
            };
            if let Err(fault) = overlay_one(tree, path, value, &origin) {
                problems.push(Problem::new(fault, origin));
            }
        }
    }

    /// Variables that miss the second underscore, with what they probably mean.
    pub(super) fn near_misses<'a>(
        &'a self,
        known: impl Iterator<Item = (&'a str, &'a str)> + Clone,
    ) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (name, _) in self.ours() {
            let meant = known.clone().find_map(|(section, key)| {
                let variable =
                    |separator| format!("{PREFIX}{section}{separator}{key}").to_ascii_uppercase();
                (variable("_") == name).then(|| variable(SEPARATOR))
            });
            if let Some(probable) = meant {
                let variable = name.into();
                problems.push(Problem::new(
                    Fault::VariableUnused { probable },
                    Origin::Environment { variable },
                ));
            }
        }
        problems
    }

    fn ours(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .filter(|(name, value)| name.starts_with(PREFIX) && !value.is_empty())
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl FromIterator<(String, String)> for Environment {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(variables: I) -> Self {
        Self(variables.into_iter().collect())
    }
}

fn overlay_one(tree: &mut Table, path: &str, value: &str, origin: &Origin) -> Result<(), Fault> {
    let (path, node) = match path.strip_suffix(FILE_SUFFIX) {
        Some(path) => (path, text_node(read_secret(Path::new(value))?, origin)),
        None => (path, node(value, origin)),
    };
    let mut path: Vec<String> = path.split(SEPARATOR).map(str::to_ascii_lowercase).collect();
    if let [section, app, ..] = path.as_mut_slice()
        && section == "apps"
        && let Some(listed) = listed_app(tree, app)
    {
        *app = listed;
    }
    tree.set(&path, node).map_err(|_| Fault::VariablePath)
}

/// The app of the file that a variable means: variables have no dashes and no lower case.
fn listed_app(tree: &Table, app: &str) -> Option<String> {
    let Value::Table(apps) = &tree.entries.get("apps")?.node.value else {
        return None;
    };
    apps.entries
        .keys()
        .find(|listed| listed.replace('-', "_").eq_ignore_ascii_case(app))
        .cloned()
}

/// A value as TOML, else as a text.
fn node(raw: &str, origin: &Origin) -> Node {
    match parse_value(raw, origin) {
        Some(value) => Node {
            raw: (!matches!(value, Value::Text(_))).then(|| raw.to_owned()),
            ..Node::new(value, origin.clone())
        },
        None => text_node(raw.to_owned(), origin),
    }
}

fn text_node(text: String, origin: &Origin) -> Node {
    Node::new(Value::Text(text), origin.clone())
}
