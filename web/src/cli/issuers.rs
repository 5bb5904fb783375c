//! Issuing authorities and their CRLs.

use ca::core::crl::List;
use serde::Serialize;

use crate::api::{CrlInfo, IssuerInfo, IssuerList, IssuerRef, Nothing};
use crate::cli::args::{Crl, Global};
use crate::cli::client::Client;
use crate::cli::console::Console;
use crate::cli::failure::Failure;
use crate::cli::file;
use crate::cli::table::{Table, plain};

/// `yinxin issuers`.
///
/// # Errors
/// The server refuses.
pub async fn list(global: &Global, console: Console) -> Result<(), Failure> {
    let list: IssuerList = Client::of(global)?.call("issuer/list", &Nothing {}).await?;
    console.answer(&list, || {
        let mut table = Table::new(["ISSUER", "UNDER", "STATE", "KEY", "LAST SECOND", "CRL", "SUBJECT"]);
        for issuer in &list.issuers {
            let under = issuer.parent.as_deref().unwrap_or("-");
            let crl =
                issuer.crl.as_ref().map_or("-".to_owned(), |crl| format!("{} to {}", crl.number, crl.next_update));
            let state = match &issuer.successor {
                Some(successor) => format!("{}, now {successor}", issuer.state),
                None => issuer.state.clone(),
            };
            table.row([&issuer.issuer, under, &state, &issuer.algorithm, &issuer.not_after, &crl, &issuer.subject]);
        }
        table.to_string()
    })
}

/// `yinxin crl`: publishes one now, or fetches the newest.
///
/// # Errors
/// The server refuses, or the published file cannot be fetched or written.
pub async fn crl(global: &Global, console: Console, args: Crl) -> Result<(), Failure> {
    let client = Client::of(global)?;
    let ask = IssuerRef { issuer: args.issuer.to_string() };
    let Some(out) = args.out else {
        let crl: CrlInfo = client.call_long("issuer/crl", &ask).await?;
        return console.answer(&crl, || format!("Published {}", text(&crl)));
    };
    let issuer: IssuerInfo = client.call("issuer/show", &ask).await?;
    let Some(crl) = issuer.crl else {
        return Err(Failure::Here(format!(
            "{} has published no CRL yet; `yinxin crl {}` publishes one.",
            args.issuer, args.issuer
        )));
    };
    let full = args.shard.and_then(List::shard).unwrap_or(List::WHOLE);
    let list = if args.delta { full.delta() } else { full };
    let name = list.file_name(&args.issuer);
    let bytes = console.waiting("Fetching the CRL", client.published(&format!("/crl/{name}"))).await?;
    file::write_new(&out, &bytes, file::PUBLIC)?;
    let out = plain(&out.display().to_string());
    if list != List::WHOLE {
        let fetched = Fetched { list: name, file: out };
        return console.answer(&fetched, || format!("Fetched {} into {}", fetched.list, fetched.file));
    }
    console.answer(&crl, || format!("Fetched {}\n  in {out}", text(&crl)))
}

/// What `yinxin crl --out` prints of a share or delta.
#[derive(Serialize)]
struct Fetched {
    list: String,
    file: String,
}

fn text(crl: &CrlInfo) -> String {
    format!(
        "CRL {} of {}: {} {}, good until {}\n  {}",
        crl.number,
        plain(&crl.issuer),
        crl.entries,
        if crl.entries == 1 { "entry" } else { "entries" },
        plain(&crl.next_update),
        plain(&crl.url)
    )
}
