//! `yinxin mail`.

use crate::api::mail::{MailTest, MailTested};
use crate::cli::args::{Global, MailCommand};
use crate::cli::client::Client;
use crate::cli::console::Console;
use crate::cli::failure::Failure;
use crate::cli::table::plain;

/// `yinxin mail test`.
///
/// # Errors
/// No mail server is configured, or it does not take the letter; the sentence says why.
pub async fn run(global: &Global, console: Console, command: MailCommand) -> Result<(), Failure> {
    let MailCommand::Test { to } = command;
    let client = Client::of(global)?;
    let sent: MailTested =
        console.waiting("Sending a letter…", client.call_long("system/mail-test", &MailTest { to })).await?;
    console.answer(&sent, || {
        let (server, from, to) = (plain(&sent.server), plain(&sent.from), plain(&sent.to));
        format!("{server} took a letter from {from} to {to}.")
    })
}
