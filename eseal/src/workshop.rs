//! The workshop: everything that reads strangers' documents and pictures is done here, in child processes that hold
//! no key, with limits on memory and time.
//!
//! A child (`yinxin worker`) does one job at a time, asked and answered through pipes (`workshop/frame.rs`). It is
//! replaced after so many jobs, and at once when it ends or takes too long: that fails the document it was working
//! on, and nothing else. Its environment is empty.

mod child;
mod frame;

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::Semaphore;

use crate::core::job::{self, Done, Job, Limits, Refused};
use frame::{Answered, Asked};

pub use child::work;

/// How the workshop works.
#[derive(Debug, Clone)]
pub struct WorkshopOptions {
    /// The program whose child processes do the work, and what it is told. `None`: no child processes, the work is done
    /// on threads of this process; for tests of what lies around it.
    pub program: Option<(PathBuf, Vec<OsString>)>,
    /// How many work at once.
    pub workers: usize,
    /// How many jobs may wait for one.
    pub queue: usize,
    /// How long a job may take.
    pub time: Duration,
    /// After how many jobs a child is replaced.
    pub jobs: u32,
    /// The bounds within which documents are read.
    pub limits: Limits,
}

/// Why a job was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failed {
    /// The document's fault, or what we cannot do with it.
    Refused(Refused),
    /// The document took more time or memory than allowed, or brought the program down.
    Limit,
    /// The program failed on it in a way it saw itself: a fault of ours.
    Broken(String),
    /// Too many are waiting; try again.
    Busy,
    /// No child process could be started.
    NoChild(String),
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(why) => write!(f, "{why:?}"),
            Self::Limit => f.write_str("it takes more time or memory than allowed"),
            Self::Broken(why) => write!(f, "the program failed on it: {why}"),
            Self::Busy => f.write_str("too many documents are waiting"),
            Self::NoChild(why) => write!(f, "no child process could be started: {why}"),
        }
    }
}

/// The workshop. Cheap to clone; its children end with the last clone.
#[derive(Clone)]
pub struct Workshop(Arc<Inner>);

struct Inner {
    options: WorkshopOptions,
    places: Semaphore,
    waiting: AtomicUsize,
    idle: Mutex<Vec<Running>>,
}

struct Running {
    // Ends the process when dropped.
    child: Child,
    input: ChildStdin,
    output: ChildStdout,
    jobs: u32,
}

impl Workshop {
    /// A workshop. Children are started when there is work.
    #[must_use]
    pub fn new(options: WorkshopOptions) -> Self {
        let places = Semaphore::new(options.workers.max(1));
        Self(Arc::new(Inner { options, places, waiting: AtomicUsize::new(0), idle: Mutex::default() }))
    }

    /// The bounds within which documents are read.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.0.options.limits
    }

    /// Does one job.
    ///
    /// # Errors
    /// [`Failed`]; whatever happens, other jobs are not touched.
    pub async fn run(&self, job: Job, document: impl AsRef<[u8]> + Send + Sync + 'static) -> Result<Done, Failed> {
        let inner = &self.0;
        if document.as_ref().len() > inner.options.limits.document {
            return Err(Failed::Refused(Refused::TooLarge("document".to_owned())));
        }
        let _waits = Waits::new(&inner.waiting, inner.options.queue)?;
        // Never closed.
        let _place = inner.places.acquire().await.map_err(|_| Failed::Busy)?;
        if inner.options.program.is_none() {
            return self.in_process(job, document).await;
        }
        let mut running = match self.take() {
            Some(running) => running,
            None => self.start()?,
        };
        // Dropped, and so ended, unless it answers.
        let answered = tokio::time::timeout(inner.options.time, self.ask(&mut running, job, document.as_ref())).await;
        let answered = match answered {
            Ok(Ok(answered)) => answered,
            Ok(Err(error)) => {
                tracing::warn!(%error, "a child process that read a document ended");
                return Err(Failed::Limit);
            }
            Err(_) => {
                tracing::warn!("a child process took too long over a document");
                return Err(Failed::Limit);
            }
        };
        running.jobs += 1;
        if running.jobs < inner.options.jobs {
            inner.idle.lock().unwrap_or_else(PoisonError::into_inner).push(running);
        }
        match answered {
            Answered::Done(done) => Ok(done),
            Answered::Refused(why) => Err(Failed::Refused(why)),
            Answered::Failed(why) => {
                tracing::error!(%why, "the program failed on a document");
                Err(Failed::Broken(why))
            }
        }
    }

    async fn in_process(&self, job: Job, document: impl AsRef<[u8]> + Send + Sync + 'static) -> Result<Done, Failed> {
        let limits = self.0.options.limits;
        let done = tokio::task::spawn_blocking(move || job::run(&job, document.as_ref(), &limits)).await;
        done.map_err(|panic| Failed::Broken(panic.to_string()))?.map_err(Failed::Refused)
    }

    /// An idle child that has not ended meanwhile.
    fn take(&self) -> Option<Running> {
        let mut idle = self.0.idle.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(mut running) = idle.pop() {
            if matches!(running.child.try_wait(), Ok(None)) {
                return Some(running);
            }
        }
        None
    }

    fn start(&self) -> Result<Running, Failed> {
        let Some((program, told)) = &self.0.options.program else { return Err(Failed::NoChild("none is set".into())) };
        let none = |what: &str| Failed::NoChild(what.to_owned());
        let mut child = Command::new(program)
            .args(told)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| Failed::NoChild(error.to_string()))?;
        let input = child.stdin.take().ok_or_else(|| none("it has no input"))?;
        let output = child.stdout.take().ok_or_else(|| none("it has no output"))?;
        Ok(Running { child, input, output, jobs: 0 })
    }

    async fn ask(&self, running: &mut Running, job: Job, document: &[u8]) -> std::io::Result<Answered> {
        let options = &self.0.options;
        let bad = |_| std::io::Error::from(std::io::ErrorKind::InvalidData);
        let asked = Asked { job, limits: options.limits, seconds: options.time.as_secs() };
        let asked = postcard::to_allocvec(&asked).map_err(bad)?;
        let head = frame::head(asked.len(), document.len());
        if document.len() <= 1 << 16 {
            running.input.write_all(&[&head[..], &asked, document].concat()).await?;
        } else {
            running.input.write_all(&[&head[..], &asked].concat()).await?;
            running.input.write_all(document).await?;
        }
        running.input.flush().await?;
        let length = running.output.read_u64().await?;
        // A prepared document is longer than it was by the seal; a picture of a page is bounded by its size.
        let most = options.limits.document as u64 * 2 + (256 << 20);
        if length > most {
            return Err(std::io::ErrorKind::InvalidData.into());
        }
        let mut answer = Vec::new();
        (&mut running.output).take(length).read_to_end(&mut answer).await?;
        postcard::from_bytes(&answer).map_err(bad)
    }

    /// The identifiers of the child processes that wait for work; for tests that end one.
    #[must_use]
    pub fn idle(&self) -> Vec<u32> {
        let idle = self.0.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.iter().filter_map(|running| running.child.id()).collect()
    }
}

impl fmt::Debug for Workshop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Workshop")
    }
}

/// One of those who wait or are worked for.
struct Waits<'a>(&'a AtomicUsize);

impl<'a> Waits<'a> {
    fn new(count: &'a AtomicUsize, most: usize) -> Result<Self, Failed> {
        let one = Self(count);
        if count.fetch_add(1, Ordering::AcqRel) < most { Ok(one) } else { Err(Failed::Busy) }
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests;
