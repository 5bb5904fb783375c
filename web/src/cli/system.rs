//! The installation: how it does, the clock, backups, configuration.

use crate::api::{AcceptClock, BackupAsk, BackupInfo, Check, DoctorReport, Nothing, SystemStatus};
use crate::cli::args::{self, Global};
use crate::cli::client::Client;
use crate::cli::config;
use crate::cli::console::Console;
use crate::cli::failure::Failure;
use crate::cli::passphrase;
use crate::cli::table::{Table, plain};

/// `yinxin status`.
///
/// # Errors
/// No server answers, or it is not well.
pub async fn status(global: &Global, console: Console) -> Result<(), Failure> {
    let client = Client::of(global)?;
    let status: SystemStatus = match client.call("system/status", &Nothing {}).await {
        // Some roles may not see details; everybody may see what the public sees.
        Err(failure) if failure.code() == Some("FORBIDDEN") => client.health().await?,
        other => other?,
    };
    console.answer(&status, || status_text(&status))?;
    if status.state == "ok" { Ok(()) } else { Err(Failure::NotGood) }
}

pub(super) fn status_text(status: &SystemStatus) -> String {
    let head = format!(
        "{} {}: {}, version {}",
        plain(&status.installation),
        plain(&status.setup),
        plain(&status.state),
        plain(&status.version)
    );
    format!("{head}\n{}", checks(&status.checks))
}

fn checks(checks: &[Check]) -> String {
    let mut table = Table::bare(3);
    for check in checks {
        table.row([if check.ok { "pass" } else { "FAIL" }, &check.name, &check.detail]);
    }
    table.to_string()
}

/// `yinxin doctor`.
///
/// # Errors
/// No server answers, or a check fails.
pub async fn doctor(global: &Global, console: Console) -> Result<(), Failure> {
    let client = Client::of(global)?;
    let report: DoctorReport =
        console.waiting("Issuing, verifying, revoking…", client.call_long("system/doctor", &Nothing {})).await?;
    console.answer(&report, || {
        let verdict = if report.ok { "Everything works." } else { "Something does not work." };
        format!("{}{verdict}", checks(&report.checks))
    })?;
    if report.ok { Ok(()) } else { Err(Failure::NotGood) }
}

/// `yinxin clock accept`.
///
/// # Errors
/// The server refuses.
pub async fn accept_clock(global: &Global, console: Console, reason: String) -> Result<(), Failure> {
    let status: SystemStatus = Client::of(global)?.call("system/accept-clock", &AcceptClock { reason }).await?;
    console.answer(&status, || status_text(&status))
}

/// `yinxin backup`.
///
/// # Errors
/// The server refuses or cannot write the file.
pub async fn backup(global: &Global, console: Console, args: args::Backup) -> Result<(), Failure> {
    let client = Client::of(global)?;
    let passphrase = if args.ask_passphrase || args.passphrase_file.is_some() {
        Some(passphrase::chosen(args.passphrase_file.as_deref(), "Passphrase for the backup: ")?.to_string())
    } else {
        None
    };
    let file = std::path::absolute(&args.file).map_err(|e| Failure::file(&args.file, &e))?;
    let file = file.to_str().ok_or_else(|| Failure::Usage("The file's name is not UTF-8.".to_owned()))?.to_owned();
    let with_passphrase = passphrase.is_some();
    let ask = BackupAsk { file, passphrase };
    let info: BackupInfo = console.waiting("Writing the backup", client.call_long("system/backup", &ask)).await?;
    console.answer(&info, || {
        let mut table = Table::pairs();
        table.row(["  file", &info.file]);
        table.row(["  size", &format!("{} bytes", info.size)]);
        table.row(["  log", &format!("{} entries, root {}", info.entries, info.root)]);
        let opens = if with_passphrase { "the root key or the passphrase" } else { "the root key only" };
        let lacking = "The trial's root key is not inside: keep root.key as well, somewhere else.";
        format!("Backup written; it opens with {opens}\n{table}{}", if info.complete { "" } else { lacking })
    })
}

/// `yinxin config`.
///
/// # Errors
/// The configuration is not sound; the sentence names the key.
pub fn config(global: &Global, console: Console, command: &args::ConfigCommand) -> Result<(), Failure> {
    let (config, file) = config::load(global)?;
    console.answer(&config, || match command {
        args::ConfigCommand::Check => match &file {
            Some(file) => format!("{} is sound.", plain(&file.display().to_string())),
            None => "There is no configuration file; the defaults are sound.".to_owned(),
        },
        args::ConfigCommand::Show => config::to_toml(&config),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_check_stands_out() {
        let check = |name: &str, ok| Check { name: name.to_owned(), ok, detail: "seen".to_owned() };
        assert_eq!(checks(&[check("issue", true), check("verify", false)]), "pass  issue   seen\nFAIL  verify  seen\n");
    }
}
