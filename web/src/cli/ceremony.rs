//! Ceremonies: plans and answers that two persons agree on.
//!
//! What is typed to confirm is no secret but a code that both compared; it is read from standard input, so that nobody
//! confirms by calling an old line of the shell's history again.

use std::fmt::Write as _;
use std::io::BufRead as _;
use std::path::Path;

use ca::core::ceremony::plan::{LONGEST_PLAN, Plan};
use ca::core::ceremony::request::Request;
use ca::core::ceremony::{agreed, code};
use serde::Serialize;

use crate::api::Nothing;
use crate::api::ceremony::{
    CeremonyConfirm, CeremonyInfo, CeremonyList, CeremonyPropose, CeremonyRef, CeremonyReject, CeremonyRequest,
    CeremonyRequested, CrossList,
};
use crate::cli::args::{CeremonyCommand, Global, Sitting};
use crate::cli::client::Client;
use crate::cli::console::Console;
use crate::cli::failure::Failure;
use crate::cli::file;
use crate::cli::table::{Table, plain};

/// The largest request or answer that is read. Unit: bytes.
const LARGEST: usize = 256 * 1024;

/// A plan with every step, to begin from.
const EXAMPLE: &str = include_str!("ceremony/example.toml");

/// What `ceremony plan` says.
#[derive(Serialize)]
struct Planned {
    title: String,
    words: Vec<String>,
    code: String,
    request: Option<String>,
}

/// `yinxin ceremony`.
///
/// # Errors
/// The server refuses, or a file cannot be read or written.
pub async fn run(global: &Global, console: Console, command: CeremonyCommand) -> Result<(), Failure> {
    match command {
        CeremonyCommand::Example => crate::cli::console::write_out(EXAMPLE.as_bytes()),
        CeremonyCommand::Plan { plan, request, out } => {
            planned(global, console, &plan, request.as_deref(), out.as_deref()).await
        }
        CeremonyCommand::Sign { plan, request, sitting } => {
            let source = text(&plan, LONGEST_PLAN)?;
            let request = request.as_deref().map(|path| text(path, LARGEST)).transpose()?;
            sit(global, console, CeremonyPropose { source, request }, &sitting).await
        }
        CeremonyCommand::Import { response, sitting } => {
            let source = text(&response, LARGEST)?;
            sit(global, console, CeremonyPropose { source, request: None }, &sitting).await
        }
        CeremonyCommand::Confirm { ceremony, out } => {
            let client = Client::of(global)?;
            let found: CeremonyInfo = client.call("ceremony/show", &CeremonyRef { ceremony }).await?;
            confirm(&client, console, &found, &out).await
        }
        CeremonyCommand::Reject { ceremony, reason } => {
            let ask = CeremonyReject { ceremony, reason };
            let done: CeremonyInfo = Client::of(global)?.call("ceremony/reject", &ask).await?;
            console.answer(&done, || format!("Ceremony {} is rejected.", plain(&done.ceremony)))
        }
        CeremonyCommand::Cross => {
            let list: CrossList = Client::of(global)?.call("issuer/cross", &Nothing {}).await?;
            console.answer(&list, || {
                let mut table = Table::new(["DIRECTION", "OUR ISSUER", "LAST SECOND", "SHA-256", "OTHER"]);
                for one in &list.certificates {
                    let sha256 = one.sha256.get(..16).unwrap_or_default();
                    table.row([&one.direction, &one.issuer, &one.not_after, sha256, &one.other]);
                }
                table.to_string()
            })
        }
        CeremonyCommand::List => {
            let list: CeremonyList = Client::of(global)?.call("ceremony/list", &Nothing {}).await?;
            console.answer(&list, || {
                let mut table = Table::new(["CEREMONY", "STATE", "PUT FORWARD", "BY", "DECIDED BY", "TITLE"]);
                for one in &list.ceremonies {
                    let decider = one.decider.as_deref().unwrap_or("-");
                    table.row([&one.ceremony, &one.state, &one.proposed_at, &one.proposer, decider, &one.title]);
                }
                table.to_string()
            })
        }
        CeremonyCommand::Show { ceremony, out } => {
            let found: CeremonyInfo = Client::of(global)?.call("ceremony/show", &CeremonyRef { ceremony }).await?;
            let written = match &out {
                Some(out) => keep(&found, out)?,
                None => Vec::new(),
            };
            console.answer(&found, || {
                let page = found.transcript.as_deref().map(lines).unwrap_or_else(|| told(&found));
                format!("{page}\n{}", files(&written))
            })
        }
    }
}

fn text(path: &Path, limit: usize) -> Result<String, Failure> {
    String::from_utf8(file::read(path, limit)?)
        .map_err(|_| Failure::Here(format!("{} is not UTF-8.", plain(&path.display().to_string()))))
}

