//! Stock clients of a real Kafka that come through a balancer: who may do what goes by the addresses that they have, and not
//! by the balancer's.

use crate::support::cluster::{Cluster, Settings};
use crate::support::doorkeeper::{self, Doorkeeper};
use crate::support::haproxy::HaProxy;
use crate::support::java::{Java, Tool};
use crate::support::kafka::{Kafka, scratch};
use crate::support::kcat::Kcat;
use crate::support::pki::Pki;
use crate::support::ports::free_port;
use crate::support::process::wait_for;
use std::net::SocketAddr;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);

/// Of clients at the balancer's own address, nothing is allowed.
const ACLS: &str = "
- { principal: 'User:alice', topic: orders, hosts: [127.0.0.1], operations: [Read, Write, Describe] }
- { principal: 'User:alice', group: billing, hosts: [127.0.0.1], operations: [Read, Describe] }
- { principal: 'User:alice', cluster: true, hosts: [127.0.0.1], operations: [IdempotentWrite] }
- { principal: 'User:bob', topic: orders, hosts: [127.0.0.2], operations: [All] }
";

#[test]
fn stock_clients_behind_haproxy_are_who_and_where_they_are() {
    let Some(kafka) = Kafka::of_this_run() else { return };
    let pki = Pki::new(&scratch("pki-balancer"));
    let cluster = Cluster::start(kafka, &Settings::plaintext(1));
    cluster.create_topics(&["orders"], 1);
    let identity = pki.server("doorkeeper");
    let (broker, own, balancer) = (cluster.brokers[0].plaintext, free_port(), free_port());
    let [own, balancer] = [own, balancer].map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
    let mapping = format!(
        "{{ strategy: keep_host, ports: {{ {}: {} }} }}\n    proxy_protocol: {{ from: [127.0.0.2] }}",
        broker.port(),
        balancer.port()
    );
    let settings = doorkeeper::Settings { identity: &identity, acls: ACLS, authorization: "" };
    let doorkeeper = Doorkeeper::start(broker, own, &mapping, &settings);
    let bootstrap = format!("localhost:{}", balancer.port());

    for (round, how) in ["send-proxy", "send-proxy-v2", "send-proxy-v2 proxy-v2-options crc32c,unique-id"]
        .into_iter()
        .enumerate()
    {
        let options = format!("source 127.0.0.2 {how} check check-send-proxy inter 200ms");
        let Some(_haproxy) = HaProxy::start_at(balancer, own, &options) else { return };
        wait_for("haproxy", PATIENCE, || std::net::TcpStream::connect(balancer).ok());
        let Some(kcat) = Kcat::new(&bootstrap, Some(&pki.client("alice"))) else { return };
        let line = format!("through {how}\n");
        kcat.run(&["-P", "-t", "orders"], line.as_bytes()).succeeded();
        let offset = round.to_string();
        let consumed = kcat.run(&["-C", "-t", "orders", "-o", &offset, "-c", "1", "-e"], b"").succeeded();
        assert_eq!(consumed.text(), line, "{}", consumed.all());
        // Where bob would be allowed, he is not: that is the balancer's address.
        let Some(kcat) = Kcat::new(&bootstrap, Some(&pki.client("bob"))) else { return };
        let denied = kcat.run(&["-L", "-t", "orders"], b"");
        assert!(denied.all().contains("Topic authorization failed"), "{}", denied.all());
    }

    let Some(haproxy) = HaProxy::start_at(balancer, own, "source 127.0.0.2 send-proxy-v2") else { return };
    wait_for("haproxy", PATIENCE, || std::net::TcpStream::connect(balancer).ok());
    // What clients are told leads through the balancer back here, and the greeting of its own that shows it is let in.
    let line = "doorkeeper_address_self_check_successful{listener=\"clients\"} 1\n";
    wait_for("the self-check", PATIENCE, || doorkeeper.metrics().contains(line).then_some(()));
    let alice = pki.client("alice");
    let java = Java::new(kafka, &bootstrap, Some(&alice));
    let arguments = ["--topic", "orders", "--group", "billing", "--from-beginning", "--max-messages", "3"];
    let consumed = java.tool(Tool::ConsoleConsumer, &arguments, b"").succeeded();
    assert_eq!(consumed.text().lines().count(), 3, "{}", consumed.all());
    let produced = java.tool(Tool::ConsoleProducer, &["--topic", "orders"], b"by Java\n");
    assert_eq!(produced.stderr.trim(), "", "the producer complains");

    // From the balancer's address without a header nobody is served, nor with one from elsewhere.
    drop(haproxy);
    let Some(silent) = HaProxy::start_at(balancer, own, "source 127.0.0.2") else { return };
    wait_for("haproxy", PATIENCE, || std::net::TcpStream::connect(balancer).ok());
    let Some(kcat) = Kcat::new(&bootstrap, Some(&alice)) else { return };
    assert!(kcat.run(&["-L", "-m", "3"], b"").code != Some(0));
    let refused = "TLS came without a PROXY protocol header from 127.0.0.2, which is in proxy_protocol.from";
    assert!(doorkeeper.process.output().contains(refused), "{}", doorkeeper.process.last_words());
    drop(silent);
    let Some(_elsewhere) = HaProxy::start_at(balancer, own, "source 127.0.0.3 send-proxy-v2") else { return };
    wait_for("haproxy", PATIENCE, || std::net::TcpStream::connect(balancer).ok());
    assert!(kcat.run(&["-L", "-m", "3"], b"").code != Some(0));
    let refused = "a PROXY protocol header came from 127.0.0.3, which is not in proxy_protocol.from";
    assert!(doorkeeper.process.output().contains(refused), "{}", doorkeeper.process.last_words());
}
