//! A relay between two sides that cuts, delays and spoils what passes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::Random;

/// What a relay does.
#[derive(Debug, Clone, Copy)]
pub struct Chaos {
    /// The longest piece that is passed on at once.
    pub longest: usize,
    /// One piece of so many waits a little; 0: none.
    pub delayed: usize,
    /// One byte of so many is another one, on the way to the target and back; 0: none.
    pub spoiled: (usize, usize),
}

/// The relay.
pub struct Relay {
    pub address: SocketAddr,
    accepting: JoinHandle<()>,
}

impl Relay {
    /// A relay to `target`.
    pub async fn start(target: SocketAddr, chaos: Chaos, seed: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let accepting = tokio::spawn(async move {
            let seeds = Arc::new(std::sync::atomic::AtomicU64::new(seed));
            let mut relaying = tokio::task::JoinSet::new();
            loop {
                let (near, _) = listener.accept().await.unwrap();
                let seeds = seeds.clone();
                relaying.spawn(async move {
                    let Ok(far) = TcpStream::connect(target).await else { return };
                    near.set_nodelay(true).unwrap();
                    far.set_nodelay(true).unwrap();
                    let seed = || Random::new(seeds.fetch_add(1, std::sync::atomic::Ordering::SeqCst));
                    let (near_in, near_out) = near.into_split();
                    let (far_in, far_out) = far.into_split();
                    tokio::join!(
                        pass(near_in, far_out, chaos, chaos.spoiled.0, seed()),
                        pass(far_in, near_out, chaos, chaos.spoiled.1, seed())
                    );
                });
            }
        });
        Self { address, accepting }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn pass(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    chaos: Chaos,
    spoiled: usize,
    mut random: Random,
) {
    let mut bytes = vec![0; 64 * 1024];
    loop {
        let most = 1 + random.below(chaos.longest.min(bytes.len()));
        let n = match from.read(&mut bytes[..most]).await {
            Ok(0) | Err(_) => break,
            Ok(n) => n,
        };
        if chaos.delayed > 0 && random.below(chaos.delayed) == 0 {
            tokio::time::sleep(Duration::from_micros(random.next() % 2000)).await;
        }
        if spoiled > 0 && random.below(spoiled) < n {
            let place = random.below(n);
            bytes[place] ^= 1 << random.below(8);
        }
        if to.write_all(&bytes[..n]).await.is_err() {
            break;
        }
    }
    drop(to.shutdown().await);
}
