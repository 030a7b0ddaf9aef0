//! From a tree of keys and values to a [`Config`]: every section, every key, every rule between them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use bongsu_hub::Takeover;
use bongsu_rtmp::limits as wire;
use bongsu_rtmp::url::StreamPath;
use tracing_subscriber::EnvFilter;

use super::app::{App, CodecChange, Compat, Hevc, Mode, PublishPolicy, Push, StreamKey};
use super::problem::{Fault, Problem, Problems, sort};
use super::read::{Known, Report, Section, number, shown, text, wrong_type};
use super::reference::{References, Unbalanced};
use super::suggest::nearest;
use super::tree::{Node, Origin, Table, Value, parse};
use super::{
    ANY_APP, Config, DEFAULT_APP, Environment, Http, Limits, ListenAddr, Log, LogFormat, LogLevel,
    Network, Rtmp, Server, TemplateError, UrlTemplate, Workers, limits,
};

/// The sections of the file.
const SECTIONS: [&str; 6] = ["server", "rtmp", "http", "limits", "log", "apps"];

/// Reads the whole tree. `problems` are those of the sources before.
pub(super) fn build(
    tree: &Table,
    references: References<'_>,
    problems: Vec<Problem>,
) -> Result<Config, Problems> {
    build_known(tree, references, problems).0
}

/// Every setting that exists: its section, `apps` for `[apps.live]`, and its key.
pub(super) fn known() -> Known {
    let sample = "[apps.live]\nkeys = [{}]\npush = [{}]\n";
    let environment = Environment::default();
    let references = References {
        environment: &environment,
        base: PathBuf::new(),
    };
    parse("sample", sample).map_or_else(
        |_| Known::new(),
        |tree| build_known(&tree, references, Vec::new()).1,
    )
}

/// As [`build`], with every setting that exists.
fn build_known(
    tree: &Table,
    references: References<'_>,
    problems: Vec<Problem>,
) -> (Result<Config, Problems>, Known) {
    let environment = references.environment;
    let report = Report::new(references, problems);
    let mut config = Config {
        server: server(Section::of_root(&report, tree, "server")),
        rtmp: rtmp(Section::of_root(&report, tree, "rtmp")),
        http: http(Section::of_root(&report, tree, "http")),
        limits: relay_limits(Section::of_root(&report, tree, "limits")),
        log: log(Section::of_root(&report, tree, "log")),
        apps: apps(&report, tree),
        warnings: Vec::new(),
    };
    check_listeners(&report, &config);
    unknown_sections(&report, tree);

    let (problems, mut warnings, known) = report.finish();
    warnings.extend(environment.near_misses(known.iter().copied()));
    sort(&mut warnings);
    config.warnings = warnings;
    if problems.is_empty() {
        (Ok(config), known)
    } else {
        (Err(Problems::new(problems)), known)
    }
}

fn unknown_sections(report: &Report<'_>, tree: &Table) {
    for (section, entry) in &tree.entries {
        if SECTIONS.contains(&section.as_str()) {
            continue;
        }
        let fault = match &entry.node.value {
            Value::Table(_) if section == "rtmps" => Fault::TlsListener,
            Value::Table(_) => Fault::UnknownSection {
                section: shown(section),
                nearest: nearest(section, SECTIONS).map(str::to_owned),
                known: SECTIONS.to_vec(),
            },
            _ => Fault::KeyOutside {
                key: shown(section),
            },
        };
        report.problem(Problem::new(fault, entry.key_origin.clone()));
    }
}

fn server(section: Section<'_, '_>) -> Server {
    let preset = Server::default();
    let workers = section.read("workers", |node| match &node.value {
        Value::Text(word) if word == "auto" => Ok(Workers::Auto),
        Value::Integer(_) => {
            let count = number(node, &limits::WORKERS_RANGE)?;
            Ok(usize::try_from(count).map_or(Workers::Auto, Workers::Count))
        }
        _ => Err(wrong_type("a number or \"auto\"", node, "4 or \"auto\"")),
    });
    let data_dir = section.read("data_dir", |node| match text(node)? {
        "" => Err(Fault::PathEmpty),
        path => Ok(section.report().references.base.join(path)),
    });
    let server = Server {
        workers: workers.unwrap_or(preset.workers),
        data_dir,
        drain_timeout: section
            .duration("drain_timeout", &limits::DRAIN_TIMEOUT_RANGE)
            .unwrap_or(preset.drain_timeout),
    };
    section.finish();
    server
}

