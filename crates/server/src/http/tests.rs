//! The whole HTTP side over real sockets on loopback, with workers that a test plays.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use super::limits;
use super::serve;
use crate::config::{Config, Secret};
use crate::limits::SNAPSHOT_TIMEOUT;
use crate::shared::{Phase, Shared};
use crate::telemetry::testing;
use crate::worker::ToWorker;

const TOKEN: &str = "0123456789abcdef";

/// What a worker of a test does when it is asked.
#[derive(Debug, Clone, Copy)]
enum Worker {
    /// It has these streams.
    Has(&'static [&'static str]),
    /// It never answers.
    Silent,
    /// Its thread has ended.
    Gone,
}

struct Server {
    shared: Arc<Shared>,
    address: SocketAddr,
    serving: JoinHandle<()>,
}

/// An answer, taken apart.
#[derive(Debug)]
struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Server {
    fn start(workers: &[Worker]) -> Self {
        let mut config = Config::default();
        config.http.token = Some(Secret::new(TOKEN));
        let workers = workers.iter().copied().map(worker).collect();
        let control = tokio::runtime::Handle::current();
        let shared = Arc::new(Shared::new(config, Vec::new(), control, workers));
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn(serve(Arc::clone(&shared), vec![listener]));
        Self {
            shared,
            address,
            serving,
        }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, "").await
    }

    /// One request on a connection of its own. `headers` are whole lines.
    async fn ask(&self, method: &str, path: &str, headers: &str) -> Answer {
        let address = self.address;
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{headers}\r\n"
        );
        self.send(&request).await
    }

    async fn send(&self, request: &str) -> Answer {
        let mut socket = self.connect().await;
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut text = String::new();
        socket.read_to_string(&mut text).await.unwrap();
        Answer::parse(&text)
    }
}

impl Answer {
    #[track_caller]
    fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").expect(text);
        Self {
            status: head.split(' ').nth(1).unwrap().parse().unwrap(),
            head: head.to_ascii_lowercase(),
            body: body.to_owned(),
        }
    }

    fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// That it is a refusal with a code, a message and an advice.
    #[track_caller]
    fn assert_refusal(&self, status: u16, code: &str) {
        assert_eq!(self.status, status, "{self:?}");
        assert!(self.head.contains("content-type: application/json"));
        let body = self.json();
        assert_eq!(body["code"], code);
        for key in ["message", "try"] {
            assert!(!body[key].as_str().unwrap().is_empty(), "{key}");
        }
        assert_eq!(body.as_object().unwrap().len(), 3);
    }
}

fn worker(behaviour: Worker) -> mpsc::Sender<ToWorker> {
    let (queue, mut asked) = mpsc::channel(4);
    match behaviour {
        Worker::Gone => {}
        Worker::Has(paths) => {
            tokio::spawn(async move {
                while let Some(message) = asked.recv().await {
                    if let ToWorker::Snapshot(answer) = message {
                        let streams = paths.iter().copied().map(testing::stream).collect();
                        let _ = answer.send(streams);
                    }
                }
            });
        }
        Worker::Silent => {
            tokio::spawn(async move {
                let mut kept = Vec::new();
                while let Some(message) = asked.recv().await {
                    kept.push(message);
                }
            });
        }
    }
    queue
}

#[tokio::test]
async fn health_is_told_in_every_phase_and_readiness_while_running() {
    let server = Server::start(&[]);
    let health = server.get("/healthz").await;
    assert_eq!((health.status, health.body.as_str()), (200, "ok"));
    let ready = server.get("/readyz").await;
    assert_eq!((ready.status, ready.body.as_str()), (200, "ready"));

    server.shared.phase.send_replace(Phase::Draining);
    assert_eq!(server.get("/healthz").await.status, 200);
    server.get("/readyz").await.assert_refusal(503, "draining");
    let metrics = server.get("/metrics").await;
    assert!(metrics.body.contains("\nbongsu_draining 1\n"));
}

#[tokio::test]
async fn streams_of_all_workers_are_listed_by_path() {
    let server = Server::start(&[
        Worker::Has(&["live/b", "live/a/deep"]),
        Worker::Has(&["app/z"]),
    ]);
    let answer = server.get("/api/v1/streams").await;
    assert_eq!(answer.status, 200);
    assert!(answer.head.contains("content-type: application/json"));
    assert!(answer.head.contains("cache-control: no-store"));
    let list = answer.json();
    let paths: Vec<_> = list["streams"].as_array().unwrap().iter().collect();
    let paths: Vec<_> = paths.iter().map(|stream| &stream["path"]).collect();
    assert_eq!(paths, ["app/z", "live/a/deep", "live/b"]);
    assert_eq!(list["incomplete"], false);
    assert_eq!(list["streams"][0]["publisher"]["peer"], "192.0.2.1:50000");
}

