//! `yinxin centre`: what the key centre keeps, and its recovery by two officers.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::api::centre::{
    CentreAsk, CentreDetail, CentreKey, CentreOrder, CentreOrderPage, CentreOrderRef, CentreOrders, CentrePage,
    CentreQuery, CentreRef, CentreRefuse, Recovered,
};
use crate::cli::args::{CentreCommand, CentreRecover, Global};
use crate::cli::client::Client;
use crate::cli::console::Console;
use crate::cli::failure::Failure;
use crate::cli::table::{Table, plain};
use crate::cli::{file, pem};

/// Runs it.
///
/// # Errors
/// The server refuses, or a file cannot be read or written.
pub async fn run(global: &Global, console: Console, command: CentreCommand) -> Result<(), Failure> {
    let client = Client::of(global)?;
    match command {
        CentreCommand::List(args) => {
            let query = CentreQuery { state: args.state, name: args.name, after: args.after, limit: Some(args.limit) };
            let page: CentrePage = client.call("centre/list", &query).await?;
            console.answer(&page, || keys_text(&page))
        }
        CentreCommand::Show { key } => {
            let detail: CentreDetail = client.call("centre/show", &CentreRef { key: key.to_string() }).await?;
            console.answer(&detail, || detail_text(&detail))
        }
        CentreCommand::Recover(args) => {
            let order: CentreOrder = client.call("centre/ask", &recovery(args)?).await?;
            console.answer(&order, || asked_text(&order))
        }
        CentreCommand::Destroy(args) => {
            let ask = CentreAsk {
                key: args.key.to_string(),
                aim: "destroy".to_owned(),
                certificate: None,
                reason: args.reason,
                ground: args.ground,
            };
            let order: CentreOrder = client.call("centre/ask", &ask).await?;
            console.answer(&order, || asked_text(&order))
        }
        CentreCommand::Orders(args) => {
            let query = CentreOrders { state: args.state, after: args.after, limit: Some(args.limit) };
            let page: CentreOrderPage = client.call("centre/orders", &query).await?;
            console.answer(&page, || orders_text(&page))
        }
        CentreCommand::Approve { order } => {
            let order: CentreOrder =
                client.call("centre/approve", &CentreOrderRef { order: order.to_string() }).await?;
            console.answer(&order, || {
                let next = match order.aim.as_str() {
                    "destroy" => "The archived key is destroyed.".to_owned(),
                    _ => format!("The key is in an envelope: yinxin centre envelope {} --out FILE", order.order),
                };
                format!("{}{next}", order_text(&order))
            })
        }
        CentreCommand::Refuse { order, reason } => {
            let ask = CentreRefuse { order: order.to_string(), reason };
            let order: CentreOrder = client.call("centre/refuse", &ask).await?;
            console.answer(&order, || order_text(&order))
        }
        CentreCommand::Envelope { order, out } => envelope(&client, console, order.to_string(), &out).await,
    }
}

fn recovery(args: CentreRecover) -> Result<CentreAsk, Failure> {
    let certificates = pem::certificates_in(&args.certificate)?;
    let first = certificates.first().ok_or_else(|| Failure::Usage("--for takes a certificate.".to_owned()))?;
    Ok(CentreAsk {
        key: args.key.to_string(),
        aim: if args.court { "court" } else { "holder" }.to_owned(),
        certificate: Some(BASE64.encode(first)),
        reason: args.reason,
        ground: args.ground,
    })
}

async fn envelope(client: &Client, console: Console, order: String, out: &Path) -> Result<(), Failure> {
    if out.symlink_metadata().is_ok() {
        return Err(Failure::Here(format!("{} exists already and is not overwritten.", out.display())));
    }
    let recovered: Recovered = client.call("centre/envelope", &CentreOrderRef { order }).await?;
    let der = BASE64.decode(&recovered.envelope);
    let der = der.map_err(|_| Failure::Here("The server's answer is no base64.".to_owned()))?;
    file::put_new(out, &der, file::PUBLIC)?;
    console.answer(&recovered, || {
        let out = plain(&out.display().to_string());
        format!(
            "{}Written to {out}. Its recipient opens it with: yinxin convert {out} --key KEY --to pem -o enc.pem",
            order_text(&recovered.order)
        )
    })
}

fn keys_text(page: &CentrePage) -> String {
    if page.keys.is_empty() {
        return "No key.".to_owned();
    }
    let mut table = Table::new(["KEY", "STATE", "CERTIFICATE", "RECOVERED", "NAME"]);
    for key in &page.keys {
        table.row([&key.key, &key.state, &key.serial, &key.recoveries.to_string(), &key.subject]);
    }
    let more = page.next.map(|next| format!("More with --after {next}.")).unwrap_or_default();
    format!("{table}{more}")
}

fn detail_text(detail: &CentreDetail) -> String {
    let CentreKey { key, state, subject, serial, sign_serial, requester, at, recoveries, .. } = &detail.line;
    let mut table = Table::pairs();
    table.row(["  state", state]);
    table.row(["  encryption certificate", serial]);
    table.row(["  signing certificate", sign_serial]);
    table.row(["  asked for by", requester]);
    table.row(["  made", at]);
    table.row(["  recovered", &format!("{recoveries} times")]);
    let orders: String = detail.orders.iter().map(order_text).collect();
    format!("Key {} of {}\n{table}{orders}", plain(key), plain(subject))
}

fn orders_text(page: &CentreOrderPage) -> String {
    if page.orders.is_empty() {
        return "No order.".to_owned();
    }
    let more = page.next.map(|next| format!("More with --after {next}.")).unwrap_or_default();
    page.orders.iter().map(order_text).collect::<String>() + &more
}

fn asked_text(order: &CentreOrder) -> String {
    format!("{}Another key officer decides: yinxin centre approve {}", order_text(order), order.order)
}

fn order_text(order: &CentreOrder) -> String {
    let mut table = Table::pairs();
    table.row(["  key", &order.key]);
    table.row(["  of", &order.subject]);
    if let (Some(recipient), Some(sm3)) = (&order.recipient, &order.recipient_sm3) {
        table.row(["  for", recipient]);
        table.row(["  certificate SM3", sm3]);
    }
    table.row(["  reason", &order.reason]);
    table.row(["  ground", &order.ground]);
    table.row(["  asked", &format!("{} {}", order.asked_at, order.asked_by)]);
    if let (Some(by), Some(at)) = (&order.decided_by, &order.decided_at) {
        table.row(["  decided", &format!("{at} {by}")]);
    }
    if let Some(refusal) = &order.refusal {
        table.row(["  refused", refusal]);
    }
    format!("Order {} ({}): {}\n{table}", plain(&order.order), plain(&order.aim), plain(&order.state))
}
