//! `yinxin up`, `yinxin serve` and `yinxin init`.

use std::path::Path;

use crypto_pool::root_key::shares::Share;

use crate::app::FirstSeal;
use crate::cli::args::{Global, Init, ServeCommand, Up};
use crate::cli::console::Console;
use crate::cli::failure::Failure;
use crate::cli::language::Language;
use crate::cli::{config, passphrase, shares};
use crate::front::{self, FrontOptions, FrontService, FrontStarted, Suite};
use crate::up::{self, Started};

/// Starts the server, and serves until it is told to stop.
///
/// # Errors
/// One sentence; nothing was touched.
pub fn up(global: &Global, console: Console, args: &Up) -> Result<(), Failure> {
    local_only(global)?;
    let config = config::for_up(global, args)?;
    let ready = |started: &Started| {
        // What is told is for whoever typed it; the service does not depend on its being read.
        let _ = console.answer(started, || started.text(&program()));
    };
    up::run(&global.data_dir(), config, ready).map_err(|e| Failure::here(&e))
}

/// Runs one service's door, until it is told to stop.
///
/// # Errors
/// One sentence; nothing was touched.
pub fn serve(global: &Global, console: Console, args: ServeCommand) -> Result<(), Failure> {
    local_only(global)?;
    let (service, listen, suite) = match args {
        ServeCommand::Ocsp { listen, suite } => (FrontService::Ocsp, listen, suite),
        ServeCommand::Tsa { listen, suite } => (FrontService::Tsa, listen, suite),
    };
    let (config, _) = config::load(global)?;
    let suite = suite.map_or_else(|| Suite::Data(global.data_dir()), Suite::Socket);
    let options = FrontOptions { service, suite, listen, config };
    let ready = |started: &FrontStarted| {
        let _ = console.answer(started, || started.text());
    };
    front::run(options, ready).map_err(|e| Failure::here(&e))
}

/// Makes a production installation.
///
/// # Errors
/// One sentence; nothing was made.
pub fn init(global: &Global, console: Console, args: &Init) -> Result<(), Failure> {
    local_only(global)?;
    let told = Up { public_url: args.public_url.clone(), ..Up::default() };
    let config = config::for_up(global, &told)?;
    let prompt = "New passphrase of the root key (write it down; without it the keys are lost): ";
    let seal = match args.shares {
        Some(quorum) => {
            let out = shares::Out::choose(args.share_dir.as_deref(), &global.data_dir())?;
            let hand_out = move |all: &[Share]| out.hand_out(all).map_err(|failure| failure.to_text(Language::English));
            FirstSeal::Shares(quorum, Box::new(hand_out))
        }
        None => FirstSeal::Passphrase(passphrase::chosen(args.passphrase_file.as_deref(), prompt)?),
    };
    let started = up::init(&global.data_dir(), config, seal).map_err(|e| Failure::here(&e))?;
    console.answer(&started, || {
        let (program, data) = (program(), started.data.display());
        // The link that counts is made anew when the key is opened; this one would only confuse.
        let told = Started { link: None, ..started.clone() }.text(&program);
        format!(
            "{told}\nNext:\n  {program} --data {data} up\n  {program} --data {data} unseal\n  \
             {program} --data {data} claim {data}/admin-link.txt --out admin.pem\n"
        )
    })
}

/// These act on a data directory, never on a server elsewhere.
pub(super) fn local_only(global: &Global) -> Result<(), Failure> {
    if global.server.is_some() || global.credential.is_some() {
        return Err(Failure::Usage(
            "This works on a data directory of this machine, without --server and --as.".to_owned(),
        ));
    }
    Ok(())
}

/// How to call this program from a shell: by its name if the shell finds it so, else by its path.
fn program() -> String {
    let here = std::env::current_exe().unwrap_or_else(|_| "yinxin".into());
    let name = here.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let found = |folder: &Path| folder.join(&name).canonicalize().is_ok_and(|path| path == here);
    let path = std::env::var_os("PATH").unwrap_or_default();
    if std::env::split_paths(&path).any(|folder| found(&folder)) {
        return name;
    }
    let place = std::env::current_dir().ok();
    let short = place.and_then(|place| here.strip_prefix(place).map(Path::to_owned).ok());
    short.unwrap_or(here).display().to_string()
}