fn rtmp(section: Section<'_, '_>) -> Rtmp {
    let preset = Rtmp::default();
    let listen = section.listen("listen");
    if listen.as_ref().is_some_and(Vec::is_empty)
        && let Some(node) = section.node("listen")
        && matches!(&node.value, Value::List(items) if items.is_empty())
    {
        section.fault(Fault::ListEmpty, &node.origin, "listen");
    }
    let rtmp = Rtmp {
        listen: listen.unwrap_or(preset.listen),
        backlog: section
            .number_u32("backlog", &limits::BACKLOG_RANGE)
            .unwrap_or(preset.backlog),
    };
    section.finish();
    rtmp
}

fn http(section: Section<'_, '_>) -> Http {
    let http = Http {
        listen: section
            .listen("listen")
            .unwrap_or_else(|| Http::default().listen),
        token: section.secret("token"),
    };
    if let (Some(token), Some(node)) = (&http.token, section.node("token")) {
        warn_short(&section, "token", token.expose(), node);
    }
    let wide = http.listen.iter().find(|listen| !is_loopback(listen));
    if let (Some(listen), None) = (wide, section.node("token")) {
        let address = listen.addr();
        section.fault(Fault::TokenMissing { address }, listen.origin(), "listen");
    }
    section.finish();
    http
}

fn is_loopback(listen: &ListenAddr) -> bool {
    listen.addr().ip().to_canonical().is_loopback()
}

/// Two listeners on one address: the second would fail at the start, with a less helpful error.
fn check_listeners(report: &Report<'_>, config: &Config) {
    for listen in &config.http.listen {
        if listen.addr().port() != 0 && config.rtmp.listen.contains(listen) {
            let fault = Fault::AddressTaken {
                address: listen.addr(),
            };
            report.problem(Problem::at(fault, listen.origin().clone(), "[http] listen"));
        }
    }
}

fn relay_limits(section: Section<'_, '_>) -> Limits {
    let preset = Limits::default();
    let number = |key, range, preset| section.number_u32(key, range).unwrap_or(preset);
    let per_address = |key, preset| number(key, &limits::PER_ADDRESS_RANGE, preset);
    let deadline = |key, preset| {
        section
            .duration(key, &limits::DEADLINE_RANGE)
            .unwrap_or(preset)
    };
    let size = |key, max, preset| {
        let least = wire::MESSAGE_BYTES_BEFORE_AUTHORISATION_MAX;
        section.size(key, &(least..=max)).unwrap_or(preset)
    };
    let trusted = section.each("trusted", limits::TRUSTED_NETWORKS_MAX, |node| {
        let text = text(node)?;
        text.parse::<Network>()
            .map_err(|_| Fault::Network { value: shown(text) })
    });
    let limits = Limits {
        trusted: trusted.unwrap_or(preset.trusted),
        connections: number(
            "connections",
            &limits::CONNECTIONS_RANGE,
            preset.connections,
        ),
        handshakes: number("handshakes", &limits::HANDSHAKES_RANGE, preset.handshakes),
        handshakes_per_address: per_address(
            "handshakes_per_address",
            preset.handshakes_per_address,
        ),
        connections_per_address: per_address(
            "connections_per_address",
            preset.connections_per_address,
        ),
        connects_per_second: per_address("connects_per_second", preset.connects_per_second),
        connects_burst: per_address("connects_burst", preset.connects_burst),
        wrong_keys_per_minute: number(
            "wrong_keys_per_minute",
            &limits::WRONG_KEYS_RANGE,
            preset.wrong_keys_per_minute,
        ),
        handshake_timeout: deadline("handshake_timeout", preset.handshake_timeout),
        request_timeout: deadline("request_timeout", preset.request_timeout),
        media_bytes: size("media_bytes", wire::MEDIA_BYTES_MAX, preset.media_bytes),
        data_bytes: size("data_bytes", wire::AMF_BODY_BYTES_MAX, preset.data_bytes),
    };
    section.finish();
    limits
}

fn log(section: Section<'_, '_>) -> Log {
    let preset = Log::default();
    let filter = section.read("filter", |node| {
        let directives = text(node)?;
        EnvFilter::try_new(directives).map_err(|_| Fault::Filter)?;
        Ok(directives.to_owned())
    });
    let log = Log {
        format: section
            .word(
                "format",
                &[("text", LogFormat::Text), ("json", LogFormat::Json)],
            )
            .unwrap_or(preset.format),
        level: section
            .word("level", &LogLevel::ALL.map(|level| (level.as_str(), level)))
            .unwrap_or(preset.level),
        filter: filter.filter(|directives| !directives.is_empty()),
    };
    section.finish();
    log
}

