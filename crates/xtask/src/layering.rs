//! Which crate may depend on which.

use std::collections::BTreeSet;

use crate::workspace::{cargo, output_of};

/// Crates that stay free of any async runtime: bytes and time go in, bytes and events come out.
const PURE: [&str; 3] = ["bongsu-rtmp", "bongsu-flv", "bongsu-hub"];
/// What would be a runtime.
const RUNTIMES: [&str; 8] = [
    "tokio",
    "mio",
    "async-std",
    "async-io",
    "async-executor",
    "smol",
    "futures-executor",
    "socket2",
];
/// Every crate that is published or shipped, with those of ours that it may use.
const ARROWS: [(&str, &[&str]); 6] = [
    ("bongsu-net", &[]),
    ("bongsu-rtmp", &[]),
    ("bongsu-flv", &[]),
    ("bongsu-hub", &["bongsu-flv"]),
    (
        "bongsu-server",
        &["bongsu-flv", "bongsu-hub", "bongsu-net", "bongsu-rtmp"],
    ),
    (
        "bongsu",
        &["bongsu-flv", "bongsu-net", "bongsu-rtmp", "bongsu-server"],
    ),
];
/// Largest number of packages in the graph of the binary: what keeps a first build short.
const PACKAGES_MAX: usize = 300;

/// Fails with the first arrow that points the wrong way.
pub(crate) fn check() -> Result<(), String> {
    for package in PURE {
        let used = dependencies(package, None)?;
        if let Some(runtime) = RUNTIMES.into_iter().find(|runtime| used.contains(*runtime)) {
            return Err(format!(
                "layering: {package} reaches {runtime}; type: cargo tree -p {package} -i {runtime}"
            ));
        }
        println!(
            "{package} reaches no async runtime ({} packages)",
            used.len()
        );
    }
    for (package, allowed) in ARROWS {
        let used = dependencies(package, Some(1))?;
        let wrong = used.iter().find(|name| {
            name.starts_with("bongsu") && *name != package && !allowed.contains(&name.as_str())
        });
        if let Some(wrong) = wrong {
            return Err(format!("layering: {package} may not depend on {wrong}"));
        }
    }
    println!("the arrows between the crates hold");
    let count = dependencies("bongsu", None)?.len();
    if count > PACKAGES_MAX {
        return Err(format!(
            "layering: {count} packages in the graph of bongsu, at most {PACKAGES_MAX}"
        ));
    }
    println!("{count} packages in the graph of bongsu (at most {PACKAGES_MAX})");
    Ok(())
}

/// What `package` is built from, itself included, down to `depth` arrows.
fn dependencies(package: &str, depth: Option<u32>) -> Result<BTreeSet<String>, String> {
    let mut command = cargo(&[
        "tree",
        "--locked",
        "--edges",
        "normal,build",
        "--prefix",
        "none",
    ]);
    command.args(["--package", package]);
    if let Some(depth) = depth {
        command.args(["--depth", &depth.to_string()]);
    }
    Ok(names(&output_of(&mut command)?))
}

/// The first version of a package goes by its name, a further one by name and version: two versions are two builds.
fn names(tree: &str) -> BTreeSet<String> {
    let lines: BTreeSet<(&str, &str)> = tree
        .lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            Some((words.next()?, words.next().unwrap_or_default()))
        })
        .collect();
    let mut names = BTreeSet::new();
    for (name, version) in lines {
        if !names.insert(name.to_owned()) {
            names.insert(format!("{name} {version}"));
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_line_counts_once_and_a_second_version_counts() {
        let tree = "bongsu v0.1.0 (/somewhere)\nbytes v1.12.0\nbytes v1.12.0 (*)\nsyn v1.0.1\nsyn v2.0.1\n";
        let names: Vec<String> = names(tree).into_iter().collect();
        assert_eq!(names, ["bongsu", "bytes", "syn", "syn v2.0.1"]);
    }
}
