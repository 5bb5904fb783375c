//! The outer frame: magic, header, chunks, manifest, signature; and the digest over all but the last two.

use std::io::{self, Read, Write};

use crypto_pool::{PublicKey, SignatureAlgorithm};
use engine::sm3::Sm3;

use super::chunks::read_frame;
use super::error::BackupError;
use super::header::{Header, ReadHeader};
use super::{LONGEST_HEADER, LONGEST_MANIFEST, LONGEST_SIGNATURE, MAGIC, VERSION};

/// Hashes and counts what goes through, in either direction.
pub(super) struct Counted<I> {
    inner: I,
    hasher: Sm3,
    size: u64,
}

impl<I> Counted<I> {
    pub(super) fn new(inner: I) -> Self {
        Self { inner, hasher: Sm3::new(), size: 0 }
    }

    fn take_in(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
        self.size += bytes.len() as u64;
    }

    /// SM3 and number of the bytes so far.
    pub(super) fn so_far(&self) -> ([u8; 32], u64) {
        (self.hasher.clone().finalize(), self.size)
    }

    pub(super) fn into_inner(self) -> I {
        self.inner
    }
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.take_in(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(out)?;
        self.take_in(&out[..read]);
        Ok(read)
    }
}

/// The text that is signed. It begins with a letter, so that it is no DER.
pub(super) fn manifest(header: &Header, digest: &[u8; 32], size: u64) -> Vec<u8> {
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let Header { installation, setup, created, .. } = header;
    format!(
        "yinxin backup manifest, version 1\ninstallation {installation}\nsetup {setup}\ncreated {created}\n\
         size {size}\nsm3 {digest}\n"
    )
    .into_bytes()
}

/// Writes everything before the chunks.
pub(super) fn write_head(out: &mut impl Write, header: &[u8]) -> io::Result<()> {
    out.write_all(MAGIC)?;
    out.write_all(&VERSION.to_be_bytes())?;
    out.write_all(&u32::try_from(header.len()).map_err(io::Error::other)?.to_be_bytes())?;
    out.write_all(header)
}

/// Writes everything behind the chunks.
pub(super) fn write_tail(out: &mut impl Write, manifest: &[u8], signature: &[u8]) -> io::Result<()> {
    out.write_all(&u32::try_from(manifest.len()).map_err(io::Error::other)?.to_be_bytes())?;
    out.write_all(manifest)?;
    out.write_all(&u16::try_from(signature.len()).map_err(io::Error::other)?.to_be_bytes())?;
    out.write_all(signature)
}

fn exactly<const N: usize>(from: &mut impl Read) -> Result<[u8; N], BackupError> {
    let mut bytes = [0; N];
    from.read_exact(&mut bytes).map_err(|_| BackupError::Malformed("it breaks off"))?;
    Ok(bytes)
}

fn part(from: &mut impl Read, length: usize) -> Result<Vec<u8>, BackupError> {
    let mut bytes = vec![0; length];
    from.read_exact(&mut bytes).map_err(|_| BackupError::Malformed("it breaks off"))?;
    Ok(bytes)
}

/// Reads everything before the chunks.
pub(super) fn read_head(from: &mut impl Read) -> Result<ReadHeader, BackupError> {
    let mut magic = [0; 8];
    from.read_exact(&mut magic).map_err(|_| BackupError::NotABackup)?;
    if magic != *MAGIC {
        return Err(BackupError::NotABackup);
    }
    let version = u16::from_be_bytes(exactly(from)?);
    if version > VERSION {
        return Err(BackupError::Newer(version));
    }
    let length = u32::from_be_bytes(exactly(from)?) as usize;
    if version != VERSION || length > LONGEST_HEADER {
        return Err(BackupError::Malformed("the header is too long"));
    }
    Header::from_bytes(&part(from, length)?)
}

/// Reads the whole file without opening anything in it, and checks that its log's key signed just this.
pub(super) fn verify(from: impl Read) -> Result<ReadHeader, BackupError> {
    let mut from = Counted::new(from);
    let header = read_head(&mut from)?;
    let mut sealed = Vec::new();
    while !read_frame(&mut from, &mut sealed)? {}
    let (digest, size) = from.so_far();
    let length = u32::from_be_bytes(exactly(&mut from)?) as usize;
    if length > LONGEST_MANIFEST {
        return Err(BackupError::Malformed("the manifest is too long"));
    }
    let signed = part(&mut from, length)?;
    let length = usize::from(u16::from_be_bytes(exactly(&mut from)?));
    if length > LONGEST_SIGNATURE {
        return Err(BackupError::Malformed("the signature is too long"));
    }
    let signature = part(&mut from, length)?;
    if from.read(&mut [0]).map_err(BackupError::io("reading the backup"))? != 0 {
        return Err(BackupError::Malformed("something follows its end"));
    }
    if signed != manifest(&header.raw, &digest, size) {
        return Err(BackupError::Changed);
    }
    let key = PublicKey::from_spki(&header.raw.log_key.0).map_err(|_| BackupError::Signature)?;
    let genuine = key.verify(SignatureAlgorithm::Sm2Sm3, &signed, &signature);
    if genuine { Ok(header) } else { Err(BackupError::Signature) }
}