async fn planned(
    global: &Global,
    console: Console,
    plan: &Path,
    request: Option<&Path>,
    out: Option<&Path>,
) -> Result<(), Failure> {
    let source = text(plan, LONGEST_PLAN)?;
    let refuse = |why: ca::core::ceremony::BadCeremony| Failure::Here(format!("{}.", plain(&why.to_string())));
    let read = Plan::read(&source).map_err(refuse)?;
    let mut words = read.words();
    if let Some(out) = out {
        let made: CeremonyRequested =
            Client::of(global)?.call("ceremony/request", &CeremonyRequest { plan: source }).await?;
        file::write_new(out, made.request.as_bytes(), file::PUBLIC)?;
        return console.answer(&made, || {
            format!(
                "The request for {} is in {}.\nCode of the request            {}\nCode of plan and request       {}\n\
                 Carry the plan and the request to the machine with the root's key; compare the codes there.",
                plain(&made.issuers.join(", ")),
                plain(&out.display().to_string()),
                plain(&made.code),
                plain(&made.agreed),
            )
        });
    }
    let request = request.map(|path| text(path, LARGEST)).transpose()?;
    let request = request.as_deref().map(Request::read).transpose().map_err(refuse)?;
    if let Some(request) = &request {
        request.fits(&read).map_err(refuse)?;
        words.push(format!("The request comes from installation {}, made {}.", request.installation, request.made));
    }
    let digest = request.as_ref().map(|request| &request.digest);
    let planned = Planned {
        title: read.title.clone(),
        words,
        code: code(&agreed(&read.digest, digest)),
        request: digest.map(code),
    };
    console.answer(&planned, || {
        let mut page = format!("{}\n", plain(&planned.title));
        for (place, words) in planned.words.iter().enumerate() {
            let _ = writeln!(page, "  {}. {}", place + 1, plain(words));
        }
        let _ = write!(page, "Code: {}", planned.code);
        if read.certified().next().is_some() && planned.request.is_none() {
            page.push_str(
                "\nIt certifies an issuer of an online installation: make its request there with --out REQUEST.",
            );
        }
        page
    })
}

/// One person puts it forward; the other one, if here, confirms it.
async fn sit(global: &Global, console: Console, ask: CeremonyPropose, sitting: &Sitting) -> Result<(), Failure> {
    let second = match &sitting.second {
        Some(credential) => Some(Client::of(&Global { credential: Some(credential.clone()), ..global.clone() })?),
        None => None,
    };
    let proposed: CeremonyInfo = Client::of(global)?.call("ceremony/propose", &ask).await?;
    match second {
        Some(client) => confirm(&client, console, &proposed, &sitting.out).await,
        None => console.answer(&proposed, || {
            format!(
                "{}\nIt waits for another person: yinxin ceremony confirm {}",
                told(&proposed),
                plain(&proposed.ceremony)
            )
        }),
    }
}

/// Shows what it does, has the code typed, and keeps what comes of it.
async fn confirm(client: &Client, console: Console, found: &CeremonyInfo, out: &Path) -> Result<(), Failure> {
    console.hint(&told(found));
    console.hint("Type the code, as it was read aloud from the printed plan; an empty line stops here:");
    let mut typed = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut typed)
        .map_err(|why| Failure::Here(format!("The code could not be read: {why}.")))?;
    if typed.trim().is_empty() {
        return Err(Failure::Here(format!(
            "Nothing was done; it still waits: yinxin ceremony confirm {}",
            plain(&found.ceremony)
        )));
    }
    let ask = CeremonyConfirm { ceremony: found.ceremony.clone(), code: typed.trim().to_owned() };
    let work = client.call_long("ceremony/confirm", &ask);
    let done: CeremonyInfo = console.waiting("Carrying it out", work).await?;
    let written = keep(&done, out)?;
    console.answer(&done, || {
        let page = done.transcript.as_deref().map(lines).unwrap_or_default();
        format!("{page}\n{}", files(&written))
    })
}

/// Writes the answer and the transcript.
fn keep(done: &CeremonyInfo, out: &Path) -> Result<Vec<String>, Failure> {
    let short: String = done.ceremony.chars().filter(char::is_ascii_alphanumeric).take(8).collect();
    let mut written = Vec::new();
    for (what, content) in [("response.toml", &done.response), ("transcript.txt", &done.transcript)] {
        let Some(content) = content else { continue };
        let path = out.join(format!("ceremony-{short}-{what}"));
        file::write_new(&path, content.as_bytes(), file::PUBLIC)?;
        written.push(path.display().to_string());
    }
    Ok(written)
}

fn files(written: &[String]) -> String {
    written.iter().map(|path| format!("Written: {}\n", plain(path))).collect()
}

/// A text of several lines without what would disturb a terminal.
fn lines(text: &str) -> String {
    text.lines().map(|line| plain(line) + "\n").collect()
}

fn told(found: &CeremonyInfo) -> String {
    let mut page = format!("{} ({})\n", plain(&found.title), plain(&found.state));
    for (place, words) in found.words.iter().enumerate() {
        let _ = writeln!(page, "  {}. {}", place + 1, plain(words));
    }
    let _ = writeln!(page, "Put forward by {} at {}", plain(&found.proposer), plain(&found.proposed_at));
    if let Some(reason) = &found.reason {
        let _ = writeln!(page, "Why: {}", plain(reason));
    }
    let _ = write!(page, "Code: {}", plain(&found.code));
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_is_a_plan_with_every_step() {
        let plan = Plan::read(EXAMPLE).unwrap();
        assert_eq!(plan.steps.len(), 6, "the two that need somebody's certificate are comments");
        for step in ["root", "issuer", "certify", "roll", "revoke", "crl", "cross", "adopt"] {
            assert!(EXAMPLE.contains(&format!("do = \"{step}\"")), "{step}");
        }
    }
}
