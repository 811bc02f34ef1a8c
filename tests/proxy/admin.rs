//! The admin endpoint over real connections: what it answers, and that no peer can keep it from answering others.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use doorkeeper::observability::health::Health;
use doorkeeper::observability::metrics::{ApiClass, Build, Check, Metrics, RequestResult};
use doorkeeper::process::admin::{AdminServer, Limits, View};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::metrics::exposition;

const BUILD: Build =
    Build { version: "0.1.0", revision: "abc1234", rustc: "1.95.0", tls_provider: "aws-lc-rs" };

/// Longer than any test takes: what waits for this would hang.
const NEVER: Duration = Duration::from_secs(3600);

/// Limits that no test runs into unless it sets them.
const PATIENT: Limits = Limits { connections: 32, request: NEVER, connection: NEVER, shutdown: NEVER };

/// A server on a free port.
struct Admin {
    address: SocketAddr,
    metrics: Arc<Metrics>,
    health: Health,
    stop: Option<oneshot::Sender<()>>,
    serving: JoinHandle<()>,
}

impl Admin {
    async fn start(limits: Limits) -> Self {
        Self::start_with(limits, Vec::new()).await
    }

    async fn start_with(limits: Limits, views: Vec<View>) -> Self {
        let apis = [(0, "Produce", ApiClass::Produce), (1, "Fetch", ApiClass::Fetch)];
        let metrics = Arc::new(Metrics::new(BUILD, SystemTime::now(), &apis).unwrap());
        let health = Health::new(Arc::clone(&metrics));
        let server = AdminServer::bind("127.0.0.1:0", BUILD, Arc::clone(&metrics), health.clone(), limits);
        let server = server.await.unwrap().with_views(views);
        let address = server.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(server.serve(async {
            stopped.await.unwrap();
        }));
        Self { address, metrics, health, stop: Some(stop), serving }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    async fn get(&self, target: &str) -> Answer {
        self.ask("GET", target).await
    }

    async fn ask(&self, method: &str, target: &str) -> Answer {
        let mut stream = self.connect().await;
        let head = format!("{method} {target} HTTP/1.1\r\nHost: {}\r\n\r\n", self.address);
        stream.write_all(head.as_bytes()).await.unwrap();
        Answer::read(&mut stream).await
    }

    fn all_ready(&self) {
        for &check in Check::ALL {
            self.health.set(check, Ok(()));
        }
    }
}

/// An answer, read until the server closes.
struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    async fn read(stream: &mut TcpStream) -> Self {
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        Self::parse(&text)
    }

    fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no head in {text:?}"));
        let status = head.strip_prefix("HTTP/1.1 ").unwrap()[..3].parse().unwrap();
        Self { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

#[tokio::test]
async fn readiness_follows_the_checks() {
    let admin = Admin::start(PATIENT).await;
    let starting = admin.get("/readyz").await;
    assert_eq!(starting.status, 503);
    assert!(starting.body.contains("[-]upstream failed: not checked yet\n"), "{}", starting.body);

    admin.all_ready();
    let ready = admin.get("/readyz").await;
    assert_eq!((ready.status, ready.body.as_str()), (200, "ok"));

    admin.health.set(Check::Upstream, Err("connection refused: 127.0.0.1:9092".to_owned()));
    let failed = admin.get("/readyz").await;
    assert_eq!(failed.status, 503);
    assert_eq!(
        failed.body,
        "[+]configuration ok\n[+]listeners ok\n[+]certificates ok\n[+]acls ok\n[+]credentials ok\n[+]acl-topic ok\n\
         [-]upstream failed: connection refused: 127.0.0.1:9092\n[+]addresses ok\n[+]plaintext-exposed ok\n[+]not-draining ok\n\
         readyz check failed\n"
    );
    assert_eq!(admin.get("/readyz?exclude=upstream").await.status, 200);
    let verbose = admin.get("/readyz?verbose&exclude=upstream").await;
    assert!(verbose.body.ends_with(
        "[+]upstream excluded: ok\n[+]addresses ok\n[+]plaintext-exposed ok\n[+]not-draining ok\nreadyz check passed\n"
    ));

    let single = admin.get("/readyz/upstream").await;
    assert_eq!(single.status, 503);
    assert_eq!(single.body, "[-]upstream failed: connection refused: 127.0.0.1:9092\n");
    assert_eq!(admin.get("/readyz/acls").await.status, 200);
    assert_eq!(admin.get("/readyz/nonsense").await.status, 404);
    assert_eq!(admin.get("/readyz/").await.status, 404);
}

#[tokio::test]
async fn a_broker_that_is_down_fails_neither_liveness_nor_start() {
    let admin = Admin::start(PATIENT).await;
    assert_eq!(admin.get("/livez").await.status, 200, "alive before it is ready");
    assert_eq!(admin.get("/startupz").await.status, 503);
    for check in [Check::Configuration, Check::Listeners, Check::Certificates, Check::Acls] {
        admin.health.set(check, Ok(()));
    }
    assert_eq!(admin.get("/startupz").await.status, 200);
    let verbose = admin.get("/startupz?verbose").await;
    let passed =
        "[+]configuration ok\n[+]listeners ok\n[+]certificates ok\n[+]acls ok\nstartupz check passed\n";
    assert_eq!(verbose.body, passed);
    assert_eq!(admin.get("/readyz").await.status, 503);
    assert_eq!(admin.get("/livez?verbose").await.body, "[+]ping ok\nlivez check passed\n");
    assert_eq!(admin.get("/healthz").await.body, "ok");
}

#[tokio::test]
async fn a_scrape_is_what_prometheus_reads() {
    let admin = Admin::start(PATIENT).await;
    admin.metrics.request(1, RequestResult::Denied);
    admin.all_ready();
    let scrape = admin.get("/metrics").await;
    assert_eq!(scrape.status, 200);
    assert_eq!(scrape.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    assert_eq!(scrape.header("content-length"), Some(scrape.body.len().to_string().as_str()));
    let families = exposition::parse(&scrape.body).unwrap();
    assert_eq!(exposition::lint(&families), Vec::<String>::new());
    assert!(exposition::series(&families) > 100);
    let denied =
        |sample: &&exposition::Sample| sample.labels["api"] == "Fetch" && sample.labels["result"] == "denied";
    let requests = &families["doorkeeper_requests_total"];
    assert_eq!(requests.samples.iter().find(denied).unwrap().value, 1.0);
    let ready = &families["doorkeeper_ready"];
    assert_eq!(ready.samples.len(), Check::ALL.len());
    assert!(ready.samples.iter().all(|sample| sample.value == 1.0));
    assert!(families["process_open_fds"].samples[0].value > 0.0);
}

#[tokio::test]
async fn the_index_lists_pages_that_are_there() {
    let admin = Admin::start(PATIENT).await;
    admin.all_ready();
    let index = admin.get("/").await;
    assert!(index.body.starts_with("doorkeeper 0.1.0 (abc1234)\n"), "{}", index.body);
    assert_eq!(index.header("x-content-type-options"), Some("nosniff"));
    let pages: Vec<&str> =
        index.body.lines().filter_map(|line| line.split(' ').next()?.strip_prefix('/')).collect();
    assert!(pages.len() >= 5, "{pages:?}");
    for page in pages {
        assert_eq!(admin.get(&format!("/{page}")).await.status, 200, "{page}");
    }
}

#[tokio::test]
async fn a_warning_is_told_and_fails_nothing() {
    let admin = Admin::start(PATIENT).await;
    admin.all_ready();
    admin.health.warn_part(Check::PlaintextExposed, "clients", Some("at 10.0.0.7:9092".to_owned()));
    assert_eq!(admin.get("/readyz").await.body, "ok");
    let line = "[+]plaintext-exposed ok, but: clients: at 10.0.0.7:9092\n";
    assert!(admin.get("/readyz?verbose").await.body.contains(line));
    let single = admin.get("/readyz/plaintext-exposed").await;
    assert_eq!((single.status, single.body.as_str()), (200, line));
}

#[tokio::test]
async fn views_are_pages_like_the_others() {
    let text = || "ok\u{fc}\n".to_owned();
    let view = View { path: "/view", meaning: "what is to be seen", text: Box::new(text) };
    let admin = Admin::start_with(PATIENT, vec![view]).await;
    let seen = admin.get("/view?verbose").await;
    assert_eq!((seen.status, seen.body.as_str()), (200, "ok\u{fc}\n"));
    assert!(admin.get("/").await.body.contains("/view         what is to be seen\n"));
    assert_eq!(admin.ask("POST", "/view").await.status, 405);
    assert_eq!(admin.get("/view/").await.status, 404);
}

#[tokio::test]
async fn other_paths_and_methods_are_refused() {
    let admin = Admin::start(PATIENT).await;
    for path in ["/nothing", "/metrics/", "/LIVEZ", "//", "/readyz%2f", "*"] {
        assert_eq!(admin.get(path).await.status, 404, "{path}");
    }
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "BREW"] {
        let refused = admin.ask(method, "/livez").await;
        assert_eq!((refused.status, refused.header("allow")), (405, Some("get, head")), "{method}");
    }
    let head = admin.ask("HEAD", "/livez").await;
    assert_eq!((head.status, head.body.as_str(), head.header("content-length")), (200, "", Some("2")));
}

#[tokio::test]
async fn garbage_is_refused_and_harms_nobody() {
    let admin = Admin::start(PATIENT).await;
    let long_path = format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(100_000));
    let long_field = format!("GET /livez HTTP/1.1\r\nx: {}\r\n\r\n", "a".repeat(100_000));
    let many_fields = format!("GET /livez HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(200));
    let hostile: [&[u8]; 9] = [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\x00\x00\x00\x14\x00\x12\x00\x03\x00\x00\x00\x01\x00\x04test\x00\x00\x00\x00\x00\x00",
        b"\r\n\r\n\0\0\0\0\r\n\r\n",
        b"GET /livez HTTP/9.9\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        long_path.as_bytes(),
        long_field.as_bytes(),
        many_fields.as_bytes(),
    ];
    for bytes in hostile {
        let mut stream = admin.connect().await;
        // The server may have closed before it got everything: that is its right.
        let _ = stream.write_all(bytes).await;
        let _ = stream.shutdown().await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        let text = String::from_utf8_lossy(&answer);
        assert!(answer.is_empty() || text.starts_with("HTTP/1.1 4"), "{text}");
        assert_eq!(admin.get("/livez").await.status, 200, "after {}", String::from_utf8_lossy(bytes));
    }
}

#[tokio::test]
async fn a_body_that_never_comes_is_not_waited_for() {
    let admin = Admin::start(PATIENT).await;
    let mut stream = admin.connect().await;
    let head = b"GET /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000000\r\n\r\n";
    stream.write_all(head).await.unwrap();
    assert_eq!(Answer::read(&mut stream).await.status, 200);
}

#[tokio::test]
async fn a_connection_carries_one_request() {
    let admin = Admin::start(PATIENT).await;
    let mut stream = admin.connect().await;
    stream
        .write_all(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\nGET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .unwrap();
    let mut text = Vec::new();
    // Closing with the second request unread may reset the connection; the answer comes first.
    let _ = stream.read_to_end(&mut text).await;
    let text = String::from_utf8(text).unwrap();
    assert_eq!(text.matches("HTTP/1.1 200").count(), 1, "{text}");
    assert_eq!(Answer::parse(&text).header("connection"), Some("close"));
}

#[tokio::test]
async fn a_head_that_does_not_come_is_given_up() {
    let admin = Admin::start(Limits { request: Duration::from_millis(50), ..PATIENT }).await;
    let mut silent = admin.connect().await;
    let mut slow = admin.connect().await;
    slow.write_all(b"GET /livez HT").await.unwrap();
    let mut rest = Vec::new();
    let _ = silent.read_to_end(&mut rest).await;
    let _ = slow.read_to_end(&mut rest).await;
    assert!(
        !String::from_utf8_lossy(&rest).contains("200"),
        "both are closed without an answer to a request"
    );
}

#[tokio::test]
async fn a_connection_ends_when_its_time_is_up() {
    let admin = Admin::start(Limits { connection: Duration::from_millis(50), ..PATIENT }).await;
    let mut silent = admin.connect().await;
    let mut rest = Vec::new();
    let _ = silent.read_to_end(&mut rest).await;
    assert!(rest.is_empty());
}

#[tokio::test]
async fn silent_peers_do_not_keep_a_probe_waiting() {
    let admin = Admin::start(Limits { connections: 4, ..PATIENT }).await;
    let mut silent = Vec::new();
    for _ in 0..100 {
        silent.push(admin.connect().await);
        // Were a slot held by the silent ones, this would wait for ever.
        assert_eq!(admin.get("/livez").await.status, 200);
    }
    let mut rest = Vec::new();
    let _ = silent[0].read_to_end(&mut rest).await;
    assert!(rest.is_empty(), "the oldest made room");
}

/// A connection to `address` from another one of loopback's addresses.
async fn connect_from(source: [u8; 4], address: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((source, 0).into()).unwrap();
    socket.connect(address).await.unwrap()
}

/// Thousands of connections that say nothing, half of something, something else, or do not take their answer, from one
/// address, from many and from the prober's own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_number_of_strangers_keeps_a_probe_from_its_answer() {
    const STRANGERS: usize = 8000;
    let words: [&[u8]; 5] = [
        b"",
        b"GET /livez HT",
        b"\x16\x03\x01\x02\x00",
        b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / ",
    ];
    for sources in [1, 200, 0] {
        let admin = Arc::new(Admin::start(Limits { connections: 256, ..PATIENT }).await);
        admin.all_ready();
        let address = admin.address;
        let flood = tokio::spawn(async move {
            let mut open = VecDeque::new();
            for number in 0..STRANGERS {
                let source = match sources {
                    0 => [127, 0, 0, 1],
                    sources => [127, 0, 1, u8::try_from(number % sources).unwrap()],
                };
                let mut stranger = connect_from(source, address).await;
                // It may have lost its place already.
                drop(stranger.write_all(words[number % words.len()]).await);
                open.push_back(stranger);
                if open.len() > 600 {
                    open.pop_front();
                }
            }
            open
        });
        let (mut probes, mut scrapes) = (0, 0);
        while !flood.is_finished() || probes == 0 {
            for page in ["/livez", "/readyz", "/startupz"] {
                let mut probe = admin.connect().await;
                let head = format!("GET {page} HTTP/1.1\r\nHost: {address}\r\n\r\n");
                probe.write_all(head.as_bytes()).await.unwrap();
                assert_eq!(Answer::read(&mut probe).await.status, 200, "{page}, probe {probes}");
            }
            probes += 1;
            if sources > 0 {
                assert_eq!(admin.get("/metrics").await.status, 200);
                scrapes += 1;
            }
        }
        println!("{probes} probes and {scrapes} scrapes beside strangers from {sources} addresses");
        let open = flood.await.unwrap();
        assert_eq!(admin.get("/livez").await.status, 200, "with all of them there");
        drop(open);
    }
}

#[tokio::test]
async fn many_scrapes_at_once_are_all_answered() {
    let admin = Arc::new(Admin::start(PATIENT).await);
    let scrapes: Vec<_> = (0..PATIENT.connections)
        .map(|_| {
            let admin = Arc::clone(&admin);
            tokio::spawn(async move { admin.get("/metrics").await.status })
        })
        .collect();
    for scrape in scrapes {
        assert_eq!(scrape.await.unwrap(), 200);
    }
}

#[tokio::test]
async fn shutdown_answers_who_has_asked_and_closes_the_others() {
    let mut admin = Admin::start(PATIENT).await;
    let mut silent = admin.connect().await;
    assert_eq!(admin.get("/livez").await.status, 200, "so the silent one is accepted too");
    admin.stop.take().unwrap().send(()).unwrap();
    admin.serving.await.unwrap();
    let mut rest = Vec::new();
    let _ = silent.read_to_end(&mut rest).await;
    assert!(rest.is_empty());
    assert!(TcpStream::connect(admin.address).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn shutdown_waits_no_longer_than_it_may() {
    let mut admin = Admin::start(Limits { shutdown: Duration::from_millis(20), ..PATIENT }).await;
    let mut half = admin.connect().await;
    half.write_all(b"GET /livez HTTP/1.1\r\nHost").await.unwrap();
    assert_eq!(admin.get("/livez").await.status, 200);
    admin.stop.take().unwrap().send(()).unwrap();
    admin.serving.await.unwrap();
}

#[tokio::test]
async fn an_address_that_cannot_be_had_is_one_clear_error() {
    let admin = Admin::start(PATIENT).await;
    let bind = async |address: &str| {
        let server =
            AdminServer::bind(address, BUILD, Arc::clone(&admin.metrics), admin.health.clone(), PATIENT);
        server.await.unwrap_err().to_string()
    };
    let taken = admin.address.to_string();
    assert_eq!(
        bind(&taken).await,
        format!(
            "admin.bind: cannot listen on {taken}: the port is in use; stop the process that has it \
             (`ss -ltnp` names it) or choose another port"
        )
    );
    let foreign = bind("192.0.2.1:0").await;
    assert!(
        foreign.starts_with("admin.bind: cannot listen on 192.0.2.1:0: this machine has no such address;")
    );
    let nonsense = bind("nine thousand").await;
    assert!(nonsense.starts_with("admin.bind: cannot listen on nine thousand: "), "{nonsense}");
    assert!(nonsense.ends_with("give an address and port such as 127.0.0.1:9901"), "{nonsense}");
}
