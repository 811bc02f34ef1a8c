//! A plaintext broker that answers and keeps nothing: the cheapest peer that a proxy can have.
//!
//! It knows four APIs. Produce and Fetch are answered from frames made beforehand; their bodies are skipped as
//! they come in. Any other API closes the connection, so that a proxy that asks for more is noticed at once.

use crate::frames::{self, FETCH, PRODUCE};
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const API_VERSIONS: i16 = 18;
const METADATA: i16 = 3;

/// Bytes of a frame that must be there before it can be told apart: length, key, version, correlation id.
const HEAD: usize = 12;

/// Listens on a free loopback port and serves until the runtime ends. Must run inside a `LocalSet`.
pub(crate) async fn start(answers: Rc<frames::Answers>) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::task::spawn_local(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let answers = answers.clone();
            tokio::task::spawn_local(async move {
                // A proxy that closes in the middle of something is the scenario's business, not the sink's.
                let _ = serve(stream, &answers).await;
            });
        }
    });
    Ok(address)
}

async fn serve(mut stream: TcpStream, answers: &frames::Answers) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut incoming = Vec::new();
    let mut out = Vec::new();
    let mut skip = 0;
    loop {
        // An idle connection holds no buffer: the sink shares its process with the load generator.
        if incoming.is_empty() {
            incoming = Vec::new();
            stream.readable().await?;
            incoming.reserve(128 * 1024);
        }
        if stream.read_buf(&mut incoming).await? == 0 {
            return Ok(());
        }
        let mut at = 0;
        loop {
            let rest = &incoming[at..];
            let skipped = skip.min(rest.len());
            skip -= skipped;
            at += skipped;
            let Some(head) = incoming[at..].first_chunk::<HEAD>() else { break };
            let length = 4 + u32::from_be_bytes([head[0], head[1], head[2], head[3]]) as usize;
            let key = i16::from_be_bytes([head[4], head[5]]);
            let version = i16::from_be_bytes([head[6], head[7]]);
            let correlation = [head[8], head[9], head[10], head[11]];
            match key {
                PRODUCE => frames::append(&mut out, &answers.produce, correlation),
                FETCH => frames::append(&mut out, &answers.fetch, correlation),
                API_VERSIONS => frames::append(&mut out, &answers.api_versions(version)?, correlation),
                METADATA => frames::append(&mut out, &answers.metadata(version)?, correlation),
                _ => return Err(io::Error::other(format!("the sink does not know API key {key}"))),
            }
            skip = length;
        }
        incoming.drain(..at);
        if !out.is_empty() {
            stream.write_all(&out).await?;
            out.clear();
        }
        out.shrink_to(4096);
    }
}