#[tokio::test]
async fn one_stream_is_found_by_app_and_name_or_is_not() {
    let server = Server::start(&[Worker::Has(&["live/a/deep", "live/a b"])]);
    let answer = server.get("/api/v1/streams/live/a/deep").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["path"], "live/a/deep");
    let escaped = server.get("/api/v1/streams/live/a%20b").await;
    assert_eq!(escaped.json()["name"], "a b");
    for path in ["live/a", "live/b", "other/a/deep"] {
        let answer = server.get(&format!("/api/v1/streams/{path}")).await;
        answer.assert_refusal(404, "stream_not_found");
    }
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_does_not_answer_delays_the_rest_by_the_timeout_only() {
    let server = Server::start(&[Worker::Silent, Worker::Has(&["live/a"]), Worker::Silent]);
    let start = Instant::now();
    let list = server.get("/api/v1/streams").await.json();
    assert_eq!(list["streams"].as_array().unwrap().len(), 1);
    assert_eq!(list["incomplete"], true);
    let took = start.elapsed();
    assert!(
        took >= SNAPSHOT_TIMEOUT && took < SNAPSHOT_TIMEOUT * 2,
        "{took:?}"
    );

    assert_eq!(server.get("/api/v1/streams/live/a").await.status, 200);
    let absent = server.get("/api/v1/streams/live/b").await;
    absent.assert_refusal(503, "worker_busy");
    let metrics = server.get("/metrics").await.body;
    assert!(metrics.contains("\nbongsu_scrape_workers_missing 2\n"));
}

#[tokio::test]
async fn a_worker_that_is_gone_makes_the_list_incomplete_at_once() {
    let server = Server::start(&[Worker::Gone, Worker::Has(&["live/a"])]);
    let list = server.get("/api/v1/streams").await.json();
    assert_eq!(list["streams"].as_array().unwrap().len(), 1);
    assert_eq!(list["incomplete"], true);
}

#[tokio::test]
async fn metrics_are_open_metrics_with_counters_and_streams() {
    let server = Server::start(&[Worker::Has(&["live/a", "live/b"])]);
    server.shared.telemetry.accepted.inc();
    let answer = server.get("/metrics").await;
    assert_eq!(answer.status, 200);
    let kind = "content-type: application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert!(answer.head.contains(kind), "{}", answer.head);
    let body = answer.body;
    for line in [
        "bongsu_connections_accepted_total 1",
        "bongsu_streams{state=\"live\"} 2",
        "bongsu_draining 0",
        "bongsu_scrape_workers_missing 0",
    ] {
        assert!(body.lines().any(|found| found == line), "{line}\n{body}");
    }
    assert!(body.contains("\nbongsu_process_resident_bytes "), "{body}");
    assert!(body.ends_with("# EOF\n"), "{body}");
}

#[tokio::test]
async fn other_paths_and_methods_are_refused_in_the_same_shape() {
    let server = Server::start(&[]);
    for path in ["/", "/healthz/", "/api/v1", "/api/v1/streams/live", "/../x"] {
        server
            .get(path)
            .await
            .assert_refusal(404, "route_not_found");
    }
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"] {
        for path in ["/healthz", "/metrics", "/api/v1/streams/live/a"] {
            let answer = server.ask(method, path, "").await;
            answer.assert_refusal(405, "method_not_allowed");
            assert!(answer.head.contains("allow: get,head"), "{}", answer.head);
        }
    }
    let head = server.ask("HEAD", "/healthz", "").await;
    assert_eq!((head.status, head.body.as_str()), (200, ""));
}

#[tokio::test]
async fn what_a_proxy_passes_on_needs_the_token() {
    let server = Server::start(&[]);
    let proxied = "X-Forwarded-For: 192.0.2.7\r\n";
    for path in [
        "/metrics",
        "/api/v1/streams",
        "/api/v1/streams/live/a",
        "/x",
    ] {
        let refused = server.ask("GET", path, proxied).await;
        refused.assert_refusal(401, "unauthorized");
        assert!(refused.head.contains("www-authenticate: bearer"));
        let wrong = format!("{proxied}Authorization: Bearer wrong\r\n");
        let refused = server.ask("GET", path, &wrong).await;
        refused.assert_refusal(401, "unauthorized");
    }
    let right = format!("{proxied}Authorization: Bearer {TOKEN}\r\n");
    assert_eq!(server.ask("GET", "/metrics", &right).await.status, 200);
    assert_eq!(server.ask("GET", "/healthz", proxied).await.status, 200);
    assert_eq!(server.ask("GET", "/readyz", proxied).await.status, 200);
}

