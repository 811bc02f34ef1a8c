//! Byte buffers that a connection borrows from a pool of its thread only while they hold something: that is what makes
//! an idle connection cheap.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{BufMut, BytesMut};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::TcpStream;

/// How many bytes are asked of a socket at once. 64 to 256 KiB measure the same, 32 KiB costs more.
pub const READ: usize = 128 * 1024;
/// The largest plaintext of one TLS record (RFC 8446, 5.1).
pub const RECORD: usize = 16 * 1024;
/// What a sealed record can be longer than its plaintext, with room to spare for both TLS versions.
const RECORD_OVERHEAD: usize = 64;
/// Room for what TLS itself has to say beside the records of `READ` bytes: KeyUpdate answers, alerts.
const SPARE: usize = 4 * 1024;
/// The standard size of a [`Buf`]: a full read, sealed.
const SIZE: usize = READ + sealed_overhead(READ) + SPARE;
/// The standard size of decrypted bytes: a full read, and a record that did not fit.
const PLAIN: usize = READ + RECORD;
/// How many buffers of a kind a thread keeps.
const KEEP: usize = 32;

thread_local! {
    static RAW: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
    static SHARED: RefCell<Vec<BytesMut>> = const { RefCell::new(Vec::new()) };
}

/// How much longer `plain` bytes are when they are sealed in records.
pub const fn sealed_overhead(plain: usize) -> usize {
    (plain / RECORD + 1) * RECORD_OVERHEAD
}

/// Initialised memory with a filled part in the middle.
#[derive(Default)]
pub struct Buf {
    memory: Vec<u8>,
    start: usize,
    end: usize,
}

impl Buf {
    /// Borrows memory, if there is none, and makes sure that `room` bytes can be added.
    pub fn reserve(&mut self, room: usize) {
        if self.memory.len() < SIZE && self.len() + room <= SIZE && self.memory.len() - self.end < room {
            let mut memory = RAW.with_borrow_mut(Vec::pop).unwrap_or_else(|| vec![0; SIZE]);
            memory[..self.len()].copy_from_slice(self.filled());
            (self.start, self.end) = (0, self.len());
            self.memory = memory;
        }
        self.reserve_exactly(room);
    }

    /// Makes sure that `room` bytes can be added, with no more memory than that takes.
    pub fn reserve_exactly(&mut self, room: usize) {
        if self.memory.len() - self.end < room && self.start > 0 {
            self.memory.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        if self.memory.len() - self.end < room {
            self.memory.resize(self.end + room, 0);
        }
    }

    /// Gives the memory back when nothing is in it. Memory that had to grow is freed, not kept.
    pub fn release(&mut self) {
        if self.is_empty() && !self.memory.is_empty() {
            self.replace(Vec::new());
        }
    }

    /// Gives back what is not filled of the memory.
    pub fn shrink(&mut self) {
        if self.len() < self.memory.len() {
            self.replace(self.filled().to_vec());
        }
    }

    /// How many bytes of memory it has.
    pub fn memory(&self) -> usize {
        self.memory.len()
    }

    /// Has the filled part in other memory.
    fn replace(&mut self, filled: Vec<u8>) {
        (self.start, self.end) = (0, filled.len());
        let memory = std::mem::replace(&mut self.memory, filled);
        RAW.with_borrow_mut(|pool| {
            if memory.len() == SIZE && pool.len() < KEEP {
                pool.push(memory);
            }
        });
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// How many bytes are in it.
    pub fn len(&self) -> usize {
        self.end - self.start
    }

    /// The bytes in it.
    pub fn filled(&self) -> &[u8] {
        &self.memory[self.start..self.end]
    }

    /// The bytes in it, to be changed in place.
    pub fn filled_mut(&mut self) -> &mut [u8] {
        &mut self.memory[self.start..self.end]
    }

    /// The memory behind the bytes; what was written there is added with [`Buf::add`].
    pub fn space(&mut self) -> &mut [u8] {
        &mut self.memory[self.end..]
    }

    /// Counts `n` bytes of the space as filled.
    pub fn add(&mut self, n: usize) {
        self.end += n;
        debug_assert!(self.end <= self.memory.len());
    }

    /// Puts bytes behind those in it.
    pub fn put(&mut self, bytes: &[u8]) {
        self.reserve(bytes.len());
        self.space()[..bytes.len()].copy_from_slice(bytes);
        self.add(bytes.len());
    }

    /// As [`Buf::shrink`], if it holds no more than so many bytes.
    pub fn shrink_up_to(&mut self, most: usize) {
        if self.len() <= most {
            self.shrink();
        }
    }

    /// Drops the first `n` bytes.
    pub fn consume(&mut self, n: usize) {
        self.start += n;
        debug_assert!(self.start <= self.end);
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
    }
}

/// Where plaintext is put that has been read.
pub trait Plaintext {
    /// How many bytes are in it.
    fn length(&self) -> usize;
    /// Makes room for a record at least.
    fn make_room(&mut self);
    /// Puts bytes behind those in it.
    fn put(&mut self, bytes: &[u8]);
    /// Reads at most so many bytes from a socket; how many came, 0 at its end.
    fn poll_fill(
        &mut self,
        socket: &mut TcpStream,
        cx: &mut Context<'_>,
        most: usize,
    ) -> Poll<io::Result<usize>>;
}

impl Plaintext for Buf {
    fn length(&self) -> usize {
        self.len()
    }

    fn make_room(&mut self) {
        self.reserve(READ);
    }

    fn put(&mut self, bytes: &[u8]) {
        Self::put(self, bytes);
    }

    fn poll_fill(
        &mut self,
        socket: &mut TcpStream,
        cx: &mut Context<'_>,
        most: usize,
    ) -> Poll<io::Result<usize>> {
        poll_fill(socket, cx, self, most)
    }
}

impl Plaintext for BytesMut {
    fn length(&self) -> usize {
        self.len()
    }

    fn make_room(&mut self) {
        reserve_plain(self);
    }

    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }

    fn poll_fill(
        &mut self,
        socket: &mut TcpStream,
        cx: &mut Context<'_>,
        most: usize,
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(socket.poll_read_ready(cx))?;
            reserve_plain(self);
            match socket.try_read_buf(&mut (&mut *self).limit(most)) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                come => return Poll::Ready(come),
            }
        }
    }
}

