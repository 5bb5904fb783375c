//! The child process: reads jobs from its standard input until that ends.

use std::any::Any;
use std::io::{self, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};

use super::frame::{Answered, Asked, HEAD, LONGEST_JOB, lengths};
use crate::core::job;

/// Does jobs until the input ends. For `yinxin worker`, and nothing else: it limits the whole process to `memory`
/// bytes, takes away its right to make files, and lets it end by a signal when a job takes too much processor time.
///
/// # Errors
/// The pipes broke, the limits could not be set, or what was asked does not read; the process is to end then.
pub fn work(memory: u64) -> io::Result<()> {
    let fixed = |limit: u64| Rlimit { current: Some(limit), maximum: Some(limit) };
    setrlimit(Resource::As, fixed(memory))?;
    setrlimit(Resource::Fsize, fixed(0))?;
    setrlimit(Resource::Core, fixed(0))?;
    setrlimit(Resource::Nofile, fixed(64))?;
    let (mut input, mut output) = (io::stdin().lock(), io::stdout().lock());
    // Larger pipes make large documents faster; where the system says no, they are as they are.
    let _ = rustix::pipe::fcntl_setpipe_size(&input, 1 << 20);
    let _ = rustix::pipe::fcntl_setpipe_size(&output, 1 << 20);
    // What goes wrong is told in the answer, not written to the operator's terminal.
    std::panic::set_hook(Box::new(|_| {}));
    let (mut request, mut document) = (Vec::new(), Vec::new());
    loop {
        let mut head = [0; HEAD];
        match input.read_exact(&mut head) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            other => other?,
        }
        let (job, length) = lengths(head);
        if job > LONGEST_JOB {
            return Err(io::ErrorKind::InvalidData.into());
        }
        take(&mut input, job, &mut request)?;
        take(&mut input, length, &mut document)?;
        let asked: Asked = postcard::from_bytes(&request).map_err(|_| io::ErrorKind::InvalidData)?;
        limit_time(asked.seconds)?;
        let answer = match catch_unwind(AssertUnwindSafe(|| job::run(&asked.job, &document, &asked.limits))) {
            Ok(Ok(done)) => Answered::Done(done),
            Ok(Err(why)) => Answered::Refused(why),
            Err(panic) => Answered::Failed(said(&*panic)),
        };
        let answer = postcard::to_allocvec(&answer).map_err(|_| io::ErrorKind::InvalidData)?;
        output.write_all(&[&(answer.len() as u64).to_be_bytes()[..], &answer].concat())?;
        output.flush()?;
        // One large document does not make the process large for ever.
        if document.capacity() > 4 << 20 {
            document = Vec::new();
        }
    }
}

fn take(input: &mut impl Read, length: usize, into: &mut Vec<u8>) -> io::Result<()> {
    into.clear();
    into.try_reserve_exact(length).map_err(|_| io::ErrorKind::OutOfMemory)?;
    let read = input.by_ref().take(length as u64).read_to_end(into)?;
    if read == length { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

/// Lets the system end this process once it has used so much more processor time: what outlives its parent does not
/// run for ever.
fn limit_time(seconds: u64) -> io::Result<()> {
    let used = u64::try_from(clock_gettime(ClockId::ProcessCPUTime).tv_sec).unwrap_or(0);
    let maximum = getrlimit(Resource::Cpu).maximum;
    let current = used.saturating_add(seconds).saturating_add(1);
    let current = maximum.map_or(current, |most| current.min(most));
    Ok(setrlimit(Resource::Cpu, Rlimit { current: Some(current), maximum })?)
}

fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("it panicked").chars().take(300).collect()
}