fn apps(report: &Report<'_>, tree: &Table) -> BTreeMap<String, App> {
    let Some(entry) = tree.entries.get("apps") else {
        return Config::default().apps;
    };
    let Value::Table(table) = &entry.node.value else {
        let fault = wrong_type("a section", &entry.node, "[apps.live] on a line of its own");
        report.problem(Problem::at(fault, entry.node.origin.clone(), "[apps]"));
        return BTreeMap::new();
    };
    if table.entries.is_empty() {
        return Config::default().apps;
    }
    if table.entries.len() > limits::APPS_MAX {
        let fault = Fault::ListLong {
            count: table.entries.len(),
            max: limits::APPS_MAX,
        };
        report.problem(Problem::at(fault, entry.node.origin.clone(), "[apps]"));
    }
    let listed = table.entries.iter().map(|(name, entry)| {
        check_app_name(report, name, &entry.key_origin);
        let section = Section::of(report, Some(&entry.node), app_section(name), "apps");
        (name.clone(), app(section))
    });
    listed.collect()
}

/// `apps.live`, or `apps."*"` where TOML needs quotes.
fn app_section(name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !name.is_empty() && name.chars().all(bare) {
        format!("apps.{name}")
    } else {
        format!("apps.\"{}\"", shown(name))
    }
}

fn check_app_name(report: &Report<'_>, name: &str, origin: &Origin) {
    let fits = name == ANY_APP || (is_plain(name) && StreamPath::new(name).is_ok());
    if !fits {
        let fault = Fault::AppName { name: shown(name) };
        report.problem(Problem::at(fault, origin.clone(), "[apps]"));
    }
}

/// Letters, digits, dash, underscore and dot: needs no escape in a URL, a file name or a metric.
fn is_plain(name: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || "-_.".contains(c);
    !name.is_empty() && !name.starts_with('.') && name.chars().all(plain)
}

fn app(section: Section<'_, '_>) -> App {
    let preset = App::default();
    let app = App {
        publish: section
            .word(
                "publish",
                &[("key", PublishPolicy::Key), ("open", PublishPolicy::Open)],
            )
            .unwrap_or(preset.publish),
        keys: keys(&section),
        takeover: section
            .word("takeover", &TAKEOVERS)
            .unwrap_or(preset.takeover),
        hold: section
            .duration("hold", &limits::HOLD_RANGE)
            .unwrap_or(preset.hold),
        play_wait: section
            .duration("play_wait", &limits::PLAY_WAIT_RANGE)
            .unwrap_or(preset.play_wait),
        publish_idle: section
            .duration("publish_idle", &limits::PUBLISH_IDLE_RANGE)
            .unwrap_or(preset.publish_idle),
        mode: section.word("mode", &MODES).unwrap_or(preset.mode),
        merge: section.duration("merge", &limits::MERGE_RANGE),
        compat: section.word("compat", &COMPATS).unwrap_or(preset.compat),
        hevc: section.word("hevc", &HEVCS).unwrap_or(preset.hevc),
        push: pushes(&section),
    };
    if app.publish == PublishPolicy::Open
        && !app.keys.is_empty()
        && let Some(node) = section.node("keys")
    {
        section.warn(Fault::KeysUnused, &node.origin, "keys");
    }
    section.finish();
    app
}

const TAKEOVERS: [(&str, Takeover); 4] = [
    ("same_key", Takeover::SameKey),
    ("always", Takeover::Always),
    ("if_silent", Takeover::IfSilent),
    ("reject", Takeover::Reject),
];

const MODES: [(&str, Mode); 3] = [
    ("low_latency", Mode::LowLatency),
    ("default", Mode::Default),
    ("throughput", Mode::Throughput),
];

const COMPATS: [(&str, Compat); 2] = [("forward", Compat::Forward), ("strict", Compat::Strict)];

const HEVCS: [(&str, Hevc); 3] = [
    ("as_sent", Hevc::AsSent),
    ("hvc1", Hevc::Hvc1),
    ("codec12", Hevc::Codec12),
];

fn keys(app: &Section<'_, '_>) -> Vec<StreamKey> {
    let mut keys: Vec<StreamKey> = Vec::new();
    for section in app.sections("keys", "apps.keys", limits::KEYS_PER_APP_MAX) {
        let name = section.read("name", |node| key_name(text(node)?));
        if section.node("name").is_none() {
            let example = "name = \"cam\"";
            let fault = Fault::Missing {
                key: "name",
                example,
            };
            section.fault(fault, section.origin(), "name");
        }
        let key = section.secret("key");
        match section.node("key") {
            None => {
                let example = "key = \"{env:CAM_KEY}\"";
                let fault = Fault::Missing {
                    key: "key",
                    example,
                };
                section.fault(fault, section.origin(), "key");
            }
            Some(node) => {
                if let (Some(name), Some(key)) = (name, key)
                    && check_key(&section, key.expose(), node)
                {
                    if keys.iter().any(|other| other.key == key) {
                        section.fault(Fault::KeyTwice, &node.origin, "key");
                    }
                    keys.push(StreamKey { name, key });
                }
            }
        }
        section.finish();
    }
    keys
}

