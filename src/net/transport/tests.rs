use std::io::{Read, Write};

use tokio::net::TcpListener;

use super::*;

/// More than sockets take at once, in pieces of many lengths.
fn pieces() -> (VecDeque<Bytes>, Vec<u8>) {
    let pieces: VecDeque<Bytes> =
        (0..200_usize).map(|i| vec![i as u8; (i * 7919) % 100_000].into()).collect();
    let whole = pieces.iter().flat_map(|piece| piece.to_vec()).collect();
    (pieces, whole)
}

async fn sockets() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let there = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    (there, listener.accept().await.unwrap().0)
}

async fn write(transport: &mut Transport, mut pieces: VecDeque<Bytes>) {
    poll_fn(|cx| {
        transport.poll_write_pieces(cx, &mut pieces).unwrap();
        match pieces.is_empty() && transport.unwritten() == 0 {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    })
    .await;
}

#[tokio::test]
async fn plaintext_comes_as_it_was_sent_and_then_the_end() {
    let (pieces, whole) = pieces();
    let (there, here) = sockets().await;
    let (mut writer, mut reader) = (Transport::plaintext(there), Transport::plaintext(here));
    let writing = async {
        write(&mut writer, pieces).await;
        writer.send(b"last").unwrap();
        writer.close().await;
    };
    let reading = async {
        let mut come = BytesMut::new();
        let mut all = Vec::new();
        while !reader.is_ended() {
            reader.read(&mut come, READ).await.unwrap();
            all.extend_from_slice(&come.split());
        }
        reader.close().await;
        all
    };
    let ((), all) = tokio::join!(writing, reading);
    assert!(all == [&whole[..], b"last"].concat());
}

#[tokio::test]
async fn over_tls_it_is_the_same() {
    let (pieces, whole) = pieces();
    let (client, tls) = crate::net::tls::tests::pair(true);
    let (there, here) = sockets().await;
    let length = whole.len();
    let peer = tokio::task::spawn_blocking(move || {
        let there = there.into_std().unwrap();
        there.set_nonblocking(false).unwrap();
        let mut stream = rustls::StreamOwned::new(client, there);
        stream.write_all(b"hello").unwrap();
        let mut all = vec![0; length];
        stream.read_exact(&mut all).unwrap();
        assert_eq!(stream.read(&mut [0; 8]).unwrap(), 0, "close_notify is the end");
        all
    });
    let mut transport = Transport::tls(here, tls);
    let mut plain = BytesMut::new();
    loop {
        transport.read_handshake(2048).await.unwrap();
        let is_done = transport.open_handshake(&mut plain).unwrap();
        transport.write_all().await.unwrap();
        if is_done {
            break;
        }
    }
    while plain.len() < 5 {
        transport.read(&mut plain, READ).await.unwrap();
    }
    assert_eq!(&plain[..], b"hello");
    write(&mut transport, pieces).await;
    transport.close().await;
    assert!(peer.await.unwrap() == whole);
}
