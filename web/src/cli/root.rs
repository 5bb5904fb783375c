//! The root key: unsealing, new keepers, another root key.

use crypto_pool::root_key::shares::{MOST_SHARES, Share};

use crate::api::{
    Nothing, RootAsk, RootAsked, RootConfirm, RootInfo, RootReseal, RootResealed, RootRotate, RootRotated,
    SystemStatus, Unseal,
};
use crate::cli::args::{Global, Opening, Reshare, RootCommand, Rotate, To};
use crate::cli::client::Client;
use crate::cli::console::Console;
use crate::cli::failure::Failure;
use crate::cli::table::{Table, plain};
use crate::cli::{passphrase, shares, system};

/// `yinxin unseal`.
///
/// # Errors
/// The passphrase or a share is wrong, or the server refuses.
pub async fn unseal(global: &Global, console: Console, args: Opening) -> Result<(), Failure> {
    let client = Client::of(global)?;
    let ask = opening(&client, &args, false).await?;
    let status: SystemStatus = client.call("system/unseal", &ask).await?;
    console.answer(&status, || match &status.unsealing {
        Some(shares) => format!(
            "{} of {} shares given; the others must follow within 15 minutes of the first.",
            shares.given, shares.needed
        ),
        None => system::status_text(&status),
    })
}

/// What was given in files, or is asked for as the server says it needs it.
async fn opening(client: &Client, args: &Opening, all: bool) -> Result<Unseal, Failure> {
    if !args.share_file.is_empty() {
        return Ok(of_shares(&shares::from_files(&args.share_file)?));
    }
    let typed = args.passphrase_file.is_none();
    let info: Option<RootInfo> = if typed { client.call("root/show", &Nothing {}).await.ok() } else { None };
    let quorum = info.as_ref().and_then(|info| info.shares.as_deref());
    if let Some(quorum) = quorum {
        // Never more than open it, and all of those when they cannot come one after another.
        let needed = quorum.split('-').next().and_then(|needed| needed.parse().ok()).unwrap_or(MOST_SHARES);
        let given = shares::typed(needed)?;
        if given.is_empty() || (all && given.len() < usize::from(needed)) {
            return Err(Failure::Usage(format!("{needed} shares are needed; nothing was done.")));
        }
        return Ok(of_shares(&given));
    }
    let passphrase = passphrase::existing(args.passphrase_file.as_deref(), "Passphrase of the root key: ")?;
    Ok(Unseal { passphrase: Some(passphrase.to_string()), shares: Vec::new() })
}

fn of_shares(given: &[Share]) -> Unseal {
    Unseal { passphrase: None, shares: given.iter().map(|share| share.to_text().to_string()).collect() }
}

/// `yinxin reshare`.
///
/// # Errors
/// Another officer must ask first; what is given opens nothing; the shares cannot be handed out. Then the old seal
/// counts.
pub async fn reshare(global: &Global, console: Console, args: Reshare) -> Result<(), Failure> {
    let client = Client::of(global)?;
    // Asked before anything secret is typed.
    let asked: RootAsked = client.call("root/ask", &RootAsk { change: "reseal".to_owned() }).await?;
    if !asked.ready {
        return console.answer(&asked, || waits(&asked));
    }
    let (shares, passphrase, out) = match args.to {
        To::Shares(quorum) => {
            let out = shares::Out::choose(args.to_dir.as_deref(), &global.data_dir())?;
            (Some(quorum.to_string()), None, Some(out))
        }
        To::Passphrase => {
            let file = args.to_passphrase_file.as_deref();
            let new = passphrase::chosen(file, "New passphrase of the root key (without it the keys are lost): ")?;
            (None, Some(new.to_string()), None)
        }
    };
    let ask = RootReseal { opening: opening(&client, &args.opening, true).await?, shares, passphrase };
    let resealed: RootResealed = client.call("root/reseal", &ask).await?;
    let info: RootInfo = match (&resealed.confirm, out) {
        (Some(confirm), Some(out)) => {
            let read = resealed.shares.iter().map(|text| Share::parse(text)).collect::<Result<Vec<_>, _>>();
            let read = read.map_err(|why| Failure::Here(format!("The server's answer holds no shares: {why}.")))?;
            // Kept first, then counted: interrupted in between, the old ones open it.
            out.hand_out(&read)?;
            let ask = RootConfirm { confirm: confirm.clone() };
            client.call("root/confirm", &ask).await.inspect_err(|_| {
                console.hint(
                    "Whether the new shares count is not known: `yinxin root show` tells the generation that does.",
                );
            })?
        }
        _ => client.call("root/show", &Nothing {}).await?,
    };
    console.answer(&info, || {
        format!("Sealed anew. What opened it before opens nothing but backups made before.\n{}", text(&info))
    })
}

/// `yinxin root`.
///
/// # Errors
/// The server refuses.
pub async fn root(global: &Global, console: Console, command: RootCommand) -> Result<(), Failure> {
    let client = Client::of(global)?;
    match command {
        RootCommand::Show => {
            let info: RootInfo = client.call("root/show", &Nothing {}).await?;
            console.answer(&info, || text(&info))
        }
        RootCommand::Ask { change } => {
            let asked: RootAsked = client.call("root/ask", &RootAsk { change }).await?;
            console.answer(&asked, || waits(&asked))
        }
        RootCommand::Rotate(args) => rotate(&client, console, args).await,
    }
}

async fn rotate(client: &Client, console: Console, args: Rotate) -> Result<(), Failure> {
    let asked: RootAsked = client.call("root/ask", &RootAsk { change: "rotate".to_owned() }).await?;
    if !asked.ready {
        return console.answer(&asked, || waits(&asked));
    }
    let info: RootInfo = client.call("root/show", &Nothing {}).await?;
    let in_file = info.sealed_by == "file";
    let opening = if in_file { Unseal::default() } else { opening(client, &args.opening, true).await? };
    let ask = RootRotate { opening };
    let work = client.call_long("root/rotate", &ask);
    let done: RootRotated = console.waiting("Wrapping every key anew", work).await?;
    console.answer(&done, || {
        let keep = if in_file {
            "\nKeep the new root.key where the old one was kept, beside it for older backups."
        } else {
            ""
        };
        format!("The root key is another one; {} keys were wrapped anew.{keep}", done.wrapped)
    })
}

fn waits(asked: &RootAsked) -> String {
    let command = if asked.change == "rotate" { "yinxin root rotate" } else { "yinxin reshare" };
    let by = plain(&asked.by);
    if asked.ready {
        format!("{by} asked for it; run `{command}` before {}.", asked.until)
    } else {
        format!("Noted for {by}. Another officer carries it out with `{command}` before {}.", asked.until)
    }
}

fn text(info: &RootInfo) -> String {
    let mut table = Table::pairs();
    table.row(["  sealed by", &plain(&info.sealed_by)]);
    if let Some(shares) = &info.shares {
        table.row(["  shares", &plain(shares)]);
    }
    if let Some(generation) = info.generation {
        table.row(["  generation", &generation.to_string()]);
    }
    if info.replacing {
        table.row(["  replacement", "interrupted; run: yinxin root rotate"]);
    }
    if let Some(asked) = &info.asked {
        let words = format!("{}, by {}, until {}", plain(&asked.change), plain(&asked.by), asked.until);
        table.row(["  asked for", &words]);
    }
    table.to_string()
}
