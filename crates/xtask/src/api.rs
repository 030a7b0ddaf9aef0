//! What strangers can call: `api.txt` of a published crate lists its public API, and a change of the API is a change of
//! that file. A line that goes breaks somebody.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use public_api::Builder;

use crate::workspace::{cargo, output_of, root, target_dir};

/// The crates for strangers, each with its folder.
const CRATES: [(&str, &str); 2] = [("bongsu-rtmp", "crates/rtmp"), ("bongsu-flv", "crates/flv")];
/// Auto traits that nobody relies on here: these crates have no futures and catch no panics.
const UNLISTED: [&str; 5] = [
    "core::marker::Freeze",
    "core::marker::Unpin",
    "core::marker::UnsafeUnpin",
    "core::panic::unwind_safe::RefUnwindSafe",
    "core::panic::unwind_safe::UnwindSafe",
];

/// Fails when an `api.txt` does not say what the crate offers, and prints the lines that differ.
pub(crate) fn check() -> Result<(), String> {
    let mut wrong = Vec::new();
    for (package, folder) in CRATES {
        let file = file_of(folder);
        let written = fs::read_to_string(&file).map_err(|error| {
            format!(
                "api: cannot read {}: {error}; type: cargo xtask api --write",
                file.display()
            )
        })?;
        let listing = listing(package)?;
        let differences = differences(&written, &listing);
        if differences.is_empty() {
            println!("{folder}/api.txt holds ({} lines)", listing.lines().count());
        } else {
            println!("{folder}/api.txt:");
            differences.iter().for_each(|line| println!("{line}"));
            wrong.push(package);
        }
    }
    if wrong.is_empty() {
        return Ok(());
    }
    Err(format!(
        "api: the public API of {} is not what its api.txt says, see above. When that is meant, type: cargo xtask api \
         --write. A line with `-` breaks its users: it needs a version and a line in CHANGELOG.md",
        wrong.join(" and ")
    ))
}

/// Writes the listings anew.
pub(crate) fn write() -> Result<(), String> {
    for (package, folder) in CRATES {
        let file = file_of(folder);
        fs::write(&file, listing(package)?)
            .map_err(|error| format!("api: cannot write {}: {error}", file.display()))?;
        println!("wrote {folder}/api.txt");
    }
    Ok(())
}

fn file_of(folder: &str) -> PathBuf {
    root().join(folder).join("api.txt")
}

/// The public API of a crate, an item a line.
fn listing(package: &str) -> Result<String, String> {
    let json = rustdoc_json(package)?;
    let items = |omit: bool| -> Result<Vec<String>, String> {
        let api = Builder::from_rustdoc_json(&json)
            .omit_blanket_impls(true)
            .omit_auto_trait_impls(omit)
            .omit_auto_derived_impls(omit)
            .build()
            .map_err(|error| format!("api: cannot read {}: {error}", json.display()))?;
        Ok(api.items().map(ToString::to_string).collect())
    };
    let written = items(true)?.into_iter().collect();
    let lines = lines(&written, items(false)?);
    Ok(format!(
        "# The public API of {package}. A line that goes breaks its users. Written by: cargo xtask api --write\n{lines}"
    ))
}

/// Of all items those that stand in the source, and of what the compiler adds the implementations: to lose `Clone` or
/// `Send` breaks strangers. What is reachable by two paths stands once.
fn lines(written: &BTreeSet<String>, all: Vec<String>) -> String {
    let mut seen = BTreeSet::new();
    all.into_iter()
        .filter(|item| written.contains(item) || is_listed(item))
        .filter(|item| seen.insert(item.clone()))
        .map(|item| item + "\n")
        .collect()
}

/// Whether an item that the compiler added is an implementation that strangers may rely on.
fn is_listed(item: &str) -> bool {
    let Some((left, _)) = item.split_once(" for ") else {
        return false;
    };
    let name = left.rsplit(' ').next().unwrap_or(left);
    left.starts_with("impl") && !UNLISTED.contains(&name.trim_start_matches('!'))
}

/// Has rustdoc describe a crate as JSON, and gives the file.
fn rustdoc_json(package: &str) -> Result<PathBuf, String> {
    // A folder of its own: build scripts look at RUSTC_BOOTSTRAP, and would build everything else again.
    let target = target_dir().join("api");
    let mut command = cargo(&["rustdoc", "--quiet", "--locked", "--lib", "--package"]);
    command
        .arg(package)
        .args(["--", "-Z", "unstable-options", "--output-format", "json"])
        .env("CARGO_TARGET_DIR", &target)
        .env("RUSTC_BOOTSTRAP", "1")
        .env_remove("RUSTDOCFLAGS");
    output_of(&mut command).map_err(|error| format!("api: {error}"))?;
    let file = target.join("doc").join(package.replace('-', "_") + ".json");
    let json = fs::read_to_string(&file)
        .map_err(|error| format!("api: cannot read {}: {error}", file.display()))?;
    readable(&json, &file).map(|()| file)
}

