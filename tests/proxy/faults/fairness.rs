//! The processor's time, under clients whose requests take much of it.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::rig::broker::Broker;
use crate::rig::client::{Client, frame};
use crate::rig::door::Setup;
use crate::rig::requests::metadata;

fn names(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("{n:x}")).collect()
}

/// One request that takes long.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_request_does_not_hold_others_up() {
    let broker = Broker::usual().await;
    let door = Setup::new(broker.address).spawn_with_one_thread();
    let mut other = Client::connect(door.address, "alice").await;
    other.ask(&metadata(&["allowed"]), 9).await;
    let client = Client::connect(door.address, "bob").await;
    let names = names(300_000);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (mut reader, mut writer) = tokio::io::split(client.tls);
    writer.write_all(&frame(&metadata(&names), 9, 1)).await.unwrap();
    writer.flush().await.unwrap();
    // It has been worked on when its answer begins.
    let busy = tokio::spawn(async move { reader.read_i32().await.unwrap() });
    let mut answered = 0;
    while !busy.is_finished() {
        other.ask(&metadata(&["allowed"]), 9).await;
        answered += 1;
    }
    busy.await.unwrap();
    drop(writer);
    println!("{answered} answered meanwhile");
    assert!(answered > 20, "{answered}");
}
