//! The `yinxin` binary; everything it does is in `web::cli`.

use std::io::IsTerminal;
use std::process::ExitCode;

use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    // First of all: a core dump or a debugger would see the keys this process is going to hold.
    if let Err(e) = crypto_pool::harden_process() {
        eprintln!("The memory of this process cannot be protected: {e}. Nothing was started.");
        return ExitCode::FAILURE;
    }
    let level = std::env::var("YINXIN_LOG").ok().filter(|level| !level.is_empty()).unwrap_or_else(|| "warn".to_owned());
    match EnvFilter::try_new(&level) {
        Ok(filter) => tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_ansi(std::io::stderr().is_terminal())
            .with_writer(std::io::stderr)
            .init(),
        Err(_) => {
            eprintln!("YINXIN_LOG must be error, warn, info, debug or trace, not {level:?}.");
            return ExitCode::from(2);
        }
    }
    web::cli::run()
}
