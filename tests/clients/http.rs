//! Plain keep-alive HTTP/1.1, as little of it as one program can do with: one request at a time on a connection.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

/// A kept connection.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    filled: usize,
    waits: bool,
}

/// An answer: its head as text, and its body.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Reply {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (this, value) = line.split_once(':')?;
            this.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }
}

impl Connection {
    /// To `HOST:PORT`.
    pub fn open(address: &str) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Self { stream, buffer: vec![0; 32 * 1024], filled: 0, waits: true }
    }

    /// From now on [`Connection::try_skip`] does not wait.
    pub fn do_not_wait(&mut self) {
        self.stream.set_nonblocking(true).unwrap();
        self.waits = false;
    }

    /// Sends a whole request.
    pub fn send(&mut self, request: &[u8]) -> std::io::Result<()> {
        self.stream.write_all(request)
    }

    /// Waits for a whole answer and throws it away: its status and the length of its body.
    pub fn skip(&mut self) -> std::io::Result<(u16, usize)> {
        let (head, body) = self.fill()?;
        let status = status(&self.buffer);
        self.filled -= head + body;
        self.buffer.copy_within(head + body..head + body + self.filled, 0);
        Ok((status, body))
    }

    /// As [`Connection::skip`] if an answer is there already, without waiting for the first of its bytes.
    pub fn try_skip(&mut self) -> std::io::Result<Option<(u16, usize)>> {
        if self.filled == 0 {
            match self.stream.read(&mut self.buffer) {
                Ok(0) => return Err(std::io::ErrorKind::UnexpectedEof.into()),
                Ok(n) => self.filled = n,
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return Ok(None),
                Err(error) => return Err(error),
            }
        }
        self.skip().map(Some)
    }

    /// Waits for a whole answer.
    pub fn receive(&mut self) -> std::io::Result<Reply> {
        let (head, body) = self.fill()?;
        let text = String::from_utf8_lossy(&self.buffer[..head]).into_owned();
        let reply = Reply { status: status(&self.buffer), head: text, body: self.buffer[head..head + body].to_vec() };
        self.filled -= head + body;
        self.buffer.copy_within(head + body..head + body + self.filled, 0);
        Ok(reply)
    }

    /// Reads until one answer is whole; gives the lengths of its head and body.
    fn fill(&mut self) -> std::io::Result<(usize, usize)> {
        loop {
            if let Some(end) = find(&self.buffer[..self.filled], b"\r\n\r\n") {
                let head = end + 4;
                let body = content_length(&self.buffer[..head]);
                if self.buffer.len() < head + body {
                    self.buffer.resize(head + body, 0);
                }
                if self.filled >= head + body {
                    return Ok((head, body));
                }
            }
            match self.stream.read(&mut self.buffer[self.filled..]) {
                Ok(0) => return Err(std::io::ErrorKind::UnexpectedEof.into()),
                Ok(n) => self.filled += n,
                // The rest of an answer is never far. (One that waits says the same when its patience is over.)
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock && !self.waits => std::hint::spin_loop(),
                Err(error) => return Err(error),
            }
        }
    }
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}

fn status(head: &[u8]) -> u16 {
    head.get(9..12).and_then(|code| std::str::from_utf8(code).ok()).and_then(|code| code.parse().ok()).unwrap_or(0)
}

fn content_length(head: &[u8]) -> usize {
    let place = find(head, b"ontent-length: ").or_else(|| find(head, b"ontent-Length: "));
    let digits = place.map(|place| head[place + 15..].iter().take_while(|byte| byte.is_ascii_digit()));
    digits.map_or(0, |digits| digits.fold(0, |sum, digit| sum * 10 + usize::from(digit - b'0')))
}

/// The bytes of a POST of an OCSP question.
pub fn post(path: &str, question: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: ocsp.test\r\nContent-Type: application/ocsp-request\r\nContent-Length: {}\r\n\r\n",
        question.len()
    );
    [head.as_bytes(), question].concat()
}

/// The bytes of a GET.
pub fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: ocsp.test\r\n\r\n").into_bytes()
}
