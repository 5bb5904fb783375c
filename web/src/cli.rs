//! The command line: reads what was typed, asks the server or works alone, prints the answer.
//!
//! # Map
//!
//! `args` is the command tree. `client` and `credential` reach a server; `console`, `table`, `language` and
//! `failure` talk to people and programs. One file per subject: `issue` (with `new_key`, `csr`, `delivery`),
//! `certs`, `dual`, `centre`, `issuers`, `ceremony`, `profiles`, `officers`, `ocsp`, `stamp`, `evidence`, `seal`,
//! `trust`, `convert`, `show`, `audit`, `system`, `mail`, `config`,
//! `root`, `systemd`, `error_code`. `file`, `pem`, `passphrase` and `shares` read and write what lies on this machine.

pub mod args;
mod audit;
mod batches;
mod centre;
mod ceremony;
mod certs;
mod client;
mod config;
mod console;
mod convert;
mod credential;
mod csr;
mod delivery;
mod desk;
mod dual;
mod error_code;
mod evidence;
mod failure;
mod file;
mod issue;
mod issuers;
pub mod language;
mod mail;
pub(crate) mod new_key;
mod ocsp;
mod officers;
mod offline;
mod passphrase;
pub(crate) mod pem;
mod profiles;
mod restore;
mod root;
mod seal;
mod shares;
mod show;
mod stamp;
mod start;
mod system;
mod systemd;
pub(crate) mod table;
#[cfg(test)]
pub(crate) mod test_pki;
mod trust;
mod verify;

use std::process::ExitCode;

use clap::Parser;

use args::{Cli, ClockCommand, Command, Global};
use console::Console;
use failure::Failure;

/// Runs the command line of this process. Exit status: see `yinxin --help`.
#[must_use]
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        // Programs get what programs can read; help and version are for people.
        Err(error) if error.use_stderr() && std::env::args_os().any(|word| word == "--json") => {
            let text = error.to_string();
            let why = text.trim_start_matches("error: ").split("\n\n").next().unwrap_or_default();
            let failure = Failure::Usage(failure::sentence(&why.replace('\n', " ")));
            Console::new(true).failed(&failure);
            return ExitCode::from(failure.exit());
        }
        Err(error) => error.exit(),
    };
    let console = Console::new(cli.global.json);
    if !matches!(cli.command, Some(Command::Worker { .. })) {
        // Nearly every command touches keys, passphrases or shares; the server says when it cannot be.
        let _ = crypto_pool::lock_memory();
    }
    match dispatch(&cli.global, console, cli.command.unwrap_or_default()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            console.failed(&failure);
            ExitCode::from(failure.exit())
        }
    }
}

fn dispatch(global: &Global, console: Console, command: Command) -> Result<(), Failure> {
    match command {
        Command::Up(args) => start::up(global, console, &args),
        Command::Serve(args) => start::serve(global, console, args),
        Command::Init(args) => start::init(global, console, &args),
        Command::Config(command) => system::config(global, console, &command),
        Command::Trust(command) => trust::run(global, console, command),
        Command::Verify(args) => verify::run(global, console, &args),
        Command::Convert(args) => convert::run(console, &args),
        Command::Show(args) if show::is_of_files(&args) => show::run(console, &args),
        Command::Worker { memory } => {
            eseal::workshop::work(memory).map_err(|error| Failure::Here(format!("The worker ended: {error}.")))
        }
        Command::Systemd(args) => systemd::run(global, console, &args),
        Command::Error { code } => error_code::run(console, code.as_deref()),
        other => tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|e| Failure::Here(format!("This process cannot wait for anything: {e}.")))?
            .block_on(with_server(global, console, other)),
    }
}

/// What asks a server.
async fn with_server(global: &Global, console: Console, command: Command) -> Result<(), Failure> {
    match command {
        Command::Issue(args) => issue::run(global, console, args).await,
        Command::Dual(command) => dual::run(global, console, command).await,
        Command::Centre(command) => centre::run(global, console, command).await,
        Command::Requests(args) => desk::requests(global, console, args).await,
        Command::Request(command) => desk::request(global, console, command).await,
        Command::Renew(args) => desk::renew(global, console, args).await,
        Command::Rekey(args) => desk::rekey(global, console, args).await,
        Command::Reissue(args) => desk::reissue(global, console, args).await,
        Command::RevokeAll(args) => desk::revoke_all(global, console, args).await,
        Command::Batch(command) => batches::batch(global, console, command).await,
        Command::Branch(command) => batches::branch(global, console, command).await,
        Command::Approve(args) => certs::approve(global, console, args).await,
        Command::Reject(args) => certs::reject(global, console, args).await,
        Command::Revoke(args) => certs::revoke(global, console, args).await,
        Command::Hold(args) => certs::suspend(global, console, "cert/hold", args).await,
        Command::Release(args) => certs::suspend(global, console, "cert/release", args).await,
        Command::List(args) => certs::list(global, console, args).await,
        Command::Show(args) => certs::show(global, console, &args).await,
        Command::Crl(args) => issuers::crl(global, console, args).await,
        Command::Issuers => issuers::list(global, console).await,
        Command::Ceremony(command) => ceremony::run(global, console, command).await,
        Command::Profile(command) => profiles::run(global, console, command).await,
        Command::Officer(command) => officers::run(global, console, command).await,
        Command::Claim(args) => officers::claim(global, console, args).await,
        Command::Stamp(args) => stamp::run(global, console, args).await,
        Command::Evidence(command) => evidence::run(global, console, command).await,
        Command::Seal(command) => seal::run(global, console, command).await,
        Command::Ocsp(command) => ocsp::run(global, console, command).await,
        Command::Audit(command) => audit::run(global, console, command).await,
        Command::Backup(args) => system::backup(global, console, args).await,
        Command::Unseal(args) => root::unseal(global, console, args).await,
        Command::Reshare(args) => root::reshare(global, console, args).await,
        Command::Root(command) => root::root(global, console, command).await,
        Command::Clock(ClockCommand::Accept { reason }) => system::accept_clock(global, console, reason).await,
        Command::Doctor => system::doctor(global, console).await,
        Command::Mail(command) => mail::run(global, console, command).await,
        Command::Status => system::status(global, console).await,
        Command::Restore(args) => restore::run(global, console, args).await,
        Command::Up(_)
        | Command::Serve(_)
        | Command::Init(_)
        | Command::Config(_)
        | Command::Trust(_)
        | Command::Convert(_)
        | Command::Verify(_)
        | Command::Systemd(_)
        | Command::Worker { .. }
        | Command::Error { .. } => Ok(()),
    }
}
