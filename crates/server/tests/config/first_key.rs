//! Goal: the key of the first start is made once, for nobody else's eyes, and found again.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use bongsu_server::config::first_key::{FirstKeyError, data_dir, ensure};
use bongsu_server::config::{Config, PublishPolicy};

use crate::environment;

/// A directory of one test that is removed at its end.
struct TempDir(PathBuf);

impl TempDir {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("bongsu-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Self(path)
    }

    fn config(&self) -> Config {
        let mut config = Config::default();
        config.server.data_dir = Some(self.0.clone());
        config
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn the_key_is_made_once_and_only_its_owner_may_read_it() {
    let directory = TempDir::new("first-key");
    let none = environment(&[]);
    let mut config = directory.config();
    let made = ensure(&mut config, &none).unwrap().unwrap();
    assert!(made.new);
    assert_eq!(made.file, directory.0.join("stream.key"));
    assert_eq!((mode(&directory.0), mode(&made.file)), (0o700, 0o600));
    assert_eq!(made.key.expose().len(), 32);
    assert!(
        made.key
            .expose()
            .bytes()
            .all(|byte| byte.is_ascii_hexdigit())
    );
    assert_eq!(
        fs::read_dir(&directory.0).unwrap().count(),
        1,
        "no draft is left"
    );
    let [key] = config.apps["live"].keys.as_slice() else {
        panic!("one key");
    };
    assert_eq!((key.name.as_ref(), &key.key), (None, &made.key));

    let found = ensure(&mut directory.config(), &none).unwrap().unwrap();
    assert!(!found.new);
    assert_eq!(found.key, made.key);
}

#[test]
fn two_directories_have_two_keys() {
    let none = environment(&[]);
    let (one, two) = (TempDir::new("first-key-one"), TempDir::new("first-key-two"));
    let key = |directory: &TempDir| ensure(&mut directory.config(), &none).unwrap().unwrap().key;
    assert_ne!(key(&one), key(&two));
}

#[test]
fn first_starts_at_the_same_time_agree_on_one_key() {
    for round in 0..20 {
        let directory = TempDir::new(&format!("first-key-race-{round}"));
        let together = std::sync::Barrier::new(8);
        let start = || {
            let mut config = directory.config();
            together.wait();
            ensure(&mut config, &environment(&[])).unwrap().unwrap()
        };
        let keys: Vec<_> = std::thread::scope(|scope| {
            let starts: Vec<_> = (0..8).map(|_| scope.spawn(start)).collect();
            starts
                .into_iter()
                .map(|start| start.join().unwrap())
                .collect()
        });
        assert_eq!(
            keys.iter().filter(|key| key.new).count(),
            1,
            "one of them made it"
        );
        assert!(
            keys.iter().all(|key| key.key == keys[0].key),
            "all have the same key"
        );
        assert_eq!(
            fs::read_dir(&directory.0).unwrap().count(),
            1,
            "no draft is left"
        );
    }
}

#[test]
fn a_file_that_others_may_read_is_closed_to_them() {
    let directory = TempDir::new("first-key-mode");
    let made = ensure(&mut directory.config(), &environment(&[]))
        .unwrap()
        .unwrap();
    fs::set_permissions(&made.file, fs::Permissions::from_mode(0o644)).unwrap();
    ensure(&mut directory.config(), &environment(&[])).unwrap();
    assert_eq!(mode(&made.file), 0o600);
}

#[test]
fn an_app_that_needs_no_key_leaves_the_directory_alone() {
    let directory = TempDir::new("first-key-open");
    let mut config = directory.config();
    config.apps.get_mut("live").unwrap().publish = PublishPolicy::Open;
    assert!(ensure(&mut config, &environment(&[])).unwrap().is_none());
    assert!(!directory.0.exists());
}

#[test]
fn what_is_no_key_is_refused_with_what_to_do() {
    let directory = TempDir::new("first-key-content");
    fs::create_dir_all(&directory.0).unwrap();
    for content in [
        "",
        "short",
        "0123456789abcdef 0123456789abcdef",
        "\u{0}\u{1}\u{2}",
    ] {
        fs::write(directory.0.join("stream.key"), content).unwrap();
        let error = ensure(&mut directory.config(), &environment(&[])).unwrap_err();
        assert!(matches!(error, FirstKeyError::Content { .. }), "{error}");
        assert_eq!(
            error.hint(),
            "remove the file; the next start makes another key"
        );
    }
}

#[test]
fn a_directory_that_cannot_be_made_says_so() {
    let directory = TempDir::new("first-key-blocked");
    fs::write(&directory.0, "a file").unwrap();
    let mut config = Config::default();
    config.server.data_dir = Some(directory.0.join("below"));
    let error = ensure(&mut config, &environment(&[])).unwrap_err();
    let text = error.to_string();
    fs::remove_file(&directory.0).unwrap();
    assert!(text.ends_with("not a directory"), "{text}");
}

#[test]
fn the_directory_is_that_of_the_setting_else_of_systemd_else_of_the_user() {
    let mut config = Config::default();
    let found = |config: &Config, variables: &[(&str, &str)]| {
        data_dir(config, &environment(variables)).map_err(|error| error.to_string())
    };
    let home = ("HOME", "/home/u");
    let state = ("XDG_STATE_HOME", "/home/u/state");
    let systemd = ("STATE_DIRECTORY", "/var/lib/bongsu:/var/lib/other");
    assert_eq!(
        found(&config, &[home]),
        Ok("/home/u/.local/state/bongsu".into())
    );
    assert_eq!(
        found(&config, &[home, state]),
        Ok("/home/u/state/bongsu".into())
    );
    assert_eq!(
        found(&config, &[home, ("XDG_STATE_HOME", "relative")]),
        Ok("/home/u/.local/state/bongsu".into())
    );
    assert_eq!(
        found(&config, &[home, state, systemd]),
        Ok("/var/lib/bongsu".into())
    );
    assert!(
        found(&config, &[])
            .unwrap_err()
            .starts_with("no directory for the stream key")
    );
    config.server.data_dir = Some("/data".into());
    assert_eq!(found(&config, &[home, state, systemd]), Ok("/data".into()));
}
