//! Space kept back so that revocations and CRLs can still be written when the disk is full.
//!
//! The reserve is a preallocated file beside the database. While space is short, normal writes are
//! refused; when an essential one comes, the file is emptied and what it held is there for the
//! database. When space returns the file is filled again, and only then are normal writes taken.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{FallocateFlags, fallocate, fsync, ftruncate, statvfs};
use rustix::io::Errno;

/// How old an answer about free space may be.
const STALE: Duration = Duration::from_millis(200);

/// Least margin. Unit: bytes. Holds the WAL between two of its checkpoints.
const LEAST_MARGIN: u64 = 4 << 20;

/// How much room is left where the database lies.
pub trait FreeSpace: Send {
    /// Unit: bytes.
    ///
    /// # Errors
    /// The file system does not say; then it is taken to have room.
    fn free(&self) -> io::Result<u64>;
}

impl<F: Fn() -> u64 + Send> FreeSpace for F {
    fn free(&self) -> io::Result<u64> {
        Ok(self())
    }
}

/// What the file system says is free for this user.
#[derive(Debug)]
pub struct DiskSpace(PathBuf);

impl DiskSpace {
    /// Of the file system on which `file` lies or will lie.
    #[must_use]
    pub fn beside(file: &Path) -> Self {
        let directory = file.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Self(directory.to_owned())
    }
}

impl FreeSpace for DiskSpace {
    fn free(&self) -> io::Result<u64> {
        let stat = statvfs(&self.0)?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }
}

/// The reserve and what is known of free space.
pub(super) struct Reserve {
    path: PathBuf,
    /// Unit: bytes. 0 keeps nothing back and refuses nothing.
    size: u64,
    held: bool,
    space: Box<dyn FreeSpace>,
    free: u64,
    asked: Option<Instant>,
    /// That the reserve cannot be filled is told once.
    told: bool,
}

impl Reserve {
    pub(super) fn open(database: &Path, size: u64, space: Box<dyn FreeSpace>) -> Self {
        let mut path = database.as_os_str().to_owned();
        path.push(".reserve");
        let mut reserve =
            Self { path: path.into(), size, held: false, space, free: u64::MAX, asked: None, told: false };
        if size > 0 {
            reserve.held = reserve.is_filled();
            reserve.refill();
        }
        reserve
    }

    /// Whether normal writes may go on. If an `essential` write waits and space is short, empties the
    /// reserve first: its closure runs only once, so there must be room before it starts.
    pub(super) fn admit(&mut self, essential: bool) -> bool {
        if self.size == 0 {
            return true;
        }
        // An essential write is worth asking anew.
        self.ask(essential && self.held);
        if self.free < self.margin() {
            if essential && self.held {
                self.release();
            }
            return false;
        }
        if !self.held {
            self.refill();
        }
        self.held
    }

    /// SQLite found the disk full, whatever was known before.
    pub(super) fn met_full_disk(&mut self, essential: bool) {
        self.asked = None;
        if self.size > 0 && essential && self.held {
            self.release();
        }
    }

    fn margin(&self) -> u64 {
        (self.size / 4).max(LEAST_MARGIN)
    }

    fn ask(&mut self, anew: bool) {
        if !anew && self.asked.is_some_and(|at| at.elapsed() < STALE) {
            return;
        }
        self.asked = Some(Instant::now());
        self.free = self.space.free().unwrap_or_else(|error| {
            tracing::warn!(%error, "free space is unknown");
            u64::MAX
        });
    }

    fn release(&mut self) {
        match self.empty() {
            Ok(()) => tracing::warn!("the disk is full; the reserve is in use and only essential writes are taken"),
            Err(error) => tracing::error!(%error, "the reserve cannot be released"),
        }
        self.held = false;
        self.asked = None;
    }

    fn empty(&self) -> io::Result<()> {
        let file = OpenOptions::new().write(true).open(&self.path)?;
        Ok(ftruncate(&file, 0)?)
    }

    /// Fills the reserve if there is room for it and for going on.
    fn refill(&mut self) {
        if self.held {
            return;
        }
        self.ask(false);
        if self.free < self.size.saturating_add(self.margin().saturating_mul(2)) {
            return;
        }
        match self.fill() {
            Ok(()) => {
                tracing::info!("the reserve is filled");
                self.held = true;
                self.told = false;
            }
            Err(error) => {
                if !std::mem::replace(&mut self.told, true) {
                    tracing::warn!(%error, "the reserve cannot be filled; only essential writes are taken");
                }
                // What little it got goes back; the next try waits for the next look at free space.
                let _ = self.empty();
                self.free = 0;
            }
        }
    }

    fn fill(&self) -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&self.path)?;
        match fallocate(&file, FallocateFlags::empty(), 0, self.size) {
            Ok(()) => {}
            // Not every file system can; zeros take the space just as well.
            Err(Errno::OPNOTSUPP) => write_zeros(&mut file, self.size)?,
            Err(error) => return Err(error.into()),
        }
        Ok(fsync(&file)?)
    }

    /// Whether the file of an earlier run still holds all its space (a sparse file holds none).
    fn is_filled(&self) -> bool {
        // st_blocks counts units of 512 bytes on every file system (stat(2)).
        self.path.metadata().is_ok_and(|file| file.len() >= self.size && file.blocks() * 512 >= self.size)
    }
}

fn write_zeros(file: &mut File, mut left: u64) -> io::Result<()> {
    let zeros = [0; 65536];
    while left > 0 {
        let part = usize::try_from(left).unwrap_or(usize::MAX).min(zeros.len());
        file.write_all(&zeros[..part])?;
        left -= part as u64;
    }
    Ok(())
}
