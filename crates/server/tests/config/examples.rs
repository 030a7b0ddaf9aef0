//! Goal: the examples run, `full.toml` is complete and equals the defaults, and `docs/config.md` is made from it.

use std::fmt::Write as _;

use bongsu_server::config::{
    App, CodecChange, Compat, Config, Environment, Hevc, PublishPolicy, Sources, limits,
};

use crate::{compare, load, repository};

/// One key or section of `full.toml`.
struct Entry {
    section: String,
    key: String,
    value: String,
    /// True when the line is live: the value is the default.
    preset: bool,
    about: String,
}

/// `#key = ...` and `#[[section]]` are examples, `# words` are comments.
fn is_example(line: &str) -> bool {
    line.starts_with('#') && !line.starts_with("# ") && line != "#"
}

fn entries(text: &str) -> Vec<Entry> {
    let (mut entries, mut section, mut about) = (Vec::new(), String::new(), String::new());
    for line in text.lines() {
        let live = if is_example(line) { &line[1..] } else { line };
        if let Some(comment) = line.strip_prefix("# ") {
            let space = if about.is_empty() { "" } else { " " };
            write!(about, "{space}{comment}").unwrap();
        } else if live.starts_with('[') {
            section = live.trim_matches(['[', ']']).to_owned();
            about.clear();
        } else if let Some((key, value)) = live.split_once(" = ") {
            entries.push(Entry {
                section: section.replace(".live", ""),
                key: key.to_owned(),
                value: value.to_owned(),
                preset: !is_example(line),
                about: std::mem::take(&mut about),
            });
        } else {
            about.clear();
        }
    }
    entries
}

fn full() -> String {
    std::fs::read_to_string(repository("examples/full.toml")).unwrap()
}

#[test]
fn the_full_example_equals_the_defaults() {
    let config = load(&repository("examples/full.toml"), &[]).unwrap();
    let defaults = Config::default();
    assert_eq!(config.server, defaults.server);
    assert_eq!(config.rtmp, defaults.rtmp);
    assert_eq!(config.http, defaults.http);
    assert_eq!(config.limits, defaults.limits);
    assert_eq!(config.log, defaults.log);
    assert_eq!(config.apps, defaults.apps);
    assert!(config.warnings.is_empty());
}

#[test]
fn the_full_example_has_every_key_with_a_comment_and_no_other() {
    let text = full();
    let entries = entries(&text);
    let listed: Vec<(&str, &str)> = entries
        .iter()
        .map(|e| (e.section.as_str(), e.key.as_str()))
        .collect();
    for known in Config::keys() {
        // The lists of an app are sections of their own in the file.
        if known == ("apps", "keys") || known == ("apps", "push") {
            continue;
        }
        assert!(listed.contains(&known), "{known:?} is missing");
    }
    for entry in &entries {
        let known = (entry.section.as_str(), entry.key.as_str());
        assert!(Config::keys().contains(&known), "{known:?} does not exist");
        assert!(
            entry.about.ends_with('.'),
            "{known:?} has no comment: {}",
            entry.about
        );
    }
}

#[test]
fn what_the_full_example_only_shows_is_right_as_well() {
    let text = full();
    let lines = text
        .lines()
        .map(|line| if is_example(line) { &line[1..] } else { line });
    let path = std::env::temp_dir().join(format!("bongsu-full-{}", std::process::id()));
    std::fs::write(&path, lines.collect::<Vec<_>>().join("\n")).unwrap();
    let variables = [
        ("BONGSU_TOKEN", "0123456789abcdef"),
        ("CAM_KEY", "fedcba9876543210"),
    ];
    let config = load(&path, &variables);
    std::fs::remove_file(&path).unwrap();

    let config = config.unwrap_or_else(|problems| panic!("{problems}"));
    assert!(config.warnings.is_empty());
    let push = &config.apps["live"].push[0];
    assert_eq!(push.on_codec_change, CodecChange::Reconnect);
    assert_eq!((push.compat, push.hevc), (Compat::Forward, Hevc::AsSent));
    assert_eq!(
        (push.retry_min, push.retry_max),
        (limits::PUSH_RETRY_MIN, limits::PUSH_RETRY_MAX)
    );
}