/// Fails, with what to do, when this toolchain's rustdoc writes a format that we do not read.
fn readable(json: &str, file: &Path) -> Result<(), String> {
    let found = format_version(json)
        .ok_or_else(|| format!("api: {} has no format version", file.display()))?;
    let read = rustdoc_types::FORMAT_VERSION;
    if found == read {
        return Ok(());
    }
    Err(format!(
        "api: rustdoc of this toolchain writes format {found}, and format {read} (Rust 1.95) is read. Type: cargo \
         +1.95.0 xtask api. Or raise `public-api` and `rustdoc-types` in crates/xtask/Cargo.toml to versions that read \
         format {found}"
    ))
}

/// The last number behind the key; documentation may hold the same words further up.
fn format_version(json: &str) -> Option<u32> {
    let (_, behind) = json.rsplit_once("\"format_version\":")?;
    let digits = behind.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

/// What is in only one of two listings: `-` gone, `+` new.
fn differences(written: &str, listing: &str) -> Vec<String> {
    let old: BTreeSet<&str> = written.lines().collect();
    let new: BTreeSet<&str> = listing.lines().collect();
    let gone = old.difference(&new).map(|line| format!("- {line}"));
    let added = new.difference(&old).map(|line| format!("+ {line}"));
    gone.chain(added).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_shows_what_is_gone_and_what_is_new() {
        let old = "pub fn a::f(u8)\npub fn a::g()\n";
        let new = "pub fn a::f(u16)\npub fn a::g()\npub fn a::h()\n";
        assert_eq!(
            differences(old, new),
            ["- pub fn a::f(u8)", "+ pub fn a::f(u16)", "+ pub fn a::h()"]
        );
        assert_eq!(differences(old, old), Vec::<String>::new());
    }

    #[test]
    fn derived_implementations_and_threads_are_listed_and_their_methods_are_not() {
        for listed in [
            "impl core::clone::Clone for a::T",
            "impl core::marker::StructuralPartialEq for a::T",
            "impl core::marker::Copy for a::T",
            "impl core::marker::Send for a::T",
            "impl !core::marker::Sync for a::T",
            "impl<E> core::marker::Send for a::T<E> where E: core::marker::Send",
            "impl<E: core::fmt::Debug> core::fmt::Debug for a::T<E>",
        ] {
            assert!(is_listed(listed), "{listed}");
        }
        for noise in [
            "impl core::marker::Freeze for a::T",
            "impl core::marker::Unpin for a::T",
            "impl core::panic::unwind_safe::UnwindSafe for a::T",
            "pub fn a::T::clone(&self) -> a::T",
            "pub fn a::f(impl core::marker::Send) for ",
        ] {
            assert!(!is_listed(noise), "{noise}");
        }
    }

    #[test]
    fn what_stands_in_the_source_is_listed_once_and_in_order() {
        let written = [
            "pub struct a::T".to_owned(),
            "pub fn a::T::clone(&self)".to_owned(),
        ];
        let all = vec![
            "pub struct a::T".to_owned(),
            "impl core::clone::Clone for a::T".to_owned(),
            "impl core::marker::Unpin for a::T".to_owned(),
            "pub fn a::T::clone(&self)".to_owned(),
            "pub fn a::T::fmt(&self)".to_owned(),
            "pub fn a::T::clone(&self)".to_owned(),
        ];
        assert_eq!(
            lines(&written.into_iter().collect(), all),
            "pub struct a::T\nimpl core::clone::Clone for a::T\npub fn a::T::clone(&self)\n"
        );
    }

    #[test]
    fn another_format_says_which_and_what_to_do() {
        let read = rustdoc_types::FORMAT_VERSION;
        let with = |version: u32| {
            format!("{{\"docs\":\"\\\"format_version\\\":1\",\"format_version\":{version}}}")
        };
        let file = Path::new("a.json");
        assert_eq!(readable(&with(read), file), Ok(()));
        let problem = readable(&with(read + 1), file).unwrap_err();
        assert!(problem.contains("writes format 58"), "{problem}");
        assert!(problem.contains("cargo +1.95.0 xtask api"), "{problem}");
        assert!(problem.contains("crates/xtask/Cargo.toml"), "{problem}");
        assert_eq!(
            readable("{}", file),
            Err("api: a.json has no format version".to_owned())
        );
    }
}