#[tokio::test]
async fn the_name_of_another_host_is_refused_on_loopback() {
    let server = Server::start(&[]);
    let rebound = "GET /healthz HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n";
    let refused = server.send(rebound).await;
    refused.assert_refusal(421, "wrong_host");
    let old = server.send("GET /healthz HTTP/1.0\r\n\r\n").await;
    assert_eq!(old.status, 200);
    let nameless = "GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n";
    let refused = server.send(nameless).await;
    refused.assert_refusal(400, "bad_host");
}

#[tokio::test]
async fn a_head_may_be_as_long_as_the_limit_and_no_longer() {
    let server = Server::start(&[]);
    let start = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX: ";
    let end = "\r\n\r\n";
    let room = limits::HEAD_BYTES_MAX - start.len() - end.len();
    let fits = format!("{start}{}{end}", "x".repeat(room - 1));
    assert_eq!(server.send(&fits).await.status, 200);
    // It is refused as soon as the limit is reached without an end.
    let past = format!("{start}{}", "x".repeat(room + end.len()));
    assert_eq!(server.send(&past).await.status, 431);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_asks_nothing_is_closed() {
    let server = Server::start(&[]);
    for start in ["", "GET /healthz HTTP/1.1\r\nHost: local"] {
        let begun = Instant::now();
        let mut socket = server.connect().await;
        socket.write_all(start.as_bytes()).await.unwrap();
        let mut rest = Vec::new();
        socket.read_to_end(&mut rest).await.unwrap();
        let took = begun.elapsed();
        assert!(took >= limits::HEAD_TIMEOUT, "{took:?}");
        assert!(took < limits::HEAD_TIMEOUT * 2, "{took:?}");
    }
}

/// Reads one answer of a known end from a connection that stays open.
async fn read_until(socket: &mut TcpStream, end: &str) -> Option<String> {
    let mut text = Vec::new();
    while !text.ends_with(end.as_bytes()) {
        let mut byte = [0];
        if socket.read(&mut byte).await.ok()? == 0 {
            return None;
        }
        text.push(byte[0]);
    }
    String::from_utf8(text).ok()
}

#[tokio::test(start_paused = true)]
async fn a_busy_connection_is_kept_but_not_for_ever() {
    let server = Server::start(&[]);
    let mut socket = server.connect().await;
    let begun = Instant::now();
    let mut answers = 0;
    loop {
        let request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
        if socket.write_all(request).await.is_err() {
            break;
        }
        let Some(answer) = read_until(&mut socket, "\r\n\r\nok").await else {
            break;
        };
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        answers += 1;
        tokio::time::sleep(Duration::from_secs(9)).await;
    }
    assert_eq!(answers, 7);
    assert!(begun.elapsed() >= limits::CONNECTION_AGE_MAX);
}

#[tokio::test(start_paused = true)]
async fn connections_past_the_limit_wait_for_a_place() {
    let server = Server::start(&[]);
    let mut held = Vec::new();
    for _ in 0..limits::CONNECTIONS_MAX {
        let mut socket = server.connect().await;
        let request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
        socket.write_all(request).await.unwrap();
        assert!(read_until(&mut socket, "\r\n\r\nok").await.is_some());
        held.push(socket);
    }
    let mut late = std::pin::pin!(server.get("/healthz"));
    let early = timeout(Duration::from_millis(50), &mut late).await;
    assert!(early.is_err(), "served past the limit");
    held.pop();
    assert_eq!(late.await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn it_ends_within_half_a_second_of_the_stop_whatever_is_open() {
    let server = Server::start(&[Worker::Silent]);
    let mut idle = server.connect().await;
    let request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    idle.write_all(request).await.unwrap();
    assert!(read_until(&mut idle, "\r\n\r\nok").await.is_some());
    let mut half = server.connect().await;
    half.write_all(b"GET /heal").await.unwrap();
    let mut asking = server.connect().await;
    let request = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";
    asking.write_all(request).await.unwrap();
    // Drained, it serves on.
    server.shared.phase.send_replace(Phase::Draining);
    assert_eq!(server.get("/healthz").await.status, 200);

    let stopped = Instant::now();
    server.shared.phase.send_replace(Phase::Stopping);
    server.serving.await.unwrap();
    assert!(stopped.elapsed() <= Duration::from_millis(500));
    for mut socket in [idle, half, asking] {
        assert!(read_until(&mut socket, "ok").await.is_none());
    }
    assert!(TcpStream::connect(server.address).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn without_listeners_it_ends_at_once() {
    let config = Config::default();
    let control = tokio::runtime::Handle::current();
    let shared = Arc::new(Shared::new(config, Vec::new(), control, Vec::new()));
    serve(shared, Vec::new()).await;
}
