//! Goal: defaults < file < environment < flags, with one test per boundary.

use std::path::PathBuf;
use std::time::Duration;

use bongsu_server::config::{Config, Flag, FlagValue, PublishPolicy, Sources};

use crate::environment;

/// A file of this process that is removed at the end of its test.
struct TempFile(PathBuf);

impl TempFile {
    fn new(name: &str, text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("bongsu-{name}-{}", std::process::id()));
        std::fs::write(&path, text).unwrap();
        Self(path)
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn load(file: Option<&TempFile>, variables: &[(&str, &str)], flags: Vec<Flag>) -> Config {
    Config::load(&Sources {
        file: file.map(|file| file.0.clone()),
        environment: environment(variables),
        flags,
    })
    .unwrap_or_else(|problems| panic!("{problems}"))
}

fn flag(value: &str) -> Flag {
    Flag {
        flag: "--drain",
        path: &["server", "drain_timeout"],
        value: FlagValue::Text(value.to_owned()),
    }
}

fn drain(config: &Config) -> u64 {
    config.server.drain_timeout.as_secs()
}

#[test]
fn without_any_source_there_are_the_defaults() {
    let config = load(None, &[], Vec::new());
    assert_eq!(drain(&config), 25);
    assert_eq!(config.apps, Config::default().apps);
    assert!(config.apps["live"].needs_first_key());
}

#[test]
fn the_file_wins_over_the_default() {
    let file = TempFile::new("order-file", "[server]\ndrain_timeout = \"1s\"\n");
    assert_eq!(drain(&load(Some(&file), &[], Vec::new())), 1);
}

#[test]
fn the_environment_wins_over_the_file() {
    let file = TempFile::new("order-environment", "[server]\ndrain_timeout = \"1s\"\n");
    let variables = [("BONGSU_SERVER__DRAIN_TIMEOUT", "2s")];
    assert_eq!(drain(&load(Some(&file), &variables, Vec::new())), 2);
}

#[test]
fn a_flag_wins_over_the_environment() {
    let variables = [("BONGSU_SERVER__DRAIN_TIMEOUT", "2s")];
    assert_eq!(drain(&load(None, &variables, vec![flag("3s")])), 3);
}

#[test]
fn a_flag_wins_over_the_file() {
    let file = TempFile::new("order-flag", "[server]\ndrain_timeout = \"1s\"\n");
    assert_eq!(drain(&load(Some(&file), &[], vec![flag("3s")])), 3);
}

#[test]
fn a_variable_that_is_set_but_empty_changes_nothing() {
    let variables = [("BONGSU_SERVER__DRAIN_TIMEOUT", "")];
    assert_eq!(drain(&load(None, &variables, Vec::new())), 25);
}

#[test]
fn a_variable_is_toml_or_else_a_text() {
    let listen = |value| {
        load(None, &[("BONGSU_RTMP__LISTEN", value)], Vec::new())
            .rtmp
            .listen
            .len()
    };
    assert_eq!(listen("0.0.0.0:1935"), 1);
    assert_eq!(listen("[\"127.0.0.1:1935\", \"[::1]:1935\"]"), 2);
    let token = |value| {
        load(None, &[("BONGSU_HTTP__TOKEN", value)], Vec::new())
            .http
            .token
            .unwrap()
    };
    assert!(token("00123456789012345").matches("00123456789012345"));
    assert!(token("12345678901234567").matches("12345678901234567"));
    assert!(token("2024-01-01").matches("2024-01-01"));
    assert!(token("1e5").matches("1e5"));
    assert!(token("true").matches("true"));
    assert!(token("\"quoted\"").matches("quoted"));
}

#[test]
fn a_variable_finds_apps_and_lists_of_the_file() {
    let file = TempFile::new(
        "order-apps",
        "[apps.My-App]\nhold = \"1s\"\n[[apps.My-App.push]]\nname = \"a\"\nurl = \"rtmp://h/a/b\"\n",
    );
    let variables = [
        ("BONGSU_APPS__MY_APP__HOLD", "7s"),
        ("BONGSU_APPS__MY_APP__PUSH__0__URL", "rtmp://other/a/{name}"),
        ("BONGSU_APPS__NEW__PUBLISH", "open"),
    ];
    let config = load(Some(&file), &variables, Vec::new());
    let app = &config.apps["My-App"];
    assert_eq!(app.hold, Duration::from_secs(7));
    assert_eq!(app.push[0].url.to_string(), "rtmp://other/a/{name}");
    assert_eq!(config.apps["new"].publish, PublishPolicy::Open);
    assert_eq!(config.apps.len(), 2);
}

#[test]
fn a_section_in_a_variable_merges_with_the_file_and_a_longer_path_wins() {
    let file = TempFile::new(
        "order-merge",
        "[apps.live]\nhold = \"1s\"\nplay_wait = \"1s\"\n",
    );
    let variables = [
        (
            "BONGSU_APPS__LIVE",
            "{hold = \"2s\", publish_idle = \"2s\"}",
        ),
        ("BONGSU_APPS__LIVE__PUBLISH_IDLE", "3s"),
    ];
    let app = &load(Some(&file), &variables, Vec::new()).apps["live"];
    let seconds = [app.hold, app.play_wait, app.publish_idle].map(|duration| duration.as_secs());
    assert_eq!(seconds, [2, 1, 3]);
}

#[test]
fn a_variable_may_name_a_file_with_the_value() {
    let secret = TempFile::new("order-secret", "from-a-file-0123456789\n");
    let path = secret.0.to_str().unwrap();
    let config = load(None, &[("BONGSU_HTTP__TOKEN_FILE", path)], Vec::new());
    assert!(config.http.token.unwrap().matches("from-a-file-0123456789"));
}

#[test]
fn references_lead_to_variables_and_files_beside_the_configuration() {
    let secret = TempFile::new("order-reference", "from-a-file-0123456789\n");
    let name = secret.0.file_name().unwrap().to_str().unwrap();
    let file = TempFile::new(
        "order-references",
        &format!(
            "[http]\ntoken = \"{{file:{name}}}\"\n[[apps.live.keys]]\nname = \"cam\"\nkey = \"{{env:CAM}}\"\n\
             [[apps.live.push]]\nname = \"a\"\nurl = \"rtmp://h/a/{{env:CAM}}\"\n"
        ),
    );
    let config = load(Some(&file), &[("CAM", "from-a-variable-0123")], Vec::new());
    assert!(config.http.token.unwrap().matches("from-a-file-0123456789"));
    let app = &config.apps["live"];
    assert!(app.keys[0].key.matches("from-a-variable-0123"));
    assert_eq!(app.push[0].url.to_string(), "rtmp://h/a/***");
    let url = app.push[0]
        .url
        .expand("live", "cam", &Default::default())
        .unwrap();
    assert_eq!(url.stream_name(), "from-a-variable-0123");
}

#[test]
fn problems_of_variables_and_flags_name_them() {
    let problems = Config::load(&Sources {
        file: None,
        environment: environment(&[
            ("BONGSU_RTMP__LISTNE", "0.0.0.0:1935"),
            ("BONGSU_RTMP__BACKLOG__X", "1"),
            ("BONGSU_RTMP__BACKLOG", "1"),
        ]),
        flags: vec![flag("soon")],
    })
    .unwrap_err();
    assert_eq!(
        problems.to_string(),
        "\
error: the variable leads through a value that has no keys
  from: environment variable BONGSU_RTMP__BACKLOG__X
  try:  set the whole list or section in one variable, as TOML
error: unknown key `listne`
  from: environment variable BONGSU_RTMP__LISTNE, [rtmp] listne
  try:  write `listen`
error: \"soon\" is not a duration
  from: flag --drain, [server] drain_timeout
  try:  write a number with its unit, as in \"250ms\", \"15s\", \"2m\""
    );
}

#[test]
fn a_variable_with_one_underscore_too_few_is_a_warning() {
    let config = load(
        None,
        &[
            ("BONGSU_RTMP_LISTEN", "0.0.0.0:1935"),
            ("BONGSU_PORT_1935_TCP", "tcp://10.0.0.1:1935"),
        ],
        Vec::new(),
    );
    let [warning] = config.warnings.as_slice() else {
        panic!("{:?}", config.warnings);
    };
    assert_eq!(
        warning.titled("warning"),
        "\
warning: the variable is not used
  from: environment variable BONGSU_RTMP_LISTEN
  try:  write BONGSU_RTMP__LISTEN, with two underscores"
    );
}
