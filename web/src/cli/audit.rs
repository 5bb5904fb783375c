//! The audit log: verify, prove, export, checkpoint.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Serialize;

use crate::api::audit::{AuditFound, AuditSearch};
use crate::api::{AuditExport, AuditPage, AuditProof, AuditProofs, AuditReport, AuditVerify, CheckpointInfo, Nothing};
use crate::cli::args::{AuditCommand, ExportArgs, Global, ProofArgs, SearchArgs};
use crate::cli::certs::serial_of;
use crate::cli::client::Client;
use crate::cli::console::Console;
use crate::cli::failure::Failure;
use crate::cli::table::{Table, plain};
use crate::cli::{file, offline};

/// Largest file of checkpoints. Unit: bytes. A year of one a second has some 8 GB; rotate before.
const LARGEST_CHECKPOINTS: usize = 1024 * 1024 * 1024;
/// Entries of one page of an export.
const PAGE: u32 = 1000;

/// `yinxin audit`.
///
/// # Errors
/// The server refuses, or the log is not good.
pub async fn run(global: &Global, console: Console, command: AuditCommand) -> Result<(), Failure> {
    match command {
        AuditCommand::Verify { expect } => verify(global, console, expect.as_deref()).await,
        AuditCommand::Search(args) => search(global, console, args).await,
        AuditCommand::Proof(args) => proof(global, console, args).await,
        AuditCommand::Export(args) => export(global, console, args).await,
        AuditCommand::Checkpoint { out } => checkpoint(global, console, out.as_deref()).await,
    }
}

async fn verify(global: &Global, console: Console, expect: Option<&Path>) -> Result<(), Failure> {
    let expect = expect.map(expected_checkpoint).transpose()?;
    let client = Client::of(global)?;
    let work = async {
        if client.answers().await {
            client.call_long("audit/verify", &AuditVerify { expect }).await
        } else {
            offline::verify(&global.data_dir(), expect.as_deref()).await
        }
    };
    let report: AuditReport = console.waiting("Checking the audit log", work).await?;
    console.answer(&report, || report_text(&report))?;
    if report.ok { Ok(()) } else { Err(Failure::NotGood) }
}

fn report_text(report: &AuditReport) -> String {
    let checked =
        format!("{} entries, {} rows, {} checkpoints checked", report.entries, report.rows, report.checkpoints);
    if report.ok {
        return format!("The audit log is whole: {checked}.");
    }
    let mut text = format!("The audit log is NOT whole: {checked}.");
    for finding in &report.findings {
        text.push_str("\n- ");
        text.push_str(&plain(finding));
    }
    text
}

/// The newest checkpoint of a file: its last line of base64, or what `audit checkpoint` wrote.
///
/// # Errors
/// The file cannot be read or holds no checkpoint.
pub fn expected_checkpoint(path: &Path) -> Result<String, Failure> {
    let bytes = file::read(path, LARGEST_CHECKPOINTS)?;
    newest(&bytes).ok_or_else(|| Failure::Here(format!("{} holds no checkpoint.", path.display())))
}

fn newest(bytes: &[u8]) -> Option<String> {
    if let Ok(info) = serde_json::from_slice::<CheckpointInfo>(bytes) {
        return Some(info.checkpoint);
    }
    // A line without its end was cut by a crash of whoever wrote it; the one before is whole.
    let whole = &bytes[..=bytes.iter().rposition(|b| *b == b'\n')?];
    let line = whole.split(|b| *b == b'\n').rev().map(<[u8]>::trim_ascii).find(|line| !line.is_empty())?;
    let der = BASE64.decode(line).ok()?;
    // A SEQUENCE; whether it is a checkpoint of this log is for the check itself to say.
    (der.first() == Some(&0x30)).then(|| BASE64.encode(der))
}

async fn search(global: &Global, console: Console, args: SearchArgs) -> Result<(), Failure> {
    let ask = AuditSearch {
        since: args.since,
        until: args.until,
        event: args.event,
        person: args.person,
        object: args.object,
        outcome: args.outcome,
        after: args.after,
        limit: Some(args.limit),
    };
    let found: AuditFound = Client::of(global)?.call("audit/search", &ask).await?;
    console.answer(&found, || found_text(&found))
}

fn found_text(found: &AuditFound) -> String {
    let mut table = Table::new(["NO", "TIME", "EVENT", "OBJECT", "OUTCOME", "PERSON"]);
    for entry in &found.entries {
        let number = entry.seq.to_string();
        table.row([number.as_str(), &entry.at, &entry.event, &entry.object, &entry.outcome, &entry.person]);
    }
    let mut text = if found.entries.is_empty() { "No entry fits.".to_owned() } else { table.to_string() };
    if let Some(next) = found.next {
        // A page that found nothing may still have more to look at.
        text.truncate(text.trim_end().len());
        text.push_str(&format!("\nOlder entries: the same with --after {next}"));
    }
    text
}