fn key_name(name: &str) -> Result<Option<String>, Fault> {
    if name == ANY_APP {
        return Ok(None);
    }
    // An app in front, so that name and app together stay within the segments of a path.
    match StreamPath::new(&format!("{DEFAULT_APP}/{name}")) {
        Ok(path) if path.name() == name => Ok(Some(name.to_owned())),
        Ok(_) => Err(Fault::StreamName {
            name: shown(name),
            reason: bongsu_rtmp::url::NameError::EmptySegment,
        }),
        Err(reason) => Err(Fault::StreamName {
            name: shown(name),
            reason,
        }),
    }
}

/// A stream key stands in a query or alone as a stream name, so that it must survive both.
fn check_key(section: &Section<'_, '_>, key: &str, node: &Node) -> bool {
    let fault = if key.contains(['?', '&', '#', '%', '/', '\\', '"', '\'']) || key.starts_with('.')
    {
        Fault::KeyCharacter
    } else if key.len() > limits::STREAM_KEY_CHARACTERS_MAX {
        let max = limits::STREAM_KEY_CHARACTERS_MAX;
        Fault::KeyLong { max }
    } else {
        warn_short(section, "key", key, node);
        return true;
    };
    section.fault(fault, &node.origin, "key");
    false
}

fn warn_short(section: &Section<'_, '_>, key: &str, secret: &str, node: &Node) {
    let characters = secret.len();
    if characters < limits::SECRET_CHARACTERS_SHORT {
        section.warn(Fault::SecretShort { characters }, &node.origin, key);
    }
}

fn pushes(app: &Section<'_, '_>) -> Vec<Push> {
    let mut names = BTreeSet::new();
    let mut pushes = Vec::new();
    for section in app.sections("push", "apps.push", limits::PUSHES_PER_APP_MAX) {
        if let Some(push) = push(section, &mut names) {
            pushes.push(push);
        }
    }
    pushes
}

fn push(section: Section<'_, '_>, names: &mut BTreeSet<String>) -> Option<Push> {
    let name = section.read("name", |node| {
        let name = text(node)?;
        if !is_plain(name) || name.chars().count() > limits::PUSH_NAME_CHARACTERS_MAX {
            return Err(Fault::PushName { name: shown(name) });
        }
        if !names.insert(name.to_owned()) {
            return Err(Fault::NameTwice { name: shown(name) });
        }
        Ok(name.to_owned())
    });
    let url = section.read("url", |node| {
        push_url(&section.report().references, text(node)?)
    });
    for (key, example) in [
        ("name", "name = \"backup\""),
        ("url", "url = \"rtmp://host/app/{name}\""),
    ] {
        if section.node(key).is_none() {
            section.fault(Fault::Missing { key, example }, section.origin(), key);
        }
    }
    let retry_min = section.duration("retry_min", &limits::PUSH_RETRY_RANGE);
    let retry_max = section.duration("retry_max", &limits::PUSH_RETRY_RANGE);
    let on_codec_change = section.word(
        "on_codec_change",
        &[
            ("reconnect", CodecChange::Reconnect),
            ("keep", CodecChange::Keep),
        ],
    );
    let compat = section.word("compat", &COMPATS);
    let hevc = section.word("hevc", &HEVCS);
    // One alone moves the other's default along.
    let retry_max =
        retry_max.unwrap_or_else(|| limits::PUSH_RETRY_MAX.max(retry_min.unwrap_or_default()));
    let retry_min = retry_min.unwrap_or_else(|| limits::PUSH_RETRY_MIN.min(retry_max));
    if retry_min > retry_max
        && let Some(node) = section.node("retry_min")
    {
        section.fault(Fault::RetryOrder, &node.origin, "retry_min");
    }
    section.finish();
    Some(Push {
        name: name?,
        url: url?,
        on_codec_change: on_codec_change.unwrap_or(CodecChange::Reconnect),
        retry_min,
        retry_max,
        compat: compat.unwrap_or(Compat::Forward),
        hevc: hevc.unwrap_or(Hevc::AsSent),
    })
}

fn push_url(references: &References<'_>, text: &str) -> Result<UrlTemplate, Fault> {
    let pieces = references
        .pieces(text)
        .map_err(|Unbalanced| Fault::Url(TemplateError::Unbalanced))??;
    UrlTemplate::from_pieces(pieces).map_err(Fault::Url)
}