/// Reads at most so many bytes behind those in `buf`, which borrows memory for them when there are some; how many came, 0 at the
/// socket's end.
pub fn poll_fill(
    socket: &mut TcpStream,
    cx: &mut Context<'_>,
    buf: &mut Buf,
    most: usize,
) -> Poll<io::Result<usize>> {
    // Most of the time there is nothing: borrowing memory for that and giving it back costs more than to ask.
    ready!(socket.poll_read_ready(cx))?;
    buf.reserve(READ);
    let space = buf.space();
    let most = most.min(space.len());
    let mut read = ReadBuf::new(&mut space[..most]);
    ready!(Pin::new(socket).poll_read(cx, &mut read))?;
    let come = read.filled().len();
    buf.add(come);
    Poll::Ready(Ok(come))
}

/// Makes room for a full read in `plain`, with memory of the pool if it has next to none.
pub fn reserve_plain(plain: &mut BytesMut) {
    if plain.len() <= RECORD && plain.capacity() - plain.len() < RECORD {
        let before = std::mem::replace(
            plain,
            SHARED.with_borrow_mut(Vec::pop).unwrap_or_else(|| BytesMut::with_capacity(PLAIN)),
        );
        plain.extend_from_slice(&before);
    }
}

/// Gives the memory of `plain` back when nothing is in it and nobody else holds a part of it.
pub fn release_plain(plain: &mut BytesMut) {
    if !plain.is_empty() || plain.capacity() == 0 {
        return;
    }
    // Takes the whole allocation back if no frame that was split off is alive; never allocates.
    if plain.try_reclaim(PLAIN) && plain.capacity() < 2 * PLAIN {
        let memory = std::mem::take(plain);
        SHARED.with_borrow_mut(|pool| {
            if pool.len() < KEEP {
                pool.push(memory);
            }
        });
    } else {
        *plain = BytesMut::new();
    }
}

/// Gives back what is not filled of the memory of `plain`.
pub fn shrink_plain(plain: &mut BytesMut) {
    if plain.len() < plain.capacity() {
        let mut before = std::mem::take(plain);
        *plain = BytesMut::from(&before[..]);
        before.clear();
        release_plain(&mut before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_stay_in_order_while_the_buffer_moves_and_grows() {
        let mut buf = Buf::default();
        buf.reserve(8);
        buf.space()[..8].copy_from_slice(b"abcdefgh");
        buf.add(8);
        buf.consume(6);
        buf.reserve(SIZE - 2);
        assert_eq!(buf.filled(), b"gh");
        buf.reserve(2 * SIZE);
        assert_eq!((buf.filled(), buf.len()), (&b"gh"[..], 2));
        buf.consume(2);
        buf.release();
        assert!(buf.is_empty());
    }

    #[test]
    fn memory_shrinks_to_what_is_in_it_and_grows_again() {
        let mut buf = Buf::default();
        buf.reserve_exactly(100);
        assert_eq!(buf.memory(), 100);
        buf.space()[..6].copy_from_slice(b"record");
        buf.add(6);
        buf.consume(2);
        buf.reserve(READ);
        assert_eq!((buf.filled(), buf.memory()), (&b"cord"[..], SIZE));
        let pooled = RAW.with_borrow(Vec::len);
        buf.shrink();
        assert_eq!((buf.filled(), buf.memory()), (&b"cord"[..], 4));
        assert_eq!(RAW.with_borrow(Vec::len), pooled + 1);
        buf.reserve_exactly(10);
        assert_eq!((buf.filled(), buf.memory()), (&b"cord"[..], 14));
        buf.reserve(3 * SIZE);
        assert_eq!(buf.filled(), b"cord");
        assert!(buf.space().len() >= 3 * SIZE);

        let mut plain = BytesMut::new();
        reserve_plain(&mut plain);
        plain.extend_from_slice(b"frame");
        shrink_plain(&mut plain);
        assert_eq!((&plain[..], plain.capacity()), (&b"frame"[..], 5));
    }

    #[test]
    fn plain_memory_comes_back_only_when_no_frame_holds_it() {
        let mut plain = BytesMut::new();
        reserve_plain(&mut plain);
        plain.extend_from_slice(b"frame");
        let frame = plain.split().freeze();
        release_plain(&mut plain);
        assert_eq!(SHARED.with_borrow(Vec::len), 0, "the frame still lives in that memory");
        drop(frame);

        reserve_plain(&mut plain);
        plain.extend_from_slice(b"frame");
        drop(plain.split().freeze());
        release_plain(&mut plain);
        assert_eq!(SHARED.with_borrow(Vec::len), 1);
        assert_eq!(plain.capacity(), 0);
    }
}