async fn proof(global: &Global, console: Console, args: ProofArgs) -> Result<(), Failure> {
    let serial = args.certificate.as_deref().map(serial_of).transpose()?.map(|serial| serial.to_string());
    let ask = AuditProof { seq: args.seq, serial, since: args.since };
    let proofs: AuditProofs = Client::of(global)?.call("audit/proof", &ask).await?;
    // A proof is for programs: people, too, get it as JSON, to keep it.
    console.answer(&proofs, || serde_json::to_string_pretty(&proofs).unwrap_or_default())
}

async fn checkpoint(global: &Global, console: Console, out: Option<&Path>) -> Result<(), Failure> {
    let info: CheckpointInfo = Client::of(global)?.call("audit/checkpoint", &Nothing {}).await?;
    if let Some(out) = out {
        file::write_new(out, format!("{}\n", info.checkpoint).as_bytes(), file::PUBLIC)?;
    }
    console.answer(&info, || format!("{} entries at {}\n  root {}", info.size, plain(&info.time), plain(&info.root)))
}

/// Answer of `audit export --out`.
#[derive(Serialize)]
struct Exported<'a> {
    file: &'a str,
    entries: u64,
}

async fn export(global: &Global, console: Console, args: ExportArgs) -> Result<(), Failure> {
    let client = Client::of(global)?;
    let Some(out) = &args.out else {
        // The lines themselves are the answer, with and without --json.
        let mut stdout = std::io::stdout().lock();
        pages(&client, args.from, &mut stdout).await.map(drop)?;
        return Ok(());
    };
    let mut file = BufWriter::new(file::create_new(out, file::SECRET)?);
    let work = async {
        let entries = pages(&client, args.from, &mut file).await?;
        file.flush().and_then(|()| file.get_ref().sync_all()).map_err(|e| Failure::file(out, &e))?;
        Ok(entries)
    };
    match console.waiting("Exporting", work).await {
        Ok(entries) => {
            let name = out.display().to_string();
            console.answer(&Exported { file: &name, entries }, || format!("{entries} entries in {}", plain(&name)))
        }
        Err(failure) => {
            let _: Result<File, _> = file.into_inner();
            let _ = std::fs::remove_file(out);
            Err(failure)
        }
    }
}

/// Writes entries from `from` on, one JSON object a line, and tells how many.
async fn pages(client: &Client, from: u64, out: &mut impl Write) -> Result<u64, Failure> {
    let mut ask = AuditExport { from, limit: Some(PAGE) };
    let mut written = 0;
    loop {
        let page: AuditPage = client.call("audit/export", &ask).await?;
        for entry in &page.entries {
            let line = serde_json::to_string(entry).map_err(|e| Failure::Here(format!("An entry is no JSON: {e}.")))?;
            match writeln!(out, "{line}") {
                Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => return Ok(written),
                other => other.map_err(|e| Failure::Here(format!("The export cannot be written: {e}.")))?,
            }
            written += 1;
        }
        match page.next {
            // Going backwards would go on for ever.
            Some(next) if next > ask.from => ask.from = next,
            _ => return Ok(written),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_whole_line_of_a_checkpoint_file_is_the_newest() {
        assert_eq!(newest(b"MAA=\nMAEB\n").as_deref(), Some("MAEB"));
        assert_eq!(newest(b"MAA=\r\n\n").as_deref(), Some("MAA="));
        assert_eq!(newest(b"MAA=\nMAE").as_deref(), Some("MAA="), "the last line was cut");
    }

    #[test]
    fn what_audit_checkpoint_printed_as_json_is_taken() {
        let json = r#"{"size":3,"root":"AB","time":"2026-01-01T00:00:00Z","checkpoint":"MAA="}"#;
        assert_eq!(newest(json.as_bytes()).as_deref(), Some("MAA="));
    }

    #[test]
    fn a_file_without_a_checkpoint_is_refused() {
        for bytes in [&b""[..], b"\n", b"hello\n", b"AAAA\n", b"MAA=", b"{}"] {
            assert_eq!(newest(bytes), None);
        }
    }

    #[test]
    fn a_page_of_entries_says_how_to_go_on() {
        let entry = crate::api::audit::AuditEntry {
            seq: 41,
            at: "2026-11-21T08:00:00Z".into(),
            tenant: "house".into(),
            person: "owner".into(),
            role: "administrator".into(),
            channel: "socket".into(),
            event: "cert.issued".into(),
            object: "ec-issuing/4F".into(),
            outcome: "done".into(),
        };
        let text = found_text(&AuditFound { entries: vec![entry], next: Some(41) });
        assert!(text.contains("cert.issued") && text.ends_with("--after 41"), "{text}");
        assert_eq!(found_text(&AuditFound { entries: vec![], next: None }), "No entry fits.");
    }

    #[test]
    fn each_finding_has_a_line() {
        let report = AuditReport {
            ok: false,
            entries: 2,
            rows: 1,
            checkpoints: 1,
            findings: vec!["entry 1".into(), "row x".into()],
        };
        assert!(report_text(&report).ends_with("\n- entry 1\n- row x"));
    }
}
