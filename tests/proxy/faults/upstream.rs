//! Brokers that are not there, go away, say nothing, or say what nobody asked for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use doorkeeper::protocol::api::encoded;
use doorkeeper::protocol::messages::{
    ApiVersionsRequest, ApiVersionsResponse, FetchRequest, ListOffsetsRequest, MetadataRequest,
    api_versions_response,
};
use doorkeeper::protocol::wire::Message;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::rig::broker::{Act, Broker, Seen, Step};
use crate::rig::client::Client;
use crate::rig::door::{Door, Setup};
use crate::rig::requests::{fetch, metadata, offsets};
use crate::rig::until;

/// An address where nobody listens.
async fn nowhere() -> std::net::SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

async fn ready(door: &Door, status: u16) -> String {
    loop {
        let (found, text) = door.ready().await;
        if found == status {
            return text;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn without_a_broker_it_stays_up_and_is_ready_when_the_broker_comes() {
    let address = nowhere().await;
    let door = Setup::new(address).start().await;
    let text = crate::rig::soon(ready(&door, 503)).await;
    assert!(text.contains("upstream"), "{text}");
    let mut client = Client::connect(door.address, "alice").await;
    client.assert_closed().await;
    drop(client);
    door.closes("upstream_unreachable", 1).await;
    let lines = door.said.lines("connection lost");
    assert!(matches!(&*lines, [line] if line.contains(&address.to_string())), "{lines:?}");
    assert_eq!(door.count("upstream_up", ""), 0);

    let _broker = Broker::at(address, |_| Act::Usual).await;
    crate::rig::soon(ready(&door, 200)).await;
    assert_eq!(door.count("upstream_up", ""), 1);
    let mut client = Client::connect(door.address, "alice").await;
    client.ask(&metadata(&["allowed"]), 9).await;
}

#[tokio::test]
async fn what_was_not_looked_at_is_not_said_to_be_well() {
    let door = Setup::new(nowhere().await).start().await;
    let (status, said) = door.get("/readyz?verbose").await;
    assert_eq!(status, 503);
    for check in ["addresses", "plaintext-exposed"] {
        assert!(said.contains(&format!("[+]{check} ok, but: clients: not looked at yet")), "{said}");
    }
    assert!(!said.contains("acl-topic"), "there is no topic: {said}");
    assert_eq!(door.get("/readyz/acl-topic").await.0, 200);

    let strict = Setup { listener: "self_check: fail", ..Setup::new(nowhere().await) }.start().await;
    let (_, said) = strict.get("/readyz").await;
    assert!(said.contains("[-]addresses failed: clients: not looked at yet"), "{said}");
    let blind = Setup { listener: "plaintext_exposed: ignore", ..Setup::new(nowhere().await) }.start().await;
    assert!(!blind.get("/readyz?verbose").await.1.contains("plaintext-exposed"));
}

#[tokio::test]
async fn what_is_no_plaintext_listener_of_a_broker_is_told_by_its_first_words() {
    type Script = fn(&Seen) -> Act;
    let scripts: [(Script, &str); 7] = [
        (
            |_| Act::bytes(vec![21, 3, 1, 0, 2, 2, 70]),
            "what is there speaks TLS: name the broker's plaintext listener",
        ),
        (|_| Act::bytes(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()), "what is there speaks HTTP"),
        (|_| Act::bytes(b"<!DOCTYPE HTML><html></html>".to_vec()), "what is there speaks HTTP"),
        (|_| Act::bytes(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec()), "what is there speaks SSH"),
        (|_| Act::bytes(b"-ERR unknown command\r\n".to_vec()), "its answer begins with \"-ERR\""),
        (|_| Act::These(vec![Step::Close]), "it closes the connection; is this its plaintext listener?"),
        (
            |seen| {
                let served = api_versions_response::ApiVersion {
                    api_key: ApiVersionsRequest::KEY,
                    ..Default::default()
                };
                let answer = ApiVersionsResponse { api_keys: vec![served], ..Default::default() };
                Act::bytes(seen.answer(&encoded(&answer, seen.version).unwrap()))
            },
            "the listener of a KRaft controller",
        ),
    ];
    for (script, expected) in scripts {
        let broker = Broker::hearing_all(script).await;
        let door = Setup::new(broker.address).start().await;
        until(|| !door.said.lines(expected).is_empty()).await;
        let text = crate::rig::soon(ready(&door, 503)).await;
        assert!(text.contains(expected), "{text}");
    }
}

#[tokio::test]
async fn a_broker_that_accepts_and_says_nothing_is_given_up() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let setup =
        Setup { limits: "upstream_connect_timeout: 100ms", ..Setup::new(silent.local_addr().unwrap()) };
    let door = setup.start().await;
    let mut client = Client::connect(door.address, "alice").await;
    client.assert_closed().await;
    drop(client);
    door.closes("upstream_timeout", 1).await;
}

/// What a broker may say to the first question, and to the probe's.
#[tokio::test]
async fn a_broker_that_introduces_itself_with_garbage_is_refused() {
    let answers: [fn(&Seen) -> Vec<Step>; 7] = [
        |_| vec![Step::Close],
        |_| vec![Step::Bytes(vec![0xff; 8]), Step::Close],
        |_| vec![Step::Bytes(vec![0x7f, 0xff, 0xff, 0xff]), Step::Close],
        |_| vec![Step::Bytes(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()), Step::Close],
        |seen| {
            let mut other = seen.usual().unwrap();
            other[7] ^= 1;
            vec![Step::Bytes(other)]
        },
        |seen| vec![Step::Bytes(seen.usual().unwrap()[..30].to_vec()), Step::Close],
        |seen| vec![Step::Bytes(seen.answer(&[0, 35, 0, 0, 0, 0]))],
    ];
    for (n, answer) in answers.into_iter().enumerate() {
        let broker = Broker::hearing_all(move |seen| match seen.key {
            ApiVersionsRequest::KEY => Act::These(answer(seen)),
            _ => Act::Usual,
        });
        let broker = broker.await;
        let door = Setup::new(broker.address).start().await;
        let mut client = Client::connect(door.address, "alice").await;
        client.assert_closed().await;
        drop(client);
        until(|| door.closed("upstream_error") + door.closed("upstream_protocol_error") == 1).await;
        crate::rig::soon(ready(&door, 503)).await;
        assert_eq!(door.closed("internal_error"), 0, "answer {n}");
    }
}

#[tokio::test]
async fn a_broker_that_leaves_is_told_from_one_that_owes_an_answer() {
    let go = watch::Sender::new(false);
    let told = go.clone();
    let broker = Broker::new(move |seen| match seen.key {
        ListOffsetsRequest::KEY => {
            Act::These(vec![Step::Bytes(seen.usual().unwrap()), Step::When(told.subscribe()), Step::Close])
        }
        FetchRequest::KEY => Act::These(vec![Step::Reset]),
        _ => Act::These(vec![Step::Close]),
    })
    .await;
    let door = Setup::new(broker.address).start().await;

    let mut client = Client::connect(door.address, "alice").await;
    client.ask(&offsets("allowed"), 5).await;
    go.send_replace(true);
    client.assert_closed().await;
    drop(client);
    door.closes("upstream_closed", 1).await;
    assert_eq!(door.said.lines("connection lost").len(), 0);

    let mut client = Client::connect(door.address, "alice").await;
    client.say(&metadata(&["allowed"]), 9).await;
    client.assert_closed().await;
    drop(client);
    door.closes("upstream_error", 1).await;
    assert_eq!(door.said.lines("connection lost").len(), 1);

    let mut client = Client::connect(door.address, "alice").await;
    client.say(&fetch(&[("allowed", 9)]), 11).await;
    client.assert_closed().await;
    drop(client);
    door.closes("upstream_error", 2).await;
    door.assert_sound();
}

/// Half an answer is the broker's fault too, though nothing more is owed once it has begun.
#[tokio::test]
async fn a_broker_that_leaves_within_an_answer_is_at_fault() {
    let broker = Broker::new(|seen| {
        let answer = seen.usual().unwrap();
        let cut = if seen.key == MetadataRequest::KEY { 20 } else { answer.len() / 2 };
        Act::These(vec![Step::Bytes(answer[..cut].to_vec()), Step::Close])
    })
    .await;
    let door = Setup::new(broker.address).start().await;
    // One that passes, one that is watched while it passes, one that is rewritten.
    let mut client = Client::connect(door.address, "alice").await;
    client.say(&offsets("allowed"), 5).await;
    client.assert_gone().await;
    drop(client);
    door.closes("upstream_error", 1).await;
    let mut client = Client::connect(door.address, "alice").await;
    client.say(&fetch(&[("allowed", 300_000)]), 16).await;
    client.assert_gone().await;
    drop(client);
    door.closes("upstream_error", 2).await;
    let mut client = Client::connect(door.address, "alice").await;
    client.say(&metadata(&["allowed"]), 9).await;
    client.assert_closed().await;
    drop(client);
    door.closes("upstream_error", 3).await;
    assert_eq!(door.closed("upstream_closed"), 0);
}

/// None of these reaches the client, and none keeps the connection waiting.
#[tokio::test]
async fn an_answer_that_cannot_be_right_ends_the_connection() {
    type Answered = fn(&Seen) -> Vec<u8>;
    let cases: [(&str, Answered); 9] = [
        ("length -1", |_| vec![0xff; 8]),
        ("length 3", |_| vec![0, 0, 0, 3, 0, 0, 0, 0]),
        ("length 2^31 - 1", |seen| {
            [&[0x7f, 0xff, 0xff, 0xff], &seen.correlation_id.to_be_bytes()[..]].concat()
        }),
        ("another correlation id", |seen| {
            let mut answer = seen.usual().unwrap();
            answer[4] ^= 0x40;
            answer
        }),
        ("two answers", |seen| seen.usual().unwrap().repeat(2)),
        ("an answer and a byte", |seen| [seen.usual().unwrap(), vec![0]].concat()),
        ("a cut answer", |seen| {
            let answer = seen.usual().unwrap();
            crate::rig::client::with_length(answer[..answer.len() - 3].to_vec())
        }),
        ("tags in the header", |seen| {
            let mut answer = seen.usual().unwrap();
            answer[8] = 1;
            answer
        }),
        ("an empty answer", |seen| [&[0, 0, 0, 4], &seen.correlation_id.to_be_bytes()[..]].concat()),
    ];
    for (what, answer) in cases {
        let broker = Broker::new(move |seen| Act::bytes(answer(seen))).await;
        let door = Setup::new(broker.address).start().await;
        let mut client = Client::connect(door.address, "alice").await;
        client.say(&metadata(&["allowed"]), 9).await;
        if what == "two answers" || what == "an answer and a byte" {
            client.receive().await.unwrap();
        }
        client.assert_closed().await;
        drop(client);
        door.closes("upstream_protocol_error", 1).await;
        assert_eq!(door.said.lines("connection lost").len(), 1, "{what}");
        door.assert_sound();
    }
}

/// A broker that speaks before it is asked: nobody is owed anything.
#[tokio::test]
async fn a_broker_that_speaks_unasked_is_left() {
    let is_ready = Arc::new(AtomicBool::new(false));
    let speaks = is_ready.clone();
    let broker = Broker::hearing_all(move |seen| {
        // Not to doorkeeper's own questions at the start.
        if seen.key == ApiVersionsRequest::KEY && speaks.load(Ordering::SeqCst) {
            return Act::bytes([seen.usual().unwrap(), vec![0, 0]].concat());
        }
        Act::Usual
    })
    .await;
    let door = Setup::new(broker.address).start().await;
    until(|| door.count("upstream_up", "") == 1).await;
    is_ready.store(true, Ordering::SeqCst);
    let mut client = Client::connect(door.address, "alice").await;
    client.assert_closed().await;
    drop(client);
    door.closes("upstream_protocol_error", 1).await;
}

/// Our own question is answered with garbage: the client's request is not answered with something made up.
#[tokio::test]
async fn a_wrong_answer_to_our_own_question_ends_the_connection() {
    for garbage in [vec![0xff; 20], vec![]] {
        let broker = Broker::hearing_all(move |seen| match seen.key {
            MetadataRequest::KEY if seen.version >= 10 => Act::bytes(seen.answer(&garbage)),
            _ => Act::Usual,
        })
        .await;
        let door = Setup::new(broker.address).start().await;
        let mut client = Client::connect(door.address, "alice").await;
        client.say(&fetch(&[("allowed", 10)]), 13).await;
        client.assert_closed().await;
        drop(client);
        door.closes("upstream_protocol_error", 1).await;
        assert_eq!(broker.seen().len(), 0);
        door.assert_sound();
    }
}