#[test]
fn the_other_examples_are_valid_and_do_what_they_say() {
    let keys = [("YOUTUBE_KEY", "0123-4567"), ("TWITCH_KEY", "live_1_2")];
    let relay = load(&repository("examples/relay-three-destinations.toml"), &keys).unwrap();
    assert!(relay.warnings.is_empty());
    assert!(relay.apps["live"].needs_first_key());
    let pushes = relay.apps["live"].push.iter();
    assert_eq!(
        pushes
            .map(|push| (push.name.as_str(), push.url.to_string()))
            .collect::<Vec<_>>(),
        [
            ("youtube", "rtmp://a.rtmp.youtube.com/live2/***".to_owned()),
            ("twitch", "rtmp://live.twitch.tv/app/***".to_owned()),
            ("archive", "rtmp://127.0.0.1:1936/archive/{name}".to_owned()),
        ]
    );

    let lab = load(&repository("examples/open-lab.toml"), &[]).unwrap();
    assert!(lab.warnings.is_empty());
    assert_eq!(lab.apps["lab"].publish, PublishPolicy::Open);
    assert_eq!(lab.app("other"), Some(&App::default()));
    assert!(
        lab.rtmp
            .listen
            .iter()
            .all(|listen| listen.addr().ip().is_loopback())
    );
}

#[test]
fn every_example_is_tested_here() {
    let mut names: Vec<String> = std::fs::read_dir(repository("examples"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "full.toml",
            "open-lab.toml",
            "relay-three-destinations.toml"
        ]
    );
}

#[test]
fn the_table_of_keys_in_the_documents_is_made_from_the_full_example() {
    let path = repository("docs/config.md");
    let document = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = document.split_once("<!-- keys:").unwrap();
    let (marker, rest) = rest.split_once("-->\n").unwrap();
    let (_, after) = rest.split_once("<!-- end of keys -->").unwrap();
    let table = table(&entries(&full()));
    compare(
        &path,
        &format!("{before}<!-- keys:{marker}-->\n{table}<!-- end of keys -->{after}"),
    );
}

fn table(entries: &[Entry]) -> String {
    let (mut table, mut section) = (String::new(), "");
    for entry in entries {
        if entry.section != section {
            section = &entry.section;
            let header = match section {
                "apps" => "[apps.<name>]".to_owned(),
                "apps.keys" | "apps.push" => {
                    format!("[[{}]]", section.replace("apps", "apps.<name>"))
                }
                other => format!("[{other}]"),
            };
            write!(
                table,
                "\n### `{header}`\n\n| key | default | meaning |\n|---|---|---|\n"
            )
            .unwrap();
        }
        let (key, value) = (&entry.key, &entry.value);
        let (preset, example) = if entry.preset {
            (format!("`{value}`"), String::new())
        } else if let Some(preset) = default_of_a_list(section, key) {
            (format!("`\"{preset}\"`"), String::new())
        } else {
            (String::new(), format!(" As in `{value}`."))
        };
        let about = entry.about.replace('|', "\\|");
        writeln!(table, "| `{key}` | {preset} | {about}{example} |").unwrap();
    }
    table.push('\n');
    table
}

/// Sections in lists have no live lines; a push that names only what it must shows their defaults.
fn default_of_a_list(section: &str, key: &str) -> Option<String> {
    let variable = "[{name = \"a\", url = \"rtmp://h/a/b\"}]".to_owned();
    let environment = Environment::from_iter([("BONGSU_APPS__LIVE__PUSH".to_owned(), variable)]);
    let sources = Sources {
        environment,
        ..Sources::default()
    };
    let config = Config::load(&sources).unwrap();
    let push = &config.apps["live"].push[0];
    match (section, key) {
        ("apps.push", "on_codec_change") => {
            Some(format!("{:?}", push.on_codec_change).to_lowercase())
        }
        ("apps.push", "retry_min") => Some(format!("{:?}", push.retry_min)),
        ("apps.push", "retry_max") => Some(format!("{:?}", push.retry_max)),
        ("apps.push", "compat") => Some(format!("{:?}", push.compat).to_lowercase()),
        ("apps.push", "hevc") => (push.hevc == Hevc::AsSent).then(|| "as_sent".to_owned()),
        _ => None,
    }
}
