//! The content as sealed chunks: a writer that seals, a reader that opens, neither holding more than one chunk.

use std::io::{self, Read, Write};

use engine::sm4::{Gcm, NONCE_LENGTH, TAG_LENGTH};
use zeroize::Zeroizing;

use super::error::BackupError;

/// Longest text of a chunk. Unit: bytes.
pub(super) const CHUNK: usize = 64 << 10;
/// In the length of a chunk: it is the last.
const LAST: u32 = 1 << 31;

/// What binds a chunk to its file, place and end.
fn bound(header: &[u8; 32], number: u64, last: bool) -> ([u8; NONCE_LENGTH], [u8; 41]) {
    let (mut nonce, mut aad) = ([0; NONCE_LENGTH], [0; 41]);
    nonce[4..].copy_from_slice(&number.to_be_bytes());
    aad[..32].copy_from_slice(header);
    aad[32..40].copy_from_slice(&number.to_be_bytes());
    aad[40] = u8::from(last);
    (nonce, aad)
}

/// Seals what is written to it. [`ChunkWriter::finish`] writes the last chunk; without it the file does not open.
pub(super) struct ChunkWriter<W> {
    inner: W,
    cipher: Gcm,
    header: [u8; 32],
    number: u64,
    text: Zeroizing<Vec<u8>>,
}

impl<W: Write> ChunkWriter<W> {
    pub(super) fn new(inner: W, key: &[u8; 16], header: [u8; 32]) -> Self {
        // The room is taken at once: a growing vector would leave copies of what it held.
        Self { inner, cipher: Gcm::new(key), header, number: 0, text: Zeroizing::new(Vec::with_capacity(CHUNK)) }
    }

    fn seal(&mut self, last: bool) -> io::Result<()> {
        let (nonce, aad) = bound(&self.header, self.number, last);
        let sealed = self.cipher.seal(&nonce, &aad, &self.text);
        let length = u32::try_from(sealed.len()).map_err(io::Error::other)?;
        self.inner.write_all(&(if last { length | LAST } else { length }).to_be_bytes())?;
        self.inner.write_all(&sealed)?;
        self.text.clear();
        self.number += 1;
        Ok(())
    }

    pub(super) fn finish(mut self) -> io::Result<W> {
        self.seal(true)?;
        Ok(self.inner)
    }
}

impl<W: Write> Write for ChunkWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A full chunk is sealed only when more follows: then it is known not to be the last.
        if self.text.len() == CHUNK && !bytes.is_empty() {
            self.seal(false)?;
        }
        let taken = bytes.len().min(CHUNK - self.text.len());
        self.text.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Reads the frame of one chunk into `sealed`; whether it is the last.
pub(super) fn read_frame(from: &mut impl Read, sealed: &mut Vec<u8>) -> Result<bool, BackupError> {
    let mut length = [0; 4];
    from.read_exact(&mut length).map_err(|_| BackupError::Malformed("it breaks off"))?;
    let length = u32::from_be_bytes(length);
    let (last, length) = (length & LAST != 0, (length & !LAST) as usize);
    // Every chunk but the last is full.
    let fits = if last { (TAG_LENGTH..=CHUNK + TAG_LENGTH).contains(&length) } else { length == CHUNK + TAG_LENGTH };
    if !fits {
        return Err(BackupError::Malformed("a chunk has an impossible length"));
    }
    sealed.resize(length, 0);
    from.read_exact(sealed).map_err(|_| BackupError::Malformed("it breaks off"))?;
    Ok(last)
}

/// Opens chunk after chunk.
pub(super) struct ChunkReader<R> {
    inner: R,
    cipher: Gcm,
    header: [u8; 32],
    number: u64,
    sealed: Vec<u8>,
    text: Zeroizing<Vec<u8>>,
    read: usize,
    ended: bool,
}

impl<R: Read> ChunkReader<R> {
    pub(super) fn new(inner: R, key: &[u8; 16], header: [u8; 32]) -> Self {
        let text = Zeroizing::new(Vec::new());
        Self { inner, cipher: Gcm::new(key), header, number: 0, sealed: Vec::new(), text, read: 0, ended: false }
    }

    /// Fills `out`.
    pub(super) fn exactly(&mut self, mut out: &mut [u8]) -> Result<(), BackupError> {
        while !out.is_empty() {
            let part = self.some(out.len())?;
            if part.is_empty() {
                return Err(BackupError::Malformed("its content ends early"));
            }
            let (now, later) = out.split_at_mut(part.len());
            now.copy_from_slice(part);
            out = later;
        }
        Ok(())
    }

    /// The next bytes, at least one and at most `most`; none at the end.
    pub(super) fn some(&mut self, most: usize) -> Result<&[u8], BackupError> {
        while self.read == self.text.len() {
            if self.ended {
                return Ok(&[]);
            }
            let last = read_frame(&mut self.inner, &mut self.sealed)?;
            let (nonce, aad) = bound(&self.header, self.number, last);
            self.text = self.cipher.open(&nonce, &aad, &self.sealed).map_err(|_| BackupError::Changed)?;
            (self.read, self.ended) = (0, last);
            self.number += 1;
        }
        let end = self.text.len().min(self.read.saturating_add(most));
        let start = std::mem::replace(&mut self.read, end);
        Ok(&self.text[start..end])
    }
}
